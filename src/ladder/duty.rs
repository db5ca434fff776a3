//! The life of a duty: when it is due, whom it is with, what may follow what, and when it is next looked at. Pure:
//! rows and rules in, rows out; reads no clock.
//!
//! ```text
//! open ── taken ── done ── documented
//!   │       │
//!   └───────┴─ overdue (handed over) ── done
//!   any of the three ── not needed (said so, step taken back, pupil gone)
//!   done, by a word on a case that is put right ── open, taken or overdue, as if it had not been said
//! ```
//!
//! What is overdue, and what is done and not documented, is not looked at by itself: it stands in its owner's list of the
//! day, see [`list`].

pub mod list;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::{Allowed, DutyRule, SchoolDays};
use crate::calendar::Calendar;
use crate::model::{Duty, DutyAct, DutyEvent, DutyState, Firing, StaffRole, local_date};

/// When people are reminded on a day, by the school's clock: before the first lesson.
const MORNING: Time = Time::constant(8, 0, 0, 0);
/// Most of a history that is kept, in bytes as it is written: a row has room for it and all else.
const HISTORY: usize = 2_600;
/// Days ahead in which a school day is looked for; longer than any break.
const AHEAD: usize = 120;

/// What tells a school's days.
#[derive(Debug, Clone, Copy)]
pub struct Hours<'a> {
    /// The school's zone.
    pub zone: &'a TimeZone,
    /// Its school days; none: every day from Monday to Friday.
    pub calendar: Option<&'a Calendar>,
    /// By its clock, when its day is over.
    pub day_ends: Time,
}

impl Hours<'_> {
    /// Whether somebody is there to do something.
    pub fn is_school_day(&self, day: Date) -> bool {
        SchoolDays(self.calendar).has(day)
    }

    /// The day that an instant is in.
    pub fn day_of(&self, at: Timestamp) -> Date {
        local_date(at, self.zone)
    }

    /// When a day is over.
    pub fn ends(&self, day: Date) -> Timestamp {
        self.at(day, self.day_ends)
    }

    fn at(&self, day: Date, time: Time) -> Timestamp {
        // An hour that a day has twice, or not at all, is taken as RFC 5545 does.
        self.zone.to_timestamp(day.to_datetime(time)).unwrap_or(Timestamp::MAX)
    }

    /// The school day so many after a day; that itself where it is none: 0.
    fn school_days_after(&self, day: Date, count: u16) -> Date {
        (0..count).fold(day, |day, _| self.step(day, 1))
    }

    fn step(&self, day: Date, by: i64) -> Date {
        let mut next = day;
        for _ in 0..AHEAD {
            next = next.saturating_add(by.days());
            if self.is_school_day(next) {
                return next;
            }
        }
        day.saturating_add(by.days())
    }

    /// When something is due that is to be done within a span of working time from an instant on.
    pub fn due(&self, allowed: Allowed, from: Timestamp) -> Timestamp {
        let today = self.day_of(from);
        match allowed {
            Allowed::Hours(hours) => {
                let span = SignedDuration::from_hours(hours.into());
                from.saturating_add(span).unwrap_or(Timestamp::MAX)
            }
            Allowed::SameDay | Allowed::SchoolDays(0) => {
                let today_will_do = self.is_school_day(today) && from < self.ends(today);
                self.ends(if today_will_do { today } else { self.step(today, 1) })
            }
            Allowed::SchoolDays(days) => self.ends(self.school_days_after(today, days)),
        }
    }

    /// When somebody is reminded before something is due; none: that was over when it was made.
    fn reminder(&self, before: Allowed, due: Timestamp, made: Timestamp) -> Option<Timestamp> {
        let at = match before {
            Allowed::Hours(hours) => {
                due.saturating_sub(SignedDuration::from_hours(hours.into())).ok()?
            }
            Allowed::SameDay | Allowed::SchoolDays(0) => self.at(self.day_of(due), MORNING),
            Allowed::SchoolDays(days) => {
                let day = (0..days).fold(self.day_of(due), |day, _| self.step(day, -1));
                self.at(day, MORNING)
            }
        };
        (made < at && at < due).then_some(at)
    }
}

/// What comes of looking at a duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tell {
    /// The owner is reminded: it is due soon.
    DueSoon,
    /// The owner is told that it is overdue.
    Overdue,
    /// The new owner is told that it is overdue and theirs now.
    HandedOver,
}

