//! An attempt without an outcome, after its settle time: ask the provider where it can be asked,
//! resend mail under the same Message-ID, else hold and tell staff.

use jiff::{SignedDuration, Timestamp};

use super::carried;
use super::failure;
use super::send::{pause, refer, schedule};
use super::settle::{self, Next};
use super::shared::Shared;
use crate::channel::sms::{LOOK_BACK, LookupQuery};
use crate::intake::case::due_row;
use crate::model::{
    Address, AttemptResult, Channel, Lookup, Notification, NotificationId, Outcome, Reason, State,
};
use crate::store::ledger::Unit;
use crate::store::rows::SentTo;
use crate::store::{Commit, StoreError, after_prefix, tables};

/// Empty answers needed before a message counts as not sent (reliability: one was not enough).
const EMPTY_LOOKUPS: u32 = 2;
/// Answers that settle nothing before a person must decide.
const LOOKUPS: u32 = 6;
/// Look-ups in a row after which the pause between two no longer grows.
const SLOWEST: u32 = 10;
/// How often a mail in doubt is sent again to a guardian.
const RESENT: usize = 1;
/// Other attempts to the same address that are looked at.
const KNOWN: usize = 500;
/// How far apart two attempts to one address may be for a look-up by time to mistake one for the
/// other.
const NEIGHBOURHOOD: SignedDuration = SignedDuration::from_mins(10);
const CONFLICT_TRIES: u32 = 100;

/// Resolves one notification whose row among the timers is due.
pub async fn run(shared: &Shared, row: &[u8], id: NotificationId) -> Result<(), StoreError> {
    let Some(n) =
        crate::store::ledger::read::<Notification>(shared.kv.as_ref(), &tables::notification(&id))
            .await?
    else {
        return forget(shared, row).await;
    };
    if !matches!(n.state, State::Sending | State::InDoubt) || due_row(&n) != row {
        return forget(shared, row).await;
    }
    let finding = match n.channel {
        Channel::Email => Finding::Resend,
        Channel::Sms => ask(shared, &n).await?,
    };
    loop {
        match conclude(shared, &n, &finding).await {
            Err(StoreError::Busy(why)) => pause(shared, &id, &why).await,
            done => return done,
        }
    }
}

async fn forget(shared: &Shared, row: &[u8]) -> Result<(), StoreError> {
    let mut unit = Unit::new(shared.kv.as_ref());
    unit.delete(row.to_vec());
    let _: Commit = unit.commit().await?;
    Ok(())
}

enum Finding {
    Found(String),
    Empty,
    NoAnswer(String),
    /// It cannot be said while others to the same number have no outcome either.
    Crowded,
    NobodyToAsk,
    Resend,
}

