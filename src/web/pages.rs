//! `/case/{token}`: the page of a case, for whoever holds a link to it. `GET` and `HEAD` change nothing, however often mail
//! scanners open it; only `POST` does, and the same `POST` twice, or twice at once, does it once. Nothing of a link or of
//! what it opens is logged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::page_forms::{Asked, Form, read};
use crate::delivery::Shared;
use crate::delivery::case_page::{self, Look, Open, Pages};
use crate::intake::case_words::{self, LONGEST_NOTE, NewWord, Written};
use crate::limits::{self, Permit};
use crate::message::case_link::{Opened, Shut};
use crate::message::page::{Filled, MessageFacts, PageFacts, STYLE};
use crate::model::{Locale, NotificationId, Rate};
use crate::operate::{OperateError, reports};
use crate::store::StoreError;

/// Largest body of a form, in bytes.
pub const LARGEST_FORM: usize = 16 * 1024;
/// Most requests a second, of all links: a mail scanner opens each link of a mail a few times.
const MOST_A_SECOND: u32 = 200;
/// Most forms a second, of all links: more than a team of people sends.
const MOST_FORMS_A_SECOND: u32 = 10;

/// No script, no picture, nothing of anybody else; nobody frames it, and its forms come back here alone.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What the handlers need.
pub struct CasePages {
    shared: Arc<Shared>,
    pages: Pages,
    all: Limit,
    forms: Limit,
}

/// A limit in memory: a restart gives a fresh one, which harms nobody.
struct Limit {
    rate: Rate,
    cell: Mutex<Option<u64>>,
}

impl Limit {
    fn a_second(count: u32) -> Self {
        let count = count.try_into().expect("more than none");
        let rate = Rate { count, per: SignedDuration::from_secs(1), burst: count };
        Self { rate, cell: Mutex::default() }
    }

    /// How long to wait; none: not at all.
    fn wait(&self, now: Timestamp) -> Option<SignedDuration> {
        let mut cell = self.cell.lock().unwrap_or_else(PoisonError::into_inner);
        match limits::check(&self.rate, *cell, now) {
            Permit::Now(next) => {
                *cell = Some(next);
                None
            }
            Permit::NotBefore { until, .. } => Some(until.duration_since(now)),
        }
    }
}

impl CasePages {
    /// Pages over what the dispatcher shares.
    pub fn new(shared: Arc<Shared>, pages: Pages) -> Self {
        let (all, forms) = (Limit::a_second(MOST_A_SECOND), Limit::a_second(MOST_FORMS_A_SECOND));
        Self { shared, pages, all, forms }
    }

    fn now(&self) -> Timestamp {
        self.shared.env.clock.now()
    }
}

/// What stands behind `?`.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    lang: Option<String>,
    done: Option<String>,
}

impl Wanted {
    /// The language that was asked for, where there is such a thing.
    fn language(&self) -> Option<Locale> {
        Locale::new(self.lang.as_deref()?).ok()
    }
}

