//! A message that will never arrive: another way to the same person, else a task for staff.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::notice;
use super::shared::Shared;
use crate::directory::entitled::{self, Entitled, Known};
use crate::directory::{Directory, Homes, School};
use crate::intake::case::{Case, CaseKey};
use crate::intake::further;
use crate::model::{
    Address, Notification, Purpose, Reason, Recipient, State, TaskKind, local_date,
};
use crate::policy::{self, Decided, Plan, Situation, Standing, standing, task_for};
use crate::store::ledger::Unit;
use crate::store::rows::BadContact;
use crate::store::{StoreError, tables};

/// How long an address that was rejected is left alone: an address mended at the other end, or a
/// relay that was wrong for an hour, must not silence somebody for ever.
const BAD_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Notes that a provider rejects an address as such.
pub fn mark_bad(unit: &mut Unit<'_>, address: &Address, code: &str, now: Timestamp) {
    unit.write(tables::bad_contact(address), &BadContact { at: now, code: code.into() });
}

/// Which of a recipient's addresses providers have rejected.
pub async fn bad_addresses(
    unit: &Unit<'_>,
    directory: &Directory,
    n: &Notification,
    now: Timestamp,
) -> Result<BTreeSet<Address>, StoreError> {
    let roster = &directory.roster;
    let (phone, email) = match &n.recipient {
        Recipient::Guardian(id) => {
            let guardian = roster.guardians.get(id);
            (guardian.and_then(|g| g.phone.clone()), guardian.and_then(|g| g.email.clone()))
        }
        Recipient::Pupil => {
            let pupil = roster.pupil(&n.school, &n.pupil);
            (pupil.and_then(|p| p.phone.clone()), pupil.and_then(|p| p.email.clone()))
        }
        Recipient::Staff(_) | Recipient::Member(_) | Recipient::Guest | Recipient::Agreed => {
            (None, None)
        }
    };
    let all = phone.map(Address::Phone).into_iter().chain(email.map(Address::Email));
    bad_among(unit, all, now).await
}

/// Which of these addresses providers have rejected.
pub async fn bad_among(
    unit: &Unit<'_>,
    addresses: impl IntoIterator<Item = Address>,
    now: Timestamp,
) -> Result<BTreeSet<Address>, StoreError> {
    let since = now.saturating_sub(BAD_FOR).unwrap_or(Timestamp::MIN);
    let mut bad = BTreeSet::new();
    for address in addresses {
        let marked: Option<BadContact> = unit.peek(&tables::bad_contact(&address)).await?;
        if marked.is_some_and(|m| m.at > since) {
            bad.insert(address);
        }
    }
    Ok(bad)
}

/// Plans what follows when `n`, already written in its last state, has failed for good.
pub async fn follow(
    shared: &Shared,
    unit: &mut Unit<'_>,
    n: &Notification,
    reason: Reason,
    now: Timestamp,
) -> Result<(), StoreError> {
    let account = n.attempts.last().map_or("", |a| a.account.as_str());
    tracing::warn!(
        notification = %n.id, school = %n.school, purpose = n.purpose.as_str(),
        state = n.state.as_str(), %reason, account, "message failed for good"
    );
    if n.purpose.is_notice() {
        return notice::follow(shared, unit, n, reason, now).await;
    }
    let correction = n.purpose == Purpose::Correction;
    // Not the mail's fault: staff may not read of this pupil any more, but must know to look.
    let hidden = task_for(reason).filter(|task| task.is_content_free());
    if n.recipient_is_staff() && !(correction && hidden.is_some()) {
        let whose = if n.purpose == Purpose::CaseFeedback { "mentor" } else { "team" };
        tracing::error!(
            notification = %n.id, school = %n.school, %reason,
            "staff could not be reached by mail; check the {whose}'s address and the mail settings"
        );
        return Ok(());
    }
    if n.purpose != Purpose::Absence && !correction {
        return Ok(());
    }
    let directory = shared.directory.load_full();
    let Some(school) = directory.schools.get(&n.school) else { return Ok(()) };
    let Some(case) = Case::load(unit, &directory.roster, &CaseKey::of(n)).await? else {
        return Ok(());
    };
    let missing = standing(&case.lesson, &case.notices, now) == Standing::Missing;
    // An alarm that is no longer true need not arrive; a correction of one that is true again neither.
    if missing == correction {
        return Ok(());
    }
    if !correction {
        let missing = case.day.missing.iter();
        further::look_at(unit, (school, &case.accords), &case.key, missing, now);
    }
    let bad = bad_addresses(unit, &directory, n, now).await?;
    let situation = case.situation(school, &directory.roster, now);
    let mut plan = Plan { missing, revision: case.lesson.revision, ..Plan::default() };
    let known = |new: &Notification| case.told.iter().any(|t| t.id == new.id);
    let other = policy::fallback(&situation, n);
    let is_on_its_way =
        |t: &Notification| t.id == other.id && (t.state == State::Waiting || t.may_have_arrived());
    if !correction && case.told.iter().any(is_on_its_way) {
        return Ok(());
    }
    let not_put_right = correction.then_some(TaskKind::NotPutRight);
    let task = hidden.or(not_put_right).or_else(|| task_for(reason));
    // A message held in doubt may have arrived: another channel could tell the same person twice.
    if !correction
        && n.state != State::Expired
        && reason != Reason::HeldInDoubt
        && other_way((&directory, school), n, &bad, &case, now)
        && !known(&other)
    {
        note(&mut plan, other, reason);
    } else if let Some(next) = next_of_home(&situation, n, school) {
        note(&mut plan, next, Reason::HomeNotReached);
    } else if let Some(kind) = task {
        let task = policy::task_notification(&situation, case.lesson.revision, kind, reason);
        if !known(&task) {
            note(&mut plan, task, reason);
        }
    }
    case.apply(unit, &plan);
    Ok(())
}

/// The next of a home that is told once, where an alarm has failed for good.
fn next_of_home(s: &Situation<'_>, n: &Notification, school: &School) -> Option<Notification> {
    let is_next = school.people.homes == Homes::Merged
        && n.purpose == Purpose::Absence
        && matches!(n.state, State::Undelivered | State::Rejected);
    is_next.then(|| policy::next_of_home(s, n)).flatten()
}

fn note(plan: &mut Plan, new: Notification, reason: Reason) {
    plan.decisions.push(Decided {
        act: "notify",
        recipient: Some(new.recipient.clone()),
        reason,
        notification: Some(new.id.clone()),
    });
    plan.make.push(new);
}

/// Whether the recipient may be reached by the other channel.
fn other_way(
    (directory, school): (&Directory, &School),
    n: &Notification,
    bad: &BTreeSet<Address>,
    case: &Case,
    now: Timestamp,
) -> bool {
    let Some(pupil) = directory.roster.pupil(&n.school, &n.pupil) else { return false };
    let today = local_date(now, &school.zone);
    let known = Known { whole_homes: true, ..Known::of(&case.accords) };
    let candidates = match entitled::recipients(school, pupil, &directory.roster, today, &known) {
        Entitled::Nobody(_) => return false,
        Entitled::Adult(candidates) | Entitled::Guardians { candidates, .. } => candidates,
    };
    candidates
        .into_iter()
        .find(|c| c.recipient == n.recipient)
        .and_then(|c| c.contact.ok())
        .is_some_and(|addresses| {
            addresses.iter().any(|a| a.channel() == n.channel.other() && !bad.contains(a))
        })
}