/// What a person can say of a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Say {
    /// I do it.
    Take,
    /// The home did not answer.
    NoAnswer,
    /// It is done.
    Done,
    /// What it leaves in writing is there.
    Documented,
    /// It need not be done.
    NotNeeded,
}

impl Say {
    /// All, in the order of a duty's life.
    pub const ALL: [Self; 5] =
        [Self::Take, Self::NoAnswer, Self::Done, Self::Documented, Self::NotNeeded];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::NoAnswer => "no-answer",
            Self::Done => "done",
            Self::Documented => "documented",
            Self::NotNeeded => "not-needed",
        }
    }

    /// Takes the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|say| say.as_str() == text)
    }
}

/// Who says so, when and why.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: &'a str,
    /// Why, in their words.
    pub why: Option<&'a str>,
}

/// A new duty of a step that was reached. `former`: that of the same step and time which was taken back, if any: what
/// was done then is done, and what was taken back is to be done after all.
pub fn make(
    firing: &Firing,
    rule: &DutyRule,
    former: Option<&Duty>,
    hours: &Hours<'_>,
    now: Timestamp,
) -> Duty {
    let mut duty = Duty {
        id: Duty::id_of(&firing.id, &rule.id),
        school: firing.school.clone(),
        pupil: firing.pupil.clone(),
        firing: firing.id.clone(),
        ladder: firing.ladder.clone(),
        version: firing.version,
        step: firing.step.clone(),
        rule: rule.id.clone(),
        owner: rule.owner,
        taken_by: None,
        due_at: hours.due(rule.due, now),
        state: DutyState::Open,
        documented_at: None,
        reminded_at: None,
        look_at: None,
        history: Vec::new(),
        notifications: Vec::new(),
    };
    match former {
        Some(former) => {
            duty.history.clone_from(&former.history);
            if former.state == DutyState::Done {
                duty.state = DutyState::Done;
                duty.documented_at = former.documented_at;
                duty.taken_by.clone_from(&former.taken_by);
            }
            note(&mut duty, now, DutyAct::Restored);
        }
        None => note(&mut duty, now, DutyAct::Made),
    }
    duty.look_at = next_look(&duty, Some(rule), hours);
    duty
}

fn note(duty: &mut Duty, at: Timestamp, what: DutyAct) {
    push(duty, DutyEvent { at, what, by: None, why: None, word: None });
}

/// Adds to a history; the oldest go first where it has no more room, but for that it was made.
fn push(duty: &mut Duty, event: DutyEvent) {
    let history = &mut duty.history;
    history.push(event);
    while history.len() > 3 && serde_json::to_vec(history).is_ok_and(|text| text.len() > HISTORY) {
        // Those that say least go before.
        let spare = history.iter().position(|event| event.what == DutyAct::Reminded);
        history.remove(spare.unwrap_or(1));
    }
}

fn made_at(duty: &Duty) -> Timestamp {
    let begins = |event: &&DutyEvent| matches!(event.what, DutyAct::Made | DutyAct::Restored);
    duty.history.iter().rev().find(begins).map_or(Timestamp::MIN, |event| event.at)
}

/// When a duty is next looked at; none: nothing more comes of it by itself. `rule` is none where no ladder in
/// configuration has it any more.
pub fn next_look(duty: &Duty, rule: Option<&DutyRule>, hours: &Hours<'_>) -> Option<Timestamp> {
    match duty.state {
        DutyState::Open | DutyState::Taken => {
            let before = rule.and_then(|rule| rule.remind).filter(|_| duty.reminded_at.is_none());
            let reminder =
                before.and_then(|before| hours.reminder(before, duty.due_at, made_at(duty)));
            Some(reminder.unwrap_or(duty.due_at))
        }
        DutyState::Overdue | DutyState::Done | DutyState::NotNeeded => None,
    }
}

/// Looks at a duty whose time has come. Returns what is told of it; none: nothing is.
pub fn look(
    duty: &mut Duty,
    rule: Option<&DutyRule>,
    hours: &Hours<'_>,
    now: Timestamp,
) -> Option<Tell> {
    // Looked at too early: nothing has come of it yet.
    if next_look(duty, rule, hours).is_none_or(|at| at > now) {
        duty.look_at = next_look(duty, rule, hours);
        return None;
    }
    let tell = match duty.state {
        DutyState::Open | DutyState::Taken if now >= duty.due_at => overdue(duty, rule, hours, now),
        DutyState::Open | DutyState::Taken => Tell::DueSoon,
        DutyState::Overdue | DutyState::Done | DutyState::NotNeeded => return None,
    };
    if tell == Tell::DueSoon {
        duty.reminded_at = Some(now);
        note(duty, now, DutyAct::Reminded);
    }
    duty.look_at = next_look(duty, rule, hours);
    Some(tell)
}

