//! What of a ladder is reached now against what was fired before: what fires, what is taken back, and when to ask
//! again. The only door of this room for whoever writes rows. Pure.

use std::collections::BTreeSet;

use jiff::ToSpan as _;
use jiff::{Timestamp, civil::Date};

use super::condition::{first_asked, shared};
use super::replay::{Edge, asks_of, edges, waits_for_the_end};
use super::school_days::SchoolDays;
use super::view::{Anchor, View};
use super::{Condition, History, Ladder, Span, Step, Still, Unmarked};
use crate::calendar::Calendar;
use crate::model::{Firing, NotificationId, PupilId, Reason, SchoolId};

/// What is known of a pupil that filters ask for.
#[derive(Debug, Clone)]
pub struct Who<'a> {
    /// The school.
    pub school: &'a SchoolId,
    /// The school's form, as configured; empty: not known.
    pub form: &'a str,
    /// The school's calendar; none: every day from Monday to Friday may be a school day.
    pub calendar: Option<&'a Calendar>,
    /// The pupil.
    pub pupil: &'a PupilId,
    /// The school year.
    pub year: Option<u8>,
    /// The date of birth.
    pub birth_date: Option<Date>,
}

/// What the ladder is asked of.
#[derive(Debug, Clone)]
pub struct Situation<'a> {
    /// The ladder.
    pub ladder: &'a Ladder,
    /// The day from which the school follows ladders: what was reached before it is not fired. None: from the ladder's
    /// own first day.
    pub since: Option<Date>,
    /// The day from which a later version of it is in force; none: it is the last. It fires nothing from then on, and
    /// what it fired is still looked after.
    pub until: Option<Date>,
    /// Of whom.
    pub who: Who<'a>,
    /// What is known of the lessons.
    pub history: &'a History,
    /// What was fired of this ladder before, also what was taken back; of other versions of it too.
    pub fired: &'a [Firing],
    /// Those of them of which somebody still has a duty to do.
    pub open: &'a BTreeSet<NotificationId>,
    /// Now, for what is made.
    pub now: Timestamp,
}

/// What is to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advance {
    /// Steps reached, whose firings are not known yet.
    pub fire: Vec<Firing>,
    /// Firings that are not so, or not so any more, and why.
    pub retract: Vec<(NotificationId, Reason)>,
    /// Firings whose days of absence are others now, and which.
    pub changed: Vec<(NotificationId, Vec<Date>)>,
    /// The first day, after today, on whose end it may come out otherwise though nothing is heard; none: no day.
    pub look_again: Option<Date>,
    /// It may come out otherwise at the end of today.
    pub look_tonight: bool,
    /// Something was left as it is because the schedule was not read: it is to be asked with it.
    pub unasked: bool,
}

/// What of a ladder is reached now.
pub fn advance(s: &Situation<'_>) -> Advance {
    let mut view = View::new(s.ladder, s.history, SchoolDays(s.who.calendar));
    let mut out = Advance::default();
    for step in &s.ladder.steps {
        let anchors = settle(s, &view, step, &mut out);
        view.reached.insert(step.id.clone(), anchors);
    }
    let later = s.ladder.steps.iter().filter_map(|step| ask_again(s, &view, step)).min();
    out.look_again = later.filter(|_| is_in_force(s, s.history.today));
    out.unasked &= is_in_force(s, s.history.today);
    out.look_tonight = !s.history.today_is_over
        && is_in_force(s, s.history.today)
        && s.history.of(s.history.today).iter().any(|lesson| lesson.attended.is_away())
        && s.ladder.steps.iter().any(|step| waits_for_the_end(&step.when));
    out
}

/// Whether it fires what is reached on a day.
fn is_in_force(s: &Situation<'_>, day: Date) -> bool {
    let from = s.ladder.from.max(s.since.unwrap_or(s.ladder.from));
    from <= day && s.until.is_none_or(|until| day < until)
}

/// One step: its firings against the times at which it is reached. Returns those that stand, for the steps after it.
fn settle(s: &Situation<'_>, view: &View<'_>, step: &Step, out: &mut Advance) -> Vec<Anchor> {
    let edges = edges(view, step, &s.who);
    let mine: Vec<&Firing> =
        s.fired.iter().filter(|one| one.ladder == s.ladder.name && one.step == step.id).collect();
    let standing: Vec<&Firing> = mine.iter().copied().filter(|one| one.stands()).collect();
    let (at, found) = paired(step, &edges, &standing);
    let mut anchors = Vec::new();
    let blind = by_schedule(&step.when) && s.history.unmarked == Unmarked::NotRead;
    out.unasked |= blind;
    for (firing, at) in standing.iter().zip(at) {
        if blind {
            let (day, key) = (firing.day, firing.key.clone());
            anchors.push(Anchor { day, key, open: s.open.contains(&firing.id) });
            continue;
        }
        let because = at.map(|at| &edges[at].because).filter(|days| **days != firing.because);
        if let Some(because) = because.filter(|_| firing.version == s.ladder.from) {
            out.changed.push((firing.id.clone(), because.clone()));
        }
        match (at, why_not(s, view, step, firing)) {
            (None, Some(reason)) => out.retract.push((firing.id.clone(), reason)),
            _ => anchors.push(Anchor {
                day: at.map_or(firing.day, |at| true_day(s, firing, &edges[at])),
                key: firing.key.clone(),
                open: s.open.contains(&firing.id),
            }),
        }
    }
    for (edge, _) in edges.into_iter().zip(found).filter(|(_, found)| !found) {
        // Without the schedule, what was reached before may be the same.
        let may = if blind {
            standing.is_empty() && edge.day == s.history.today
        } else {
            is_known(s, view, &step.when, edge.day)
        };
        if may && is_in_force(s, edge.day) {
            anchors.push(Anchor { day: edge.day, key: edge.key.clone(), open: true });
            out.fire.push(fire(s, step, edge, &mine));
        }
    }
    anchors.sort_by_key(|anchor| anchor.day);
    anchors
}

