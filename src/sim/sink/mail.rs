//! What is inside a mail: header fields, text, attachments. Pure.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use mail_parser::{
    Address, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _, PartType,
};

use super::received::{Attachment, Kind, ReceiptState, Received};

/// A mail as it is listed. What cannot be read is left empty: the raw bytes are kept.
pub(super) fn received(id: String, from: String, to: &[String], raw: Bytes) -> Received {
    let parsed = MessageParser::default().parse(&raw[..]);
    let (subject, text, headers, attachments) = match &parsed {
        Some(mail) => (
            mail.subject().map(str::to_owned),
            text(mail),
            headers(mail),
            mail.attachments().map(attachment).collect(),
        ),
        None => Default::default(),
    };
    drop(parsed);
    Received {
        kind: Kind::Email,
        id,
        from,
        to: to.join(", "),
        subject,
        text,
        parts: None,
        received_at: Timestamp::UNIX_EPOCH,
        headers,
        attachments,
        path: None,
        status: None,
        receipt: ReceiptState::None,
        receipts_posted: 0,
        raw,
    }
}

fn text(mail: &Message<'_>) -> String {
    let plain = mail.text_bodies().find_map(|part| match &part.body {
        PartType::Text(text) => Some(text),
        _ => None,
    });
    plain.map(|text| text.replace("\r\n", "\n")).unwrap_or_default()
}

/// Header fields by name as sent: addresses and the subject decoded, all else unfolded only, so that
/// a test sees what was on the wire. Fields of one name are joined with `, `.
fn headers(mail: &Message<'_>) -> BTreeMap<String, String> {
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    for (parsed, (name, raw)) in mail.headers().iter().zip(mail.headers_raw()) {
        let value = match parsed.value() {
            HeaderValue::Address(addresses) => people(addresses),
            HeaderValue::Text(text) if name.eq_ignore_ascii_case("subject") => text.to_string(),
            _ => raw.replace(['\r', '\n'], "").trim().to_owned(),
        };
        match fields.get_mut(name) {
            Some(before) => {
                before.push_str(", ");
                before.push_str(&value);
            }
            None => {
                fields.insert(name.to_owned(), value);
            }
        }
    }
    fields
}

fn people(addresses: &Address<'_>) -> String {
    let one = |person: &mail_parser::Addr<'_>| {
        let address = person.address().unwrap_or_default();
        match person.name() {
            Some(name) => format!("{name} <{address}>"),
            None => address.to_owned(),
        }
    };
    addresses.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn attachment(part: &MessagePart<'_>) -> Attachment {
    let media = part.content_type().map(|media| match media.subtype() {
        Some(subtype) => format!("{}/{subtype}", media.ctype()),
        None => media.ctype().to_owned(),
    });
    let bytes = part.contents();
    Attachment {
        name: part.attachment_name().unwrap_or("unnamed").to_owned(),
        content_type: media.unwrap_or_else(|| "application/octet-stream".into()),
        bytes: bytes.len(),
        text: std::str::from_utf8(bytes).ok().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_taken_apart() {
        let raw = "From: =?utf-8?q?Ekskolan_n=C3=A4rvaro?= <narvaro@example.se>\r\n\
            To: team@example.se\r\n\
            Subject: =?utf-8?q?Fr=C3=A5nvaro?= i dag\r\n\
            Message-ID: <case-1@example.se>\r\n\
            References: <case-0@example.se>\r\n <case-1@example.se>\r\n\
            Auto-Submitted: auto-generated\r\n\
            MIME-Version: 1.0\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\r\n\
            --b\r\nContent-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\n\
            Hej,\r\n=C3=85sa saknas.\r\n\
            --b\r\nContent-Type: application/json; name=event.json\r\n\
            Content-Disposition: attachment; filename=event.json\r\n\
            Content-Transfer-Encoding: base64\r\n\r\neyJhIjoxfQ==\r\n--b--\r\n";
        let mail = received("m1".into(), "b@x.se".into(), &["team@example.se".into()], raw.into());
        assert_eq!(mail.subject.as_deref(), Some("Frånvaro i dag"));
        assert_eq!(mail.text.trim_end(), "Hej,\nÅsa saknas.");
        assert_eq!(mail.headers["From"], "Ekskolan närvaro <narvaro@example.se>");
        assert_eq!(mail.headers["References"], "<case-0@example.se> <case-1@example.se>");
        assert_eq!(mail.headers["Auto-Submitted"], "auto-generated");
        let [attached] = mail.attachments.as_slice() else { panic!("one: {:?}", mail.attachments) };
        assert_eq!(
            (&*attached.name, &*attached.content_type, attached.text.as_deref()),
            ("event.json", "application/json", Some("{\"a\":1}"))
        );
    }

    #[test]
    fn nonsense_is_kept() {
        for raw in [&b""[..], b"\r\n", b"\xff\xfe", b"no colon here\r\n\r\ntext\r\n"] {
            let raw = Bytes::from_static(raw);
            let mail = received("m1".into(), String::new(), &["a@b.se".into()], raw.clone());
            assert_eq!((mail.raw, mail.attachments.len()), (raw, 0));
        }
    }
}
