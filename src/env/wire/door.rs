//! What the wire adds to the requests of one account, and no adapter can know: a client certificate,
//! and a token of the hour.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::AUTHORIZATION};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::token::{TokenSettings, Tokens};
use super::{ReqwestWire, WireError, WireSettings, WireSetupError};
use crate::env::Clock as _;
use crate::model::{OnBehalfOf, ProviderId};

/// What the wire adds for one account.
#[derive(Debug, Clone, Default)]
pub struct DoorSettings {
    /// Who we are to TLS, if the service asks for it.
    pub identity: Option<ClientIdentity>,
    /// Where tokens come from, if the service is entered by one.
    pub token: Option<TokenSettings>,
    /// PEM file of certificate authorities to trust beside those of all accounts.
    pub ca_file: Option<PathBuf>,
    /// For a whole call; none: as for all accounts.
    pub timeout: Option<Duration>,
    /// The most bytes of an answer's body; none: as for all accounts.
    pub max_answer: Option<usize>,
}

/// A client certificate (RFC 8446 §4.4.2) and its key.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    /// The certificate and those that lead to its root, as PEM.
    pub certificate: String,
    /// Its private key, as PEM, not encrypted.
    pub key: SecretString,
}

/// One account's way out.
#[derive(Debug)]
pub(super) struct Door {
    client: reqwest::Client,
    tokens: Option<Tokens>,
    timeout: Duration,
    max_answer: usize,
}

/// Makes the doors of all accounts.
pub(super) fn doors(
    settings: &WireSettings,
    client: &reqwest::Client,
) -> Result<BTreeMap<ProviderId, Door>, WireSetupError> {
    let one = |(id, own): (&ProviderId, &DoorSettings)| {
        let (timeout, max_answer) = (
            own.timeout.unwrap_or(settings.timeout),
            own.max_answer.unwrap_or(settings.max_answer),
        );
        let own_client = || {
            let identity = own.identity.as_ref().map(|identity| read(id, identity)).transpose()?;
            let settings = WireSettings { timeout, ..settings.clone() };
            let files = settings.ca_file.iter().chain(&own.ca_file);
            super::client(&settings, files, identity).map_err(|error| match error {
                file @ WireSetupError::CaFile { .. } => file,
                other => unfit(id, &other.to_string()),
            })
        };
        let shared = own.identity.is_none() && own.ca_file.is_none() && timeout <= settings.timeout;
        let client = if shared { client.clone() } else { own_client()? };
        let tokens = own.token.clone().map(|token| Tokens::new(id.clone(), token));
        Ok((id.clone(), Door { client, tokens, timeout, max_answer }))
    };
    settings.accounts.iter().map(one).collect()
}

fn read(id: &ProviderId, identity: &ClientIdentity) -> Result<reqwest::Identity, WireSetupError> {
    let pem = format!("{}\n{}", identity.key.expose_secret(), identity.certificate);
    reqwest::Identity::from_pem(pem.as_bytes())
        .map_err(|_| unfit(id, "they are not a private key and certificates in PEM"))
}

fn unfit(account: &ProviderId, why: &str) -> WireSetupError {
    WireSetupError::Identity { account: account.clone(), why: why.into() }
}

impl ReqwestWire {
    /// Sends a request as its account. All of it, tokens too, takes no longer than one call may: attempts
    /// settle after that.
    pub(super) async fn exchange(
        &self,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, WireError> {
        let began = self.clock.now();
        let until = |span| began.saturating_add(span).unwrap_or(Timestamp::MAX);
        let Some(OnBehalfOf(account)) = request.extensions_mut().remove::<OnBehalfOf>() else {
            return self.send(&self.client, request, until(self.timeout), self.max_answer).await;
        };
        let Some(door) = self.doors.get(&account) else {
            return Err(WireError::NotLetIn(format!("the wire knows no account {account}")));
        };
        let (until, most) = (until(door.timeout), door.max_answer);
        let Some(tokens) = &door.tokens else {
            return self.send(&door.client, request, until, most).await;
        };
        let send = |request: Request<Bytes>, until: Timestamp| -> super::Pending<'_, _> {
            Box::pin(self.send(&door.client, request, until, self.max_answer))
        };
        let pass = tokens.pass(&self.clock, until, None, &send).await?;
        let with = |header| {
            let mut request = request.clone();
            request.headers_mut().insert(AUTHORIZATION, header);
            request
        };
        let answer = self.send(&door.client, with(pass.header.clone()), until, most).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || pass.is_new {
            return Ok(answer);
        }
        // A token may be withdrawn before its time. The message was certainly not taken (RFC 9110
        // §15.5.2), so it may go once more, with a token that is new.
        let pass = tokens.pass(&self.clock, until, Some(&pass.header), &send).await?;
        self.send(&door.client, with(pass.header), until, most).await
    }
}
