//! How far a pupil is up a ladder, for people: which steps were reached because of which days, and what is missing to
//! the next. Pure.

use jiff::civil::Date;

use super::advance::{Situation, advance};
use super::condition::{because, first_asked, followed, holds, shared};
use super::replay::asks_of;
use super::school_days::SchoolDays;
use super::view::{Anchor, View};
use super::{Condition, Still, Unit};
use crate::model::Firing;

/// How one step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The step.
    pub step: String,
    /// The pupil is one of those that it is asked of.
    pub asked: bool,
    /// When it was reached, oldest first; those taken back too.
    pub firings: Vec<Firing>,
    /// How far its condition is today.
    pub progress: Progress,
}

/// How far a condition is today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It has counted so many.
    Counted {
        /// So many.
        have: u16,
        /// Of so many.
        need: u16,
        /// Since this day; none: it has no window today.
        since: Option<Date>,
        /// When each of them began; the last ones of many.
        days: Vec<Date>,
    },
    /// Each one reaches the step.
    Each {
        /// Of what.
        unit: Unit,
    },
    /// A share of the minutes.
    Shared {
        /// Minutes missed.
        missed: u32,
        /// Of so many, of lessons whose register was taken.
        minutes: u32,
        /// Thousandths that are asked for.
        need: u16,
        /// Thousandths of the lessons whose register was taken.
        taken: u32,
        /// It says nothing: too few minutes, or too few registers.
        silent: bool,
        /// Since this day.
        since: Option<Date>,
    },
    /// School days away in a row.
    Running {
        /// So many.
        have: u16,
        /// Of so many.
        need: u16,
        /// Since this day.
        since: Option<Date>,
    },
    /// The step before it was not reached.
    NotYet {
        /// That step.
        step: String,
    },
    /// The step before it was reached.
    Follows {
        /// That step.
        step: String,
        /// When it was reached.
        reached: Date,
        /// The first day on which this is asked.
        asked_from: Date,
        /// What must hold then; none: that a duty is not done.
        still: Option<Box<Progress>>,
    },
    /// Any of them is enough.
    AnyOf(Vec<Progress>),
    /// All of them are needed.
    AllOf(Vec<Progress>),
}

/// How every step stands, in the order of the ladder.
pub fn explain(s: &Situation<'_>) -> Vec<Standing> {
    let mut view = View::new(s.ladder, s.history, SchoolDays(s.who.calendar));
    let new = advance(s);
    let gone = |one: &Firing| new.retract.iter().any(|(id, _)| *id == one.id);
    let mut all = Vec::new();
    for step in &s.ladder.steps {
        let mine = |one: &&Firing| one.ladder == s.ladder.name && one.step == step.id;
        let known = s.fired.iter().filter(mine);
        let standing = s.fired.iter().chain(&new.fire).filter(mine).filter(|one| one.stands());
        let mut anchors: Vec<Anchor> = standing
            .filter(|one| !gone(one))
            .map(|one| Anchor {
                day: one.day,
                key: one.key.clone(),
                open: s.open.contains(&one.id),
            })
            .collect();
        anchors.sort_by_key(|anchor| anchor.day);
        view.reached.insert(step.id.clone(), anchors);
        all.push(Standing {
            step: step.id.clone(),
            asked: asks_of(step, &s.who),
            firings: known.cloned().collect(),
            progress: progress(&view, &step.when, s.history.today, None),
        });
    }
    all
}

fn progress(
    view: &View<'_>,
    condition: &Condition,
    day: Date,
    since: Option<(&str, Date)>,
) -> Progress {
    match condition {
        Condition::Count(count) => {
            let window = view.window(&count.within, day, since);
            let units = window.map(|window| view.units_within(count.of, count.unit, window));
            Progress::Counted {
                have: u16::try_from(units.map_or(0, <[_]>::len)).unwrap_or(u16::MAX),
                need: count.at_least,
                since: window.map(|(from, _)| from),
                days: because(view, condition, day, since),
            }
        }
        Condition::Every { unit, .. } => Progress::Each { unit: *unit },
        Condition::Share(share) => {
            let found = shared(view, share, day, since);
            Progress::Shared {
                missed: found.map_or(0, |found| found.missed),
                minutes: found.map_or(0, |found| found.minutes),
                need: share.at_least,
                taken: found.map_or(0, |found| found.taken),
                silent: found.is_none_or(|found| !found.speaks),
                since: view.window(&share.within, day, since).map(|(from, _)| from),
            }
        }
        Condition::Continuous(run) => {
            let found = view.run_at(run.of, day);
            let (have, need) = (found.map_or(0, |(length, _)| length), run.at_least);
            Progress::Running { have, need, since: found.map(|(_, first)| first) }
        }
        Condition::After(after) => {
            let anchor = followed(view, after, day)
                .or_else(|| view.reached.get(&after.step).and_then(|all| all.last()));
            let Some(anchor) = anchor else { return Progress::NotYet { step: after.step.clone() } };
            let since = Some((after.step.as_str(), anchor.day));
            Progress::Follows {
                step: after.step.clone(),
                reached: anchor.day,
                asked_from: first_asked(after, anchor.day),
                still: match &after.still {
                    Still::Open => None,
                    Still::Holds(inner) => Some(Box::new(progress(view, inner, day, since))),
                },
            }
        }
        Condition::AnyOf(all) => {
            Progress::AnyOf(all.iter().map(|one| progress(view, one, day, since)).collect())
        }
        Condition::AllOf(all) => {
            Progress::AllOf(all.iter().map(|one| progress(view, one, day, since)).collect())
        }
    }
}

/// Whether a condition of a step holds today, whatever its latch says: for whoever asks whom a changed ladder would
/// affect.
pub fn holds_today(s: &Situation<'_>, step: &str) -> bool {
    let mut view = View::new(s.ladder, s.history, SchoolDays(s.who.calendar));
    for one in s.fired.iter().filter(|one| one.stands() && one.ladder == s.ladder.name) {
        let (day, key) = (one.day, one.key.clone());
        let anchor = Anchor { day, key, open: s.open.contains(&one.id) };
        view.reached.entry(one.step.clone()).or_default().push(anchor);
    }
    let found = s.ladder.step(step).filter(|step| asks_of(step, &s.who));
    // Of a day that goes on shares are not asked: then as of the day before.
    let days = [s.history.today, s.history.last_whole_day()];
    found.is_some_and(|step| days.into_iter().any(|day| holds(&view, &step.when, day, None)))
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
