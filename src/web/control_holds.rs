//! The part of the control socket by which operators hold sending back, and try it: routes and forms are those of
//! [`operate`](crate::operate), and each act is a task of its own, so that whoever hangs up does not leave
//! it half done.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path as At, Query, State};
use axum::response::Response;
use axum::routing::{delete, get, post};
use axum::{Extension, Json, Router};
use http::StatusCode;
use jiff::tz::TimeZone;

use super::control::{Control, Operator, acted, answer, refusal};
use crate::delivery::suspension::Scope;
use crate::model::SchoolId;
use crate::operate::go_live::{GoLive, Wanted};
use crate::operate::guest::{self, Sending, Test};
use crate::operate::suspensions::{self, Suspend};
use crate::operate::{self, OperateError};

/// The zone of times that concern no one school.
const ZONE: &str = "Europe/Stockholm";

/// Its routes.
pub fn routes() -> Router<Arc<Control>> {
    Router::new()
        .route("/v1/suspensions", post(suspend))
        .route("/v1/suspensions/{scope}", delete(resume))
        .route("/v1/tests", post(test))
        .route("/v1/schools/{school}/go-live", get(look).post(go_live).delete(back))
}

async fn suspend(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    asked: Result<Json<Suspend>, JsonRejection>,
) -> Response {
    let asked = match asked {
        Ok(Json(asked)) => asked,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error.body_text()),
    };
    let zone = match zone(&control, &asked.scope) {
        Ok(zone) => zone,
        Err(words) => return refusal(StatusCode::NOT_FOUND, words),
    };
    let (kv, now) = (control.kv.clone(), control.clock.now());
    acted(&control, async move { suspensions::suspend(kv.as_ref(), &asked, &zone, &by, now).await })
        .await
}

async fn resume(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    At(scope): At<String>,
) -> Response {
    let scope = match scope.parse::<Scope>() {
        Ok(scope) => scope,
        Err(words) => return refusal(StatusCode::BAD_REQUEST, words),
    };
    let (kv, now) = (control.kv.clone(), control.clock.now());
    acted(&control, async move { suspensions::resume(kv.as_ref(), &scope, &by, now).await }).await
}

async fn test(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    asked: Result<Json<Test>, JsonRejection>,
) -> Response {
    let asked = match asked {
        Ok(Json(asked)) => asked,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error.body_text()),
    };
    if control.running.is_none() {
        let words = "no daemon runs, and nobody else sends; start it: systemctl start upprop";
        return refusal(StatusCode::SERVICE_UNAVAILABLE, words.into());
    }
    let (kv, now) = (control.kv.clone(), control.clock.now());
    let (directory, accounts) = (control.directory.load_full(), control.accounts.clone());
    acted(&control, async move {
        let sending = Sending { directory: &directory, accounts: &accounts };
        guest::send(kv.as_ref(), sending, &asked, &by, now).await
    })
    .await
}

async fn look(
    State(control): State<Arc<Control>>,
    At(school): At<String>,
    Query(wanted): Query<Wanted>,
) -> Response {
    match SchoolId::new(school) {
        Ok(school) => answer(looked(&control, &school, &wanted).await),
        Err(_) => refusal(StatusCode::NOT_FOUND, no_school(&control)),
    }
}

async fn looked(
    control: &Control,
    school: &SchoolId,
    wanted: &Wanted,
) -> Result<GoLive, OperateError> {
    let (directory, now) = (control.directory.load_full(), control.clock.now());
    let kv = control.kv.as_ref();
    operate::go_live::look(kv, &directory, &control.accounts, school, wanted, now).await
}

async fn go_live(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    At(school): At<String>,
    Query(wanted): Query<Wanted>,
) -> Response {
    changed(control, school, by, Some(wanted)).await
}

async fn back(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    At(school): At<String>,
) -> Response {
    changed(control, school, by, None).await
}

/// Takes a school live, or back to its guests.
async fn changed(
    control: Arc<Control>,
    school: String,
    by: String,
    live: Option<Wanted>,
) -> Response {
    let Ok(school) = SchoolId::new(school) else {
        return refusal(StatusCode::NOT_FOUND, no_school(&control));
    };
    let Some(feed) = control.feed.clone() else {
        let words = "no daemon runs in which it could be put in force: systemctl start upprop";
        return refusal(StatusCode::SERVICE_UNAVAILABLE, words.into());
    };
    let tracker = control.clone();
    acted(&tracker, async move {
        let wanted = live.clone().unwrap_or_default();
        let before = looked(&control, &school, &wanted).await?;
        match &live {
            Some(_) if !before.ready => {
                let bad = before.findings.iter().filter(|f| !f.good).map(|f| f.words.as_str());
                return Err(OperateError::NotNow(bad.collect::<Vec<_>>().join("; ")));
            }
            None if before.since.is_none() => {
                return Err(OperateError::NotNow(format!(
                    "it has not gone live by `upprop go-live`; configuration says {}, and is where to change it",
                    before.configured
                )));
            }
            _ => {}
        }
        let why = if wanted.without_guest_stage { "without a guest stage" } else { "" };
        if !feed.change_mode(&school, live.is_some(), &by, why).await? {
            return Err(OperateError::NotNow("somebody else has just done it".into()));
        }
        looked(&control, &school, &wanted).await
    })
    .await
}

/// The zone that a local time is meant in; no such school, in words.
fn zone(control: &Control, scope: &Scope) -> Result<TimeZone, String> {
    let Scope::School(id) = scope else {
        return Ok(TimeZone::get(ZONE).unwrap_or(TimeZone::UTC));
    };
    let directory = control.directory.load();
    directory.schools.get(id).map(|school| school.zone.clone()).ok_or_else(|| no_school(control))
}

/// What to say when a school is not configured.
pub(super) fn no_school(control: &Control) -> String {
    let directory = control.directory.load();
    let known: Vec<&str> = directory.schools.keys().map(SchoolId::as_str).collect();
    format!("no school has that id in the configuration; there are: {}", known.join(", "))
}