fn overdue(duty: &mut Duty, rule: Option<&DutyRule>, hours: &Hours<'_>, now: Timestamp) -> Tell {
    duty.state = DutyState::Overdue;
    note(duty, now, DutyAct::Overdue);
    let to = rule.and_then(|rule| rule.hand_over).filter(|role| *role != duty.owner);
    let Some(to) = to else { return Tell::Overdue };
    hand_over(duty, to, hours, now);
    Tell::HandedOver
}

fn hand_over(duty: &mut Duty, to: StaffRole, hours: &Hours<'_>, now: Timestamp) {
    duty.owner = to;
    duty.taken_by = None;
    duty.due_at = hours.due(Allowed::SchoolDays(1), now);
    note(duty, now, DutyAct::HandedOver { to });
}

/// Writes down what a person says.
///
/// # Errors
/// In words where it cannot follow.
pub fn say(
    duty: &mut Duty,
    say: Say,
    said: Said<'_>,
    rule: Option<&DutyRule>,
    hours: &Hours<'_>,
) -> Result<(), String> {
    let is = duty.state.as_str();
    let open = duty.state.is_open();
    let what = match say {
        Say::Documented if duty.state == DutyState::NotNeeded => {
            return Err(format!("it is {is}: there is nothing to be documented"));
        }
        Say::Documented if duty.documented_at.is_some() => {
            return Err("that it is documented was said before".into());
        }
        Say::Documented if rule.is_some_and(|rule| rule.documents.is_none()) => {
            return Err("the ladder says of nothing that it leaves in writing".into());
        }
        Say::Documented => {
            duty.documented_at = Some(said.at);
            DutyAct::Documented
        }
        _ if !open => return Err(format!("it is {is}: nothing more is to be done")),
        Say::Take => {
            duty.taken_by = Some(said.by.to_owned());
            if duty.state == DutyState::Open {
                duty.state = DutyState::Taken;
            }
            DutyAct::Taken
        }
        Say::NoAnswer => DutyAct::NoAnswer,
        Say::Done => {
            duty.state = DutyState::Done;
            DutyAct::Done
        }
        Say::NotNeeded => {
            duty.state = DutyState::NotNeeded;
            DutyAct::NotNeeded
        }
    };
    let why = said.why.map(str::to_owned).filter(|why| !why.is_empty());
    let by = Some(said.by.to_owned());
    push(duty, DutyEvent { at: said.at, what, by, why, word: None });
    duty.look_at = next_look(duty, rule, hours);
    Ok(())
}

/// That what a duty was done by proves not to be so. When it is due is for [`reopen`].
pub fn undo(duty: &mut Duty, now: Timestamp) {
    duty.state = if duty.taken_by.is_some() { DutyState::Taken } else { DutyState::Open };
    note(duty, now, DutyAct::Reopened);
}

/// Opens a duty again, as if what it was done by had not been said. Returns what is told of it; none: nothing is.
pub fn reopen(
    duty: &mut Duty,
    rule: Option<&DutyRule>,
    hours: &Hours<'_>,
    now: Timestamp,
) -> Option<Tell> {
    undo(duty, now);
    let begins = |event: &DutyEvent| matches!(event.what, DutyAct::Made | DutyAct::Restored);
    let since = duty.history.iter().rposition(begins).unwrap_or_default();
    let was_overdue = duty.history[since..].iter().any(|event| event.what == DutyAct::Overdue);
    let tell = if was_overdue {
        duty.state = DutyState::Overdue;
        duty.reminded_at = Some(now);
        Some(Tell::Overdue)
    } else if now >= duty.due_at {
        Some(overdue(duty, rule, hours, now))
    } else {
        None
    };
    duty.look_at = next_look(duty, rule, hours);
    tell
}

/// Ends what is open still: the step was taken back, or the pupil has left. False: it was over.
pub fn end(duty: &mut Duty, what: DutyAct, now: Timestamp) -> bool {
    if !duty.state.is_open() {
        // Nobody need look at it.
        return duty.look_at.take().is_some();
    }
    duty.state = DutyState::NotNeeded;
    duty.look_at = None;
    note(duty, now, what);
    true
}

#[cfg(test)]
#[path = "duty_tests.rs"]
mod tests;
