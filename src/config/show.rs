//! The configuration in force: each key that the reader asked for, its value in the file's own notation, and where
//! that comes from. What stands in the file is shown as it stands there; what does not, as the file that ships
//! says. Tells of secrets where they are looked for and whether they were found, and never what they are. Pure.

mod defaults;

use std::collections::BTreeMap;

use serde::Serialize;

use super::problem::{Problem, Severity};
use super::reader::Question;
use super::{Config, MailTransport};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It stands in the file.
    File {
        /// In which line, from 1.
        line: usize,
    },
    /// It stands in the file, under `[defaults]`.
    Defaults {
        /// In which line, from 1.
        line: usize,
    },
    /// The program's own.
    Default,
    /// It follows from this other key.
    From(&'static str),
    /// There is none.
    NotSet,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shown {
    /// Its name, as `schools.bjorkskolan.grace`.
    pub key: String,
    /// Its value as the file would have it; none where there is none, or where it may not be shown.
    pub value: Option<String>,
    /// Where that comes from.
    pub origin: Origin,
    /// What else is to be said: of a secret whether it was found and where it is looked for; why a value is not
    /// shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What came of reading a file.
pub(super) struct Read<'a> {
    /// The file.
    pub text: &'a str,
    /// Every key that was asked for.
    pub asked: BTreeMap<String, Question>,
    /// What was wrong with them.
    pub problems: &'a [Problem],
}

/// Whether a key names files with secrets, or with what only the program may read.
fn is_secret(pattern: &str) -> bool {
    (pattern.ends_with("-file") && !pattern.ends_with("ca-file")) || pattern.ends_with("-files")
}

impl Read<'_> {
    /// All keys, in the order of the file that ships.
    pub fn shown(&self, config: &Config) -> Vec<Shown> {
        let mut all: Vec<(Option<usize>, &str, Shown)> = Vec::new();
        for (key, question) in &self.asked {
            if self.is_heading(key, question) || is_idle(key, question, config) {
                continue;
            }
            let (table, _) = key.rsplit_once('.').unwrap_or_default();
            all.push((defaults::order(&question.pattern), table, self.one(key, question, config)));
        }
        let first = |of: &str| {
            all.iter().filter(|(_, table, _)| *table == of).filter_map(|(at, ..)| *at).min()
        };
        let mut keyed: Vec<_> = all
            .iter()
            .map(|(at, table, shown)| ((first(table), *table, *at), shown.clone()))
            .collect();
        keyed.sort_by_key(|(place, _)| *place);
        keyed.into_iter().map(|(_, shown)| shown).collect()
    }

    /// Whether it is the head of tables, whose keys are shown one by one.
    fn is_heading(&self, key: &str, question: &Question) -> bool {
        let below = format!("{key}.");
        let tables =
            ["mail", "providers", "sources", "ss12000", "drop", "edlevo", "calendars", "schools"];
        tables.contains(&question.pattern.as_str())
            || self.asked.keys().any(|other| other.starts_with(&below))
    }

    fn one(&self, key: &str, question: &Question, config: &Config) -> Shown {
        let inherited = key
            .strip_prefix("schools.")
            .and_then(|rest| rest.rsplit_once('.'))
            .and_then(|(_, name)| self.asked.get(&format!("defaults.{name}")))
            .and_then(|question| question.place.clone());
        let (place, own) = match question.place.clone() {
            Some(place) => (Some(place), true),
            None => (inherited, false),
        };
        let Some(place) = place else { return self.unwritten(key, question, config) };
        let line = self.text[..place.start].matches('\n').count() + 1;
        let written = self.text[place].to_owned();
        let mut shown = Shown {
            key: key.to_owned(),
            value: Some(written),
            origin: if own { Origin::File { line } } else { Origin::Defaults { line } },
            note: None,
        };
        if is_secret(&question.pattern) {
            shown.note = Some(self.secret(key, shown.value.as_deref().unwrap_or_default()));
        } else if key.ends_with(".guests") {
            shown.value = None;
            shown.note = Some("addresses of people: not shown".into());
        }
        shown
    }

    fn unwritten(&self, key: &str, question: &Question, config: &Config) -> Shown {
        let kind = self.kind(key);
        let (value, origin) = if let Some((value, from)) = computed(key, config) {
            (Some(value), Origin::From(from))
        } else if let Some(value) = defaults::of(&question.pattern, kind.as_deref()) {
            (Some(value.to_owned()), Origin::Default)
        } else {
            (None, Origin::NotSet)
        };
        Shown { key: key.to_owned(), value, origin, note: None }
    }

    /// The kind of the provider that a key belongs to.
    fn kind(&self, key: &str) -> Option<String> {
        let (table, _) = key.rsplit_once('.')?;
        let place = self.asked.get(&format!("{table}.kind"))?.place.clone()?;
        Some(self.text[place].trim_matches(['"', '\'']).to_owned())
    }

    /// Where a secret is looked for, and whether it was found.
    fn secret(&self, key: &str, written: &str) -> String {
        let from = if written.contains('/') { "path" } else { "credential" };
        let worst = self.problems.iter().filter(|problem| problem.key == key);
        let worst = worst.map(|problem| problem.severity).min_by_key(|severity| match severity {
            Severity::Error => 0,
            Severity::Warning => 1,
            Severity::Note => 2,
        });
        let found = match worst {
            Some(Severity::Error) => "CANNOT BE USED",
            Some(Severity::Note) => "not looked for here",
            Some(Severity::Warning) | None => "found",
        };
        format!("{from}, {found}")
    }
}

/// Keys that mean nothing here and are not in the file: those of mail where there is none, and of the relay where
/// mail goes into a folder.
fn is_idle(key: &str, question: &Question, config: &Config) -> bool {
    const RELAY: [&str; 10] = [
        "host",
        "tls",
        "port",
        "username",
        "password-file",
        "ca-file",
        "hello-name",
        "max-connections",
        "timeout",
        "data-timeout",
    ];
    let Some(name) = key.strip_prefix("mail.") else { return false };
    question.place.is_none()
        && match config.mail.as_ref().map(|mail| &mail.transport) {
            None => true,
            Some(MailTransport::File(_)) => RELAY.contains(&name),
            Some(MailTransport::Smtp(_)) => false,
        }
}

/// Values that follow from others, and from which.
fn computed(key: &str, config: &Config) -> Option<(String, &'static str)> {
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    if key == "server.control" {
        return Some((text(&config.server.control.display().to_string()), "store.dir"));
    }
    if key == "retention.backups" {
        return Some((text(&config.retention.backups.display().to_string()), "store.dir"));
    }
    let mail = config.mail.as_ref()?;
    match (key, &mail.transport) {
        ("mail.message-id-domain", _) => Some((text(&mail.message_id_domain), "mail.from")),
        ("mail.port", MailTransport::Smtp(smtp)) => Some((smtp.port.to_string(), "mail.tls")),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
