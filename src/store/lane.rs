//! The lines in which due rows wait, and where each line's rows lie. Knows keys only.

use jiff::Timestamp;

use super::tables::{DUE, time};
use crate::model::{Channel, Notification};

/// Which waiting line a due row stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Today's first notices by text.
    SmsUrgent,
    /// Other texts.
    Sms,
    /// Today's first notices by mail.
    EmailUrgent,
    /// Other mail.
    Email,
    /// Lesson ends, look-ups, everything that is not a message.
    Timer,
}

impl Lane {
    /// All, in the order in which they are served.
    pub const ALL: [Self; 5] =
        [Self::SmsUrgent, Self::EmailUrgent, Self::Sms, Self::Email, Self::Timer];

    /// The lane a waiting notification stands in.
    pub fn of(notification: &Notification) -> Self {
        match (notification.channel, notification.urgent) {
            (Channel::Sms, true) => Self::SmsUrgent,
            (Channel::Sms, false) => Self::Sms,
            (Channel::Email, true) => Self::EmailUrgent,
            (Channel::Email, false) => Self::Email,
        }
    }

    /// Whether it holds messages of a channel.
    pub fn carries(self, channel: Channel) -> bool {
        self != Self::Timer && self.channel() == channel
    }

    /// The channel of its messages; timers are counted to mail, and carry none.
    pub fn channel(self) -> Channel {
        match self {
            Self::SmsUrgent | Self::Sms => Channel::Sms,
            Self::EmailUrgent | Self::Email | Self::Timer => Channel::Email,
        }
    }

    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SmsUrgent => "sms-urgent",
            Self::Sms => "sms",
            Self::EmailUrgent => "email-urgent",
            Self::Email => "email",
            Self::Timer => "timers",
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::SmsUrgent => b'0',
            Self::Sms => b'1',
            Self::EmailUrgent => b'2',
            Self::Email => b'3',
            Self::Timer => b'4',
        }
    }

    /// The start of its rows.
    pub fn prefix(self) -> Vec<u8> {
        [DUE, &[self.byte()]].concat()
    }

    /// The end (exclusive) of its rows that are due at `now`.
    pub fn due_until(self, now: Timestamp) -> Vec<u8> {
        let mut key = self.prefix();
        key.extend_from_slice(&time(now));
        key.extend_from_slice(&[u8::MAX; 40]);
        key
    }
}
