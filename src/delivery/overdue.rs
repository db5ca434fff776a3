//! Tasks about marks that came too late, when far too many of a class come at once: they are told of together, in one
//! list, and none of them is lost. Decides of no other message.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{reports, volume};
use crate::directory::School;
use crate::intake::case::enqueue;
use crate::model::{Channel, Notification, PupilId, Purpose, Reason, Recipient, StaffRole, State};
use crate::policy::notice::Notice;
use crate::policy::stale;
use crate::store::ledger::Unit;
use crate::store::{Kv, StoreError, tables};

/// So many of a class and day are a task each.
const EACH: usize = 5;
/// How long a list waits for those that come with it.
const GATHER: SignedDuration = SignedDuration::from_secs(30);
/// Most lists of one day: one a minute, all day.
const LISTS: u32 = 1500;

/// Whether a task is told of in a list, which is made where there is none that still waits.
///
/// # Errors
/// When the store fails.
pub(super) async fn is_listed(
    kv: &dyn Kv,
    unit: &mut Unit<'_>,
    school: &School,
    class: Option<&String>,
    n: &Notification,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !stale::is_late(n) {
        return Ok(false);
    }
    let late = |start: Timestamp, since: Timestamp| {
        start.saturating_add(school.stale_after).is_ok_and(|fresh| since > fresh)
    };
    let missing = volume::missing_on(kv, &school.id, n.date).await?;
    let of_class: BTreeSet<&PupilId> = missing
        .iter()
        .filter(|one| one.class.as_ref() == class && late(one.start, one.since))
        .map(|one| &one.pupil)
        .collect();
    if of_class.len() <= EACH {
        return Ok(false);
    }
    let about = reports::about(Purpose::NotReached);
    for which in 1..=LISTS {
        let notice = Notice {
            purpose: Purpose::NotReached,
            reason: Reason::Stale,
            recipient: Recipient::Staff(StaffRole::AttendanceTeam),
            channel: Channel::Email,
            about: &about,
            date: n.date,
            which: format!("late {which}"),
        };
        let mut list = notice.row(school, now);
        match unit.read::<Notification>(&tables::notification(&list.id)).await? {
            Some(known) if known.state == State::Waiting => break,
            Some(_) => {}
            None => {
                list.due_at = now.saturating_add(GATHER).unwrap_or(now);
                unit.decided("notify", Reason::Stale);
                enqueue(unit, &list);
                break;
            }
        }
    }
    Ok(true)
}
