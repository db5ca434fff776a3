//! `POST /receipts/{provider}/{secret}`: delivery reports. Answered 2xx with an empty body (46elks
//! would text a body back to the sender of an incoming message) when durable, 503 when not.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::hooks_response as respond;
use crate::delivery::{self, Shared};
use crate::model::ProviderId;

/// What the handler needs.
pub struct Receipts {
    /// The dispatcher's side.
    pub shared: Arc<Shared>,
    /// The unguessable part of each provider's address.
    pub secrets: BTreeMap<ProviderId, SecretString>,
}

/// The handler.
pub async fn post(
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
        match delivery::receive(&receipts.shared, &id, report).await {
            Ok(delivery::Received::Unknown) => {
                tracing::warn!(provider = %id, "receipt for a message that is not known here");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(provider = %id, %error, "receipt put off");
                return respond::unavailable(SignedDuration::from_secs(5));
            }
        }
    }
    StatusCode::NO_CONTENT.into_response()
}
