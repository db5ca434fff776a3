//! A question over the control socket. Tells of a daemon of another version, and asks for an act only when it is
//! known that it will be understood.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::super::versions::{self, Kin};
use super::{NoAnswer, Question};

/// Asks; none: no daemon runs.
pub(super) async fn ask(
    socket: &Path,
    question: Question<'_>,
) -> Result<Option<(StatusCode, Bytes)>, NoAnswer> {
    let Some(mut stream) = connect(socket).await? else { return Ok(None) };
    if question.method != Method::GET {
        let about = Question::new(Method::GET, "/v1/about", Bytes::new());
        let (_, headers, body) = call(stream, about).await.map_err(unreachable)?;
        if let Kin::Foreign(words) = versions::judge(&headers, &body) {
            return Err(NoAnswer::Foreign(words));
        }
        let again = UnixStream::connect(socket).await;
        stream = again.map_err(|error| unreachable(error.into()))?;
    }
    let (status, headers, body) = call(stream, question).await.map_err(unreachable)?;
    match versions::judge(&headers, &body) {
        Kin::Foreign(words) => return Err(NoAnswer::Foreign(words)),
        Kin::Other(words) => eprintln!("upprop: {words}"),
        Kin::Same => {}
    }
    Ok(Some((status, body)))
}

async fn connect(socket: &Path) -> Result<Option<UnixStream>, NoAnswer> {
    match UnixStream::connect(socket).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            Ok(None)
        }
        Err(error) => Err(NoAnswer::Unreachable(format!(
            "{}: {error}; run as root, or as a member of the socket's group",
            socket.display()
        ))),
    }
}

fn unreachable(error: anyhow::Error) -> NoAnswer {
    NoAnswer::Unreachable(format!("the daemon does not answer: {error:#}"))
}

async fn call(
    stream: UnixStream,
    question: Question<'_>,
) -> anyhow::Result<(StatusCode, HeaderMap, Bytes)> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let patience = question.patience;
    let request = question.request().body(Full::new(question.body))?;
    let asked = async move {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        Ok((head.status, head.headers, body.collect().await?.to_bytes()))
    };
    // The connection ends when its sender is gone.
    let both = futures_util::future::join(asked, connection);
    let (answer, ended) = tokio::time::timeout(patience, both).await.context(
        "it took too long; see `systemctl status upprop`; what was to be done may have been done all the same",
    )?;
    ended.context("the connection")?;
    answer
}
