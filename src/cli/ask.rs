//! How commands get their answers: from the daemon's control socket, or, when none runs, from its store by
//! the same routes. Prints a document as it came where `--json` is asked for.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tower::ServiceExt as _;

use super::versions::{self, Kin};
use super::{exit, owner, run};
use crate::app;
use crate::config::{self, Config, Secrets};
use crate::directory::{Directory, Roster};
use crate::env::Clock as _;
use crate::env::clock::SystemClock;
use crate::operate::FORMAT;
use crate::source::webhook::answer::ErrorAnswer;
use crate::store::{SledStore, StoreError};
use crate::web::control::{self, Operator};

/// How long a daemon may take that goes through all its messages.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long another command, or a daemon that starts, may hold the store.
const OTHERS: SignedDuration = SignedDuration::from_secs(5);
const LOOK_AGAIN: SignedDuration = SignedDuration::from_millis(50);

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
    /// Neither daemon nor store can be reached.
    #[error("{0}")]
    Unreachable(String),
    /// Another process holds the store, and does not answer.
    #[error("{0}")]
    InUse(String),
    /// The daemon is of a version that cannot be understood.
    #[error("{0}")]
    Foreign(String),
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
            Self::Unreachable(_) | Self::InUse(_) | Self::Foreign(_) => exit::UNAVAILABLE,
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
    let body = fetch(asked, method, path).await?;
    if asked.json { Ok(None) } else { read(&body).map(Some) }
}

/// Asks; prints the document with `--json`.
///
/// # Errors
/// See [`NoAnswer`].
pub async fn fetch(asked: &Asked, method: Method, path: &str) -> Result<Bytes, NoAnswer> {
    // No secret is needed, and credentials of the unit are not to be had from a shell.
    let config = run::load(&asked.config, Secrets::Skipped, &|_| Vec::new());
    let config = config.ok_or(NoAnswer::Config)?;
    let (status, body) = answer(&config, method, path).await?;
    if status != StatusCode::OK {
        let words = serde_json::from_slice::<ErrorAnswer>(&body).map(|answer| answer.error);
        return Err(NoAnswer::Refused(words.unwrap_or_else(|_| {
            format!("the daemon answers {status}; it may be older than this program: restart it")
        })));
    }
    if asked.json {
        println!("{}", String::from_utf8_lossy(&body));
    }
    Ok(body)
}

/// Reads a document; fields that this program does not know are passed over.
///
/// # Errors
/// When it is none.
pub fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, NoAnswer> {
    serde_json::from_slice(body).map_err(|error| {
        NoAnswer::Foreign(format!(
            "the daemon's answer is not understood ({error}); it may be older or newer than this \
             program: restart it, or use --json"
        ))
    })
}

async fn answer(
    config: &Config,
    method: Method,
    path: &str,
) -> Result<(StatusCode, Bytes), NoAnswer> {
    let (socket, clock) = (&config.server.control, SystemClock::new());
    let limit = clock.now().saturating_add(OTHERS).unwrap_or(Timestamp::MAX);
    loop {
        let connected = UnixStream::connect(socket).await;
        let in_use = match connected {
            Ok(stream) => return from_daemon(socket, stream, method, path).await,
            Err(error) if is_absent(&error) => {
                match from_store(config, method.clone(), path).await {
                    Err(NoAnswer::InUse(words)) => words,
                    done => return done,
                }
            }
            Err(error) => return Err(forbidden(socket, &error)),
        };
        // Another command that reads the store is soon done; a daemon that starts will soon answer.
        if clock.now() >= limit {
            return Err(NoAnswer::InUse(in_use));
        }
        clock.sleep_until(clock.now().saturating_add(LOOK_AGAIN).unwrap_or(limit)).await;
    }
}

