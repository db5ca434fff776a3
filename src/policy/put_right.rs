//! Those who were told what is no longer so: to exactly them, on the same channel, once, and only when the mark has
//! stood for a while. Pure; decides no alarm.

use jiff::Timestamp;

use super::evaluate::{Situation, blank, is_corrected, notification_id};
use super::plan::Plan;
use super::standing::Standing;
use crate::model::{Notification, Purpose, Reason, State, TaskKind};

/// Those who were told that a pupil is missing who is not.
pub(super) fn put_right(s: &Situation<'_>, standing: Standing, plan: &mut Plan) {
    let Standing::NotMissing { reason, correction } = standing else { return };
    let report_stands = s.lesson.report_stands() && reason != Reason::AdvanceNotice;
    let mut touched = false;
    for n in s.told {
        let concerns_team = matches!(n.purpose, Purpose::TeamAlert | Purpose::TeamUpdate);
        let task = n.purpose == Purpose::StaffTask;
        let content_free = task && n.task != Some(TaskKind::NobodyReached);
        if n.purpose == Purpose::Correction
            // A number is as wrong when the pupil has come.
            || matches!(n.task, Some(TaskKind::NotPutRight | TaskKind::CheckNumber))
            // What the teacher said is so all the same, and for some pupils a task is all that says it.
            || ((concerns_team || n.task.is_some_and(TaskKind::is_content_free)) && report_stands)
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
            let Some(kind) = correction else {
                plan.keep(n, reason);
                continue;
            };
            let mut outdated = 0;
            if let Some(done) = standing_correction(s, n) {
                if done.state != State::Waiting || done.correction == correction {
                    plan.keep(done, Reason::AlreadyTold);
                    continue;
                }
                plan.cancel(done, Reason::Replaced);
                outdated = 1;
            }
            let mut new =
                blank(s, s.lesson.revision, Purpose::Correction, n.recipient.clone(), n.channel);
            new.reason = Reason::ToldOtherwise;
            new.correction = Some(kind);
            new.corrects = Some(n.id.clone());
            new.address.clone_from(&n.address);
            new.due_at = settled(s);
            if new.due_at > s.now {
                new.state_reason = Some(Reason::Settling);
            }
            // One called back because nothing had arrived does not stand in the way when it has.
            let void = s.told.iter().filter(|c| is_void(c, n)).count() + outdated;
            let more = if void == 0 { n.id.to_string() } else { format!("{} {void}", n.id) };
            new.id = notification_id(s, &new, &more);
            if let Some(known) = s.told.iter().find(|known| known.id == new.id) {
                plan.keep(known, known.state_reason.unwrap_or(Reason::AlreadyTold));
                continue;
            }
            plan.make(new);
        }
    }
    if !touched {
        plan.suppress(None, reason);
    }
}

/// Whether a message says nothing that could be wrong.
fn never_wrong(n: &Notification) -> bool {
    matches!(n.purpose, Purpose::TeamUpdate | Purpose::AskToRing)
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

/// The correction of `n` that has left or may still leave, those about to be called back aside.
fn standing_correction<'a>(s: &'a Situation<'_>, n: &Notification) -> Option<&'a Notification> {
    s.told.iter().find(|c| {
        c.corrects.as_ref() == Some(&n.id)
            && (c.state.may_have_arrived() || c.state == State::Waiting)
    })
}

/// Whether `c` is a correction of `n` that never left: `n` did not seem to have arrived, or it was true
/// again, or there was something else to say by then.
fn is_void(c: &Notification, n: &Notification) -> bool {
    c.corrects.as_ref() == Some(&n.id)
        && c.state == State::Cancelled
        && matches!(
            c.state_reason,
            Some(Reason::NothingToCorrect | Reason::Replaced | Reason::MarkChanged)
        )
}
