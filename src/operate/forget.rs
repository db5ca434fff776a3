//! A pupil's rows erased (GDPR article 17), in small steps that can be repeated. What is under way is called
//! back or waited for first. One line stays that says that, when and by whom it was done, and not to whom.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::erase::{Fate, is_at_rest, sweep};
use super::message::{self, Act};
use super::{FORMAT, OperateError};
use crate::model::{Notification, NotificationId, PupilId, SchoolId, State};
use crate::store::ledger::{self, Unit};
use crate::store::rows::{Due, Erased, Rejection, Seen, SentTo};
use crate::store::{Commit, Kv, StoreError, tables};

/// Ids of events younger than this stay: an event that is sent again must not be taken for a new one.
const SEEN_STAYS: SignedDuration = SignedDuration::from_hours(4 * 24);

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Forgotten {
    /// [`FORMAT`].
    pub format: u32,
    /// At which school.
    pub school: SchoolId,
    /// Waiting messages that were called back first.
    pub called_back: u64,
    /// Rows erased, by table.
    pub erased: BTreeMap<String, u64>,
    /// Ids of events that name the pupil and are too young to go; they go by themselves.
    pub young_ids: u64,
    /// Where traces are still, and until when.
    pub remains: Vec<String>,
}

/// Erases.
///
/// # Errors
/// [`OperateError::NotNow`] while a message is on its way; or when the store fails. What was done until then
/// stays done, and the rest is done by the next call.
pub async fn forget(
    kv: &dyn Kv,
    (school, pupil): (&SchoolId, &PupilId),
    by: &str,
    now: Timestamp,
) -> Result<Forgotten, OperateError> {
    let mut done = Forgotten {
        format: FORMAT,
        school: school.clone(),
        called_back: 0,
        erased: BTreeMap::new(),
        young_ids: 0,
        remains: Vec::new(),
    };
    for n in messages(kv, school, pupil).await? {
        if n.state == State::Waiting {
            match message::act(kv, &n.id, Act::Cancel, by, now).await {
                Ok(_) => done.called_back += 1,
                // It is on its way this moment, or over: told below.
                Err(OperateError::NotNow(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    let of_pupil = messages(kv, school, pupil).await?;
    let open = of_pupil.iter().filter(|n| !is_at_rest(n)).count();
    if open > 0 {
        return Err(OperateError::NotNow(format!(
            "{open} of the pupil's messages are on their way, or nobody knows yet whether they are; those that \
             waited are called back. Nothing is erased yet: run this again when that is settled (`upprop why` \
             shows it)"
        )));
    }
    let ids: BTreeSet<NotificationId> = of_pupil.into_iter().map(|n| n.id).collect();
    rows(kv, school, pupil, &mut done).await?;
    of_messages(kv, &ids, (school, pupil), &mut done).await?;
    done.young_ids = events(kv, pupil, now, &mut done).await?;
    let rows: u64 = done.erased.values().sum();
    if rows > 0 {
        let mut unit = Unit::new(kv);
        let row = Erased { at: now, by: by.into(), school: school.clone(), rows };
        unit.write(tables::erased(now, school), &row);
        let _: Commit = unit.commit().await?;
    }
    tracing::info!(%school, rows, called_back = done.called_back, by, "a pupil's rows were erased");
    Ok(done)
}

/// All messages about a pupil. Goes through all messages.
///
/// # Errors
/// When the store fails.
pub async fn messages(
    kv: &dyn Kv,
    school: &SchoolId,
    pupil: &PupilId,
) -> Result<Vec<Notification>, StoreError> {
    let mut found = Vec::new();
    ledger::each(kv, tables::NOTIFICATIONS, |_, value| {
        if let Ok(n) = ledger::decode::<Notification>(value)
            && n.school == *school
            && n.pupil == *pupil
        {
            found.push(n);
        }
    })
    .await?;
    Ok(found)
}

/// The tables whose keys begin with school and pupil.
///
/// # Errors
/// When the store fails.
async fn rows(
    kv: &dyn Kv,
    school: &SchoolId,
    pupil: &PupilId,
    done: &mut Forgotten,
) -> Result<(), StoreError> {
    // Lessons first: nothing may refer to a message that is gone.
    for (what, prefix) in [
        ("lessons", tables::LESSONS),
        ("days", tables::DAYS),
        ("advance notices", tables::NOTICES),
        ("advance notices", tables::NOTICE_GUARDS),
        ("trail", tables::AUDIT),
    ] {
        let of_pupil = tables::of_pupil(prefix, school, pupil);
        let gone = sweep(kv, &of_pupil, |_, _| Fate::Goes).await?;
        done.add(what, gone);
    }
    for prefix in [tables::ALL_DUE, tables::ASIDE] {
        let gone = sweep(kv, prefix, |_, value| match ledger::decode::<Due>(value) {
            Ok(Due::LessonEnd { school: at, pupil: of, .. }) if at == *school && of == *pupil => {
                Fate::Goes
            }
            _ => Fate::Stays,
        })
        .await?;
        done.add("timers", gone);
    }
    let gone = sweep(kv, tables::REJECTED, |_, value| {
        let row = ledger::decode::<Rejection>(value).ok();
        let is_about = row.is_some_and(|row| {
            row.pupil.as_ref() == Some(pupil)
                || names(&row.why, pupil)
                || row.event.is_some_and(|event| names(&event, pupil))
        });
        if is_about { Fate::Goes } else { Fate::Stays }
    })
    .await?;
    done.add("refused events", gone);
    Ok(())
}

async fn of_messages(
    kv: &dyn Kv,
    ids: &BTreeSet<NotificationId>,
    (school, pupil): (&SchoolId, &PupilId),
    done: &mut Forgotten,
) -> Result<(), StoreError> {
    let fate = |goes: bool| if goes { Fate::Goes } else { Fate::Stays };
    let gone = sweep(kv, tables::REFERENCES, |_, value| {
        let id = ledger::decode::<NotificationId>(value).ok();
        fate(id.is_some_and(|id| ids.contains(&id)))
    })
    .await?;
    done.add("providers' references", gone);
    let gone = sweep(kv, tables::SENT_TO, |_, value| {
        let row = ledger::decode::<SentTo>(value).ok();
        fate(row.is_some_and(|row| ids.contains(&row.id)))
    })
    .await?;
    done.add("attempts by address", gone);
    let gone =
        sweep(kv, tables::NOTIFICATIONS, |_, value| match ledger::decode::<Notification>(value) {
            Ok(n) if n.school == *school && n.pupil == *pupil && is_at_rest(&n) => {
                Fate::Counted(Box::new(n))
            }
            _ => Fate::Stays,
        })
        .await?;
    done.add("messages", gone);
    Ok(())
}

/// Ids of events that name the pupil; returns how many stay because they are young.
async fn events(
    kv: &dyn Kv,
    pupil: &PupilId,
    now: Timestamp,
    done: &mut Forgotten,
) -> Result<u64, StoreError> {
    let old = now.saturating_sub(SEEN_STAYS).unwrap_or(Timestamp::MIN);
    let mut young = 0;
    let gone = sweep(kv, tables::SEEN, |key, value| {
        let names = tables::parts::<2>(key).is_some_and(|([_, event], _)| names(event, pupil));
        if !names {
            return Fate::Stays;
        }
        if ledger::decode::<Seen>(value).is_ok_and(|seen| seen.at < old) {
            return Fate::Goes;
        }
        young += 1;
        Fate::Stays
    })
    .await?;
    done.add("events seen", gone);
    Ok(young)
}

impl Forgotten {
    fn add(&mut self, what: &str, rows: u64) {
        if rows > 0 {
            *self.erased.entry(what.into()).or_default() += rows;
        }
    }
}

/// Whether a text holds the pupil's id as a word of its own: `p1` is not in `p12`.
fn names(text: &str, pupil: &PupilId) -> bool {
    let id = pupil.as_str();
    text.match_indices(id).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + id.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_named_only_as_a_word() {
        let pupil = PupilId::new("p1").expect("id");
        for (text, named) in [
            ("p1", true),
            ("2026-p1-x", true),
            ("p12", false),
            ("ap1", false),
            ("x", false),
            ("pupil: p1 is not", true),
        ] {
            assert_eq!(names(text, &pupil), named, "{text}");
        }
    }
}
