//! Rows by their ids, or by the ids that they refer to, in batches: halved where the source says that there is too
//! much to answer, which is no reason to wait.

use std::collections::VecDeque;

use http::Method;
use serde_json::json;

use super::ask::{Ask, owned};
use super::client::Client;
use super::fault::{Fault, Wrong, kinds};
use super::sent::Sent;
use super::settings::Resource;

/// The answers to one look-up, a batch at a time.
pub struct Lookup {
    client: Client,
    resource: Resource,
    key: &'static str,
    query: Vec<(String, String)>,
    waiting: VecDeque<Vec<String>>,
    /// Whether one was too much.
    halved: bool,
}

impl Lookup {
    pub(super) fn new(
        client: Client,
        resource: Resource,
        key: &'static str,
        ids: impl IntoIterator<Item = String>,
        query: &[(&str, &str)],
    ) -> Self {
        let known = client.learned().batch.get(&resource).copied();
        let size = known.unwrap_or(client.settings().lookup_size).max(1);
        let ids: Vec<String> = ids.into_iter().collect();
        let waiting = ids.chunks(size).map(<[String]>::to_vec).collect();
        Self { client, resource, key, query: owned(query), waiting, halved: false }
    }

    /// The rows of the next batch; none: that was the last.
    ///
    /// # Errors
    /// See [`Fault`]; what came before is then not all there is.
    pub async fn next(&mut self) -> Result<Option<Vec<Sent>>, Fault> {
        while let Some(mut batch) = self.waiting.pop_front() {
            match self.ask(&batch).await {
                Err(Fault::TooMuch) => {
                    let rest = batch.split_off(batch.len().div_ceil(2));
                    self.halved = true;
                    self.waiting.push_front(rest);
                    self.waiting.push_front(batch);
                }
                other => {
                    let rows = other?;
                    self.learn(batch.len());
                    return Ok(Some(rows));
                }
            }
        }
        Ok(None)
    }

    /// So many were not too much. A source that could answer nothing for a while says nothing of how many are; and
    /// what was too much once need not be so for ever.
    fn learn(&self, size: usize) {
        let most = self.client.settings().lookup_size.max(1);
        let mut learned = self.client.learned();
        if self.halved {
            learned.batch.insert(self.resource, size);
        } else if let Some(known) = learned.batch.get_mut(&self.resource)
            && self.waiting.is_empty()
        {
            *known = (*known + known.div_ceil(4)).min(most);
        }
    }

    async fn ask(&self, batch: &[String]) -> Result<Vec<Sent>, Fault> {
        let divisible = batch.len() > 1;
        let ask = Ask {
            resource: self.resource,
            method: Method::POST,
            path: "/lookup".into(),
            query: self.query.clone(),
            body: Some(json!({ self.key: batch })),
            divisible,
        };
        let sent = self.client.ask(&ask).await?;
        let rows = match (sent.rows(), sent.fields()) {
            (Some(rows), _) => Ok(rows),
            (None, Some(fields)) => {
                // The standard knows no pages here: what is on a second one is asked for by itself.
                let token = fields.get("pageToken");
                let more = token.is_some_and(|t| !t.is_null() && t.text() != b"\"\"");
                match fields.get("data").and_then(Sent::rows) {
                    Some(_) if more && divisible => Err(Fault::TooMuch),
                    Some(_) if more => Err(self.unread("has more than one page")),
                    Some(rows) => Ok(rows),
                    None => Err(self.unread("has no list as `data`")),
                }
            }
            (None, None) => Err(self.unread("is neither a list nor an object")),
        }?;
        self.client.answered(self.resource);
        Ok(rows)
    }

    fn unread(&self, why: &str) -> Fault {
        let what = format!("its answer to POST /{}/lookup {why}", self.resource.as_str());
        let remedy = "check `url`; if it is right, show this to the vendor";
        self.client.failed(self.resource, Wrong::new(kinds::ANSWER, what, remedy))
    }
}
