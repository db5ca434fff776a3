//! Tokens for accounts that are let in by one (OAuth 2.0 client credentials, RFC 6749 §4.4). Kept in
//! memory only; asked for by the same door as everything else, so the same rules hold for their
//! address. Whatever goes wrong here goes wrong before a message leaves.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::env::{Clock, Pending, WireError};
use crate::model::{Endpoint, ProviderId};

/// How long a token is good that does not say so (`expires_in` is recommended, not required, §5.1).
const UNSAID: SignedDuration = SignedDuration::from_mins(5);
/// The longest that a token is believed to be good.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// How long before its end a token is renewed; a short one, a fifth of its life before.
const EARLY: SignedDuration = SignedDuration::from_secs(60);
/// Pause between two tries to renew a token that is still good.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// Where an account's tokens come from.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// The token endpoint.
    pub url: Endpoint,
    /// The client's identifier.
    pub client_id: SecretString,
    /// The client's secret.
    pub client_secret: SecretString,
    /// What the token is to be good for, if that must be said.
    pub scope: Option<String>,
    /// Whether identifier and secret are fields of the form, as some servers want it, and not
    /// `Authorization: Basic` (§2.3.1).
    pub in_form: bool,
}

/// Sends one request and takes no longer than until then.
pub(super) type Send<'s> = dyn Fn(Request<Bytes>, Timestamp) -> Pending<'s, Result<Response<Bytes>, WireError>>
    + Sync
    + 's;

/// The tokens of one account.
#[derive(Debug)]
pub(super) struct Tokens {
    account: ProviderId,
    settings: TokenSettings,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    token: Option<Token>,
    failed: Option<(Timestamp, WireError)>,
}

/// A token as it is sent; it does not print.
#[derive(Debug, Clone)]
struct Token {
    header: HeaderValue,
    renew_at: Timestamp,
    ends_at: Timestamp,
}

/// What is put into a request.
pub(super) struct Pass {
    /// The value of `Authorization`.
    pub header: HeaderValue,
    /// Whether it was made for this very request.
    pub is_new: bool,
}

/// The answer of a token endpoint (§5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
}

/// The refusal of one (§5.2).
#[derive(Deserialize)]
struct Denied {
    error: String,
}

impl Tokens {
    pub(super) fn new(account: ProviderId, settings: TokenSettings) -> Self {
        Self { account, settings, kept: Mutex::default() }
    }

    /// A token that is good now and is not `refused`. One is asked for at a time: who waited while that
    /// failed does not ask again.
    pub(super) async fn pass(
        &self,
        clock: &dyn Clock,
        until: Timestamp,
        refused: Option<&HeaderValue>,
        send: &Send<'_>,
    ) -> Result<Pass, WireError> {
        let began = clock.now();
        let left = until.duration_since(began).unsigned_abs();
        let mut kept = tokio::time::timeout(left, self.kept.lock())
            .await
            .map_err(|_| WireError::NotSent("waiting for a token took too long".into()))?;
        let now = clock.now();
        if kept.token.as_ref().is_some_and(|t| t.ends_at <= now || Some(&t.header) == refused) {
            kept.token = None;
        }
        let failed_since =
            |from: Timestamp| kept.failed.as_ref().filter(|(at, _)| *at >= from).map(|(_, e)| e);
        if let Some(token) = &kept.token {
            let paused = now.saturating_sub(PAUSE).unwrap_or(Timestamp::MIN);
            if now < token.renew_at || failed_since(paused).is_some() {
                return Ok(Pass { header: token.header.clone(), is_new: false });
            }
        } else if let Some(error) = failed_since(began) {
            return Err(error.clone());
        }
        match self.fetch(now, until, send).await {
            Ok(token) => {
                let header = token.header.clone();
                *kept = Kept { token: Some(token), failed: None };
                Ok(Pass { header, is_new: true })
            }
            Err(error) => {
                tracing::warn!(account = %self.account, %error, "no token for the account");
                kept.failed = Some((clock.now(), error.clone()));
                let old = kept.token.as_ref().map(|token| token.header.clone());
                old.map(|header| Pass { header, is_new: false }).ok_or(error)
            }
        }
    }

    async fn fetch(
        &self,
        now: Timestamp,
        until: Timestamp,
        send: &Send<'_>,
    ) -> Result<Token, WireError> {
        let answer = send(self.request(), until).await.map_err(|error| match error {
            // Whatever became of that request, the message's own has not left.
            WireError::Unknown(why) | WireError::NotSent(why) => {
                WireError::NotSent(format!("asking for a token: {why}"))
            }
            other @ WireError::NotLetIn(_) => other,
        })?;
        read(&answer, now)
    }

