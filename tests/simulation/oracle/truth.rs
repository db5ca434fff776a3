//! What is true of a pupil at a lesson, to whoever has heard some of what was said.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Key, SLACK};
use crate::life::World;
use crate::plan::MARKS;

/// What there is to say about one pupil at one lesson at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    Missing,
    /// Notified, or excused.
    Away,
    /// Was there, if only for a while.
    There,
    /// Nobody knows anything: what was said may stand.
    Unknown,
}

/// An event: when it was first posted, when it was acknowledged, and what it says.
pub struct Said<'a> {
    pub posted: Timestamp,
    pub acknowledged: Timestamp,
    pub body: &'a Value,
}

pub struct Case<'a> {
    pub marks: Vec<Said<'a>>,
    pub notices: Vec<Said<'a>>,
    pub start: Timestamp,
    pub end: Timestamp,
}

pub fn time(value: &Value) -> Timestamp {
    value.as_str().expect("a text").parse().expect("a time")
}

impl Case<'_> {
    /// What is true at `now` to whoever has `heard` this and nothing else.
    pub fn truth(&self, heard: &dyn Fn(&Said<'_>) -> bool, now: Timestamp) -> Truth {
        let Some(mark) = self.mark(heard) else { return Truth::Unknown };
        match mark {
            "unexcused" | "unknown" if self.is_noticed(heard, now) => Truth::Away,
            "unexcused" => Truth::Missing,
            "unknown" => Truth::Unknown,
            "excused" => Truth::Away,
            _ => Truth::There,
        }
    }

    /// The mark that counts to whoever has `heard` this: the last one, of two at one instant the one that says more.
    fn mark(&self, heard: &dyn Fn(&Said<'_>) -> bool) -> Option<&'static str> {
        let rank = |word: &str| MARKS.iter().position(|m| *m == word).expect("a known mark");
        let marks = self.marks.iter().filter(|said| heard(said)).map(|said| {
            let word = said.body["mark"].as_str().expect("mark");
            (time(&said.body["recorded_at"]), rank(word))
        });
        marks.max().map(|(_, rank)| MARKS[rank])
    }

    /// The mark that counts in the end.
    pub fn last_mark(&self) -> Option<&'static str> {
        self.mark(&|_| true)
    }

    /// What is true in the end.
    pub fn last(&self) -> Truth {
        self.truth(&|_| true, Timestamp::MAX)
    }

    /// Everything that may be true at `at`, when the daemon's clock shows `now`: what was acknowledged
    /// well before is known; what had been posted may be known, for the daemon can die between writing it
    /// and saying so.
    pub fn possible(&self, at: Timestamp, now: Timestamp) -> Vec<Truth> {
        let sure = |said: &Said<'_>| said.acknowledged <= at - SLACK;
        let maybe: Vec<*const Value> = self
            .marks
            .iter()
            .chain(&self.notices)
            .filter(|said| !sure(said) && said.posted <= at)
            .map(|said| std::ptr::from_ref(said.body))
            .collect();
        let mut truths = Vec::new();
        // The decision was made a moment ago.
        for now in [now, now - SLACK] {
            truths.push(self.truth(&sure, now));
            truths.push(self.truth(&|said| said.posted <= at, now));
            for one in &maybe {
                for other in &maybe {
                    let heard = |said: &Said<'_>| {
                        let this = std::ptr::from_ref(said.body);
                        sure(said) || this == *one || this == *other
                    };
                    truths.push(self.truth(&heard, now));
                }
            }
        }
        truths
    }

    fn is_noticed(&self, heard: &dyn Fn(&Said<'_>) -> bool, now: Timestamp) -> bool {
        let mut last: BTreeMap<(Timestamp, Timestamp), (Timestamp, bool)> = BTreeMap::new();
        for body in self.notices.iter().filter(|said| heard(said)).map(|said| said.body) {
            let span = (time(&body["from"]), time(&body["to"]));
            // Of two at the same instant the one that stands is the one that is not withdrawn.
            let word = (time(&body["recorded_at"]), body["withdrawn"] != true);
            let known = last.entry(span).or_insert(word);
            *known = (*known).max(word);
        }
        last.into_iter().any(|((from, to), (_, stands))| {
            let both = to.min(self.end).duration_since(from.max(self.start));
            let half = self.end.duration_since(self.start) / 2;
            let some = both > SignedDuration::ZERO;
            let at_start = from <= self.start && self.start < to && now < self.end;
            stands && some && (both >= half || at_start)
        })
    }
}

/// All lessons that were told of.
pub fn cases<'a>(
    world: &'a World,
    acknowledged: &BTreeMap<String, Timestamp>,
) -> BTreeMap<Key, Case<'a>> {
    let mut cases: BTreeMap<Key, Case<'a>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let events = || world.plan.events.iter();
    for event in events().filter(|e| e.body["type"] == "attendance.marked") {
        let pupil = event.body["pupil"].as_str().expect("pupil").to_owned();
        let lesson = event.body["lesson"]["id"].as_str().expect("lesson").to_owned();
        let case = cases.entry((pupil, lesson)).or_insert_with(|| Case {
            marks: Vec::new(),
            notices: Vec::new(),
            start: time(&event.body["lesson"]["start"]),
            end: time(&event.body["lesson"]["end"]),
        });
        if let (Some(at), true) = (acknowledged.get(&event.id), seen.insert(&event.id)) {
            case.marks.push(Said { posted: event.at, acknowledged: *at, body: &event.body });
        }
    }
    for event in events().filter(|e| e.body["type"] == "absence.notified") {
        let (Some(at), true) = (acknowledged.get(&event.id), seen.insert(&event.id)) else {
            continue;
        };
        for ((pupil, _), case) in &mut cases {
            if event.body["pupil"] == pupil.as_str() {
                let said = Said { posted: event.at, acknowledged: *at, body: &event.body };
                case.notices.push(said);
            }
        }
    }
    cases
}