async fn ask(shared: &Shared, n: &Notification) -> Result<Finding, StoreError> {
    let Some(attempt) = n.attempts.last() else { return Ok(Finding::NobodyToAsk) };
    let (Some(provider), Some(Address::Phone(to))) =
        (shared.providers.get(&attempt.account), &n.address)
    else {
        return Ok(Finding::NobodyToAsk);
    };
    let address = Address::Phone(to.clone());
    let prefix = tables::sent_to_prefix(&attempt.account, &address);
    let since = attempt.started_at.saturating_sub(NEIGHBOURHOOD).unwrap_or(Timestamp::MIN);
    let before = since.saturating_sub(LOOK_BACK).unwrap_or(Timestamp::MIN);
    let row = |at| tables::sent_to_since(&attempt.account, &address, at);
    let unit = Unit::new(shared.kv.as_ref());
    let near: Vec<SentTo> = unit.peek_range(&row(since), &after_prefix(&prefix), KNOWN).await?;
    let earlier: Vec<SentTo> = unit.peek_range(&row(before), &row(since), KNOWN).await?;
    let is_other = |sent: &&SentTo| sent.id != n.id;
    let known = near.iter().chain(&earlier).filter(is_other);
    let known = known.filter_map(|other| other.reference.clone()).collect();
    let open = near.iter().filter(is_other).filter(|other| other.reference.is_none());
    let crowd = any_open(&unit, open).await?;
    let alone = crowd == Crowd::Nobody || provider.api.tells_texts_apart();
    let query = LookupQuery {
        id: n.id.clone(),
        to: to.clone(),
        started_at: attempt.started_at,
        known,
        text_sha256: attempt.text_sha256.clone(),
    };
    let Some(request) = provider.api.lookup(&query) else { return Ok(Finding::NobodyToAsk) };
    let answer = shared.env.wire.call(request).await;
    Ok(match provider.api.looked_up(&query, &answer, shared.env.clock.now()) {
        Lookup::Found { reference } if alone => Finding::Found(settle::kept(reference)),
        // It may be the other one's: neither can be told to have arrived.
        Lookup::Found { .. } => Finding::NoAnswer("several".into()),
        Lookup::NotFound => Finding::Empty,
        Lookup::Inconclusive { .. } if alone && crowd == Crowd::Passing => Finding::Crowded,
        Lookup::Inconclusive { code } => Finding::NoAnswer(code),
    })
}

/// Other attempts to the same address that have no outcome either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crowd {
    Nobody,
    /// Some will have an outcome soon.
    Passing,
    /// All are held for a person.
    Staying,
}

async fn any_open(
    unit: &Unit<'_>,
    attempts: impl Iterator<Item = &SentTo>,
) -> Result<Crowd, StoreError> {
    let mut crowd = Crowd::Nobody;
    for attempt in attempts {
        let n: Option<Notification> = unit.peek(&tables::notification(&attempt.id)).await?;
        match n.map(|n| n.state) {
            Some(State::Sending | State::InDoubt) => return Ok(Crowd::Passing),
            Some(State::Held) => crowd = Crowd::Staying,
            _ => {}
        }
    }
    Ok(crowd)
}

async fn conclude(
    shared: &Shared,
    seen: &Notification,
    finding: &Finding,
) -> Result<(), StoreError> {
    for _ in 0..CONFLICT_TRIES {
        let now = shared.env.clock.now();
        let mut unit = Unit::new(shared.kv.as_ref());
        let key = tables::notification(&seen.id);
        let Some(mut n) = unit.read::<Notification>(&key).await? else { return Ok(()) };
        if n.state != seen.state || n.due_at != seen.due_at {
            return Ok(());
        }
        unit.delete(due_row(&n));
        let carried = carried::of(&mut unit, &n).await?;
        let next = apply(shared, &mut n, finding, now);
        schedule(&mut unit, &n, next);
        unit.write(key, &n);
        let mut followed = Vec::new();
        for mut other in carried {
            let next = apply(shared, &mut other, finding, now);
            followed.push(carried::write(&mut unit, &n, other, next));
        }
        if let (Finding::Found(reference), Some(attempt)) = (finding, n.attempts.last()) {
            let outcome = Outcome::Accepted { reference: Some(reference.clone()), parts: None };
            refer(&mut unit, &attempt.account, &n, &outcome);
        }
        if n.state == State::Held {
            held(shared, &mut unit, &n, now).await?;
        }
        for other in followed.iter().filter(|other| other.state == State::Held) {
            held(shared, &mut unit, other, now).await?;
        }
        if unit.commit().await? == Commit::Done {
            tracing::info!(
                notification = %n.id, school = %n.school, state = n.state.as_str(),
                finding = finding.word(), why = finding.why(), "attempt in doubt looked into"
            );
            return Ok(());
        }
    }
    Err(StoreError::Busy("a finding could not be written: its row keeps changing".into()))
}

