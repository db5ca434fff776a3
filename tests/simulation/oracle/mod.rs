//! What must hold when all is over, worked out from what was reported and acknowledged, from what arrived,
//! and from the rows that are left: by rules written down a second time, and more simply, than in the house.
//! Each promise is counted where it could have been broken.

mod bundles;
mod held;
mod kept;
mod ladders;
mod limits;
mod order;
mod reach;
mod truth;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use upprop::model::{Notification, Purpose};
use upprop::store::{ledger, tables};

use crate::life::World;
use crate::outside::Arrived;
use crate::people::{Roster, School};
use truth::Case;

/// How long a decision, its commit and its call may take in simulated time.
const SLACK: SignedDuration = SignedDuration::from_millis(100);

/// A pupil and a lesson.
type Key = (String, String);

/// Everything there is to look at, and what was found to be wrong.
struct Oracle<'a> {
    world: &'a World,
    rows: Vec<(Vec<u8>, bytes::Bytes)>,
    known: BTreeMap<String, Notification>,
    arrived: Vec<Arrived>,
    cases: BTreeMap<Key, Case<'a>>,
    wrong: Vec<String>,
}

/// What was found.
pub struct Examined {
    pub wrong: Vec<String>,
    pub lessons: usize,
    pub messages: usize,
}

/// Looks at everything.
pub fn examine(world: &World) -> Examined {
    let rows = world.disk.durable().rows();
    let known = rows
        .iter()
        .filter(|(key, _)| key.starts_with(tables::NOTIFICATIONS))
        .map(|(_, row)| ledger::decode::<Notification>(row).expect("a row"))
        .map(|n| (n.id.to_string(), n))
        .collect();
    let mut arrived = world.outside.arrived.lock().expect("arrived").clone();
    arrived.sort_by_key(|m| m.at);
    let acknowledged = world.acknowledged.lock().expect("acknowledged").clone();
    let wrong = world.outside.wrong.lock().expect("wrong").clone();
    let cases = truth::cases(world, &acknowledged);
    let mut oracle = Oracle { world, rows, known, arrived, cases, wrong };
    let on_the_wire = oracle.arrived.clone();
    oracle.says_what_it_tells(&on_the_wire);
    oracle.arrived = bundles::spread(&oracle.known, on_the_wire);
    oracle.accounted(&acknowledged);
    oracle.trail();
    oracle.ended();
    oracle.reports();
    oracle.limits();
    for at in 0..oracle.arrived.len() {
        let message = oracle.arrived[at].clone();
        match oracle.known.get(&message.asked.notification).cloned() {
            Some(n) => {
                oracle.reach(&message, &n);
                oracle.time(&message, &n);
                oracle.timely(&message, &n);
                oracle.follows(&message, &n);
            }
            None => oracle.wrong.push(format!("a message that nobody knows of: {message:?}")),
        }
    }
    oracle.hidden();
    oracle.twice();
    oracle.once_each_address();
    oracle.in_turn();
    oracle.followed_up();
    oracle.kept_back();
    oracle.suspended();
    oracle.climbed();
    let messages = world.outside.arrived.lock().expect("arrived").len();
    let lessons = oracle.cases.len();
    Examined { wrong: oracle.wrong, lessons, messages }
}

impl Oracle<'_> {
    /// Notes whether a promise was kept where it could have been broken.
    fn check(&mut self, promise: &'static str, kept: bool, words: impl FnOnce() -> String) {
        self.world.tally.count(promise);
        if !kept {
            self.wrong.push(format!("{promise}: {}", words()));
        }
    }

    /// The versions of the directory that may be in force.
    fn rosters(&self, at: Timestamp) -> Vec<&Roster> {
        let loaded = self.world.loaded.lock().expect("loaded");
        let sure = loaded
            .iter()
            .rposition(|(_, answered)| answered.is_some_and(|answered| answered <= at - SLACK))
            .unwrap_or(0);
        let begun = loaded.iter().rposition(|(posted, _)| *posted <= at).unwrap_or(0);
        self.world.plan.rosters[sure..=begun.max(sure)].iter().map(|(_, r)| r).collect()
    }

    fn school(&self, n: &Notification) -> &School {
        let schools = &self.world.plan.schools;
        schools.iter().find(|s| s.id == n.school.as_str()).expect("a school")
    }

    fn key(n: &Notification) -> Key {
        (n.pupil.to_string(), n.lesson.to_string())
    }
}

/// Whether a notification is a guardian's, or an adult pupil's, first notice.
fn is_alarm(n: &Notification) -> bool {
    n.purpose == Purpose::Absence
}

/// All promises, in the order in which they are told.
pub const CHECKS: &[&str] = &[
    kept::ACCOUNTED,
    kept::REASONED,
    kept::ENDED,
    kept::DELIVERED,
    kept::FAILED,
    kept::FOLLOWED_UP,
    reach::WHOM,
    reach::HIDDEN,
    reach::SHADOW,
    reach::NOT_A_GUEST,
    reach::GUEST,
    reach::PROTECTED,
    reach::MADE_PROTECTED,
    reach::ADULT,
    reach::NAMED,
    reach::QUIET,
    reach::WAITED,
    reach::GRACE,
    reach::BEGUN,
    order::ALARM_TRUE,
    order::WITHDRAWN,
    order::CORRECTION_TRUE,
    order::FOLLOWS,
    order::ONCE,
    order::IN_TURN,
    order::TURNED,
    order::LAST_WORD,
    order::SOMEBODY,
    order::TEAM,
    limits::ACCOUNT,
    limits::SCHOOL,
    limits::RECIPIENT,
    held::HELD,
    ladders::REACHED,
    ladders::TAKEN_BACK,
    ladders::DUTIES,
    ladders::DONE,
    ladders::TOLD,
    ladders::UNTOLD,
    bundles::TOLD_TOGETHER,
    bundles::NAMES_NOBODY_ELSE,
];

/// What is counted, and is no promise.
pub const NOTED: &[&str] = &[order::DOUBLED];
