//! `/case/{token}`: the page of a case, for whoever holds a link to it. `GET` and `HEAD` change nothing, however often mail
//! scanners open it; only `POST` does, and the same `POST` twice, or twice at once, does it once. Nothing of a link or of
//! what it opens is logged.

use std::sync::Arc;

use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;

use super::page_forms::{Asked, Form, read};
use super::page_shared::{
    self, StaffPages, Wanted, few_words, looked, see, served, too_many, too_many_forms, unmade,
};
use crate::delivery::case_page::{self, Open};
use crate::intake::case_words::{self, LONGEST_NOTE, NewWord, Written};
use crate::message::page::{Filled, PageFacts};
use crate::message::page_link::{Opened, Page};
use crate::model::NotificationId;
use crate::operate::{OperateError, reports};
use crate::store::StoreError;

/// Shows a case.
pub async fn show(
    State(pages): State<Arc<StaffPages>>,
    Path(token): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let now = pages.now();
    if let Some(response) = too_many(&pages, &wanted, now) {
        return response;
    }
    let (_, open) = match opened(&pages, &token, &wanted, now).await {
        Ok(opened) => opened,
        Err(response) => return *response,
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
    State(pages): State<Arc<StaffPages>>,
    Path(token): Path<String>,
    Query(wanted): Query<Wanted>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let now = pages.now();
    if let Some(response) = too_many(&pages, &wanted, now) {
        return response;
    }
    let (link, open) = match opened(&pages, &token, &wanted, now).await {
        Ok(opened) => opened,
        Err(response) => return *response,
    };
    // Whoever has no link is not to keep out those who have.
    if let Some(response) = too_many_forms(&pages, (&token, &wanted), now) {
        return response;
    }
    let said = |status, what| few_words(&pages, &wanted, &open.locale, status, (what, ""));
    let form: Form = match page_shared::form(body) {
        Ok(form) => form,
        Err((status, what)) => return said(status, what),
    };
    if !pages.pages.links.is_form(&token, &form.state, &form.seal) {
        return said(StatusCode::BAD_REQUEST, "broken");
    }
    if !matches!(form.act.as_str(), "word" | "agreement") {
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
    pages: &StaffPages,
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
    pages: &StaffPages,
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
    page_shared::unwritten(error);
    BUSY
}

/// Opens a link and looks at its case; else the page that says why not.
async fn opened(
    pages: &StaffPages,
    token: &str,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<(Opened, Box<Open>), Box<Response>> {
    let link = page_shared::opened(pages, Page::Case, token, wanted, now)?;
    let look = case_page::look(&pages.shared, &pages.pages, &link.id, now).await;
    Ok((link, looked(pages, wanted, look)?))
}

fn facts(pages: &StaffPages, token: &str, open: &Open) -> PageFacts {
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
    pages: &StaffPages,
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
