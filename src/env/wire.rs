//! The real HTTP wire: reqwest over rustls. Its one hard duty is to say honestly whether anything
//! left the machine, because only then may a text message be sent again without asking.
//!
//! How that is known (reqwest 0.13.5, hyper-util 0.1.21, hyper 1.12):
//!
//! - `reqwest::Error::is_connect` is true only for hyper-util's `ErrorKind::Connect`, made where the
//!   connector fails: name lookup, TCP, TLS handshake, a proxy's `CONNECT`, or `connect_timeout`
//!   over all of these; and where the pool cannot hand out a connection. The request is still in
//!   hand then. TLS early data is off. Hence [`WireError::NotSent`].
//! - Everything else is [`WireError::Unknown`], the total time-out too, even where it may have struck
//!   before the first byte.
//! - A pooled connection that the server closes: if the request had not been taken off hyper's queue,
//!   hyper hands it back and hyper-util sends it on a new connection by itself
//!   (`retry_canceled_requests`, which reqwest does not let us turn off); no byte of it had been
//!   written, so this is not a second sending. If it had been taken, the error is `SendRequest`:
//!   Unknown. Idle connections are dropped after `IDLE` to keep that race rare.

mod door;
mod names;
mod token;

use std::{collections::BTreeMap, path::PathBuf, sync::Once, time::Duration};

use bytes::{Bytes, BytesMut};

use jiff::Timestamp;

pub use door::{ClientIdentity, DoorSettings};
pub use token::TokenSettings;

use super::{Clock as _, Pending, SystemClock, Wire, WireError, cause};
use crate::model::ProviderId;
use crate::model::endpoint::{self, PlainHttp};

/// How long an idle connection is kept: less than the shortest keep-alive in common use (5 s, Apache
/// and Node), so that we close before the server does.
const IDLE: Duration = Duration::from_secs(4);

/// How the wire behaves.
#[derive(Debug, Clone)]
pub struct WireSettings {
    /// For name lookup, TCP and TLS together.
    pub connect_timeout: Duration,
    /// For the whole call, to the last byte of the answer. Attempts settle only after it.
    pub timeout: Duration,
    /// The most bytes of an answer's body; more is an error.
    pub max_answer: usize,
    /// Where plain `http` may go.
    pub plain_http: PlainHttp,
    /// Proxy for all calls but those to this machine, as `http://proxy.kommun.se:8080`. Proxies named in
    /// the environment are not used.
    pub proxy: Option<String>,
    /// PEM file of certificate authorities to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Accounts for which something is added to a request that is made on their behalf.
    pub accounts: BTreeMap<ProviderId, DoorSettings>,
}

impl Default for WireSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(20),
            max_answer: 64 * 1024,
            plain_http: PlainHttp::LoopbackOnly,
            proxy: None,
            ca_file: None,
            accounts: BTreeMap::new(),
        }
    }
}

/// Why the wire cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum WireSetupError {
    /// The file of certificate authorities cannot be read.
    #[error("cannot read the CA file {path}: {source}; check the path and its permissions")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It was read but holds no certificates, or the proxy is not a URL.
    #[error("cannot set up HTTP: {0}; check the CA file (PEM) and the proxy (http://host:port)")]
    Client(String),
    /// An account's certificate and key cannot be used.
    #[error(
        "cannot use the client certificate and key of [{}]: {why}; \
         check client-certificate-file and client-key-file (PEM, the key not encrypted)",
        table_of(account)
    )]
    Identity {
        /// The account.
        account: ProviderId,
        /// Why.
        why: String,
    },
}

/// The table that an account is configured in: ids of providers hold no dot, those of other tables begin with
/// their names, as `ss12000.hub`.
pub fn table_of(account: &ProviderId) -> String {
    let id = account.as_str();
    if id.contains('.') { id.to_owned() } else { format!("providers.{id}") }
}

/// [`Wire`] over the network.
#[derive(Debug)]
pub struct ReqwestWire {
    client: reqwest::Client,
    doors: BTreeMap<ProviderId, door::Door>,
    clock: SystemClock,
    timeout: Duration,
    max_answer: usize,
    plain_http: PlainHttp,
}

/// Makes ring the process's TLS cryptography. Any number of calls; the first counts.
pub fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that some other part of the process chose before us: it is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

