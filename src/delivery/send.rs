//! One attempt on the wire and the commit of its outcome.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::accounts;
use super::carried;
use super::failure;
use super::prepare::Job;
use super::render::Wired;
use super::settle::{self, Next};
use super::shared::Shared;
use crate::intake::case::due_row;
use crate::intake::case::{Case, CaseKey};
use crate::intake::{Heard, decide};
use crate::model::{
    Attempt, Notification, NotificationId, Outcome, ProviderId, Purpose, Reason, State,
};
use crate::store::ledger::Unit;
use crate::store::rows::{Due, SentTo};
use crate::store::{Commit, StoreError, tables};

/// How often an outcome is written again when others keep changing the row.
const CONFLICT_TRIES: u32 = 100;
/// Pause before an outcome is written again that the store did not take.
const BUSY_PAUSE: SignedDuration = SignedDuration::from_secs(1);
/// How often one message may hold up an account that is well for others.
const STOPS: usize = 2;

/// Talks to the provider, then writes what came of it. The message counts as on the wire until
/// that is durable.
#[tracing::instrument(
    target = "upprop::trace", name = "attempt", skip_all,
    fields(
        otel.kind = "client", notification = %job.id, account = %job.account,
        outcome = tracing::field::Empty
    )
)]
pub async fn run(shared: Arc<Shared>, job: Job) -> Result<(), StoreError> {
    let (outcome, asked) = talk(&shared, &job).await;
    let result = loop {
        match write(&shared, &job, &outcome, asked).await {
            Err(StoreError::Busy(why)) => pause(&shared, &job.id, &why).await,
            done => break done,
        }
    };
    shared.land(&job.id);
    result
}

/// Waits until an outcome may be written again that the store did not take. What a provider said must
/// not be lost to a disk that is full for a while: its message would be in doubt, and go twice or to
/// nobody. The stop of the daemon does not wait for it.
pub(super) async fn pause(shared: &Shared, id: &NotificationId, why: &str) {
    tracing::debug!(notification = %id, why, "an outcome waits to be written");
    let clock = &shared.env.clock;
    let next = clock.now().saturating_add(BUSY_PAUSE).unwrap_or(Timestamp::MAX);
    clock.sleep_until(next).await;
}

/// The outcome, and whether the provider was asked for it.
async fn talk(shared: &Shared, job: &Job) -> (Outcome, bool) {
    let outcome = match &job.wired {
        Wired::Sms(message) => {
            let Some(provider) = shared.providers.get(&job.account) else {
                return (Outcome::RejectChannel { code: "no-such-account".into() }, true);
            };
            let request = match provider.api.submit(message) {
                Ok(request) => request,
                Err(refused) => return (refused, false),
            };
            let answer = shared.env.wire.call(request).await;
            if let Err(error) = &answer {
                tracing::warn!(account = %job.account, %error, "no answer of the provider");
            }
            match provider.api.outcome(&answer, shared.env.clock.now()) {
                Outcome::Accepted { reference, parts } => {
                    Outcome::Accepted { reference: reference.map(settle::kept), parts }
                }
                other => other,
            }
        }
        Wired::Mail(envelope, bytes) => shared.env.mail.send(envelope, bytes.clone()).await,
    };
    (outcome, true)
}

async fn write(
    shared: &Shared,
    job: &Job,
    outcome: &Outcome,
    asked: bool,
) -> Result<(), StoreError> {
    for _ in 0..CONFLICT_TRIES {
        let now = shared.env.clock.now();
        let mut unit = Unit::new(shared.kv.as_ref());
        let key = tables::notification(&job.id);
        let Some(mut n) = unit.read::<Notification>(&key).await? else { return Ok(()) };
        let timer = due_row(&n);
        let under_way = n.state == State::Sending;
        let blamed = blame(&unit, job, &n, outcome).await?;
        let outcome = blamed.as_ref().unwrap_or(outcome);
        // Before the outcome is written: they are those of the same attempt.
        let carried = carried::of(&mut unit, &n).await?;
        let next = settle::settle(&mut n, outcome, &shared.settings, now);
        if under_way {
            unit.delete(timer);
        }
        schedule(&mut unit, &n, next);
        unit.write(key, &n);
        let mut followed = Vec::new();
        for mut other in carried {
            let next = settle::settle(&mut other, outcome, &shared.settings, now);
            followed.push((carried::write(&mut unit, &n, other, next), next));
        }
        refer(&mut unit, &job.account, &n, outcome);
        let started = n.attempts.last().map_or(now, |a| a.started_at);
        // A message that never left says nothing of how its account is.
        let became = if asked {
            Some(account(shared, &mut unit, &job.account, outcome, started, now).await?)
        } else {
            None
        };
        if let Next::Failed { bad_contact } = next {
            // A test says nothing of a guardian's address: what was wrong with it may be the way there.
            if bad_contact
                && n.purpose != Purpose::Test
                && let Some(address) = &n.address
            {
                failure::mark_bad(&mut unit, address, code(outcome), now);
            }
            let reason = n.state_reason.unwrap_or(Reason::Rejected);
            failure::follow(shared, &mut unit, &n, reason, now).await?;
        }
        for (other, next) in followed {
            if let Next::Failed { .. } = next {
                let reason = other.state_reason.unwrap_or(Reason::Rejected);
                failure::follow(shared, &mut unit, &other, reason, now).await?;
            }
        }
        if unit.commit().await? == Commit::Done {
            if let Some((before, trouble)) = became {
                tell(&job.account, before.as_ref(), trouble.as_ref());
                shared.gate(&job.account, |g| g.trouble = trouble);
            }
            tracing::Span::current().record("outcome", outcome.class());
            shared.metrics.attempted(&job.account, outcome);
            if matches!(outcome, Outcome::Accepted { .. }) {
                shared.metrics.left(n.channel, now.duration_since(job.might_leave));
            }
            log(&n, &job.account, outcome, now);
            return Ok(());
        }
    }
    Err(StoreError::Busy("an outcome could not be written: its row keeps changing".into()))
}

