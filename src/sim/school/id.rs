//! Ids as SS 12000 has them: uuids. They follow from the school's seed, so that a run can be repeated.
//! Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A uuid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(u128);

impl Id {
    /// The one for number `number` of `kind` in the school with this seed.
    pub(super) fn of(seed: u64, kind: &str, number: u64) -> Self {
        let hash = Sha256::new()
            .chain_update(seed.to_be_bytes())
            .chain_update(kind)
            .chain_update(number.to_be_bytes())
            .finalize();
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        // Version 4, variant 1 (RFC 9562 §5.4): it looks as random as one that is.
        half[6] = half[6] & 0x0f | 0x40;
        half[8] = half[8] & 0x3f | 0x80;
        Self(u128::from_be_bytes(half))
    }

    /// Whether this one is of every `n`, by chance but always the same.
    pub(super) fn is_one_in(self, n: u128) -> bool {
        (self.0 >> 8).is_multiple_of(n)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        let (a, b, c) = (&hex[..8], &hex[8..12], &hex[12..16]);
        write!(f, "{a}-{b}-{c}-{}-{}", &hex[16..20], &hex[20..])
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// It is not 8-4-4-4-12 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no uuid")]
pub struct NoId;

impl FromStr for Id {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        let digits = text.replace('-', "");
        if lengths != [8, 4, 4, 4, 12] || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NoId);
        }
        u128::from_str_radix(&digits, 16).map(Self).map_err(|_| NoId)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom(format!("{text:?} is no uuid")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_and_follow_from_the_seed() {
        let id = Id::of(1, "person", 7);
        assert_eq!(id, Id::of(1, "person", 7));
        assert_ne!(id, Id::of(2, "person", 7));
        assert_ne!(id, Id::of(1, "group", 7));
        let text = id.to_string();
        assert_eq!((text.len(), &text[14..15]), (36, "4"), "{text}");
        assert_eq!(text.parse(), Ok(id));
        for text in ["", "7", "zz345678-1234-1234-1234-123456789012", &text.replace('-', "")] {
            assert_eq!(text.parse::<Id>(), Err(NoId), "{text}");
        }
    }
}
