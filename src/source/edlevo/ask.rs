//! The question to the Absence API, and what became of it: an answer, or words about what is wrong and what to do.
//! Tells nothing of what an answer holds, and no key.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use jiff::civil::Date;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};

use super::answer::{self, Answer};
use crate::env::WireError;
use crate::model::{OnBehalfOf, ProviderId};

/// The licence key.
#[derive(Debug, Clone)]
pub struct Key {
    /// What the parameter is called.
    pub name: String,
    /// The key.
    pub secret: SecretString,
}

/// How the service is asked.
#[derive(Debug, Clone)]
pub struct Service {
    /// The address that an operation's name is added to.
    pub url: String,
    /// The licence key; none: something else lets us in.
    pub key: Option<Key>,
    /// The header that shows who we are, where it is the same in every request.
    pub header: Option<(HeaderName, HeaderValue)>,
    /// The door in the wire, with token and certificate.
    pub door: ProviderId,
    /// Names of the parameters: unit, first and last day.
    pub parameters: [String; 3],
}

/// What is wrong with a source: a stable word, words about it, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The kind.
    pub kind: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Wrong {
    /// Says what is wrong, and what to do.
    pub fn new(kind: &'static str, what: impl Into<String>, remedy: &'static str) -> Self {
        Self { kind, what: what.into(), remedy }
    }
}

/// The question for a unit's absence on some days.
///
/// # Errors
/// When the address or the key cannot stand in a request.
pub fn question(
    service: &Service,
    operation: &str,
    unit: &str,
    (first, last): (Date, Date),
) -> Result<Request<Bytes>, Wrong> {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let [of_unit, of_first, of_last] = &service.parameters;
    let (first, last) = (first.to_string(), last.to_string());
    let mut pairs = vec![(of_unit, unit), (of_first, &first), (of_last, &last)];
    if let Some(Key { name, secret }) = &service.key {
        pairs.push((name, secret.expose_secret()));
    }
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value).replace("%2D", "-")))
        .collect();
    let address = format!("{}/{operation}?{}", service.url.trim_end_matches('/'), pairs.join("&"));
    let mut request = Request::get(address).header("accept", "application/xml, text/xml");
    if let Some((name, value)) = &service.header {
        request = request.header(name, value);
    }
    request = request.extension(OnBehalfOf(service.door.clone()));
    request.body(Bytes::new()).map_err(|_| unfit())
}

fn unfit() -> Wrong {
    let what = "no request can be made of its address, unit and key";
    Wrong::new("settings", what, "correct `url`, `schools` or the file of the key")
}

/// What came back.
///
/// # Errors
/// In words, when it is no answer that can be used.
pub fn answered(came: Result<Response<Bytes>, WireError>) -> Result<Answer, Wrong> {
    let response = came.map_err(|error| match error {
        WireError::NotLetIn(why) => Wrong::new("not-let-in", why, KEY),
        WireError::NotSent(why) | WireError::Unknown(why) => {
            let remedy = "ask whoever runs it, and look at the network and `url`; it is asked again by itself";
            Wrong::new("unreachable", why, remedy)
        }
    })?;
    let status = response.status();
    let said = |words: &str| format!("HTTP {}: {words}", status.as_u16());
    match status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(Wrong::new("not-let-in", said("we are not let in"), KEY));
        }
        StatusCode::TOO_MANY_REQUESTS => {
            let remedy = "write a longer `poll`";
            return Err(Wrong::new("unreachable", said("it is asked too often"), remedy));
        }
        _ if status.is_server_error() => {
            let remedy = "ask whoever runs it; it is asked again by itself";
            return Err(Wrong::new("unreachable", said("a fault of its own"), remedy));
        }
        _ => {
            let remedy =
                "compare `url`, `operations` and `schools` with the vendor's documentation";
            return Err(Wrong::new("refused", said("it does not take the question"), remedy));
        }
    }
    answer::read(response.body()).map_err(|error| {
        let remedy =
            "look whether `url` leads to the Absence API, version 2; if so, tell its vendor";
        Wrong::new("answer", format!("an answer that cannot be used: {error}"), remedy)
    })
}

const KEY: &str = "look whether the key, token or certificate is right and still good, and may use the Absence API";

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_question_holds_unit_days_and_key_and_shows_no_key() {
        let service = Service {
            url: "https://e.example.se/Absence/v2/".into(),
            key: Some(Key { name: "LicenseKey".into(), secret: "s&cret".into() }),
            header: None,
            door: ProviderId::new("edlevo.e").expect("id"),
            parameters: ["UnitId".into(), "StartDate".into(), "EndDate".into()],
        };
        let days = (date(2026, 11, 25), date(2026, 11, 26));
        let asked = question(&service, "GetX", "u 1", days).expect("a question");
        assert_eq!(
            asked.uri().to_string(),
            "https://e.example.se/Absence/v2/GetX?UnitId=u%201&StartDate=2026-11-25&EndDate=2026-11-26&LicenseKey=s%26cret"
        );
        assert_eq!(asked.extensions().get(), Some(&OnBehalfOf(service.door.clone())));
        let mut value = HeaderValue::from_static("hidden");
        value.set_sensitive(true);
        let header = Some((HeaderName::from_static("x-key"), value));
        let service = Service { key: None, header, ..service };
        let asked = question(&service, "GetX", "u1", days).expect("a question");
        assert_eq!(asked.headers()["x-key"], "hidden");
        assert!(!format!("{asked:?}{service:?}").contains("hidden"));
    }

    #[test]
    fn every_answer_has_words() {
        let came = |status: u16, body: &'static str| {
            let mut response = Response::new(Bytes::from(body));
            *response.status_mut() = StatusCode::from_u16(status).expect("status");
            answered(Ok(response)).map_err(|wrong| wrong.kind)
        };
        assert_eq!(came(200, "<persons/>"), Ok(Answer::default()));
        for (status, body, kind) in [
            (200, "<html/>", "answer"),
            (200, "", "answer"),
            (204, "", "refused"),
            (302, "", "refused"),
            (400, "name of somebody", "refused"),
            (401, "", "not-let-in"),
            (403, "", "not-let-in"),
            (404, "", "refused"),
            (429, "", "unreachable"),
            (503, "", "unreachable"),
        ] {
            assert_eq!(came(status, body), Err(kind), "{status} {body}");
        }
        let error = answered(Err(WireError::NotSent("could not connect".into())));
        assert_eq!(error.expect_err("none").kind, "unreachable");
    }
}
