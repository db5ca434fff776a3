//! Who may push: whatever the headers say, only the very bytes that were signed with our secret pass,
//! and any other change of them does not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use sha2::Sha256;
use upprop::source::webhook::auth::sign;
use upprop::source::webhook::{AuthSettings, Verifier};

use super::input::{contains, headers, parted};
use super::webhook::now;

const KEY: &[u8] = b"made up for this check alone";
const TOKEN: &str = "made-up-token-for-this-check";
const PASSWORD: &str = "made-up-word-for-this-check";

/// The check.
pub fn check(data: &[u8]) {
    let verifier = verifier();
    let (head, body) = parted(data);
    let headers = headers(head);
    let result = verifier.verify(&headers, body, now());
    assert_eq!(result, verifier.verify(&headers, body, now()), "the same bytes, the same answer");
    match &result {
        Ok(request) if request.webhook_id.is_some() => {
            assert!(is_signed(&headers, body), "nobody signed it");
            let skew = request.skew.expect("a signed request has a time");
            assert!(skew.abs() <= SignedDuration::from_mins(5));
        }
        Ok(_) => {
            let pair = STANDARD.encode(format!("school:{PASSWORD}"));
            assert!([TOKEN, &pair].iter().any(|known| contains(head, known.as_bytes())));
        }
        Err(denied) => {
            assert!(denied.to_string().bytes().all(|b| b == b'_' || b.is_ascii_lowercase()));
        }
    }
    tampered(&verifier, data);
}

fn verifier() -> Verifier {
    let settings = AuthSettings {
        bearer: vec![TOKEN.into()],
        basic: vec![("school".into(), PASSWORD.into())],
        signature: vec![secret()],
        ..AuthSettings::default()
    };
    Verifier::new(&settings).expect("good settings")
}

fn secret() -> SecretString {
    format!("whsec_{}", STANDARD.encode(KEY)).into()
}

/// Whether one of the signatures is ours over these bytes, calculated here (Standard Webhooks 1.0.0).
fn is_signed(headers: &HeaderMap, body: &[u8]) -> bool {
    ["webhook", "svix"].iter().any(|kind| {
        let one = |name: &str| headers.get(format!("{kind}-{name}")).map(HeaderValue::as_bytes);
        let (Some(id), Some(time)) = (one("id"), one("timestamp")) else { return false };
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY).expect("any length");
        mac.update(&[id, b".", time, b".", body].concat());
        let right = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let given = headers.get_all(format!("{kind}-signature"));
        given.iter().any(|value| contains(value.as_bytes(), right.as_bytes()))
    })
}

/// Signs what the input holds as a body, and changes one bit of what was signed: where, the input says.
fn tampered(verifier: &Verifier, data: &[u8]) {
    let Some((&[at, bit], body)) = data.split_first_chunk::<2>() else {
        return;
    };
    let at = usize::from(at);
    let signature = sign(&secret(), "msg_1", now(), body).expect("a good secret");
    let second = now().as_second().to_string();
    let send = |id: &str, second: &str, signature: &str, body: &[u8]| {
        let head = format!(
            "webhook-id: {id}\nwebhook-timestamp: {second}\nwebhook-signature: {signature}"
        );
        verifier.verify(&headers(head.as_bytes()), body, now())
    };
    let good = send("msg_1", &second, &signature, body).expect("signed");
    assert_eq!(good.webhook_id.as_deref(), Some("msg_1"));
    let flipped = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        String::from_utf8(bytes).expect("ASCII")
    };
    assert!(send(&flipped("msg_1"), &second, &signature, body).is_err(), "another id");
    assert!(send("msg_1", &flipped(&second), &signature, body).is_err(), "another time");
    let at_signature = 3 + at % (signature.len() - 3 - 2);
    let mut other = signature.clone().into_bytes();
    other[at_signature] = if other[at_signature] == b'A' { b'B' } else { b'A' };
    let other = String::from_utf8(other).expect("ASCII");
    assert!(send("msg_1", &second, &other, body).is_err(), "another signature");
    let mut changed = body.to_vec();
    changed.push(bit);
    assert!(send("msg_1", &second, &signature, &changed).is_err(), "a longer body");
    if !body.is_empty() {
        changed.pop();
        let place = at % body.len();
        changed[place] ^= 1 << (bit % 8);
        assert!(send("msg_1", &second, &signature, &changed).is_err(), "another body");
        assert!(send("msg_1", &second, &signature, &body[1..]).is_err(), "a shorter body");
    }
    let late = Timestamp::from_second(now().as_second() + 301).expect("a time");
    let head =
        format!("webhook-id: msg_1\nwebhook-timestamp: {second}\nwebhook-signature: {signature}");
    assert!(verifier.verify(&headers(head.as_bytes()), body, late).is_err(), "too late");
}
