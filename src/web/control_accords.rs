//! The part of the control socket by which consents and agreements are entered, shown and revoked. Each act is a task of
//! its own: who hangs up meanwhile must not leave it half done.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path as At, Query, State};
use axum::response::Response;
use axum::routing::{delete, get, post};
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde::Deserialize;

use super::control::{Control, Operator, acted, answer, refusal};
use super::control_holds::no_school;
use crate::model::SchoolId;
use crate::operate::OperateError;
use crate::operate::accords::{self, NewAccord};
use crate::operate::reports::{self, AskedReports};

/// Its routes.
pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new()
        .route("/v1/accords", post(add))
        .route("/v1/accords/reports", post(add_reports))
        .route("/v1/accords/{kind}", get(list))
        .route("/v1/accords/{kind}/{id}", delete(end))
}

#[derive(Debug, Deserialize)]
struct Which {
    school: Option<SchoolId>,
}

async fn list(
    State(control): State<Arc<Control>>,
    At(kind): At<String>,
    Query(which): Query<Which>,
) -> Response {
    if let Some(id) = &which.school
        && !control.directory.load().schools.contains_key(id)
    {
        return refusal(StatusCode::NOT_FOUND, no_school(&control));
    }
    let (kv, now) = (control.kv.as_ref(), control.clock.now());
    answer(accords::list(kv, &kind, which.school.as_ref(), now).await)
}

async fn add(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    asked: Result<Json<NewAccord>, JsonRejection>,
) -> Response {
    let asked = match asked {
        Ok(Json(asked)) => asked,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error.body_text()),
    };
    let directory = control.directory.load_full();
    if !directory.schools.contains_key(&asked.school) {
        return refusal(StatusCode::NOT_FOUND, no_school(&control));
    }
    let (kv, now) = (control.kv.clone(), control.clock.now());
    acted(&control, async move {
        let Some(school) = directory.schools.get(&asked.school) else {
            return Err(OperateError::NotNow("the school is gone".into()));
        };
        accords::add(kv.as_ref(), (school, &directory.roster), &asked, &by, now).await
    })
    .await
}

async fn add_reports(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    asked: Result<Json<AskedReports>, JsonRejection>,
) -> Response {
    let asked = match asked {
        Ok(Json(asked)) => asked,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error.body_text()),
    };
    let directory = control.directory.load_full();
    if !directory.schools.contains_key(&asked.school) {
        return refusal(StatusCode::NOT_FOUND, no_school(&control));
    }
    let (kv, now) = (control.kv.clone(), control.clock.now());
    acted(&control, async move {
        let Some(school) = directory.schools.get(&asked.school) else {
            return Err(OperateError::NotNow("the school is gone".into()));
        };
        reports::enter(kv.as_ref(), (school, &directory.roster), asked, &by, now).await
    })
    .await
}

async fn end(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    At((kind, id)): At<(String, String)>,
) -> Response {
    let (kv, now) = (control.kv.clone(), control.clock.now());
    acted(&control, async move { accords::end(kv.as_ref(), &kind, &id, &by, now).await }).await
}
