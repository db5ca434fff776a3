//! Asking 46elks' history whether an attempt in doubt arrived (<https://46elks.com/docs/sms-history>).
//! Pure. A wrong *found* loses a message and a wrong *not found* sends it twice, so every doubt is
//! *inconclusive*.
//!
//! History is judged by their clock, and the attempt was written down by ours. Ours may be wrong now,
//! which the answer's `Date` shows; or it was wrong then and has been put right, which nothing shows.
//! So all that lies around the window of the attempt is asked for too, and a message there that may be
//! ours is a doubt.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{LookupQuery, receipt::time};
use crate::{
    channel::sms::{LOOK_BACK, text_sha256},
    model::Lookup,
};

/// How far our clock and theirs may differ in the window.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// How far they may differ by the answer's `Date` before the window is moved: less than [`SKEW`], as the
/// date has whole seconds and an answer takes a while.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(30);

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

/// When they made our message, if they did, by a clock that is `ahead` of ours.
fn window(query: &LookupQuery, ahead: SignedDuration) -> (Timestamp, Timestamp) {
    let started = query.started_at.saturating_add(ahead).unwrap_or(query.started_at);
    let from = started.checked_sub(SKEW).unwrap_or(Timestamp::MIN);
    let to = started.checked_add(REACH).unwrap_or(Timestamp::MAX);
    (from, to)
}

/// Before this they cannot have made it.
fn earliest(query: &LookupQuery) -> Timestamp {
    query.started_at.checked_sub(LOOK_BACK).unwrap_or(Timestamp::MIN)
}

/// The query string. History runs backwards from now; their `end` is the *earlier* bound.
pub(super) fn parameters(query: &LookupQuery) -> String {
    let end = earliest(query).strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string();
    serde_urlencoded::to_string([
        ("to", query.to.expose()),
        ("end", &end),
        ("limit", &PAGE.to_string()),
    ])
    .expect("pairs of texts are a form")
}

/// What a page of history says about the attempt. `ahead` is how far their clock is ahead of ours by
/// the answer's `Date`, if it has one.
pub(super) fn search(
    query: &LookupQuery,
    keep_text: bool,
    ahead: Option<SignedDuration>,
    body: &[u8],
) -> Lookup {
    let Ok(page) = serde_json::from_slice::<Page>(body) else {
        return inconclusive("history-unreadable");
    };
    // History runs backwards: only what is too old may be on further pages.
    let complete = match page.next.as_deref() {
        None | Some("") => true,
        Some(next) => time(next).is_some_and(|next| next < earliest(query)),
    };
    if !complete {
        return inconclusive("history-more-pages");
    }
    let apart = ahead.filter(|ahead| ahead.abs() > TOLERANCE);
    let (from, to) = window(query, apart.unwrap_or_default());
    let unknown = page.data.iter().filter(|row| {
        row.direction == "outgoing"
            && row.to == query.to.expose()
            && !query.known.contains(&row.id)
            && time(&row.created).is_none_or(|at| at >= earliest(query))
    });
    // A time we cannot read may lie in the window.
    let (inside, outside): (Vec<&Row>, Vec<&Row>) =
        unknown.partition(|row| time(&row.created).is_none_or(|at| (from..=to).contains(&at)));
    let elsewhere = outside.iter().any(|row| row.message.is_none() || is_ours(row, query));
    match judge(query, keep_text, &inside) {
        Lookup::Found { .. } if elsewhere && apart.is_some() => {
            inconclusive("history-outside-window")
        }
        Lookup::NotFound if elsewhere => inconclusive("history-outside-window"),
        Lookup::NotFound if ahead.is_none() => inconclusive("history-undated"),
        Lookup::NotFound if apart.is_some() => inconclusive("clocks-differ"),
        finding => finding,
    }
}

/// What the messages in the window say, if the window is right.
fn judge(query: &LookupQuery, keep_text: bool, candidates: &[&Row]) -> Lookup {
    let same_text: Vec<_> = candidates.iter().filter(|row| is_ours(row, query)).collect();
    let without_text: Vec<_> = candidates.iter().filter(|row| row.message.is_none()).collect();
    match (keep_text, same_text.as_slice(), without_text.as_slice()) {
        (_, [], []) if candidates.is_empty() => Lookup::NotFound,
        // Without `keep_text` ours has no text: one with a text is another system's on this account.
        (_, [one], []) | (false, [], [one]) => Lookup::Found { reference: one.id.clone() },
        (false, [], []) => Lookup::NotFound,
        // Another text to the same number: a sibling's message, or ours as they have rewritten it.
        (true, [], []) => inconclusive("history-other-text"),
        _ => inconclusive("history-unclear"),
    }
}

/// Whether it has our text.
fn is_ours(row: &Row, query: &LookupQuery) -> bool {
    match (&row.message, &query.text_sha256) {
        (Some(theirs), Some(ours)) => text_sha256(theirs).eq_ignore_ascii_case(ours),
        _ => false,
    }
}

fn inconclusive(code: &str) -> Lookup {
    Lookup::Inconclusive { code: code.into() }
}
