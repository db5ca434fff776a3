//! What rooms refuse of settings that a configuration may hold: everything that the daemon builds
//! from them is built here too, on trial. Reads the files that are named, makes none, connects to
//! nothing.

use std::collections::BTreeMap;
use std::fmt;

use super::settings;
use crate::config::{self, Config};
use crate::env::mail::{MailFolder, MailSetupError, SmtpTransport};
use crate::env::wire::{DoorSettings, ReqwestWire, WireSettings, WireSetupError, table_of};
use crate::model::ProviderId;
use crate::source::webhook::{SecretError, Verifier};

/// One setting that its room refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The table, as `providers.gateway`.
    pub table: String,
    /// The key in it.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// Prints as `` [providers.gateway] `lookup-url`: has no {id}; write … ``.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] `{}`: {}; {}", self.table, self.key, self.message, self.remedy)
    }
}

impl Refusal {
    fn new(table: &str, key: &'static str, message: impl Into<String>, remedy: &str) -> Self {
        Self { table: table.into(), key, message: message.into(), remedy: remedy.into() }
    }
}

/// Everything that would be refused.
pub fn refusals(config: &Config) -> Vec<Refusal> {
    let mut found = settings::providers(config).err().unwrap_or_default();
    found.extend(wire(settings::wire_settings(config)));
    found.extend(config.mail.as_ref().and_then(mail));
    found.extend(super::sources::drop_refusals(config));
    for (id, source) in config.sources.iter().filter(|(_, source)| source.is_read()) {
        if let Err(error) = Verifier::new(&settings::auth(source)) {
            found.push(secret(id.as_str(), &error));
        }
    }
    found
}

const PEM: &str = "write the path of a PEM file of certificates";

fn wire(settings: WireSettings) -> Vec<Refusal> {
    let shared = WireSettings { accounts: BTreeMap::new(), ..settings.clone() };
    if let Some(refusal) = shared_wire(shared.clone()) {
        return vec![refusal];
    }
    // One at a time, so that one does not hide the next.
    let refused = |(id, door): (&ProviderId, &DoorSettings)| {
        let accounts = [(id.clone(), door.clone())].into();
        let error = ReqwestWire::new(&WireSettings { accounts, ..shared.clone() }).err()?;
        let message = match error {
            WireSetupError::Identity { why, .. } | WireSetupError::Client(why) => why,
            WireSetupError::CaFile { path, source } => {
                let message = unreadable(&path, &source);
                return Some(Refusal::new(&table_of(id), "ca-file", message, PEM));
            }
        };
        let table = table_of(id);
        let remedy = "write a certificate and its own key, both PEM, the key not encrypted";
        Some(Refusal::new(&table, "client-certificate-file", message, remedy))
    };
    settings.accounts.iter().filter_map(refused).collect()
}

fn shared_wire(settings: WireSettings) -> Option<Refusal> {
    let error = ReqwestWire::new(&settings).err()?;
    let has_file = settings.ca_file.is_some();
    // What goes wrong without the file too is not the file's fault.
    let file_at_fault =
        has_file && ReqwestWire::new(&WireSettings { ca_file: None, ..settings }).is_ok();
    let message = match &error {
        WireSetupError::CaFile { path, source } => unreadable(path, source),
        WireSetupError::Client(what) => what.clone(),
        WireSetupError::Identity { why, .. } => why.clone(),
    };
    Some(if file_at_fault {
        Refusal::new("http", "ca-file", message, PEM)
    } else {
        Refusal::new("http", "proxy", message, "write proxy = \"http://host:port\"")
    })
}

fn unreadable(path: &std::path::Path, source: &std::io::Error) -> String {
    format!("the CA file {} cannot be read: {source}", path.display())
}

fn mail(mail: &config::Mail) -> Option<Refusal> {
    let smtp = match &mail.transport {
        config::MailTransport::Smtp(smtp) => smtp,
        config::MailTransport::File(folder) => {
            let error = MailFolder::probe(folder).err()?;
            let message = format!("the folder {} cannot be made: {error}", folder.display());
            let remedy = "write the path of a folder that is there, or that can be made";
            return Some(Refusal::new("mail", "folder", message, remedy));
        }
    };
    Some(match SmtpTransport::new(settings::mail_settings(smtp)).err()? {
        MailSetupError::CaFile { path, source } => {
            Refusal::new("mail", "ca-file", unreadable(&path, &source), PEM)
        }
        MailSetupError::Tls(what) => Refusal::new("mail", "ca-file", what, PEM),
        MailSetupError::Settings(what) => {
            let remedy = "correct it as the comments in the file that ships say";
            Refusal::new("mail", "host", what.to_string(), remedy)
        }
    })
}