/// Which time each firing is of, and which of the times have one: those that are named the same first, then what was
/// put right since. Each has one at most.
fn paired(step: &Step, edges: &[Edge], standing: &[&Firing]) -> (Vec<Option<usize>>, Vec<bool>) {
    let mut found = vec![false; edges.len()];
    let mut at: Vec<Option<usize>> = vec![None; standing.len()];
    let exactly = |edge: &Edge, firing: &Firing| edge.key == firing.key;
    let nearly = |edge: &Edge, firing: &Firing| is_same(step, edge, firing);
    for same in [&exactly as &dyn Fn(&Edge, &Firing) -> bool, &nearly] {
        for (firing, at) in standing.iter().zip(&mut at).filter(|(_, at)| at.is_none()) {
            let mut free = edges.iter().zip(&found).enumerate();
            *at = free.find(|(_, (edge, found))| !**found && same(edge, firing)).map(|(i, _)| i);
            if let Some(at) = *at {
                found[at] = true;
            }
        }
    }
    (at, found)
}

/// The day from which the steps after it count: what was put right since may have moved it. Where that cannot be told,
/// the day on which it was found.
fn true_day(s: &Situation<'_>, firing: &Firing, edge: &Edge) -> Date {
    if firing.version == s.ladder.from && is_kept(s, firing) { edge.day } else { firing.day }
}

/// Whether the days that it was reached by are kept still.
fn is_kept(s: &Situation<'_>, firing: &Firing) -> bool {
    firing.because.iter().all(|day| *day >= s.history.since)
}

fn fire(s: &Situation<'_>, step: &Step, edge: Edge, known: &[&Firing]) -> Firing {
    let before = known.iter().filter(|one| one.key == edge.key).map(|one| one.revision + 1).max();
    let revision = before.unwrap_or(0);
    let (school, pupil) = (s.who.school.clone(), s.who.pupil.clone());
    let name = (s.ladder.name.as_str(), step.id.as_str());
    Firing {
        id: Firing::id_of(&school, &pupil, name, &edge.key, revision),
        school,
        pupil,
        ladder: s.ladder.name.clone(),
        version: s.ladder.from,
        step: step.id.clone(),
        key: edge.key,
        revision,
        day: edge.day,
        at: s.now,
        because: edge.because,
        retracted: None,
        notifications: Vec::new(),
        duties: step.duties.iter().map(|duty| duty.id.clone()).collect(),
    }
}

/// Whether a firing is of that time at which its step is reached. What was put right since may have moved the day.
fn is_same(step: &Step, edge: &Edge, firing: &Firing) -> bool {
    match &step.when {
        Condition::Every { .. } => edge.because.iter().any(|day| firing.because.contains(day)),
        // The key is that of a window, or of the step before it.
        Condition::After(_) => false,
        _ => match step.latch.once {
            super::Once::UntilFalseFor(_) => {
                let meets = firing.because.iter().any(|day| edge.because.contains(day));
                (edge.day..=edge.last).contains(&firing.day) || meets
            }
            super::Once::Term | super::Once::SchoolYear => false,
        },
    }
}

/// Why a firing that is of no time at which its step is reached was not reached; none: it is left as it is, since
/// nobody can say.
fn why_not(s: &Situation<'_>, view: &View<'_>, step: &Step, firing: &Firing) -> Option<Reason> {
    // Another version fired it, by other rules; or what it was reached by is kept no longer; or the pupil's year or
    // the school's form has changed since.
    let known = is_kept(s, firing) && is_known(s, view, &step.when, firing.day);
    if firing.version != s.ladder.from || !known || !asks_of(step, &s.who) {
        return None;
    }
    if let Condition::After(after) = &step.when {
        let earlier = view.reached.get(&after.step);
        let stands = earlier.is_some_and(|all| all.iter().any(|anchor| anchor.key == firing.key));
        if !stands {
            return Some(Reason::EarlierStepNotReached);
        }
        // That a duty was open then is not undone by its being done.
        return (!asks_open(&step.when)).then_some(Reason::StepNotReached);
    }
    (!asks_open(&step.when)).then_some(Reason::StepNotReached)
}

