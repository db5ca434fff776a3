//! Those who were told what is no longer so: to exactly them, on the same channel, once for each thing that they were
//! told, and only when the mark has stood for a while. Pure; decides no alarm.

use jiff::Timestamp;

use super::evaluate::{Situation, blank, is_corrected, notification_id};
use super::last_word::{corrections, is_news, is_void};
use super::plan::Plan;
use super::standing::Standing;
use crate::model::{CorrectionKind, Notification, Purpose, Reason, State, TaskKind};

/// Those who were told that a pupil is missing who is not.
pub(super) fn put_right(s: &Situation<'_>, standing: Standing, plan: &mut Plan) {
    let Standing::NotMissing { reason, correction } = standing else { return };
    let report_stands = s.lesson.report_stands() && reason != Reason::AdvanceNotice;
    let mut touched = false;
    for n in s.told {
        let concerns_team = matches!(n.purpose, Purpose::TeamAlert | Purpose::TeamUpdate);
        let task = n.purpose == Purpose::StaffTask;
        let content_free = task && n.task != Some(TaskKind::NobodyReached);
        // What was recorded of a case is so all the same.
        if matches!(n.purpose, Purpose::Correction | Purpose::CaseFeedback)
            // A number is as wrong when the pupil has come.
            || matches!(n.task, Some(TaskKind::NotPutRight | TaskKind::CheckNumber))
            // What the teacher said is so all the same, and for some pupils a task is all that says it.
            || ((concerns_team || n.task.is_some_and(TaskKind::is_content_free)) && report_stands)
            || (n.task.is_some_and(TaskKind::is_content_free) && is_believed(s))
        {
            continue;
        }
        if n.state == State::Waiting {
            touched = true;
            plan.cancel(n, reason);
        }
        // What waits to be sent again may have arrived all the same.
        if n.may_have_arrived() && !content_free && !never_wrong(n) {
            touched = true;
            if is_superseded(s, n) {
                plan.keep(n, Reason::AlreadyTold);
                continue;
            }
            correct(s, n, (reason, correction), plan);
        }
    }
    if !touched {
        plan.suppress(None, reason);
    }
}

/// Whether somebody has been told what is not so, and has no correction: of a pupil about whom nobody may be written to by
/// now, the task is all that there is.
fn is_believed(s: &Situation<'_>) -> bool {
    let alarm = |n: &&Notification| matches!(n.purpose, Purpose::Absence | Purpose::TeamAlert);
    let mut alarms = s.told.iter().filter(alarm);
    alarms.any(|n| n.may_have_arrived() && !is_corrected(s, n))
}

/// Whether a message says nothing that could be wrong.
fn never_wrong(n: &Notification) -> bool {
    matches!(n.purpose, Purpose::TeamUpdate | Purpose::AskToRing)
}

/// Tells the reader of `n` what is so, where the last word was another.
fn correct(
    s: &Situation<'_>,
    n: &Notification,
    (reason, correction): (Reason, Option<CorrectionKind>),
    plan: &mut Plan,
) {
    let made = || corrections(s.told, &n.id);
    let waits = |c: &&Notification| c.state == State::Waiting;
    let Some(kind) = correction else {
        // What it says is not known to be so any more.
        for waiting in made().filter(waits) {
            plan.cancel(waiting, Reason::MarkChanged);
        }
        plan.keep(n, reason);
        return;
    };
    let fits = |c: &&Notification| waits(c) && c.correction == correction;
    if let Some(waiting) = made().find(fits)
        && is_news(made().filter(|c| c.id != waiting.id), kind)
    {
        plan.keep(waiting, Reason::AlreadyTold);
        return;
    }
    let is_news = is_news(made(), kind);
    let outdated = if is_news { Reason::Replaced } else { Reason::MarkChanged };
    for waiting in made().filter(waits) {
        plan.cancel(waiting, outdated);
    }
    if !is_news {
        let last = made().rfind(|c| c.may_have_arrived()).unwrap_or(n);
        plan.keep(last, Reason::AlreadyTold);
        return;
    }
    // One that failed, or that somebody called back, is staff's.
    let gives_way =
        |c: &Notification| c.state.may_have_arrived() || c.state == State::Waiting || is_void(c);
    if let Some(last) = made().next_back().filter(|c| !gives_way(c)) {
        plan.keep(last, last.state_reason.unwrap_or(Reason::AlreadyTold));
        return;
    }
    let mut new = blank(s, s.lesson.revision, Purpose::Correction, n.recipient.clone(), n.channel);
    new.reason = Reason::ToldOtherwise;
    new.correction = Some(kind);
    new.corrects = Some(n.id.clone());
    new.address.clone_from(&n.address);
    new.due_at = settled(s);
    if new.due_at > s.now {
        new.state_reason = Some(Reason::Settling);
    }
    // Those before it have ids of their own, whatever became of them.
    let mut before = 0;
    new.id = loop {
        let more = if before == 0 { n.id.to_string() } else { format!("{} {before}", n.id) };
        let id = notification_id(s, &new, &more);
        if s.told.iter().all(|known| known.id != id) {
            break id;
        }
        before += 1;
    };
    plan.make(new);
}

/// When a mark has stood long enough for those who were told otherwise to be put right. A register is mended in
/// several steps, and nobody is to read each of them.
fn settled(s: &Situation<'_>) -> Timestamp {
    let settled = s.lesson.received_at.saturating_add(s.school.correction_settle);
    settled.unwrap_or(s.now).max(s.now)
}

/// Whether an alarm was corrected, as far as is known, and followed by another to the same reader: that
/// one's correction is the last word about both.
fn is_superseded(s: &Situation<'_>, n: &Notification) -> bool {
    let after = |k: &Notification| {
        k.purpose == n.purpose
            && k.recipient == n.recipient
            && k.revision > n.revision
            && k.may_have_arrived()
    };
    is_corrected(s, n) && s.told.iter().any(after)
}