impl ReqwestWire {
    /// Makes the wire; opens no connection.
    ///
    /// # Errors
    /// See [`WireSetupError`].
    pub fn new(settings: &WireSettings) -> Result<Self, WireSetupError> {
        install_crypto();
        let client = client(settings, &settings.ca_file, None)?;
        Ok(Self {
            doors: door::doors(settings, &client)?,
            client,
            clock: SystemClock::new(),
            timeout: settings.timeout,
            max_answer: settings.max_answer,
            plain_http: settings.plain_http,
        })
    }

    /// Sends one request as it is; `until` is the end of its time, `most` the most bytes of its
    /// answer.
    async fn send(
        &self,
        client: &reqwest::Client,
        request: http::Request<Bytes>,
        until: Timestamp,
        most: usize,
    ) -> Result<http::Response<Bytes>, WireError> {
        endpoint::check(request.uri(), self.plain_http)
            .map_err(|error| WireError::NotSent(format!("the address {error}")))?;
        let mut request = reqwest::Request::try_from(request)
            .map_err(|_| WireError::NotSent("the address is not a URL".into()))?;
        // Asked again of the host as it is read now, which may be an address where it was none.
        if let Some(fault) = request.url().host_str().and_then(endpoint::fault_of_host) {
            return Err(WireError::NotSent(format!("the address {fault}")));
        }
        let left = Duration::try_from(until.duration_since(self.clock.now())).ok();
        let Some(left) = left.filter(|left| !left.is_zero()) else {
            return Err(WireError::NotSent("no time was left to send it".into()));
        };
        *request.timeout_mut() = Some(left);
        let mut response = client.execute(request).await.map_err(|error| classify(&error))?;

        let too_large = || WireError::Unknown(format!("the answer is larger than {most} bytes"));
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
            if body.len() + chunk.len() > most {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = http::Response::new(body.freeze());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

impl Wire for ReqwestWire {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> Pending<'_, Result<http::Response<Bytes>, WireError>> {
        Box::pin(self.exchange(request))
    }
}

/// A client for what speaks a protocol of its own over HTTP, with the wire's proxy, roots and limits.
///
/// # Errors
/// See [`WireSetupError`].
pub fn client_of_its_own(settings: &WireSettings) -> Result<reqwest::Client, WireSetupError> {
    install_crypto();
    client(settings, &settings.ca_file, None)
}

/// A client by the settings; `identity` is who we are to TLS, where that is asked, and `ca_files` are trusted
/// beside the system's.
fn client<'f>(
    settings: &WireSettings,
    ca_files: impl IntoIterator<Item = &'f PathBuf>,
    identity: Option<reqwest::Identity>,
) -> Result<reqwest::Client, WireSetupError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("upprop/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.timeout)
        .pool_idle_timeout(IDLE)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .dns_resolver(names::Names)
        .no_proxy();
    if let Some(proxy) = &settings.proxy {
        let here = reqwest::NoProxy::from_string("localhost, 127.0.0.0/8, ::1");
        builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(setup)?.no_proxy(here));
    }
    for path in ca_files {
        let pem = std::fs::read(path)
            .map_err(|source| WireSetupError::CaFile { path: path.clone(), source })?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(setup)?;
        if certificates.is_empty() {
            return Err(WireSetupError::Client("the CA file holds no certificate".into()));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(identity) = identity {
        builder = builder.identity(identity);
    }
    builder.build().map_err(setup)
}

fn setup(error: reqwest::Error) -> WireSetupError {
    WireSetupError::Client(describe(&error))
}

/// See the top of this file.
fn classify(error: &reqwest::Error) -> WireError {
    if cause::refuses_certificate(error) {
        WireError::NotLetIn(describe(error))
    } else if error.is_connect() || error.is_builder() {
        WireError::NotSent(describe(error))
    } else {
        WireError::Unknown(describe(error))
    }
}

/// What went wrong, without the URL: a look-up carries a phone number in its query.
fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return if error.is_connect() { "connecting took too long" } else { "timed out" }.into();
    }
    if names::led_nowhere(error) {
        return names::NoService.to_string();
    }
    if error.is_dns() {
        return "the host's name was not found".into();
    }
    if let Some(tls) = cause::tls(error) {
        return format!("TLS: {tls}");
    }
    if let Some(kind) = cause::io_kind(error) {
        return kind.to_string();
    }
    if error.is_connect() { "could not connect" } else { "the connection broke" }.into()
}

#[cfg(test)]
mod door_tests;
#[cfg(test)]
mod tests;
