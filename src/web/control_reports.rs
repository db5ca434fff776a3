//! The part of the control socket by which reports are asked for.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Deserialize;

use super::control::{Control, answer, refusal};
use super::control_holds::no_school;
use crate::model::{SchoolId, TermName, WeekName};
use crate::operate::{ladder_report, term_report};

/// Its routes.
pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new().route("/v1/reports/term", get(term)).route("/v1/reports/ladder", get(ladder))
}

#[derive(Debug, Deserialize)]
struct Which {
    school: SchoolId,
    term: Option<TermName>,
}

async fn term(State(control): State<Arc<Control>>, Query(which): Query<Which>) -> Response {
    let directory = control.directory.load_full();
    let Some(school) = directory.schools.get(&which.school) else {
        return refusal(StatusCode::NOT_FOUND, no_school(&control));
    };
    let (kv, now) = (control.kv.as_ref(), control.clock.now());
    answer(term_report::report(kv, &directory, school, which.term, now).await)
}

#[derive(Debug, Deserialize)]
struct Ladders {
    school: Option<SchoolId>,
    week: Option<WeekName>,
}

async fn ladder(State(control): State<Arc<Control>>, Query(which): Query<Ladders>) -> Response {
    let directory = control.directory.load_full();
    let school = which.school.as_ref();
    if school.is_some_and(|id| !directory.schools.contains_key(id)) {
        return refusal(StatusCode::NOT_FOUND, no_school(&control));
    }
    let (kv, now) = (control.kv.as_ref(), control.clock.now());
    answer(ladder_report::report(kv, &directory, school, which.week, now).await)
}