impl Finding {
    fn word(&self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::Empty => "empty",
            Self::NoAnswer(_) => "no-answer",
            Self::Crowded => "crowded",
            Self::NobodyToAsk => "nobody-to-ask",
            Self::Resend => "resend",
        }
    }

    /// What kept the provider from saying.
    fn why(&self) -> Option<&str> {
        if let Self::NoAnswer(code) = self { Some(code) } else { None }
    }
}

fn apply(shared: &Shared, n: &mut Notification, finding: &Finding, now: Timestamp) -> Next {
    let settings = &shared.settings;
    let again = |n: &mut Notification| {
        n.state = State::InDoubt;
        let times = i32::try_from(n.lookups.clamp(1, SLOWEST)).unwrap_or(1);
        let gap = settings.lookup_gap.saturating_mul(times);
        n.due_at = now.saturating_add(gap).unwrap_or(Timestamp::MAX);
        Next::Resolve(n.due_at)
    };
    let resend = |n: &mut Notification| {
        n.state = State::Waiting;
        n.state_reason = Some(Reason::RetryLater);
        n.tries += 1;
        n.due_at = now;
        Next::Claim(now)
    };
    n.lookups += 1;
    n.state_reason = Some(Reason::InDoubt);
    match finding {
        Finding::Found(reference) => {
            let outcome = Outcome::Accepted { reference: Some(reference.clone()), parts: None };
            n.state = State::Sending;
            settle::settle(n, &outcome, settings, now)
        }
        Finding::Resend => {
            let tries = usize::try_from(n.tries).unwrap_or(usize::MAX);
            // Staff may read it twice and must read it; a guardian gets it at most once more.
            let may_again = n.recipient_is_staff() || n.doubts() <= RESENT;
            if may_again && tries < settings.retry(n.channel).len() {
                resend(n)
            } else {
                n.state = State::Held;
                n.state_reason = Some(Reason::HeldInDoubt);
                Next::Nothing
            }
        }
        Finding::Empty => {
            n.empty_lookups += 1;
            if n.empty_lookups < EMPTY_LOOKUPS {
                return again(n);
            }
            // Now it is known that the attempt never arrived.
            let outcome =
                Outcome::Retry { after: None, code: "looked-up".into(), provider_wide: false };
            if let Some(last) = n.attempts.last_mut() {
                last.result = Some(AttemptResult { at: now, outcome });
            }
            resend(n)
        }
        // Says nothing about this one, so it is not counted; but two must not wait for each other.
        Finding::Crowded if is_recent(n, now) => {
            n.lookups -= 1;
            again(n)
        }
        Finding::Crowded if n.lookups < LOOKUPS => again(n),
        // A provider that is away says nothing of the message: ask until nobody waits for it.
        Finding::NoAnswer(code) if is_away(code) && now < n.deadline => again(n),
        Finding::NoAnswer(code) if n.lookups < LOOKUPS && code != "several" => again(n),
        Finding::NoAnswer(_) | Finding::Crowded | Finding::NobodyToAsk => {
            n.state = State::Held;
            n.state_reason = Some(Reason::HeldInDoubt);
            Next::Nothing
        }
    }
}

/// Whether a look-up without a finding was the provider's outage rather than its answer.
fn is_away(code: &str) -> bool {
    code.starts_with("http-5") || matches!(code, "no-answer" | "http-408" | "http-425" | "http-429")
}

/// Whether the attempt is so recent that those around it may still be settled.
fn is_recent(n: &Notification, now: Timestamp) -> bool {
    n.attempts.last().is_some_and(|a| now.duration_since(a.started_at) < NEIGHBOURHOOD)
}

/// Tells staff that a message may or may not have arrived.
async fn held(
    shared: &Shared,
    unit: &mut Unit<'_>,
    n: &Notification,
    now: Timestamp,
) -> Result<(), StoreError> {
    tracing::error!(
        notification = %n.id, school = %n.school,
        "a message is held in doubt: the provider cannot say whether it was sent"
    );
    failure::follow(shared, unit, n, Reason::HeldInDoubt, now).await
}
