//! The control socket: the operator's questions and acts over HTTP on a Unix socket. Whoever may open the
//! socket may ask everything; nothing here is reachable from the network. Routes and forms are those of
//! [`operate`](crate::operate).

use std::collections::BTreeMap;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::extract::{Path as At, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::{HeaderValue, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::control_care;
use crate::directory::Directory;
use crate::env::Clock;
use crate::intake::{Contacts, Described};
use crate::model::{LessonId, NotificationId, ProviderId, PupilId, SourceId};
use crate::operate::message::{self, Act};
use crate::operate::reload::Reloads;
use crate::operate::self_test::{self, Here, Probes};
use crate::operate::{
    About, FORMAT, OperateError, VERSION, queue, registers, rejected, status, why,
};
use crate::source::roster::RosterFeed;
use crate::source::webhook::answer::ErrorAnswer;
use crate::store::{Kv, SledStore, StoreError};

/// How long a question's head may take, and a connection idle.
const HEAD: Duration = Duration::from_secs(15);
/// How long an answer under way may take after the stop.
const LAST_ANSWER: Duration = Duration::from_secs(2);
/// After a failed `accept`, before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The header of every answer with the form of its documents; in a question: the form that whoever asks knows.
pub const FORMAT_HEADER: &str = "upprop-format";
/// The header of every answer with the daemon's version.
pub const VERSION_HEADER: &str = "upprop-version";

/// What the answers are made from.
pub struct Control {
    /// The store.
    pub kv: Arc<dyn Kv>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Schools, and people in force.
    pub directory: Arc<ArcSwap<Directory>>,
    /// Every account that messages go by.
    pub accounts: Vec<ProviderId>,
    /// Every configured source.
    pub sources: BTreeMap<SourceId, Described>,
    /// What the self-test tries; none: without the daemon, whoever tests has its own.
    pub probes: Option<Arc<Probes>>,
    /// Where acts run.
    pub tracker: TaskTracker,
    /// When the daemon started, and what it heard since; none: no daemon, its store alone.
    pub running: Option<(Timestamp, Contacts)>,
    /// The store itself, once it is known.
    pub embedded: Arc<OnceLock<Arc<SledStore>>>,
    /// Where traces of a pupil are after an erasure, and until when, in words.
    pub remains: Vec<String>,
    /// Who changes the mode of a school; none: no daemon.
    pub feed: Option<Arc<RosterFeed>>,
    /// Where a reload is asked for; none: no daemon.
    pub reloads: Option<Reloads>,
}

/// Who asks, as the system says.
#[derive(Debug, Clone)]
pub struct Operator(pub String);

/// All routes.
pub fn router(control: Arc<Control>) -> Router {
    Router::new()
        .route("/v1/about", get(tell_about))
        .route("/v1/self-test", post(test_all))
        .route("/v1/status", get(show_status))
        .route("/v1/why/{pupil}", get(tell_why))
        .route("/v1/why-lesson/{lesson}", get(tell_why_lesson))
        .route("/v1/queue", get(show_queue))
        .route("/v1/rejected", get(show_rejected))
        .route("/v1/reload", post(reload))
        .route("/v1/messages/{id}", get(show_message))
        .route("/v1/messages/{id}/{act}", post(act_on_message))
        .merge(control_care::routes())
        .merge(super::control_accords::routes())
        .merge(super::control_cases::routes())
        .merge(super::control_directory::routes())
        .merge(super::control_holds::routes())
        .merge(super::control_programmes::routes())
        .merge(super::control_reports::routes())
        .merge(super::control_ladders::routes())
        .merge(super::control_silences::routes())
        .merge(super::control_volume::routes())
        .layer(middleware::from_fn(introduced))
        .with_state(control)
}

/// Says in every answer who answers and in which form, and does nothing for whoever knows another.
async fn introduced(question: Request, next: Next) -> Response {
    let known = question.headers().get(FORMAT_HEADER).map(|known| *known == FORMAT.to_string());
    let mut answer = if known == Some(false) {
        let words = format!(
            "the daemon is upprop {VERSION} and speaks format {FORMAT}, which is not that of the question; \
             use the `upprop` that the daemon runs, or restart the daemon after an upgrade"
        );
        refusal(StatusCode::BAD_REQUEST, words)
    } else {
        next.run(question).await
    };
    let headers = answer.headers_mut();
    headers.insert(FORMAT_HEADER, FORMAT.into());
    headers.insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
    answer
}

async fn tell_about(State(control): State<Arc<Control>>) -> Response {
    Json(About::this(control.running.as_ref().map(|(since, _)| *since))).into_response()
}

async fn test_all(State(control): State<Arc<Control>>) -> Response {
    let Some(probes) = control.probes.clone() else {
        return refusal(StatusCode::NOT_FOUND, "there is nothing to be tried here".into());
    };
    let directory = control.directory.load_full();
    let here = Here {
        kv: Ok(control.kv.as_ref()),
        roster: Some(&directory.roster),
        sources: control.sources.clone(),
        contacts: control.running.as_ref().map(|(_, contacts)| contacts.clone()),
        clock: control.clock.as_ref(),
        by_daemon: true,
    };
    Json(self_test::run(&probes, &here).await).into_response()
}

async fn show_status(State(control): State<Arc<Control>>) -> Response {
    let directory = control.directory.load_full();
    let running = control.running.as_ref();
    let around = status::Around {
        running_since: running.map(|(since, _)| *since),
        pupils: running.map(|_| directory.roster.pupil_count()),
        sources: control.sources.clone(),
        contacts: running.map(|(_, contacts)| contacts.clone()),
        directory_held_back: control.feed.as_ref().map_or_else(Vec::new, |feed| feed.held_back()),
    };
    let (schools, accounts) = (directory.schools.values(), control.accounts.iter());
    let now = control.clock.now();
    answer(status::status(control.kv.as_ref(), schools, accounts, around, now).await)
}

#[derive(Debug, Deserialize)]
struct Days {
    date: Option<Date>,
    days: Option<usize>,
}

async fn tell_why(
    State(control): State<Arc<Control>>,
    At(pupil): At<String>,
    Query(Days { date, days }): Query<Days>,
) -> Response {
    let pupil = match PupilId::new(pupil) {
        Ok(pupil) => pupil,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, format!("pupil: {error}")),
    };
    let directory = control.directory.load_full();
    let (kv, now) = (control.kv.as_ref(), control.clock.now());
    let asked = why::Asked { date, days };
    answer(why::why(kv, directory.schools.values(), &pupil, asked, now).await)
}

async fn tell_why_lesson(State(control): State<Arc<Control>>, At(lesson): At<String>) -> Response {
    let lesson = match LessonId::new(lesson) {
        Ok(lesson) => lesson,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, format!("lesson: {error}")),
    };
    let directory = control.directory.load_full();
    let (kv, now) = (control.kv.as_ref(), control.clock.now());
    answer(registers::why(kv, directory.schools.values(), &lesson, now).await)
}

