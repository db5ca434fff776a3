//! What must hold when all is over, worked out from what was reported and acknowledged, from what arrived,
//! and from the rows that are left: by rules written down a second time, and more simply, than in the house.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use upprop::model::{EventId, Notification, Outcome, Purpose, Recipient, SourceId, State};
use upprop::store::{ledger, tables};

use super::life::World;
use super::outside::Arrived;
use super::plan::{MARKS, RATE, zone};

/// How long a decision, its commit and its call may take in simulated time.
const SLACK: SignedDuration = SignedDuration::from_millis(60);

/// What there is to say about one pupil at one lesson at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Missing,
    NotMissing,
    /// Nobody knows anything: what was said may stand.
    Unknown,
}

/// What was found to be wrong, and what was looked at.
#[derive(Default)]
pub struct Findings {
    pub wrong: Vec<String>,
    pub arrived: usize,
    pub lessons: usize,
    pub last_words: usize,
}

fn time(value: &Value) -> Timestamp {
    value.as_str().expect("a text").parse().expect("a time")
}

/// An event: when it was first posted, when it was acknowledged, and what it says.
struct Said<'a> {
    posted: Timestamp,
    acknowledged: Timestamp,
    body: &'a Value,
}

struct Case<'a> {
    marks: Vec<Said<'a>>,
    notices: Vec<Said<'a>>,
    start: Timestamp,
    end: Timestamp,
}

