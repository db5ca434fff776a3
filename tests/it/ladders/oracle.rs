//! What a ladder comes to, recounted from the marks by hand: each ladder has its own few lines here, written after the plan
//! and not after the engine. Slow, and without corrections: it is asked of the marks as they are at last.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::world::{FIRST, LAST, Marks, days, is_school_day};

type Term = BTreeMap<Date, Marks>;

/// Steps with the days on which they are reached.
pub type Reached = Vec<(Date, &'static str)>;

fn plus(day: Date, count: i64) -> Date {
    day.checked_add(count.days()).expect("a day")
}

fn is_away(mark: char) -> bool {
    mark == 'E' || mark == 'U'
}

/// The days on which occasions of a kind begin: all lessons of the term in a row, cut where one is attended.
fn occasions(term: &Term, of: &str) -> Vec<Date> {
    let all: Vec<(Date, char)> =
        term.iter().flat_map(|(day, marks)| marks.iter().map(|mark| (*day, *mark))).collect();
    let runs = all.split(|(_, mark)| !is_away(*mark));
    runs.filter_map(|run| run.iter().find(|(_, mark)| of.contains(*mark)).map(|(day, _)| *day))
        .collect()
}

/// School days in a row as of a day, on which no lesson was attended and one was of the kind.
fn in_a_row(term: &Term, day: Date, of: &str) -> usize {
    let before = term.range(..=day).rev();
    let away = before.take_while(|(_, marks)| marks.iter().all(|mark| is_away(*mark)));
    away.filter(|(_, marks)| marks.iter().any(|mark| of.contains(*mark))).count()
}

/// Whether more than (or as much as) a share was missed on the last days, and there were hours enough.
fn share(term: &Term, day: Date, back: i64, percent: usize, more: bool, hours: usize) -> bool {
    let lessons: Vec<char> = term
        .range(plus(day, 1 - back)..=day)
        .flat_map(|(_, marks)| marks.iter().copied())
        .collect();
    let missed = lessons.iter().filter(|mark| is_away(**mark)).count();
    let (part, whole) = (missed * 100, lessons.len() * percent);
    lessons.len() >= hours && if more { part > whole } else { part >= whole }
}

fn first(from: Date, is: impl Fn(Date) -> bool) -> Option<Date> {
    days(from, LAST).find(|day| is(*day))
}

fn after(starts: &[Date], day: Date) -> impl Iterator<Item = Date> {
    starts.iter().copied().filter(move |start| *start > day)
}

/// The plan.
pub fn plan(term: &Term) -> Reached {
    let mut found: Reached =
        occasions(term, "U").into_iter().map(|day| (day, "each-unexcused")).collect();
    found.extend(occasions(term, "E").get(2).map(|day| (*day, "third-excused")));
    let any = occasions(term, "EU");
    let week = first(FIRST, |day| {
        in_a_row(term, day, "EU") >= 6 || any.get(5).is_some_and(|start| *start <= day)
    });
    found.extend(week.map(|day| (day, "over-a-week")));
    let month = first(FIRST, |day| {
        let scattered = |week: Date| {
            day >= plus(week, 28) && after(&any, week).filter(|start| *start <= day).count() >= 3
        };
        in_a_row(term, day, "EU") >= 20 || week.is_some_and(scattered)
    });
    found.extend(month.map(|day| (day, "four-weeks")));
    found
}

/// Eskilstuna.
pub fn eskilstuna(term: &Term) -> Reached {
    let unexcused = occasions(term, "U");
    let mut found = Reached::new();
    let one = first(FIRST, |day| {
        unexcused.first().is_some_and(|start| *start <= day)
            || in_a_row(term, day, "EU") >= 10
            || share(term, day, 28, 20, true, 20)
    });
    let mut last = one;
    found.extend(one.map(|day| (day, "step-1")));
    for step in ["step-2", "step-3"] {
        let Some(before) = last else { break };
        let again = after(&unexcused, before).next();
        last = first(FIRST, |day| {
            again.is_some_and(|start| start <= day)
                || (day >= plus(before, 14) && share(term, day, 14, 20, true, 10))
        });
        found.extend(last.map(|day| (day, step)));
    }
    found
}

/// The days on which something begins to be so; anew only after a school day on which it is not.
fn edges(is: impl Fn(Date) -> bool) -> Vec<Date> {
    let mut found = Vec::new();
    let mut held = false;
    for day in days(FIRST, LAST) {
        if is(day) {
            if !held {
                found.push(day);
            }
            held = true;
        } else if is_school_day(day) {
            held = false;
        }
    }
    found
}

/// What follows on a step once for each time at which that was reached: asked of the last that is long enough ago.
fn followed(steps: &[Date], wait: i64, is: impl Fn(Date, Date) -> bool) -> Vec<Date> {
    let mut found = Vec::new();
    let mut of = None;
    for day in days(FIRST, LAST) {
        let step = steps.iter().copied().filter(|step| day >= plus(*step, wait.max(1))).max();
        if let Some(step) = step.filter(|step| of != Some(*step) && is(*step, day)) {
            of = Some(step);
            found.push(day);
        }
    }
    found
}

/// Danderyd.
pub fn danderyd(term: &Term) -> Reached {
    let two = edges(|day| in_a_row(term, day, "U") >= 10);
    let three = followed(&two, 14, |_, day| share(term, day, 14, 15, false, 10));
    let four = followed(&three, 21, |_, day| share(term, day, 21, 15, false, 15));
    let of = |days: Vec<Date>, step: &'static str| days.into_iter().map(move |day| (day, step));
    of(two, "step-2").chain(of(three, "step-3")).chain(of(four, "step-4")).collect()
}

/// Bollnäs.
pub fn bollnas(term: &Term) -> Reached {
    let any = occasions(term, "EU");
    let mut found = Reached::new();
    let Some(five) = any.get(4).copied() else { return found };
    found.push((five, "five-occasions"));
    let Some(again) = after(&any, five).next().filter(|day| *day <= plus(five, 28)) else {
        return found;
    };
    found.push((again, "again"));
    found.extend(after(&any, again).next().map(|day| (day, "continues")));
    found
}

/// Falkenberg.
pub fn falkenberg(term: &Term) -> Reached {
    let any = occasions(term, "EU");
    let each =
        term.iter().filter(|(_, marks)| marks.contains(&'U')).map(|(day, _)| (*day, "each-day"));
    let mut found: Reached = each.collect();
    found.extend(occasions(term, "U").first().map(|day| (*day, "first-day")));
    let in_four_weeks =
        |day: Date| any.iter().filter(|start| (plus(day, -27)..=day).contains(start)).count();
    let continued = edges(|day| in_a_row(term, day, "EU") >= 5 || in_four_weeks(day) >= 5);
    let strong = followed(&continued, 28, |since, day| {
        after(&any, since).filter(|start| *start <= day).count() >= 3
    });
    found.extend(continued.into_iter().map(|day| (day, "continued")));
    found.extend(strong.into_iter().map(|day| (day, "strong-measures")));
    found
}
