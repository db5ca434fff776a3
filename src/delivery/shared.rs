//! What every part of the dispatcher holds in common. What is kept in memory only (messages on the
//! wire, pauses) is a copy of rows, or ends with the process and is found again as in doubt.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::accounts;
use super::settings::Settings;
use super::suspension::Suspensions;
use crate::channel::sms::SmsApi;
use crate::channel::sms::receipt::Ack;
use crate::directory::{Directory, School};
use crate::env::Env;
use crate::message::Templates;
use crate::model::{Channel, EmailAddress, NotificationId, ProviderId, Rate, SchoolId};
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

/// How an account is at the moment, as far as this process knows.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    /// Trouble, as stored.
    pub trouble: Option<accounts::Account>,
    /// The limiter said: not before.
    pub limited_until: Option<Timestamp>,
    /// On the wire.
    pub busy: usize,
}

impl Gate {
    /// When it opens; none: open.
    pub fn shut_until(&self, now: Timestamp) -> Option<Timestamp> {
        let trouble = self.trouble.as_ref().map(|t| t.until);
        trouble.into_iter().chain(self.limited_until).filter(|t| *t > now).max()
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
    pub templates: Arc<ArcSwap<Templates>>,
    /// SMS accounts.
    pub providers: BTreeMap<ProviderId, Provider>,
    /// The mail account.
    pub mail: Option<MailAccount>,
    /// Settings.
    pub settings: Settings,
    /// Told when something may have become due.
    pub wake: Arc<Wake>,
    pub(super) gates: Mutex<BTreeMap<ProviderId, Gate>>,
    /// Schools whose limit said: not before. Their rows are left as they are: moving each would
    /// write all that wait for every one that goes.
    pub(super) schools_shut: Mutex<BTreeMap<SchoolId, Timestamp>>,
    /// What an operator has suspended, as the rows were at the last look: tells which messages need not
    /// be claimed. The claim asks the rows.
    pub(super) suspended: ArcSwap<Suspensions>,
    pub(super) on_the_wire: Mutex<BTreeMap<NotificationId, ProviderId>>,
}

impl Shared {
    /// Puts it together; every account counts as well until `Dispatcher::recover` has looked.
    #[allow(clippy::too_many_arguments, reason = "one call site; each is a thing of its own")]
    pub fn new(
        kv: Arc<dyn Kv>,
        env: Env,
        directory: Arc<ArcSwap<Directory>>,
        templates: Arc<ArcSwap<Templates>>,
        providers: BTreeMap<ProviderId, Provider>,
        mail: Option<MailAccount>,
        settings: Settings,
        wake: Arc<Wake>,
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
            gates: Mutex::default(),
            schools_shut: Mutex::default(),
            suspended: ArcSwap::default(),
            on_the_wire: Mutex::default(),
        }
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
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        f(gates.entry(account.clone()).or_default())
    }

    /// Leaves a school's texts alone until then.
    pub(super) fn shut_school(&self, school: SchoolId, until: Timestamp) {
        let mut shut = self.schools_shut.lock().unwrap_or_else(PoisonError::into_inner);
        shut.insert(school, until);
    }

    /// Whether a school's texts are left alone now.
    pub(super) fn is_school_shut(&self, school: &SchoolId, now: Timestamp) -> bool {
        let shut = self.schools_shut.lock().unwrap_or_else(PoisonError::into_inner);
        shut.get(school).is_some_and(|until| *until > now)
    }

    /// When the first of the schools that are left alone is looked at again.
    pub(super) fn first_school(&self, now: Timestamp) -> Option<Timestamp> {
        let mut shut = self.schools_shut.lock().unwrap_or_else(PoisonError::into_inner);
        shut.retain(|_, until| *until > now);
        shut.values().min().copied()
    }

    /// Whether a message is on this process's wire.
    pub fn is_on_the_wire(&self, id: &NotificationId) -> bool {
        self.on_the_wire.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// Whether any message is on an account's wire.
    pub(super) fn is_busy(&self, account: &ProviderId) -> bool {
        self.gate(account, |g| g.busy > 0)
    }

    pub(super) fn depart(&self, id: &NotificationId, account: &ProviderId) {
        let mut wire = self.on_the_wire.lock().unwrap_or_else(PoisonError::into_inner);
        if wire.insert(id.clone(), account.clone()).is_none() {
            self.gate(account, |g| g.busy += 1);
        }
    }

    pub(super) fn land(&self, id: &NotificationId) {
        let mut wire = self.on_the_wire.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = wire.remove(id) {
            self.gate(&account, |g| g.busy = g.busy.saturating_sub(1));
        }
        drop(wire);
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
