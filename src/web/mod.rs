//! What others reach over HTTP: hooks, receipts, the API, health, the published descriptions. May
//! not decide anything about pupils; that is `intake`'s and what lies left of it.

pub mod api;
pub mod callbacks;
pub mod control;
mod control_accords;
mod control_care;
mod control_cases;
mod control_directory;
mod control_holds;
mod control_ladders;
mod control_programmes;
mod control_reports;
mod control_silences;
mod control_volume;
mod duty_forms;
pub mod duty_pages;
pub mod hooks;
pub mod hooks_rejected;
pub mod hooks_response;
pub mod metrics;
pub mod openapi;
mod page_forms;
pub mod page_shared;
pub mod pages;
pub mod receipts;
pub mod routes;
pub mod server;
mod trace;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post, put};

/// Largest body of `PUT /api/directory`, in bytes: about 250,000 pupils with two guardians each.
pub const LARGEST_DIRECTORY: usize = 256 * 1024 * 1024;

/// All routes; without `pages` there are none of those. `largest_event_body`: largest body of a webhook or receipt, in bytes.
pub fn router(
    hooks: Arc<hooks::Hooks>,
    callbacks: Arc<callbacks::Callbacks>,
    receipts: Arc<receipts::Receipts>,
    api: Arc<api::Api>,
    scrape: Arc<metrics::Scrape>,
    pages: Option<Arc<page_shared::StaffPages>>,
    largest_event_body: usize,
) -> Router {
    let api = Router::new()
        .route("/api/directory", put(api::put_directory))
        .route("/readyz", get(api::readyz))
        .with_state(api);
    let callbacks = Router::new()
        .route("/hooks/{source}/{secret}", post(callbacks::post))
        .with_state(callbacks);
    let hooks = Router::new().route("/hooks/{source}", post(hooks::post)).with_state(hooks);
    let events = hooks.merge(
        Router::new()
            .route("/receipts/{provider}/{secret}", post(receipts::take).get(receipts::take))
            .with_state(receipts),
    );
    let pages = pages.map_or_else(Router::new, |pages| {
        let case = get(pages::show).post(pages::take);
        let duty = get(duty_pages::show).post(duty_pages::take);
        let pages = Router::new()
            .route("/case/{token}", case)
            .route("/duty/{token}", duty)
            .with_state(pages);
        server::at_most(pages, page_shared::LARGEST_FORM)
            .route("/case.css", get(page_shared::style))
    });
    server::at_most(events, largest_event_body)
        .merge(pages)
        .merge(api)
        .merge(callbacks)
        .merge(Router::new().route("/metrics", get(metrics::get)).with_state(scrape))
        .route("/healthz", get(api::healthz))
        .route("/openapi.json", get(api::openapi))
        .route("/schemas/events.json", get(api::events_schema))
        .route("/schemas/case.json", get(api::case_schema))
}
