//! Whether a condition holds on a day, and because of which days. Pure.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::school_days::school_year_of;
use super::view::{Anchor, View};
use super::{After, Condition, Share, Still};

/// Most days that are named as the cause of something: the last ones.
const NAMED: usize = 40;

/// The step that a condition follows on, by name, with the day on which that was reached.
type Since<'s> = Option<(&'s str, Date)>;

/// Whether a condition holds at the end of a day, or now where the day is today.
pub fn holds(view: &View<'_>, condition: &Condition, day: Date, since: Since<'_>) -> bool {
    match condition {
        Condition::Count(count) => view.window(&count.within, day, since).is_some_and(|window| {
            view.units_within(count.of, count.unit, window).len() >= usize::from(count.at_least)
        }),
        // One by one: see `replay`.
        Condition::Every { .. } => false,
        // Of a day that goes on nobody knows yet: it may come out otherwise when it is over.
        Condition::Share(share) => {
            day <= view.history.last_whole_day()
                && shared(view, share, day, since).is_some_and(|found| found.holds)
        }
        Condition::Continuous(run) => {
            day <= view.history.last_whole_day()
                && view.run_at(run.of, day).is_some_and(|(length, _)| length >= run.at_least)
        }
        Condition::After(after) => followed(view, after, day).is_some(),
        Condition::AnyOf(all) => all.iter().any(|one| holds(view, one, day, since)),
        Condition::AllOf(all) => all.iter().all(|one| holds(view, one, day, since)),
    }
}

/// The days of absence because of which it holds, in order; the last ones of many.
pub fn because(view: &View<'_>, condition: &Condition, day: Date, since: Since<'_>) -> Vec<Date> {
    let mut days: Vec<Date> = Vec::new();
    collect(view, condition, day, since, &mut days);
    days.sort_unstable();
    days.dedup();
    last_of(days)
}

/// The last of many days.
pub fn last_of(mut days: Vec<Date>) -> Vec<Date> {
    days.split_off(days.len().saturating_sub(NAMED))
}

fn collect(
    view: &View<'_>,
    condition: &Condition,
    day: Date,
    since: Since<'_>,
    days: &mut Vec<Date>,
) {
    let away = |from: Date, to: Date, of, days: &mut Vec<Date>| {
        let known = view.history.days.range(from..=to);
        let is_away =
            |seen: &super::Day| seen.lessons.iter().any(|l| super::occasions::is_of(of, l));
        days.extend(known.filter(|(_, seen)| is_away(seen)).map(|(day, _)| *day));
    };
    match condition {
        Condition::Count(count) => {
            if let Some(window) = view.window(&count.within, day, since) {
                let units = view.units_within(count.of, count.unit, window);
                days.extend(units.iter().map(|one| one.first.0));
            }
        }
        Condition::Every { .. } => {}
        Condition::Share(share) => {
            if let Some((from, to)) = view.window(&share.within, day, since)
                && from <= to
            {
                away(from, to, share.of, days);
            }
        }
        Condition::Continuous(run) => {
            if let Some((_, first)) = view.run_at(run.of, day) {
                away(first, day, run.of, days);
            }
        }
        Condition::After(after) => {
            if let (Some(anchor), Still::Holds(inner)) = (followed(view, after, day), &after.still)
            {
                collect(view, inner, day, Some((&after.step, anchor.day)), days);
            }
        }
        Condition::AnyOf(all) => {
            for one in all.iter().filter(|one| holds(view, one, day, since)) {
                collect(view, one, day, since, days);
            }
        }
        Condition::AllOf(all) => {
            for one in all {
                collect(view, one, day, since, days);
            }
        }
    }
}

/// The step that a condition follows on, where it holds on a day: the last that was reached long enough before.
pub fn followed<'v>(view: &'v View<'_>, after: &After, day: Date) -> Option<&'v Anchor> {
    let anchors = view.reached.get(&after.step)?;
    let anchor = anchors.iter().rev().find(|anchor| first_asked(after, anchor.day) <= day)?;
    let over = after.until.is_some_and(|until| later(anchor.day, until) < day);
    if over || school_year_of(anchor.day) != school_year_of(day) {
        return None;
    }
    let still = match &after.still {
        // Of a day that is past it is not known.
        Still::Open => anchor.open && day == view.history.today,
        Still::Holds(inner) => holds(view, inner, day, Some((&after.step, anchor.day))),
    };
    still.then_some(anchor)
}

/// The first day on which a condition that follows on a step is asked.
pub fn first_asked(after: &After, reached: Date) -> Date {
    later(reached, after.wait.max(1))
}

fn later(day: Date, days: u16) -> Date {
    day.saturating_add(i64::from(days).days())
}

/// How a share stands at the end of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// Minutes missed.
    pub missed: u32,
    /// Minutes that were to be attended, of lessons whose register was taken.
    pub minutes: u32,
    /// Thousandths of the lessons whose register was taken.
    pub taken: u32,
    /// Enough is known for it to say anything.
    pub speaks: bool,
    /// It is as much as is asked for.
    pub holds: bool,
}

/// A share as of the end of a day; none: its span has no days.
pub fn shared(view: &View<'_>, share: &Share, day: Date, since: Since<'_>) -> Option<Shared> {
    // A day that goes on is not asked.
    let (from, to) = view.window(&share.within, day, since)?;
    let sums = view.sums_within((from, to.min(view.history.last_whole_day())));
    let missed = sums.missed(share.of);
    let taken = (sums.taken * 1000).checked_div(sums.lessons).unwrap_or(0);
    let speaks = sums.minutes > 0
        && sums.minutes >= share.least_minutes
        && taken >= u32::from(share.least_taken);
    let (part, whole) =
        (u64::from(missed) * 1000, u64::from(sums.minutes) * u64::from(share.at_least));
    let enough = if share.more_than { part > whole } else { part >= whole };
    Some(Shared { missed, minutes: sums.minutes, taken, speaks, holds: speaks && enough })
}
