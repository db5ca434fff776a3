//! How commands get their answers: from the daemon's control socket, or, when none runs, from its store by
//! the same routes. Prints a document as it came where `--json` is asked for.

mod daemon;
mod still;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{exit, progress, run};
use crate::config::{self, Config, Report, Secrets};
use crate::env::Clock as _;
use crate::env::clock::SystemClock;
use crate::operate::FORMAT;
use crate::operate::backup::HowFar;
use crate::source::webhook::answer::ErrorAnswer;
use crate::web::control;

/// How long a daemon may take that goes through all its messages.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long work on the whole store may take.
const LONG: Duration = Duration::from_hours(24);
/// How long the daemon may take to say how far it is.
const SHORT: Duration = Duration::from_secs(2);
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
    /// No daemon runs, and the store is not as it should be.
    #[error("{0}")]
    Unsound(String),
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
            Self::Unsound(_) | Self::Unreachable(_) | Self::InUse(_) | Self::Foreign(_) => {
                exit::UNAVAILABLE
            }
        }
    }
}

/// What is asked, as HTTP has it.
#[derive(Clone)]
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
            .header(control::FORMAT_HEADER, FORMAT)
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
    shown(asked, &answered(asked, method, path).await?)
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
    shown(asked, &accepted(waited(answer(&report(asked), question)).await?)?)
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
    let report = report(asked);
    let control = socket(&report)?;
    let how_far = async || {
        let question = Question {
            patience: SHORT,
            ..Question::new(Method::GET, "/v1/store/progress", Bytes::new())
        };
        let (_, body) = daemon::ask(&control, question).await.ok()??;
        let HowFar { done, all } = serde_json::from_slice(&body).ok()?;
        Some((done, all))
    };
    let question = Question { patience: LONG, ..Question::new(method, path, Bytes::new()) };
    let work = answer(&report, question);
    shown(asked, &accepted(progress::watched(what, work, how_far).await?)?)
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
    let report = report(asked);
    let socket = socket(&report)?;
    match waited(daemon::ask(&socket, Question::new(method, path, body))).await? {
        Some(answer) => read(&accepted(answer)?),
        None => Err(NoAnswer::Unreachable(format!(
            "nobody listens on {}; this needs the running daemon: start it (systemctl start upprop)",
            socket.display()
        ))),
    }
}

/// Asks; prints the document with `--json`.
///
/// # Errors
/// See [`NoAnswer`].
pub async fn fetch(asked: &Asked, method: Method, path: &str) -> Result<Bytes, NoAnswer> {
    let body = answered(asked, method, path).await?;
    if asked.json {
        println!("{}", String::from_utf8_lossy(&body));
    }
    Ok(body)
}

/// The document, as it came.
///
/// # Errors
/// See [`NoAnswer`].
pub async fn answered(asked: &Asked, method: Method, path: &str) -> Result<Bytes, NoAnswer> {
    accepted(waited(answer(&report(asked), Question::new(method, path, Bytes::new()))).await?)
}

/// What a daemon answers, good or bad; none: it does not run.
///
/// # Errors
/// See [`NoAnswer`].
pub async fn daemon(
    config: &Config,
    method: Method,
    path: &str,
) -> Result<Option<(StatusCode, Bytes)>, NoAnswer> {
    let question = Question::new(method, path, Bytes::new());
    waited(daemon::ask(&config.server.control, question)).await
}

/// The configuration; what is wrong with it is printed. No secret is needed, and credentials of the unit are
/// not to be had from a shell.
///
/// # Errors
/// [`NoAnswer::Config`].
pub fn configured(asked: &Asked) -> Result<Config, NoAnswer> {
    run::load(&asked.config, Secrets::Skipped, &|_| Vec::new()).ok_or(NoAnswer::Config)
}

/// Prints a document as it came, where that is asked for; else reads it.
fn shown<T: DeserializeOwned>(asked: &Asked, body: &[u8]) -> Result<Option<T>, NoAnswer> {
    if asked.json {
        println!("{}", String::from_utf8_lossy(body));
        return Ok(None);
    }
    read(body).map(Some)
}

/// Reads a document; fields that this program does not know are passed over.
///
/// # Errors
/// [`NoAnswer::Foreign`] when it is not what this program knows.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, NoAnswer> {
    serde_json::from_slice(body).map_err(|error| {
        NoAnswer::Foreign(format!(
            "the daemon's answer is not understood ({error}); it may be older or newer than this \
             program: restart it, or use --json"
        ))
    })
}

/// A part of a path, as it may stand in one.
pub fn encoded(text: &str) -> impl std::fmt::Display {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
}

/// Shows on a terminal that an answer takes its time.
async fn waited<T>(answer: impl Future<Output = T>) -> T {
    progress::watched("waiting for the answer", answer, async || None).await
}

fn report(asked: &Asked) -> Report {
    run::read(&asked.config, Secrets::Skipped, &|_| Vec::new())
}

fn written(body: &impl Serialize) -> Result<Bytes, NoAnswer> {
    let body = serde_json::to_vec(body).map_err(|error| NoAnswer::Refused(error.to_string()))?;
    Ok(body.into())
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

/// Where the daemon listens. One that runs is asked whatever has been written into its file since: an act
/// in need must not wait for a file that somebody is editing.
fn socket(report: &Report) -> Result<PathBuf, NoAnswer> {
    let known = !["server.control", "store.dir"].iter().any(|key| report.is_faulty(key));
    if let Some(readable) = report.readable().filter(|_| known) {
        return Ok(readable.server.control.clone());
    }
    let usual = PathBuf::from(config::USUAL_SOCKET);
    if !usual.exists() {
        run::print(report);
        return Err(NoAnswer::Config);
    }
    eprintln!(
        "upprop: note: the configuration does not say where the daemon listens (see `upprop check`); asking at {}",
        usual.display()
    );
    Ok(usual)
}

async fn answer(report: &Report, question: Question<'_>) -> Result<(StatusCode, Bytes), NoAnswer> {
    let (socket, clock) = (socket(report)?, SystemClock::new());
    let limit = clock.now().saturating_add(OTHERS).unwrap_or(Timestamp::MAX);
    loop {
        if let Some(answer) = daemon::ask(&socket, question.clone()).await? {
            return Ok(answer);
        }
        let Some(config) = &report.config else {
            run::print(report);
            return Err(NoAnswer::Config);
        };
        match still::ask(config, &question).await {
            // Another command that reads the store is soon done; a daemon that starts will soon answer.
            Err(NoAnswer::InUse(_)) if clock.now() < limit => {}
            done => return done,
        }
        clock.sleep_until(clock.now().saturating_add(LOOK_AGAIN).unwrap_or(limit)).await;
    }
}
