//! A provider account as the rest of the house sees it. Values only.

use secrecy::SecretString;

use super::{
    SmsApi,
    elks::{Elks, ElksSettings},
    http::{HttpApi, HttpSettings},
    receipt::Ack,
};
use crate::model::{ProviderId, Rate};

/// One account with one provider, under `[providers.<id>]`.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Its name in configuration, receipt addresses and metrics.
    pub id: ProviderId,
    /// Which protocol, and what that needs.
    pub kind: ProviderKind,
    /// How fast we send: just under the account's limits, so that our order holds and not the
    /// provider's queue's. All of them hold.
    pub rates: Vec<Rate>,
    /// What the receipt address must carry; none when no receipts are wanted.
    pub receipt_secret: Option<SecretString>,
}

/// The protocols we speak.
#[derive(Debug, Clone)]
pub enum ProviderKind {
    /// 46elks.
    Elks(ElksSettings),
    /// Any gateway that takes forms or JSON over HTTP.
    Http(Box<HttpSettings>),
}

impl ProviderSettings {
    /// The protocol, ready to use.
    pub fn api(&self) -> Box<dyn SmsApi> {
        match &self.kind {
            ProviderKind::Elks(settings) => Box::new(Elks::new(settings.clone())),
            ProviderKind::Http(settings) => Box::new(HttpApi::new(settings.as_ref().clone())),
        }
    }

    /// What the provider wants to hear when its callback was understood.
    pub fn receipt_ack(&self) -> Ack {
        match &self.kind {
            ProviderKind::Elks(_) => Ack::default(),
            ProviderKind::Http(settings) => {
                settings.receipts.as_ref().map(|receipts| receipts.ack.clone()).unwrap_or_default()
            }
        }
    }
}
