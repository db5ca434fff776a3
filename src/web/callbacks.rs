//! `POST /hooks/{source}/{secret}`: a source that is asked says that something has changed. Answered 200 without a
//! body at once, as some senders count everything else as failed; the secret in the address is all that shows who
//! calls, and all that a call can do is to have the source asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::{Path, State};
use http::StatusCode;
use http_body_util::BodyExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::openapi::{Answer, OpenApi, Operation};
use crate::metrics::{Metrics, SourceMeter};
use crate::model::SourceId;
use crate::source::nudges::{Nudges, Part};
use crate::source::ss12000::changed_parts;

/// Bytes of a body that are looked at.
const UNDERSTOOD: usize = 64 * 1024;
/// Bytes of a body that are read at most.
const DRAINED: usize = 16 * 1024 * 1024;

/// One source that calls.
pub struct Caller {
    /// The part of its address that nobody can guess.
    pub secret: SecretString,
    /// Told of calls that are not let in.
    pub meter: SourceMeter,
    /// Whether the log has one of them.
    pub is_told: AtomicBool,
}

/// What the handler needs.
pub struct Callbacks {
    /// Sources by id.
    pub callers: BTreeMap<SourceId, Caller>,
    /// Who is woken.
    pub nudges: Nudges,
    /// Told of calls in the name of others.
    pub metrics: Arc<Metrics>,
}

/// The handler.
pub async fn post(
    State(callbacks): State<Arc<Callbacks>>,
    Path((source, secret)): Path<(String, String)>,
    body: Body,
) -> StatusCode {
    let known = SourceId::new(source).ok();
    let known = known.and_then(|id| callbacks.callers.get_key_value(&id));
    let Some((source, caller)) = known else {
        callbacks.metrics.stranger_refused();
        return StatusCode::NOT_FOUND;
    };
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    let expected = digest(caller.secret.expose_secret());
    if !bool::from(digest(&secret).as_slice().ct_eq(expected.as_slice())) {
        caller.meter.refused();
        // Anybody can call as often as they like: the metric has how often, and the log is not theirs to fill.
        if !caller.is_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %source,
                "a call with a wrong secret is refused; more of them are counted and not logged"
            );
        }
        return StatusCode::NOT_FOUND;
    }
    let parts: BTreeSet<Part> = changed_parts(&start(body).await);
    tracing::debug!(%source, ?parts, "called");
    for part in parts {
        callbacks.nudges.wake(source, part);
    }
    StatusCode::OK
}

/// What a body begins with. The rest is read and dropped, within bounds, as senders want to be heard out; one that
/// is too large, or cut off, says as much as any other.
async fn start(mut body: Body) -> Vec<u8> {
    let (mut start, mut read) = (Vec::new(), 0);
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref() else { continue };
        read += data.len();
        if start.len() < UNDERSTOOD {
            start.extend_from_slice(data);
        }
        if read > DRAINED {
            break;
        }
    }
    start
}

/// Describes `/hooks/{source}/{secret}`.
pub fn describe(api: &mut OpenApi) {
    api.add(Operation {
        method: http::Method::POST,
        path: "/hooks/{source}/{secret}",
        id: "postCallback",
        summary: "Say that something has changed",
        description: "For a school system that is asked by SS 12000 and has a subscription. Whatever the body, the \
            system is asked what has changed; the same call twice changes nothing.",
        tag: "Events",
        query: Vec::new(),
        security: Vec::new(),
        bodies: Vec::new(),
        answers: vec![
            Answer::new(StatusCode::OK, "Heard.", None),
            Answer::new(StatusCode::NOT_FOUND, "No such source or secret.", None),
        ],
    });
}
