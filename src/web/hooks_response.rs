//! The answers of the hooks, as HTTP. A refusal of credentials has no body; a request to wait says
//! for how long.

use std::error::Error;

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;

use crate::source::webhook::answer::ErrorAnswer;
use crate::source::webhook::{DecodeError, HookAnswer};

/// 202, or 422 when every event was refused.
pub fn answer(answer: HookAnswer) -> Response {
    (answer.status(), Json(answer)).into_response()
}

/// 400, 413 or 415, in words.
pub fn unusable(error: &DecodeError) -> Response {
    (error.status(), Json(ErrorAnswer { error: error.to_string() })).into_response()
}

/// 413: more bytes than are taken.
pub fn too_large(limit: u64) -> Response {
    let error = format!("the body is larger than {limit} bytes; send fewer events at a time");
    (StatusCode::PAYLOAD_TOO_LARGE, Json(ErrorAnswer { error })).into_response()
}

/// For a body that could not be read: 413 when it is too large, 408 when it came too slowly (a
/// sender tries again after 408 and not after 400), else 400.
pub fn unreadable(rejection: &BytesRejection) -> Response {
    let mut cause: Option<&(dyn Error + 'static)> = Some(rejection);
    while let Some(error) = cause {
        if error.is::<tower_http::timeout::TimeoutError>() {
            let error = "the body did not arrive in time; send it again".to_owned();
            let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
            return (StatusCode::REQUEST_TIMEOUT, close, Json(ErrorAnswer { error }))
                .into_response();
        }
        cause = error.source();
    }
    let error = match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too large; send fewer events at a time",
        _ => "the body could not be read to its end",
    };
    (rejection.status(), Json(ErrorAnswer { error: error.to_owned() })).into_response()
}

/// 401: the same for every reason and every source, known or not. RFC 9110 section 15.5.2 asks for
/// a challenge; this one does not depend on what is configured.
pub fn unauthorized() -> Response {
    let challenge = HeaderValue::from_static("Bearer realm=\"hooks\"");
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}

/// 429: this source sends faster than it may.
pub fn too_many_requests(retry_after: SignedDuration) -> Response {
    later(StatusCode::TOO_MANY_REQUESTS, "too many requests; slow down", retry_after)
}

/// 503: nothing was taken; the same request may be sent again.
pub fn unavailable(retry_after: SignedDuration) -> Response {
    later(
        StatusCode::SERVICE_UNAVAILABLE,
        "not all of it was taken; send the same again later, what was taken counts once",
        retry_after,
    )
}

/// RFC 9110 section 10.2.3: whole seconds; rounded up, and never 0, which asks for a storm.
fn later(status: StatusCode, words: &str, retry_after: SignedDuration) -> Response {
    let whole = retry_after.as_secs().saturating_add(i64::from(retry_after.subsec_nanos() > 0));
    let seconds = HeaderValue::from(whole.max(1));
    let body = Json(ErrorAnswer { error: words.to_owned() });
    (status, [(header::RETRY_AFTER, seconds)], body).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::HttpBody as _;

    use super::*;

    #[test]
    fn a_refusal_says_nothing() {
        let response = unauthorized();
        assert_eq!(response.status(), 401);
        assert!(response.body().is_end_stream());
        assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
    }

    #[test]
    fn waiting_is_in_whole_seconds_and_never_none() {
        for (wait, seconds) in [
            (SignedDuration::from_millis(1), "1"),
            (SignedDuration::from_millis(1001), "2"),
            (SignedDuration::from_secs(30), "30"),
            (SignedDuration::ZERO, "1"),
            (SignedDuration::from_secs(-5), "1"),
        ] {
            assert_eq!(too_many_requests(wait).headers()[header::RETRY_AFTER], seconds);
            assert_eq!(unavailable(wait).status(), 503);
        }
    }

    #[test]
    fn statuses_follow_what_happened() {
        assert_eq!(answer(HookAnswer::default()).status(), 422);
        assert_eq!(unusable(&DecodeError::TooMany(1001)).status(), 413);
    }
}
