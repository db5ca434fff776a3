//! The paths that steer the school and look at it, below `/_school`; they answer through every fault.
//!
//! | | |
//! |---|---|
//! | `GET /_school` | the school as text: ids, lessons of today, pupils with their guardians |
//! | `GET /_school/pupils`, `/_school/lessons`, `/_school/lessons/all` | the same as JSON |
//! | `POST /_school/act` | one [`Act`], or a list of them, as `{"act":"absent","pupil":"…","lesson":"…"}` |
//! | `GET`, `PUT /_school/quirks` | [`Quirks`] as JSON; a `PUT` of a JSON string takes names, as `"skola24,recreate"` |
//! | `GET`, `DELETE /_school/asked` | how often each endpoint was asked, by status; forgets them |
//! | `GET /_school/requests` | the last requests, with their queries |
//! | `GET /_school/diary` | what has happened, in order |
//! | `GET /_school/subscriptions` | who has subscribed, and how telling them went |

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::acts::Act;
use super::quirks::Quirks;
use super::subscriptions::Subscription;
use super::{Shared, show};
use crate::sim::http::{Answer, Asked, json as json_answer, plain, wrong_method};

/// One, or several that are done in order.
#[derive(Deserialize)]
#[serde(untagged)]
enum Acts {
    Several(Vec<Act>),
    One(Act),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NewQuirks {
    Names(String),
    Switches(Box<Quirks>),
}

/// Answers what stands behind `/_school`.
pub(super) fn answer(shared: &Arc<Shared>, asked: &Asked, path: &str) -> Answer {
    let method = &asked.head.method;
    let now = shared.clock.now();
    match (path.trim_end_matches('/'), method) {
        ("", &Method::GET) => plain(StatusCode::OK, show::page(&shared.world(), now)),
        ("/pupils", &Method::GET) => json_answer(&show::pupils(&shared.world())),
        ("/lessons", &Method::GET) => json_answer(&show::lessons(&shared.world(), Some(now))),
        ("/lessons/all", &Method::GET) => json_answer(&show::lessons(&shared.world(), None)),
        ("/quirks", &Method::GET) => json_answer(&shared.quirks()),
        ("/quirks", &Method::PUT) => match quirks(&asked.body) {
            Ok(quirks) => {
                shared.set_quirks(quirks);
                json_answer(&shared.quirks())
            }
            Err(words) => plain(StatusCode::BAD_REQUEST, words),
        },
        ("/asked", &Method::GET) => json_answer(&shared.asked().counts()),
        ("/asked", &Method::DELETE) => {
            shared.asked().clear();
            json_answer(&json!({}))
        }
        ("/diary", &Method::GET) => json_answer(&*shared.diary()),
        ("/requests", &Method::GET) => json_answer(&shared.asked().lines()),
        ("/subscriptions", &Method::GET) => {
            let now = shared.skewed(now);
            let all: Vec<Subscription> = shared.subscribers().current(now).cloned().collect();
            json_answer(&all)
        }
        ("/act", &Method::POST) => act(shared, &asked.body),
        (
            "" | "/pupils" | "/lessons" | "/lessons/all" | "/quirks" | "/asked" | "/diary"
            | "/requests" | "/subscriptions" | "/act",
            _,
        ) => wrong_method(method),
        _ => plain(
            StatusCode::NOT_FOUND,
            "Nothing here. See /_school, and below it pupils, lessons, act, quirks, asked, diary, requests, subscriptions",
        ),
    }
}

fn quirks(body: &[u8]) -> Result<Quirks, String> {
    match serde_json::from_slice(body) {
        Ok(NewQuirks::Names(names)) => names.parse(),
        Ok(NewQuirks::Switches(quirks)) => Ok(*quirks),
        // An untagged enum does not say what is wrong with its parts.
        Err(_) => match serde_json::from_slice::<Quirks>(body) {
            Ok(quirks) => Ok(quirks),
            Err(error) => Err(format!("These quirks are not understood: {error}")),
        },
    }
}

fn act(shared: &Arc<Shared>, body: &[u8]) -> Answer {
    let acts = match serde_json::from_slice::<Acts>(body) {
        Ok(Acts::Several(acts)) => acts,
        Ok(Acts::One(act)) => vec![act],
        Err(_) => {
            let error = serde_json::from_slice::<Act>(body).err();
            let error = error.map(|error| error.to_string()).unwrap_or_default();
            let words = format!("This act is not understood: {error}");
            return plain(StatusCode::BAD_REQUEST, words);
        }
    };
    let mut done = Vec::new();
    for act in acts {
        match shared.act(act) {
            Ok(one) => done.push(one),
            Err(error) => return plain(StatusCode::NOT_FOUND, error.to_string()),
        }
    }
    match done.as_slice() {
        [one] => json_answer(one),
        several => json_answer(&several),
    }
}
