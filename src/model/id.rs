//! Opaque identifiers. They come from other systems and carry no meaning here: they may be logged,
//! compared and used in keys, never shown to a guardian.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::unseen::is_invisible;

/// Longest identifier taken from outside, in bytes: it becomes part of a store key.
pub const MAX_ID_BYTES: usize = 128;

/// Why a text cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("is empty")]
    Empty,
    /// More than [`MAX_ID_BYTES`] bytes.
    #[error("is longer than {MAX_ID_BYTES} bytes")]
    TooLong,
    /// A control, bidirectional or white-space character other than an inner space.
    #[error("holds a control or invisible character, or starts or ends with a space")]
    BadCharacter,
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > MAX_ID_BYTES {
        return Err(IdError::TooLong);
    }
    if text.chars().any(is_invisible) || text.trim() != text {
        return Err(IdError::BadCharacter);
    }
    Ok(())
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "CompactString", into = "CompactString")]
        #[schemars(with = "String", extend("minLength" = 1, "maxLength" = 128))]
        pub struct $name(CompactString);

        impl $name {
            /// Takes a text from outside.
            ///
            /// # Errors
            /// When it is empty, longer than [`MAX_ID_BYTES`], or holds invisible characters.
            pub fn new(text: impl Into<CompactString>) -> Result<Self, IdError> {
                let text = text.into();
                check(&text)?;
                Ok(Self(text))
            }

            /// The text as it came.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<CompactString> for $name {
            type Error = IdError;
            fn try_from(text: CompactString) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for CompactString {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(/** A school unit (skolenhet), as configured under `[schools.<id>]`. */ SchoolId);
text_id!(/** A pupil, unique within one school. */ PupilId);
text_id!(/** A guardian (vårdnadshavare), unique within the directory. */ GuardianId);
text_id!(/** A member of staff, unique within the directory. */ StaffId);
text_id!(/** A lesson occurrence (SS 12000 `CalendarEvent`), unique within one school. */ LessonId);
text_id!(/** A group of pupils: a class, or those who have a subject together (SS 12000 `Group`). */ GroupId);
text_id!(/** A source of observations, as configured under `[sources.<id>]`. */ SourceId);
text_id!(/** An event, unique for its sender. */ EventId);
text_id!(/** A provider account, as configured under `[providers.<id>]`. */ ProviderId);

/// Digits that are not mistaken for one another, read or heard (Crockford's base 32).
pub(super) const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// How many of them people say of one thing.
pub(super) const SPOKEN: usize = 7;

/// A notification: 32 hexadecimal digits, the start of the SHA-256 of what makes it unique.
///
/// Making the same decision twice makes the same id, so a repeated decision writes the same row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "CompactString", into = "String")]
pub struct NotificationId([u8; 32]);

impl NotificationId {
    /// Hashes the parts, each with its length, so that no two lists of parts give the same bytes.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        let mut digits = [b'0'; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(digest.as_slice()) {
            for (digit, half) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *digit = b"0123456789abcdef"[usize::from(half)];
            }
        }
        Self(digits)
    }

    /// Takes back an id that was written out before; upper-case digits mean the same.
    ///
    /// # Errors
    /// When it is not 32 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let mut digits =
            <[u8; 32]>::try_from(text.as_bytes()).map_err(|_| IdError::BadCharacter)?;
        digits.make_ascii_lowercase();
        if digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(digits))
        } else {
            Err(IdError::BadCharacter)
        }
    }

    /// The 32 digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The first eight bytes as a number: a source of spread (jitter) that is the same each time.
    pub fn spread(&self) -> u64 {
        u64::from_str_radix(&self.as_str()[..16], 16).unwrap_or(0)
    }

    /// Digits that people say aloud and type. 35 bits: two of 40,000 in a year share a number once in 40 years.
    pub fn spoken(&self) -> String {
        let mut rest = self.spread();
        (0..SPOKEN)
            .map(|_| {
                let digit = DIGITS[usize::try_from(rest % 32).unwrap_or_default()];
                rest /= 32;
                char::from(digit)
            })
            .collect()
    }
}

impl TryFrom<CompactString> for NotificationId {
    type Error = IdError;
    fn try_from(text: CompactString) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl From<NotificationId> for String {
    fn from(id: NotificationId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Debug for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotificationId({self})")
    }
}

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_be_a_key() {
        for (text, error) in [
            ("", IdError::Empty),
            (" a", IdError::BadCharacter),
            ("a\nb", IdError::BadCharacter),
            ("a\u{202e}b", IdError::BadCharacter),
            ("a\0b", IdError::BadCharacter),
        ] {
            assert_eq!(PupilId::new(text), Err(error), "{text:?}");
        }
        assert_eq!(PupilId::new("x".repeat(129)), Err(IdError::TooLong));
        assert!(PupilId::new("5a3c2b1e-0000-4000-8000-000000000001").is_ok());
    }

    #[test]
    fn notification_ids_do_not_run_together() {
        assert_ne!(NotificationId::of(&["ab", "c"]), NotificationId::of(&["a", "bc"]));
        assert_eq!(NotificationId::of(&["a"]), NotificationId::of(&["a"]));
        assert!(NotificationId::parse(NotificationId::of(&["a"]).as_str()).is_ok());
        assert!(NotificationId::parse("A").is_err());
        let shouted = NotificationId::of(&["a"]).as_str().to_uppercase();
        assert_eq!(NotificationId::parse(&shouted), Ok(NotificationId::of(&["a"])));
        assert!(NotificationId::parse(&shouted.replace(['A', 'B', '0', '1'], "G")).is_err());
    }
}
