//! The part of the control socket by which duties are listed, shown and ticked, and a pupil's ladders explained. Each
//! act is a task of its own: who hangs up meanwhile must not leave it half done.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path as At, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::StatusCode;

use super::control::{Control, Operator, acted, answer, refusal};
use super::control_holds::no_school;
use crate::model::{PupilId, SchoolId};
use crate::operate::duties::{self, Told, Which};
use crate::operate::{ladder_preview, ladders};

/// Its routes.
pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new()
        .route("/v1/duties", get(list))
        .route("/v1/duties/{number}", get(show).post(tick))
        .route("/v1/ladders/{school}/{pupil}", get(explain))
        .route("/v1/ladder-preview", post(preview))
}

async fn list(
    State(control): State<Arc<Control>>,
    which: Result<Query<Which>, QueryRejection>,
) -> Response {
    let which = match which {
        Ok(Query(which)) => which,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error.body_text()),
    };
    let directory = control.directory.load_full();
    if let Some(id) = &which.school
        && !directory.schools.contains_key(id)
    {
        return refusal(StatusCode::NOT_FOUND, no_school(&control));
    }
    answer(duties::list(control.kv.as_ref(), &directory, &which).await)
}

async fn show(State(control): State<Arc<Control>>, At(number): At<String>) -> Response {
    let directory = control.directory.load_full();
    answer(duties::show(control.kv.as_ref(), &directory, &number).await)
}

async fn tick(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    At(number): At<String>,
    told: Result<Json<Told>, JsonRejection>,
) -> Response {
    let told = match told {
        Ok(Json(told)) => told,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error.body_text()),
    };
    let (kv, now) = (control.kv.clone(), control.clock.now());
    let directory = control.directory.load_full();
    acted(
        &control,
        async move { duties::act(kv.as_ref(), &directory, &number, &told, &by, now).await },
    )
    .await
}

async fn explain(
    State(control): State<Arc<Control>>,
    At((school, pupil)): At<(String, String)>,
) -> Response {
    let directory = control.directory.load_full();
    let school = SchoolId::new(school).ok().and_then(|id| directory.schools.get(&id));
    let Some(school) = school else {
        return refusal(StatusCode::NOT_FOUND, no_school(&control));
    };
    let pupil = match PupilId::new(pupil) {
        Ok(pupil) => pupil,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, format!("pupil: {error}")),
    };
    let (kv, now) = (control.kv.as_ref(), control.clock.now());
    answer(ladders::explained(kv, &directory, (school, &pupil), now).await)
}

async fn preview(
    State(control): State<Arc<Control>>,
    asked: Result<Json<ladder_preview::Asked>, JsonRejection>,
) -> Response {
    let asked = match asked {
        Ok(Json(asked)) => asked,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error.body_text()),
    };
    let directory = control.directory.load_full();
    let (kv, now) = (control.kv.as_ref(), control.clock.now());
    answer(ladder_preview::preview(kv, &directory, &asked, now).await)
}
