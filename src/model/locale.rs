//! Languages a text can be written in.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// A lower-case BCP 47 primary language tag (`sv`, `en`, `fi`): a folder name under `templates/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "CompactString", into = "CompactString")]
pub struct Locale(CompactString);

impl Locale {
    /// Takes a tag; a region is dropped (`sv-SE` is `sv`).
    ///
    /// # Errors
    /// When it does not start with two or three ASCII letters.
    pub fn new(text: &str) -> Result<Self, String> {
        let primary = text.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        if (2..=3).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_lowercase()) {
            Ok(Self(primary.into()))
        } else {
            Err("is not a language tag, as sv or en".into())
        }
    }

    /// Swedish, the last resort of every choice.
    pub fn swedish() -> Self {
        Self("sv".into())
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<CompactString> for Locale {
    type Error = String;
    fn try_from(text: CompactString) -> Result<Self, String> {
        Self::new(&text)
    }
}

impl From<Locale> for CompactString {
    fn from(locale: Locale) -> Self {
        locale.0
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
