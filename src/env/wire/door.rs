//! What the wire adds to the requests of one account, and no adapter can know: a client certificate,
//! and a token of the hour.

use std::collections::BTreeMap;

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
}

/// Makes the doors of all accounts.
pub(super) fn doors(
    settings: &WireSettings,
    client: &reqwest::Client,
) -> Result<BTreeMap<ProviderId, Door>, WireSetupError> {
    let one = |(id, own): (&ProviderId, &DoorSettings)| {
        let client = match &own.identity {
            Some(identity) => super::client(settings, Some(read(id, identity)?))
                .map_err(|error| unfit(id, &error.to_string()))?,
            None => client.clone(),
        };
        let tokens = own.token.clone().map(|token| Tokens::new(id.clone(), token));
        Ok((id.clone(), Door { client, tokens }))
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
        let until = self.clock.now().saturating_add(self.timeout).unwrap_or(Timestamp::MAX);
        let Some(OnBehalfOf(account)) = request.extensions_mut().remove::<OnBehalfOf>() else {
            return self.send(&self.client, request, until).await;
        };
        let Some(door) = self.doors.get(&account) else {
            return Err(WireError::NotLetIn(format!("the wire knows no account {account}")));
        };
        let Some(tokens) = &door.tokens else {
            return self.send(&door.client, request, until).await;
        };
        let send = |request: Request<Bytes>, until: Timestamp| -> super::Pending<'_, _> {
            Box::pin(self.send(&door.client, request, until))
        };
        let pass = tokens.pass(&self.clock, until, None, &send).await?;
        let with = |header| {
            let mut request = request.clone();
            request.headers_mut().insert(AUTHORIZATION, header);
            request
        };
        let answer = self.send(&door.client, with(pass.header.clone()), until).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || pass.is_new {
            return Ok(answer);
        }
        // A token may be withdrawn before its time. The message was certainly not taken (RFC 9110
        // §15.5.2), so it may go once more, with a token that is new.
        let pass = tokens.pass(&self.clock, until, Some(&pass.header), &send).await?;
        self.send(&door.client, with(pass.header), until).await
    }
}