/// Asks the daemon; none: it does not run.
///
/// # Errors
/// See [`NoAnswer`].
pub async fn daemon(
    config: &Config,
    method: Method,
    path: &str,
) -> Result<Option<(StatusCode, Bytes)>, NoAnswer> {
    let socket = &config.server.control;
    match UnixStream::connect(socket).await {
        Ok(stream) => from_daemon(socket, stream, method, path).await.map(Some),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(forbidden(socket, &error)),
    }
}

/// Whether nobody listens.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}

fn forbidden(socket: &Path, error: &std::io::Error) -> NoAnswer {
    NoAnswer::Unreachable(format!(
        "{}: {error}; run as root, or as a member of the socket's group",
        socket.display()
    ))
}

/// Asks the daemon, and tells of it when it is of another version. An act is asked for only when it is known
/// that it will be understood.
async fn from_daemon(
    socket: &Path,
    mut stream: UnixStream,
    method: Method,
    path: &str,
) -> Result<(StatusCode, Bytes), NoAnswer> {
    let unreachable =
        |error| NoAnswer::Unreachable(format!("the daemon does not answer: {error:#}"));
    if method != Method::GET {
        let (_, headers, body) =
            call(stream, Method::GET, "/v1/about").await.map_err(unreachable)?;
        if let Kin::Foreign(words) = versions::judge(&headers, &body) {
            return Err(NoAnswer::Foreign(words));
        }
        stream = UnixStream::connect(socket).await.map_err(|error| unreachable(error.into()))?;
    }
    let (status, headers, body) = call(stream, method, path).await.map_err(unreachable)?;
    match versions::judge(&headers, &body) {
        Kin::Foreign(words) => return Err(NoAnswer::Foreign(words)),
        Kin::Other(words) => eprintln!("upprop: {words}"),
        Kin::Same => {}
    }
    Ok((status, body))
}

async fn call(
    stream: UnixStream,
    method: Method,
    path: &str,
) -> anyhow::Result<(StatusCode, HeaderMap, Bytes)> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "upprop")
        .header(control::FORMAT_HEADER, FORMAT)
        .body(Full::<Bytes>::default())?;
    let asked = async move {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        Ok((head.status, head.headers, body.collect().await?.to_bytes()))
    };
    // The connection ends when its sender is gone.
    let both = futures_util::future::join(asked, connection);
    let (answer, ended) = tokio::time::timeout(PATIENCE, both).await.context(
        "it took too long; see `systemctl status upprop`; what was to be done may have been done all the same",
    )?;
    ended.context("the connection")?;
    answer
}

async fn from_store(
    config: &Config,
    method: Method,
    path: &str,
) -> Result<(StatusCode, Bytes), NoAnswer> {
    let settings = app::store_settings(config);
    let folder = settings.store_dir();
    if std::fs::metadata(&folder).is_err() {
        return Err(NoAnswer::Unreachable(format!(
            "no daemon runs, and there is no store at {} that could be read; start it: systemctl start upprop",
            folder.display()
        )));
    }
    if let Err(words) = owner::ours(&settings, "upprop …") {
        return Err(NoAnswer::Unreachable(format!(
            "no daemon runs (systemctl start upprop starts it), and its store is not yours: {words}"
        )));
    }
    let store = match SledStore::open(settings) {
        Ok(store) => Arc::new(store),
        Err(error @ StoreError::InUse(_)) => {
            return Err(NoAnswer::InUse(format!(
                "{error}; nothing listens on {}: another command reads the store, or the daemon is starting, \
                 ending, or has another `control` in its configuration; try again",
                config.server.control.display()
            )));
        }
        Err(error) => return Err(NoAnswer::Unreachable(error.to_string())),
    };
    let directory =
        Directory { schools: Arc::new(config.schools.clone()), roster: Arc::<Roster>::default() };
    let (clock, directory) = (Arc::new(SystemClock::new()), ArcSwap::from_pointee(directory));
    let control = app::control(config, store.clone(), clock, Arc::new(directory));
    let uid = rustix::process::getuid().as_raw();
    let request = Request::builder().method(method).uri(path);
    let request = request.extension(Operator(format!("uid {uid}"))).body(Body::empty());
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
