//! Delivery reports, as 46elks sends them and as any gateway does. The head has the callback's query as
//! `query: …` and its `content-type: …`.

use upprop::channel::sms::SmsApi;
use upprop::channel::sms::receipt::own_id;
use upprop::model::{Receipt, ReceiptStatus};

use super::answers::{OF_FIELDS, OF_JSON, elks};
use super::input::{headers, parted, tells_nothing};

/// The check.
pub fn check(data: &[u8]) {
    let (head, body) = parted(data);
    let headers = headers(head);
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (query, kind) = (text("query"), text("content-type"));
    let elks = elks(false);
    for receipt in read(&elks, query, kind, body, data) {
        let again = elks.receipts(query, None, as_form(&receipt).as_bytes());
        assert_eq!(again, Ok(vec![receipt]), "written as a form and read again");
    }
    for gateway in [&*OF_JSON, &*OF_FIELDS] {
        read(gateway, query, kind, body, data);
    }
}

fn read(
    api: &impl SmsApi,
    query: Option<&str>,
    kind: Option<&str>,
    body: &[u8],
    data: &[u8],
) -> Vec<Receipt> {
    let result = api.receipts(query, kind, body);
    assert_eq!(result, api.receipts(query, kind, body), "the same bytes, the same report");
    let receipts = match result {
        Ok(receipts) => receipts,
        Err(error) => {
            tells_nothing(&error, data, 200);
            return Vec::new();
        }
    };
    for receipt in &receipts {
        assert!(receipt.notification.is_some() || receipt.reference.is_some(), "about nothing");
        assert!(receipt.reference.as_ref().is_none_or(|reference| !reference.is_empty()));
        if let Some(id) = own_id(query) {
            assert_eq!(receipt.notification, Some(id), "the one in our own address counts first");
        }
    }
    receipts
}

/// As 46elks writes it.
fn as_form(receipt: &Receipt) -> String {
    let status = match receipt.status {
        ReceiptStatus::Sent => "sent",
        ReceiptStatus::Delivered => "delivered",
        ReceiptStatus::Undelivered => "failed",
    };
    let mut fields = vec![("id", receipt.reference.clone().expect("46elks has one"))];
    fields.push(("status", status.into()));
    fields.extend(receipt.at.map(|at| ("delivered", at.to_string())));
    serde_urlencoded::to_string(fields).expect("pairs of texts")
}
