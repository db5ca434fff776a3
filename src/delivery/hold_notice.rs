//! What the mail to the team says of a hold. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::hold_facts::{HeldNow, HeldPart};
use crate::directory::School;
use crate::message::hold::{HoldFacts, HoldLesson};
use crate::model::{Clock24, Exceeded, Hold, HoldScope, Usual, local_date};

/// Most classes at lessons that are named.
const NAMED: usize = 40;

/// The facts of a hold.
pub(super) fn facts(school: &School, hold: &Hold, seen: &HeldNow, now: Timestamp) -> HoldFacts {
    let today = local_date(now, &school.zone);
    let clock = |at: Timestamp| Clock24::of(at, &school.zone).to_string();
    let (scope, classes, source) = match &hold.scope {
        HoldScope::Classes(classes) => ("classes", joined(classes), String::new()),
        HoldScope::School => ("school", String::new(), String::new()),
        HoldScope::Source(source) => ("source", String::new(), source.to_string()),
    };
    let (why, limit) = match hold.why {
        Exceeded::Class(percent) => ("class", u32::from(percent)),
        Exceeded::School(percent) => ("school", u32::from(percent)),
        Exceeded::Source(percent) => ("source", u32::from(percent)),
        Exceeded::Usual(times) => ("usual", times),
    };
    let lesson = |part: &HeldPart| HoldLesson {
        class: part.class.clone().unwrap_or_default(),
        lesson: part.label.clone().unwrap_or_else(|| part.lesson.to_string()),
        start: clock(part.start),
        counted: part.pupils,
        of: part.of.unwrap_or(0),
    };
    HoldFacts {
        school: school.name.clone(),
        id: hold.id.to_string(),
        scope: scope.into(),
        classes,
        source,
        counted: hold.counted,
        of: hold.of,
        day: if hold.date == today { String::new() } else { hold.date.to_string() },
        start: clock(hold.start),
        why: why.into(),
        limit,
        usual: hold.usual.map(|usual| tenths(usual, ',')).unwrap_or_default(),
        weeks: hold.usual.map_or(0, |usual| usual.weeks),
        lessons: seen.parts.iter().take(NAMED).map(lesson).collect(),
        more: seen.parts.len().saturating_sub(NAMED),
        causes: seen.causes.iter().map(|cause| cause.as_str().to_owned()).collect(),
        until: clock(hold.until),
        then: hold.then.as_str().into(),
        overdue: now >= hold.until,
        told: seen.told,
    }
}

fn joined(classes: &BTreeSet<String>) -> String {
    classes.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// What is usual, as `1,5`.
fn tenths(usual: Usual, comma: char) -> String {
    format!("{}{comma}{}", usual.tenths / 10, usual.tenths % 10)
}
