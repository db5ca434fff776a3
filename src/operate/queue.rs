//! What waits: for each lane how much, since when, until when, and why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::model::{Notification, NotificationId, State};
use crate::store::rows::Due;
use crate::store::tables::{self, Lane};
use crate::store::{Kv, after_prefix, ledger};

/// Rows read at a time.
const PAGE: usize = 1_000;

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Queue {
    /// [`FORMAT`].
    pub format: u32,
    /// Each line of messages and timers that has any.
    pub lanes: Vec<LaneQueue>,
    /// Held in doubt: a person decides.
    pub held: Vec<NotificationId>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LaneQueue {
    /// Its name.
    pub lane: String,
    /// Rows that are due and have not been dealt with.
    pub due: u64,
    /// Rows that are due later.
    pub later: u64,
    /// When the oldest row that is due became so.
    pub oldest_due: Option<Timestamp>,
    /// When the next row is due.
    pub next: Option<Timestamp>,
    /// Why its messages wait, with how many.
    pub reasons: BTreeMap<String, u64>,
}

/// Counts what waits. Goes through all due rows and all messages.
///
/// # Errors
/// When the store fails.
pub async fn queue(kv: &dyn Kv, now: Timestamp) -> Result<Queue, OperateError> {
    let mut lanes = Vec::new();
    for lane in Lane::ALL {
        let found = count(kv, lane, now).await?;
        if found.due + found.later > 0 {
            lanes.push(found);
        }
    }
    Ok(Queue { format: FORMAT, lanes, held: held(kv).await? })
}

async fn count(kv: &dyn Kv, lane: Lane, now: Timestamp) -> Result<LaneQueue, OperateError> {
    let mut found = LaneQueue {
        lane: lane.as_str().into(),
        due: 0,
        later: 0,
        oldest_due: None,
        next: None,
        reasons: BTreeMap::new(),
    };
    let mut from = lane.prefix();
    let end = after_prefix(&from);
    loop {
        let page = kv.scan(&from, &end, PAGE).await?;
        for (key, value) in &page {
            let Some(at) = tables::due_time(key) else { continue };
            if at <= now {
                found.due += 1;
                found.oldest_due = found.oldest_due.or(Some(at));
            } else {
                found.later += 1;
                found.next = found.next.or(Some(at));
            }
            let Ok(Due::Claim { id, .. }) = ledger::decode::<Due>(value) else { continue };
            let row = ledger::read::<Notification>(kv, &tables::notification(&id)).await;
            if let Ok(Some(n)) = row {
                let reason = n.state_reason.unwrap_or(n.reason).as_str();
                *found.reasons.entry(reason).or_default() += 1;
            }
        }
        let Some((last, _)) = page.last().filter(|_| page.len() == PAGE) else { return Ok(found) };
        from = [last.as_slice(), &[0]].concat();
    }
}

async fn held(kv: &dyn Kv) -> Result<Vec<NotificationId>, OperateError> {
    let mut found = Vec::new();
    let mut from = tables::NOTIFICATIONS.to_vec();
    let end = after_prefix(tables::NOTIFICATIONS);
    loop {
        let page = kv.scan(&from, &end, PAGE).await?;
        for (_, value) in &page {
            if let Ok(n) = ledger::decode::<Notification>(value)
                && n.state == State::Held
            {
                found.push(n.id);
            }
        }
        let Some((last, _)) = page.last().filter(|_| page.len() == PAGE) else { return Ok(found) };
        from = [last.as_slice(), &[0]].concat();
    }
}
