//! A pupil's rows erased (GDPR article 17), in small steps that can be repeated. What is under way is called
//! back or waited for first. One line stays that says that, when and by whom it was done, and not to whom.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::erase::{Fate, is_at_rest, sweep};
use super::message::{self, Act};
use super::{FORMAT, OperateError};
use crate::model::{
    Notification, NotificationId, PupilId, Register, SchoolId, SilencedTarget, State,
};
use crate::store::ledger::{self, ROW_VERSION, Unit};
use crate::store::rows::{Due, Erased, Rejection, RosterLook, SentTo};
use crate::store::{Commit, Kv, StoreError, after_prefix, codec, tables};

/// Times that it is gone through, where more is written about the pupil meanwhile.
const ROUNDS: usize = 5;
/// The tables whose keys begin with school and pupil. Lessons first: nothing may refer to a message that is
/// gone.
const OF_PUPIL: [(&str, &[u8]); 13] = [
    ("consents and agreements", tables::ACCORDS),
    ("words on cases", tables::CASE_WORDS),
    ("lessons", tables::LESSONS),
    ("days", tables::DAYS),
    ("advance notices", tables::NOTICES),
    ("advance notices", tables::NOTICE_GUARDS),
    ("duties", tables::DUTIES),
    ("steps reached", tables::FIRINGS),
    ("last said", tables::LAST_SAID),
    ("last said", tables::MISSED),
    ("last said", tables::KEPT_MARKS),
    ("last said", tables::NOTICES_SAID),
    ("trail", tables::AUDIT),
];

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
    /// Ids of events that may name the pupil: they stay, and go by themselves when they are 35 days old.
    pub young_ids: u64,
    /// Where traces are still, and until when.
    pub remains: Vec<String>,
}

/// Erases. A refused event that names no school is the pupil's only where this is the `only_school` there is.
///
/// # Errors
/// [`OperateError::NotNow`] while a message is on its way, or more is heard of the pupil; or when the store fails. What was done until then
/// stays done, and the rest is done by the next call.
pub async fn forget(
    kv: &dyn Kv,
    (school, pupil): (&SchoolId, &PupilId),
    only_school: bool,
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
    let mut ids = BTreeSet::new();
    let mut outcome = Ok(false);
    for _ in 0..ROUNDS {
        outcome = round(kv, (school, pupil), (by, now), &mut ids, &mut done).await;
        if !matches!(outcome, Ok(false)) {
            break;
        }
    }
    if matches!(outcome, Ok(true)) {
        let perhaps = refused(kv, (school, pupil), only_school, &mut done).await?;
        if perhaps > 0 {
            done.remains.push(format!(
                "{perhaps} refused events that name no school may be about this pupil, or about another school's of \
                 the same id; they go when they are 35 days old"
            ));
        }
        done.young_ids = events(kv, pupil).await?;
    }
    let (rows, called_back) = (done.erased.values().sum::<u64>(), done.called_back);
    if rows > 0 {
        let mut unit = Unit::new(kv);
        let row = Erased { at: now, by: by.into(), school: school.clone(), rows };
        unit.write(tables::erased(now, school), &row);
        let _: Commit = unit.commit().await?;
    }
    let all = matches!(outcome, Ok(true));
    tracing::info!(%school, rows, called_back, by, all, "a pupil's rows were erased");
    if outcome? {
        return Ok(done);
    }
    Err(OperateError::NotNow(
        "some rows about the pupil are there still, or again: more is heard of the pupil meanwhile. What is erased \
         stays so; take the pupil out of the school system and run it again"
            .into(),
    ))
}

