//! `[mail]`: how mail leaves.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::address::{host, is_loopback};
use super::reader::Reader;
use super::source::Credentials;
use super::words;
use crate::model::{EmailAddress, Rate};

/// How the connection to the relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// STARTTLS, required (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// None.
    None,
}

/// The relay.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protection.
    pub tls: Tls,
    /// Who we are to it; none: it knows us by address.
    pub credentials: Option<Credentials>,
    /// PEM file of roots to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The name we give ourselves in `EHLO`; none: this host's.
    pub hello_name: Option<String>,
    /// Most connections at once.
    pub max_connections: u32,
    /// How long one message may take, from the connection until the relay wants its text.
    pub timeout: SignedDuration,
    /// How long the relay may take for the text.
    pub data_timeout: SignedDuration,
}

/// Where mail goes.
#[derive(Debug, Clone)]
pub enum MailTransport {
    /// To a relay.
    Smtp(Smtp),
    /// Into a folder, one file a message: for trials.
    File(PathBuf),
}

/// All about mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Where it goes.
    pub transport: MailTransport,
    /// The sender's address, in the header and to the relay.
    pub from: EmailAddress,
    /// The sender's name.
    pub from_name: String,
    /// Where answers go; none: to `from`.
    pub reply_to: Option<EmailAddress>,
    /// The right side of every Message-ID.
    pub message_id_domain: String,
    /// Most messages.
    pub rate: Rate,
}

/// Takes an e-mail address; answers of a kind that a reader understands.
pub(super) fn email(text: &str) -> Result<EmailAddress, Option<String>> {
    EmailAddress::new(text).map_err(|_| None)
}

const EMAIL: &str = "an e-mail address, as \"franvaro@example.se\"";

impl Mail {
    /// None when there is no such table, or it lacks what it cannot do without.
    pub(super) fn read(
        reader: Reader<'_>,
        judge_timeout: impl Fn(&Reader<'_>, SignedDuration),
    ) -> Option<Self> {
        #[derive(Clone, Copy, PartialEq)]
        enum Kind {
            Smtp,
            File,
        }
        let kind = reader.choice("transport", &[("smtp", Kind::Smtp), ("file", Kind::File)]);
        let kind = kind.unwrap_or(Kind::Smtp);
        let folder = reader.path("folder");
        let smtp = Smtp::read(&reader, kind == Kind::Smtp && reader.is_present());
        let from = reader.parsed("from", EMAIL, email);
        let from_name = reader.text("from-name").unwrap_or_else(|| "Frånvaro".into());
        let reply_to = reader.parsed("reply-to", EMAIL, email);
        let domain = reader.parsed("message-id-domain", "a domain, as \"example.se\"", host);
        let rate =
            reader.rate("rate").unwrap_or_else(|| words::rate("30/min").expect("written by us"));
        if !reader.is_present() {
            return None;
        }
        let from = reader.require("from", from, "\"franvaro@example.se\"");
        let transport = match kind {
            Kind::Smtp => smtp.map(MailTransport::Smtp),
            Kind::File => reader.require("folder", folder, "\"outbox\"").map(MailTransport::File),
        };
        if let Some(MailTransport::Smtp(smtp)) = &transport {
            judge_timeout(&reader, smtp.timeout);
        }
        reader.finish();
        let from = from?;
        let own_domain = from.expose().rsplit('@').next().unwrap_or_default().to_owned();
        Some(Self {
            transport: transport?,
            message_id_domain: domain.unwrap_or(own_domain),
            from,
            from_name,
            reply_to,
            rate,
        })
    }
}

impl Smtp {
    fn read(reader: &Reader<'_>, wanted: bool) -> Option<Self> {
        let relay = reader.parsed("host", "a host name alone, as \"relay.example.se\"", host);
        let tls = reader
            .choice(
                "tls",
                &[("starttls", Tls::StartTls), ("implicit", Tls::Implicit), ("none", Tls::None)],
            )
            .unwrap_or(Tls::StartTls);
        let usual_port = match tls {
            Tls::StartTls => 587,
            Tls::Implicit => 465,
            Tls::None => 25,
        };
        let port = reader.integer("port", 1..=65_535).and_then(|port| u16::try_from(port).ok());
        let user = reader.text("username");
        let password = reader.secret("password-file");
        let ca_file = reader.path("ca-file");
        let hello_name = reader.parsed("hello-name", "a host name, as \"upprop.example.se\"", host);
        let max_connections = reader.integer("max-connections", 1..=64).unwrap_or(2);
        let timeout =
            reader.duration("timeout", "1s", "10m").unwrap_or(SignedDuration::from_secs(30));
        let data_timeout =
            reader.duration("data-timeout", "1s", "30m").unwrap_or(SignedDuration::from_mins(5));
        if !wanted {
            return None;
        }
        let relay = reader.require("host", relay, "\"relay.example.se\"")?;
        if user.is_some() != reader.has("password-file") {
            reader.error(
                "username",
                "`username` and `password-file` go together",
                "write both, or neither for a relay that knows this machine",
            );
        }
        if tls == Tls::None && !is_loopback(&relay) {
            reader.warn(
                "tls",
                format!("mail to {relay} goes without TLS: names of pupils can be read on the way"),
                "write tls = \"starttls\"",
            );
            if user.is_some() {
                reader.error(
                    "username",
                    "a password may not go to another machine without TLS",
                    "write tls = \"starttls\" or \"implicit\"",
                );
            }
        }
        let port = port.unwrap_or(usual_port);
        if (port == 465) != (tls == Tls::Implicit) && (port == 465 || port == 587) {
            let right = if port == 465 { "implicit" } else { "starttls" };
            reader.warn(
                "tls",
                format!("port {port} usually goes with tls = \"{right}\""),
                format!("write tls = \"{right}\", if the relay does so"),
            );
        }
        Some(Self {
            host: relay,
            port,
            tls,
            credentials: user.zip(password).map(|(user, secret)| Credentials { user, secret }),
            ca_file,
            hello_name,
            max_connections,
            timeout,
            data_timeout,
        })
    }
}
