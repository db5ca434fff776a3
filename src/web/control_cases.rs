//! The part of the control socket by which a case is shown and what came of it recorded.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::StatusCode;

use super::control::{Control, Operator, acted, answer, refusal};
use crate::operate::cases::{self, Record, Which};

/// Its routes.
pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new().route("/v1/case", get(show).post(record))
}

async fn show(State(control): State<Arc<Control>>, Query(which): Query<Which>) -> Response {
    let directory = control.directory.load_full();
    answer(cases::show(control.kv.as_ref(), &directory, &which).await)
}

async fn record(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    asked: Result<Json<Record>, JsonRejection>,
) -> Response {
    let asked = match asked {
        Ok(Json(asked)) => asked,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error.body_text()),
    };
    let directory = control.directory.load_full();
    let (kv, now) = (control.kv.clone(), control.clock.now());
    acted(&control, async move { cases::record(kv.as_ref(), &directory, &asked, &by, now).await })
        .await
}
