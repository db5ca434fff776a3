//! `[pages]`: the pages that mails to the attendance team have links to.

use jiff::SignedDuration;
use secrecy::SecretString;

use super::address::{base_url, judge};
use super::reader::Reader;
use super::secret::is_guessable;
use crate::model::SHORTEST_SECRET;

/// Pages for staff.
#[derive(Debug, Clone)]
pub struct Pages {
    /// How staff reach them, without a slash at the end.
    pub url: String,
    /// What links are signed with.
    pub secret: SecretString,
    /// How long after its mail a link may be used.
    pub links_for: SignedDuration,
}

/// An address that stands in a mail and in a browser's line.
const URL: &str =
    "the https address that staff reach this gateway by, as \"https://upprop.example.se\"";

impl Pages {
    /// None when there is no such table, or it lacks what it cannot do without. `contacts`: how long what they show is
    /// kept.
    pub(super) fn read(reader: Reader<'_>, contacts: SignedDuration) -> Option<Self> {
        let url = reader.parsed("url", URL, base_url);
        let secret = reader.secret("secret-file");
        let links_for = reader.duration("links-for", "1h", "60d");
        if !reader.is_present() {
            return None;
        }
        if let Some(url) = &url {
            judge(&reader, "url", url, "a case and its link");
        }
        if secret.as_ref().is_some_and(is_guessable) {
            reader.error(
                "secret-file",
                format!(
                    "`secret-file`: the secret is shorter than {SHORTEST_SECRET} characters, and links could be forged"
                ),
                "make one with `openssl rand -base64 32`",
            );
        }
        let links_for = links_for.unwrap_or(SignedDuration::from_hours(14 * 24));
        if links_for > contacts {
            reader.warn(
                "links-for",
                "`links-for` is longer than `contacts` in [retention], and a case is closed when those are gone",
                "write a shorter one",
            );
        }
        let url = reader.require("url", url, "\"https://upprop.example.se\"");
        let secret = reader.require("secret-file", secret, "\"pages-secret\"");
        reader.finish();
        Some(Self { url: url?, secret: secret?, links_for })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Loader, Report, Secrets, load_text};
    use super::*;

    fn read(table: &str) -> Report {
        let base_dir = std::path::PathBuf::from("/");
        let loader = Loader { credentials_dir: None, base_dir, secrets: Secrets::Skipped };
        load_text("t.toml", table, &loader)
    }

    #[test]
    fn pages_are_on_with_an_address_and_a_secret_and_off_without_a_table() {
        let config = |text: &str| read(text).readable().cloned().expect("readable");
        assert!(config("").pages.is_none());
        let on = config("[pages]\nurl = \"https://u.example.se/\"\nsecret-file = \"s\"\n");
        let pages = on.pages.expect("on");
        assert_eq!(pages.url, "https://u.example.se");
        assert_eq!(pages.links_for, SignedDuration::from_hours(14 * 24));
        assert!(
            config("[pages]\nurl = \"http://127.0.0.1:8750\"\nsecret-file = \"s\"\n")
                .pages
                .is_some()
        );
    }

    #[test]
    fn what_is_wrong_is_said_at_its_key() {
        for (table, key, words) in [
            ("[pages]\n", "pages.url", "no `url`"),
            ("[pages]\nurl = \"https://u.example.se\"\n", "pages.secret-file", "no `secret-file`"),
            (
                "[pages]\nurl = \"http://u.example.se\"\nsecret-file = \"s\"\n",
                "pages.url",
                "is not https",
            ),
            (
                "[pages]\nurl = \"u.example.se\"\nsecret-file = \"s\"\n",
                "pages.url",
                "expected the https",
            ),
            (
                "[pages]\nurl = \"https://u.example.se\"\nsecret-file = \"s\"\nlinks-for = \"90d\"\n",
                "pages.links-for",
                "expected a duration",
            ),
            (
                "[pages]\nurl = \"https://u.example.se\"\nsecret-file = \"s\"\nlinks-for = \"45d\"\n",
                "pages.links-for",
                "longer than `contacts`",
            ),
        ] {
            let report = read(table);
            let found = report.problems.iter().find(|problem| problem.key == key);
            let message = &found.unwrap_or_else(|| panic!("{key}: {:?}", report.problems)).message;
            assert!(message.contains(words), "{message}");
        }
    }
}
