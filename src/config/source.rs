//! `[sources.<id>]`: who may report, and how they prove who they are.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};

use super::SOURCES;
use super::problem::did_you_mean;
use super::reader::{Cap, Reader};
use super::secret::{is_guessable, is_unread};
use crate::model::{Rate, SHORTEST_SECRET, SchoolId, SourceId};

/// A user with a secret, as HTTP Basic and SMTP have them.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The secret.
    pub secret: SecretString,
}

/// One sender of webhooks.
#[derive(Debug, Clone)]
pub struct Source {
    /// Bearer tokens that are good now.
    pub bearer: Vec<SecretString>,
    /// HTTP Basic.
    pub basic: Option<Credentials>,
    /// Standard Webhooks secrets that are good now.
    pub signature: Vec<SecretString>,
    /// How far a signature's time may be from ours, either way.
    pub tolerance: SignedDuration,
    /// Which schools it may report for; none: all.
    pub schools: Option<BTreeSet<SchoolId>>,
    /// Most requests; none: as many as come.
    pub rate: Option<Rate>,
}

/// Old, new, and one for the sender who was forgotten.
const MOST_SECRETS: usize = 3;

impl Source {
    /// Whether all its secrets were read, so that more can be told of them.
    pub fn is_read(&self) -> bool {
        let password = self.basic.as_ref().map(|basic| &basic.secret);
        !self.bearer.iter().chain(&self.signature).chain(password).any(is_unread)
    }

    pub(super) fn read_all(root: &Reader<'_>, schools: &[String]) -> BTreeMap<SourceId, Self> {
        let mut all = BTreeMap::new();
        for (name, reader) in root.tables("sources") {
            let source = Self::read(&reader, schools);
            match url_id(&name) {
                Ok(()) => {
                    if let Ok(id) = SourceId::new(name) {
                        all.insert(id, source);
                    }
                }
                Err(remedy) => reader.error_at_head(
                    format!("{name:?} cannot be the name of a source: it becomes part of a URL"),
                    remedy,
                ),
            }
            reader.finish();
        }
        if all.is_empty() && SOURCES.iter().all(|table| !root.has(table)) {
            root.warn(
                "sources",
                "no [sources.<id>]: no attendance report will be accepted",
                "add one for the system that reports",
            );
        }
        all
    }

    fn read(reader: &Reader<'_>, schools: &[String]) -> Self {
        let bearer = reader.secrets("bearer-file", MOST_SECRETS);
        let signature = reader.secrets("signature-secret-file", MOST_SECRETS);
        let user = reader.parsed("basic-user", "a user name without a colon", |text| {
            // RFC 7617 §2.
            let bad = text.is_empty() || text.contains(':') || text.chars().any(char::is_control);
            if bad { Err(None) } else { Ok(text.to_owned()) }
        });
        let password = reader.secret("basic-password-file");
        judge(reader, &bearer, &signature, password.as_ref());
        if user.is_some() && !reader.has("basic-password-file") {
            reader.error(
                "basic-user",
                "`basic-user` without `basic-password-file`",
                "add basic-password-file = \"name\"",
            );
        }
        if reader.has("basic-password-file") && !reader.has("basic-user") {
            reader.error(
                "basic-password-file",
                "`basic-password-file` without `basic-user`",
                "add basic-user = \"name\"",
            );
        }
        if !["bearer-file", "signature-secret-file", "basic-password-file"]
            .iter()
            .any(|key| reader.has(key))
        {
            reader.error(
                "bearer-file",
                "the source has no secret: anybody could report in its name",
                "add bearer-file, signature-secret-file, or basic-user and basic-password-file",
            );
        }
        Self {
            bearer,
            basic: user.zip(password).map(|(user, secret)| Credentials { user, secret }),
            signature,
            tolerance: reader
                .duration("signature-tolerance", "1s", "1h")
                .unwrap_or(SignedDuration::from_mins(5)),
            schools: allowed_schools(reader, schools),
            rate: reader.cap("rate", true).and_then(Cap::rate),
        }
    }
}

/// Which schools a source may report for; none: all.
pub(super) fn allowed_schools(
    reader: &Reader<'_>,
    schools: &[String],
) -> Option<BTreeSet<SchoolId>> {
    let allowed =
        reader.list("schools", false, "\"all\", or a list of schools in this file", |text| {
            let known = text == "all" || schools.iter().any(|school| school == text);
            if known {
                return Ok(text.to_owned());
            }
            Err(did_you_mean(text, schools.iter().map(String::as_str)).map(str::to_owned))
        });
    if allowed.as_ref().is_some_and(Vec::is_empty) {
        reader.warn(
            "schools",
            "the source may report for no school",
            "list schools, or write \"all\"",
        );
    }
    let all = allowed.as_ref().is_none_or(|list| list.iter().any(|id| id == "all"));
    (!all).then(|| {
        let ids = allowed.unwrap_or_default().into_iter();
        ids.filter_map(|id| SchoolId::new(id).ok()).collect()
    })
}

