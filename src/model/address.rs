//! Where a message can go: a phone number in E.164 or an e-mail address. Both print masked; the
//! full value leaves only through `expose`, so that it cannot slip into a log line.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The ways a message can travel.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Text message.
    Sms,
    /// Mail.
    Email,
}

impl Channel {
    /// The name used in configuration, keys and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }

    /// The other one, for falling back.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Sms => Self::Email,
            Self::Email => Self::Sms,
        }
    }
}

/// A phone number in E.164 form: `+` and 7 to 15 digits (ITU-T E.164 §6.2.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "CompactString", into = "CompactString")]
pub struct Phone(CompactString);

impl Phone {
    /// Takes a number that is already in E.164 form; `directory::phone` makes it so.
    ///
    /// # Errors
    /// When it is not `+` followed by 7 to 15 digits, the first not zero.
    pub fn new(text: impl Into<CompactString>) -> Result<Self, String> {
        let text = text.into();
        let digits = text.strip_prefix('+').unwrap_or_default();
        let good = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if good {
            Ok(Self(text))
        } else {
            Err("is not a number in E.164 form, as +46701740605".into())
        }
    }

    /// The full number, for the wire and the store only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// An e-mail address, checked for shape and for characters that could break a header. Two that differ
/// only in case are the same: RFC 5321 §2.4 lets a host tell `Eva@` from `eva@`, and none does.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "CompactString", into = "CompactString")]
pub struct EmailAddress(CompactString);

impl EmailAddress {
    fn lowered(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|b| b.to_ascii_lowercase())
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for EmailAddress {}

impl PartialOrd for EmailAddress {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EmailAddress {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.lowered().cmp(other.lowered())
    }
}

impl std::hash::Hash for EmailAddress {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.lowered().for_each(|b| state.write_u8(b));
        state.write_u8(u8::MAX);
    }
}

impl EmailAddress {
    /// Takes an address from a file or a request.
    ///
    /// # Errors
    /// When it has no single `@` between two non-empty parts, holds white space, control, quoting or
    /// non-ASCII characters, or is longer than 254 bytes (RFC 5321 §4.5.3.1.3).
    pub fn new(text: impl Into<CompactString>) -> Result<Self, String> {
        let text = text.into();
        let bad = |b: u8| !b.is_ascii_graphic() || b"<>()[]\\,;:\"".contains(&b);
        let (local, domain) = text.split_once('@').unwrap_or_default();
        if text.len() > 254
            || local.is_empty()
            || local.len() > 64
            || domain.is_empty()
            || domain.contains('@')
            || domain.starts_with('.')
            || domain.ends_with('.')
            || domain.contains("..")
            || local.starts_with('.')
            || local.ends_with('.')
            || local.contains("..")
            || text.bytes().any(bad)
        {
            return Err("is not an e-mail address, as namn@example.se".into());
        }
        Ok(Self(text))
    }

    /// The full address, for the wire and the store only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

macro_rules! masked {
    ($name:ident) => {
        impl TryFrom<CompactString> for $name {
            type Error = String;
            fn try_from(text: CompactString) -> Result<Self, String> {
                Self::new(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                Self::new(text)
            }
        }
        impl From<$name> for CompactString {
            fn from(value: $name) -> Self {
                value.0
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}
masked!(Phone);
masked!(EmailAddress);

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keep = self.0.len().saturating_sub(2);
        write!(f, "{}…{}", &self.0[..3], &self.0[keep..])
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…@{}", self.0.split_once('@').map_or("", |(_, domain)| domain))
    }
}

/// One place a message can go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Address {
    /// For [`Channel::Sms`].
    Phone(Phone),
    /// For [`Channel::Email`].
    Email(EmailAddress),
}

impl Address {
    /// The channel that can reach it.
    pub fn channel(&self) -> Channel {
        match self {
            Self::Phone(_) => Channel::Sms,
            Self::Email(_) => Channel::Email,
        }
    }

    /// The same for all ways to write the address: for keys of the store, never for the wire.
    pub fn key(&self) -> String {
        self.expose().to_ascii_lowercase()
    }

    /// The full value, for the wire and the store only.
    pub fn expose(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.expose(),
            Self::Email(email) => email.expose(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn print_masked() {
        let phone = Phone::new("+46701740605").expect("fictional number");
        let email = EmailAddress::new("asa.ek@example.se").expect("address");
        assert_eq!(format!("{phone} {phone:?}"), "+46…05 +46…05");
        assert_eq!(format!("{email} {email:?}"), "…@example.se …@example.se");
    }

    #[test]
    fn case_does_not_make_another_address() {
        use std::collections::BTreeSet;
        let email = |text| EmailAddress::new(text).expect("address");
        let (one, two) = (email("Eva.Ek@hem.example"), email("eva.ek@HEM.example"));
        assert_eq!(one, two);
        assert_eq!(BTreeSet::from([one.clone(), two.clone()]).len(), 1);
        assert_ne!(one, email("eva.ekk@hem.example"));
        assert_eq!(one.expose(), "Eva.Ek@hem.example", "it goes to the wire as it was written");
        assert_eq!(Address::Email(one).key(), Address::Email(two).key());
    }

    #[test]
    fn addresses_that_could_break_a_header_are_refused() {
        for text in [
            "a@b\r\nBcc: c@d",
            "a b@c.se",
            "@c.se",
            "a@",
            "a@@b",
            "a@b@c",
            "<a@b.se>",
            "å@b.se",
            "a@b..se",
        ] {
            assert!(EmailAddress::new(text).is_err(), "{text:?}");
        }
        for text in ["+4670", "0701740605", "+46 70", "+0701740605", "+46701740605123456"] {
            assert!(Phone::new(text).is_err(), "{text:?}");
        }
    }
}
