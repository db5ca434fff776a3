//! A source that answers by a script, a clock that goes as fast as it is waited for, and a client between them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::client::{Around, Client};
use super::settings::{Quirks, Settings};
use crate::env::{Clock, Pending, Wire, WireError};
use crate::intake::Contacts;
use crate::model::{Endpoint, PlainHttp, ProviderId, SourceId};
use crate::store::{Kv, MemoryStore};

/// A request as the script sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET /persons`.
    pub line: String,
    /// Query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The body; null where there is none.
    pub body: Value,
    /// When.
    pub at: Timestamp,
}

impl Asked {
    /// The value of a parameter.
    pub fn of(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// The ids of a look-up.
    pub fn ids(&self, key: &str) -> Vec<String> {
        let list = self.body[key].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
    }
}

/// What the script answers.
pub type Said = Result<Response<Bytes>, WireError>;

/// An answer with JSON.
pub fn json(status: u16, body: &Value) -> Said {
    text(status, &body.to_string())
}

/// An answer with a text.
#[expect(clippy::unnecessary_wraps, reason = "it stands beside those that are errors")]
pub fn text(status: u16, body: &str) -> Said {
    Ok(Response::builder().status(status).body(Bytes::from(body.to_owned())).expect("answer"))
}

/// A clock that is moved by waiting.
pub struct Hands(Mutex<Timestamp>);

impl Hands {
    /// Starts on a Monday morning.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new("2026-11-23T07:00:00Z".parse().expect("time"))))
    }

    /// Moves it.
    pub fn forward(&self, span: SignedDuration) {
        *self.0.lock().expect("clock") += span;
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("clock")
    }

    fn sleep_until(&self, until: Timestamp) -> Pending<'_, ()> {
        let mut now = self.0.lock().expect("clock");
        *now = until.max(*now);
        drop(now);
        // Others get their turn, as they do while one sleeps.
        Box::pin(tokio::task::yield_now())
    }
}

type Script = dyn FnMut(&Asked) -> Said + Send;

/// Answers by a script, and keeps what it was asked.
pub struct Scripted {
    clock: Arc<Hands>,
    script: Mutex<Box<Script>>,
    asked: Mutex<Vec<Asked>>,
}

impl Wire for Scripted {
    fn call(&self, request: Request<Bytes>) -> Pending<'_, Said> {
        let query = request.uri().query().unwrap_or_default();
        let asked = Asked {
            line: format!(
                "{} {}",
                request.method(),
                request.uri().path().strip_prefix("/v2.0").expect("under the base")
            ),
            query: serde_urlencoded::from_str(query).expect("query"),
            body: serde_json::from_slice(request.body()).unwrap_or_default(),
            at: self.clock.now(),
        };
        self.asked.lock().expect("asked").push(asked.clone());
        let said = (self.script.lock().expect("script"))(&asked);
        Box::pin(std::future::ready(said))
    }
}

/// A client, what it asks, and what is known of the source.
pub struct Scene {
    /// The client.
    pub client: Client,
    /// The clock.
    pub clock: Arc<Hands>,
    /// The wire.
    pub wire: Arc<Scripted>,
    /// The store.
    pub kv: Arc<dyn Kv>,
    /// The contacts.
    pub contacts: Contacts,
    /// Stops it.
    pub stop: CancellationToken,
}

/// The source of every test.
pub fn source() -> SourceId {
    SourceId::new("hub").expect("id")
}

/// As little as can be known of it.
pub fn settings() -> Settings {
    let base = Endpoint::parse("https://hub.example.se/v2.0", PlainHttp::LoopbackOnly);
    Settings {
        source: source(),
        base: base.expect("address"),
        header: None,
        door: ProviderId::new("ss12000.hub").expect("id"),
        page_size: Some(2),
        lookup_size: 4,
        budgets: BTreeMap::new(),
        quirks: Quirks::default(),
    }
}

/// Puts a scene together.
pub fn scene(settings: Settings, script: impl FnMut(&Asked) -> Said + Send + 'static) -> Scene {
    let clock = Hands::new();
    let kv: Arc<dyn Kv> = Arc::new(MemoryStore::new());
    scene_on(settings, script, clock, kv)
}

/// On a store and a clock that were there before.
pub fn scene_on(
    settings: Settings,
    script: impl FnMut(&Asked) -> Said + Send + 'static,
    clock: Arc<Hands>,
    kv: Arc<dyn Kv>,
) -> Scene {
    let wire = Arc::new(Scripted {
        clock: clock.clone(),
        script: Mutex::new(Box::new(script)),
        asked: Mutex::default(),
    });
    let (contacts, stop) = (Contacts::default(), CancellationToken::new());
    let around = Around {
        wire: wire.clone(),
        clock: clock.clone(),
        kv: kv.clone(),
        contacts: contacts.clone(),
    };
    let client = Client::new(settings, around, stop.clone());
    Scene { client, clock, wire, kv, contacts, stop }
}

impl Scene {
    /// What was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.wire.asked.lock().expect("asked").clone()
    }

    /// The kinds of what is wrong.
    pub fn troubles(&self) -> Vec<String> {
        self.contacts.of(&source()).troubles.into_keys().collect()
    }
}
