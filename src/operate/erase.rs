//! Rows removed in small commits, each only if it is still as it was read: what `forget` and `retention` share.

use bytes::Bytes;
use jiff::Timestamp;

use crate::model::{Notification, NotificationId, State};
use crate::store::ledger::{self, Unit};
use crate::store::{Commit, Kv, MAX_BATCH_BYTES, StoreError, after_prefix, tables};

/// Rows read at a time.
const PAGE: usize = 500;
/// Rows changed in one commit.
const ROWS: usize = 100;
/// Tries of a commit that meets somebody else's, one after the other.
const CONFLICTS: u32 = 8;

/// What becomes of a row.
pub enum Fate {
    /// Stays as it is.
    Stays,
    /// Goes.
    Goes,
    /// Goes and is counted.
    Counted(Box<Notification>),
    /// Becomes this.
    Becomes(Bytes),
    /// What is said, if the store says so.
    If(Box<Fate>, Ask),
}

/// What the store is asked before a row goes.
pub enum Ask {
    /// Is each of these messages past, or gone?
    Past(Vec<NotificationId>, Timestamp),
    /// Is this row gone?
    Gone(Vec<u8>),
    /// Is each of these rows gone?
    AllGone(Vec<Vec<u8>>),
    /// Does no key begin with any of these?
    Empty([Vec<u8>; 2]),
}

impl Ask {
    async fn answer(&self, kv: &dyn Kv) -> Result<bool, StoreError> {
        match self {
            Self::Past(ids, limit) => {
                for id in ids {
                    let Some(value) = kv.get(&tables::notification(id)).await? else { continue };
                    let n = ledger::decode::<Notification>(&value);
                    if !n.is_ok_and(|n| is_past(&n, *limit)) {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Gone(key) => Ok(kv.get(key).await?.is_none()),
            Self::AllGone(keys) => {
                for key in keys {
                    if kv.get(key).await?.is_some() {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Empty(prefixes) => {
                for prefix in prefixes {
                    if !kv.scan(prefix, &after_prefix(prefix), 1).await?.is_empty() {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }
}

/// Goes through a table, or a part of it, and does to each row what `judge` says. Returns how many changed.
/// One that somebody else changes this moment stays for the next time.
///
/// # Errors
/// When the store fails.
pub async fn sweep(
    kv: &dyn Kv,
    prefix: &[u8],
    mut judge: impl FnMut(&[u8], &Bytes) -> Fate + Send,
) -> Result<u64, StoreError> {
    let end = after_prefix(prefix);
    let mut from = prefix.to_vec();
    let mut changed = 0;
    loop {
        let page = kv.scan(&from, &end, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(changed) };
        from = [last.as_slice(), &[0]].concat();
        for some in page.chunks(ROWS) {
            let mut fates = Vec::new();
            for (key, value) in some {
                match judge(key, value) {
                    Fate::Stays => {}
                    Fate::If(fate, ask) => {
                        if ask.answer(kv).await? {
                            fates.push((key, value, *fate));
                        }
                    }
                    fate => fates.push((key, value, fate)),
                }
            }
            changed += carry_out(kv, &fates).await?;
        }
        // Whoever else has work on this thread comes in between.
        tokio::task::yield_now().await;
    }
}

/// Does it, some rows a commit. Where somebody else writes one of them at the same moment it is tried again,
/// without that one.
async fn carry_out(kv: &dyn Kv, fates: &[(&Vec<u8>, &Bytes, Fate)]) -> Result<u64, StoreError> {
    let (mut at, mut changed, mut conflicts) = (0, 0, 0);
    while at < fates.len() {
        let (unit, rows, count) = some(kv, &fates[at..]).await?;
        if count == 0 || unit.commit().await? == Commit::Done {
            changed += count;
        } else if conflicts < CONFLICTS {
            conflicts += 1;
            continue;
        }
        (at, conflicts) = (at + rows, 0);
    }
    Ok(changed)
}

/// As many of the first rows as one commit takes: how many these are, and how many of them it changes.
async fn some<'a>(
    kv: &'a dyn Kv,
    fates: &[(&Vec<u8>, &Bytes, Fate)],
) -> Result<(Unit<'a>, usize, u64), StoreError> {
    let (mut unit, mut rows, mut changes) = (Unit::new(kv), 0, 0);
    for (key, value, fate) in fates {
        if unit.bytes() > MAX_BATCH_BYTES / 2 {
            break;
        }
        rows += 1;
        if unit.read_raw(key).await?.as_ref() != Some(*value) {
            continue;
        }
        match fate {
            Fate::Stays | Fate::If(..) => continue,
            Fate::Goes => unit.delete((*key).clone()),
            Fate::Counted(n) => {
                super::counters::count(&mut unit, n).await?;
                unit.delete((*key).clone());
            }
            Fate::Becomes(new) => unit.write_raw((*key).clone(), new.clone()),
        }
        changes += 1;
    }
    Ok((unit, rows, changes))
}

/// Whether nothing happens to a message any more by itself.
pub fn is_at_rest(n: &Notification) -> bool {
    !matches!(n.state, State::Waiting | State::Sending | State::InDoubt)
}

/// Whether nothing has happened to a message since, and nothing will: its deadline was before, too.
pub fn is_past(n: &Notification, limit: Timestamp) -> bool {
    let last = n.attempts.iter().map(|a| a.result.as_ref().map_or(a.started_at, |r| r.at)).max();
    is_at_rest(n) && n.deadline < limit && n.created_at < limit && last.is_none_or(|at| at < limit)
}
