//! The part of the control socket by which sessions of preventive programmes are shown and recorded. Each act is a task of
//! its own: who hangs up meanwhile must not leave it half done.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde::Deserialize;

use super::control::{Control, Operator, acted, answer, refusal};
use super::control_holds::no_school;
use crate::model::{SchoolId, TermName};
use crate::operate::programmes::{self, Asked};

/// Its routes.
pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new().route("/v1/programmes", get(list).post(record))
}

#[derive(Debug, Deserialize)]
struct Which {
    school: Option<SchoolId>,
    term: Option<TermName>,
}

async fn list(State(control): State<Arc<Control>>, Query(which): Query<Which>) -> Response {
    let directory = control.directory.load_full();
    if let Some(id) = &which.school
        && !directory.schools.contains_key(id)
    {
        return refusal(StatusCode::NOT_FOUND, no_school(&control));
    }
    let (kv, now) = (control.kv.as_ref(), control.clock.now());
    let asked = (which.school.as_ref(), which.term);
    answer(programmes::overview(kv, &directory, asked, now).await)
}

async fn record(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    asked: Result<Json<Asked>, JsonRejection>,
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
        programmes::record(kv.as_ref(), (school, &directory.roster), &asked, &by, now).await
    })
    .await
}
