//! What each table's rows must be: readable, where their values say, and with what they refer to.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::check::{Checked, is_there, unreadable};
use crate::delivery::accounts::Account;
use crate::delivery::suspension::Suspension;
use crate::directory::go_live::GoneLive;
use crate::directory::{Roster, snapshot};
use crate::intake::case::due_row;
use crate::model::{
    Accord, CaseWord, Duty, DutyState, Firing, Hold, LessonId, LessonState, MissingAt,
    Notification, NotificationId, PupilId, SchoolId, SessionRecord, Silencing, State,
};
use crate::store::rows::{
    Alias, Audit, BadContact, Counted, Cursor, Day, Due, Erased, Failing, KeptMark, LastSaid,
    Missed, Notice, NoticeSaid, OperatorAct, Register, Rejection, Restored, RosterLook, Seen,
    SentTo, Silence, TakenFile,
};
use crate::store::{Kv, StoreError, ledger, tables};

/// What is wrong with a row, and what to do.
pub struct Finding {
    /// In words.
    pub what: String,
    /// In words.
    pub remedy: &'static str,
}

const REBUILD: &str = "make the store again from the journal: `upprop store rebuild`; if it stays so, restore a backup";

fn wrong(what: &str) -> Finding {
    Finding { what: what.into(), remedy: REBUILD }
}

fn read<T: DeserializeOwned>(value: &[u8]) -> Result<T, Option<Finding>> {
    ledger::decode(value).map_err(|error| Some(unreadable(&error)))
}

/// Looks at one row of a table.
///
/// # Errors
/// When the store fails.
pub async fn look(
    kv: &dyn Kv,
    prefix: &[u8],
    key: &[u8],
    value: &Bytes,
) -> Result<Option<Finding>, StoreError> {
    match prefix {
        tables::NOTIFICATIONS => return notification(kv, key, value).await,
        tables::ALL_DUE => return due(kv, key, value).await,
        tables::LESSONS => return lesson(kv, key, value).await,
        tables::DUTIES => return duty(kv, key, value).await,
        tables::REFERENCES => match read::<NotificationId>(value) {
            Ok(id) => return referred(kv, &id, "a provider's reference").await,
            Err(found) => return Ok(found),
        },
        tables::SENT_TO => match read::<SentTo>(value) {
            Ok(row) if key.ends_with(row.id.as_str().as_bytes()) => {
                return referred(kv, &row.id, "an attempt").await;
            }
            Ok(_) => return Ok(Some(wrong("its key names another message"))),
            Err(found) => return Ok(found),
        },
        _ => {}
    }
    Ok(alone(prefix, key, value).unwrap_or_else(|found| found))
}

