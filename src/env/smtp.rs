//! One message at a time to a relay over SMTP, with lettre's protocol and TLS but our own steps.
//!
//! Why not `lettre::AsyncSmtpTransport` (0.11.23): its `timeout` covers only the TCP connect, so the
//! caller must add one; a send that is cancelled by it puts its connection back into the pool in mid-
//! dialogue, where the late reply to one message is then read as the reply to the next; and its errors
//! do not say in which phase they arose. Here each step is a known [`Phase`], time-outs cover all of
//! them, and a connection is kept only when the dialogue came to a known end.

use std::{error::Error as _, path::PathBuf, sync::Mutex, sync::PoisonError, time::Duration};

use bytes::Bytes;
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, Mechanism},
    client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
    commands::{Data, Mail, Noop, Rcpt, Rset},
    extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    response::Response,
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use secrecy::ExposeSecret as _;
use tokio::{net::TcpStream, sync::Semaphore};

use super::{MailEnvelope, MailOutcome, Probed, cause, wire::install_crypto};
use crate::channel::email::{
    MailSettings, TlsMode,
    outcome::{Fault, Phase, fold},
    settings::MailSettingsError,
};

/// Why a relay cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum MailSetupError {
    /// The settings contradict themselves.
    #[error("mail: {0}")]
    Settings(#[from] MailSettingsError),
    /// The file of certificate authorities cannot be read.
    #[error("cannot read the CA file {path}: {source}; check the path and its permissions")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// TLS cannot be set up from the file or the system's certificates.
    #[error("cannot set up TLS for mail: {0}; check that the CA file is PEM")]
    Tls(String),
}

/// A relay and the connections to it.
pub struct SmtpTransport {
    settings: MailSettings,
    hello: ClientId,
    tls: Option<TlsParameters>,
    slots: Semaphore,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
}

