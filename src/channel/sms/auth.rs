//! Headers that show who we are, marked so that they do not print.

use http::HeaderValue;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};

/// `Authorization: Basic` (RFC 7617 §2).
pub(super) fn basic(username: &SecretString, password: &SecretString) -> HeaderValue {
    let pair = format!("{}:{}", username.expose_secret(), password.expose_secret());
    sensitive(&format!("Basic {}", STANDARD.encode(pair)))
}

/// `scheme` and a secret of visible ASCII characters.
pub(super) fn header(scheme: &str, secret: &SecretString) -> HeaderValue {
    sensitive(&format!("{scheme}{}", secret.expose_secret()))
}

fn sensitive(text: &str) -> HeaderValue {
    let mut value =
        HeaderValue::try_from(text).expect("base64 and checked secrets are visible ASCII");
    value.set_sensitive(true);
    value
}
