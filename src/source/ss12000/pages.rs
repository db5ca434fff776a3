//! A whole collection, a page at a time. Servers differ in whether the filters go with a page's token (the standard
//! forbids it) and in how they end; one that does not end is stopped.

use std::collections::BTreeSet;

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::ask::{Ask, owned};
use super::client::Client;
use super::fault::{Fault, Wrong, kinds};
use super::sent::Sent;
use super::settings::Resource;

/// Most pages of one collection.
const MOST_PAGES: u32 = 20_000;
/// Most pages in a row that bring nothing new.
const MOST_IN_VAIN: u32 = 20;

/// The pages of one collection, in the source's order. A row that comes twice unchanged is given once.
pub struct Pages {
    client: Client,
    resource: Resource,
    filters: Vec<(String, String)>,
    token: Option<String>,
    ended: bool,
    count: u32,
    in_vain: u32,
    tokens: BTreeSet<[u8; 16]>,
    rows: BTreeSet<[u8; 16]>,
    repeated: u64,
    /// Why it does not end, to be said after the page that showed it.
    circles: Option<&'static str>,
}

impl Pages {
    pub(super) fn new(client: Client, resource: Resource, query: &[(&str, &str)]) -> Self {
        Self {
            client,
            resource,
            filters: owned(query),
            token: None,
            ended: false,
            count: 0,
            in_vain: 0,
            tokens: BTreeSet::new(),
            rows: BTreeSet::new(),
            repeated: 0,
            circles: None,
        }
    }

    /// The next page; none: that was the last.
    ///
    /// # Errors
    /// See [`Fault`]; what came before is then not all there is.
    pub async fn next(&mut self) -> Result<Option<Vec<Sent>>, Fault> {
        let Some(data) = self.next_data().await? else { return Ok(None) };
        let Some(rows) = data.rows() else {
            return Err(self.unread("its `data` is not a list"));
        };
        self.client.answered(self.resource);
        let before = rows.len();
        let mut new = Vec::with_capacity(before);
        for row in rows {
            if self.rows.insert(key(&row)) {
                new.push(row);
            }
        }
        self.repeated += (before - new.len()) as u64;
        self.in_vain = if new.is_empty() { self.in_vain + 1 } else { 0 };
        if self.in_vain > MOST_IN_VAIN && !self.ended {
            return Err(self.endless(&format!("{MOST_IN_VAIN} pages in a row brought nothing new")));
        }
        Ok(Some(new))
    }

    /// As [`Self::next`], for what is good in parts too: pages that do not end are told of, and are at their end here;
    /// `cut` is set then.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn next_of_some(&mut self, cut: &mut bool) -> Result<Option<Vec<Sent>>, Fault> {
        match self.next().await {
            Err(Fault::Failed(wrong)) if wrong.kind == kinds::PAGING => {
                *cut = true;
                Ok(None)
            }
            other => other,
        }
    }

    /// How many rows came more than once.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// The `data` of the next page, whatever it is.
    pub(super) async fn next_data(&mut self) -> Result<Option<Sent>, Fault> {
        if self.ended {
            return Ok(None);
        }
        if let Some(why) = self.circles {
            return Err(self.endless(why));
        }
        let value = match &self.token {
            None => self.first().await?,
            Some(token) => self.after(token.clone()).await?,
        };
        self.count += 1;
        let (data, token) = self.open(value)?;
        match token {
            None => {
                self.ended = true;
                self.client.well(self.resource, kinds::PAGING);
            }
            // The page itself may be the last one, and what it says is so.
            Some(token) if !self.tokens.insert(digest(token.as_bytes())) => {
                self.circles = Some("it gave the same pageToken twice");
            }
            Some(_) if self.count >= MOST_PAGES => {
                return Err(self.endless(&format!("it has more than {MOST_PAGES} pages")));
            }
            Some(token) => self.token = Some(token),
        }
        Ok(Some(data))
    }

    async fn first(&self) -> Result<Sent, Fault> {
        match self.ask(self.filters.clone()).await {
            Err(Fault::BadRequest { names_question: false, .. })
                if self.resource == Resource::CalendarEvents
                    && self.client.settings().quirks.empty_is_400 =>
            {
                self.client.learned().empty += 1;
                tracing::debug!(source = %self.client.settings().source, "400 taken for no lessons");
                Ok(Sent::no_rows())
            }
            other => other,
        }
    }

    async fn after(&self, token: String) -> Result<Sent, Fault> {
        let with_filters = self.client.learned().with_filters.contains(&self.resource);
        let query = |filters: bool| {
            let own = if filters { self.filters.clone() } else { Vec::new() };
            own.into_iter().chain([("pageToken".to_owned(), token.clone())]).collect()
        };
        match self.ask(query(with_filters)).await {
            Err(Fault::BadRequest { .. }) => {}
            other => return other,
        }
        // The other way; and that way from now on, where it is the right one.
        match self.ask(query(!with_filters)).await {
            Ok(value) => {
                let mut learned = self.client.learned();
                if with_filters {
                    learned.with_filters.remove(&self.resource);
                } else {
                    learned.with_filters.insert(self.resource);
                }
                Ok(value)
            }
            Err(Fault::BadRequest { .. }) => {
                let what = "it takes its pageToken neither alone nor with the filters";
                let remedy = "show this to the vendor";
                Err(self.client.failed(self.resource, Wrong::new(kinds::PAGING, what, remedy)))
            }
            Err(fault) => Err(fault),
        }
    }

    async fn ask(&self, mut query: Vec<(String, String)>) -> Result<Sent, Fault> {
        if let Some(size) = self.client.settings().page_size {
            query.push(("limit".into(), size.to_string()));
        }
        let (resource, path) = (self.resource, String::new());
        let ask = Ask { resource, method: Method::GET, path, query, body: None, divisible: false };
        self.client.ask(&ask).await
    }

    /// The rows of a page and the token of the next.
    fn open(&self, sent: Sent) -> Result<(Sent, Option<String>), Fault> {
        if sent.is_list() {
            return Ok((sent, None));
        }
        let Some(mut fields) = sent.fields() else {
            return Err(self.unread("its answer is neither a list nor an object"));
        };
        let token = match fields.get("pageToken").and_then(|token| token.value().ok()) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        match fields.remove("data") {
            Some(data) => Ok((data, token)),
            None => Err(self.unread("its answer has no `data`")),
        }
    }

    /// That what it answers cannot be taken for what was asked for.
    pub(super) fn unread(&self, what: &str) -> Fault {
        let what = format!("{what} (GET /{})", self.resource.as_str());
        let remedy = "check `url`; if it is right, show this to the vendor";
        self.client.failed(self.resource, Wrong::new(kinds::ANSWER, what, remedy))
    }

    fn endless(&self, why: &str) -> Fault {
        let what = format!("the pages of /{} do not end: {why}", self.resource.as_str());
        let remedy = "what is cut short is not taken as whole, and what is in force stays so; show this to the \
                      vendor, a larger page-size may help meanwhile";
        self.client.failed(self.resource, Wrong::new(kinds::PAGING, what, remedy))
    }
}

/// What tells a row from others, and from itself after a change.
fn key(row: &Sent) -> [u8; 16] {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        meta: Meta,
    }
    #[derive(Deserialize)]
    struct Meta {
        modified: String,
    }
    match serde_json::from_slice(row.text()) {
        Ok(Row { id, meta: Meta { modified } }) => digest(format!("{id}\0{modified}").as_bytes()),
        Err(_) => digest(row.text()),
    }
}

fn digest(bytes: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(bytes).as_slice()[..16]);
    short
}
