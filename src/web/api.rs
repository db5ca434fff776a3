//! `PUT /api/directory`, the published descriptions, and health. The API takes one Bearer token.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::hooks_response as respond;
use crate::source::roster::{Offer, RosterFeed};
use crate::store::Kv;

/// What the handlers need.
pub struct Api {
    /// Where a directory goes.
    pub feed: Arc<RosterFeed>,
    /// Who may put one; none: nobody.
    pub token: Option<SecretString>,
    /// For health.
    pub kv: Arc<dyn Kv>,
}

/// The query of `PUT /api/directory`.
#[derive(Debug, Deserialize)]
pub struct Confirm {
    /// The digest that a refusal named.
    confirm: Option<String>,
}

/// `PUT /api/directory`.
pub async fn put_directory(
    State(api): State<Arc<Api>>,
    Query(query): Query<Confirm>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return respond::unreadable(&rejection),
    };
    if !api.authorized(&headers) {
        return respond::unauthorized();
    }
    match api.feed.put(&body, query.confirm.as_deref()).await {
        Ok(Offer::Taken { change, warnings }) => {
            Json(json!({"status": "taken", "change": change, "warnings": warnings})).into_response()
        }
        Ok(Offer::Unchanged) => Json(json!({"status": "unchanged"})).into_response(),
        Ok(Offer::Refused { causes, digest }) => (
            StatusCode::CONFLICT,
            Json(json!({
                "error": "the directory in force stays: this load looks wrong",
                "causes": causes,
                "confirm": digest,
                "remedy": format!("if it is right, send the same body to /api/directory?confirm={digest}"),
            })),
        )
            .into_response(),
        Ok(Offer::Unusable { problems }) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Json(json!({"error": "the directory in force stays: this one cannot be used", "problems": problems})),
        )
            .into_response(),
        Ok(Offer::FromFolder) => (
            StatusCode::CONFLICT,
            Json(json!({"error": "the directory is loaded from a folder; remove `folder` from [directory] to put it here"})),
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "directory put off");
            respond::unavailable(jiff::SignedDuration::from_secs(5))
        }
    }
}

impl Api {
    fn authorized(&self, headers: &HeaderMap) -> bool {
        let Some(expected) = &self.token else { return false };
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map_or("", |(_, token)| token.trim());
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        digest(given).as_slice().ct_eq(digest(expected.expose_secret()).as_slice()).into()
    }
}

/// `GET /healthz`: the process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: it takes work.
pub async fn readyz(State(api): State<Arc<Api>>) -> Response {
    let health = api.kv.health();
    if health.writable {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", health.why.unwrap_or_default()))
            .into_response()
    }
}

/// `GET /openapi.json`.
pub async fn openapi() -> Json<serde_json::Value> {
    Json(super::openapi::document(env!("CARGO_PKG_VERSION"), &[]))
}

/// `GET /schemas/events.json`: the events that `POST /hooks/{source}` takes.
pub async fn events_schema() -> Json<serde_json::Value> {
    Json(super::openapi::schema_events())
}

/// `GET /schemas/case.json`: the JSON attachment of mail to the attendance team.
pub async fn case_schema() -> Json<serde_json::Value> {
    Json(crate::message::schema::team_case_schema())
}
