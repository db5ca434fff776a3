//! Asking 46elks' history whether an attempt in doubt arrived (<https://46elks.com/docs/sms-history>).
//! Pure. A wrong *found* loses a message and a wrong *not found* sends it twice, so every doubt is
//! *inconclusive*.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{LookupQuery, receipt::time};
use crate::{channel::sms::text_sha256, model::Lookup};

/// How far our clock and theirs may differ.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// How long after the attempt was written down its request can have reached them: more than any call
/// lasts, and skew.
const REACH: SignedDuration = SignedDuration::from_secs(180);

/// The most messages they give at once.
const PAGE: usize = 100;

#[derive(Deserialize)]
struct Page {
    data: Vec<Row>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    direction: String,
    to: String,
    created: String,
    #[serde(default)]
    message: Option<String>,
}

fn window(query: &LookupQuery) -> (Timestamp, Timestamp) {
    let from = query.started_at.checked_sub(SKEW).unwrap_or(Timestamp::MIN);
    let to = query.started_at.checked_add(REACH).unwrap_or(Timestamp::MAX);
    (from, to)
}

/// The query string. Their `start` is the *later* bound and `end` the earlier one: history runs
/// backwards.
pub(super) fn parameters(query: &LookupQuery) -> String {
    let (from, to) = window(query);
    let text = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string();
    serde_urlencoded::to_string([
        ("to", query.to.expose()),
        ("start", &text(to)),
        ("end", &text(from)),
        ("limit", &PAGE.to_string()),
    ])
    .expect("pairs of texts are a form")
}

/// What a page of history says about the attempt.
pub(super) fn search(query: &LookupQuery, keep_text: bool, body: &[u8]) -> Lookup {
    let inconclusive = |code: &str| Lookup::Inconclusive { code: code.into() };
    let Ok(page) = serde_json::from_slice::<Page>(body) else {
        return inconclusive("history-unreadable");
    };
    let (from, to) = window(query);
    // History runs backwards: only what lies before the window may be on further pages.
    let complete = match page.next.as_deref() {
        None | Some("") => true,
        Some(next) => time(next).is_some_and(|next| next < from),
    };
    if !complete {
        return inconclusive("history-more-pages");
    }
    let candidates: Vec<&Row> = page
        .data
        .iter()
        .filter(|row| row.direction == "outgoing" && row.to == query.to.expose())
        // A time we cannot read may lie in the window.
        .filter(|row| time(&row.created).is_none_or(|at| (from..=to).contains(&at)))
        .filter(|row| !query.known.contains(&row.id))
        .collect();

    let ours = |row: &&&Row| match (&row.message, &query.text_sha256) {
        (Some(theirs), Some(ours)) => text_sha256(theirs).eq_ignore_ascii_case(ours),
        _ => false,
    };
    let same_text: Vec<&&Row> = candidates.iter().filter(ours).collect();
    let without_text: Vec<&&Row> = candidates.iter().filter(|row| row.message.is_none()).collect();
    match (keep_text, same_text.as_slice(), without_text.as_slice()) {
        (_, [], []) if candidates.is_empty() => Lookup::NotFound,
        // Without `keep_text` ours has no text: one with a text is another system's on this account.
        (_, [one], []) | (false, [], [one]) => found(one),
        (false, [], []) => Lookup::NotFound,
        // Another text to the same number: a sibling's message, or ours as they have rewritten it.
        (true, [], []) => inconclusive("history-other-text"),
        _ => inconclusive("history-unclear"),
    }
}

fn found(row: &Row) -> Lookup {
    Lookup::Found { reference: row.id.clone() }
}
