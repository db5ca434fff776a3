//! Delivery reports into rows: found by our own id or the provider's reference, written once, and
//! followed up.

use super::carried;
use super::failing;
use super::failure;
use super::receipt::{self, Told};
use super::send::{decide_again, refer};
use super::settle::{self, Next};
use super::shared::Shared;
use crate::intake::case::due_row;
use crate::model::{Notification, NotificationId, Outcome, ProviderId, Reason, Receipt};
use crate::store::ledger::{self, Unit};
use crate::store::{Batch, Commit, StoreError, tables};

const CONFLICT_TRIES: u32 = 100;

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It changed something; durable.
    New,
    /// Nothing new in it; durable.
    Known,
    /// About a message this gateway does not know.
    Unknown,
    /// About a message this gateway cannot know yet: one to which the provider's answer, with its
    /// reference, may be on its way this moment.
    TooEarly,
}

impl Received {
    /// The word that metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Known => "known",
            Self::Unknown => "unknown",
            Self::TooEarly => "too-early",
        }
    }
}

/// Writes one report; durable on return.
///
/// # Errors
/// When the store fails; the provider should then be asked to come again.
#[tracing::instrument(
    target = "upprop::trace", name = "receipt", skip_all,
    fields(account = %account, notification = tracing::field::Empty)
)]
pub async fn receive(
    shared: &Shared,
    account: &ProviderId,
    report: &Receipt,
) -> Result<Received, StoreError> {
    // Asked first: a message lands after its reference is written.
    let on_the_wire = shared.is_busy(account);
    let Some(id) = find(shared, account, report).await? else {
        return Ok(if on_the_wire { Received::TooEarly } else { Received::Unknown });
    };
    if shared.directory.load().roster.pupil_count() == 0 {
        // What follows from it cannot be decided; the provider comes again.
        return Err(StoreError::Busy("no directory is in force".into()));
    }
    for _ in 0..CONFLICT_TRIES {
        let now = shared.env.clock.now();
        let mut unit = Unit::new(shared.kv.as_ref());
        let key = tables::notification(&id);
        let Some(mut n) = unit.read::<Notification>(&key).await? else {
            return Ok(Received::Unknown);
        };
        // A report by another account about this id is a mistake or an attack.
        if !n.attempts.iter().any(|a| a.account == *account) {
            return Ok(Received::Unknown);
        }
        let timer = due_row(&n);
        let carried = carried::of(&mut unit, &n).await?;
        let told = receipt::receive(&mut n, report);
        if told == Told::Nothing {
            let _: Commit = shared.kv.commit(Batch::default()).await?;
            return Ok(Received::Known);
        }
        unit.delete(timer);
        unit.write(key, &n);
        // Or a look-up for another message to this address would take this one for it.
        let arrived = Outcome::Accepted {
            reference: report.reference.clone().map(settle::kept),
            parts: None,
        };
        refer(&mut unit, account, &n, &arrived);
        match told {
            Told::Failed => {
                failure::follow(shared, &mut unit, &n, Reason::Rejected, now).await?;
                failing::count(shared, &mut unit, account, &n, now).await?;
            }
            Told::LeftAfterAll => {
                decide_again(shared, &mut unit, &n, "receipt", now).await?;
                failing::count(shared, &mut unit, account, &n, now).await?;
            }
            Told::Changed => failing::count(shared, &mut unit, account, &n, now).await?,
            Told::Nothing => {}
        }
        for mut other in carried {
            let row = due_row(&other);
            match receipt::receive(&mut other, report) {
                Told::Nothing => {}
                Told::Changed => {
                    unit.delete(row);
                    carried::write(&mut unit, &n, other, Next::Nothing);
                }
                Told::Failed => {
                    unit.delete(row);
                    let other = carried::write(&mut unit, &n, other, Next::Nothing);
                    failure::follow(shared, &mut unit, &other, Reason::Rejected, now).await?;
                }
                Told::LeftAfterAll => {
                    unit.delete(row);
                    let other = carried::write(&mut unit, &n, other, Next::Nothing);
                    decide_again(shared, &mut unit, &other, "receipt", now).await?;
                }
            }
        }
        if unit.commit().await? == Commit::Done {
            tracing::Span::current().record("notification", tracing::field::display(&n.id));
            tracing::info!(
                notification = %n.id, school = %n.school, %account, state = n.state.as_str(),
                "receipt"
            );
            return Ok(Received::New);
        }
    }
    Err(StoreError::Busy("a report could not be written: its row keeps changing".into()))
}

async fn find(
    shared: &Shared,
    account: &ProviderId,
    report: &Receipt,
) -> Result<Option<NotificationId>, StoreError> {
    if let Some(id) = &report.notification {
        return Ok(Some(id.clone()));
    }
    let Some(reference) = report.reference.clone().map(settle::kept) else { return Ok(None) };
    ledger::read(shared.kv.as_ref(), &tables::reference(account, &reference)).await
}