/// Calls back, erases, and looks whether anything is there still. Somebody else may have written it meanwhile.
async fn round(
    kv: &dyn Kv,
    (school, pupil): (&SchoolId, &PupilId),
    (by, now): (&str, Timestamp),
    ids: &mut BTreeSet<NotificationId>,
    done: &mut Forgotten,
) -> Result<bool, OperateError> {
    for n in messages(kv, school, pupil).await? {
        if n.state == State::Waiting {
            match message::act(kv, &n.id, Act::Cancel, by, now).await {
                Ok(_) => done.called_back += 1,
                // It is on its way this moment, or over: told below.
                Err(OperateError::NotNow(_) | OperateError::NoMessage(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    let of_pupil = messages(kv, school, pupil).await?;
    let open = of_pupil.iter().filter(|n| !is_at_rest(n)).count();
    if open > 0 {
        let so_far = if done.erased.is_empty() {
            "Nothing is erased yet"
        } else {
            "What is erased so far stays so"
        };
        return Err(OperateError::NotNow(format!(
            "{open} of the pupil's messages are on their way, or nobody knows yet whether they are; those that \
             waited are called back. {so_far}: run this again when that is settled (`upprop why` shows it)"
        )));
    }
    ids.extend(of_pupil.into_iter().map(|n| n.id));
    rows(kv, school, pupil, done).await?;
    silences(kv, school, pupil, done).await?;
    of_messages(kv, ids, (school, pupil), done).await?;
    is_gone(kv, school, pupil).await.map_err(Into::into)
}

/// Whether nothing that is found by the pupil is there.
async fn is_gone(kv: &dyn Kv, school: &SchoolId, pupil: &PupilId) -> Result<bool, StoreError> {
    for (_, table) in OF_PUPIL {
        let prefix = tables::of_pupil(table, school, pupil);
        if !kv.scan(&prefix, &after_prefix(&prefix), 1).await?.is_empty() {
            return Ok(false);
        }
    }
    let prefix = tables::silencings(school, &SilencedTarget::Pupil(pupil.clone()));
    let no_silence = kv.scan(&prefix, &after_prefix(&prefix), 1).await?.is_empty();
    Ok(no_silence && messages(kv, school, pupil).await?.is_empty())
}

/// Erases the silences of the pupil alone.
async fn silences(
    kv: &dyn Kv,
    school: &SchoolId,
    pupil: &PupilId,
    done: &mut Forgotten,
) -> Result<(), StoreError> {
    let prefix = tables::silencings(school, &SilencedTarget::Pupil(pupil.clone()));
    let gone = sweep(kv, &prefix, |_, _| Fate::Goes).await?;
    done.add("silences", gone);
    Ok(())
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
    for (what, prefix) in OF_PUPIL {
        let of_pupil = tables::of_pupil(prefix, school, pupil);
        let gone = sweep(kv, &of_pupil, |_, _| Fate::Goes).await?;
        done.add(what, gone);
    }
    let missing = [tables::MISSING, school.as_str().as_bytes(), &[0]].concat();
    let is_of_pupil =
        |key: &[u8]| tables::missing_parts(key).is_some_and(|(_, of, _)| of == *pupil);
    let gone =
        sweep(kv, &missing, |key, _| if is_of_pupil(key) { Fate::Goes } else { Fate::Stays })
            .await?;
    done.add("missing at once", gone);
    let of_school = [tables::REGISTERS, school.as_str().as_bytes(), &[0]].concat();
    let changed = sweep(kv, &of_school, |_, value| {
        let Ok(mut row) = ledger::decode::<Register>(value) else { return Fate::Stays };
        let Some(planned) = &mut row.planned else { return Fate::Stays };
        let (also, except) = (planned.also.remove(pupil), planned.except.remove(pupil));
        if also || except { Fate::Becomes(codec::encode(ROW_VERSION, &row)) } else { Fate::Stays }
    })
    .await?;
    done.add("plans of lessons", changed);
    let looked = tables::roster_look(school);
    let changed = sweep(kv, &looked, |_, value| {
        let Ok(mut row) = ledger::decode::<RosterLook>(value) else { return Fate::Stays };
        let mut any = false;
        for pupils in row.now.values_mut().chain(row.before.values_mut()) {
            any |= pupils.remove(pupil);
        }
        if any { Fate::Becomes(codec::encode(ROW_VERSION, &row)) } else { Fate::Stays }
    })
    .await?;
    done.add("audits of the directory", changed);
    for prefix in [tables::ALL_DUE, tables::ASIDE] {
        let gone = sweep(kv, prefix, |_, value| match ledger::decode::<Due>(value) {
            Ok(
                Due::LessonEnd { school: at, pupil: of, .. }
                | Due::Redact { school: at, pupil: of }
                | Due::Ladder { school: at, pupil: of }
                | Due::Duty { school: at, pupil: of, .. },
            ) if at == *school && of == *pupil => Fate::Goes,
            _ => Fate::Stays,
        })
        .await?;
        done.add("timers", gone);
    }
    Ok(())
}

/// Events that were refused; returns how many stay because they do not say which school's pupil it is.
async fn refused(
    kv: &dyn Kv,
    (school, pupil): (&SchoolId, &PupilId),
    only_school: bool,
    done: &mut Forgotten,
) -> Result<u64, StoreError> {
    let mut perhaps = 0;
    let gone = sweep(kv, tables::REJECTED, |_, value| {
        let Ok(row) = ledger::decode::<Rejection>(value) else { return Fate::Stays };
        let is_about = row.pupil.as_ref().map_or_else(
            || names(&row.why, pupil) || row.event.is_some_and(|event| is_part(&event, pupil)),
            |about| about == pupil,
        );
        match &row.school {
            Some(at) if is_about && at == school => Fate::Goes,
            None if is_about && only_school => Fate::Goes,
            None if is_about => {
                perhaps += 1;
                Fate::Stays
            }
            _ => Fate::Stays,
        }
    })
    .await?;
    done.add("refused events", gone);
    Ok(perhaps)
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

/// How many ids of events may name the pupil. They say no school, are chosen by the source, and keep a
/// repetition from being taken for news: they stay until they are past their time.
async fn events(kv: &dyn Kv, pupil: &PupilId) -> Result<u64, StoreError> {
    let mut count = 0;
    ledger::each(kv, tables::SEEN, |key, _| {
        let is_named = tables::parts::<2>(key).is_some_and(|([_, event], _)| names(event, pupil));
        count += u64::from(is_named);
    })
    .await?;
    Ok(count)
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

/// Whether an id has the pupil's as a part of its own: `12` is none of `2026-11-12-881`.
fn is_part(text: &str, pupil: &PupilId) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && !"-_.".contains(c))
        .any(|part| part == pupil.as_str())
}

#[cfg(test)]
#[path = "forget_tests.rs"]
mod tests;