/// Whether a condition asks for lessons that nobody has marked.
pub fn by_schedule(condition: &Condition) -> bool {
    match condition {
        Condition::Share(share) => share.by_schedule,
        Condition::After(after) => match &after.still {
            Still::Open => false,
            Still::Holds(inner) => by_schedule(inner),
        },
        Condition::AnyOf(all) | Condition::AllOf(all) => all.iter().any(by_schedule),
        Condition::Count(_) | Condition::Every { .. } | Condition::Continuous(_) => false,
    }
}

/// Whether the schedule is known of all days that a condition looks at on a day. Plans are kept less long than marks:
/// where marks are older than the first plan, plans are missing.
fn is_known(s: &Situation<'_>, view: &View<'_>, condition: &Condition, day: Date) -> bool {
    let Unmarked::From(first) = s.history.unmarked else { return true };
    if !by_schedule(condition) || first <= s.history.since {
        return true;
    }
    let mut known = true;
    spans(condition, &mut |span| {
        let from = match span {
            Span::Since(step) => view.last_reached(step, day).map(|anchor| anchor.day),
            _ => view.window(span, day, None).map(|(from, _)| from),
        };
        known &= from.is_none_or(|from| first <= from);
    });
    known
}

/// Whether a condition asks for open duties.
fn asks_open(condition: &Condition) -> bool {
    match condition {
        Condition::After(after) => match &after.still {
            Still::Open => true,
            Still::Holds(inner) => asks_open(inner),
        },
        Condition::AnyOf(all) | Condition::AllOf(all) => all.iter().any(asks_open),
        _ => false,
    }
}

/// The next day on which a step may be reached though nothing is heard; none: there is none.
fn ask_again(s: &Situation<'_>, view: &View<'_>, step: &Step) -> Option<Date> {
    let today = s.history.today;
    let mut days: Vec<Date> = Vec::new();
    // A share that says nothing yet may, with the minutes of the days to come.
    if asks_of(step, &s.who) && is_silent(view, &step.when, today, None) {
        days.extend(today.tomorrow().ok());
    }
    afters(&step.when, &mut |after| {
        for anchor in view.reached.get(&after.step).into_iter().flatten() {
            days.push(first_asked(after, anchor.day));
        }
    });
    days.into_iter().filter(|day| *day > today).min()
}

/// Shows every condition that follows on a step.
fn afters(condition: &Condition, show: &mut impl FnMut(&super::After)) {
    match condition {
        Condition::After(after) => {
            show(after);
            if let Still::Holds(inner) = &after.still {
                afters(inner, show);
            }
        }
        Condition::AnyOf(all) | Condition::AllOf(all) => {
            for one in all {
                afters(one, show);
            }
        }
        _ => {}
    }
}

/// Whether a share has absence in its span, and too little besides to say anything.
fn is_silent(
    view: &View<'_>,
    condition: &Condition,
    day: Date,
    since: Option<(&str, Date)>,
) -> bool {
    match condition {
        Condition::Share(share) => {
            shared(view, share, day, since).is_some_and(|found| found.missed > 0 && !found.speaks)
        }
        Condition::After(after) => match &after.still {
            Still::Open => false,
            Still::Holds(inner) => {
                let anchor = view.reached.get(&after.step).and_then(|all| all.last());
                let since = anchor.map(|anchor| (after.step.as_str(), anchor.day));
                since.is_some() && is_silent(view, inner, day, since)
            }
        },
        Condition::AnyOf(all) | Condition::AllOf(all) => {
            all.iter().any(|one| is_silent(view, one, day, since))
        }
        Condition::Count(_) | Condition::Every { .. } | Condition::Continuous(_) => false,
    }
}

impl Ladder {
    /// The first day whose lessons its conditions may ask for on a day, at the latest the first of the school year:
    /// what lies before it need not be read.
    pub fn looks_back_to(&self, day: Date) -> Date {
        let year = super::school_days::school_year_of(day);
        let mut first = year;
        for step in &self.steps {
            spans(&step.when, &mut |span| {
                if let Span::Days(count) = span {
                    first = first.min(day.saturating_sub(i64::from(*count).days()));
                }
            });
        }
        first
    }
}

fn spans(condition: &Condition, show: &mut impl FnMut(&Span)) {
    match condition {
        Condition::Count(count) => show(&count.within),
        Condition::Share(share) => show(&share.within),
        Condition::Every { .. } | Condition::Continuous(_) => {}
        Condition::After(after) => {
            if let Still::Holds(inner) = &after.still {
                spans(inner, show);
            }
        }
        Condition::AnyOf(all) | Condition::AllOf(all) => {
            for one in all {
                spans(one, show);
            }
        }
    }
}

#[cfg(test)]
#[path = "advance_tests.rs"]
mod tests;
