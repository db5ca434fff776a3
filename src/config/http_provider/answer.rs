//! Reads how a gateway is understood: its answers, its look-up and its reports.

use std::ops::RangeInclusive;

use super::read::{together, without, words};
use super::{HttpCodes, HttpLookup, HttpReceipts};
use crate::channel::sms::http::{LookupUrl, Place, PlaceError, Pointer};
use crate::config::address::http_url;
use crate::config::reader::Reader;
use crate::model::PlainHttp;

const POINTER: &str = "a JSON pointer, as \"/message/id\"";

fn pointer(text: &str) -> Result<String, Option<String>> {
    let slashed = || format!("/{}", text.replace('.', "/"));
    match Pointer::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) if text.starts_with('/') => Err(None),
        Err(_) => Err(Some(slashed()).filter(|remedy| Pointer::parse(remedy).is_ok())),
    }
}

/// Where a value stands in the answer.
pub(super) fn place(
    reader: &Reader<'_>,
    key: &'static str,
    delimiter: Option<&str>,
) -> Option<String> {
    let text = reader.text(key)?;
    let Err(fault) = Place::parse(&text, delimiter) else { return Some(text) };
    let remedy = match &fault {
        // Whoever leaves the slash out meant a pointer.
        PlaceError::Groups(0) => match pointer(&text) {
            Err(Some(slashed)) => format!("write \"{slashed}\""),
            _ => "put ( and ) around the value".to_owned(),
        },
        PlaceError::NoDelimiter => "add answer-delimiter = \";\"".to_owned(),
        _ => "write it as the gateway's documentation shows the answer".to_owned(),
    };
    reader.error(key, format!("`{key}` is {text:?}, which {fault}"), remedy);
    None
}

/// What stands between the fields of an answer.
pub(super) fn delimiter(reader: &Reader<'_>) -> Option<String> {
    reader.parsed("answer-delimiter", "what stands between fields, as \";\"", |text| {
        if (1..=8).contains(&text.len()) { Ok(text.to_owned()) } else { Err(None) }
    })
}

pub(super) fn statuses(text: &str) -> Result<RangeInclusive<u16>, Option<String>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let code =
        |t: &str| t.trim().parse::<u16>().ok().filter(|code| (200..300).contains(code)).ok_or(None);
    let (first, last) = (code(first)?, code(last)?);
    if first <= last { Ok(first..=last) } else { Err(Some(format!("{last}-{first}"))) }
}

pub(super) fn codes(reader: &Reader<'_>, delimiter: Option<&str>) -> Option<HttpCodes> {
    let at = place(reader, "code-at", delimiter);
    let codes = HttpCodes {
        at: at.clone().unwrap_or_default(),
        permanent: words(reader, "permanent-codes"),
        bad_number: words(reader, "bad-number-codes"),
        config: words(reader, "config-codes"),
        retry: words(reader, "retry-codes"),
    };
    let lists = ["permanent-codes", "bad-number-codes", "config-codes", "retry-codes"];
    without(reader, &lists, "code-at", "\"/error/code\"");
    at.map(|_| codes)
}

pub(super) fn lookup(reader: &Reader<'_>) -> Option<HttpLookup> {
    together(reader, "lookup-url", "lookup-pointer");
    let url =
        reader.parsed("lookup-url", "an https address with {id} in its path or query", |text| {
            http_url(&text.replace("{id}", "0"))?;
            LookupUrl::parse(text, PlainHttp::LoopbackOnly)
                .map(|_| text.to_owned())
                .map_err(|_| None)
        });
    let pointer = reader.parsed("lookup-pointer", POINTER, pointer);
    url.zip(pointer).map(|(url, pointer)| HttpLookup { url, pointer })
}

pub(super) fn receipts(reader: &Reader<'_>) -> Option<HttpReceipts> {
    let status = reader.text("receipt-status");
    let ack_body = reader.text("receipt-ack-body").unwrap_or_default();
    let usual_status = if ack_body.is_empty() { 204 } else { 200 };
    let receipts = HttpReceipts {
        id: reader.text("receipt-id"),
        reference: reader.text("receipt-reference"),
        status: status.clone().unwrap_or_default(),
        time: reader.text("receipt-time"),
        sent: words(reader, "receipt-sent"),
        delivered: words(reader, "receipt-delivered"),
        undelivered: words(reader, "receipt-undelivered"),
        ack_status: reader
            .integer("receipt-ack-status", 200..=299)
            .and_then(|n| u16::try_from(n).ok())
            .unwrap_or(usual_status),
        ack_body,
    };
    together(reader, "receipt-status", "receipt-delivered");
    let rest = [
        "receipt-id",
        "receipt-reference",
        "receipt-time",
        "receipt-sent",
        "receipt-undelivered",
        "receipt-ack-status",
        "receipt-ack-body",
    ];
    without(reader, &rest, "receipt-status", "\"/status\"");
    status.map(|_| receipts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_and_statuses() {
        assert_eq!(pointer("/a/b"), Ok("/a/b".into()));
        assert_eq!(pointer("a.b"), Err(Some("/a/b".into())));
        assert_eq!(pointer("a~2"), Err(None));
        assert_eq!(pointer("/a~2"), Err(None));
        assert_eq!(statuses("200-299"), Ok(200..=299));
        assert_eq!(statuses("202"), Ok(202..=202));
        assert_eq!(statuses("202-200"), Err(Some("200-202".into())));
        assert_eq!(statuses("404"), Err(None));
    }
}
