//! What an HTTP answer means where a provider says nothing else. Pure, and the same for every
//! provider; the question is always whether the message was *certainly not* accepted.

use http::{HeaderMap, StatusCode, header::DATE, header::RETRY_AFTER};
use jiff::{SignedDuration, Timestamp, civil::DateTime, fmt::rfc2822, tz::Offset};

use crate::model::{Outcome, WireError};

/// Folds a call that gave no answer.
pub fn unanswered(error: &WireError) -> Outcome {
    match error {
        WireError::NotSent(_) => {
            Outcome::Retry { after: None, code: "not-sent".into(), provider_wide: true }
        }
        WireError::Unknown(_) => Outcome::InDoubt { code: "no-answer".into() },
        WireError::NotLetIn(_) => Outcome::RejectChannel { code: "not-let-in".into() },
    }
}

/// Folds an answer by its status alone; for 2xx, which only the provider's own rules can read, this is
/// doubt.
///
/// - 408, 425, 429, 503, 421: documented or defined as not acted on (RFC 9110 §15.5.9, RFC 8470 §5.2,
///   RFC 6585 §4, RFC 9110 §15.6.4 and §15.5.20); try later, everyone.
/// - 401, 402, 403, 407: the account; stop the channel. So with 301, 307, 308, 404, 405 and 410: every
///   message goes to one address, and the one in the settings is not, or no longer, the service.
/// - 409: some services answer so to what they already have.
/// - Other 4xx: this request will never be taken.
/// - Other 5xx, and redirects that may follow on something done (302, 303): doubt.
pub fn by_status(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Outcome {
    let code = code(status);
    match status.as_u16() {
        408 | 421 | 425 | 429 | 503 => {
            Outcome::Retry { after: retry_after(headers, now), code, provider_wide: true }
        }
        401..=405 | 407 | 410 | 301 | 307 | 308 => Outcome::RejectChannel { code },
        409 => Outcome::InDoubt { code },
        400..=499 => Outcome::RejectMessage { code, bad_contact: false },
        _ => Outcome::InDoubt { code },
    }
}

/// The status as an outcome's code: `http-503`.
pub fn code(status: StatusCode) -> String {
    format!("http-{}", status.as_u16())
}

/// The `Retry-After` header as a span from `now`: seconds, or one of the three date forms every
/// recipient must take (RFC 9110 §10.2.3, §5.6.7). Never negative; none if absent or unreadable.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit say "for ever"; the caller clamps.
        return Some(SignedDuration::from_secs(text.parse::<u32>().unwrap_or(u32::MAX).into()));
    }
    let until = http_date(text)?;
    Some(until.duration_since(now).max(SignedDuration::ZERO))
}

/// When the sender made the answer, by its own clock and to the second: the `Date` header (RFC 9110
/// §6.6.1). None if absent, unreadable, or there more than once.
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let mut all = headers.get_all(DATE).iter();
    let (Some(one), None) = (all.next(), all.next()) else { return None };
    http_date(one.to_str().ok()?.trim())
}

fn http_date(text: &str) -> Option<Timestamp> {
    if let Ok(zoned) = rfc2822::parse(text) {
        return Some(zoned.timestamp());
    }
    let obsolete = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    obsolete
        .iter()
        .find_map(|form| DateTime::strptime(form, text).ok())
        .and_then(|civil| Offset::UTC.to_timestamp(civil).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(value: &str) -> Option<i64> {
        let now = "2026-10-06T08:15:00Z".parse().unwrap();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        retry_after(&headers, now).map(|span| span.as_secs())
    }

    #[test]
    fn retry_after_in_all_its_forms() {
        for (value, expected) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("99999999999999999999", Some(u32::MAX.into())),
            ("Tue, 06 Oct 2026 08:16:30 GMT", Some(90)),
            ("Tuesday, 06-Oct-26 08:16:30 GMT", Some(90)),
            ("Tue Oct  6 08:16:30 2026", Some(90)),
            ("Tue, 06 Oct 2026 08:00:00 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(after(value), expected, "{value:?}");
        }
    }

    #[test]
    fn the_date_of_an_answer_is_one_that_can_be_read() {
        let noon = Some("2026-10-06T12:00:00Z".parse().unwrap());
        for (values, expected) in [
            (vec!["Tue, 06 Oct 2026 12:00:00 GMT"], noon),
            (vec!["Tuesday, 06-Oct-26 12:00:00 GMT"], noon),
            (vec!["Tue Oct  6 12:00:00 2026"], noon),
            (vec![], None),
            (vec!["soon"], None),
            (vec![""], None),
            (vec!["2026-10-06T12:00:00Z"], None),
            (vec!["Wed, 06 Oct 2026 12:00:00 GMT"], None),
            (vec!["Tue, 06 Oct 2026 12:00:00 GMT", "Tue, 06 Oct 2026 13:00:00 GMT"], None),
        ] {
            let headers: HeaderMap =
                values.iter().map(|value| (DATE, value.parse().unwrap())).collect();
            assert_eq!(headers.get_all(DATE).iter().count(), values.len());
            assert_eq!(date(&headers), expected, "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn never_negative_whatever_is_sent(value in "[ -~]{0,40}") {
            prop_assert!(after(&value).is_none_or(|seconds| seconds >= 0));
        }
    }
}
