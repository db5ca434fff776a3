//! `POST /hooks/{source}`: authenticate over the raw bytes, decode, accept each event, and answer
//! only when all that was taken is durable.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::hooks_rejected::{self, Remembered};
use super::hooks_response as respond;
use super::trace;
use crate::intake::{Accepted, Contacts, Intake, IntakeError};
use crate::limits::{self, Permit};
use crate::metrics::{Metrics, SourceMeter};
use crate::model::{Fact, Observation, Rate, SchoolId, SourceId};
use crate::source::webhook::{self, HookAnswer, Item, Rejected, Verifier};
use crate::store::ledger::Unit;
use crate::store::rows::Seen;
use crate::store::{Commit, StoreError, tables};

/// How long a sender is asked to wait when the store takes no work.
const STORE_PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// Pupils whose events are accepted side by side; more only lengthens the queue to the committer.
const SIDE_BY_SIDE: usize = 64;

/// One sender, as configured.
pub struct SourceGate {
    /// Who may push.
    pub verifier: Verifier,
    /// For which schools; none: all.
    pub schools: Option<std::collections::BTreeSet<SchoolId>>,
    /// How many requests.
    pub rate: Option<Rate>,
    /// The inbound limiter's cell. In memory: it guards this process, and promises nothing.
    pub cell: Mutex<Option<u64>>,
    /// How many refused events were remembered of late.
    pub remembered: Remembered,
    /// Told what happened.
    pub meter: SourceMeter,
}

/// What the inlet needs.
pub struct Hooks {
    /// The door to the core.
    pub intake: Intake,
    /// Senders by id.
    pub sources: BTreeMap<SourceId, SourceGate>,
    /// Told of every event that came.
    pub contacts: Contacts,
    /// Told of requests to sources that are not among them.
    pub metrics: Arc<Metrics>,
}

/// The handler.
pub async fn post(
    State(hooks): State<Arc<Hooks>>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let span = tracing::info_span!(
        target: "upprop::trace", "webhook", otel.kind = "server",
        source = Empty, accepted = Empty, duplicate = Empty, rejected = Empty,
        http.response.status_code = Empty
    );
    trace::follow(&span, &headers);
    let response = take(&hooks, source, &headers, body).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    response
}

async fn take(
    hooks: &Hooks,
    source: String,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return respond::unreadable(&rejection),
    };
    let now = hooks.intake.clock().now();
    let known = SourceId::new(source).ok().and_then(|id| hooks.sources.get_key_value(&id));
    let Some((source, gate)) = known else {
        hooks.metrics.stranger_refused();
        return respond::unauthorized();
    };
    // Only now: whoever is not known may call it anything.
    Span::current().record("source", source.as_str());
    let authenticated = match gate.verifier.verify(headers, &body, now) {
        Ok(authenticated) => authenticated,
        Err(denied) => {
            gate.meter.refused();
            tracing::warn!(%source, why = denied.as_str(), "webhook refused");
            return respond::unauthorized();
        }
    };
    if let Some(wait) = gate.too_fast(now) {
        gate.meter.put_off();
        return respond::too_many_requests(wait);
    }
    let health = hooks.intake.kv().health();
    if !health.writable {
        gate.meter.put_off();
        tracing::warn!(%source, why = health.why, "webhook put off: the store takes no work");
        return respond::unavailable(STORE_PAUSE);
    }
    let decoded = match webhook::decode(headers, &body, source, now) {
        Ok(decoded) => decoded,
        Err(error) => {
            gate.meter.rejected(1);
            tracing::warn!(%source, %error, "webhook not understood");
            return respond::unusable(&error);
        }
    };
    let taken = match &authenticated.webhook_id {
        Some(id) => accept_once(hooks, source, gate, &once(id, &body), decoded.items).await,
        None => accept_all(hooks, gate, decoded.items).await,
    };
    match taken {
        Ok(answer) => {
            if answer.accepted + answer.duplicate > 0 {
                hooks.contacts.answered(source, now);
            }
            if !answer.rejected.is_empty() {
                gate.meter.rejected(answer.rejected.len().try_into().unwrap_or(u64::MAX));
                let (kv, remembered) = (hooks.intake.kv().as_ref(), &gate.remembered);
                hooks_rejected::remember(kv, remembered, source, &body, &answer.rejected, now)
                    .await;
            }
            Span::current()
                .record("accepted", answer.accepted)
                .record("duplicate", answer.duplicate)
                .record("rejected", answer.rejected.len());
            tracing::info!(
                %source, accepted = answer.accepted, duplicate = answer.duplicate,
                rejected = answer.rejected.len(), "webhook"
            );
            respond::answer(answer)
        }
        Err(error) => {
            gate.meter.put_off();
            tracing::error!(%source, %error, "webhook put off");
            respond::unavailable(STORE_PAUSE)
        }
    }
}

impl SourceGate {
    fn too_fast(&self, now: Timestamp) -> Option<SignedDuration> {
        let rate = self.rate.as_ref()?;
        let mut cell = self.cell.lock().unwrap_or_else(PoisonError::into_inner);
        match limits::check(rate, *cell, now) {
            Permit::Now(next) => {
                *cell = Some(next);
                None
            }
            // This clock is not put back while the process runs.
            Permit::NotBefore { until, .. } => Some(until.duration_since(now)),
        }
    }
}

