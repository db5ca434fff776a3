//! `/duty/{token}`: the page of duties, for whoever holds a link to it. `GET` and `HEAD` change nothing, however often mail
//! scanners open it; only `POST` does, and the same `POST` twice, or twice at once, does it once. Nothing of a link or of
//! what it opens is logged.

use std::sync::Arc;

use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;

use super::duty_forms::{Form, read};
use super::page_shared::{
    self, StaffPages, Wanted, few_words, looked, see, served, too_many, too_many_forms, unmade,
};
use crate::delivery::duty_page::{self, OpenDuties, OpenDuty};
use crate::intake::duty_words::{self, LONGEST_WHY, NewSaying, Written};
use crate::message::duty_page::{DutyPageFacts, PageDuty};
use crate::message::page_link::Page;

/// Shows the duties.
pub async fn show(
    State(pages): State<Arc<StaffPages>>,
    Path(token): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let now = pages.now();
    if let Some(response) = too_many(&pages, &wanted, now) {
        return response;
    }
    let open = match opened(&pages, &token, &wanted, now).await {
        Ok(open) => open,
        Err(response) => return *response,
    };
    let has_spoken =
        |duty: &OpenDuty| duty.row.history.iter().any(|event| event.by.as_ref() == Some(&open.by));
    let done = wanted.done.as_deref() == Some("duty") && open.duties.iter().any(has_spoken);
    let said = if done { "done" } else { "" };
    page(&pages, &token, &wanted, &open, (StatusCode::OK, said), None)
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
    let open = match opened(&pages, &token, &wanted, now).await {
        Ok(open) => open,
        Err(response) => return *response,
    };
    // Whoever has no link is not to keep out those who have.
    if let Some(response) = too_many_forms(&pages, (&token, &wanted), now) {
        return response;
    }
    let words = |status, what| few_words(&pages, &wanted, &open.locale, status, (what, ""));
    let form: Form = match page_shared::form(body) {
        Ok(form) => form,
        Err((status, what)) => return words(status, what),
    };
    let sealed = sealed(&form.duty, &form.state);
    if !pages.pages.links.is_form(&token, &sealed, &form.seal) {
        return words(StatusCode::BAD_REQUEST, "broken");
    }
    let said = |status, what| page(&pages, &token, &wanted, &open, (status, what), None);
    // It was theirs when the page was made.
    let Some(duty) = open.duties.iter().find(|duty| duty.shown.id == form.duty) else {
        return said(StatusCode::CONFLICT, "stale");
    };
    if duty.shown.hidden {
        return words(StatusCode::CONFLICT, "stale");
    }
    let (say, why) = match read(&form, &duty.shown) {
        Ok(read) => read,
        Err(wrong) => {
            let how = (StatusCode::UNPROCESSABLE_ENTITY, "wrong");
            return page(&pages, &token, &wanted, &open, how, Some(*wrong));
        }
    };
    // What no page offers in this state, no page sends.
    if duty.shown.seen == form.state && !duty.offered.contains(&say) {
        return said(StatusCode::CONFLICT, "refused");
    }
    let new = NewSaying { say, by: open.by.clone(), why, seen: form.state.clone() };
    let written = record(&pages, &open, duty, &new, now).await;
    let (status, what) = match written {
        Some(Written::Done | Written::Known) => return see(&wanted, "duty"),
        Some(Written::Stale) => (StatusCode::CONFLICT, "stale"),
        Some(Written::Refused) => (StatusCode::CONFLICT, "refused"),
        Some(Written::Hidden) => {
            let hidden = ("hidden", duty.shown.case.as_str());
            return few_words(&pages, &wanted, &open.locale, StatusCode::CONFLICT, hidden);
        }
        Some(Written::Gone) => return words(StatusCode::GONE, "deleted"),
        None => return words(StatusCode::SERVICE_UNAVAILABLE, "busy"),
    };
    // As it is now: somebody was faster this moment.
    match opened(&pages, &token, &wanted, now).await {
        Ok(open) => page(&pages, &token, &wanted, &open, (status, what), None),
        Err(response) => *response,
    }
}

/// Records it; none: it could not be.
async fn record(
    pages: &StaffPages,
    open: &OpenDuties,
    duty: &OpenDuty,
    new: &NewSaying,
    now: Timestamp,
) -> Option<Written> {
    let directory = pages.shared.directory.load_full();
    let school = directory.schools.get(&open.school)?;
    let (kv, of) = (pages.shared.kv.as_ref(), (directory.as_ref(), school));
    match duty_words::record(kv, of, &duty.row, new, now).await {
        Ok(written) => Some(written),
        Err(error) => {
            page_shared::unwritten(&error);
            None
        }
    }
}

/// What a form is sealed with beside its link.
fn sealed(duty: &str, state: &str) -> String {
    format!("duty {} {duty} {state}", duty.len())
}

/// Opens a link and looks at its duties; else the page that says why not.
async fn opened(
    pages: &StaffPages,
    token: &str,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Box<OpenDuties>, Box<Response>> {
    let link = page_shared::opened(pages, Page::Duty, token, wanted, now)?;
    let language = wanted.language();
    let look = duty_page::look(&pages.shared, &pages.pages, &link.id, language.as_ref(), now).await;
    looked(pages, wanted, look)
}

/// The page. `wrong`: a duty whose form was not filled in well, as it was.
fn page(
    pages: &StaffPages,
    token: &str,
    wanted: &Wanted,
    open: &OpenDuties,
    (status, said): (StatusCode, &str),
    wrong: Option<PageDuty>,
) -> Response {
    let links = &pages.pages.links;
    let shown = |duty: &OpenDuty| {
        let wrong = wrong.as_ref().filter(|wrong| wrong.id == duty.shown.id);
        let shown = wrong.unwrap_or(&duty.shown).clone();
        PageDuty { form: links.form(token, &sealed(&shown.id, &shown.seen)), ..shown }
    };
    let facts = DutyPageFacts {
        case: open.case.clone(),
        duties: open.duties.iter().map(shown).collect(),
        more: open.more,
        said: said.to_owned(),
        longest_why: LONGEST_WHY,
    };
    let locale = wanted.language().unwrap_or_else(|| open.locale.clone());
    match pages.shared.templates.render_duty_page(&locale, &facts) {
        Ok(html) => served(status, html),
        Err(error) => unmade(&error),
    }
}
