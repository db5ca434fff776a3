//! What waits: for each lane how much, since when, until when, and why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::delivery::suspension::Suspensions;
use crate::model::{Notification, NotificationId, Reason, State};
use crate::store::rows::Due;
use crate::store::tables::{self, Lane};
use crate::store::{Kv, ledger};

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
    /// Messages whose last attempt has no known outcome yet; it is looked into.
    #[serde(default)]
    pub in_doubt: u64,
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
    /// When the oldest message that waits was made, however often it was tried since.
    #[serde(default)]
    pub oldest_made: Option<Timestamp>,
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
    let (held, in_doubt) = without_outcome(kv).await?;
    Ok(Queue { format: FORMAT, lanes: lanes(kv, now).await?, held, in_doubt })
}

/// Counts each line, the held ones aside. Goes through all due rows.
pub(super) async fn lanes(kv: &dyn Kv, now: Timestamp) -> Result<Vec<LaneQueue>, OperateError> {
    let mut lanes = Vec::new();
    let suspensions = Suspensions::load(kv, now).await?;
    for lane in Lane::ALL {
        let found = count(kv, lane, &suspensions, now).await?;
        if found.due + found.later > 0 {
            lanes.push(found);
        }
    }
    Ok(lanes)
}

async fn count(
    kv: &dyn Kv,
    lane: Lane,
    suspensions: &Suspensions,
    now: Timestamp,
) -> Result<LaneQueue, OperateError> {
    let mut found = LaneQueue {
        lane: lane.as_str().into(),
        due: 0,
        later: 0,
        oldest_due: None,
        oldest_made: None,
        next: None,
        reasons: BTreeMap::new(),
    };
    let mut waiting = Vec::new();
    ledger::each(kv, &lane.prefix(), |key, value| {
        let Some(at) = tables::due_time(key) else { return };
        if at <= now {
            found.due += 1;
            found.oldest_due = found.oldest_due.or(Some(at));
        } else {
            found.later += 1;
            found.next = found.next.or(Some(at));
        }
        if let Ok(Due::Claim { id, .. }) = ledger::decode::<Due>(value) {
            waiting.push(id);
        }
    })
    .await?;
    for id in waiting {
        let row = ledger::read::<Notification>(kv, &tables::notification(&id)).await;
        if let Ok(Some(n)) = row {
            let suspended = n.due_at <= now && suspensions.of(&n.school, n.channel).is_some();
            let reason = n.state_reason.unwrap_or(n.reason);
            let reason = if suspended { Reason::Suspended } else { reason }.as_str();
            *found.reasons.entry(reason).or_default() += 1;
            let oldest = found.oldest_made.get_or_insert(n.created_at);
            *oldest = n.created_at.min(*oldest);
        }
    }
    Ok(found)
}

async fn without_outcome(kv: &dyn Kv) -> Result<(Vec<NotificationId>, u64), OperateError> {
    let mut found = Vec::new();
    let mut in_doubt = 0;
    ledger::each(kv, tables::NOTIFICATIONS, |_, value| {
        let Ok(n) = ledger::decode::<Notification>(value) else { return };
        match n.state {
            State::Held => found.push(n.id),
            State::InDoubt => in_doubt += 1,
            _ => {}
        }
    })
    .await?;
    Ok((found, in_doubt))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::delivery::testing::notification;
    use crate::intake::case::enqueue;
    use crate::model::Channel;
    use crate::store::ledger::Unit;
    use crate::store::{Commit, MemoryStore};

    #[tokio::test]
    async fn what_is_due_what_is_later_and_what_is_held_are_told_apart() {
        let kv = MemoryStore::new();
        let now = notification("g").due_at;
        let minute = SignedDuration::from_mins(1);
        let mut unit = Unit::new(&kv);
        let due = Notification { due_at: now - minute, ..notification("g1") };
        let later = Notification {
            due_at: now + minute,
            state_reason: Some(Reason::Grace),
            ..notification("g2")
        };
        let mail = Notification { channel: Channel::Email, ..notification("g3") };
        let held = Notification { state: State::Held, ..notification("g4") };
        for n in [&due, &later, &mail] {
            enqueue(&mut unit, n);
        }
        unit.write(tables::notification(&held.id), &held);
        let doubt = Notification { state: State::InDoubt, ..notification("g5") };
        unit.write(tables::notification(&doubt.id), &doubt);
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        let queue = queue(&kv, now).await.expect("a queue");
        assert_eq!((&queue.held[..], queue.in_doubt), (&[held.id][..], 1));
        let [texts, mails] = &queue.lanes[..] else { panic!("{queue:?}") };
        assert_eq!((texts.lane.as_str(), texts.due, texts.later), ("sms-urgent", 1, 1));
        assert_eq!((texts.oldest_due, texts.next), (Some(due.due_at), Some(later.due_at)));
        assert_eq!(texts.oldest_made, Some(due.created_at));
        let reasons = [("grace".to_owned(), 1), ("unexcused-absence".to_owned(), 1)];
        assert_eq!(texts.reasons, reasons.into());
        assert_eq!((mails.lane.as_str(), mails.due, mails.later), ("email-urgent", 1, 0));
    }
}
