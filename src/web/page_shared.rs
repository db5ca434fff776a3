//! What all pages for staff share: how many requests there may be, how a link and a form are read, and how they answer.
//! Nothing of a link or of what it opens is logged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::delivery::Shared;
use crate::delivery::case_page::{Look, Pages};
use crate::limits::{self, Permit};
use crate::message::page::{MessageFacts, STYLE};
use crate::message::page_link::{Opened, Page, Shut};
use crate::model::{Locale, Rate};
use crate::store::StoreError;

/// Largest body of a form, in bytes.
pub const LARGEST_FORM: usize = 16 * 1024;
/// Most requests a second, of all links: a mail scanner opens each link of a mail a few times.
const MOST_A_SECOND: u32 = 200;
/// Most forms a second by one link: more than one who clicks sends, so that no link keeps out those who have another.
const MOST_FORMS_A_SECOND: u32 = 10;
/// Links whose forms are counted; with more of them in a second all begin anew.
const MOST_LINKS: usize = 1_000;

/// No script, no picture, nothing of anybody else; nobody frames it, and its forms come back here alone.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What the handlers need.
pub struct StaffPages {
    pub(super) shared: Arc<Shared>,
    pub(super) pages: Pages,
    all: Limit,
    /// By the text of a link that opens something.
    forms: Mutex<BTreeMap<String, Arc<Limit>>>,
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

impl StaffPages {
    /// Pages over what the dispatcher shares.
    pub fn new(shared: Arc<Shared>, pages: Pages) -> Self {
        let (all, forms) = (Limit::a_second(MOST_A_SECOND), Mutex::default());
        Self { shared, pages, all, forms }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.shared.env.clock.now()
    }
}

/// The answer where there are too many requests; none: there are not.
pub(super) fn too_many(pages: &StaffPages, wanted: &Wanted, now: Timestamp) -> Option<Response> {
    pages.all.wait(now).map(|wait| fast(pages, wanted, wait))
}

/// The same of the forms of one link, which opens something.
pub(super) fn too_many_forms(
    pages: &StaffPages,
    (token, wanted): (&str, &Wanted),
    now: Timestamp,
) -> Option<Response> {
    let limit = {
        let mut forms = pages.forms.lock().unwrap_or_else(PoisonError::into_inner);
        if forms.len() >= MOST_LINKS && !forms.contains_key(token) {
            forms.clear();
        }
        let new = || Arc::new(Limit::a_second(MOST_FORMS_A_SECOND));
        forms.entry(token.to_owned()).or_insert_with(new).clone()
    };
    limit.wait(now).map(|wait| fast(pages, wanted, wait))
}

/// What stands behind `?`.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    lang: Option<String>,
    pub(super) done: Option<String>,
}

impl Wanted {
    /// The language that was asked for, where there is such a thing.
    pub(super) fn language(&self) -> Option<Locale> {
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

pub(super) fn few_words(
    pages: &StaffPages,
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

pub(super) fn unmade(error: &crate::message::RenderError) -> Response {
    tracing::error!(%error, "a page could not be made; mend the template and check it with `upprop check`");
    served(StatusCode::INTERNAL_SERVER_ERROR, String::new())
}

/// Reads the body of a form.
///
/// # Errors
/// The status, and what is said of it.
pub(super) fn form<T: DeserializeOwned>(
    body: Result<Bytes, BytesRejection>,
) -> Result<T, (StatusCode, &'static str)> {
    match body {
        Ok(body) => {
            serde_urlencoded::from_bytes(&body).map_err(|_| (StatusCode::BAD_REQUEST, "broken"))
        }
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err((StatusCode::PAYLOAD_TOO_LARGE, "large"))
        }
        Err(_) => Err((StatusCode::BAD_REQUEST, "broken")),
    }
}

/// Opens a link; else the page that says why not.
pub(super) fn opened(
    pages: &StaffPages,
    page: Page,
    token: &str,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Opened, Box<Response>> {
    let (status, what) = match pages.pages.links.open(page, token, now) {
        Ok(link) => return Ok(link),
        Err(Shut::Unknown) => (StatusCode::NOT_FOUND, "unknown"),
        Err(Shut::Expired) => (StatusCode::GONE, "expired"),
    };
    Err(Box::new(few_words(pages, wanted, &Locale::swedish(), status, (what, ""))))
}

/// What a link shows; else the page that says why nothing.
pub(super) fn looked<T>(
    pages: &StaffPages,
    wanted: &Wanted,
    look: Result<Look<T>, StoreError>,
) -> Result<Box<T>, Box<Response>> {
    let (status, what, case) = match look {
        Ok(Look::Open(open)) => return Ok(open),
        Ok(Look::Gone) => (StatusCode::GONE, "deleted", String::new()),
        Ok(Look::Closed(case)) => (StatusCode::GONE, "closed", case),
        Ok(Look::Hidden(case)) => (StatusCode::CONFLICT, "hidden", case),
        Err(error) => {
            tracing::error!(%error, "a page could not be shown");
            (StatusCode::SERVICE_UNAVAILABLE, "busy", String::new())
        }
    };
    Err(Box::new(few_words(pages, wanted, &Locale::swedish(), status, (what, &case))))
}

/// A form was not taken since the store failed.
pub(super) fn unwritten(error: &StoreError) {
    tracing::error!(%error, "a form was not taken");
}

fn fast(pages: &StaffPages, wanted: &Wanted, wait: SignedDuration) -> Response {
    let swedish = Locale::swedish();
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut response = few_words(pages, wanted, &swedish, status, ("fast", ""));
    let seconds = HeaderValue::from(wait.as_secs().saturating_add(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

/// Sends the reader to the page that shows what was taken (RFC 9110 §15.4.4): reloading it sends nothing again.
pub(super) fn see(wanted: &Wanted, done: &str) -> Response {
    let lang = wanted.language().map(|lang| format!("&lang={lang}")).unwrap_or_default();
    let mut response = served(StatusCode::SEE_OTHER, String::new());
    if let Ok(location) = HeaderValue::from_str(&format!("?done={done}{lang}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// A page that nobody keeps, frames or finds, and whose address goes nowhere.
pub(super) fn served(status: StatusCode, html: String) -> Response {
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
