//! What can be set about delivery.

use jiff::SignedDuration;

use super::case_page::Pages;
use super::watch;
use crate::model::{Channel, Rate};

/// Delivery settings, defaults applied.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Pauses between tries of one text.
    pub sms_retry: Vec<SignedDuration>,
    /// Pauses between tries of one mail.
    pub email_retry: Vec<SignedDuration>,
    /// How long an attempt without an outcome is left alone before anybody asks: longer than request
    /// time-out + the provider's processing + clock skew.
    pub settle: SignedDuration,
    /// Pause between two questions about one attempt in doubt.
    pub lookup_gap: SignedDuration,
    /// Texts on the wire at once.
    pub sms_concurrency: usize,
    /// Mails on the wire at once.
    pub email_concurrency: usize,
    /// Most texts and mails to one address.
    pub recipient_rate: Option<Rate>,
    /// Longest pause a provider may ask for.
    pub longest_retry_after: SignedDuration,
    /// What is watched, and when people are told that nothing comes of it.
    pub watch: watch::Plan,
    /// The pages that mails to the team have links to; none: there are none.
    pub pages: Option<Pages>,
}

impl Default for Settings {
    fn default() -> Self {
        let minutes = |list: &[i64]| list.iter().map(|m| SignedDuration::from_mins(*m)).collect();
        Self {
            sms_retry: [10, 30, 60, 120, 300, 600, 900]
                .map(SignedDuration::from_secs)
                .into_iter()
                .collect(),
            email_retry: minutes(&[1, 2, 5, 10, 30, 30, 60, 60]),
            settle: SignedDuration::from_secs(120),
            lookup_gap: SignedDuration::from_secs(30),
            sms_concurrency: 16,
            email_concurrency: 4,
            recipient_rate: None,
            longest_retry_after: SignedDuration::from_mins(15),
            watch: watch::Plan::default(),
            pages: None,
        }
    }
}

impl Settings {
    /// The pauses of a channel.
    pub fn retry(&self, channel: Channel) -> &[SignedDuration] {
        match channel {
            Channel::Sms => &self.sms_retry,
            Channel::Email => &self.email_retry,
        }
    }

    /// How many may be on the wire at once.
    pub fn concurrency(&self, channel: Channel) -> usize {
        match channel {
            Channel::Sms => self.sms_concurrency,
            Channel::Email => self.email_concurrency,
        }
    }
}
