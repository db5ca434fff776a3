//! The lists that a school gets every day: when they are due, and who is on them. Pure; says nothing to anybody.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::calendar::{Days, is_weekend};
use crate::directory::entitled::{self, Entitled, Known};
use crate::directory::{Protection, Pupil, Roster, School};
use crate::model::{
    Address, Channel, LessonState, Notification, PupilId, Purpose, Reason, Recipient, RosterFault,
    State, WeekName, local_date, same_day,
};

/// Days within which there is one of school, whatever the holidays.
const HORIZON: i64 = 120;

/// When a list of that time of the day is made next after `now`: on a school day, of which no week has more than five.
pub fn next(time: Time, school: &School, now: Timestamp) -> Timestamp {
    next_on(time, school, now, |day| !is_weekend(day) && school.is_school_day(day))
}

/// When a list of that time of the day is made next after `now`: on the first school day of a week.
pub fn next_of_week(time: Time, school: &School, now: Timestamp) -> Timestamp {
    next_on(time, school, now, |day| school.is_first_of_week(day))
}

/// What a report of the week tells of that is made on a day: the week before, Monday to Sunday. After weeks without school
/// these are told of too, from the Monday of the last week in which there was some: from one report to the next no day is
/// left out, and none is told of twice.
pub fn weeks_before(day: Date, school: &School) -> Days {
    let monday = WeekName::of(day).monday();
    let last = monday.saturating_sub(1.day());
    let weeks = (1..=HORIZON / 7).map(|weeks| monday.saturating_sub((7 * weeks).days()));
    let has_school = |monday: &Date| {
        let mut days = (0..7).map(|days: i64| monday.saturating_add(days.days()));
        days.any(|day| school.is_first_of_week(day))
    };
    let first = weeks.into_iter().find(has_school).unwrap_or(monday.saturating_sub(7.days()));
    Days::new(first, last).expect("a week ends after it begins")
}

fn next_on(
    time: Time,
    school: &School,
    now: Timestamp,
    is_its: impl Fn(Date) -> bool,
) -> Timestamp {
    let zone = &school.zone;
    let today = local_date(now, zone);
    let at = |days: i64| {
        let date = today.saturating_add(days.days());
        let at = zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok()?;
        (at > now && is_its(date)).then_some(at)
    };
    // A calendar in which there is none is looked at again.
    let later = now.saturating_add(SignedDuration::from_hours(24 * HORIZON));
    (0..=HORIZON).find_map(at).unwrap_or(later.unwrap_or(Timestamp::MAX))
}

/// How far the telling of a pupil's absence has come: of several messages the one that came furthest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// Nobody was told.
    Nobody,
    /// It did not arrive.
    Failed,
    /// It waits.
    Waiting,
    /// Whether it arrived is not known.
    Doubtful,
    /// A provider has it and has not said that it arrived.
    Unconfirmed,
    /// Somebody has it.
    Reached,
}

impl Told {
    /// The word that templates know it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "not-told",
            Self::Failed => "undelivered",
            Self::Waiting => "waiting",
            Self::Doubtful => "in-doubt",
            Self::Unconfirmed => "accepted",
            Self::Reached => "delivered",
        }
    }
}

/// How far one message has come.
pub(super) fn told(n: &Notification) -> Told {
    match (n.state, n.channel) {
        // Nobody ever says that a mail was read.
        (State::Delivered, _) | (State::Accepted, Channel::Email) => Told::Reached,
        (State::Accepted, Channel::Sms) => Told::Unconfirmed,
        (State::Sending | State::InDoubt | State::Held, _) => Told::Doubtful,
        (State::Waiting, _) => Told::Waiting,
        (State::Undelivered | State::Rejected | State::Expired, _) => Told::Failed,
        (State::Cancelled, _) => Told::Nobody,
    }
}

/// Whether a message tells those at home of an absence.
pub(super) fn is_home(n: &Notification) -> bool {
    n.purpose == Purpose::Absence
        && matches!(n.recipient, Recipient::Guardian(_) | Recipient::Pupil)
}

