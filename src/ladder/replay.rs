//! Day by day through what is known: at which times a step is reached, by its condition and its latch. Pure.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::condition::{because, followed, holds, last_of};
use super::school_days::school_year_of;
use super::view::View;
use super::{Condition, Latch, Once, Step, Still, Who};

/// One time at which a step is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// What tells this time from others.
    pub key: String,
    /// The day.
    pub day: Date,
    /// The last day of which it is said: until the step may be reached again, or today.
    pub last: Date,
    /// The days of absence because of which it is reached.
    pub because: Vec<Date>,
}

/// The times at which a step is reached, in order; those before its ladder was in force too.
pub fn edges(view: &View<'_>, step: &Step, who: &Who<'_>) -> Vec<Edge> {
    if !asks_of(step, who) {
        return Vec::new();
    }
    match &step.when {
        Condition::Every { of, unit } => {
            let mut found: Vec<Edge> = Vec::new();
            for one in view.units(*of, *unit) {
                let (day, _) = one.first;
                let cools = found.last().is_some_and(|last| is_cooling(&step.latch, last.day, day));
                if !cools && is_of_age(step, who, day) {
                    let last = one.days.last().copied().unwrap_or(day);
                    found.push(Edge {
                        key: one.key(),
                        day,
                        last,
                        because: last_of(one.days.clone()),
                    });
                }
            }
            found
        }
        condition => latched(view, step, condition, who),
    }
}

/// How a condition that was reached may be reached again.
enum Held {
    /// In another window of time.
    Window(Option<Date>),
    /// When it has not held for some school days: so many so far.
    Until(u16),
    /// When the step before it is reached again.
    Earlier(String),
}

fn latched(view: &View<'_>, step: &Step, condition: &Condition, who: &Who<'_>) -> Vec<Edge> {
    let history = view.history;
    let Some(first) = history.days.keys().next().copied() else { return Vec::new() };
    let mut found: Vec<Edge> = Vec::new();
    let mut held: Option<Held> = None;
    let mut day = first.max(history.since);
    while day <= history.today {
        let now = window_of(view, &step.latch, day);
        let is = is_of_age(step, who, day) && holds(view, condition, day, None);
        let earlier = match condition {
            Condition::After(after) if is => followed(view, after, day).map(|a| a.key.clone()),
            _ => None,
        };
        held = match held {
            Some(Held::Window(was)) if now.is_some() && now != was => None,
            Some(Held::Until(_)) if is => Some(Held::Until(0)),
            // What is asked of whole days alone says nothing of one that goes on.
            Some(Held::Until(count))
                if day > history.last_whole_day() && waits_for_the_end(condition) =>
            {
                Some(Held::Until(count))
            }
            Some(Held::Until(count)) if view.days.has(day) => match step.latch.once {
                Once::UntilFalseFor(enough) if count + 1 >= enough => None,
                _ => Some(Held::Until(count + 1)),
            },
            Some(Held::Earlier(was)) if earlier.as_ref().is_some_and(|is| *is != was) => None,
            other => other,
        };
        if let (Some(_), Some(edge)) = (&held, found.last_mut()) {
            edge.last = day;
        }
        let cools = found.last().is_some_and(|last| is_cooling(&step.latch, last.day, day));
        if is && held.is_none() && !cools {
            let (key, next) = match (step.latch.once, earlier) {
                (Once::UntilFalseFor(_), Some(earlier)) => {
                    (earlier.clone(), Held::Earlier(earlier))
                }
                (Once::UntilFalseFor(_), None) => (day.to_string(), Held::Until(0)),
                (Once::Term | Once::SchoolYear, _) => {
                    (now.unwrap_or(day).to_string(), Held::Window(now))
                }
            };
            held = Some(next);
            found.push(Edge { key, day, last: day, because: because(view, condition, day, None) });
        }
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    found
}

/// Whether a condition is asked of whole days, in part at least.
pub fn waits_for_the_end(condition: &Condition) -> bool {
    match condition {
        Condition::Share(_) | Condition::Continuous(_) => true,
        Condition::Count(_) | Condition::Every { .. } => false,
        Condition::After(after) => match &after.still {
            Still::Open => false,
            Still::Holds(inner) => waits_for_the_end(inner),
        },
        Condition::AnyOf(all) | Condition::AllOf(all) => all.iter().any(waits_for_the_end),
    }
}

/// The first day of the window within which a step is reached once.
fn window_of(view: &View<'_>, latch: &Latch, day: Date) -> Option<Date> {
    match latch.once {
        Once::Term => Some(view.days.term_of(day)?.first()),
        Once::SchoolYear => Some(school_year_of(day)),
        Once::UntilFalseFor(_) => None,
    }
}

fn is_cooling(latch: &Latch, reached: Date, day: Date) -> bool {
    latch.cool_down > 0 && day < reached.saturating_add(i64::from(latch.cool_down).days())
}

/// Whether a step is asked of a pupil at all; what is not known matches nothing.
pub fn asks_of(step: &Step, who: &Who<'_>) -> bool {
    let filter = &step.filter;
    let form = filter.forms.is_empty() || filter.forms.iter().any(|form| form == who.form);
    let year = filter
        .years
        .is_none_or(|(least, most)| who.year.is_some_and(|year| (least..=most).contains(&year)));
    let school = filter.schools.is_empty() || filter.schools.contains(who.school);
    form && year && school
}

/// Whether the pupil's age on a day is one of those a step is asked of.
fn is_of_age(step: &Step, who: &Who<'_>, day: Date) -> bool {
    let Some((least, most)) = step.filter.ages else { return true };
    let Some(age) = who.birth_date.map(|born| age(born, day)) else { return false };
    (i16::from(least)..=i16::from(most)).contains(&age)
}

/// Whole years; somebody born on 29 February becomes older on 1 March where there is none.
fn age(born: Date, day: Date) -> i16 {
    let had = (day.month(), day.day()) >= (born.month(), born.day());
    day.year() - born.year() - i16::from(!had)
}
