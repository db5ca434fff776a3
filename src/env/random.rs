//! The only door to randomness. Nothing but secrets comes through it: ids are hashes and jitter
//! comes from ids, so that every run of a decision is the same.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// A secret of `bytes` random bytes, as URL-safe base64 without padding (RFC 4648 §5).
/// Sixteen bytes is the least that cannot be guessed.
pub fn token(bytes: usize) -> String {
    let mut secret = vec![0; bytes];
    fill(&mut secret);
    URL_SAFE_NO_PAD.encode(secret)
}

/// Fills a buffer with random bytes.
#[expect(clippy::disallowed_methods, reason = "this is the door the ban points to")]
pub fn fill(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("a running Linux kernel always gives random bytes");
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn tokens_are_url_safe_and_differ() {
        let (one, two) = (token(32), token(32));
        assert_eq!(one.len(), 43);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        assert_ne!(one, two);
    }
}