/// The operator's words for what the verifier refuses.
pub(super) fn secret(source: &str, error: &SecretError) -> Refusal {
    let (key, remedy) = match error {
        SecretError::Nothing => (
            "bearer-file",
            "add bearer-file, signature-secret-file, or basic-user and its password",
        ),
        SecretError::Asymmetric
        | SecretError::Prefix
        | SecretError::Base64
        | SecretError::Length(_) => (
            "signature-secret-file",
            "copy it again from the sender, or make one with `echo whsec_$(openssl rand -base64 32)`",
        ),
        SecretError::Token | SecretError::Short("bearer token") => {
            ("bearer-file", "make one with `openssl rand -base64 32`")
        }
        SecretError::Short(_) => ("basic-password-file", "make one with `openssl rand -base64 32`"),
        SecretError::User => ("basic-user", "write a name without a colon"),
        SecretError::Tolerance => ("signature-tolerance", "write signature-tolerance = \"5m\""),
    };
    // The error's own remedy is for those who have no key to name.
    let words = error.to_string();
    let message = words.split("; ").next().unwrap_or_default();
    Refusal::new(&format!("sources.{source}"), key, message, remedy)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::*;
    use crate::config::{Loader, Report, Secrets, load_text};

    fn read(folder: &Path, text: &str) -> Report {
        let loader = Loader {
            credentials_dir: None,
            base_dir: folder.to_owned(),
            secrets: Secrets::Required,
        };
        load_text("upprop.toml", text, &loader)
    }

    #[test]
    fn what_the_daemon_could_not_be_built_from_is_told_by_its_key() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("text.pem"), "not PEM").expect("written");
        let mail = "[mail]\nfrom = \"a@example.se\"\n";
        for (text, table, key, words) in [
            (
                "[http]\nca-file = \"gone.pem\"\n".to_owned(),
                "http",
                "ca-file",
                "gone.pem cannot be read",
            ),
            ("[http]\nca-file = \"text.pem\"\n".to_owned(), "http", "ca-file", "no certificate"),
            (
                format!("{mail}host = \"a.se\"\nca-file = \"gone.pem\"\n"),
                "mail",
                "ca-file",
                "gone.pem cannot be read",
            ),
            (
                format!("{mail}host = \"a.se\"\nca-file = \"text.pem\"\n"),
                "mail",
                "ca-file",
                "no certificate",
            ),
            (
                format!("{mail}transport = \"file\"\nfolder = \"text.pem/out\"\n"),
                "mail",
                "folder",
                "cannot be made",
            ),
        ] {
            let report = read(folder.path(), &text);
            let found = refusals(&report.config.expect("each key is good"));
            let [refusal] = &found[..] else { panic!("{text}: {found:?}") };
            assert_eq!((refusal.table.as_str(), refusal.key), (table, key), "{text}");
            assert!(refusal.message.contains(words) && !refusal.remedy.is_empty(), "{refusal}");
        }
        let good =
            read(folder.path(), &format!("{mail}transport = \"file\"\nfolder = \"out/box\"\n"));
        assert_eq!(refusals(&good.config.expect("good")), []);
        assert!(!folder.path().join("out").exists(), "nothing is made");
    }

    /// Each account's certificate and key are tried together, and one does not hide the next.
    #[test]
    fn a_key_that_is_not_its_certificates_is_told_of_each_account() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("folder");
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/env/fixtures");
        for name in ["client.pem", "client.key", "server.key"] {
            let to = folder.path().join(name);
            std::fs::copy(fixtures.join(name), &to).expect("copied");
            std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o600)).expect("mode");
        }
        let account = |id: &str, key: &str| {
            format!(
                "[providers.{id}]\nkind = \"http\"\nurl = \"https://{id}.example.se/send\"\n\
                 auth = \"none\"\nfields = {{ to = \"{{to}}\", text = \"{{text}}\" }}\n\
                 reference-at = \"/id\"\nclient-certificate-file = \"./client.pem\"\n\
                 client-key-file = \"./{key}\"\n"
            )
        };
        let text = [
            account("good", "client.key"),
            account("one", "server.key"),
            account("two", "server.key"),
        ];
        let report = read(folder.path(), &text.concat());
        let config = report.config.unwrap_or_else(|| panic!("{:?}", report.problems));
        let told: Vec<_> = refusals(&config).into_iter().map(|r| (r.table, r.key)).collect();
        let key = "client-certificate-file";
        assert_eq!(told, [("providers.one".into(), key), ("providers.two".into(), key)]);
    }

    /// What passes the reading of secrets passes where they are used.
    #[test]
    fn the_verifier_takes_what_the_configuration_takes() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("secret");
        let signing = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        for (key, secret) in [
            ("bearer-file", "0123456789abcdef"),
            ("bearer-file", "=0123456789abcdef"),
            ("signature-secret-file", signing),
            ("signature-secret-file", &format!("{signing}=")),
            ("signature-secret-file", &signing[..signing.len() - 1]),
            ("signature-secret-file", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            ("basic-user = \"a\"\nbasic-password-file", "åäöåäöåäö"),
            ("basic-user = \"a\"\nbasic-password-file", "åäöåäöåäöåäöåäöå"),
        ] {
            std::fs::write(&file, secret).expect("written");
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&file, mode).expect("mode");
            let report = read(folder.path(), &format!("[sources.a]\n{key} = \"./secret\"\n"));
            if let Some(config) = report.config {
                assert_eq!(refusals(&config), [], "{key} {secret}");
            }
        }
    }
}
