//! The part of the control socket by which a school's silences are added, shown and removed. Each act is a task of its
//! own: who hangs up meanwhile must not leave it half done.

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
use crate::operate::silences::{self, Silence};

/// Its routes.
pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new()
        .route("/v1/silences", get(list).post(add))
        // A path of its own: a daemon that does not know it must not add what was to be tried.
        .route("/v1/silences/try", post(try_out))
        .route("/v1/silences/{id}", delete(remove))
}

#[derive(Debug, Deserialize)]
struct Which {
    school: Option<SchoolId>,
}

async fn list(State(control): State<Arc<Control>>, Query(which): Query<Which>) -> Response {
    if let Some(id) = &which.school
        && !control.directory.load().schools.contains_key(id)
    {
        return refusal(StatusCode::NOT_FOUND, no_school(&control));
    }
    let (kv, now) = (control.kv.as_ref(), control.clock.now());
    let schools = control.directory.load().schools.clone();
    answer(silences::list(kv, &schools, which.school.as_ref(), now).await)
}

async fn add(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    asked: Result<Json<Silence>, JsonRejection>,
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
            return Err(crate::operate::OperateError::NotNow("the school is gone".into()));
        };
        silences::add(kv.as_ref(), (school, &directory.roster), &asked, &by, now).await
    })
    .await
}

async fn try_out(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    asked: Result<Json<Silence>, JsonRejection>,
) -> Response {
    let asked = match asked {
        Ok(Json(asked)) => asked,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error.body_text()),
    };
    let directory = control.directory.load_full();
    let Some(school) = directory.schools.get(&asked.school) else {
        return refusal(StatusCode::NOT_FOUND, no_school(&control));
    };
    let (kv, now) = (control.kv.as_ref(), control.clock.now());
    answer(silences::try_out(kv, (school, &directory.roster), &asked, &by, now).await)
}

async fn remove(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    At(id): At<String>,
) -> Response {
    let (kv, now) = (control.kv.clone(), control.clock.now());
    let schools = control.directory.load().schools.clone();
    acted(&control, async move { silences::remove(kv.as_ref(), &schools, &id, &by, now).await })
        .await
}
