//! Tests of `auth`: the standard's own vector, and every way to be refused.

use base64::Engine as _;
use http::HeaderValue;

use super::*;

// Vector of the Standard Webhooks libraries.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIME: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const TOKEN: &str = "b0c2e7d4f1a94c36";
const PASSWORD: &str = "korrekt häst batteri";

fn verifier(settings: AuthSettings) -> Verifier {
    Verifier::new(&settings).expect("settings")
}

fn signed_only(secrets: &[&str]) -> Verifier {
    verifier(AuthSettings {
        signature: secrets.iter().map(|text| (*text).into()).collect(),
        ..AuthSettings::default()
    })
}

fn everything() -> Verifier {
    verifier(AuthSettings {
        bearer: vec!["an-older-token-still-valid".into(), TOKEN.into()],
        basic: vec![("dexter".into(), PASSWORD.into())],
        signature: vec![SECRET.into()],
        ..AuthSettings::default()
    })
}

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in list {
        map.append(*name, HeaderValue::from_bytes(value.as_bytes()).expect("value"));
    }
    map
}

fn signed() -> HeaderMap {
    signed_with(SIGNATURE)
}

fn signed_with(signature: &str) -> HeaderMap {
    headers(&[
        ("webhook-id", ID),
        ("webhook-timestamp", &TIME.to_string()),
        ("webhook-signature", signature),
    ])
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("second")
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[test]
fn the_vector_of_the_standard_verifies() {
    let who = signed_only(&[SECRET]).verify(&signed(), BODY, at(TIME + 2)).expect("signed");
    assert_eq!(who.webhook_id.as_deref(), Some(ID));
    assert_eq!(who.skew, Some(SignedDuration::from_secs(-2)));
}

#[test]
fn signs_as_the_standard_does() {
    assert_eq!(sign(&SECRET.into(), ID, at(TIME), BODY).as_deref(), Ok(SIGNATURE));
}

#[test]
fn svix_names_are_read_too() {
    let headers = headers(&[
        ("svix-id", ID),
        ("svix-timestamp", &TIME.to_string()),
        ("svix-signature", SIGNATURE),
    ]);
    assert!(signed_only(&[SECRET]).verify(&headers, BODY, at(TIME)).is_ok());
}

#[test]
fn names_of_the_two_kinds_are_not_mixed() {
    let headers = headers(&[
        ("svix-id", ID),
        ("webhook-timestamp", &TIME.to_string()),
        ("svix-signature", SIGNATURE),
    ]);
    assert_eq!(signed_only(&[SECRET]).verify(&headers, BODY, at(TIME)), Err(Denied::Malformed));
}

#[test]
fn any_change_to_what_was_signed_is_seen() {
    let verifier = signed_only(&[SECRET]);
    for position in 0..BODY.len() {
        let mut body = BODY.to_vec();
        body[position] ^= 1;
        assert_eq!(verifier.verify(&signed(), &body, at(TIME)), Err(Denied::WrongSignature));
    }
    for (name, value) in
        [("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJel"), ("webhook-timestamp", "1614265331")]
    {
        let mut headers = signed();
        headers.insert(name, HeaderValue::from_static(value));
        assert_eq!(
            verifier.verify(&headers, BODY, at(TIME)),
            Err(Denied::WrongSignature),
            "{name}"
        );
    }
    assert_eq!(verifier.verify(&signed(), b"", at(TIME)), Err(Denied::WrongSignature));
}

#[test]
fn time_is_bounded_both_ways() {
    let verifier = signed_only(&[SECRET]);
    for (now, result) in [
        (TIME + 300, Ok(())),
        (TIME + 301, Err(Denied::Stale)),
        (TIME - 300, Ok(())),
        (TIME - 301, Err(Denied::Early)),
        (TIME + 86_400, Err(Denied::Stale)),
    ] {
        assert_eq!(verifier.verify(&signed(), BODY, at(now)).map(|_| ()), result, "{now}");
    }
    // A stranger with an old time is a stranger: the clock alarm is for our own senders.
    assert_eq!(
        signed_only(&[OTHER]).verify(&signed(), BODY, at(TIME + 86_400)),
        Err(Denied::WrongSignature)
    );
}

#[test]
fn both_secrets_work_during_rotation() {
    assert_eq!(
        signed_only(&[OTHER]).verify(&signed(), BODY, at(TIME)),
        Err(Denied::WrongSignature)
    );
    assert!(signed_only(&[OTHER, SECRET]).verify(&signed(), BODY, at(TIME)).is_ok());
    // And a sender that signs with both, the other one first.
    let wrong = format!("v1,{}", STANDARD.encode([7u8; 32]));
    let both = signed_with(&format!("{wrong} v1a,AAAA {SIGNATURE}"));
    assert!(signed_only(&[SECRET]).verify(&both, BODY, at(TIME)).is_ok());
}

#[test]
fn the_number_of_signatures_is_bounded() {
    let verifier = signed_only(&[SECRET]);
    let wrong = format!("v1,{}", STANDARD.encode([7u8; 32]));
    let last_of = |count: usize| {
        signed_with(&format!("{}{SIGNATURE}", format!("{wrong} ").repeat(count - 1)))
    };
    assert!(verifier.verify(&last_of(32), BODY, at(TIME)).is_ok());
    assert_eq!(verifier.verify(&last_of(33), BODY, at(TIME)), Err(Denied::TooManySignatures));
    // Spread over several header lines they are the same list.
    let mut lines = signed_with(&wrong);
    for _ in 0..32 {
        lines.append("webhook-signature", HeaderValue::from_str(&wrong).unwrap());
    }
    assert_eq!(verifier.verify(&lines, BODY, at(TIME)), Err(Denied::TooManySignatures));
}

#[test]
fn what_is_no_signature_is_none() {
    let verifier = signed_only(&[SECRET]);
    for signature in [
        "",
        "v1,",
        "v1,%%%%",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1O",
        "v1,AAAA",
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    ] {
        assert_eq!(
            verifier.verify(&signed_with(signature), BODY, at(TIME)),
            Err(Denied::NoUsableSignature),
            "{signature}"
        );
    }
    for (name, value) in [
        ("webhook-timestamp", ""),
        ("webhook-timestamp", "1614265330.0"),
        ("webhook-timestamp", "+1614265330"),
        ("webhook-timestamp", "-1"),
        ("webhook-timestamp", "99999999999999999999"),
        ("webhook-timestamp", "9223372036854775807"),
        ("webhook-id", ""),
        ("webhook-id", "å"),
    ] {
        let mut headers = signed();
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        assert_eq!(
            verifier.verify(&headers, BODY, at(TIME)),
            Err(Denied::Malformed),
            "{name} {value}"
        );
    }
    for name in ["webhook-id", "webhook-timestamp"] {
        let mut without = signed();
        without.remove(name);
        assert_eq!(verifier.verify(&without, BODY, at(TIME)), Err(Denied::Malformed), "{name}");
        let mut twice = signed();
        let value = twice[name].clone();
        twice.append(name, value);
        assert_eq!(verifier.verify(&twice, BODY, at(TIME)), Err(Denied::Malformed), "{name}");
    }
}

#[test]
fn tokens_and_passwords() {
    let verifier = everything();
    for (authorization, result) in [
        (format!("Bearer {TOKEN}"), Ok(())),
        (format!("bearer  {TOKEN}"), Ok(())),
        ("Bearer an-older-token-still-valid".to_owned(), Ok(())),
        (format!("Bearer {TOKEN}x"), Err(Denied::WrongToken)),
        ("Bearer ".to_owned(), Err(Denied::WrongToken)),
        ("Bearer".to_owned(), Err(Denied::Malformed)),
        (basic("dexter", PASSWORD), Ok(())),
        (basic("dexter", "korrekt"), Err(Denied::WrongPassword)),
        (basic("Dexter", PASSWORD), Err(Denied::WrongPassword)),
        ("Basic ***".to_owned(), Err(Denied::Malformed)),
        (format!("Token {TOKEN}"), Err(Denied::NotConfigured)),
    ] {
        let headers = headers(&[("authorization", &authorization)]);
        let who = verifier.verify(&headers, BODY, at(TIME));
        assert_eq!(who.map(|who| assert_eq!(who.webhook_id, None)), result, "{authorization}");
    }
    assert_eq!(verifier.verify(&HeaderMap::new(), BODY, at(TIME)), Err(Denied::Missing));
    let twice =
        headers(&[("authorization", "Bearer x"), ("authorization", &format!("Bearer {TOKEN}"))]);
    assert_eq!(verifier.verify(&twice, BODY, at(TIME)), Err(Denied::Malformed));
}

#[test]
fn an_unsigned_request_to_a_signing_source_is_refused() {
    let verifier = signed_only(&[SECRET]);
    assert_eq!(verifier.verify(&HeaderMap::new(), BODY, at(TIME)), Err(Denied::Missing));
    let id_alone = headers(&[("webhook-id", ID), ("webhook-timestamp", "1614265330")]);
    assert_eq!(verifier.verify(&id_alone, BODY, at(TIME)), Err(Denied::Missing));
    let token = headers(&[("authorization", &format!("Bearer {TOKEN}"))]);
    assert_eq!(verifier.verify(&token, BODY, at(TIME)), Err(Denied::WrongToken));
}

#[test]
fn a_token_does_not_mend_a_wrong_signature() {
    let token = HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap();
    let mut headers = signed_with(&format!("v1,{}", STANDARD.encode([7u8; 32])));
    headers.insert(header::AUTHORIZATION, token.clone());
    assert_eq!(everything().verify(&headers, BODY, at(TIME)), Err(Denied::WrongSignature));

    // Nor where no secret is set up to check it with.
    let token_only =
        verifier(AuthSettings { bearer: vec![TOKEN.into()], ..AuthSettings::default() });
    let mut headers = signed();
    headers.insert(header::AUTHORIZATION, token);
    assert_eq!(token_only.verify(&headers, BODY, at(TIME)), Err(Denied::NotConfigured));

    // An id without a signature is only an id.
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", HeaderValue::from_static(ID));
    headers
        .insert(header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap());
    assert!(token_only.verify(&headers, BODY, at(TIME)).is_ok());
}

#[test]
fn settings_that_protect_nothing_are_refused() {
    assert_eq!(Verifier::new(&AuthSettings::default()).unwrap_err(), SecretError::Nothing);
    for tolerance in [SignedDuration::ZERO, SignedDuration::from_hours(2), SignedDuration::MIN] {
        let settings =
            AuthSettings { bearer: vec![TOKEN.into()], tolerance, ..AuthSettings::default() };
        assert_eq!(Verifier::new(&settings).unwrap_err(), SecretError::Tolerance);
    }
}

#[test]
fn nothing_printed_shows_a_secret() {
    let settings = AuthSettings {
        bearer: vec![TOKEN.into()],
        basic: vec![("dexter".into(), PASSWORD.into())],
        signature: vec![SECRET.into()],
        ..AuthSettings::default()
    };
    let printed = format!("{settings:?} {:?}", verifier(settings.clone()));
    for secret in [TOKEN, PASSWORD, "MfKQ9r8"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
