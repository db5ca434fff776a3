//! How commands get their answers: from the daemon's control socket, or, when none runs, from its store by
//! the same routes. Prints a document as it came where `--json` is asked for.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tower::ServiceExt as _;

use super::{progress, run};
use crate::config::{self, Config, Report, Secrets};
use crate::directory::go_live::effective;
use crate::directory::{Directory, Roster};
use crate::env::clock::SystemClock;
use crate::operate::backup::HowFar;
use crate::source::roster::gone_live;
use crate::source::webhook::answer::ErrorAnswer;
use crate::store::{self, SledStore, StoreError};
use crate::web::control::{self, Operator};
use crate::{app, cli::exit};

/// How long a daemon may take that goes through all its messages.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long work on the whole store may take.
const LONG: Duration = Duration::from_hours(24);
/// How long the daemon may take to say how far it is.
const SHORT: Duration = Duration::from_secs(2);

/// What every question has.
#[derive(Debug, Clone, clap::Args)]
pub struct Asked {
    /// The configuration file.
    #[arg(long, short, value_name = "FILE", default_value = config::DEFAULT_FILE)]
    pub config: PathBuf,
    /// Print the document that the daemon answers.
    #[arg(long)]
    pub json: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The configuration has errors; they were printed.
    #[error("the configuration cannot be used")]
    Config,
    /// The daemon or the store said no.
    #[error("{0}")]
    Refused(String),
    /// No daemon runs, and the store is not as it should be.
    #[error("{0}")]
    Unsound(String),
    /// Neither daemon nor store can be reached.
    #[error("{0}")]
    Unreachable(String),
}

impl NoAnswer {
    /// Says it, and with which code to end.
    pub fn code(&self) -> u8 {
        if !matches!(self, Self::Config) {
            eprintln!("upprop: {self}");
        }
        match self {
            Self::Config => exit::CONFIG,
            Self::Refused(_) => exit::GENERAL,
            Self::Unsound(_) | Self::Unreachable(_) => exit::UNAVAILABLE,
        }
    }
}

/// Asks, and reads the document. `None` with `--json`: it has been printed.
///
/// # Errors
/// See [`NoAnswer`].
pub async fn ask<T: DeserializeOwned>(
    asked: &Asked,
    method: Method,
    path: &str,
) -> Result<Option<T>, NoAnswer> {
    let body = answered(asked, method, path).await?;
    shown(asked, &body)
}

/// Asks for work that may take long, and shows how far it is.
///
/// # Errors
/// See [`NoAnswer`].
pub async fn ask_long<T: DeserializeOwned>(
    asked: &Asked,
    method: Method,
    path: &str,
    what: &'static str,
) -> Result<Option<T>, NoAnswer> {
    let report = run::read(&asked.config, Secrets::Skipped, &|_| Vec::new());
    let control = socket(&report)?;
    let how_far = async || {
        let stream = UnixStream::connect(control).await.ok()?;
        let question = Question {
            patience: SHORT,
            ..Question::new(Method::GET, "/v1/store/progress", Bytes::new())
        };
        let (_, body) = from_daemon(stream, question).await.ok()?;
        let HowFar { done, all } = serde_json::from_slice(&body).ok()?;
        Some((done, all))
    };
    let question = Question { patience: LONG, ..Question::new(method, path, Bytes::new()) };
    let work = answer(&report, question);
    shown(asked, &accepted(progress::watched(what, work, how_far).await?)?)
}

/// The configuration; what is wrong with it is printed. No secret is needed, and credentials of the unit are
/// not to be had from a shell.
///
/// # Errors
/// [`NoAnswer::Config`].
pub fn configured(asked: &Asked) -> Result<Config, NoAnswer> {
    run::load(&asked.config, Secrets::Skipped, &|_| Vec::new()).ok_or(NoAnswer::Config)
}

