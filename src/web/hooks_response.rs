//! The answers of the hooks, as HTTP. A refusal of credentials has no body; a request to wait says
//! for how long.

use axum::Json;
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
        "nothing was taken; send the same again later",
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
