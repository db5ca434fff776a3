//! Has the source call us when something has changed. A call says no more than that, so nothing depends on it: the
//! source is asked at its usual pace all the same. Our address holds a secret and is told to nobody else; what is
//! kept of it is a digest.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::client::Client;
use super::fault::{Fault, Wrong};
use super::rows::{self, Bad};
use super::sent::Sent;
use super::settings::Resource;
use super::types;
use crate::model::NotificationId;
use crate::source::marks::Offering;
use crate::store::ledger::{self, Unit};
use crate::store::rows::Subscription;
use crate::store::{Commit, StoreError, tables};

/// How long a subscription lives of which the source does not say when it ends.
const UNSAID: SignedDuration = SignedDuration::from_hours(24);
/// How long a source that does not offer calls is not asked for them again.
const NOT_OFFERED: SignedDuration = SignedDuration::from_hours(24);
/// How often it is looked whether the source still has the subscription.
const LOOKED_AT: SignedDuration = SignedDuration::from_hours(1);
/// The trouble with a subscription that could not be made.
const TROUBLE: &str = "subscription";

/// What the source is to call, and for what.
#[derive(Debug, Clone)]
pub struct Subscribing {
    /// Our address, with its secret.
    pub target: SecretString,
    /// Kinds of rows, as the standard names them.
    pub resources: Vec<&'static str>,
}

/// Looks after the subscription at one source.
pub(super) struct Subscriber<'a> {
    client: Client,
    offering: &'a Offering,
    wanted: Option<Subscribing>,
    not_before: Option<Timestamp>,
    looked_at: Option<Timestamp>,
}

impl<'a> Subscriber<'a> {
    pub fn new(client: Client, offering: &'a Offering, wanted: Option<Subscribing>) -> Self {
        Self { client, offering, wanted, not_before: None, looked_at: None }
    }

