//! What an answer of the source means, whatever was asked. Pure; repeats no word of the answer but a code.

use bytes::Bytes;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::fault::{Wrong, kinds};
use super::sent::Sent;
use crate::model::WireError;

/// What an answer means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// It is this; null where there is no body.
    Is(Sent),
    /// There is no such thing, or we may not have it.
    NotOffered(u16),
    /// The question is not taken; a code, and whether its words speak of what was asked.
    BadRequest { status: u16, code: Option<String>, names_question: bool },
    /// The answer would be too large for the server.
    TooLarge,
    /// Asked too often; how long it wants us to wait.
    TooOften(Option<SignedDuration>),
    /// It will do later; how long it wants us to wait.
    Later(Wrong, Option<SignedDuration>),
    /// Something that waiting does not mend.
    Failed(Wrong),
}

/// Words of a refusal that speak of the question, and not of there being nothing.
const OF_THE_QUESTION: [&str; 14] = [
    "invalid",
    "ogiltig",
    "felaktig",
    "required",
    "missing",
    "saknad",
    "obligatorisk",
    "parameter",
    "format",
    "pagetoken",
    "must",
    "måste",
    "not allowed",
    "window",
];

/// Understands an answer.
pub(super) fn understand(answer: &Response<Bytes>, now: Timestamp) -> Answer {
    let (status, headers, body) = (answer.status(), answer.headers(), answer.body());
    match status.as_u16() {
        200..=299 => read(body),
        400 | 409 | 422 => {
            let value: Value = serde_json::from_slice(body).unwrap_or_default();
            let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
            let text = format!("{} {}", word("code"), word("message")).to_lowercase();
            Answer::BadRequest {
                status: status.as_u16(),
                code: Some(word("code")).filter(|code| is_plain(code)).map(str::to_owned),
                names_question: OF_THE_QUESTION.iter().any(|words| text.contains(words)),
            }
        }
        401 => Answer::Failed(Wrong::new(
            kinds::NOT_LET_IN,
            "it answers 401: it does not take who we are",
            "check the secrets of this source, and ask the vendor whether they are still good",
        )),
        403 | 404 | 405 | 410 | 501 => Answer::NotOffered(status.as_u16()),
        413 => Answer::TooLarge,
        429 => Answer::TooOften(wait(headers, now)),
        300..=399 => Answer::Failed(Wrong::new(
            kinds::ANSWER,
            format!("it answers {}: it sends us elsewhere", status.as_u16()),
            "write the address that it sends to as `url`; we do not follow",
        )),
        408 | 421 | 425 | 500..=599 => Answer::Later(
            Wrong::new(
                kinds::BUSY,
                format!("it answers {}", status.as_u16()),
                "nothing: it is asked again; if it stays so, ask the vendor",
            ),
            wait(headers, now),
        ),
        other => Answer::Failed(Wrong::new(
            kinds::REFUSED,
            format!("it answers {other}"),
            "check `url` and `vendor`; if they are right, show this to the vendor",
        )),
    }
}

fn read(body: &Bytes) -> Answer {
    let text = body.trim_ascii();
    if text.is_empty() {
        return Answer::Is(Sent::null());
    }
    if text.first() == Some(&b'<') {
        return Answer::Failed(Wrong::new(
            kinds::ANSWER,
            "it answers with a web page, not with JSON",
            "check `url`: it is the address of the API, as https://…/v2.0, not of the place to log in",
        ));
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    match Sent::read(body.slice_ref(text)) {
        Ok(sent) => Answer::Is(sent),
        Err(error) => Answer::Failed(Wrong::new(
            kinds::ANSWER,
            format!("its answer is not JSON (line {}, column {})", error.line(), error.column()),
            "check `url`; if it is right, show this to the vendor",
        )),
    }
}

/// Whether a code may be shown: a short word that cannot be anybody's name or number.
fn is_plain(code: &str) -> bool {
    let fits = (1..=40).contains(&code.len());
    let digits = code.bytes().filter(u8::is_ascii_digit).count();
    fits && digits <= 4 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// How long to wait (RFC 9110 §10.2.3): seconds, or a date.
fn wait(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let span = match text.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(seconds.into()),
        // By their clock, which the same answer tells, or by ours.
        Err(_) => moment(text)?.duration_since(date(headers).unwrap_or(now)),
    };
    Some(span.max(SignedDuration::ZERO))
}

/// What time it is there.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    moment(headers.get(DATE)?.to_str().ok()?)
}

