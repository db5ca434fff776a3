//! Mails read back by another parser: headers, parts, and what must not get in.

use std::sync::LazyLock;

use mail_parser::{HeaderValue as Parsed, MessageParser, MimeHeaders};
use proptest::prelude::*;

use super::*;
use crate::directory::SubjectIdentity;
use crate::message::facts::TeamCase;
use crate::message::{Templates, samples, team};

/// Loaded once: loading tries every template on every sample.
static BUILTIN: LazyLock<Templates> = LazyLock::new(Templates::builtin);

fn email(text: &str) -> EmailAddress {
    EmailAddress::new(text).unwrap()
}

fn parts(case: &TeamCase, identity: SubjectIdentity) -> MailParts {
    let locale = Locale::swedish();
    let text = BUILTIN.render_team_mail(&locale, case, identity).unwrap();
    MailParts {
        from: Sender { name: "Björkskolan, närvaro".into(), address: email("upprop@example.se") },
        reply_to: Some(email("team@example.se")),
        to: email("inkorg@example.se"),
        text,
        locale,
        message_id: "<two@example.se>".into(),
        thread: Some("<case-one@example.se>".into()),
        date: "2026-11-23T08:25:00.5Z".parse().unwrap(),
        attachment: team::attachment(case).map(|json| (team::ATTACHMENT.into(), json)),
    }
}

#[test]
fn a_mail_to_the_team_reads_back() {
    let case = samples::team_case();
    let made = parts(&case, SubjectIdentity::Name);
    let bytes = build(&made).unwrap();
    let mail = MessageParser::default().parse(&bytes).unwrap();

    assert_eq!(mail.subject(), Some("Ej anlänt: Alva Ek, 7B, ärende K7QM2XP"));
    let from = mail.from().unwrap().first().unwrap();
    assert_eq!(from.name(), Some("Björkskolan, närvaro"));
    assert_eq!(from.address(), Some("upprop@example.se"));
    assert_eq!(mail.to().unwrap().first().unwrap().address(), Some("inkorg@example.se"));
    assert_eq!(mail.reply_to().unwrap().first().unwrap().address(), Some("team@example.se"));
    assert_eq!(mail.message_id(), Some("two@example.se"));
    assert_eq!(mail.in_reply_to().as_text(), Some("case-one@example.se"));
    assert_eq!(mail.references().as_text(), Some("case-one@example.se"));
    assert_eq!(mail.date().unwrap().to_rfc3339(), "2026-11-23T08:25:00Z");
    for (name, value) in [
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("MIME-Version", "1.0"),
    ] {
        assert_eq!(mail.header(name).and_then(Parsed::as_text), Some(value), "{name}");
    }
    assert_eq!(mail.header_raw("Content-Language").map(str::trim), Some("sv"));

    assert_eq!(
        mail.body_text(0).unwrap().replace("\r\n", "\n").trim_end(),
        made.text.text.trim_end()
    );
    assert_eq!(
        mail.body_html(0).unwrap().replace("\r\n", "\n").trim_end(),
        made.text.html.trim_end()
    );
    let file = mail.attachment(0).unwrap();
    assert_eq!(file.attachment_name(), Some("case.json"));
    let kind = file.content_type().unwrap();
    assert_eq!((kind.ctype(), kind.subtype()), ("application", Some("json")));
    assert_eq!(
        serde_json::from_slice::<TeamCase>(file.contents()).unwrap(),
        team::without_secrets(&case)
    );

    // RFC 2047: nothing but ASCII in the head.
    let head = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(head.is_ascii() && head.contains("Subject: Ej =?utf-8?b?"), "{head}");
    assert!(head.contains("multipart/mixed") && head.contains("multipart/alternative"));
}

#[test]
fn the_same_parts_make_the_same_bytes() {
    let made = parts(&samples::team_case(), SubjectIdentity::None);
    assert_eq!(build(&made).unwrap(), build(&made.clone()).unwrap());
    let other = MailParts { message_id: "<three@example.se>".into(), ..made.clone() };
    assert_ne!(boundary("mixed", &made.message_id), boundary("mixed", &other.message_id));
}

#[test]
fn a_first_plain_mail_has_neither_thread_nor_attachment() {
    let made = MailParts {
        thread: None,
        attachment: None,
        reply_to: None,
        from: Sender { name: String::new(), address: email("upprop@example.se") },
        ..parts(&samples::team_case(), SubjectIdentity::None)
    };
    let bytes = build(&made).unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    for absent in ["In-Reply-To", "References", "Reply-To", "multipart/mixed", "application/json"] {
        assert!(!text.contains(absent), "{absent}");
    }
    assert!(text.contains("From: upprop@example.se\r\n"), "{text}");
    assert_eq!(MessageParser::default().parse(&bytes).unwrap().attachment_count(), 0);
}

#[test]
fn what_cannot_be_a_header_is_refused() {
    let good = parts(&samples::team_case(), SubjectIdentity::None);
    for id in ["", "<>", "a@b", "<a@b", "<a>", "<@b>", "<a@>", "<a@b>\r\nBcc: <c@d>", "<a b@c>"] {
        let bad = MailParts { message_id: id.into(), ..good.clone() };
        assert_eq!(build(&bad), Err(MailError::MessageId), "{id:?}");
        let bad = MailParts { thread: Some(id.into()), ..good.clone() };
        assert_eq!(build(&bad), Err(MailError::MessageId), "{id:?}");
    }
    for name in ["", "a b", "a\r\nb", "å.json", "a\"b"] {
        let bad = MailParts { attachment: Some((name.into(), b"{}".to_vec())), ..good.clone() };
        assert_eq!(build(&bad), Err(MailError::FileName), "{name:?}");
    }
    let long = email(&format!("alva.ek@{}.se", "b".repeat(64)));
    let error = build(&MailParts { to: long.clone(), ..good }).unwrap_err();
    assert_eq!(error, MailError::Address(long));
    assert!(!error.to_string().contains("alva"), "{error}");
}

#[test]
fn a_subject_without_spaces_fits_a_line() {
    for word in ["a", "å", "😀"] {
        let good = parts(&samples::team_case(), SubjectIdentity::None);
        let text = MailText { subject: word.repeat(2000), ..good.text.clone() };
        let bytes = build(&MailParts { text, ..good }).unwrap();
        assert!(bytes.split(|b| *b == b'\n').all(|line| line.len() <= 998), "{word}");
        let mail = MessageParser::default().parse(&bytes[..]).unwrap();
        assert_eq!(mail.subject(), Some(word.repeat(250).as_str()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_name_reaches_the_head(name in any::<String>(), subject in any::<String>()) {
        let hostile = format!("{name}\r\nBcc: x@example.se\r\n\r\n{name}");
        let good = parts(&samples::team_case(), SubjectIdentity::None);
        let count = |bytes: &[u8]| MessageParser::default().parse(bytes).unwrap().headers().len();
        let expected = count(&build(&good).unwrap());
        let made = MailParts {
            from: Sender { name: hostile.clone(), ..good.from.clone() },
            text: MailText { subject: format!("{hostile}{subject}"), ..good.text.clone() },
            ..good
        };
        let bytes = build(&made).unwrap();
        prop_assert_eq!(count(&bytes), expected);
        let mail = MessageParser::default().parse(&bytes[..]).unwrap();
        prop_assert!(mail.bcc().is_none());
        prop_assert_eq!(mail.from().unwrap().first().unwrap().address(), Some("upprop@example.se"));
        for line in bytes.split(|b| *b == b'\n') {
            prop_assert!(line.len() <= 998);
        }
    }
}
