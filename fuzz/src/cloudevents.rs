//! CloudEvents 1.0: structured, in a batch, and binary with the attributes in headers. The first line
//! of the head says how it comes; the three say the same of the same event.

use std::fmt::Write as _;

use http::HeaderMap;
use serde_json::{Map, Value};

use super::input::{headers, parted};
use super::webhook::{decoded, judged};

/// The check.
pub fn check(data: &[u8]) {
    let (head, body) = parted(data);
    let mut headers = headers(head);
    headers.entry("content-type").or_insert("application/cloudevents+json".parse().expect("value"));
    let result = decoded(&headers, body);
    assert_eq!(result, decoded(&headers, body), "the same bytes, the same events");
    let good = judged(&result, data);
    let structured = headers["content-type"] == "application/cloudevents+json";
    let ([observation], true) = (good.as_slice(), structured) else { return };

    let batch = [b"[".as_slice(), body, b"]"].concat();
    let batched = decoded(&media("application/cloudevents-batch+json"), &batch);
    let batched = batched.expect("a batch of one").items.remove(0).result;
    assert_eq!(batched.as_ref(), Ok(*observation), "in a batch");

    let Ok(Value::Object(event)) = serde_json::from_slice(body) else { panic!("it was decoded") };
    let Some((headers, data)) = binary(event) else { return };
    let in_headers = decoded(&headers, data.to_string().as_bytes());
    let in_headers = in_headers.expect("the same in headers").items.remove(0).result;
    assert_eq!(in_headers.as_ref(), Ok(*observation), "with its attributes in headers");
}

fn media(kind: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(http::header::CONTENT_TYPE, kind.parse().expect("a value"))])
}

/// An event in binary mode (HTTP protocol binding, section 3.1); none where an attribute's name is
/// none.
fn binary(mut event: Map<String, Value>) -> Option<(HeaderMap, Value)> {
    let mut headers = media("application/json");
    let data = event.remove("data")?;
    // It is the content type itself there.
    event.remove("datacontenttype");
    for (name, value) in event {
        let Value::String(text) = value else { continue };
        let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if name.is_empty() || !name.bytes().all(letters) {
            return None;
        }
        let name: http::HeaderName = format!("ce-{name}").parse().ok()?;
        headers.insert(name, percent_encoded(&text).parse().expect("printable ASCII"));
    }
    Some((headers, data))
}

/// Printable ASCII as it is but for space, quotation mark and percent sign (section 3.1.3.2).
fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'"' && byte != b'%' {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("memory takes it");
        }
    }
    out
}