/// An answer that reads as the account's fault, and is this message's: it was given to it before, and
/// each time others have passed since. Else one address that a relay will not serve (550 5.7.1 is said
/// of both) or cannot look up (451 4.3.0) would hold up everybody's mail again and again for a day.
async fn blame(
    unit: &Unit<'_>,
    job: &Job,
    n: &Notification,
    outcome: &Outcome,
) -> Result<Option<Outcome>, StoreError> {
    let own = match outcome {
        Outcome::RejectChannel { code } => {
            Outcome::RejectMessage { code: code.clone(), bad_contact: false }
        }
        Outcome::Retry { after, code, provider_wide: true } => {
            Outcome::Retry { after: *after, code: code.clone(), provider_wide: false }
        }
        _ => return Ok(None),
    };
    let was_account_s = |a: &&Attempt| {
        let outcome = a.result.as_ref().map(|r| &r.outcome);
        a.account == job.account
            && matches!(
                outcome,
                Some(Outcome::RejectChannel { .. } | Outcome::Retry { provider_wide: true, .. })
            )
    };
    if n.attempts.iter().filter(was_account_s).count() < STOPS {
        return Ok(None);
    }
    let trouble: Option<accounts::Account> = unit.peek(&tables::account(&job.account)).await?;
    Ok(trouble.is_none().then_some(own))
}

/// Writes the row that makes a notification due again, if it is.
pub(super) fn schedule(unit: &mut Unit<'_>, n: &Notification, next: Next) {
    match next {
        Next::Nothing | Next::Failed { .. } => {}
        Next::Claim(_) => {
            let due = Due::Claim { id: n.id.clone(), school: n.school.clone() };
            unit.write(due_row(n), &due);
        }
        Next::Resolve(_) => unit.write(due_row(n), &Due::Resolve(n.id.clone())),
    }
}

/// Remembers which notification a provider's reference belongs to.
pub(super) fn refer(
    unit: &mut Unit<'_>,
    account: &ProviderId,
    n: &Notification,
    outcome: &Outcome,
) {
    let (Outcome::Accepted { reference: Some(reference), .. }, Some(address)) =
        (outcome, &n.address)
    else {
        return;
    };
    unit.write(tables::reference(account, reference), &n.id);
    if let Some(attempt) = n.attempts.last() {
        let sent = SentTo { id: n.id.clone(), reference: Some(reference.clone()) };
        unit.write(tables::sent_to(account, address, attempt.started_at, &n.id), &sent);
    }
}

/// How the account was, and how it is after this outcome; written when that differs.
async fn account(
    shared: &Shared,
    unit: &mut Unit<'_>,
    account: &ProviderId,
    outcome: &Outcome,
    started: Timestamp,
    now: Timestamp,
) -> Result<(Option<accounts::Account>, Option<accounts::Account>), StoreError> {
    let key = tables::account(account);
    let before: Option<accounts::Account> = unit.read(&key).await?;
    let longest = shared.settings.longest_retry_after;
    let after = accounts::after(before.as_ref(), outcome, started, longest, now);
    match &after {
        Some(trouble) if before != after => unit.write(key, trouble),
        None if before.is_some() => unit.delete(key),
        _ => {}
    }
    Ok((before, after))
}

/// Tells an operator when the account has become another.
fn tell(
    account: &ProviderId,
    before: Option<&accounts::Account>,
    after: Option<&accounts::Account>,
) {
    match (before, after) {
        (Some(before), None) => {
            tracing::info!(%account, since = %before.since, "account is well again");
        }
        (_, Some(trouble)) if before.map(|b| b.reason) != Some(trouble.reason) => {
            if trouble.reason == Reason::ChannelStopped {
                tracing::error!(
                    %account, code = trouble.code,
                    "account refuses to send; its messages wait. Check credentials, credit and sender"
                );
            } else {
                tracing::warn!(%account, code = trouble.code, "account is away; its messages wait");
            }
        }
        _ => {}
    }
}

fn code(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Retry { code, .. }
        | Outcome::RejectMessage { code, .. }
        | Outcome::RejectChannel { code }
        | Outcome::InDoubt { code } => code,
    }
}

fn log(n: &Notification, account: &ProviderId, outcome: &Outcome, now: Timestamp) {
    let started = n.attempts.last().map_or(now, |a| a.started_at);
    tracing::info!(
        notification = %n.id, school = %n.school, purpose = n.purpose.as_str(),
        channel = n.channel.as_str(), %account, state = n.state.as_str(),
        outcome = outcome.class(), code = code(outcome),
        wire_ms = i64::try_from(now.duration_since(started).as_millis()).unwrap_or(i64::MAX),
        total_ms = i64::try_from(now.duration_since(n.created_at).as_millis()).unwrap_or(i64::MAX),
        "attempt"
    );
}

/// A message that was thought never to leave has left: the lesson is decided again, so that whoever
/// was told wrongly is put right.
pub(super) async fn decide_again(
    shared: &Shared,
    unit: &mut Unit<'_>,
    n: &Notification,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    debug_assert_ne!(n.state, State::Waiting, "a waiting message needs no second decision");
    let directory = shared.directory.load_full();
    let Some(school) = directory.schools.get(&n.school) else { return Ok(()) };
    if let Some(case) = Case::load(unit, &directory.roster, &CaseKey::of(n)).await? {
        decide(unit, &directory, school, case, &Heard::own(why), now);
    }
    Ok(())
}
