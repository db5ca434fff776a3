//! The values of a table as words: texts, numbers, durations, rates, sizes, choices, paths, secrets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::SignedDuration;
use secrecy::SecretString;

use toml::de::DeValue;

use super::{Found, Reader};
use crate::config::problem::{Severity, did_you_mean};
use crate::config::secret::{SecretFault, is_guessable, is_token, unread};
use crate::config::words::{self, Misspelt};
use crate::model::{Rate, SHORTEST_SECRET};

/// A rate, or the word that there is none.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) enum Cap {
    /// `"off"`.
    Off,
    /// So many.
    To(Rate),
}

impl Cap {
    /// The rate; none when off.
    pub fn rate(self) -> Option<Rate> {
        match self {
            Self::Off => None,
            Self::To(rate) => Some(rate),
        }
    }
}

impl Reader<'_> {
    /// A text on one line, not empty.
    pub fn text(&self, key: &'static str) -> Option<String> {
        self.parsed(key, "a text on one line", |text| {
            let good = !text.trim().is_empty() && !text.chars().any(char::is_control);
            if good { Ok(text.to_owned()) } else { Err(None) }
        })
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &'static str) -> Option<bool> {
        let value = self.find(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.mismatch(key, value, false, "true or false", None);
        }
        found
    }

    /// A whole number in a range.
    pub fn integer(&self, key: &'static str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let value = self.find(key)?;
        let found = value
            .get_ref()
            .as_integer()
            .and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok())
            .filter(|n| range.contains(n));
        if found.is_none() {
            let expected = format!("a whole number {}–{}", range.start(), range.end());
            self.mismatch(key, value, false, &expected, None);
        }
        found
    }

    /// A list of whole numbers in a range; one alone is a list of one. None when an entry is bad.
    pub fn integers(
        &self,
        key: &'static str,
        range: std::ops::RangeInclusive<u32>,
        expected: &str,
    ) -> Option<Vec<u32>> {
        let value = self.find(key)?;
        let one = |item: Found<'_>| {
            let number = item.get_ref().as_integer();
            let number = number.and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok());
            let number = number.filter(|n| range.contains(n));
            if number.is_none() {
                self.mismatch(key, item, false, expected, None);
            }
            number
        };
        match value.get_ref() {
            // All are read, so that all bad ones are reported.
            DeValue::Array(items) => {
                items.iter().map(one).collect::<Vec<_>>().into_iter().collect()
            }
            _ => one(value).map(|number| vec![number]),
        }
    }

    /// A duration in words, within limits given in words.
    pub fn duration(&self, key: &'static str, least: &str, most: &str) -> Option<SignedDuration> {
        let bound = |text: &str| words::duration(text).expect("limits are written by us");
        let (low, high) = (bound(least), bound(most));
        // Examples that may be taken as they are.
        let fits = |text: &&str| (low..=high).contains(&bound(text));
        let usual = ["20m", "1h 30m", "30s", "5m", "2d", "100ms"];
        let examples: Vec<String> =
            usual.iter().filter(|t| fits(t)).take(2).map(|t| format!("{t:?}")).collect();
        let expected = format!("a duration from {least} to {most}, as {}", examples.join(" or "));
        let found = self.parsed(key, &expected, |text| {
            words::duration(text).map_err(|Misspelt(write)| write)
        })?;
        if (low..=high).contains(&found) {
            return Some(found);
        }
        self.mismatch(key, self.find(key)?, false, &expected, None);
        None
    }

    /// A list of durations in words.
    pub fn durations(&self, key: &'static str) -> Option<Vec<SignedDuration>> {
        self.list(key, false, "durations, as [\"30s\", \"2m\"]", |text| {
            words::duration(text).map_err(|Misspelt(write)| write)
        })
    }

    /// A rate in words; warns of a burst above the count.
    pub fn rate(&self, key: &'static str) -> Option<Rate> {
        self.cap(key, false)?.rate()
    }

    /// A rate in words, or `"off"` where that is allowed.
    pub fn cap(&self, key: &'static str, off: bool) -> Option<Cap> {
        let expected = if off {
            "a rate as \"90/min\" or \"10/min, burst 3\", or \"off\""
        } else {
            "a rate as \"90/min\" or \"10/min, burst 3\""
        };
        let found = self.parsed(key, expected, |text| match text {
            "off" if off => Ok(Cap::Off),
            _ => words::rate(text).map(Cap::To).map_err(|Misspelt(write)| write),
        })?;
        if let Some(rate) = found.rate().filter(|rate| rate.burst > rate.count) {
            self.warn(
                key,
                format!(
                    "`{key}` lets {} come at once, more than the {} of its whole span",
                    rate.burst, rate.count
                ),
                format!("write a burst of {} or less", rate.count),
            );
        }
        Some(found)
    }

    /// A size in words, in bytes.
    pub fn size(&self, key: &'static str, least: &str, most: &str) -> Option<u64> {
        let bound = |text| words::size(text).expect("limits are written by us");
        let (low, high) = (bound(least), bound(most));
        let expected = format!("a size from {least} to {most}, as \"256 MiB\"");
        let found =
            self.parsed(key, &expected, |text| words::size(text).map_err(|Misspelt(write)| write))?;
        if (low..=high).contains(&found) {
            return Some(found);
        }
        self.mismatch(key, self.find(key)?, false, &expected, None);
        None
    }

    /// A share in words.
    pub fn share(&self, key: &'static str) -> Option<words::Share> {
        self.parsed(key, "a share as \"20%\"", |text| {
            words::share(text).map_err(|Misspelt(write)| write)
        })
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let expected = format!("one of \"{}\"", names.join("\", \""));
        self.parsed(key, &expected, |text| {
            words
                .iter()
                .find(|(name, _)| *name == text)
                .map(|(_, value)| *value)
                .ok_or_else(|| did_you_mean(text, names.iter().copied()).map(str::to_owned))
        })
    }

    /// A file or folder, from the configuration's folder on.
    pub fn path(&self, key: &'static str) -> Option<PathBuf> {
        self.text(key).map(|text| self.context.loader.path(&text))
    }

    /// A secret by the name of its file.
    pub fn secret(&self, key: &'static str) -> Option<SecretString> {
        self.secrets(key, 1).into_iter().next()
    }

    /// Up to `most` secrets: the old and the new are both good while one is being changed for the other.
    pub fn secrets(&self, key: &'static str, most: usize) -> Vec<SecretString> {
        debug_assert!(
            key.ends_with("-file"),
            "{key}: a reader of this file knows secrets by this ending"
        );
        let name = |name: &str| Ok(name.to_owned());
        let Some(names) = self.list(key, true, "the name of a file that holds the secret", name)
        else {
            return Vec::new();
        };
        if !(1..=most).contains(&names.len()) {
            let found = names.len();
            self.error(
                key,
                format!("`{key}` names {found} files, expected 1–{most}"),
                "name as many",
            );
        }
        names.iter().filter_map(|name| self.secret_named(key, name)).collect()
    }

    /// Secrets by names that the operator chose.
    pub fn secret_table(&self, key: &'static str) -> BTreeMap<String, SecretString> {
        let names = self.texts(key);
        names
            .into_iter()
            .filter_map(|(own, name)| Some((own, self.secret_named(key, &name)?)))
            .collect()
    }

    fn secret_named(&self, key: &'static str, name: &str) -> Option<SecretString> {
        match self.context.loader.secret(name) {
            Ok(secret) => Some(secret),
            Err(SecretFault::Unchecked(what)) => {
                self.note(Severity::Note, key, what, "the unit must load it (LoadCredential=)");
                Some(unread())
            }
            Err(SecretFault::Unusable(what, remedy)) => {
                self.error(key, format!("`{key}`: {what}"), remedy);
                None
            }
        }
    }

    /// Notes an error when a token of ours can be guessed, or cannot be sent.
    pub fn judge_token(&self, key: &'static str, token: &SecretString) {
        let fault = if is_guessable(token) {
            format!(
                "`{key}`: the token is shorter than {SHORTEST_SECRET} characters and may be guessed"
            )
        } else if !is_token(token) {
            format!("`{key}`: the token holds characters that no Authorization header carries")
        } else {
            return;
        };
        self.error(key, fault, "make one with `openssl rand -base64 32`");
    }
}