impl std::fmt::Debug for SmtpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpTransport").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A step's failure, with what of the relay's words is needed to fold it.
enum Failure {
    Reply { code: u16, text: String },
    Lost(&'static str),
    Lacks(&'static str),
}

impl SmtpTransport {
    /// Makes the transport; opens no connection.
    ///
    /// # Errors
    /// See [`MailSetupError`].
    pub fn new(settings: MailSettings) -> Result<Self, MailSetupError> {
        settings.check()?;
        install_crypto();
        let tls = match settings.tls {
            TlsMode::None => None,
            TlsMode::Starttls | TlsMode::Implicit => Some(tls_parameters(&settings)?),
        };
        Ok(Self {
            hello: ClientId::Domain(settings.hello_name.clone()),
            tls,
            slots: Semaphore::new(settings.max_connections),
            idle: Mutex::new(Vec::new()),
            settings,
        })
    }

    /// Hands one message to the relay.
    pub async fn deliver(&self, envelope: &MailEnvelope, message: Bytes) -> MailOutcome {
        let mut phase = Phase::Connect;
        match self.attempt(envelope, &message, &mut phase).await {
            Ok(()) => MailOutcome::Accepted { reference: None, parts: None },
            Err(Failure::Reply { code, text }) => fold(phase, &Fault::Reply { code, text: &text }),
            Err(Failure::Lost(why)) => fold(phase, &Fault::Lost(why)),
            Err(Failure::Lacks(what)) => fold(phase, &Fault::Lacks(what)),
        }
    }

    /// Connects, shows who we are, and says good-bye: all of a send but the mail. On a connection of its own.
    pub async fn probe(&self) -> Probed {
        let mut phase = Phase::Connect;
        let tried = async {
            let mut connection = self.open(&mut phase).await?;
            phase = Phase::Mail;
            expect(connection.command(Noop).await, |code| code / 100 == 2)?;
            // The relay has answered all that was asked of it.
            let _ = connection.quit().await;
            Ok(())
        };
        let result = in_time(self.settings.timeout, tried).await;
        let why = match result {
            Ok(()) if self.settings.credentials.is_some() => return Probed::LoggedIn,
            Ok(()) => return Probed::Reached,
            Err(Failure::Reply { code, .. }) => code.to_string(),
            Err(Failure::Lost(why) | Failure::Lacks(why)) => why.to_owned(),
        };
        let step = match phase {
            Phase::Connect => "connect",
            Phase::Starttls => "starttls",
            Phase::Auth => "login",
            Phase::Mail | Phase::Rcpt | Phase::Data | Phase::Body => "noop",
        };
        Probed::Refused { step, why }
    }

    /// Says `QUIT` on the connections that are idle now.
    pub async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        let polite = async {
            for mut connection in idle {
                connection.abort().await;
            }
        };
        // A relay that does not answer is left; the sockets close anyway.
        let _ = tokio::time::timeout(self.settings.timeout, polite).await;
    }

    async fn attempt(
        &self,
        envelope: &MailEnvelope,
        message: &[u8],
        phase: &mut Phase,
    ) -> Result<(), Failure> {
        // A lone CR or LF before a dot could end the message early for some relays and smuggle in
        // another (CERT/CC VU#302671). Our own encoder never writes one.
        if has_bare_newline(message) {
            return Err(Failure::Reply { code: 554, text: "5.6.0".into() });
        }
        let from = address(&envelope.from).ok_or(Failure::Lacks("sender-address"))?;
        let Some(to) = address(&envelope.to) else {
            *phase = Phase::Rcpt;
            return Err(Failure::Reply { code: 553, text: "5.1.3".into() });
        };
        // Those before us have time-outs of their own.
        let _slot = self.slots.acquire().await.map_err(|_| Failure::Lost("closed"))?;
        let begun = self.begin(&from, &to, message, phase);
        let mut connection = in_time(self.settings.timeout, begun).await?;
        *phase = Phase::Body;
        // lettre ends the message with CRLF, dot, CRLF whatever it ends with.
        let text = message.strip_suffix(b"\r\n").unwrap_or(message);
        let ended = async { expect(connection.message(text).await, |code| code / 100 == 2) };
        let result = in_time(self.settings.data_timeout, ended).await;
        self.keep(connection, &result);
        result
    }

    /// The dialogue up to the relay's word that it wants the text.
    async fn begin(
        &self,
        from: &lettre::Address,
        to: &lettre::Address,
        message: &[u8],
        phase: &mut Phase,
    ) -> Result<AsyncSmtpConnection, Failure> {
        loop {
            *phase = Phase::Connect;
            let (mut connection, reused) = match self.take_idle().await {
                Some(connection) => (connection, true),
                None => (self.open(phase).await?, false),
            };
            *phase = Phase::Mail;
            match mail(&mut connection, from, message).await {
                // An old connection the relay was tired of; nothing of the message has left.
                Err(Failure::Lost(_) | Failure::Reply { code: 421, .. }) if reused => continue,
                result => result?,
            }
            let result = announce(&mut connection, to, phase).await;
            if result.is_ok() {
                return Ok(connection);
            }
            self.keep(connection, &result);
            result?;
        }
    }

    /// Keeps a connection whose dialogue came to a known end.
    fn keep(&self, connection: AsyncSmtpConnection, result: &Result<(), Failure>) {
        if matches!(result, Ok(()) | Err(Failure::Reply { code: 422..=599 | 400..=420, .. })) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    /// An idle connection that still answers and is at the start of a dialogue.
    async fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let mut connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            // A link that died without a word must not eat the whole time-out.
            let check = tokio::time::timeout(self.settings.timeout / 4, connection.command(Rset));
            if check.await.is_ok_and(|reply| reply.is_ok_and(|reply| reply.has_code(250))) {
                return Some(connection);
            }
        }
    }

    async fn open(&self, phase: &mut Phase) -> Result<AsyncSmtpConnection, Failure> {
        let implicit = self.tls.clone().filter(|_| self.settings.tls == TlsMode::Implicit);
        let relay = (self.settings.host.as_str(), self.settings.port);
        let timeout = Some(self.settings.timeout);
        let opened = if implicit.is_some() {
            AsyncSmtpConnection::connect_tokio1(relay, timeout, &self.hello, implicit, None).await
        } else {
            let stream = dial(relay).await?;
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await
        };
        let mut connection = opened.map_err(|error| failure(&error))?;
        if let (TlsMode::Starttls, Some(tls)) = (self.settings.tls, &self.tls) {
            *phase = Phase::Starttls;
            if !connection.can_starttls() {
                return Err(Failure::Lacks("starttls-not-offered"));
            }
            connection.starttls(tls.clone(), &self.hello).await.map_err(|error| failure(&error))?;
        }
        if let Some((user, password)) = &self.settings.credentials {
            *phase = Phase::Auth;
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if connection.server_info().get_auth_mechanism(&mechanisms).is_none() {
                return Err(Failure::Lacks("auth-not-offered"));
            }
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            let reply = connection.auth(&mechanisms, &credentials).await;
            expect(reply, |code| code == 235)?;
        }
        Ok(connection)
    }
}