/// What can be told of secrets without telling them: what the inlet would refuse to start with.
fn judge(
    reader: &Reader<'_>,
    bearer: &[SecretString],
    signature: &[SecretString],
    password: Option<&SecretString>,
) {
    for token in bearer {
        reader.judge_token("bearer-file", token);
    }
    if password.is_some_and(is_guessable) {
        reader.error(
            "basic-password-file",
            format!("`basic-password-file`: the password is shorter than {SHORTEST_SECRET} characters and may be guessed"),
            "make one with `openssl rand -base64 32`",
        );
    }
    // Standard Webhooks, "Signature scheme": base64 of 24–64 bytes behind `whsec_`, padded or not.
    let well_made = |secret: &SecretString| {
        is_unread(secret)
            || secret.expose_secret().strip_prefix("whsec_").is_some_and(|text| {
                STANDARD
                    .decode(text)
                    .or_else(|_| STANDARD_NO_PAD.decode(text))
                    .is_ok_and(|bytes| (24..=64).contains(&bytes.len()))
            })
    };
    if !signature.iter().all(well_made) {
        reader.error(
            "signature-secret-file",
            "`signature-secret-file`: the secret is not `whsec_` and the base64 of 24–64 bytes",
            "copy it again from the sender, or make one with `echo whsec_$(openssl rand -base64 32)`",
        );
    }
}

/// Names of sources and providers stand in URLs: `/hooks/<source>`, `/receipts/<provider>/…`.
pub(super) fn url_id(name: &str) -> Result<(), &'static str> {
    let good = !name.is_empty()
        && name.len() <= 64
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
    if good { Ok(()) } else { Err("use a–z, 0–9, - and _, at most 64") }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use crate::config::{Loader, Secrets, load_text};

    const RECEIPTS: &str = "[providers.p]\nkind = \"46elks\"\nusername-file = \"./secret\"\npassword-file = \"./secret\"\nreceipt-secret-file";

    #[test]
    fn secrets_that_would_be_refused_where_they_are_used() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("secret");
        let loader = Loader {
            credentials_dir: None,
            base_dir: folder.path().into(),
            secrets: Secrets::Required,
        };
        let good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let source = |key: &str| format!("[sources.a]\n{key}");
        for (key, secret, say) in [
            (source("bearer-file"), "0123456789abcdef", None),
            (source("bearer-file"), "tiny-one", Some("may be guessed")),
            (source("bearer-file"), "with a space in it", Some("no Authorization header")),
            (source("signature-secret-file"), good, None),
            (source("signature-secret-file"), &good[6..], Some("not `whsec_`")),
            (source("signature-secret-file"), "whsec_c2hvcnQ=", Some("24–64 bytes")),
            (source("signature-secret-file"), &format!("{good}=="), Some("not `whsec_`")),
            (source("basic-user = \"a\"\nbasic-password-file"), "hemligt", Some("may be guessed")),
            (source("basic-user = \"a\"\nbasic-password-file"), "åäöåäöåä", Some("may be guessed")),
            (source("basic-user = \"a\"\nbasic-password-file"), "åäöåäöåäåäöåäöåä", None),
            (
                source("basic-user = \"a:b\"\nbasic-password-file"),
                "0123456789abcdef",
                Some("without a colon"),
            ),
            ("api-token-file".into(), "0123456789abcdef", None),
            ("api-token-file".into(), "0123 456789 abcdef", Some("no Authorization header")),
            (RECEIPTS.into(), "0123456789abcdef", None),
            (RECEIPTS.into(), "0123456789/abcdef", Some("stand in an address")),
            (RECEIPTS.into(), "0123456789", Some("stand in an address")),
        ] {
            std::fs::write(&file, secret).expect("write");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("mode");
            let report = load_text("u", &format!("{key} = \"./secret\"\n"), &loader);
            let all: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
            let all = all.join("\n");
            match say {
                Some(say) => assert!(report.config.is_none() && all.contains(say), "{key}: {all}"),
                None => assert!(report.config.is_some(), "{key}: {all}"),
            }
            assert!(!all.contains(secret), "{all}");
        }
    }
}
