//! Who may push: Standard Webhooks signatures, bearer tokens and Basic passwords, checked over the
//! raw bytes before anything is parsed. The sender of a refused request learns nothing but that.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::secret::{self, SecretError};
use crate::model::EventId;

/// Most signatures looked at in one request: a few secrets in rotation, times a few versions.
const MAX_SIGNATURES: usize = 32;

/// How the requests of one source are authenticated. Several of each kind may be valid at once, so
/// that secrets can be rotated without a gap.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// Bearer tokens (RFC 6750).
    pub bearer: Vec<SecretString>,
    /// Users and passwords (RFC 7617).
    pub basic: Vec<(String, SecretString)>,
    /// Standard Webhooks secrets, `whsec_…`.
    pub signature: Vec<SecretString>,
    /// How far a signature's time may be from ours, either way; 1 s to 1 h.
    pub tolerance: SignedDuration,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            bearer: Vec::new(),
            basic: Vec::new(),
            signature: Vec::new(),
            // What the libraries of Standard Webhooks use; the standard itself names no number.
            tolerance: SignedDuration::from_mins(5),
        }
    }
}

/// Checks the requests of one source. Holds hashes and keyed states, not the secrets.
#[derive(Clone)]
pub struct Verifier {
    bearer: Vec<[u8; 32]>,
    basic: Vec<[u8; 32]>,
    signature: Vec<Hmac<Sha256>>,
    tolerance: SignedDuration,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("bearer", &self.bearer.len())
            .field("basic", &self.basic.len())
            .field("signature", &self.signature.len())
            .field("tolerance", &self.tolerance)
            .finish()
    }
}

/// A request that came from the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// The signed id of the request: the same id again is the same request. A source may try again
    /// for days, so it is to be remembered for days, not for the tolerance. None for a bearer token
    /// or password, where an id could be anything.
    pub webhook_id: Option<String>,
    /// The sender's clock minus ours, where the request was signed.
    pub skew: Option<SignedDuration>,
}

/// Why a request was refused: for metrics and logs. The sender is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{}", self.as_str())]
pub enum Denied {
    /// No credentials of any kind.
    Missing,
    /// A header that may come once came several times, or cannot be read.
    Malformed,
    /// A bearer token that is not ours.
    WrongToken,
    /// A user or password that is not ours.
    WrongPassword,
    /// An authentication scheme, or a kind of credentials, that is not set up for the source.
    NotConfigured,
    /// More signatures than are looked at.
    TooManySignatures,
    /// No signature of a version read here, or none that is base64 of 32 bytes.
    NoUsableSignature,
    /// None of the signatures is by one of our secrets over these bytes.
    WrongSignature,
    /// Signed well, but too long ago: a replay, or a clock that is behind.
    Stale,
    /// Signed well, but in the future: the sender's clock is ahead.
    Early,
}

impl Denied {
    /// The reason as a metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::WrongToken => "wrong_token",
            Self::WrongPassword => "wrong_password",
            Self::NotConfigured => "not_configured",
            Self::TooManySignatures => "too_many_signatures",
            Self::NoUsableSignature => "no_usable_signature",
            Self::WrongSignature => "wrong_signature",
            Self::Stale => "stale",
            Self::Early => "early",
        }
    }
}

impl Verifier {
    /// Prepares the secrets.
    ///
    /// # Errors
    /// When one cannot be used, or there is none.
    pub fn new(settings: &AuthSettings) -> Result<Self, SecretError> {
        if settings.bearer.is_empty() && settings.basic.is_empty() && settings.signature.is_empty()
        {
            return Err(SecretError::Nothing);
        }
        if !(SignedDuration::from_secs(1)..=SignedDuration::from_hours(1))
            .contains(&settings.tolerance)
        {
            return Err(SecretError::Tolerance);
        }
        let mut verifier = Self {
            bearer: Vec::new(),
            basic: Vec::new(),
            signature: Vec::new(),
            tolerance: settings.tolerance,
        };
        for token in &settings.bearer {
            secret::check_token(token)?;
            verifier.bearer.push(digest(&[token.expose_secret().as_bytes()]));
        }
        for (user, password) in &settings.basic {
            secret::check_basic(user, password)?;
            verifier.basic.push(digest(&[
                user.as_bytes(),
                b":",
                password.expose_secret().as_bytes(),
            ]));
        }
        for text in &settings.signature {
            let key = secret::key(text)?;
            verifier.signature.push(keyed(&key));
        }
        Ok(verifier)
    }

