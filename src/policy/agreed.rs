//! What was agreed with a home, followed. A protected pupil of whom it was agreed that one verified number may be asked to
//! ring: a text that says nothing of anybody, beside the duty for staff; only what the directory itself calls protected
//! can be lifted so far. And homes that the team phones first. Pure.

use super::evaluate::{Situation, blank, cancel_waiting, notification_id};
use super::exclusion::hidden;
use super::plan::Plan;
use crate::directory::entitled::denied_addresses;
use crate::directory::{Protection, Pupil, Roster, School};
use crate::model::{
    Accord, Address, Channel, Notification, Phone, Purpose, Reason, Recipient, Reports, State,
    accord, local_date,
};

/// The number that may be asked to ring at an instant; none: nothing leaves. A number of somebody who must not be told
/// of the pupil is never it.
pub fn number(
    school: &School,
    pupil: &Pupil,
    roster: &Roster,
    accords: &[Accord],
    today: jiff::civil::Date,
) -> Option<Phone> {
    if pupil.protection != Protection::Protected || school.people.neutral_sender_id.is_none() {
        return None;
    }
    let phone = accord::agreed_number(accords, today)?;
    let denied = denied_addresses(pupil, roster, today);
    (!denied.contains(&Address::Phone(phone.clone()))).then(|| phone.clone())
}

/// Plans that the number is asked to ring: once for the pupil and day.
pub(super) fn ask_to_ring(s: &Situation<'_>, pupil: Option<&Pupil>, plan: &mut Plan) {
    let today = local_date(s.now, &s.school.zone);
    let Some(pupil) = pupil else { return };
    if number(s.school, pupil, s.roster, s.accords, today).is_none() {
        return;
    }
    // One that left, or may leave, is the day's, whatever has come and gone since.
    let never_left = |n: &Notification| n.state == State::Cancelled && n.attempts.is_empty();
    let of_lesson = || s.told.iter().filter(|n| n.purpose == Purpose::AskToRing);
    if let Some(known) = of_lesson().find(|n| !never_left(n)) {
        plan.keep(known, Reason::AlreadyTold);
        return;
    }
    if s.rung {
        plan.suppress(Some(Recipient::Agreed), Reason::AlreadyTold);
        return;
    }
    let mut new = blank(s, plan.revision, Purpose::AskToRing, Recipient::Agreed, Channel::Sms);
    new.reason = Reason::Agreed;
    new.id = notification_id(s, &new, "");
    let settled = s.lesson.received_at.saturating_add(s.school.settling()).unwrap_or(s.now);
    new.due_at = s.now.max(settled).max(s.lesson.lesson.start);
    if s.lesson.lesson.start > s.now.max(settled) {
        new.state_reason = Some(Reason::NotBegun);
    } else if settled > s.now {
        new.state_reason = Some(Reason::Grace);
    }
    new.deadline = s.lesson.lesson.end.saturating_add(s.school.stale_after).unwrap_or(s.now);
    match of_lesson().find(|n| n.id == new.id) {
        None => plan.make(new),
        Some(same) if same.state_reason.is_some_and(Reason::is_operators_cancel) => {
            plan.keep(same, Reason::OperatorCancelled);
        }
        Some(same) => plan.again(same, new.due_at),
    }
}

/// Whether a recipient is phoned instead of being written to; what still waits for them is called back.
pub(super) fn is_phoned(s: &Situation<'_>, recipient: &Recipient, plan: &mut Plan) -> bool {
    let today = local_date(s.now, &s.school.zone);
    if accord::reports(s.accords, recipient, today) != Some(Reports::PhoneFirst) {
        return false;
    }
    cancel_waiting(s, plan, |n| n.recipient == *recipient, Reason::PhoneFirst);
    plan.suppress(Some(recipient.clone()), Reason::PhoneFirst);
    true
}

/// Whether the team is to phone at once, and may be told of whom.
pub(super) fn is_phone_first(s: &Situation<'_>, pupil: Option<&Pupil>) -> bool {
    let today = local_date(s.now, &s.school.zone);
    hidden(s, pupil).is_none() && accord::is_phoned_first(s.accords, today)
}