async fn show_queue(State(control): State<Arc<Control>>) -> Response {
    answer(queue::queue(control.kv.as_ref(), control.clock.now()).await)
}

async fn show_rejected(State(control): State<Arc<Control>>) -> Response {
    answer(rejected::all(control.kv.as_ref()).await)
}

async fn show_message(State(control): State<Arc<Control>>, At(id): At<String>) -> Response {
    match NotificationId::parse(&id) {
        Ok(id) => answer(message::show(control.kv.as_ref(), &id, control.clock.now()).await),
        Err(_) => no_id(),
    }
}

async fn act_on_message(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    At((id, act)): At<(String, String)>,
) -> Response {
    let act = match act.as_str() {
        "cancel" => Act::Cancel,
        "retry" => Act::Retry,
        _ => return refusal(StatusCode::NOT_FOUND, "there are `cancel` and `retry`".into()),
    };
    let Ok(id) = NotificationId::parse(&id) else { return no_id() };
    let (kv, now) = (control.kv.clone(), control.clock.now());
    acted(&control, async move { message::act(kv.as_ref(), &id, act, &by, now).await }).await
}

/// Carries an act out in a task of its own: who hangs up meanwhile must not leave it half done.
pub(super) async fn acted<T: Serialize + Send + 'static>(
    control: &Control,
    act: impl Future<Output = Result<T, OperateError>> + Send + 'static,
) -> Response {
    match control.tracker.spawn(act).await {
        Ok(done) => answer(done),
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "a defect; see the log".into()),
    }
}

/// 200 whatever became of it: the document says.
async fn reload(State(control): State<Arc<Control>>) -> Response {
    let Some(reloads) = &control.reloads else {
        return refusal(
            StatusCode::CONFLICT,
            "no daemon runs; it reads its configuration when it starts".into(),
        );
    };
    match reloads.ask().await {
        Some(reloaded) => Json(reloaded).into_response(),
        None => refusal(StatusCode::SERVICE_UNAVAILABLE, "the daemon is ending".into()),
    }
}

fn no_id() -> Response {
    refusal(StatusCode::BAD_REQUEST, "a message's id has 32 hexadecimal digits".into())
}

pub(super) fn answer<T: Serialize>(answer: Result<T, OperateError>) -> Response {
    let error = match answer {
        Ok(document) => return Json(document).into_response(),
        Err(error) => error,
    };
    let status = match &error {
        OperateError::NoMessage(_) => StatusCode::NOT_FOUND,
        OperateError::NotNow(_) => StatusCode::CONFLICT,
        OperateError::Store(StoreError::Busy(_)) => StatusCode::SERVICE_UNAVAILABLE,
        OperateError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    refusal(status, error.to_string())
}

pub(super) fn refusal(status: StatusCode, error: String) -> Response {
    (status, Json(ErrorAnswer { error })).into_response()
}

/// A socket that is removed when the daemon ends.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // One left behind is replaced by the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Makes the socket, readable by its owner and group; one that a former process left is replaced. Whoever
/// holds the store's lock calls it, so that nobody else's socket is taken away.
///
/// # Errors
/// When it cannot be made.
pub fn bind(path: &Path) -> std::io::Result<Socket> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
        // Whatever else is there is not ours: to listen there is refused.
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(Socket { listener, path: path.to_owned() })
}

/// Serves until `stop`.
pub async fn serve(socket: Socket, router: Router, stop: CancellationToken, tracker: TaskTracker) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    while let Some(next) = stop.run_until_cancelled(socket.listener.accept()).await {
        let stream = match next {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a control connection could not be accepted");
                let _ = tokio::time::timeout(ACCEPT_PAUSE, stop.cancelled()).await;
                continue;
            }
        };
        let by =
            stream.peer_cred().map_or_else(|_| "unknown".into(), |c| format!("uid {}", c.uid()));
        let router =
            router.clone().map_request(move |mut request: Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(Operator(by.clone()));
                request.map(axum::body::Body::new)
            });
        let connection =
            http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        let stop = stop.clone();
        tracker.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "control connection");
                    }
                    return;
                }
                () = stop.cancelled() => {}
            }
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(LAST_ANSWER, connection).await;
        });
    }
}
