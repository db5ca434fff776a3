//! A text on its way in, whatever protocol brought it: what it meets, whether it is taken, and what
//! is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;

use super::active::Meets;
use super::http::{Answer, Asked, Dropped, plain};
use super::parts::parts;
use super::received::{Kind, ReceiptState, Received, Status};
use super::{Shared, receipts};

/// What every gateway is told, and the other fields.
pub(super) struct Texted {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) text: String,
    pub(super) rest: BTreeMap<String, String>,
}

/// Takes a text unless a fault or `before_taking` answers instead; `normal` is the answer when all
/// is well.
pub(super) async fn take(
    shared: &Arc<Shared>,
    asked: &Asked,
    texted: Texted,
    before_taking: impl FnOnce(&Texted) -> Option<Answer>,
    normal: impl FnOnce(&Received) -> Answer,
) -> Result<Answer, Dropped> {
    let meets = shared.active().submission(&texted.to, &texted.text);
    let rule = match meets {
        Meets::BadRequest => return Ok(plain(StatusCode::BAD_REQUEST, "Invalid to number")),
        Meets::Rule(rule) if !rule.is_stored() => {
            return shared.spoiled(&rule, Answer::default()).await;
        }
        Meets::Rule(rule) => Some(rule),
        Meets::Nothing => None,
    };
    if let Some(answer) = before_taking(&texted) {
        return Ok(answer);
    }
    let text = shared.take(Received {
        kind: Kind::Sms,
        id: shared.new_id('s'),
        parts: Some(parts(&texted.text)),
        from: texted.from,
        to: texted.to,
        subject: None,
        text: texted.text,
        received_at: Timestamp::UNIX_EPOCH,
        headers: texted.rest,
        attachments: Vec::new(),
        path: Some(asked.head.uri.path().to_owned()),
        status: Some(Status::Created),
        receipt: ReceiptState::None,
        receipts_posted: 0,
        raw: asked.body.clone(),
    });
    let normal = normal(&text);
    receipts::follow(shared, &text).await;
    match rule {
        Some(rule) => shared.spoiled(&rule, normal).await,
        None => Ok(normal),
    }
}