fn moment(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text.trim()).ok().map(|zoned| zoned.timestamp())
}

/// Why there was no answer, and whether it may be there in a moment.
pub(super) fn unanswered(error: &WireError) -> (Wrong, bool) {
    let why = match error {
        WireError::NotSent(why) | WireError::Unknown(why) | WireError::NotLetIn(why) => why,
    };
    let lasting = matches!(error, WireError::NotLetIn(_));
    let lower = why.to_lowercase();
    if lower.contains("certificate") {
        let remedy = if lower.contains("expired") {
            "a certificate has expired: theirs, which the vendor must renew, or ours (client-certificate-file)"
        } else {
            "check ca-file and client-certificate-file, and ask the vendor whose certificate it is"
        };
        return (Wrong::new(kinds::CERTIFICATE, why.clone(), remedy), false);
    }
    // Whatever kept us from the place of tokens is what it is.
    let (at_tokens, of_token) = ("asking for a token: ", "waiting for a token");
    if why.starts_with(at_tokens) || why.starts_with(of_token) {
        let remedy =
            "check `token-url` and `url`, the proxy and the firewall; it is asked again by itself";
        return (Wrong::new(kinds::UNREACHABLE, why.clone(), remedy), !lasting);
    }
    if lower.contains("token") {
        let remedy = if lasting {
            "check client-id-file, client-secret-file, client-auth and scope with the vendor"
        } else {
            "check token-url; if it is right, ask the vendor whether tokens are handed out"
        };
        return (
            Wrong::new(kinds::TOKEN, why.clone(), remedy),
            !lasting && !lower.contains("page"),
        );
    }
    let remedy = "check `url`, the proxy and the firewall; it is asked again by itself";
    (Wrong::new(kinds::UNREACHABLE, why.clone(), remedy), !lasting)
}

/// What is wrong with what came of the question of [`super::Settings::probe`], in the words of its troubles; none: it
/// is an answer, or says that there is another way to ask.
pub fn wrong_with(came: &Result<Response<Bytes>, WireError>, now: Timestamp) -> Option<Wrong> {
    match came {
        Err(error) => Some(unanswered(error).0),
        Ok(answer) => match understand(answer, now) {
            Answer::Failed(wrong) | Answer::Later(wrong, _) => Some(wrong),
            Answer::Is(sent) if sent.is_list() || has_list(&sent) => None,
            Answer::Is(_) => Some(Wrong::new(
                kinds::ANSWER,
                "its answer holds no list",
                "check `url`; if it is right, show this to the vendor",
            )),
            _ => None,
        },
    }
}

fn has_list(sent: &Sent) -> bool {
    sent.fields().is_some_and(|fields| fields.get("data").is_some_and(Sent::is_list))
}

/// Whether nothing came because there was too much of it, or it took too long to gather.
pub(super) fn is_too_much(error: &WireError) -> bool {
    matches!(error, WireError::Unknown(why) if why.contains("larger than") || why == "timed out")
}

