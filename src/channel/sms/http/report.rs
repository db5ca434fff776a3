//! A gateway's delivery report: a form, a JSON object, or the callback's query. Pure.

use serde_json::Value;

use super::{
    place::scalar,
    settings::{FieldName, HttpReceipts},
};
use crate::{
    channel::sms::receipt,
    model::{NotificationId, Receipt},
};

/// Takes what is told of one message.
pub(super) fn read(
    settings: &HttpReceipts,
    query: Option<&str>,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Vec<Receipt>, String> {
    let json = content_type.is_some_and(|kind| {
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    });
    let document: Option<Value> = if json {
        Some(serde_json::from_slice(body).map_err(|_| "the report's body is not JSON")?)
    } else {
        None
    };
    let mut fields = receipt::form(if json { b"" } else { body });
    fields.extend(receipt::form(query.unwrap_or_default().as_bytes()));
    let read = |name: &FieldName| -> Option<String> {
        let from_json = document.as_ref().and_then(|document| {
            let value =
                if name.starts_with('/') { document.pointer(name) } else { document.get(name) };
            value.and_then(scalar)
        });
        from_json
            .or_else(|| receipt::value(&fields, name).map(str::to_owned))
            .filter(|text| !text.is_empty())
    };

    let status = read(&settings.status)
        .ok_or_else(|| format!("the report has no field {:?}", settings.status))?;
    let Some(status) = settings.statuses.get(&status) else { return Ok(Vec::new()) };
    let notification = receipt::own_id(query)
        .or_else(|| NotificationId::parse(&read(settings.id.as_ref()?)?).ok());
    let reference = settings.reference.as_ref().and_then(read);
    if notification.is_none() && reference.is_none() {
        return Err("the report names no message: neither our id nor the provider's".into());
    }
    Ok(vec![Receipt {
        notification,
        reference,
        status: *status,
        at: settings.at.as_ref().and_then(read).and_then(|text| receipt::time(&text)),
    }])
}