/// A delivery: its id and its bytes. A sender that uses an id for something new must not hear that it
/// is known; events that are known are found by their own ids.
fn once(id: &str, body: &[u8]) -> String {
    use sha2::Digest as _;
    format!("{id} {}", crate::model::hex(sha2::Sha256::digest(body).as_slice()))
}

/// A signed request that was answered before is not taken again.
async fn accept_once(
    hooks: &Hooks,
    source: &SourceId,
    gate: &SourceGate,
    id: &str,
    items: Vec<Item>,
) -> Result<HookAnswer, StoreError> {
    let kv = hooks.intake.kv().clone();
    let key = tables::webhook_id(source, id);
    let mut unit = Unit::new(kv.as_ref());
    if unit.read::<Seen>(&key).await?.is_some() {
        let rejected: Vec<Rejected> = items.iter().filter_map(refusal).collect();
        let duplicate = u32::try_from(items.len() - rejected.len()).unwrap_or(u32::MAX);
        let _: Commit = kv.commit(crate::store::Batch::default()).await?;
        for _ in 0..duplicate {
            gate.meter.duplicate();
        }
        return Ok(HookAnswer { accepted: 0, duplicate, rejected });
    }
    let answer = accept_all(hooks, gate, items).await?;
    // An answer that refuses something asks the sender to mend it and come again.
    if answer.rejected.is_empty() {
        unit.write(key, &Seen { at: hooks.intake.clock().now() });
        let _: Commit = unit.commit().await?;
    }
    Ok(answer)
}

fn refusal(item: &Item) -> Option<Rejected> {
    let error = item.result.as_ref().err()?.clone();
    Some(Rejected { index: place(item.index), id: item.id.clone(), error })
}

fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Accepts events: those of one pupil in the order they came, pupils side by side.
async fn accept_all(
    hooks: &Hooks,
    gate: &SourceGate,
    items: Vec<Item>,
) -> Result<HookAnswer, StoreError> {
    let mut answer = HookAnswer::default();
    let mut by_pupil: BTreeMap<_, Vec<(Item, Observation)>> = BTreeMap::new();
    for item in items {
        match item.result.clone() {
            Err(error) => answer.rejected.push(Rejected {
                index: place(item.index),
                id: item.id.clone(),
                error,
            }),
            Ok(o) if gate.schools.as_ref().is_some_and(|s| !s.contains(&o.school)) => {
                answer.rejected.push(Rejected {
                    index: place(item.index),
                    id: item.id.clone(),
                    error: "school: this source may not report for it; see `schools` of the source"
                        .into(),
                });
            }
            Ok(o) => by_pupil
                .entry((o.school.clone(), o.fact.pupil().cloned()))
                .or_default()
                .push((item, o)),
        }
    }
    let mut groups = futures_util::stream::iter(
        by_pupil.into_values().map(|group| accept_group(hooks, gate, group)),
    )
    .buffer_unordered(SIDE_BY_SIDE);
    while let Some(group) = groups.next().await {
        let group = group?;
        answer.accepted += group.accepted;
        answer.duplicate += group.duplicate;
        answer.rejected.extend(group.rejected);
    }
    answer.rejected.sort_by_key(|r| r.index);
    Ok(answer)
}

async fn accept_group(
    hooks: &Hooks,
    gate: &SourceGate,
    group: Vec<(Item, Observation)>,
) -> Result<HookAnswer, StoreError> {
    let mut answer = HookAnswer::default();
    for (item, observation) in group {
        let (intake, meter) = (&hooks.intake, &gate.meter);
        match intake.accept(&observation).await {
            Ok(Accepted::New) => {
                new(hooks, meter, &observation);
                answer.accepted += 1;
            }
            Ok(Accepted::Duplicate) => {
                meter.duplicate();
                answer.duplicate += 1;
            }
            Err(IntakeError::Rejected(error)) => {
                answer.rejected.push(Rejected { index: place(item.index), id: item.id, error });
            }
            Err(IntakeError::Store(error)) => return Err(error),
        }
    }
    Ok(answer)
}

/// An event was new; a mark was so long on its way to us.
fn new(hooks: &Hooks, meter: &SourceMeter, observation: &Observation) {
    let now = hooks.intake.clock().now();
    let Observation { source, school, fact, .. } = observation;
    let recorded = match fact {
        Fact::Marked { recorded_at, .. } => Some(*recorded_at),
        _ => None,
    };
    let delay = recorded.map(|recorded| now.duration_since(recorded));
    meter.accepted(delay);
    if let Some(delay) = delay {
        hooks.contacts.delay(source, delay, now);
    }
    hooks.contacts.news(source, recorded, now);
    hooks.contacts.attendance(source, school, now);
}

#[cfg(test)]
mod tests {
    use super::once;

    #[test]
    fn an_id_used_for_something_else_is_another_delivery() {
        assert_eq!(once("msg_1", b"[1]"), once("msg_1", b"[1]"));
        assert_ne!(once("msg_1", b"[1]"), once("msg_1", b"[2]"));
        assert_ne!(once("msg_1", b"[1]"), once("msg_2", b"[1]"));
    }
}