/// The same with something to say, as JSON.
///
/// # Errors
/// See [`NoAnswer`].
pub async fn ask_with<T: DeserializeOwned>(
    asked: &Asked,
    method: Method,
    path: &str,
    body: &impl Serialize,
) -> Result<Option<T>, NoAnswer> {
    let question = Question::new(method, path, written(body)?);
    let report = run::read(&asked.config, Secrets::Skipped, &|_| Vec::new());
    shown(asked, &accepted(answer(&report, question).await?)?)
}

/// Asks the running daemon, for what only it can do.
///
/// # Errors
/// See [`NoAnswer`].
pub async fn ask_daemon<T: DeserializeOwned>(
    asked: &Asked,
    method: Method,
    path: &str,
    body: Option<&impl Serialize>,
) -> Result<T, NoAnswer> {
    let body = body.map(written).transpose()?.unwrap_or_default();
    let report = run::read(&asked.config, Secrets::Skipped, &|_| Vec::new());
    let socket = socket(&report)?;
    let stream = UnixStream::connect(socket).await.map_err(|error| {
        NoAnswer::Unreachable(format!(
            "{}: {error}; this needs the running daemon: start it (systemctl start upprop), and run this as root \
             or as a member of the socket's group",
            socket.display()
        ))
    })?;
    let answer = from_daemon(stream, Question::new(method, path, body)).await;
    let answer = answer
        .map_err(|error| NoAnswer::Unreachable(format!("the daemon does not answer: {error:#}")))?;
    read(&accepted(answer)?)
}

/// Prints a document as it came, where that is asked for; else reads it.
fn shown<T: DeserializeOwned>(asked: &Asked, body: &[u8]) -> Result<Option<T>, NoAnswer> {
    if asked.json {
        println!("{}", String::from_utf8_lossy(body));
        return Ok(None);
    }
    read(body).map(Some)
}

fn written(body: &impl Serialize) -> Result<Bytes, NoAnswer> {
    let body = serde_json::to_vec(body).map_err(|error| NoAnswer::Refused(error.to_string()))?;
    Ok(body.into())
}

/// What is asked, as HTTP has it.
struct Question<'a> {
    method: Method,
    path: &'a str,
    /// JSON, or nothing.
    body: Bytes,
    /// How long the daemon may take.
    patience: Duration,
}

impl<'a> Question<'a> {
    fn new(method: Method, path: &'a str, body: Bytes) -> Self {
        Self { method, path, body, patience: PATIENCE }
    }

    fn request(&self) -> http::request::Builder {
        Request::builder()
            .method(self.method.clone())
            .uri(self.path)
            .header(header::HOST, "upprop")
            .header(header::CONTENT_TYPE, "application/json")
    }
}

/// The document, as it came.
///
/// # Errors
/// See [`NoAnswer`].
pub async fn answered(asked: &Asked, method: Method, path: &str) -> Result<Bytes, NoAnswer> {
    // No secret is needed, and credentials of the unit are not to be had from a shell.
    let report = run::read(&asked.config, Secrets::Skipped, &|_| Vec::new());
    let question = Question::new(method, path, Bytes::new());
    accepted(answer(&report, question).await?)
}

fn accepted((status, body): (StatusCode, Bytes)) -> Result<Bytes, NoAnswer> {
    if status == StatusCode::OK {
        return Ok(body);
    }
    let words = serde_json::from_slice::<ErrorAnswer>(&body).map(|answer| answer.error);
    Err(NoAnswer::Refused(words.unwrap_or_else(|_| {
        format!("the daemon answers {status}; it may be older than this program: restart it")
    })))
}

/// Reads a document.
///
/// # Errors
/// [`NoAnswer::Refused`] when it is not what this program knows.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, NoAnswer> {
    serde_json::from_slice(body).map_err(|error| {
        NoAnswer::Refused(format!(
            "the daemon's answer is not understood ({error}); it may be older or newer than this \
             program: restart it, or use --json"
        ))
    })
}

/// Where the daemon listens. One that runs is asked whatever has been written into its file since.
fn socket(report: &Report) -> Result<&Path, NoAnswer> {
    let known = !["server.control", "store.dir"].iter().any(|key| report.is_faulty(key));
    let Some(readable) = report.readable().filter(|_| known) else {
        run::print(report);
        return Err(NoAnswer::Config);
    };
    Ok(&readable.server.control)
}

