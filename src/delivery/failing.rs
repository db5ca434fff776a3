//! Numbers whose texts fail one after the other. A provider that gives no reason (46elks) cannot say
//! whether a number is wrong, but several in a row can: the school is asked to look, and nothing is
//! decided about the number itself.

use jiff::Timestamp;

use super::shared::Shared;
use crate::intake::case::{Case, CaseKey};
use crate::model::{
    Address, Notification, NotificationId, ProviderId, Purpose, Reason, State, TaskKind,
};
use crate::policy::{self, Decided, Plan};
use crate::store::ledger::Unit;
use crate::store::rows::Failing;
use crate::store::{StoreError, tables};

/// Counts what a report has just made of `n`, already written; asks the school at every so many
/// failures in a row. A text that arrives ends the row.
///
/// # Errors
/// When the store fails.
pub async fn count(
    shared: &Shared,
    unit: &mut Unit<'_>,
    account: &ProviderId,
    n: &Notification,
    now: Timestamp,
) -> Result<(), StoreError> {
    // It says nothing of a guardian's number that a test did not arrive.
    if n.purpose == Purpose::Test && n.state != State::Delivered {
        return Ok(());
    }
    let (Some(address @ Address::Phone(_)), Some(provider)) =
        (&n.address, shared.providers.get(account))
    else {
        return Ok(());
    };
    let key = tables::failing(address);
    let before: Option<Failing> = unit.read(&key).await?;
    match n.state {
        State::Undelivered => {
            let failures = before.map_or(0, |row| row.failures).saturating_add(1);
            unit.write(key, &Failing { failures, at: now });
            if failures.is_multiple_of(provider.check_number_after.get()) {
                ask(shared, unit, n, failures, now).await?;
            }
        }
        State::Delivered if before.is_some() => unit.delete(key),
        _ => {}
    }
    Ok(())
}

/// The id of the task that the failure of a message makes.
pub(super) fn task_id(failed: &NotificationId) -> NotificationId {
    NotificationId::of(&[failed.as_str(), TaskKind::CheckNumber.as_str()])
}

async fn ask(
    shared: &Shared,
    unit: &mut Unit<'_>,
    n: &Notification,
    failures: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let directory = shared.directory.load_full();
    let Some(school) = directory.schools.get(&n.school) else { return Ok(()) };
    let Some(case) = Case::load(unit, &directory.roster, &CaseKey::of(n)).await? else {
        return Ok(());
    };
    let situation = case.situation(school, &directory.roster, now);
    let revision = case.lesson.revision;
    let kind = TaskKind::CheckNumber;
    let mut task = policy::task_notification(&situation, revision, kind, Reason::BadContact);
    // Not of the lesson, which several numbers may fail at.
    task.id = task_id(&n.id);
    if case.told.iter().any(|known| known.id == task.id) {
        return Ok(());
    }
    tracing::warn!(
        notification = %n.id, school = %n.school, failures,
        "texts to one number fail one after the other; the school is asked to check it"
    );
    let mut plan = Plan { missing: case.lesson.missing, revision, ..Plan::default() };
    plan.decisions.push(Decided {
        act: "notify",
        recipient: Some(task.recipient.clone()),
        reason: Reason::BadContact,
        notification: Some(task.id.clone()),
    });
    plan.make.push(task);
    case.apply(unit, &plan);
    Ok(())
}