    /// Checks a request. One valid kind of credentials is enough; but a signature, where there is
    /// one, must be right, whatever else the request carries.
    ///
    /// # Errors
    /// When it did not come from the source, or cannot be shown to.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        raw_body: &[u8],
        now: Timestamp,
    ) -> Result<Authenticated, Denied> {
        for names in [&STANDARD_NAMES, &SVIX_NAMES] {
            if headers.contains_key(names.signature) {
                return self.verify_signature(names, headers, raw_body, now);
            }
        }
        let Some(value) = once(headers, header::AUTHORIZATION.as_str())? else {
            return Err(Denied::Missing);
        };
        let (scheme, credentials) = value.split_once(' ').ok_or(Denied::Malformed)?;
        let credentials = credentials.trim_matches(' ');
        let known = if scheme.eq_ignore_ascii_case("bearer") {
            any(&self.bearer, &digest(&[credentials.as_bytes()])).ok_or(Denied::WrongToken)
        } else if scheme.eq_ignore_ascii_case("basic") {
            let pair = STANDARD.decode(credentials).map_err(|_| Denied::Malformed)?;
            any(&self.basic, &digest(&[&pair])).ok_or(Denied::WrongPassword)
        } else {
            Err(Denied::NotConfigured)
        };
        known.map(|()| Authenticated { webhook_id: None, skew: None })
    }

    /// Standard Webhooks 1.0.0, "Verifying webhook authenticity".
    fn verify_signature(
        &self,
        names: &Names,
        headers: &HeaderMap,
        raw_body: &[u8],
        now: Timestamp,
    ) -> Result<Authenticated, Denied> {
        if self.signature.is_empty() {
            return Err(Denied::NotConfigured);
        }
        let id = once(headers, names.id)?.ok_or(Denied::Malformed)?;
        EventId::new(id).map_err(|_| Denied::Malformed)?;
        // Digits alone: with the id's own dots the signed text still splits in one way only, since
        // no body that decodes starts with digits and a dot.
        let time = once(headers, names.timestamp)?.ok_or(Denied::Malformed)?;
        if time.is_empty() || !time.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Denied::Malformed);
        }
        let signed_at = time.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
        let signed_at = signed_at.ok_or(Denied::Malformed)?;

        let signatures = signatures(headers, names.signature)?;
        let mut right = false;
        for key in &self.signature {
            let mut mac = key.clone();
            for part in [id.as_bytes(), b".", time.as_bytes(), b".", raw_body] {
                mac.update(part);
            }
            for signature in &signatures {
                right |= mac.clone().verify_slice(signature).is_ok();
            }
        }
        if !right {
            return Err(Denied::WrongSignature);
        }
        // After the signature, so that a skewed clock can be told from a stranger.
        let skew = signed_at.duration_since(now);
        if skew < -self.tolerance {
            return Err(Denied::Stale);
        }
        if skew > self.tolerance {
            return Err(Denied::Early);
        }
        Ok(Authenticated { webhook_id: Some(id.to_owned()), skew: Some(skew) })
    }
}

/// Signs a request as a sender does: the value of `webhook-signature`. For simulated senders and for
/// whoever tries the inlet out.
///
/// # Errors
/// When the secret cannot be used.
pub fn sign(
    secret: &SecretString,
    id: &str,
    at: Timestamp,
    raw_body: &[u8],
) -> Result<String, SecretError> {
    let key = secret::key(secret)?;
    let mut mac = keyed(&key);
    for part in [id.as_bytes(), b".", at.as_second().to_string().as_bytes(), b".", raw_body] {
        mac.update(part);
    }
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().as_bytes())))
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

struct Names {
    id: &'static str,
    timestamp: &'static str,
    signature: &'static str,
}

const STANDARD_NAMES: Names =
    Names { id: "webhook-id", timestamp: "webhook-timestamp", signature: "webhook-signature" };
const SVIX_NAMES: Names =
    Names { id: "svix-id", timestamp: "svix-timestamp", signature: "svix-signature" };

/// The signatures of version 1, decoded. Other versions are for other readers.
fn signatures(headers: &HeaderMap, name: &str) -> Result<Vec<[u8; 32]>, Denied> {
    let mut seen = 0;
    let mut usable = Vec::new();
    for value in headers.get_all(name) {
        for entry in value.to_str().map_err(|_| Denied::Malformed)?.split_ascii_whitespace() {
            seen += 1;
            if seen > MAX_SIGNATURES {
                return Err(Denied::TooManySignatures);
            }
            let decoded = entry.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
            usable.extend(decoded.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()));
        }
    }
    if usable.is_empty() { Err(Denied::NoUsableSignature) } else { Ok(usable) }
}

/// The one value of a header; none where it is absent. Two values are two readings of a request.
fn once<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Denied> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Denied::Malformed);
    }
    value.to_str().map(Some).map_err(|_| Denied::Malformed)
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Compares with every known digest, in the same time whichever it is.
fn any(known: &[[u8; 32]], given: &[u8; 32]) -> Option<()> {
    let mut found = subtle::Choice::from(0);
    for digest in known {
        found |= digest.ct_eq(given);
    }
    bool::from(found).then_some(())
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
