//! What is needed to hand mail to the municipality's relay. Values only; nothing is opened here.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;

use crate::model::endpoint::is_loopback;

/// How the connection to the relay is protected. There is no "if offered": that can be stripped on
/// the way (RFC 8314 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Plain first, then TLS by STARTTLS (RFC 3207), usually port 587; refused if not offered.
    Starttls,
    /// TLS from the first byte (RFC 8314), usually port 465.
    Implicit,
    /// None at all, by explicit choice: an internal relay that knows us by address.
    None,
}

/// A relay.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Host name or address; with TLS, the name its certificate must carry.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Protection of the connection.
    pub tls: TlsMode,
    /// User and password (`AUTH PLAIN` or `LOGIN`); none for a relay that knows us by address.
    pub credentials: Option<(String, SecretString)>,
    /// PEM file of certificate authorities to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// For one message, from the connection until the relay wants the text.
    pub timeout: Duration,
    /// For the text and the reply to its end. Longer: a relay may scan it first, and a reply that is not
    /// waited for is a message in doubt (RFC 5321 §4.5.3.2.6 gives it 10 minutes).
    pub data_timeout: Duration,
    /// The most connections at once; Microsoft 365 allows about three to a mailbox.
    pub max_connections: usize,
    /// The name given in `EHLO`: our host's full name.
    pub hello_name: String,
}

/// What is wrong with [`MailSettings`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailSettingsError {
    /// A password would cross the network in clear.
    #[error(
        "credentials need tls = \"starttls\" or \"implicit\", unless the relay is on this machine"
    )]
    PasswordInClear,
    /// Not a host name.
    #[error("the {0} is not a host name of letters, digits, dots and hyphens")]
    HostName(&'static str),
    /// Nothing could ever be sent.
    #[error("max_connections and the time-outs must be more than 0")]
    Zero,
}

impl MailSettings {
    /// Finds what cannot work, before anything is opened.
    ///
    /// # Errors
    /// See [`MailSettingsError`].
    pub fn check(&self) -> Result<(), MailSettingsError> {
        if self.tls == TlsMode::None && self.credentials.is_some() && !is_loopback(&self.host) {
            return Err(MailSettingsError::PasswordInClear);
        }
        for (what, name) in [("host", &self.host), ("hello_name", &self.hello_name)] {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
            if name.is_empty() || !name.bytes().all(fits) {
                return Err(MailSettingsError::HostName(what));
            }
        }
        if self.max_connections == 0 || self.timeout.is_zero() || self.data_timeout.is_zero() {
            return Err(MailSettingsError::Zero);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> MailSettings {
        MailSettings {
            host: "relay.kommun.example".into(),
            port: 587,
            tls: TlsMode::Starttls,
            credentials: Some(("narvaro".into(), "hemligt".into())),
            ca_file: None,
            timeout: Duration::from_mins(1),
            data_timeout: Duration::from_mins(1),
            max_connections: 3,
            hello_name: "upprop.kommun.example".into(),
        }
    }

    #[test]
    fn what_cannot_work_is_found() {
        use MailSettingsError::{HostName, PasswordInClear, Zero};
        type Case = (fn(&mut MailSettings), Result<(), MailSettingsError>);
        let cases: [Case; 7] = [
            (|_| {}, Ok(())),
            (|s| s.tls = TlsMode::None, Err(PasswordInClear)),
            (|s| (s.tls, s.credentials) = (TlsMode::None, None), Ok(())),
            (|s| (s.tls, s.host) = (TlsMode::None, "127.0.0.1".into()), Ok(())),
            (|s| s.hello_name = "a\r\nMAIL FROM:<x@y>".into(), Err(HostName("hello_name"))),
            (|s| s.host.clear(), Err(HostName("host"))),
            (|s| s.max_connections = 0, Err(Zero)),
        ];
        for (number, (change, expected)) in cases.into_iter().enumerate() {
            let mut settings = settings();
            change(&mut settings);
            assert_eq!(settings.check(), expected, "case {number}");
        }
    }

    #[test]
    fn the_password_does_not_print() {
        assert!(!format!("{:?}", settings()).contains("hemligt"));
    }
}
