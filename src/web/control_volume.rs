//! The part of the control socket by which operators look at holds, and release or discard them: forms are those of
//! [`operate`](crate::operate), and an act is a task of its own, so that whoever hangs up does not leave it half done.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path as At, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::StatusCode;

use super::control::{Control, Operator, acted, answer, refusal};
use crate::model::HoldId;
use crate::operate::FORMAT;
use crate::operate::volume_holds::{self, Decide, Holds};

/// Its routes.
pub fn routes() -> Router<Arc<Control>> {
    Router::new().route("/v1/holds", get(list)).route("/v1/holds/{id}", get(show).post(decide))
}

async fn list(State(control): State<Arc<Control>>) -> Response {
    let all = volume_holds::list(control.kv.as_ref(), false).await;
    answer(all.map(|holds| Holds { format: FORMAT, holds }))
}

async fn show(State(control): State<Arc<Control>>, At(id): At<String>) -> Response {
    let id = match id.parse::<HoldId>() {
        Ok(id) => id,
        Err(words) => return refusal(StatusCode::BAD_REQUEST, words),
    };
    let directory = control.directory.load_full();
    answer(volume_holds::show(control.kv.as_ref(), &directory, &id).await)
}

async fn decide(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    At(id): At<String>,
    asked: Result<Json<Decide>, JsonRejection>,
) -> Response {
    let id = match id.parse::<HoldId>() {
        Ok(id) => id,
        Err(words) => return refusal(StatusCode::BAD_REQUEST, words),
    };
    let asked = match asked {
        Ok(Json(asked)) => asked,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error.body_text()),
    };
    let (kv, now) = (control.kv.clone(), control.clock.now());
    let directory = control.directory.load_full();
    acted(&control, async move {
        volume_holds::decide(kv.as_ref(), &directory, &id, &asked, &by, now).await
    })
    .await
}
