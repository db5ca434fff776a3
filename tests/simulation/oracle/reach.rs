//! Whom a message may reach, and when.

use jiff::{SignedDuration, Timestamp};
use upprop::model::{Notification, Purpose, Reason, State};

use super::{Oracle, SLACK, is_alarm};
use crate::outside::Arrived;
use crate::people::{self, School};
use crate::plan::zone;

/// Whether it is quiet at a school when the daemon's clock shows this.
fn is_quiet(school: &School, at: Timestamp) -> bool {
    let Some((from, to)) = school.quiet else { return false };
    let local = at.to_zoned_datetime(zone());
    let minute = u64::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute()));
    let minute = minute.expect("a time of day");
    if from > to { minute >= from || minute < to } else { from <= minute && minute < to }
}

impl Oracle<'_> {
    /// Whom it reached.
    pub fn reach(&mut self, m: &Arrived, n: &Notification) {
        let school = self.school(n);
        let (mode, guest) = (school.mode, school.guests.contains(&m.asked.to));
        let family = !n.recipient_is_staff();
        let words =
            || format!("{:?} {} to {:?} at {}", n.purpose, n.id, n.recipient, m.asked.truth);
        self.check(SHADOW, mode != "shadow", words);
        if mode == "guests" {
            self.check(GUEST, guest, words);
        }
        let date = m.asked.clock.to_zoned_datetime(zone()).date();
        let pupil = n.pupil.as_str();
        let rosters = self.rosters(m.asked.truth);
        let open = rosters.iter().any(|r| r.pupils[pupil].protection == "none");
        if family {
            let recipient = n.recipient.key();
            let entitled = rosters.iter().any(|r| {
                let told = r.may_hear(pupil, date);
                // A correction goes where the alarm went, whatever its reader's number is now.
                let to = |addresses: &[String]| addresses.contains(&m.asked.to);
                match n.purpose {
                    Purpose::Correction => told.iter().any(|(who, at)| *who == recipient || to(at)),
                    _ => told.iter().any(|(who, at)| *who == recipient && to(at)),
                }
            });
            self.check(WHOM, entitled, words);
            if recipient == "pupil" {
                self.world.tally.count(ADULT);
            }
        } else {
            let names = m.text.contains(&people::name(pupil));
            if open && names {
                self.world.tally.count(NAMED);
            }
            if !open {
                self.check(PROTECTED, !names, words);
            }
        }
    }

    /// Of a pupil who was protected all the time nobody at home is told anything, whatever was marked.
    pub fn hidden(&mut self) {
        let rosters = || self.world.plan.rosters.iter();
        let always = |pupil: &str| rosters().all(|(_, r)| r.pupils[pupil].protection != "none");
        let keys: Vec<_> = self.cases.keys().filter(|(pupil, _)| always(pupil)).cloned().collect();
        for key in keys {
            let told: Vec<_> = self
                .arrived
                .iter()
                .filter_map(|m| self.known.get(&m.asked.notification))
                .filter(|n| Self::key(n) == key && !n.recipient_is_staff())
                .map(|n| (n.purpose, n.recipient.clone()))
                .collect();
            self.check(HIDDEN, told.is_empty(), || format!("{key:?}: {told:?}"));
        }
    }

    /// When it left.
    pub fn time(&mut self, m: &Arrived, n: &Notification) {
        if n.recipient_is_staff() {
            return;
        }
        let (school, clock) = (self.school(n), m.asked.clock);
        let words = || format!("{:?} {} left at {clock}", n.purpose, n.id);
        let quiet = is_quiet(school, clock) && is_quiet(school, clock - SLACK);
        let waited = is_quiet(school, clock - SignedDuration::from_secs(30));
        let grace = SignedDuration::from_secs(i64::try_from(school.grace_secs).expect("small"));
        if school.quiet.is_some() {
            self.check(QUIET, !quiet, words);
            if waited {
                self.world.tally.count(WAITED);
            }
        }
        let Some(case) = self.cases.get(&Self::key(n)).filter(|_| is_alarm(n)) else { return };
        let start = case.start;
        let unexcused = case.marks.iter().filter(|said| said.body["mark"] == "unexcused");
        let heard = unexcused.map(|said| said.posted).min();
        self.check(BEGUN, clock >= start, words);
        if let (Some(heard), true) = (heard, grace > SignedDuration::ZERO) {
            let forward = self.world.forward.lock().expect("forward");
            let stepped = forward.iter().any(|at| heard <= *at && *at <= m.asked.truth);
            drop(forward);
            if !stepped {
                // A clock that is wrong by less than two seconds is followed at a start only.
                let small = SignedDuration::from_secs(2);
                self.check(GRACE, m.asked.truth + small >= heard + grace, words);
            }
        }
    }

    /// What was kept back, so that it is known that there was something to keep back.
    pub fn kept_back(&self) {
        for n in self.known.values().filter(|n| n.state == State::Cancelled) {
            let what = match n.state_reason {
                Some(Reason::NotAGuest) => NOT_A_GUEST,
                Some(Reason::Protected) => MADE_PROTECTED,
                _ => continue,
            };
            self.world.tally.count(what);
        }
    }
}

pub const WHOM: &str = "a family's message goes to one who may be told, where the directory says";
pub const HIDDEN: &str = "no message to a protected pupil's home";
pub const SHADOW: &str = "nothing leaves in shadow mode";
pub const NOT_A_GUEST: &str = "  kept from those who are no guests";
pub const GUEST: &str = "in guests mode only guests are told";
pub const PROTECTED: &str = "staff's mail about a protected pupil does not name the pupil";
pub const MADE_PROTECTED: &str = "  called back when the pupil became protected";
pub const ADULT: &str = "  told to an adult pupil";
pub const NAMED: &str = "  other mail to staff names the pupil";
pub const QUIET: &str = "nothing leaves for a family in quiet hours";
pub const WAITED: &str = "  waited until quiet hours were over";
pub const GRACE: &str = "an alarm leaves after the grace";
pub const BEGUN: &str = "an alarm leaves after the lesson has begun";
