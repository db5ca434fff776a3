//! The part of the control socket by which an operator lets a directory through that is held back.

use std::sync::Arc;

use axum::extract::{Path as At, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use http::StatusCode;

use super::control::{Control, Operator, acted, answer, refusal};
use crate::operate::held::HeldDirectory;
use crate::operate::{FORMAT, OperateError};
use crate::source::roster::{Offer, RosterFeed};

/// Its routes.
pub fn routes() -> Router<Arc<Control>> {
    Router::new()
        .route("/v1/directory/held", get(look))
        .route("/v1/directory/held/{digest}", axum::routing::post(confirm))
}

async fn look(State(control): State<Arc<Control>>) -> Response {
    match &control.feed {
        Some(feed) => answer(Ok(held(feed).await)),
        None => nobody(),
    }
}

fn nobody() -> Response {
    let words = "no daemon runs that could hold one back: systemctl start upprop";
    refusal(StatusCode::SERVICE_UNAVAILABLE, words.into())
}

async fn held(feed: &RosterFeed) -> HeldDirectory {
    let waiting = feed.waiting().await;
    let mut causes = feed.held_back();
    // The last line names the digest, which has a field of its own here.
    causes.retain(|line| waiting.as_ref().is_some_and(|waiting| !line.contains(&waiting.digest)));
    HeldDirectory {
        format: FORMAT,
        digest: waiting.as_ref().map(|waiting| waiting.digest.clone()),
        pupils: waiting.as_ref().map_or(0, |waiting| waiting.pupils),
        guardians: waiting.as_ref().map_or(0, |waiting| waiting.guardians),
        source: waiting.map(|waiting| waiting.source),
        causes,
        in_force: false,
    }
}

async fn confirm(
    State(control): State<Arc<Control>>,
    Extension(Operator(by)): Extension<Operator>,
    At(digest): At<String>,
) -> Response {
    let Some(feed) = control.feed.clone() else { return nobody() };
    acted(&control, async move {
        let before = held(&feed).await;
        match feed.confirm(&digest, &by).await? {
            Some(Offer::Taken { .. } | Offer::Unchanged) => {
                Ok(HeldDirectory { in_force: true, ..before })
            }
            Some(Offer::Refused { .. } | Offer::Unusable { .. }) => {
                Err(OperateError::NotNow("it cannot be put in force; see the log".into()))
            }
            Some(Offer::FromElsewhere) => Err(OperateError::NotNow(
                "the directory comes from elsewhere by now; see the configuration".into(),
            )),
            None => Err(OperateError::NotNow(match before.digest {
                Some(other) => format!("another directory is held back by now: {other}"),
                None => "no directory of a source is held back".into(),
            })),
        }
    })
    .await
}
