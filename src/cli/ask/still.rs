//! A question to the store of a daemon that does not run, by the daemon's own routes. Only for the store's
//! owner, so that nothing made in it keeps the daemon out.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Body;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::super::owner;
use super::{NoAnswer, Question};
use crate::app;
use crate::config::Config;
use crate::directory::go_live::effective;
use crate::directory::{Directory, Roster};
use crate::env::clock::SystemClock;
use crate::source::roster::gone_live;
use crate::store::{self, SledStore, StoreError};
use crate::web::control::{self, Operator};

/// Asks.
pub(super) async fn ask(
    config: &Config,
    question: &Question<'_>,
) -> Result<(StatusCode, Bytes), NoAnswer> {
    let settings = app::store_settings(config);
    if settings.restoring().exists() {
        let words = store::recover::refuse_unfinished_restore(&settings);
        return Err(NoAnswer::Unsound(words.err().map(|e| e.to_string()).unwrap_or_default()));
    }
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
        Err(error) => return Err(NoAnswer::Unsound(error.to_string())),
    };
    let gone_live = gone_live(store.as_ref()).await;
    let gone_live = gone_live.map_err(|error| NoAnswer::Unsound(error.to_string()))?;
    let schools = Arc::new(effective(&config.schools, &gone_live));
    let directory = Directory { schools, roster: Arc::<Roster>::default() };
    let (clock, directory) = (Arc::new(SystemClock::new()), ArcSwap::from_pointee(directory));
    let control = app::control(config, store.clone(), clock, Arc::new(directory));
    let _ = control.embedded.set(store.clone());
    let uid = rustix::process::getuid().as_raw();
    let request = question.request().extension(Operator(format!("uid {uid}")));
    let request = request.body(Body::from(question.body.clone()));
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
