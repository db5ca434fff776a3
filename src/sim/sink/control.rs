//! The paths of the sink itself: what was received, and what is to go wrong. They answer through
//! every fault.

use http::{Method, StatusCode};
use serde_json::json;

use super::Shared;
use super::active::Active;
use super::faults::Faults;
use super::http::{Answer, Asked, json as json_answer, plain, typed, wrong_method};
use super::received::{Filter, Kind};

pub(super) fn answer(shared: &Shared, asked: &Asked, path: &str) -> Answer {
    let method = &asked.head.method;
    match (path, method) {
        ("/messages", &Method::GET) => listed(shared, asked, |found| json_answer(&found)),
        ("/messages/count", &Method::GET) => {
            listed(shared, asked, |found| json_answer(&json!({ "count": found.len() })))
        }
        ("/messages", &Method::DELETE) => {
            shared.inbox.clear();
            done()
        }
        ("/faults", &Method::GET) => json_answer(shared.active().faults()),
        ("/faults", &Method::PUT) => match serde_json::from_slice::<Faults>(&asked.body) {
            Ok(faults) => {
                *shared.active() = Active::new(faults);
                done()
            }
            Err(e) => {
                plain(StatusCode::BAD_REQUEST, format!("These faults are not understood: {e}"))
            }
        },
        ("/messages" | "/messages/count" | "/faults", _) => wrong_method(method),
        _ => match path.strip_prefix("/messages/").and_then(|rest| rest.strip_suffix("/raw")) {
            Some(id) if method == Method::GET => raw(shared, id),
            Some(_) => wrong_method(method),
            None => plain(
                StatusCode::NOT_FOUND,
                "Nothing here. See /messages, /messages/count, /faults, /a1/sms and /generic/…",
            ),
        },
    }
}

fn done() -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

fn listed(
    shared: &Shared,
    asked: &Asked,
    answer: impl FnOnce(Vec<&super::Received>) -> Answer,
) -> Answer {
    let query = asked.head.uri.query().unwrap_or_default();
    match serde_urlencoded::from_str::<Filter>(query) {
        Ok(filter) => {
            let all = shared.inbox.all();
            answer(all.iter().map(AsRef::as_ref).filter(|one| filter.admits(one)).collect())
        }
        Err(e) => plain(StatusCode::BAD_REQUEST, format!("This filter is not understood: {e}")),
    }
}

fn raw(shared: &Shared, id: &str) -> Answer {
    match shared.inbox.get(id) {
        Some(message) => {
            let media = match message.kind {
                Kind::Email => "message/rfc822",
                Kind::Sms => "application/octet-stream",
            };
            typed(StatusCode::OK, media, message.raw.clone())
        }
        None => plain(StatusCode::NOT_FOUND, "No message has this id"),
    }
}
