//! Signing secrets as Standard Webhooks writes them: `whsec_` and base64 of 24 to 64 bytes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use crate::model::{SHORTEST_SECRET, is_guessable};

/// The prefix of a symmetric secret.
const PREFIX: &str = "whsec_";

/// Why a secret cannot be used. None of the words quote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// No way to authenticate at all.
    #[error(
        "no secret, token or password is given, and an inlet open to everyone is not offered; give one"
    )]
    Nothing,
    /// Another kind of Standard Webhooks key.
    #[error(
        "this is the public or private key of a v1a (ed25519) signature; only whsec_ secrets are read"
    )]
    Asymmetric,
    /// No `whsec_`.
    #[error(
        "a signing secret starts with whsec_; make one with: echo whsec_$(openssl rand -base64 32)"
    )]
    Prefix,
    /// What follows is no base64.
    #[error("what follows whsec_ is not base64; was it copied whole?")]
    Base64,
    /// Too short to be safe, or too long for the standard.
    #[error("the signing secret is {0} bytes after base64; 24 to 64 are allowed")]
    Length(usize),
    /// A bearer token that no `Authorization` header can carry.
    #[error(
        "a bearer token consists of letters, digits and -._~+/ with = at the end only \
         (RFC 6750 section 2.1)"
    )]
    Token,
    /// A token or password that can be guessed.
    #[error(
        "the {0} is shorter than {SHORTEST_SECRET} characters; make one with: openssl rand -base64 32"
    )]
    Short(&'static str),
    /// A user name that Basic authentication cannot carry.
    #[error("the user name is empty, or holds a colon or a control character (RFC 7617 section 2)")]
    User,
    /// A tolerance that lets nothing, or anything, through.
    #[error("the tolerance must be between 1 second and 1 hour")]
    Tolerance,
}

/// The key of a signing secret.
///
/// # Errors
/// In words that do not quote it.
pub(super) fn key(secret: &SecretString) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let text = secret.expose_secret().trim();
    if text.starts_with("whpk_") || text.starts_with("whsk_") {
        return Err(SecretError::Asymmetric);
    }
    let encoded = text.strip_prefix(PREFIX).ok_or(SecretError::Prefix)?;
    let key = STANDARD
        .decode(encoded)
        .or_else(|_| STANDARD_NO_PAD.decode(encoded))
        .map(Zeroizing::new)
        .map_err(|_| SecretError::Base64)?;
    if (24..=64).contains(&key.len()) { Ok(key) } else { Err(SecretError::Length(key.len())) }
}

/// Checks a bearer token (RFC 6750 section 2.1, `b64token`).
///
/// # Errors
/// In words that do not quote it.
pub(super) fn check_token(secret: &SecretString) -> Result<(), SecretError> {
    let text = secret.expose_secret();
    let body = text.trim_end_matches('=');
    if !body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b)) {
        return Err(SecretError::Token);
    }
    if is_guessable(text) { Err(SecretError::Short("bearer token")) } else { Ok(()) }
}

/// Checks a user and password (RFC 7617 section 2).
///
/// # Errors
/// In words that do not quote them.
pub(super) fn check_basic(user: &str, password: &SecretString) -> Result<(), SecretError> {
    if user.is_empty() || user.contains(':') || user.chars().any(char::is_control) {
        return Err(SecretError::User);
    }
    if is_guessable(password.expose_secret()) {
        return Err(SecretError::Short("password"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: usize) -> SecretString {
        format!("whsec_{}", STANDARD.encode(vec![7u8; bytes])).into()
    }

    #[test]
    fn secrets_are_what_the_standard_says() {
        for (secret, result) in [
            (of(24), Ok(24)),
            (of(64), Ok(64)),
            (of(23), Err(SecretError::Length(23))),
            (of(65), Err(SecretError::Length(65))),
            ("whsec_".into(), Err(SecretError::Length(0))),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n".into(), Ok(24)),
            ("whsec_MfKQ9r8G!YqrTwjUPD8ILPZIo2LaLaSw".into(), Err(SecretError::Base64)),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(), Err(SecretError::Prefix)),
            ("".into(), Err(SecretError::Prefix)),
            ("whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(), Err(SecretError::Asymmetric)),
        ] {
            assert_eq!(key(&secret).map(|key| key.len()), result);
        }
    }

    #[test]
    fn tokens_and_passwords_can_be_carried_and_not_be_guessed() {
        for (token, good) in [
            ("abcdefghijklmnop", true),
            ("abcdefghijklmn==", true),
            ("abcdefghijklmno", false),
            ("abcdefgh ijklmnop", false),
            ("=abcdefghijklmnop", false),
            ("åbcdefghijklmnopq", false),
        ] {
            assert_eq!(check_token(&token.into()).is_ok(), good, "{token}");
        }
        for (user, password, good) in [
            ("dexter", "abcdefghijklmnop", true),
            ("dexter", "med mellanslag å", true),
            ("dexter", "short", false),
            ("", "abcdefghijklmnop", false),
            ("a:b", "abcdefghijklmnop", false),
        ] {
            assert_eq!(check_basic(user, &password.into()).is_ok(), good, "{user}");
        }
    }
}
