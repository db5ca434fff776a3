//! `PUT /api/directory`, the published descriptions, and health. The API takes one Bearer token.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequestParts, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use jiff::SignedDuration;
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::hooks_response as respond;
use super::openapi::{Answer, Content, OpenApi, Operation};
use crate::directory::brake::Change;
use crate::directory::json::DirectoryBody;
use crate::source::roster::{self, Offer, RosterFeed};
use crate::source::webhook::answer::ErrorAnswer;
use crate::store::Kv;

/// How long a sender is asked to wait when the store takes no work.
const STORE_PAUSE: SignedDuration = SignedDuration::from_secs(5);

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

/// What became of a directory.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum DirectoryAnswer {
    /// It is in force and durable.
    Taken {
        /// What it changed.
        change: Change,
        /// What is odd in it but not fatal.
        warnings: Vec<String>,
    },
    /// It is the same as what is in force.
    Unchanged,
    /// The directory in force stays until this one is confirmed.
    Refused {
        /// Why it looks wrong.
        causes: Vec<String>,
        /// The digest to confirm it with.
        confirm: String,
        /// How.
        remedy: String,
    },
    /// The directory in force stays: this one cannot be used.
    Unusable {
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
    /// The directory in force stays: it comes from a folder.
    FromFolder {
        /// What to do.
        remedy: String,
    },
}

impl DirectoryAnswer {
    fn of(offer: Offer) -> (StatusCode, Self) {
        match offer {
            Offer::Taken { change, warnings } => (StatusCode::OK, Self::Taken { change, warnings }),
            Offer::Unchanged => (StatusCode::OK, Self::Unchanged),
            Offer::Refused { causes, digest } => {
                let remedy = format!(
                    "if it is right, send the same body to /api/directory?confirm={digest}"
                );
                (StatusCode::CONFLICT, Self::Refused { causes, confirm: digest, remedy })
            }
            Offer::Unusable { problems } => {
                (StatusCode::UNPROCESSABLE_ENTITY, Self::Unusable { problems })
            }
            Offer::FromElsewhere => {
                let remedy = "remove `folder` from [directory] to put it here".into();
                (StatusCode::CONFLICT, Self::FromFolder { remedy })
            }
        }
    }
}

/// Whoever has the token. Stands before the body in a handler's arguments: of a stranger's body
/// nothing is read, for a directory's may be large.
pub struct Authorized;

impl FromRequestParts<Arc<Api>> for Authorized {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Response> {
        if api.authorized(&parts.headers) { Ok(Self) } else { Err(respond::unauthorized()) }
    }
}

/// `PUT /api/directory`.
pub async fn put_directory(
    _: Authorized,
    State(api): State<Arc<Api>>,
    Query(query): Query<Confirm>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return respond::unreadable(&rejection),
    };
    match api.feed.put(body, query.confirm).await {
        Ok(offer) => {
            roster::report(&offer);
            let (status, answer) = DirectoryAnswer::of(offer);
            (status, Json(answer)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "directory put off");
            respond::unavailable(STORE_PAUSE)
        }
    }
}

/// Describes `PUT /api/directory`.
pub fn describe_directory(api: &mut OpenApi) {
    api.add_security("api", json!({"type": "http", "scheme": "bearer"}));
    let answer = api.schema::<DirectoryAnswer>();
    let refused = api.schema::<ErrorAnswer>();
    let schema = api.schema::<DirectoryBody>();
    let json = |status, words, schema: &serde_json::Value| {
        Answer::new(status, words, Some(schema.clone()))
    };
    api.add(Operation {
        method: Method::PUT,
        path: "/api/directory",
        id: "putDirectory",
        summary: "Replace the directory of pupils, guardians and staff",
        description: "Taken whole or not at all. One that looks wrong (no protection status, many \
            fewer pupils or contacts) is refused until it is sent again with `?confirm=` and the \
            digest that the refusal names.",
        tag: "Directory",
        query: vec![("confirm", "The digest of a directory that was refused, to let it through.")],
        security: vec!["api"],
        bodies: vec![Content { media: "application/json", schema, examples: Vec::new() }],
        answers: vec![
            json(StatusCode::OK, "In force.", &answer),
            Answer::new(StatusCode::UNAUTHORIZED, "The token is not accepted.", None),
            json(StatusCode::CONFLICT, "Refused until confirmed.", &answer),
            json(StatusCode::UNPROCESSABLE_ENTITY, "It cannot be used.", &answer),
            json(StatusCode::SERVICE_UNAVAILABLE, "Nothing was taken.", &refused)
                .with_retry_after(),
        ],
    });
}

impl Api {
    fn authorized(&self, headers: &HeaderMap) -> bool {
        let Some(expected) = &self.token else { return false };
        // Two would be two readings: a proxy in front may have judged the other.
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let only = given.next().filter(|_| given.next().is_none());
        let given = only
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
    let why = if !health.writable {
        health.why.unwrap_or_default()
    } else if api.feed.is_empty() {
        "no directory is in force; load it".into()
    } else {
        return "ready\n".into_response();
    };
    (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
}

/// Describes `GET /healthz` and `GET /readyz`.
pub fn describe_health(api: &mut OpenApi) {
    let up = Answer::new(StatusCode::OK, "Yes.", None);
    let not_now = Answer::new(StatusCode::SERVICE_UNAVAILABLE, "No; why, in words.", None);
    for (path, id, summary, description, answers) in [
        (
            "/healthz",
            "getHealth",
            "Whether the process answers",
            "For a supervisor.",
            vec![up.clone()],
        ),
        (
            "/readyz",
            "getReadiness",
            "Whether events are taken",
            "The store takes commits and a directory is in force. For a load balancer.",
            vec![up, not_now],
        ),
    ] {
        api.add(Operation {
            method: Method::GET,
            path,
            id,
            summary,
            description,
            tag: "Health",
            query: Vec::new(),
            security: Vec::new(),
            bodies: Vec::new(),
            answers,
        });
    }
}

/// `GET /openapi.json`.
pub async fn openapi() -> Json<serde_json::Value> {
    Json(super::openapi::document(
        env!("CARGO_PKG_VERSION"),
        &[
            describe_directory,
            super::callbacks::describe,
            super::receipts::describe,
            describe_health,
            super::metrics::describe,
        ],
    ))
}

/// `GET /schemas/events.json`: the events that `POST /hooks/{source}` takes.
pub async fn events_schema() -> Json<serde_json::Value> {
    Json(super::openapi::schema_events())
}

/// `GET /schemas/case.json`: the JSON attachment of mail to the attendance team.
pub async fn case_schema() -> Json<serde_json::Value> {
    Json(crate::message::schema::team_case_schema())
}
