//! One call to the source, and what is made of it: within its budget, with patience where patience helps, and
//! with everything that goes wrong told in words. Understands no row.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use compact_str::CompactString;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Answer};
use super::ask::{Ask, owned, segment};
use super::budget::{self, May, Pauses, Scope};
use super::deleted::{self, Deleted};
use super::fault::{Fault, Wrong, kinds};
use super::lookup::Lookup;
use super::pages::Pages;
use super::sent::Sent;
use super::settings::{Resource, Settings};
use crate::env::{Clock, Wire, WireError};
use crate::intake::Contacts;
use crate::store::Kv;

/// Pauses before the second, third, … try of one call, in seconds. A poller that fails goes on later by itself.
const PATIENCE: [i64; 3] = [2, 10, 30];
/// Pauses after 429 without a word on how long, in seconds; the last one again and again.
const TOO_OFTEN: [i64; 3] = [20, 40, 60];
/// How often a call waits for being asked too often before it is given up.
const MOST_WAITS: usize = 10;
/// The longest that a source makes us wait with one answer.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);
/// How long a call may wait for its budget before that is told of.
const LONG: SignedDuration = SignedDuration::from_mins(1);
/// Troubles that any answer ends, whatever it answers to, and of which there is one at a time.
const OF_THE_WHOLE: [&str; 3] = [kinds::TOKEN, kinds::UNREACHABLE, kinds::CERTIFICATE];

/// What a source is asked with.
#[derive(Clone)]
pub struct Around {
    /// The door to the network.
    pub wire: Arc<dyn Wire>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where its budget is kept.
    pub kv: Arc<dyn Kv>,
    /// Told how it is.
    pub contacts: Contacts,
}

/// Asks one source. Each clone is the same.
#[derive(Clone)]
pub struct Client(Arc<Inner>, Patience, Scope);

/// Whether it is waited for a source that is busy or wants to be asked later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Usual,
    None,
}

struct Inner {
    settings: Settings,
    around: Around,
    stop: CancellationToken,
    pauses: Pauses,
    learned: Mutex<Learned>,
}

/// What the source has shown of itself.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// Resources of which a page is asked for with its filters beside its token.
    pub with_filters: BTreeSet<Resource>,
    /// Most ids of one look-up that it could answer.
    pub batch: BTreeMap<Resource, usize>,
    /// How often 400 was taken for *nothing matches*.
    pub empty: u64,
    /// What is wrong, and with which resources.
    troubles: BTreeMap<&'static str, BTreeSet<Resource>>,
}

impl Client {
    /// Asks nothing yet. All that it waits for ends with `stop`.
    pub fn new(settings: Settings, around: Around, stop: CancellationToken) -> Self {
        let inner =
            Inner { settings, around, stop, pauses: Pauses::default(), learned: Mutex::default() };
        Self(Arc::new(inner), Patience::Usual, None)
    }

    /// The same, for what must not hold up the rest: one try, and none while the source wants to be left alone.
    #[must_use]
    pub fn impatient(&self) -> Self {
        Self(self.0.clone(), Patience::None, self.2.clone())
    }

    /// The same, for what is asked of one school of several: what is wrong there does not hold up the others, nor does
    /// the source's wish to be left alone about it.
    #[must_use]
    pub fn for_school(&self, organisation: Option<&str>) -> Self {
        Self(self.0.clone(), Patience::None, organisation.map(CompactString::from))
    }