    /// Makes, renews or removes it, as is due. How it is, in words.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn look_after(&mut self) -> Result<String, Fault> {
        let now = self.client.clock().now();
        let known = self.known().await?;
        let Some(wanted) = self.wanted.clone() else {
            if let Some(known) = known {
                self.remove(&known).await?;
            }
            return Ok("not asked for".into());
        };
        if self.not_before.is_some_and(|until| now < until) {
            return Ok("not offered by the source".into());
        }
        let target = NotificationId::of(&["target", wanted.target.expose_secret()]);
        let known = match known {
            // It may be called at an address that is not ours any more.
            Some(known) if known.target != target.as_str() => {
                self.remove(&known).await?;
                None
            }
            known => known,
        };
        let known = match known {
            Some(known) if now < half_life(&known) && !self.may_be_lost(&known, now).await? => {
                return Ok(in_words(&known));
            }
            Some(known) => self.renewed(known, now).await?,
            None => self.adopted(&wanted, target.as_str(), now).await?,
        };
        let made = match known {
            Some(known) => Some(known),
            None => self.made(&wanted, target.as_str(), now).await?,
        };
        let Some(made) = made else {
            self.not_before = now.saturating_add(NOT_OFFERED).ok();
            tracing::info!(source = %self.offering.source, "the source does not call; it is asked all the same");
            return Ok("not offered by the source".into());
        };
        self.client.well(Resource::Subscriptions, TROUBLE);
        self.keep(&made).await?;
        Ok(in_words(&made))
    }

    /// Whether the source says that there is no such subscription. Asked now and then: a source that was set up anew
    /// calls nobody, and half a life may be weeks.
    async fn may_be_lost(&mut self, known: &Subscription, now: Timestamp) -> Result<bool, Fault> {
        if self.looked_at.is_some_and(|at| now.duration_since(at) < LOOKED_AT) {
            return Ok(false);
        }
        self.looked_at = Some(now);
        match self.client.get(Resource::Subscriptions, &known.id, &[]).await {
            Ok(found) => Ok(found.is_none()),
            // It does not say; a renewal will.
            Err(Fault::NotOffered { .. } | Fault::BadRequest { .. }) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn known(&self) -> Result<Option<Subscription>, StoreError> {
        let row = tables::subscription(&self.offering.source);
        ledger::read(self.client.kv().as_ref(), &row).await
    }

    async fn keep(&self, made: &Subscription) -> Result<(), StoreError> {
        let mut unit = Unit::new(self.client.kv().as_ref());
        unit.write(tables::subscription(&self.offering.source), made);
        let _: Commit = unit.commit().await?;
        Ok(())
    }

    async fn remove(&self, known: &Subscription) -> Result<(), Fault> {
        match self.client.delete(Resource::Subscriptions, &known.id).await {
            // One that cannot be removed ends by itself, and calls nobody who listens.
            Ok(_) | Err(Fault::NotOffered { .. } | Fault::BadRequest { .. }) => {}
            Err(fault) => return Err(fault),
        }
        let mut unit = Unit::new(self.client.kv().as_ref());
        unit.delete(tables::subscription(&self.offering.source));
        let _: Commit = unit.commit().await?;
        Ok(())
    }

    /// Renews it; none: the source does not know it any more.
    async fn renewed(
        &self,
        known: Subscription,
        now: Timestamp,
    ) -> Result<Option<Subscription>, Fault> {
        let answer = match self.client.patch(Resource::Subscriptions, &known.id, None).await {
            Ok(answer) => answer,
            Err(Fault::NotOffered { .. } | Fault::BadRequest { .. }) => None,
            Err(fault) => return Err(fault),
        };
        let Some(answer) = answer else {
            tracing::info!(source = %self.offering.source, "the source has lost our subscription");
            return Ok(None);
        };
        // A body may be left out.
        let expires = read(answer).and_then(|found| found.expires);
        Ok(Some(Subscription { renewed_at: now, expires, ..known }))
    }

    /// One that is ours already: made before a stop that came before it was written down.
    async fn adopted(
        &self,
        wanted: &Subscribing,
        target: &str,
        now: Timestamp,
    ) -> Result<Option<Subscription>, Fault> {
        let (mut bad, mut cut) = (Bad::default(), false);
        let mut pages = self.client.pages(Resource::Subscriptions, &[]);
        loop {
            let page = match pages.next_of_some(&mut cut).await {
                Ok(Some(page)) => page,
                Ok(None) | Err(Fault::NotOffered { .. } | Fault::BadRequest { .. }) => {
                    return Ok(None);
                }
                Err(fault) => return Err(fault),
            };
            let ours = rows::read::<types::Subscription>(page, &mut bad)
                .into_iter()
                .find(|found| found.target.as_deref() == Some(wanted.target.expose_secret()));
            if let Some(found) = ours {
                return Ok(Some(subscription(&found, target, now)));
            }
        }
    }

    /// Makes one; none: the source does not offer it.
    async fn made(
        &self,
        wanted: &Subscribing,
        target: &str,
        now: Timestamp,
    ) -> Result<Option<Subscription>, Fault> {
        let objects = wanted.resources.iter().map(|name| json!({ "resource": name })).collect();
        let words = wanted.resources.iter().map(|name| json!(name)).collect();
        let mut refused = None;
        // The schema has objects, its example has words.
        for resources in [Value::Array(objects), Value::Array(words)] {
            let body = json!({
                "name": "upprop",
                "target": wanted.target.expose_secret(),
                "resourceTypes": resources,
            });
            match self.client.post(Resource::Subscriptions, &body).await {
                Ok(answer) => {
                    if let Some(found) = read(answer) {
                        let source = &self.offering.source;
                        tracing::info!(%source, "the source calls when something has changed");
                        return Ok(Some(subscription(&found, target, now)));
                    }
                    let what = "it has made a subscription, and does not say which";
                    let remedy = "show this to the vendor; marks are asked for all the same";
                    let wrong = Wrong::new(TROUBLE, what, remedy);
                    self.client.tell(Resource::Subscriptions, &wrong);
                    return Err(Fault::Failed(wrong));
                }
                Err(fault @ Fault::BadRequest { .. }) => refused = Some(fault),
                Err(Fault::NotOffered { .. }) => return Ok(None),
                Err(fault) => return Err(fault),
            }
        }
        match refused {
            Some(fault) => Err(self.client.give_up(Resource::Subscriptions, fault)),
            None => Ok(None),
        }
    }
}

fn read(answer: Sent) -> Option<types::Subscription> {
    rows::read(vec![answer], &mut Bad::default()).pop()
}

fn subscription(found: &types::Subscription, target: &str, now: Timestamp) -> Subscription {
    let (id, expires) = (found.id.to_string(), found.expires);
    Subscription { id, target: target.to_owned(), renewed_at: now, expires }
}

/// When it is renewed.
fn half_life(known: &Subscription) -> Timestamp {
    let life = known.expires.map_or(UNSAID, |expires| expires.duration_since(known.renewed_at));
    // One that is over already, by a clock that is not ours, is renewed now and then.
    let half = (life / 2).max(SignedDuration::from_mins(5));
    known.renewed_at.saturating_add(half).unwrap_or(Timestamp::MAX)
}

fn in_words(known: &Subscription) -> String {
    match known.expires {
        Some(expires) => format!("subscribed until {expires}"),
        None => "subscribed".into(),
    }
}

#[cfg(test)]
#[path = "subscribe_tests.rs"]
mod tests;