/// The status for words.
pub(super) fn is_server_limit(status: StatusCode) -> bool {
    matches!(status.as_u16(), 503 | 413 | 504)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let now = "2026-11-23T07:00:00Z".parse().expect("time");
        understand(&answer.body(Bytes::from(body.to_owned())).expect("answer"), now)
    }

    fn kind(answer: Answer) -> &'static str {
        match answer {
            Answer::Failed(wrong) | Answer::Later(wrong, _) => wrong.kind,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_answers_mean() {
        assert_eq!(answer(200, &[], "\u{feff} [1]"), Answer::Is(json!([1]).into()));
        assert_eq!(answer(204, &[], ""), Answer::Is(Value::Null.into()));
        assert_eq!(
            kind(answer(200, &[("content-type", "text/html")], "\n<!doctype html>")),
            "answer"
        );
        assert_eq!(kind(answer(200, &[], "{\"data\": [")), "answer");
        assert_eq!(kind(answer(302, &[], "")), "answer");
        assert_eq!(kind(answer(401, &[], "")), "not-let-in");
        assert_eq!(kind(answer(503, &[], "<html>")), "busy");
        assert_eq!(kind(answer(418, &[], "")), "refused");
        assert_eq!(answer(403, &[], ""), Answer::NotOffered(403));
        assert_eq!(answer(413, &[], ""), Answer::TooLarge);
        assert_eq!(answer(429, &[], ""), Answer::TooOften(None));
        let seconds = |s| Some(SignedDuration::from_secs(s));
        assert_eq!(answer(429, &[("retry-after", "7")], ""), Answer::TooOften(seconds(7)));
        let date = ("retry-after", "Mon, 23 Nov 2026 09:00:30 GMT");
        assert_eq!(
            answer(429, &[date, ("date", "Mon, 23 Nov 2026 09:00:00 GMT")], ""),
            Answer::TooOften(seconds(30)),
            "by their clock, which is two hours ahead"
        );
    }

    #[test]
    fn a_refusal_says_whether_it_speaks_of_the_question() {
        for (body, code, names) in [
            (r#"{"code":"not_found","message":"No calendar events"}"#, Some("not_found"), false),
            (r#"{"code":"E1","message":"Invalid value of startTime"}"#, Some("E1"), true),
            (r#"{"code":"Alva Ek","message":"fältet är obligatorisk"}"#, None, true),
            (r#"{"code":"200105151234"}"#, None, false),
            ("<html>", None, false),
            ("", None, false),
        ] {
            let code = code.map(str::to_owned);
            let expected = Answer::BadRequest { status: 400, code, names_question: names };
            assert_eq!(answer(400, &[], body), expected, "{body}");
        }
    }

    #[test]
    fn what_came_of_a_first_question_is_told_as_any_other() {
        let now = "2026-11-23T07:00:00Z".parse().expect("time");
        let came = |status: u16, body: &str| {
            Ok(Response::builder().status(status).body(Bytes::from(body.to_owned())).expect("one"))
        };
        let not_sent = |why: &str| Err(WireError::NotSent(why.into()));
        for (came, remedy) in [
            (came(200, "[]"), None),
            (came(200, "{\"data\":[]}"), None),
            (came(404, ""), None),
            (came(200, "{\"data\":null}"), Some("show this to the vendor")),
            (came(200, "<html>"), Some("not of the place to log in")),
            (came(401, ""), Some("check the secrets of this source")),
            (
                not_sent("the token endpoint answers with a web page, not with a token"),
                Some("check token-url"),
            ),
            (
                not_sent("TLS: invalid peer certificate: Expired"),
                Some("which the vendor must renew"),
            ),
        ] {
            let found = wrong_with(&came, now).map(|wrong| wrong.remedy);
            let is_so = match (&found, remedy) {
                (Some(found), Some(remedy)) => found.contains(remedy),
                (found, remedy) => found.is_none() && remedy.is_none(),
            };
            assert!(is_so, "{came:?}: {found:?}");
        }
    }

    #[test]
    fn no_answer_is_told_by_its_cause() {
        for (error, kind, again) in [
            (WireError::NotSent("connecting took too long".into()), "unreachable", true),
            (WireError::Unknown("timed out".into()), "unreachable", true),
            (
                WireError::NotSent("TLS: invalid peer certificate: Expired".into()),
                "certificate",
                false,
            ),
            (
                WireError::NotLetIn("the token endpoint says 401 invalid_client".into()),
                "token",
                false,
            ),
            (WireError::NotSent("the token endpoint says 503".into()), "token", true),
            (
                WireError::NotSent(
                    "the token endpoint answers with a web page, not with a token".into(),
                ),
                "token",
                false,
            ),
            (
                WireError::NotSent("asking for a token: could not connect".into()),
                "unreachable",
                true,
            ),
            (WireError::NotSent("asking for a token: timed out".into()), "unreachable", true),
            (WireError::NotSent("waiting for a token took too long".into()), "unreachable", true),
            (
                WireError::NotSent(
                    "asking for a token: TLS: invalid peer certificate: Expired".into(),
                ),
                "certificate",
                false,
            ),
        ] {
            let (wrong, may_come) = unanswered(&error);
            assert_eq!((wrong.kind, may_come), (kind, again), "{error}");
        }
    }
}