    fn request(&self) -> Request<Bytes> {
        let TokenSettings { url, client_id, client_secret, scope, in_form } = &self.settings;
        let (id, secret) = (client_id.expose_secret(), client_secret.expose_secret());
        let mut fields = vec![("grant_type", "client_credentials")];
        fields.extend(scope.as_deref().map(|scope| ("scope", scope)));
        let mut request = Request::post(url.uri().clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if *in_form {
            fields.extend([("client_id", id), ("client_secret", secret)]);
        } else {
            // Both are form-encoded first (§2.3.1), so that a colon in either does no harm.
            let encoded = |text: &str| {
                let pair = serde_urlencoded::to_string([("", text)]);
                pair.expect("a text is a form").trim_start_matches('=').to_owned()
            };
            let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
            let mut basic =
                HeaderValue::try_from(format!("Basic {pair}")).expect("base64 is visible ASCII");
            basic.set_sensitive(true);
            request = request.header(AUTHORIZATION, basic);
        }
        let body = serde_urlencoded::to_string(fields).expect("pairs of texts are a form");
        request.body(body.into()).expect("the address was checked")
    }
}

/// What a token endpoint's answer means. Its words are not repeated, but for those of the standard.
fn read(answer: &Response<Bytes>, now: Timestamp) -> Result<Token, WireError> {
    const KNOWN: [&str; 6] = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ];
    let status = answer.status();
    if status != StatusCode::OK {
        let denied = serde_json::from_slice::<Denied>(answer.body()).ok();
        let word = denied.and_then(|d| KNOWN.into_iter().find(|known| *known == d.error));
        let why = format!("the token endpoint says {}", status.as_u16());
        let why = word.map_or(why.clone(), |word| format!("{why} {word}"));
        // The same classes as for a message: what will be so at every try stops the account.
        return Err(match status.as_u16() {
            408 | 421 | 425 | 429 | 500..=599 => WireError::NotSent(why),
            _ => WireError::NotLetIn(why),
        });
    }
    let is_page = answer.body().trim_ascii_start().first() == Some(&b'<');
    let unread = || {
        WireError::NotSent(if is_page {
            "the token endpoint answers with a web page, not with a token".into()
        } else {
            "the token endpoint's answer holds no bearer token".into()
        })
    };
    let granted: Granted = serde_json::from_slice(answer.body()).map_err(|_| unread())?;
    if granted.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(unread());
    }
    let token = granted.access_token;
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(unread());
    }
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| unread())?;
    header.set_sensitive(true);
    let seconds = granted.expires_in.and_then(|value| match value {
        serde_json::Value::String(text) => text.parse::<u32>().ok(),
        other => other.as_u64().map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
    });
    let life = seconds.map_or(UNSAID, |s| SignedDuration::from_secs(s.into())).min(LONGEST);
    let after = |span| now.saturating_add(span).unwrap_or(Timestamp::MAX);
    Ok(Token { header, renew_at: after(life - EARLY.min(life / 5)), ends_at: after(life) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-10-06T08:15:00Z".parse().unwrap()
    }

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        Response::builder().status(status).body(body.to_owned().into()).unwrap()
    }

    #[test]
    fn how_long_a_token_is_good() {
        for (expires, renewed, ended) in [
            ("3600", 3_540, 3_600),
            ("\"3600\"", 3_540, 3_600),
            ("10", 8, 10),
            ("0", 0, 0),
            ("null", 240, 300),
            ("\"soon\"", 240, 300),
            ("99999999999", 86_340, 86_400),
        ] {
            let body = format!("{{\"access_token\":\"a.b\",\"expires_in\":{expires}}}");
            let token = read(&answer(200, &body), at()).unwrap();
            let secs = |until: Timestamp| until.duration_since(at()).as_secs();
            assert_eq!((secs(token.renew_at), secs(token.ends_at)), (renewed, ended), "{expires}");
            assert_eq!(token.header, "Bearer a.b");
            assert!(!format!("{token:?}").contains("a.b"));
        }
    }

    #[test]
    fn what_a_token_endpoint_says() {
        let not_sent = |why: &str| WireError::NotSent(why.into());
        let not_let_in = |why: &str| WireError::NotLetIn(why.into());
        let unread = not_sent("the token endpoint's answer holds no bearer token");
        for (status, body, expected) in [
            (
                401,
                r#"{"error":"invalid_client"}"#,
                not_let_in("the token endpoint says 401 invalid_client"),
            ),
            (400, r#"{"error":"Åsa"}"#, not_let_in("the token endpoint says 400")),
            (404, "<html>", not_let_in("the token endpoint says 404")),
            (302, "", not_let_in("the token endpoint says 302")),
            (429, "", not_sent("the token endpoint says 429")),
            (503, "", not_sent("the token endpoint says 503")),
            (
                200,
                " <html>",
                not_sent("the token endpoint answers with a web page, not with a token"),
            ),
            (200, r#"{"access_token":""}"#, unread.clone()),
            (200, r#"{"access_token":"a b"}"#, unread.clone()),
            (200, r#"{"access_token":"a","token_type":"mac"}"#, unread),
        ] {
            assert_eq!(read(&answer(status, body), at()).unwrap_err(), expected, "{status} {body}");
        }
    }

    #[test]
    fn who_asks_is_shown_as_the_standard_says() {
        let settings = TokenSettings {
            url: Endpoint::parse(
                "https://id.example.se/token",
                crate::model::PlainHttp::LoopbackOnly,
            )
            .unwrap(),
            client_id: "skola:1".into(),
            client_secret: "h€m ligt".into(),
            scope: Some("sms:send".into()),
            in_form: false,
        };
        let tokens = |settings| Tokens::new(ProviderId::new("gw").unwrap(), settings);
        let request = tokens(settings.clone()).request();
        assert_eq!(request.body(), "grant_type=client_credentials&scope=sms%3Asend".as_bytes());
        let header = request.headers()[AUTHORIZATION].to_str().unwrap();
        let pair = STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(pair, b"skola%3A1:h%E2%82%ACm+ligt");
        assert!(request.headers()[AUTHORIZATION].is_sensitive());

        let tokens = tokens(TokenSettings { in_form: true, scope: None, ..settings });
        let request = tokens.request();
        assert!(!request.headers().contains_key(AUTHORIZATION));
        let expected = "grant_type=client_credentials&client_id=skola%3A1\
            &client_secret=h%E2%82%ACm+ligt";
        assert_eq!(request.body(), expected.as_bytes());
        assert!(!format!("{tokens:?}").contains("ligt"));
    }
}