/// Rows that refer to nothing.
#[allow(clippy::too_many_lines, reason = "one arm for each")]
fn alone(prefix: &[u8], key: &[u8], value: &[u8]) -> Result<Option<Finding>, Option<Finding>> {
    let misplaced = |is_there: bool| {
        if is_there { None } else { Some(wrong("its key is not that of its value")) }
    };
    Ok(match prefix {
        tables::SEEN | tables::WEBHOOK_IDS => read::<Seen>(value).map(|_| None)?,
        tables::DAYS | tables::NOTICE_GUARDS | tables::SILENCING_GUARDS => {
            read::<Day>(value).map(|_| None)?
        }
        tables::ACCORDS => {
            let row: Accord = read(value)?;
            misplaced(tables::accord(&row) == key)
        }
        tables::SESSIONS => {
            let row: SessionRecord = read(value)?;
            misplaced(tables::session(&row) == key)
        }
        tables::FIRINGS => {
            let row: Firing = read(value)?;
            misplaced(tables::firing(&row) == key)
        }
        tables::CALLS => read::<u32>(value).map(|_| None)?,
        tables::CASE_WORDS => {
            let row: CaseWord = read(value)?;
            misplaced(tables::case_word(&row) == key)
        }
        tables::SILENCINGS => {
            let row: Silencing = read(value)?;
            misplaced(tables::silencing(&row) == key)
        }
        tables::NOTICES => {
            let row: Notice = read(value)?;
            let at = tables::parts::<2>(key).and_then(|([school, pupil], _)| {
                let (school, pupil) = (SchoolId::new(school).ok()?, PupilId::new(pupil).ok()?);
                Some(tables::notice(&school, &pupil, &row.notice))
            });
            misplaced(at.as_deref() == Some(key))
        }
        tables::REGISTERS => {
            let row: Register = read(value)?;
            let lesson = tables::parts::<2>(key).map(|([_, lesson], _)| lesson);
            misplaced(lesson == Some(row.lesson.id.as_str()))
        }
        tables::AUDIT => {
            let row: Audit = read(value)?;
            let at = tables::parts::<2>(key).and_then(|(_, rest)| tables::time_of(rest));
            // Keys have microseconds.
            misplaced(at.is_some_and(|at| at.as_microsecond() == row.at.as_microsecond()))
        }
        tables::LAST_SAID => read::<LastSaid>(value).map(|_| None)?,
        tables::MISSED => {
            let row: Missed = read(value)?;
            misplaced(third(key) == Some(row.lesson.id.as_str()))
        }
        tables::KEPT_MARKS => {
            let row: KeptMark = read(value)?;
            misplaced(third(key) == Some(row.lesson.id.as_str()))
        }
        tables::NOTICES_SAID => read::<NoticeSaid>(value).map(|_| None)?,
        tables::CURSORS => read::<Cursor>(value).map(|_| None)?,
        tables::TAKEN_FILES => read::<TakenFile>(value).map(|_| None)?,
        tables::SOURCE_KEYS => read::<Vec<u8>>(value).map(|_| None)?,
        tables::ALIASES => read::<Alias>(value).map(|_| None)?,
        tables::GROUP_LESSONS => read::<LessonId>(value).map(|_| None)?,
        tables::REGISTER_TRAILS => {
            let row: Audit = read(value)?;
            let at = tables::parts::<2>(key).and_then(|(_, rest)| tables::time_of(rest));
            misplaced(at.is_some_and(|at| at.as_microsecond() == row.at.as_microsecond()))
        }
        tables::PLANNED => {
            let row: LessonId = read(value)?;
            let lesson = tables::parts::<3>(key).map(|([_, _, lesson], _)| lesson);
            misplaced(lesson == Some(row.as_str()))
        }
        tables::ROSTER_LOOKS => read::<RosterLook>(value).map(|_| None)?,
        tables::SILENCES => read::<Silence>(value).map(|_| None)?,
        tables::HOLDS => {
            let row: Hold = read(value)?;
            misplaced(tables::hold(&row.school, row.date, &row.id) == key)
        }
        tables::MISSING => {
            let _: MissingAt = read(value)?;
            misplaced(tables::missing_parts(key).is_some())
        }
        tables::BAD_CONTACTS => read::<BadContact>(value).map(|_| None)?,
        tables::FAILING => read::<Failing>(value).map(|_| None)?,
        tables::REJECTED => read::<Rejection>(value).map(|_| None)?,
        tables::ERASED => read::<Erased>(value).map(|_| None)?,
        tables::COUNTERS => read::<Counted>(value).map(|_| None)?,
        tables::RESTORED => read::<Restored>(value).map(|_| None)?,
        tables::CELLS if value.len() == 8 => None,
        tables::CELLS => Some(wrong("is not a number of eight bytes")),
        tables::ACCOUNTS => read::<Account>(value).map(|_| None)?,
        tables::SUSPENSIONS => read::<Suspension>(value).map(|_| None)?,
        tables::GONE_LIVE => read::<GoneLive>(value).map(|_| None)?,
        tables::OPERATOR_ACTS => read::<OperatorAct>(value).map(|_| None)?,
        tables::ASIDE => match read::<Due>(value) {
            Ok(_) => Some(Finding {
                what: "was put aside because what it needs could not be read".into(),
                remedy: "restart the daemon, which tries it again; if it stays so, rebuild the store",
            }),
            Err(found) => found,
        },
        // The directory is looked at as a whole.
        _ => None,
    })
}

/// The lesson in a key of school, pupil and lesson.
fn third(key: &[u8]) -> Option<&str> {
    tables::parts::<3>(key).map(|([_, _, lesson], _)| lesson)
}

async fn referred(
    kv: &dyn Kv,
    id: &NotificationId,
    what: &str,
) -> Result<Option<Finding>, StoreError> {
    if is_there(kv, &tables::notification(id)).await? {
        return Ok(None);
    }
    Ok(Some(wrong(&format!("{what} of the message {id}, which is not there"))))
}

async fn notification(
    kv: &dyn Kv,
    key: &[u8],
    value: &[u8],
) -> Result<Option<Finding>, StoreError> {
    let n: Notification = match read(value) {
        Ok(n) => n,
        Err(found) => return Ok(found),
    };
    if tables::notification(&n.id) != key {
        return Ok(Some(wrong("its key names another message")));
    }
    if !matches!(n.state, State::Waiting | State::Sending | State::InDoubt) {
        return Ok(None);
    }
    if let Some(carrier) = n.carried_by.as_ref().filter(|_| n.state != State::Waiting) {
        return Ok(along(&n, read_raw(kv, carrier).await?.as_ref()));
    }
    let row = due_row(&n);
    let due = match kv.get(&row).await? {
        Some(due) => Some(due),
        None => kv.get(&tables::aside(&row)).await?,
    };
    let fits = match due.map(|due| ledger::decode::<Due>(&due)) {
        Some(Ok(Due::Claim { id, .. })) => id == n.id && n.state == State::Waiting,
        Some(Ok(Due::Resolve(id))) => id == n.id && n.state != State::Waiting,
        // Told where it stands.
        Some(Err(_)) => true,
        Some(Ok(
            Due::LessonEnd { .. }
            | Due::Watch
            | Due::Register { .. }
            | Due::Replanned { .. }
            | Due::RegisterDigest { .. }
            | Due::Hold { .. }
            | Due::Daily { .. }
            | Due::Redact { .. }
            | Due::Ladder { .. }
            | Due::Duty { .. },
        ))
        | None => false,
    };
    Ok(if fits {
        None
    } else {
        Some(Finding {
            what: format!(
                "it is {} and nothing makes it due: it would wait for ever",
                n.state.as_str()
            ),
            remedy: "rebuild the store from its journal; if it stays so, send it again, or call it back: \
                     `upprop message retry ID`, `upprop message cancel ID`",
        })
    })
}

