//! `upprop why --lesson`: the register of one lesson, and what was decided about it, in words.

use std::fmt::Write as _;

use super::why::{When, at_line, at_message, short, zone};
use crate::model::Stood;
use crate::operate::registers::{AtPlan, AtRegister, WhyLesson};

/// The document in words.
pub fn told(why: &WhyLesson) -> String {
    let mut out = String::new();
    if why.schools.is_empty() {
        return format!(
            "Nothing is known of lesson {}: no schedule has named it, and no register of it was begun. Check the \
             id.\n",
            why.lesson
        );
    }
    for school in &why.schools {
        at_register(&mut out, school, why);
    }
    out
}

fn at_register(out: &mut String, r: &AtRegister, why: &WhyLesson) {
    let zone = zone(&r.zone);
    let day = r.start.to_zoned_datetime(zone.clone()).date();
    let when = When { zone, day: Some(day) };
    let label = r.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
    let _ = writeln!(
        out,
        "Lesson {}{label} {day} {}–{}, school {} (times in {})",
        why.lesson,
        short(r.start, &when),
        short(r.end, &when),
        r.school,
        r.zone
    );
    let _ = writeln!(out, "  planned   {}", planned(r.planned.as_ref()));
    let begun = match (r.begun_at, r.closed_at) {
        (None, None) => "not begun".to_owned(),
        (Some(at), None) => format!("begun {}", short(at, &when)),
        (None, Some(at)) => format!("closed {}", short(at, &when)),
        (Some(at), Some(end)) => {
            format!("begun {}, closed {}", short(at, &when), short(end, &when))
        }
    };
    let stood = match r.stood {
        None => String::new(),
        Some(Stood::InTime) => "; taken in time".into(),
        Some(Stood::Late) => "; taken late".into(),
        Some(Stood::Untaken) => "; not taken when the lesson was over".into(),
    };
    let _ = writeln!(out, "  register  {begun}{stood}");
    if let Some(at) = r.look_at {
        let _ = writeln!(out, "  looked at next {}", short(at, &when));
    }
    if let Some(at) = r.digest_at {
        let _ = writeln!(out, "  left for the digest of {}", short(at, &when));
    }
    let _ = writeln!(out, "\nHeard and decided");
    if r.trail.is_empty() {
        let _ = writeln!(out, "  nothing yet");
    }
    for line in &r.trail {
        at_line(out, line, &when);
    }
    if !r.messages.is_empty() {
        let _ = writeln!(out, "\nNotices");
    }
    for message in &r.messages {
        at_message(out, message, &when);
    }
}

fn planned(plan: Option<&AtPlan>) -> String {
    let Some(plan) = plan else { return "by no schedule, or that is not kept any more".into() };
    if plan.cancelled {
        return "cancelled".into();
    }
    if !plan.registered {
        return "attendance is not registered".into();
    }
    let more = if plan.also > 0 { format!(", {} besides", plan.also) } else { String::new() };
    let less = if plan.except > 0 { format!(", {} not", plan.except) } else { String::new() };
    format!("teachers {}; groups {}{more}{less}", list(&plan.teachers), list(&plan.groups))
}

fn list<T: ToString>(all: &[T]) -> String {
    if all.is_empty() {
        return "nobody named".into();
    }
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