async fn answer(report: &Report, question: Question<'_>) -> Result<(StatusCode, Bytes), NoAnswer> {
    let socket = socket(report)?;
    match UnixStream::connect(socket).await {
        Ok(stream) => from_daemon(stream, question).await.map_err(|error| {
            NoAnswer::Unreachable(format!("the daemon does not answer: {error:#}"))
        }),
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            let Some(config) = &report.config else {
                run::print(report);
                return Err(NoAnswer::Config);
            };
            from_store(config, question).await
        }
        Err(error) => Err(NoAnswer::Unreachable(format!(
            "{}: {error}; run as root, or as a member of the socket's group",
            socket.display()
        ))),
    }
}

async fn from_daemon(
    stream: UnixStream,
    question: Question<'_>,
) -> anyhow::Result<(StatusCode, Bytes)> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let patience = question.patience;
    let request = question.request().body(Full::new(question.body))?;
    let asked = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    // The connection ends when its sender is gone.
    let both = futures_util::future::join(asked, connection);
    let (answer, ended) = tokio::time::timeout(patience, both).await.context(
        "it took too long; see `systemctl status upprop`; what was to be done may have been done all the same",
    )?;
    ended.context("the connection")?;
    answer
}

async fn from_store(
    config: &Config,
    question: Question<'_>,
) -> Result<(StatusCode, Bytes), NoAnswer> {
    let folder = app::store_settings(config).store_dir();
    if app::store_settings(config).restoring().exists() {
        let words = store::recover::refuse_unfinished_restore(&app::store_settings(config));
        return Err(NoAnswer::Unsound(words.err().map(|e| e.to_string()).unwrap_or_default()));
    }
    let Ok(found) = std::fs::metadata(&folder) else {
        return Err(NoAnswer::Unreachable(format!(
            "no daemon runs, and there is no store at {} that could be read; start it: systemctl start upprop",
            folder.display()
        )));
    };
    // What is made while it is open would belong to whoever asks, and keep the daemon out.
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(NoAnswer::Unreachable(format!(
            "no daemon runs, and its store belongs to uid {}: start it (systemctl start upprop), or ask as that \
             user: runuser -u upprop -- upprop …",
            found.uid()
        )));
    }
    let store = match SledStore::open(app::store_settings(config)) {
        Ok(store) => Arc::new(store),
        Err(error @ StoreError::InUse(_)) => {
            return Err(NoAnswer::Unreachable(format!(
                "{error}, and it does not listen on {}: it is starting, ending, or has another \
                 `control` in its configuration",
                config.server.control.display()
            )));
        }
        Err(error) => return Err(NoAnswer::Unsound(error.to_string())),
    };
    let gone_live = gone_live(store.as_ref()).await;
    let gone_live = gone_live.map_err(|error| NoAnswer::Unreachable(error.to_string()))?;
    let schools = Arc::new(effective(&config.schools, &gone_live));
    let directory = Directory { schools, roster: Arc::<Roster>::default() };
    let (clock, directory) = (Arc::new(SystemClock::new()), ArcSwap::from_pointee(directory));
    let control = app::control(config, store.clone(), clock, Arc::new(directory));
    let _ = control.embedded.set(store.clone());
    let uid = rustix::process::getuid().as_raw();
    let request = question.request().extension(Operator(format!("uid {uid}")));
    let request = request.body(Body::from(question.body));
    let request = request.map_err(|error| NoAnswer::Refused(error.to_string()))?;
    let response: Response<Body> = match control::router(Arc::new(control)).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status();
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| NoAnswer::Refused(error.to_string()))?.to_bytes();
    store.close().await.map_err(|error| NoAnswer::Refused(error.to_string()))?;
    Ok((status, body))
}

/// A part of a path, as it may stand in one.
pub fn encoded(text: &str) -> impl std::fmt::Display {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
}
