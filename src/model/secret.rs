//! How short a secret may be that never expires and that nobody types.

/// Fewest characters of a token or password.
pub const SHORTEST_SECRET: usize = 16;

/// Whether a token or password is so short that it can be guessed. Characters count, not bytes.
pub fn is_guessable(secret: &str) -> bool {
    secret.chars().count() < SHORTEST_SECRET
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_count() {
        assert!(is_guessable("åäöåäöåä"), "16 bytes");
        assert!(is_guessable("0123456789abcde") && !is_guessable("0123456789abcdef"));
        assert!(!is_guessable("åäöåäöåäåäöåäöåä"));
    }
}
