//! `POST` or `GET /receipts/{provider}/{secret}`: delivery reports. Answered when durable as the provider wants
//! to hear it, usually 204 and nothing (46elks would text a body back to the sender of an incoming
//! message); 503 when not durable.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::hooks_response as respond;
use super::openapi::{Answer, OpenApi, Operation};
use crate::delivery::{self, Shared};
use crate::model::ProviderId;

/// Pause before a report that came before its message's own answer is taken.
const TOO_EARLY: SignedDuration = SignedDuration::from_secs(5);

/// What the handler needs.
pub struct Receipts {
    /// The dispatcher's side.
    pub shared: Arc<Shared>,
    /// The unguessable part of each provider's address.
    pub secrets: BTreeMap<ProviderId, SecretString>,
}

/// The handler. Some gateways report in the query of a `GET`; taking a report twice changes nothing.
pub async fn take(
    State(receipts): State<Arc<Receipts>>,
    Path((provider, secret)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return respond::unreadable(&rejection),
    };
    let Ok(id) = ProviderId::new(provider) else { return StatusCode::NOT_FOUND.into_response() };
    let (Some(expected), Some(provider)) =
        (receipts.secrets.get(&id), receipts.shared.providers.get(&id))
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    let same = digest(&secret).as_slice().ct_eq(digest(expected.expose_secret()).as_slice());
    if !bool::from(same) {
        tracing::warn!(provider = %id, "receipt with a wrong secret refused");
        return StatusCode::NOT_FOUND.into_response();
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let reports = match provider.api.receipts(query.as_deref(), content_type, &body) {
        Ok(reports) => reports,
        Err(error) => {
            tracing::warn!(provider = %id, error, "receipt not understood");
            return StatusCode::BAD_REQUEST.into_response();
        }
    };
    for report in &reports {
        let received = delivery::receive(&receipts.shared, &id, report).await;
        if let Ok(received) = received {
            receipts.shared.metrics.reported(&id, report.status, received.as_str());
        }
        match received {
            Ok(delivery::Received::Unknown) => {
                tracing::warn!(provider = %id, "receipt for a message that is not known here");
            }
            // Providers come again; by then it is known.
            Ok(delivery::Received::TooEarly) => return respond::unavailable(TOO_EARLY),
            Ok(_) => {}
            Err(error) => {
                tracing::error!(provider = %id, %error, "receipt put off");
                return respond::unavailable(SignedDuration::from_secs(5));
            }
        }
    }
    acknowledged(provider.ack.status, &provider.ack.body)
}

/// Describes `/receipts/{provider}/{secret}`.
pub fn describe(api: &mut OpenApi) {
    for (method, id) in [(Method::POST, "postReceipt"), (Method::GET, "getReceipt")] {
        api.add(Operation {
            method,
            path: "/receipts/{provider}/{secret}",
            id,
            summary: "Report on the delivery of a text",
            description: "For the SMS provider, in its own form: a form or JSON body, or the query. \
                The address is given to it with each text. The same report twice changes nothing.",
            tag: "Receipts",
            query: Vec::new(),
            security: Vec::new(),
            bodies: Vec::new(),
            answers: vec![
                Answer::new(StatusCode::NO_CONTENT, "Taken; or 200, as the provider wants.", None),
                Answer::new(StatusCode::BAD_REQUEST, "Not in the provider's form.", None),
                Answer::new(StatusCode::NOT_FOUND, "No such provider or secret.", None),
                Answer::new(StatusCode::SERVICE_UNAVAILABLE, "Not taken yet.", None)
                    .with_retry_after(),
            ],
        });
    }
}

fn acknowledged(status: u16, body: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NO_CONTENT);
    if body.is_empty() {
        return status.into_response();
    }
    (status, body.to_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_provider_hears_what_it_wants() {
        for (status, body, kind) in
            [(204, "", None), (200, "", None), (200, "OK", Some("text/plain; charset=utf-8"))]
        {
            let answer = acknowledged(status, body);
            assert_eq!(answer.status(), status);
            let found = answer.headers().get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap());
            assert_eq!(found, kind, "{status} {body:?}");
            let bytes = axum::body::to_bytes(answer.into_body(), 64).await.unwrap();
            assert_eq!(bytes, body);
        }
    }
}