    /// How it is asked.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.around.clock
    }

    /// The store.
    pub fn kv(&self) -> &Arc<dyn Kv> {
        &self.0.around.kv
    }

    /// How the contact with sources is.
    pub fn contacts(&self) -> &Contacts {
        &self.0.around.contacts
    }

    /// When to end.
    pub fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// How often 400 was taken for *nothing matches*.
    pub fn taken_as_empty(&self) -> u64 {
        self.learned().empty
    }

    pub(super) fn learned(&self) -> MutexGuard<'_, Learned> {
        self.0.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `until`.
    ///
    /// # Errors
    /// When we were told to stop.
    pub async fn wait(&self, until: Timestamp) -> Result<(), Fault> {
        budget::wait(self.0.around.clock.as_ref(), until, &self.0.stop).await
    }

    /// All rows of a collection that these filters match, a page at a time.
    pub fn pages(&self, resource: Resource, query: &[(&str, &str)]) -> Pages {
        Pages::new(self.clone(), resource, query)
    }

    /// The rows whose `key` (`ids`, `activities`, …) is among these, a batch at a time. `query` goes with each
    /// batch.
    pub fn lookup(
        &self,
        resource: Resource,
        key: &'static str,
        ids: impl IntoIterator<Item = String>,
        query: &[(&str, &str)],
    ) -> Lookup {
        Lookup::new(self.clone(), resource, key, ids, query)
    }

    /// What is gone since `after`, of these kinds (`Person`, `Attendance`, …).
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn deleted(&self, after: Timestamp, kinds: &[&str]) -> Result<Deleted, Fault> {
        deleted::deleted(self, after, kinds).await
    }

    /// One row by its id; none: there is no such row.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn get(
        &self,
        resource: Resource,
        id: &str,
        query: &[(&str, &str)],
    ) -> Result<Option<Sent>, Fault> {
        let query = owned(query);
        let path = segment(id);
        let method = Method::GET;
        let ask = Ask { resource, method, path, query, body: None, divisible: false };
        match self.ask(&ask).await {
            Ok(sent) => Ok(Some(sent).filter(Sent::is_object)),
            Err(Fault::NotOffered { status: 404 | 410, .. }) => {
                self.taken(resource);
                self.answered(resource);
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Makes a row; the answer, null where it has no body.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn post(&self, resource: Resource, body: &Value) -> Result<Sent, Fault> {
        let (path, query, body) = (String::new(), Vec::new(), Some(body.clone()));
        self.ask(&Ask { resource, method: Method::POST, path, query, body, divisible: false }).await
    }

    /// Changes a row, without a body where there is none; none: there is no such row.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn patch(
        &self,
        resource: Resource,
        id: &str,
        body: Option<&Value>,
    ) -> Result<Option<Sent>, Fault> {
        self.at(Method::PATCH, resource, id, body.cloned()).await
    }

    /// Removes a row; whether there was one.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn delete(&self, resource: Resource, id: &str) -> Result<bool, Fault> {
        Ok(self.at(Method::DELETE, resource, id, None).await?.is_some())
    }

    async fn at(
        &self,
        method: Method,
        resource: Resource,
        id: &str,
        body: Option<Value>,
    ) -> Result<Option<Sent>, Fault> {
        let (path, query) = (segment(id), Vec::new());
        match self.ask(&Ask { resource, method, path, query, body, divisible: false }).await {
            Ok(sent) => Ok(Some(sent)),
            Err(Fault::NotOffered { status: 404 | 410, .. }) => {
                self.taken(resource);
                self.answered(resource);
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Asks until there is an answer or no use in asking.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Sent, Fault> {
        let (mut tries, mut waits) = (0, 0);
        loop {
            let (wrong, wanted) = match self.once(ask).await? {
                Answer::Is(sent) => {
                    self.taken(ask.resource);
                    // Of a list it is told by whoever finds that it is one.
                    if !ask.is_for_list() {
                        self.answered(ask.resource);
                    }
                    return Ok(sent);
                }
                Answer::NotOffered(status) => {
                    return Err(Fault::NotOffered { status, what: ask.words() });
                }
                Answer::BadRequest { status, code, names_question } => {
                    let what = ask.words();
                    return Err(Fault::BadRequest { status, code, names_question, what });
                }
                Answer::TooLarge if ask.divisible => return Err(Fault::TooMuch),
                Answer::TooLarge => {
                    let what = format!("its answer to {} is too large", ask.words());
                    let remedy = "write a smaller page-size";
                    return Err(self.failed(ask.resource, Wrong::new(kinds::ANSWER, what, remedy)));
                }
                Answer::TooOften(wanted) => {
                    let usual = TOO_OFTEN[waits.min(TOO_OFTEN.len() - 1)];
                    waits += 1;
                    let wait = wanted.unwrap_or(SignedDuration::from_secs(usual));
                    let wrong = self.too_often(ask, wait.min(LONGEST_WAIT));
                    if waits > MOST_WAITS || self.1 == Patience::None {
                        return Err(self.failed(ask.resource, wrong));
                    }
                    continue;
                }
                Answer::Failed(wrong) => return Err(self.failed(ask.resource, wrong)),
                Answer::Later(wrong, wanted) => (wrong, wanted),
            };
            // What may have been done already is not done again by itself.
            let patient = ask.is_repeatable() && self.1 == Patience::Usual;
            let patience = if patient { &PATIENCE[..] } else { &[] };
            let Some(usual) = patience.get(tries) else {
                return Err(self.failed(ask.resource, wrong));
            };
            tries += 1;
            self.tell(ask.resource, &wrong);
            let wait = wanted.unwrap_or(SignedDuration::from_secs(*usual)).min(LONGEST_WAIT);
            self.wait(later(self.now(), wait)).await?;
        }
    }

    /// Nothing more is asked of the resource for so long.
    fn too_often(&self, ask: &Ask, wait: SignedDuration) -> Wrong {
        self.0.pauses.set(ask.resource, &self.2, later(self.now(), wait));
        let what = format!(
            "it answers 429 to {}: it is asked too often, and not again for {} s",
            ask.words(),
            wait.as_secs()
        );
        let remedy = "ask the vendor how often it may be asked, and write that as `budgets`";
        let wrong = Wrong::new(kinds::RATE, what, remedy);
        self.tell(ask.resource, &wrong);
        wrong
    }

    /// One request.
    async fn once(&self, ask: &Ask) -> Result<Answer, Fault> {
        let Around { wire, contacts, .. } = &self.0.around;
        let (settings, stop) = (&self.0.settings, &self.0.stop);
        if self.1 == Patience::None
            && let Some(until) = self.0.pauses.get(ask.resource, &self.2, self.now())
        {
            let what = format!(
                "it does not want to be asked for /{} before {until:.0}",
                ask.resource.as_str()
            );
            let remedy = "ask the vendor how often it may be asked, and write that as `budgets`";
            return Err(self.failed(ask.resource, Wrong::new(kinds::RATE, what, remedy)));
        }
        self.permit(ask.resource).await?;
        let asked = self.now();
        let answer = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(Fault::Stopped),
            answer = wire.call(self.request(ask)) => answer,
        };
        let now = self.now();
        match answer {
            Ok(answer) => {
                self.reached();
                if let Some(theirs) = answer::date(answer.headers()) {
                    contacts.clock(&settings.source, theirs, asked, now);
                }
                if ask.divisible && answer::is_server_limit(answer.status()) {
                    return Ok(Answer::TooLarge);
                }
                Ok(answer::understand(&answer, now))
            }
            Err(WireError::Unknown(why)) if !ask.divisible && why.contains("larger than") => {
                Ok(Answer::TooLarge)
            }
            Err(error) if ask.divisible && answer::is_too_much(&error) => Ok(Answer::TooLarge),
            Err(error) => {
                let (wrong, may_come) = answer::unanswered(&error);
                Ok(if may_come { Answer::Later(wrong, None) } else { Answer::Failed(wrong) })
            }
        }
    }

    /// Waits until the resource may be asked for, and tells of it where our own budget makes that long.
    async fn permit(&self, resource: Resource) -> Result<(), Fault> {
        let (settings, pauses) = (&self.0.settings, &self.0.pauses);
        let mut began = self.now();
        loop {
            let now = self.now();
            let what = (resource, &self.2);
            match budget::permit(settings, what, pauses, self.kv().as_ref(), now).await? {
                May::Now => break,
                May::Pause(until) => {
                    self.wait(until).await?;
                    began = self.now();
                }
                May::Budget(until) => {
                    if until.duration_since(began) > LONG {
                        self.tell(resource, &scarce(resource, until));
                    }
                    self.wait(until).await?;
                }
            }
        }
        self.well(resource, kinds::BUDGET);
        Ok(())
    }

    fn request(&self, ask: &Ask) -> Request<Bytes> {
        let path = format!("/{}{}", ask.resource.as_str(), ask.path);
        let query = serde_urlencoded::to_string(&ask.query).expect("pairs of texts are a query");
        let mut request = self.0.settings.request(ask.method.clone(), &path, &query);
        if ask.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = ask.body.as_ref().map(Value::to_string).unwrap_or_default();
        request.body(body.into()).expect("address and headers were checked")
    }

    fn now(&self) -> Timestamp {
        self.0.around.clock.now()
    }

    /// An answer of use came.
    pub(super) fn answered(&self, resource: Resource) {
        self.0.around.contacts.answered(&self.0.settings.source, self.now());
        self.well(resource, kinds::ANSWER);
    }

    /// It takes the question.
    fn taken(&self, resource: Resource) {
        // What one school may be asked for again says nothing of another.
        let is_paused = self.0.pauses.any(resource, self.now());
        let of_answers = [kinds::BUSY, kinds::RATE, kinds::NOT_LET_IN, kinds::REFUSED];
        for kind in of_answers.into_iter().filter(|kind| *kind != kinds::RATE || !is_paused) {
            self.well(resource, kind);
        }
    }

    /// It is there, and whatever a request needs was to be had.
    fn reached(&self) {
        for kind in OF_THE_WHOLE {
            self.learned().troubles.remove(kind);
            self.gone(kind);
        }
    }

    /// Tells of what is wrong with a resource.
    pub fn tell(&self, resource: Resource, wrong: &Wrong) {
        let source = &self.0.settings.source;
        let contacts = &self.0.around.contacts;
        if OF_THE_WHOLE.contains(&wrong.kind) {
            // The cause is known to be this one now.
            for former in OF_THE_WHOLE.into_iter().filter(|kind| *kind != wrong.kind) {
                self.learned().troubles.remove(former);
                contacts.well(source, former);
            }
        }
        self.learned().troubles.entry(wrong.kind).or_default().insert(resource);
        let Wrong { kind, what, remedy } = wrong;
        if contacts.trouble(source, kind, what.clone(), remedy.clone(), self.now()) {
            tracing::warn!(%source, kind, what, remedy, "something is wrong with the source");
        }
    }

    /// That is not wrong with the resource any more.
    pub fn well(&self, resource: Resource, kind: &'static str) {
        let mut learned = self.learned();
        let Some(of_kind) = learned.troubles.get_mut(kind) else { return };
        of_kind.remove(&resource);
        let gone = of_kind.is_empty();
        if gone {
            learned.troubles.remove(kind);
        }
        drop(learned);
        if gone {
            self.gone(kind);
        }
    }

    fn gone(&self, kind: &'static str) {
        let source = &self.0.settings.source;
        if self.0.around.contacts.well(source, kind) {
            tracing::info!(%source, kind, "the source is well again");
        }
    }

    /// Tells of what is wrong, and gives it up.
    pub(super) fn failed(&self, resource: Resource, wrong: Wrong) -> Fault {
        self.tell(resource, &wrong);
        Fault::Failed(wrong)
    }

    /// There is no other way: what has not been told of yet is told now.
    pub fn give_up(&self, resource: Resource, fault: Fault) -> Fault {
        match fault.untold() {
            Some(wrong) => self.failed(resource, wrong),
            None => fault,
        }
    }
}

/// That a call waits for our own budget.
fn scarce(resource: Resource, until: Timestamp) -> Wrong {
    let resource = resource.as_str();
    let what = format!(
        "what is asked of /{resource} waits for its budget: it may not be asked for before {until:.0}"
    );
    let remedy = "raise `budgets` as far as the vendor lets, or ask for less: longer polls, fewer schools; \
                  `upprop check` says how often budgets let";
    Wrong::new(kinds::BUDGET, what, remedy)
}

fn later(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.saturating_add(span).unwrap_or(Timestamp::MAX)
}