/// One pupil's day as the list of the day looks at it.
#[derive(Debug, Clone)]
pub struct Missing {
    /// Who.
    pub pupil: PupilId,
    /// When the first lesson began that the pupil is missing from.
    pub since: Timestamp,
    /// How far anybody has been told.
    pub told: Told,
    /// When somebody at home was first told.
    pub told_at: Option<Timestamp>,
    /// Since when the home knows by what the attendance team has recorded; none: nothing says so.
    pub known_since: Option<Timestamp>,
}

/// A pupil's day; none: the pupil is not missing from any lesson. `told`: the messages of these lessons.
pub fn missing(pupil: &PupilId, day: &[LessonState], all: &[Notification]) -> Option<Missing> {
    let since = day.iter().filter(|l| l.missing).map(|l| l.lesson.start).min()?;
    let told = all.iter().filter(|n| is_home(n)).map(told).max().unwrap_or(Told::Nobody);
    let (pupil, told_at) = (pupil.clone(), same_day::told_at(all));
    Some(Missing { pupil, since, told, told_at, known_since: None })
}

/// Those of whom nobody was reached, in the order in which they went missing. A provider that says of no text that it
/// arrived says nothing by not saying it.
pub fn not_reached(mut all: Vec<Missing>) -> Vec<Missing> {
    let confirms = all.iter().any(|missing| missing.told == Told::Reached);
    let least = if confirms { Told::Reached } else { Told::Unconfirmed };
    all.retain(|missing| missing.told < least && missing.known_since.is_none());
    all.sort_by(|a, b| (a.since, &a.pupil).cmp(&(b.since, &b.pupil)));
    all
}

/// Those of whom nobody was told on the day itself, which is over, in the order in which they went missing.
pub fn missed(mut all: Vec<Missing>, day: Date, school: &School) -> Vec<Missing> {
    let end = same_day::end_of(day, &school.zone);
    let in_time = |at: Option<Timestamp>| at.is_some_and(|at| at < end);
    all.retain(|missing| !in_time(missing.told_at) && !in_time(missing.known_since));
    all.sort_by(|a, b| (a.since, &a.pupil).cmp(&(b.since, &b.pupil)));
    all
}

/// Those of them of whom nobody has any word yet: what is on its way, or may have arrived, is no word that is known.
pub fn without_word(mut missed: Vec<Missing>) -> Vec<Missing> {
    missed.retain(|missing| missing.told < Told::Unconfirmed && missing.known_since.is_none());
    missed
}

/// What keeps people from being told of the pupils of a school, one fault for each pupil, the worst. Of protected
/// pupils nothing is said: nobody is to be told of them.
pub fn faults(
    school: &School,
    roster: &Roster,
    bad: &BTreeSet<Address>,
    today: Date,
) -> BTreeMap<RosterFault, BTreeSet<PupilId>> {
    let mut found: BTreeMap<RosterFault, BTreeSet<PupilId>> = BTreeMap::new();
    for pupil in roster.pupils.get(&school.id).into_iter().flat_map(BTreeMap::values) {
        if let Some(fault) = fault(school, pupil, roster, bad, today) {
            found.entry(fault).or_default().insert(pupil.id.clone());
        }
    }
    found
}

fn fault(
    school: &School,
    pupil: &Pupil,
    roster: &Roster,
    bad: &BTreeSet<Address>,
    today: Date,
) -> Option<RosterFault> {
    if pupil.protection == Protection::Protected {
        return None;
    }
    // Consents aside: an adult who cannot be told is to be mended whoever else is.
    let known = Known { whole_homes: true, ..Known::default() };
    let candidates = match entitled::recipients(school, pupil, roster, today, &known) {
        Entitled::Nobody(Reason::ProtectionUnknown) => {
            return Some(RosterFault::ProtectionUnknown);
        }
        Entitled::Nobody(Reason::AgeUnknown) => return Some(RosterFault::BirthDateMissing),
        Entitled::Nobody(_) => return Some(RosterFault::Unreachable),
        Entitled::Adult(candidates) | Entitled::Guardians { candidates, .. } => candidates,
    };
    let addresses: Vec<&Address> =
        candidates.iter().filter_map(|c| c.contact.as_ref().ok()).flatten().collect();
    if addresses.iter().all(|address| bad.contains(*address)) {
        return Some(RosterFault::Unreachable);
    }
    addresses.iter().any(|address| bad.contains(*address)).then_some(RosterFault::BadContact)
}

#[cfg(test)]
#[path = "daily_tests.rs"]
mod tests;
