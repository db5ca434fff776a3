//! What every part of the dispatcher holds in common: one configuration's accounts, doors and settings, and
//! what does not change with a configuration. A send keeps the one it began with to its end.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::accounts;
use super::settings::Settings;
pub use super::under_way::Gate;
use super::under_way::UnderWay;
use crate::channel::sms::SmsApi;
use crate::channel::sms::receipt::Ack;
use crate::directory::{Directory, School};
use crate::env::Env;
use crate::intake::Contacts;
use crate::message::Templates;
use crate::metrics::Metrics;
use crate::model::{Channel, EmailAddress, NotificationId, ProviderId, Rate};
use crate::store::{Kv, Wake};

/// One SMS account.
#[derive(Clone)]
pub struct Provider {
    /// Its id in configuration.
    pub id: ProviderId,
    /// Its protocol.
    pub api: Arc<dyn SmsApi>,
    /// Its limits, all of which hold.
    pub rates: Vec<Rate>,
    /// After how many failed texts in a row to one number the school is asked to check it.
    pub check_number_after: NonZeroU32,
    /// Where its delivery reports go.
    pub receipt_url: Option<String>,
    /// What it wants to hear when a delivery report was taken.
    pub ack: Ack,
}

/// The mail account.
#[derive(Debug, Clone)]
pub struct MailAccount {
    /// Its id among accounts.
    pub id: ProviderId,
    /// Sender, envelope and header.
    pub from: EmailAddress,
    /// Sender's name; none: the school's.
    pub from_name: Option<String>,
    /// Where answers go; none: the attendance team.
    pub reply_to: Option<EmailAddress>,
    /// Right side of Message-IDs.
    pub domain: String,
    /// Its limit.
    pub rate: Option<Rate>,
}

/// The account a message goes by.
#[derive(Clone, Copy)]
pub enum Account<'a> {
    /// A text.
    Sms(&'a Provider),
    /// A mail.
    Mail(&'a MailAccount),
}

impl<'a> Account<'a> {
    /// Its id.
    pub fn id(self) -> &'a ProviderId {
        match self {
            Self::Sms(provider) => &provider.id,
            Self::Mail(mail) => &mail.id,
        }
    }

    /// What it carries.
    pub fn channel(self) -> Channel {
        match self {
            Self::Sms(_) => Channel::Sms,
            Self::Mail(_) => Channel::Email,
        }
    }

    /// Its limits, all of which hold.
    pub fn rates(self) -> &'a [Rate] {
        match self {
            Self::Sms(provider) => &provider.rates,
            Self::Mail(mail) => mail.rate.as_slice(),
        }
    }
}

/// What the parts of the dispatcher share.
pub struct Shared {
    /// The store.
    pub kv: Arc<dyn Kv>,
    /// The doors.
    pub env: Env,
    /// Schools and people in force.
    pub directory: Arc<ArcSwap<Directory>>,
    /// Texts in force.
    pub templates: Arc<Templates>,
    /// SMS accounts.
    pub providers: BTreeMap<ProviderId, Provider>,
    /// The mail account.
    pub mail: Option<MailAccount>,
    /// Settings.
    pub settings: Settings,
    /// Told when something may have become due.
    pub wake: Arc<Wake>,
    /// Told what happened.
    pub metrics: Arc<Metrics>,
    /// How the contact with each source is.
    pub contacts: Contacts,
    pub(super) under_way: Arc<UnderWay>,
}

impl Shared {
    /// Puts it together; every account counts as well until `Dispatcher::recover` has looked.
    #[allow(clippy::too_many_arguments, reason = "one call site; each is a thing of its own")]
    pub fn new(
        kv: Arc<dyn Kv>,
        env: Env,
        directory: Arc<ArcSwap<Directory>>,
        templates: Arc<Templates>,
        providers: BTreeMap<ProviderId, Provider>,
        mail: Option<MailAccount>,
        settings: Settings,
        wake: Arc<Wake>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            kv,
            env,
            directory,
            templates,
            providers,
            mail,
            settings,
            wake,
            metrics,
            contacts: Contacts::default(),
            under_way: Arc::default(),
        }
        .counted()
    }

    /// With the contacts that sources report to.
    #[must_use]
    pub fn with_contacts(self, contacts: Contacts) -> Self {
        Self { contacts, ..self }
    }

    /// Its accounts' numbers begin.
    fn counted(self) -> Self {
        for account in self.providers.keys() {
            self.metrics.has_account(account, Channel::Sms);
        }
        if let Some(mail) = &self.mail {
            self.metrics.has_account(&mail.id, Channel::Email);
        }
        self
    }

    /// The same daemon under another configuration.
    #[must_use]
    pub fn renewed(
        &self,
        env: Env,
        templates: Arc<Templates>,
        providers: BTreeMap<ProviderId, Provider>,
        mail: Option<MailAccount>,
        settings: Settings,
    ) -> Self {
        Self {
            kv: self.kv.clone(),
            env,
            directory: self.directory.clone(),
            templates,
            providers,
            mail,
            settings,
            wake: self.wake.clone(),
            metrics: self.metrics.clone(),
            contacts: self.contacts.clone(),
            under_way: self.under_way.clone(),
        }
        .counted()
    }

    /// Every account.
    pub fn accounts(&self) -> impl Iterator<Item = &ProviderId> {
        self.providers.keys().chain(self.mail.as_ref().map(|mail| &mail.id))
    }

    /// The account a school's messages go by.
    pub fn account(&self, school: &School, channel: Channel) -> Option<Account<'_>> {
        match channel {
            Channel::Sms => {
                school.sms_provider.as_ref().and_then(|p| self.providers.get(p)).map(Account::Sms)
            }
            Channel::Email => self.mail.as_ref().map(Account::Mail),
        }
    }

    /// Reads or changes what is known of an account.
    pub fn gate<T>(&self, account: &ProviderId, f: impl FnOnce(&mut Gate) -> T) -> T {
        self.under_way.gate(account, f)
    }

    /// Whether any message is on an account's wire.
    pub(super) fn is_busy(&self, account: &ProviderId) -> bool {
        self.gate(account, |g| g.busy > 0)
    }

    /// A message is off the wire: there is room for another.
    pub(super) fn land(&self, id: &NotificationId) {
        self.under_way.land(id);
        self.wake.room();
    }

    /// How many more may go on the wire of an account.
    pub(super) fn room(&self, account: Account<'_>, now: Timestamp) -> usize {
        let channel = account.channel();
        self.gate(account.id(), |g| {
            if g.shut_until(now).is_some() {
                return 0;
            }
            accounts::width(g.trouble.as_ref(), self.settings.concurrency(channel))
                .saturating_sub(g.busy)
        })
    }
}
