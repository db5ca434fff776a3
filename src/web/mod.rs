//! What others reach over HTTP: hooks, receipts, the API, health, the published descriptions. May
//! not decide anything about pupils; that is `intake`'s and what lies left of it.

pub mod api;
pub mod hooks;
pub mod hooks_response;
pub mod openapi;
pub mod receipts;
pub mod server;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post, put};

/// All routes.
pub fn router(
    hooks: Arc<hooks::Hooks>,
    receipts: Arc<receipts::Receipts>,
    api: Arc<api::Api>,
) -> Router {
    let api = Router::new()
        .route("/api/directory", put(api::put_directory))
        .route("/readyz", get(api::readyz))
        .with_state(api);
    Router::new()
        .route("/hooks/{source}", post(hooks::post))
        .with_state(hooks)
        .merge(Router::new().route("/receipts/{provider}/{secret}", post(receipts::post)).with_state(receipts))
        .merge(api)
        .route("/healthz", get(api::healthz))
        .route("/openapi.json", get(api::openapi))
        .route("/schemas/events.json", get(api::events_schema))
        .route("/schemas/case.json", get(api::case_schema))
}