/// The style of the pages.
pub async fn style() -> Response {
    let mut response = STYLE.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Shows a case.
pub async fn show(
    State(pages): State<Arc<CasePages>>,
    Path(token): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let now = pages.now();
    if let Some(wait) = pages.all.wait(now) {
        return fast(&pages, &wanted, wait);
    }
    let (_, open) = match opened(&pages, &token, &wanted, now).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    let mut facts = facts(&pages, &token, &open);
    facts.done = match wanted.done.as_deref() {
        Some("word") if !open.words.is_empty() => "word".into(),
        Some("agreement") if !open.accords.is_empty() => "agreement".into(),
        _ => String::new(),
    };
    case(&pages, &wanted, &open, StatusCode::OK, &facts)
}

/// Takes a form.
pub async fn take(
    State(pages): State<Arc<CasePages>>,
    Path(token): Path<String>,
    Query(wanted): Query<Wanted>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let now = pages.now();
    if let Some(wait) = pages.all.wait(now) {
        return fast(&pages, &wanted, wait);
    }
    let (link, open) = match opened(&pages, &token, &wanted, now).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    // Whoever has no link is not to keep out those who have.
    if let Some(wait) = pages.forms.wait(now) {
        return fast(&pages, &wanted, wait);
    }
    let said = |status, what| few_words(&pages, &wanted, &open.locale, status, (what, ""));
    let form: Form = match body {
        Ok(body) => match serde_urlencoded::from_bytes(&body) {
            Ok(form) => form,
            Err(_) => return said(StatusCode::BAD_REQUEST, "broken"),
        },
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return said(StatusCode::PAYLOAD_TOO_LARGE, "large");
        }
        Err(_) => return said(StatusCode::BAD_REQUEST, "broken"),
    };
    if !pages.pages.links.is_form(&token, &form.state, &form.seal) {
        return said(StatusCode::BAD_REQUEST, "broken");
    }
    let last = reports::last_day(open.today);
    let asked = match read(&form, &open, (open.today, last)) {
        Ok(asked) => asked,
        Err((errors, typed)) => {
            let facts =
                PageFacts { errors: *errors, typed: *typed, ..facts(&pages, &token, &open) };
            return case(&pages, &wanted, &open, StatusCode::UNPROCESSABLE_ENTITY, &facts);
        }
    };
    let is_fresh = form.state == open.state;
    let done = match asked {
        Asked::Word(what, note) => {
            let note_text = note.clone().unwrap_or_default();
            let of = ["case-word", link.id.as_str(), &form.state, what.as_str(), &note_text];
            let (id, by) = (NotificationId::of(&of), open.by.clone());
            let new = NewWord { id, by, link: Some(link.id.clone()), what, note };
            word(&pages, &open, &new, is_fresh, now).await
        }
        Asked::Agreement(how, to, until) => {
            let recorded_by = format!("the link of case {}", open.facts.case);
            let new = reports::NewReports { how, to, until, recorded_by };
            agreement(&pages, &open, &new, is_fresh, now).await
        }
    };
    match done {
        Done::Taken(what) => see(&wanted, what),
        Done::Refused(status, what) => {
            let number = if what == "hidden" { open.facts.case.as_str() } else { "" };
            few_words(&pages, &wanted, &open.locale, status, (what, number))
        }
    }
}

