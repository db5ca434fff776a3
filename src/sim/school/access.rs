//! Who is let in: a token for a client's name and secret, by form or HTTP Basic; a token that never
//! ends; a header. Decides only; nothing here waits or answers.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// How clients are known.
#[derive(Debug, Clone)]
pub struct Access {
    /// The client's name.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// A token that is always taken.
    pub bearer: Option<String>,
    /// A header and its value that are always taken.
    pub header: Option<(String, String)>,
    /// How long a token lasts, in seconds.
    pub lifetime: i64,
    /// Whether nobody need say who they are.
    pub open: bool,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            client_id: "upprop".into(),
            client_secret: "fake-school-secret".into(),
            bearer: None,
            header: None,
            lifetime: 3600,
            open: false,
        }
    }
}

/// The error of RFC 6749 §5.2.
#[derive(Debug, Serialize)]
pub(super) struct TokenError {
    error: &'static str,
}

/// The tokens given out.
#[derive(Debug)]
pub(super) struct Doorkeeper {
    access: Access,
    /// Until when each is good.
    tokens: BTreeMap<String, Timestamp>,
    serial: u64,
    salt: u64,
}

impl Doorkeeper {
    pub(super) fn new(access: Access, salt: u64) -> Self {
        Self { access, tokens: BTreeMap::new(), serial: 0, salt }
    }

    /// Answers the token endpoint: 200 with a token, or 400 or 401.
    pub(super) fn token(
        &mut self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Value, (u16, TokenError)> {
        let form: BTreeMap<String, String> = serde_urlencoded::from_bytes(body)
            .map_err(|_| (400, TokenError { error: "invalid_request" }))?;
        if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
            return Err((400, TokenError { error: "unsupported_grant_type" }));
        }
        let field = |name: &str| form.get(name).cloned();
        let given = basic(headers).or_else(|| Some((field("client_id")?, field("client_secret")?)));
        let right = (self.access.client_id.clone(), self.access.client_secret.clone());
        if given != Some(right) {
            return Err((401, TokenError { error: "invalid_client" }));
        }
        self.serial += 1;
        let hash = Sha256::digest(format!("{} {} {now}", self.salt, self.serial));
        let token = BASE64_STANDARD.encode(hash).replace(['+', '/', '='], "x");
        let lifetime = SignedDuration::from_secs(self.access.lifetime);
        self.tokens.retain(|_, until| *until > now);
        self.tokens.insert(token.clone(), now.saturating_add(lifetime).unwrap_or(now));
        let lifetime = self.access.lifetime;
        Ok(json!({ "access_token": token, "token_type": "Bearer", "expires_in": lifetime }))
    }

    /// Whether a request may be answered.
    pub(super) fn admits(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        if self.access.open {
            return true;
        }
        if let Some((name, value)) = &self.access.header
            && headers.get(name).is_some_and(|given| given == value)
        {
            return true;
        }
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(bearer) = bearer.and_then(|value| value.strip_prefix("Bearer ")) else {
            return false;
        };
        self.access.bearer.as_deref() == Some(bearer)
            || self.tokens.get(bearer).is_some_and(|until| *until > now)
    }

    /// No token given out is good any more.
    pub(super) fn expire(&mut self) {
        self.tokens.clear();
    }
}

/// The name and secret of HTTP Basic.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let given = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let bytes = BASE64_STANDARD.decode(given.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn bearer(token: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::try_from(format!("Bearer {token}")).expect("a header");
        headers.insert(AUTHORIZATION, value);
        headers
    }

    #[test]
    fn a_token_is_given_by_form_and_by_basic_and_ends() {
        let mut door = Doorkeeper::new(Access::default(), 1);
        let now = Timestamp::UNIX_EPOCH;
        let form =
            b"grant_type=client_credentials&client_id=upprop&client_secret=fake-school-secret";
        let answer = door.token(&HeaderMap::new(), form, now).expect("given");
        let token = answer["access_token"].as_str().expect("a token").to_owned();
        assert!(door.admits(&bearer(&token), now));
        assert!(!door.admits(&bearer(&token), now + SignedDuration::from_secs(3600)));
        door.expire();
        assert!(!door.admits(&bearer(&token), now));
        let mut headers = HeaderMap::new();
        let basic = format!("Basic {}", BASE64_STANDARD.encode("upprop:fake-school-secret"));
        headers.insert(AUTHORIZATION, HeaderValue::try_from(basic).expect("a header"));
        assert!(door.token(&headers, b"grant_type=client_credentials", now).is_ok());
        for (form, status) in [
            (&b"grant_type=client_credentials&client_id=upprop&client_secret=x"[..], 401),
            (&b"grant_type=password"[..], 400),
        ] {
            let refused = door.token(&HeaderMap::new(), form, now).expect_err("wrong");
            assert_eq!(refused.0, status);
        }
    }

    #[test]
    fn a_token_that_never_ends_and_a_header_are_taken_when_asked_for() {
        let access = Access {
            bearer: Some("b".into()),
            header: Some(("x-api-key".into(), "k".into())),
            ..Access::default()
        };
        let door = Doorkeeper::new(access, 1);
        let mut header = HeaderMap::new();
        header.insert("x-api-key", HeaderValue::from_static("k"));
        assert!(door.admits(&bearer("b"), Timestamp::MAX) && door.admits(&header, Timestamp::MAX));
        assert!(!door.admits(&bearer("c"), Timestamp::MAX));
        assert!(!door.admits(&HeaderMap::new(), Timestamp::MAX));
    }
}
