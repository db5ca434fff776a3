//! What came of a term as a table that people can read: who, when, which step, because of which days, who has to do what by
//! when, and who is told.

use std::fmt::Write as _;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use upprop::calendar::Calendar;
use upprop::ladder::duty::Hours;
use upprop::ladder::{Allowed, Became, Happened, Ladder};

use super::world::calendar;

/// The day at whose end something is to be done.
fn due(found: Date, by_day: bool, allowed: Allowed, calendar: &Calendar) -> Date {
    let zone = TimeZone::get("Europe/Stockholm").expect("a zone");
    let ends = Time::constant(16, 0, 0, 0);
    let hours = Hours { zone: &zone, calendar: Some(calendar), day_ends: ends };
    let time = if by_day { Time::constant(8, 30, 0, 0) } else { ends };
    let from = zone.to_timestamp(found.to_datetime(time)).expect("a time");
    hours.day_of(hours.due(allowed, from))
}

/// The word of a role, as ladders write it.
fn role(role: upprop::model::StaffRole) -> String {
    serde_json::to_value(role).expect("a word").as_str().expect("a text").to_owned()
}

/// One line of the table.
fn line(pupil: &str, ladder: &Ladder, one: &Happened) -> String {
    let step = ladder.step(&one.step).expect("a step of the ladder");
    if one.became == Became::Retracted {
        return format!("{pupil}  {}  {} TAKEN BACK", one.on, one.step);
    }
    let mut because: Vec<String> =
        one.because.iter().map(|day| day.strftime("%d/%m").to_string()).collect();
    if because.len() > 6 {
        let left_out = because.len() - 5;
        because.splice(1..=left_out, [format!("({left_out} more)")]);
    }
    let mut out = format!("{pupil}  {}  {}  because {}", one.on, one.step, because.join(" "));
    let when = if one.by_day { "" } else { " [evening]" };
    out.push_str(when);
    for duty in &step.duties {
        let due = due(one.on, one.by_day, duty.due, &calendar());
        let _ = write!(out, "\n        {} {} by {due}", role(duty.owner), duty.id);
    }
    for notify in &step.notify {
        let _ = write!(out, "\n        {} is told", role(notify.role));
    }
    out
}

/// The whole table. `all`: what happened to each pupil, in order.
pub fn table(ladder: &Ladder, all: &[(String, Vec<Happened>)]) -> String {
    let mut out = String::new();
    let mut counts: Vec<(String, usize, usize)> =
        ladder.steps.iter().map(|step| (step.id.clone(), 0, 0)).collect();
    let mut lines = String::new();
    for (pupil, happened) in all {
        for one in happened {
            let _ = writeln!(lines, "{}", line(pupil, ladder, one));
            let count = counts.iter_mut().find(|(step, ..)| *step == one.step).expect("a step");
            match one.became {
                Became::Reached => count.1 += 1,
                Became::Retracted => count.2 += 1,
            }
        }
    }
    let _ = writeln!(out, "{}: what came of the autumn term 2026, 300 made-up pupils", ladder.name);
    for (step, reached, back) in counts {
        let _ = writeln!(out, "  {step}: reached {reached} times, {back} taken back");
    }
    out.push('\n');
    out.push_str(&lines);
    out
}