/// What became of a form.
enum Done {
    /// It was taken, now or before: `word` or `agreement`.
    Taken(&'static str),
    /// It was not, and what is said of that.
    Refused(StatusCode, &'static str),
}

const STALE: Done = Done::Refused(StatusCode::CONFLICT, "stale");
const BUSY: Done = Done::Refused(StatusCode::SERVICE_UNAVAILABLE, "busy");

async fn word(
    pages: &CasePages,
    open: &Open,
    new: &NewWord,
    is_fresh: bool,
    now: Timestamp,
) -> Done {
    if open.words.iter().any(|word| word.id == new.id) {
        return Done::Taken("word");
    }
    // Whoever sent it has not seen what was recorded since.
    if !is_fresh {
        return STALE;
    }
    let directory = pages.shared.directory.load_full();
    let Some(school) = directory.schools.get(&open.key.school) else { return BUSY };
    let kv = pages.shared.kv.as_ref();
    match case_words::record(kv, (&directory, school), &open.key, new, now).await {
        Ok(Written::Done(_) | Written::Known(_)) => Done::Taken("word"),
        Ok(Written::Hidden(_)) => Done::Refused(StatusCode::CONFLICT, "hidden"),
        Ok(Written::NoCase) => Done::Refused(StatusCode::GONE, "deleted"),
        Ok(Written::Full) => BUSY,
        Err(error) => unwritten(&error),
    }
}

async fn agreement(
    pages: &CasePages,
    open: &Open,
    new: &reports::NewReports,
    is_fresh: bool,
    now: Timestamp,
) -> Done {
    let directory = pages.shared.directory.load_full();
    let Some(school) = directory.schools.get(&open.key.school) else { return BUSY };
    let accord = reports::accord_of(school, &open.key.pupil, new, &open.by, now);
    if open.accords.iter().any(|known| known.id == accord.id) {
        return Done::Taken("agreement");
    }
    if !is_fresh {
        return STALE;
    }
    let (kv, of) = (pages.shared.kv.as_ref(), (school, directory.roster.as_ref()));
    match reports::agree(kv, of, &open.key.pupil, new, &open.by, now).await {
        Ok(_) => Done::Taken("agreement"),
        Err(OperateError::Store(error)) => unwritten(&error),
        Err(OperateError::NotNow(_) | OperateError::NoMessage(_)) => STALE,
    }
}

fn unwritten(error: &StoreError) -> Done {
    tracing::error!(%error, "a form was not taken");
    BUSY
}

/// Opens a link and looks at its case; else the page that says why not.
async fn opened(
    pages: &CasePages,
    token: &str,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<(Opened, Box<Open>), Response> {
    let swedish = Locale::swedish();
    let said = |status, what, case: &str| few_words(pages, wanted, &swedish, status, (what, case));
    let link = match pages.pages.links.open(token, now) {
        Ok(link) => link,
        Err(Shut::Unknown) => return Err(said(StatusCode::NOT_FOUND, "unknown", "")),
        Err(Shut::Expired) => return Err(said(StatusCode::GONE, "expired", "")),
    };
    Err(match case_page::look(&pages.shared, &pages.pages, &link.id, now).await {
        Ok(Look::Open(open)) => return Ok((link, open)),
        Ok(Look::Gone) => said(StatusCode::GONE, "deleted", ""),
        Ok(Look::Closed(case)) => said(StatusCode::GONE, "closed", &case),
        Ok(Look::Hidden(case)) => said(StatusCode::CONFLICT, "hidden", &case),
        Err(error) => {
            tracing::error!(%error, "a case could not be shown");
            said(StatusCode::SERVICE_UNAVAILABLE, "busy", "")
        }
    })
}

fn facts(pages: &CasePages, token: &str, open: &Open) -> PageFacts {
    PageFacts {
        case: open.facts.clone(),
        words: open.shown.clone(),
        agreements: open.agreements.clone(),
        choices: open.choices.clone(),
        form: pages.pages.links.form(token, &open.state),
        state: open.state.clone(),
        done: String::new(),
        errors: Filled::default(),
        typed: Filled::default(),
        first_day: open.today.to_string(),
        last_day: reports::last_day(open.today).to_string(),
        longest_note: LONGEST_NOTE,
    }
}

fn case(
    pages: &CasePages,
    wanted: &Wanted,
    open: &Open,
    status: StatusCode,
    facts: &PageFacts,
) -> Response {
    let locale = wanted.language().unwrap_or_else(|| open.locale.clone());
    match pages.shared.templates.render_case_page(&locale, facts) {
        Ok(html) => served(status, html),
        Err(error) => unmade(&error),
    }
}

fn few_words(
    pages: &CasePages,
    wanted: &Wanted,
    locale: &Locale,
    status: StatusCode,
    (what, case): (&str, &str),
) -> Response {
    let locale = wanted.language().unwrap_or_else(|| locale.clone());
    let facts = MessageFacts { what: what.into(), case: case.into() };
    match pages.shared.templates.render_message_page(&locale, &facts) {
        Ok(html) => served(status, html),
        Err(error) => unmade(&error),
    }
}

fn unmade(error: &crate::message::RenderError) -> Response {
    tracing::error!(%error, "a page could not be made; mend the template and check it with `upprop check`");
    served(StatusCode::INTERNAL_SERVER_ERROR, String::new())
}

fn fast(pages: &CasePages, wanted: &Wanted, wait: SignedDuration) -> Response {
    let swedish = Locale::swedish();
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut response = few_words(pages, wanted, &swedish, status, ("fast", ""));
    let seconds = HeaderValue::from(wait.as_secs().saturating_add(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

/// Sends the reader to the page that shows what was taken (RFC 9110 §15.4.4): reloading it sends nothing again.
fn see(wanted: &Wanted, done: &str) -> Response {
    let lang = wanted.language().map(|lang| format!("&lang={lang}")).unwrap_or_default();
    let mut response = served(StatusCode::SEE_OTHER, String::new());
    if let Ok(location) = HeaderValue::from_str(&format!("?done={done}{lang}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// A page that nobody keeps, frames or finds, and whose address goes nowhere.
fn served(status: StatusCode, html: String) -> Response {
    let headers: BTreeMap<&str, &str> = [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("content-security-policy", POLICY),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex, nofollow"),
    ]
    .into();
    let mut response = (status, html).into_response();
    for (name, value) in headers {
        let name = http::HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