impl Case<'_> {
    /// What is true at `now` to whoever has `heard` this and nothing else.
    fn truth(&self, heard: &dyn Fn(&Said<'_>) -> bool, now: Timestamp) -> Truth {
        let rank = |word: &str| MARKS.iter().position(|m| *m == word);
        let mark = self
            .marks
            .iter()
            .filter(|said| heard(said))
            .map(|said| {
                let word = said.body["mark"].as_str().expect("mark");
                (time(&said.body["recorded_at"]), rank(word))
            })
            .max();
        let Some((_, mark)) = mark else { return Truth::Unknown };
        match MARKS[mark.expect("a known mark")] {
            "unexcused" | "unknown" if self.is_noticed(heard, now) => Truth::NotMissing,
            "unexcused" => Truth::Missing,
            "unknown" => Truth::Unknown,
            _ => Truth::NotMissing,
        }
    }

    /// Everything that may be true at `at`: what was acknowledged well before is known; what had been
    /// posted may be known, for the daemon can die between writing it and saying so.
    fn possible(&self, at: Timestamp) -> Vec<Truth> {
        let sure = |said: &Said<'_>| said.acknowledged <= at - SLACK;
        let maybe: Vec<*const Value> = self
            .marks
            .iter()
            .chain(&self.notices)
            .filter(|said| !sure(said) && said.posted <= at)
            .map(|said| std::ptr::from_ref(said.body))
            .collect();
        let mut truths = vec![self.truth(&sure, at), self.truth(&|said| said.posted <= at, at)];
        for one in &maybe {
            for other in &maybe {
                let heard = |said: &Said<'_>| {
                    let this = std::ptr::from_ref(said.body);
                    sure(said) || this == *one || this == *other
                };
                truths.push(self.truth(&heard, at));
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

/// Looks at everything.
pub fn examine(world: &World) -> Findings {
    let mut f = Findings::default();
    let rows = world.disk.rows().rows();
    let acknowledged = world.acknowledged.lock().expect("acknowledged").clone();
    let source = SourceId::new("src").expect("id");
    let keys: BTreeSet<&[u8]> = rows.iter().map(|(key, _)| key.as_slice()).collect();
    for event in &world.plan.events {
        let key = tables::seen(&source, &EventId::new(event.id.as_str()).expect("id"));
        if !acknowledged.contains_key(&event.id) || !keys.contains(key.as_slice()) {
            f.wrong
                .push(format!("event {} was not acknowledged, or is not known any more", event.id));
        }
    }
    let notifications: BTreeMap<String, Notification> = rows
        .iter()
        .filter(|(key, _)| key.starts_with(tables::NOTIFICATIONS))
        .map(|(_, row)| ledger::decode::<Notification>(row).expect("a row"))
        .map(|n| (n.id.to_string(), n))
        .collect();
    ended(&notifications, &mut f);
    if rows.iter().any(|(key, _)| key.starts_with(b"du/") || key.starts_with(tables::ASIDE)) {
        f.wrong.push("something is still due, or was put aside".into());
    }
    let arrived = world.outside.arrived.lock().expect("arrived").clone();
    f.arrived = arrived.len();
    for message in &arrived {
        one(world, message, &notifications, &mut f);
    }
    twice(&arrived, &notifications, &mut f);
    limits(world, &mut f);
    let cases = cases(world, &acknowledged);
    for message in &arrived {
        if let Some(n) = notifications.get(&message.notification) {
            timely(message, n, &cases, &mut f);
        }
    }
    sequences(world, &arrived, &notifications, &cases, &mut f);
    f
}

/// Every notification has come to an end, and says why where it did not arrive.
fn ended(notifications: &BTreeMap<String, Notification>, f: &mut Findings) {
    for n in notifications.values() {
        let open = matches!(n.state, State::Waiting | State::Sending | State::InDoubt);
        let silent = matches!(n.state, State::Cancelled | State::Expired | State::Rejected)
            && n.state_reason.is_none();
        if open || silent {
            f.wrong.push(format!("{} {:?} {:?}: no end, or no reason", n.id, n.state, n.purpose));
        }
    }
}

/// Whom a message may reach, and when.
fn one(world: &World, m: &Arrived, known: &BTreeMap<String, Notification>, f: &mut Findings) {
    let Some(n) = known.get(&m.notification) else {
        f.wrong.push(format!("a message that nobody knows of: {m:?}"));
        return;
    };
    let pupil = world.plan.pupils.iter().find(|p| p.id == n.pupil.as_str()).expect("a pupil");
    let to_family = !matches!(n.recipient, Recipient::Staff(_));
    if pupil.school == "shadow" {
        f.wrong.push(format!("{} left a school in shadow mode", n.id));
    }
    if !pupil.open && to_family {
        f.wrong.push(format!("{} about a protected pupil went to the family", n.id));
    }
    if pupil.protection != "none" && m.text.contains('Q') && m.text.contains("x ") && to_family {
        f.wrong.push(format!("{} names a protected pupil", n.id));
    }
    if pupil.adult && matches!(n.recipient, Recipient::Guardian(_)) {
        f.wrong.push(format!("{} told a guardian about an adult", n.id));
    }
    let hour = m.asked.to_zoned_datetime(zone()).hour();
    let quiet = world.plan.config.contains("quiet-hours = \"21:00-07:00\"");
    if quiet && to_family && !(7..21).contains(&hour) {
        f.wrong.push(format!("{} left at {} in quiet hours", n.id, m.asked));
    }
}

/// No text arrives twice; a mail does only after an attempt that nobody knows the outcome of.
fn twice(arrived: &[Arrived], known: &BTreeMap<String, Notification>, f: &mut Findings) {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for m in arrived {
        *count.entry(&m.notification).or_default() += 1;
    }
    for (id, times) in count.into_iter().filter(|(_, times)| *times > 1) {
        let Some(n) = known.get(id) else { continue };
        let doubts = n.attempts.iter().filter(|a| {
            a.result.as_ref().is_none_or(|r| matches!(r.outcome, Outcome::InDoubt { .. }))
        });
        let is_text = arrived.iter().any(|m| m.notification == id && m.is_text);
        let family = !n.recipient_is_staff();
        if is_text || doubts.count() == 0 || (family && times > 2) {
            f.wrong.push(format!("{id} ({:?}) arrived {times} times", n.purpose));
        }
    }
}

/// The account's limit holds over all restarts.
fn limits(world: &World, f: &mut Findings) {
    let mut asked = world.outside.asked.lock().expect("asked").clone();
    asked.sort_unstable();
    let (per_hour, burst) = RATE;
    let spacing = 3_600_000 / i64::try_from(per_hour).expect("small");
    for (i, first) in asked.iter().enumerate() {
        for (j, last) in asked.iter().enumerate().skip(i + usize::try_from(burst).expect("small")) {
            let took = i64::try_from(last.duration_since(*first).as_millis()).expect("small");
            let free = i64::try_from(j - i).expect("small") - i64::try_from(burst).expect("small");
            // What was permitted may have been asked a moment later.
            if took + 200 < free * spacing {
                f.wrong.push(format!("{} texts within {took} ms", j - i + 1));
                return;
            }
        }
    }
}

type Key = (String, String);

fn cases<'a>(
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

/// What left was true when it left.
fn timely(m: &Arrived, n: &Notification, cases: &BTreeMap<Key, Case<'_>>, f: &mut Findings) {
    let key = (n.pupil.to_string(), n.lesson.to_string());
    let Some(case) = cases.get(&key) else { return };
    let at = m.asked;
    let truths = case.possible(at);
    let fits = |truth: &Truth| match n.purpose {
        Purpose::Absence => *truth == Truth::Missing,
        Purpose::Correction if n.recipient_is_staff() => true,
        Purpose::Correction => *truth != Truth::Missing,
        _ => true,
    };
    if !truths.iter().any(fits) {
        f.wrong.push(format!(
            "{:?} {} about {key:?} left at {at} when it was {truths:?}",
            n.purpose, n.id
        ));
    }
}

/// To each reader alarm and correction come in turn, and the last word is true.
fn sequences(
    world: &World,
    arrived: &[Arrived],
    known: &BTreeMap<String, Notification>,
    cases: &BTreeMap<Key, Case<'_>>,
    f: &mut Findings,
) {
    f.lessons = cases.len();
    for (key, case) in cases {
        let about = |n: &Notification| n.pupil.as_str() == key.0 && n.lesson.as_str() == key.1;
        let pupil = world.plan.pupils.iter().find(|p| p.id == key.0).expect("a pupil");
        if !pupil.open {
            continue;
        }
        let all: Vec<&Notification> =
            known.values().filter(|n| about(n) && !n.recipient_is_staff()).collect();
        let readers: BTreeSet<&Recipient> = all.iter().map(|n| &n.recipient).collect();
        let last = case.truth(&|_| true, Timestamp::MAX);
        if last == Truth::Missing && readers.is_empty() {
            f.wrong.push(format!("nobody was ever to be told of {key:?}"));
        }
        for reader in readers {
            let of_reader = |n: &&&Notification| &n.recipient == reader;
            // What failed, is held, or was told by two channels is staff's, who are told of it.
            let unclear = all.iter().filter(of_reader).any(|n| {
                matches!(
                    n.state,
                    State::Held | State::Expired | State::Rejected | State::Undelivered
                ) || n.attempts.iter().any(|a| {
                    a.result.as_ref().is_none_or(|r| matches!(r.outcome, Outcome::InDoubt { .. }))
                        && n.channel == upprop::model::Channel::Email
                })
            });
            if unclear {
                continue;
            }
            let mut words = Vec::new();
            for m in arrived {
                let Some(n) = known.get(&m.notification) else { continue };
                if about(n) && &n.recipient == reader {
                    words.push((m.at, n.purpose));
                }
            }
            words.sort_by_key(|(at, _)| *at);
            let turn = |i: usize| {
                if i.is_multiple_of(2) { Purpose::Absence } else { Purpose::Correction }
            };
            if words.iter().enumerate().any(|(i, (_, purpose))| *purpose != turn(i)) {
                f.wrong.push(format!("{key:?} to {reader:?}: {words:?}"));
                continue;
            }
            f.last_words += 1;
            let told = !words.len().is_multiple_of(2);
            let right = match last {
                Truth::Missing => told,
                Truth::NotMissing => !told,
                Truth::Unknown => true,
            };
            if !right {
                let states: Vec<_> = all
                    .iter()
                    .filter(of_reader)
                    .map(|n| (n.purpose, n.state, n.state_reason, n.revision))
                    .collect();
                f.wrong.push(format!(
                    "{key:?} to {reader:?}: it is {last:?}, and they were told {words:?}; {states:?}"
                ));
            }
        }
    }
}