/// Without Nagle's delay: lettre writes a message's end by itself, and it would wait 40 ms for the
/// relay's acknowledgement of what went before.
async fn dial(relay: (&str, u16)) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(relay).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Failure::Lost("refused"),
        std::io::ErrorKind::TimedOut => Failure::Lost("timeout"),
        _ => Failure::Lost("lost"),
    })?;
    stream.set_nodelay(true).map_err(|_| Failure::Lost("lost"))?;
    Ok(stream)
}

async fn mail(
    connection: &mut AsyncSmtpConnection,
    from: &lettre::Address,
    message: &[u8],
) -> Result<(), Failure> {
    let mut parameters = Vec::new();
    if !message.is_ascii() {
        if !connection.server_info().supports_feature(Extension::EightBitMime) {
            return Err(Failure::Lacks("8bitmime-not-offered"));
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let reply = connection.command(Mail::new(Some(from.clone()), parameters)).await;
    expect(reply, |code| code / 100 == 2)
}

/// Names the recipient and asks to send the text.
async fn announce(
    connection: &mut AsyncSmtpConnection,
    to: &lettre::Address,
    phase: &mut Phase,
) -> Result<(), Failure> {
    *phase = Phase::Rcpt;
    expect(connection.command(Rcpt::new(to.clone(), Vec::new())).await, |code| code / 100 == 2)?;
    *phase = Phase::Data;
    expect(connection.command(Data).await, |code| code == 354)
}

/// A step, or its time-out.
async fn in_time<T>(
    limit: Duration,
    step: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(limit, step).await.unwrap_or(Err(Failure::Lost("timeout")))
}

/// A positive reply of another kind than the step needs leaves the two sides out of step.
fn expect(reply: Result<Response, Error>, fits: fn(u16) -> bool) -> Result<(), Failure> {
    let reply = reply.map_err(|error| failure(&error))?;
    if fits(reply.code().into()) { Ok(()) } else { Err(Failure::Lost("unexpected")) }
}

fn failure(error: &Error) -> Failure {
    if let Some(code) = error.status() {
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        return Failure::Reply { code: code.into(), text };
    }
    if cause::tls(error).is_some() {
        return Failure::Lost("tls");
    }
    match cause::io_kind(error) {
        Some(std::io::ErrorKind::ConnectionRefused) => Failure::Lost("refused"),
        Some(std::io::ErrorKind::TimedOut) => Failure::Lost("timeout"),
        _ if error.is_response() => Failure::Lost("unreadable"),
        _ => Failure::Lost("lost"),
    }
}

fn tls_parameters(settings: &MailSettings) -> Result<TlsParameters, MailSetupError> {
    let tls = |error: Error| MailSetupError::Tls(error.to_string());
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.ca_file {
        let pem = std::fs::read(path)
            .map_err(|source| MailSetupError::CaFile { path: path.clone(), source })?;
        // lettre takes a file without one, and then trusts nobody.
        if CertificateDer::pem_slice_iter(&pem).next().is_none() {
            return Err(MailSetupError::Tls("the CA file holds no certificate".into()));
        }
        let authority = Certificate::from_pem(&pem).map_err(tls)?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    builder.build_rustls().map_err(tls)
}

fn address(address: &crate::model::EmailAddress) -> Option<lettre::Address> {
    address.expose().parse().ok()
}

fn has_bare_newline(message: &[u8]) -> bool {
    let mut previous = 0;
    for &byte in message {
        if (byte == b'\n') != (previous == b'\r') {
            return true;
        }
        previous = byte;
    }
    previous == b'\r'
}

#[cfg(test)]
mod tests;
