//! One pupil's days, lived through a ladder, as the gateway lives through them: what is fired and taken back is kept, and
//! what is done of its duties. For examples, and for asking what a ladder would have done. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use super::advance::{Advance, Situation, Who, advance};
use super::history::{Day, History, Unmarked};
use super::plan::Ladder;
use crate::model::{Firing, NotificationId, Retracted};

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Became {
    /// It was reached.
    Reached,
    /// It was taken back.
    Retracted,
}

/// Something that happened on the ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// On which day, in the school's zone; that on which it was found.
    pub on: Date,
    /// Before the school's day was over.
    pub by_day: bool,
    /// What.
    pub became: Became,
    /// Of which step.
    pub step: String,
    /// The firing.
    pub firing: NotificationId,
    /// Because of which days of absence.
    pub because: Vec<Date>,
}

/// A pupil on a ladder.
#[derive(Debug, Clone)]
pub struct Course<'a> {
    ladder: &'a Ladder,
    who: Who<'a>,
    history: History,
    fired: Vec<Firing>,
    /// Duties that nobody has done, by firing.
    open: BTreeMap<NotificationId, BTreeSet<String>>,
    /// When to ask again, as it was last told.
    next: (bool, Option<Date>),
    /// What has happened, in order.
    pub happened: Vec<Happened>,
}

impl<'a> Course<'a> {
    /// Begins; nothing was heard before `since`.
    pub fn new(ladder: &'a Ladder, who: Who<'a>, since: Date) -> Self {
        let days = BTreeMap::new();
        let unmarked = Unmarked::All;
        let history = History { days, since, unmarked, today: since, today_is_over: false };
        Self {
            ladder,
            who,
            history,
            fired: Vec::new(),
            open: BTreeMap::new(),
            next: (false, None),
            happened: Vec::new(),
        }
    }

    /// What is known of a day's lessons from now on; none: of no lesson.
    pub fn know(&mut self, date: Date, day: Day) {
        if day.lessons.is_empty() {
            self.history.days.remove(&date);
        } else {
            self.history.days.insert(date, day);
        }
    }

    /// What is known of a day's lessons.
    pub fn known(&self, date: Date) -> Day {
        self.history.days.get(&date).cloned().unwrap_or_default()
    }

    /// Whether the ladder asked to be asked at the end of a day.
    pub fn is_due(&self, on: Date) -> bool {
        let (tonight, again) = self.next;
        (tonight && self.history.today == on) || again.is_some_and(|day| day <= on)
    }

    /// Asks the ladder, and keeps what comes of it.
    pub fn ask(&mut self, today: Date, is_over: bool) -> Advance {
        (self.history.today, self.history.today_is_over) = (today, is_over);
        let open: BTreeSet<NotificationId> = self.open.keys().cloned().collect();
        let hour = if is_over { 16 } else { 8 };
        let now = Offset::UTC.to_timestamp(today.to_datetime(Time::constant(hour, 0, 0, 0)));
        let now = now.unwrap_or_default();
        let found = advance(&Situation {
            ladder: self.ladder,
            since: None,
            until: None,
            who: self.who.clone(),
            history: &self.history,
            fired: &self.fired,
            open: &open,
            now,
        });
        for (id, reason) in &found.retract {
            self.open.remove(id);
            let Some(firing) = self.fired.iter_mut().find(|firing| firing.id == *id) else {
                continue;
            };
            firing.retracted = Some(Retracted { at: now, reason: *reason });
            let firing = firing.clone();
            self.happen(&firing, Became::Retracted);
        }
        for (id, because) in &found.changed {
            if let Some(firing) = self.fired.iter_mut().find(|firing| firing.id == *id) {
                firing.because.clone_from(because);
            }
        }
        for firing in &found.fire {
            let step = self.ladder.step(&firing.step);
            let duties: BTreeSet<String> = step
                .into_iter()
                .flat_map(|step| &step.duties)
                .map(|duty| duty.id.clone())
                .collect();
            if !duties.is_empty() {
                self.open.insert(firing.id.clone(), duties);
            }
            self.fired.push(firing.clone());
            self.happen(firing, Became::Reached);
        }
        self.next = (found.look_tonight, found.look_again);
        found
    }

    fn happen(&mut self, firing: &Firing, became: Became) {
        self.happened.push(Happened {
            on: self.history.today,
            by_day: !self.history.today_is_over,
            became,
            step: firing.step.clone(),
            firing: firing.id.clone(),
            because: firing.because.clone(),
        });
    }

    /// A duty is done: that of the last time at which its step was reached, of those at which it is open. Whether there was one.
    pub fn done(&mut self, step: &str, duty: &str) -> bool {
        let firings = self.fired.iter().rev().filter(|firing| firing.step == step);
        for id in firings.map(|firing| &firing.id) {
            let Some(open) = self.open.get_mut(id) else { continue };
            if open.remove(duty) {
                if open.is_empty() {
                    self.open.remove(id);
                }
                return true;
            }
        }
        false
    }

    /// What was reached, also what was taken back.
    pub fn fired(&self) -> &[Firing] {
        &self.fired
    }
}
