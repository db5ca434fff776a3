//! Marks that come too late to be news: what the team must do about them, or until when home is told all the same. Pure.

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};

use super::evaluate::{Situation, staff_task};
use super::exclusion::hidden;
use super::plan::Plan;
use crate::directory::{Pupil, School, WhenStale};
use crate::model::{Notification, Purpose, Reason, Recipient, StaffRole, TaskKind, local_date};

/// How long after its end home is told of a lesson where the school wants it told late.
const A_WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a message is worth sending where the school wants it told late: quiet hours pass within it.
const LATE_DEADLINE: SignedDuration = SignedDuration::from_hours(24);
/// How long a task about a late mark waits, so that the register which comes with it is seen.
const GATHER: SignedDuration = SignedDuration::from_mins(1);
/// Days back within which there is one of school, whatever the holidays.
const HORIZON: i64 = 120;

/// Until when a lesson that ended is news.
pub fn fresh_until(school: &School, end: Timestamp) -> Timestamp {
    end.saturating_add(school.stale_after).unwrap_or(Timestamp::MAX)
}

/// How long after its end home is told of a lesson.
pub fn told_for(school: &School) -> SignedDuration {
    match school.time.when_stale {
        WhenStale::Duty => school.stale_after,
        WhenStale::Past => school.stale_after.max(A_WEEK),
    }
}

/// Whether home is told of a lesson no more.
pub fn is_too_old(school: &School, end: Timestamp, now: Timestamp) -> bool {
    now > end.saturating_add(told_for(school)).unwrap_or(Timestamp::MAX)
}

/// Until when a message home about a lesson is worth sending that is made now.
pub fn deadline(school: &School, end: Timestamp, now: Timestamp) -> Timestamp {
    let fresh = fresh_until(school, end);
    match school.time.when_stale {
        WhenStale::Duty => fresh,
        WhenStale::Past => fresh.max(now.saturating_add(LATE_DEADLINE).unwrap_or(Timestamp::MAX)),
    }
}

/// The last day of school before a day; no week has more than five.
pub fn day_of_school_before(school: &School, day: Date) -> Option<Date> {
    use jiff::civil::Weekday::{Saturday, Sunday};
    (1..=HORIZON).find_map(|back| {
        let before = day.checked_sub(back.days()).ok()?;
        let is_weekend = matches!(before.weekday(), Saturday | Sunday);
        (!is_weekend && school.is_school_day(before)).then_some(before)
    })
}

/// Whether somebody can still make good of it: the lesson was today, or since the last day of school. What is older
/// comes of a source that tells its history.
fn is_recent(s: &Situation<'_>) -> bool {
    let today = local_date(s.now, &s.school.zone);
    day_of_school_before(s.school, today).is_some_and(|last| s.date >= last)
}

/// The team's task about a mark that is too late for a message home, once for each pupil and day.
pub(super) fn duty(s: &Situation<'_>, pupil: Option<&Pupil>, plan: &mut Plan) {
    let team = Recipient::Staff(StaffRole::AttendanceTeam);
    if s.school.time.when_stale != WhenStale::Duty || !is_recent(s) {
        return;
    }
    // What was decided while it was news has had what follows of it.
    let decided = |n: &&Notification| n.revision == plan.revision && n.purpose == Purpose::Absence;
    if s.told.iter().any(|n| decided(&n)) {
        return;
    }
    if s.duty_elsewhere {
        plan.suppress(Some(team), Reason::AlreadyTold);
        return;
    }
    let listed =
        |n: &&Notification| n.revision == plan.revision && n.state_reason == Some(Reason::InDigest);
    if let Some(listed) = s.told.iter().find(listed) {
        plan.keep(listed, Reason::InDigest);
        return;
    }
    plan.duty = true;
    let made = plan.make.len();
    staff_task(s, hidden(s, pupil).unwrap_or(Reason::Stale), plan);
    for task in plan.make.iter_mut().skip(made).filter(|task| is_late(task)) {
        task.due_at = s.now.saturating_add(GATHER).unwrap_or(s.now);
        task.state_reason = Some(Reason::Grace);
    }
}

/// Whether a message is the team's task about a mark that came too late.
pub fn is_late(n: &Notification) -> bool {
    n.task == Some(TaskKind::NobodyReached) && n.reason == Reason::Stale
}

#[cfg(test)]
#[path = "stale_tests.rs"]
mod tests;
