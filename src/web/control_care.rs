//! The control socket's part that looks after the store and what it holds of people: check, backup,
//! compaction, export, erasure. Each is a task of its own: who hangs
//! up meanwhile must not leave it half done.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Path as At, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::control::{Control, Operator, answer, refusal};
use crate::model::{IdError, PupilId, SchoolId};
use crate::operate::backup::{BackedUp, HowFar, MadeAnew};
use crate::operate::check::{self, Checked, JournalFound};
use crate::operate::{FORMAT, OperateError, counters, export, forget};
use crate::store::{Compacted, SledStore, StoreError};

/// Their routes.
pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new()
        .route("/v1/store/progress", get(how_far))
        .route("/v1/store/check", get(check_store))
        .route("/v1/store/backup", post(back_up))
        .route("/v1/store/compact", post(compact))
        .route("/v1/export/{school}/{pupil}", get(tell_all))
        .route("/v1/forget/{school}/{pupil}", post(erase))
        .route("/v1/statistics", get(show_statistics))
}

async fn how_far(State(control): State<Arc<Control>>) -> Response {
    let (done, all) = control.embedded.get().map(|s| s.progress().look()).unwrap_or_default();
    Json(HowFar { done, all }).into_response()
}

/// Does something to the embedded store in a task of its own.
async fn with_store<
    T: Serialize + Send + 'static,
    F: Future<Output = Result<T, OperateError>> + Send + 'static,
>(
    control: &Control,
    work: impl FnOnce(Arc<SledStore>) -> F,
) -> Response {
    let Some(store) = control.embedded.get().cloned() else {
        let words = "this daemon has no store of its own kind to look after";
        return refusal(StatusCode::NOT_IMPLEMENTED, words.into());
    };
    let done = control.tracker.spawn(work(store)).await;
    match done {
        Ok(Err(OperateError::Store(StoreError::Refused(words)))) => {
            refusal(StatusCode::CONFLICT, words)
        }
        Ok(done) => answer(done),
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "a defect; see the log".into()),
    }
}

/// Something that blocks.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, OperateError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(StoreError::Busy("a defect; see the log".into())))
        .map_err(Into::into)
}

async fn check_store(State(control): State<Arc<Control>>) -> Response {
    with_store(&control, |store| async move {
        let snapshot = store.snapshot();
        let mut checked = Checked::new(Some(snapshot.sequence()));
        check::rows(&snapshot, &mut checked, store.progress()).await?;
        drop(snapshot);
        let read = tokio::task::spawn_blocking(move || store.verify_journal()).await;
        checked.journal(match read {
            Ok(Ok(found)) => Ok(found.map(JournalFound::from)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it could not be read to the end: a defect; see the log".into()),
        });
        tracing::info!(problems = checked.problems.len(), "the store was checked");
        Ok(checked)
    })
    .await
}

#[derive(Debug, Deserialize)]
struct To {
    to: PathBuf,
}

async fn back_up(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    Query(To { to }): Query<To>,
) -> Response {
    if !to.is_absolute() {
        return refusal(StatusCode::BAD_REQUEST, "the folder must be named from the root".into());
    }
    let now = control.clock.now();
    with_store(&control, |store| async move {
        let folder = to.clone();
        let backup = blocking(move || store.back_up(&to, now)).await?;
        tracing::info!(rows = backup.rows, bytes = backup.bytes, by, "a backup was written");
        Ok(BackedUp { format: FORMAT, folder, backup })
    })
    .await
}

async fn compact(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
) -> Response {
    with_store(&control, |store| async move {
        let Compacted { rows, before_bytes, after_bytes } =
            blocking(move || store.compact()).await?;
        tracing::info!(rows, before_bytes, after_bytes, by, "the store was compacted");
        Ok(MadeAnew { format: FORMAT, rows, before_bytes, after_bytes })
    })
    .await
}

/// The school and pupil of a path; a school that is not configured may have rows all the same.
fn who(school: String, pupil: String) -> Result<(SchoolId, PupilId), Box<Response>> {
    let refused = |what: &str, error: IdError| {
        Box::new(refusal(StatusCode::BAD_REQUEST, format!("{what}: {error}")))
    };
    Ok((
        SchoolId::new(school).map_err(|error| refused("school", error))?,
        PupilId::new(pupil).map_err(|error| refused("pupil", error))?,
    ))
}

/// Whether there is no other school by configuration.
fn is_only(control: &Control, school: &SchoolId) -> bool {
    control.directory.load().schools.keys().all(|other| other == school)
}

async fn tell_all(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    At((school, pupil)): At<(String, String)>,
) -> Response {
    let (school, pupil) = match who(school, pupil) {
        Ok(who) => who,
        Err(refusal) => return *refusal,
    };
    let only = is_only(&control, &school);
    let now = control.clock.now();
    let told = export::export(control.kv.as_ref(), (&school, &pupil), only, now).await;
    if let Ok(told) = &told {
        let (lines, messages) = (told.trail.len(), told.messages.len());
        tracing::info!(%school, lines, messages, by, "what is held about a pupil was exported");
    }
    answer(told)
}

async fn erase(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    At((school, pupil)): At<(String, String)>,
) -> Response {
    let (school, pupil) = match who(school, pupil) {
        Ok(who) => who,
        Err(refusal) => return *refusal,
    };
    let (kv, now) = (control.kv.clone(), control.clock.now());
    let mut remains = control.remains.clone();
    let only = is_only(&control, &school);
    let work = async move {
        let mut done = forget::forget(kv.as_ref(), (&school, &pupil), only, &by, now).await?;
        done.remains.append(&mut remains);
        Ok(done)
    };
    match control.tracker.spawn(work).await {
        Ok(done) => answer(done),
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "a defect; see the log".into()),
    }
}

async fn show_statistics(State(control): State<Arc<Control>>) -> Response {
    answer(counters::statistics(control.kv.as_ref()).await)
}