async fn read_raw(kv: &dyn Kv, id: &NotificationId) -> Result<Option<Notification>, StoreError> {
    let value = kv.get(&tables::notification(id)).await?;
    Ok(value.and_then(|value| ledger::decode::<Notification>(&value).ok()))
}

/// One that is under way with another is due by that one.
fn along(n: &Notification, carrier: Option<&Notification>) -> Option<Finding> {
    if carrier.is_some_and(|k| k.state == n.state && k.carries.contains(&n.id)) {
        return None;
    }
    Some(Finding {
        what: format!("it is {} with another message, which is not", n.state.as_str()),
        remedy: "rebuild the store from its journal",
    })
}

async fn due(kv: &dyn Kv, key: &[u8], value: &[u8]) -> Result<Option<Finding>, StoreError> {
    let id = match read::<Due>(value) {
        Ok(Due::Claim { id, .. } | Due::Resolve(id)) => id,
        Ok(
            Due::LessonEnd { .. }
            | Due::Watch
            | Due::Register { .. }
            | Due::Replanned { .. }
            | Due::RegisterDigest { .. }
            | Due::Hold { .. }
            | Due::Daily { .. }
            | Due::Redact { .. }
            | Due::Ladder { .. }
            | Due::Duty { .. },
        ) => {
            return Ok(None);
        }
        Err(found) => return Ok(found),
    };
    let n = kv.get(&tables::notification(&id)).await?;
    let n = n.and_then(|value| ledger::decode::<Notification>(&value).ok());
    if n.is_some_and(|n| due_row(&n) == key) {
        return Ok(None);
    }
    Ok(Some(Finding {
        what: "it is due and its message is gone, or due at another time".into(),
        remedy: "nothing is sent by it, and the daemon removes it when it is due",
    }))
}

async fn lesson(kv: &dyn Kv, key: &[u8], value: &[u8]) -> Result<Option<Finding>, StoreError> {
    let row: LessonState = match read(value) {
        Ok(row) => row,
        Err(found) => return Ok(found),
    };
    let named =
        tables::parts::<4>(key).and_then(|([_, _, _, lesson], _)| LessonId::new(lesson).ok());
    if named.as_ref() != Some(&row.lesson.id) {
        return Ok(Some(wrong("its key names another lesson")));
    }
    for id in &row.notifications {
        if let Some(found) = referred(kv, id, "a lesson").await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

async fn duty(kv: &dyn Kv, key: &[u8], value: &[u8]) -> Result<Option<Finding>, StoreError> {
    let row: Duty = match read(value) {
        Ok(row) => row,
        Err(found) => return Ok(found),
    };
    if tables::duty(&row) != key {
        return Ok(Some(wrong("its key is not that of its value")));
    }
    // One that is overdue stands in its owner's list of the day.
    let waits = matches!(row.state, DutyState::Open | DutyState::Taken);
    let Some(due) = tables::duty_due(&row).filter(|_| row.state.is_open()) else {
        return Ok(waits.then(|| wrong("it is open and nothing makes it due")));
    };
    let is_due = match kv.get(&due).await? {
        Some(due) => Some(due),
        None => kv.get(&tables::aside(&due)).await?,
    };
    Ok(is_due.is_none().then(|| wrong("it is open and nothing makes it due")))
}

#[derive(Deserialize)]
struct InForce {
    generation: u64,
    rows: usize,
}

/// Looks at the directory: the rows of the load in force must be there, and be people.
///
/// # Errors
/// When the store fails.
pub async fn directory(kv: &dyn Kv, checked: &mut Checked) -> Result<(), StoreError> {
    let mut bad = |what: String| {
        let remedy = "load the directory again; the daemon does not use this one";
        checked.found("directory", String::new(), what, remedy);
    };
    let current = match kv.get(&[tables::DIRECTORY, b"current"].concat()).await? {
        None => return Ok(()),
        Some(value) => match ledger::decode::<InForce>(&value) {
            Ok(current) => current,
            Err(error) => {
                bad(error.to_string());
                return Ok(());
            }
        },
    };
    let prefix = [tables::DIRECTORY, b"g", &current.generation.to_be_bytes()].concat();
    let (mut roster, mut rows, mut damaged) = (Roster::default(), 0, 0);
    ledger::each(kv, &prefix, |key, value| {
        rows += 1;
        let suffix = String::from_utf8_lossy(&key[prefix.len()..]);
        damaged += usize::from(snapshot::put_row(&mut roster, &suffix, value).is_err());
        // Only whether each can be read is asked.
        roster = Roster::default();
    })
    .await?;
    if damaged > 0 {
        bad(format!("{damaged} rows of the load in force cannot be read"));
    }
    if rows != current.rows {
        bad(format!("the load in force has {rows} rows, and should have {}", current.rows));
    }
    Ok(())
}
