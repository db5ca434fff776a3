//! What is kept no longer than its clock says. Three clocks: *contacts* (addresses, texts' digests, what teachers
//! wrote), *evidence* (what was heard, decided and sent, by ids), *counters* (numbers about
//! nobody, and which sessions of programmes were held). A
//! message that something still happens to is never touched.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::Serialize;

use super::erase::{Ask, Fate, is_past, sweep};
use crate::model::{
    Accord, CaseWord, Duty, Firing, LessonState, Notification, NotificationId, PupilId, SchoolId,
    SessionRecord, Silencing,
};
use crate::store::ledger::{self, ROW_VERSION};
use crate::store::rows::{
    Alias, BadContact, Erased, Failing, KeptMark, LastSaid, Missed, Notice, NoticeSaid, Register,
    Restored, RosterLook, SentTo, Silence, TakenFile,
};
use crate::store::{Kv, StoreError, codec, tables};

/// How long a rejected address is left alone by delivery; forgotten sooner it would be tried again.
const BAD_CONTACT: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How long a source may take back what it said: longer than any school lets a teacher.
const MISSED: SignedDuration = SignedDuration::from_hours(14 * 24);
/// For how many days it is kept who was missing at once: eight weeks, by which it is told what is usual.
const USUAL_DAYS: i64 = 8 * 7 + 2;
/// How long it is kept how many calls fell due in an hour.
const CALLS: SignedDuration = SignedDuration::from_hours(48);
/// How long lessons that had begun before a restore may be heard of.
const RESTORED: SignedDuration = SignedDuration::from_hours(35 * 24);

/// How long each kind is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Contacts and content.
    pub contacts: SignedDuration,
    /// Evidence without content.
    pub evidence: SignedDuration,
    /// Numbers.
    pub counters: SignedDuration,
}

/// How many rows changed or went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Rows that lost contacts or content, or were nothing else.
    pub contacts: u64,
    /// Rows of evidence that went.
    pub evidence: u64,
    /// Numbers that went.
    pub counters: u64,
}

/// Removes what is past its time, in small commits.
///
/// # Errors
/// When the store fails; what was done stays done.
pub async fn tidy(kv: &dyn Kv, clocks: Clocks, now: Timestamp) -> Result<Tidied, StoreError> {
    let before = |span: SignedDuration| now.saturating_sub(span).unwrap_or(Timestamp::MIN);
    Ok(Tidied {
        contacts: contacts(kv, before(clocks.contacts), before(clocks.contacts.max(BAD_CONTACT)))
            .await?,
        evidence: evidence(kv, before(clocks.evidence), before(MISSED), now).await?,
        counters: counters(kv, before(clocks.counters), before(RESTORED)).await?,
    })
}

fn goes(goes: bool) -> Fate {
    if goes { Fate::Goes } else { Fate::Stays }
}

fn becomes<T: Serialize>(row: &T) -> Fate {
    Fate::Becomes(codec::encode(ROW_VERSION, row))
}

async fn contacts(kv: &dyn Kv, limit: Timestamp, bad_limit: Timestamp) -> Result<u64, StoreError> {
    let mut changed = sweep(kv, tables::NOTIFICATIONS, |_, value| {
        let Ok(mut n) = ledger::decode::<Notification>(value) else { return Fate::Stays };
        let has = n.address.is_some() || n.attempts.iter().any(|a| a.text_sha256.is_some());
        if !has || !is_past(&n, limit) {
            return Fate::Stays;
        }
        n.address = None;
        for attempt in &mut n.attempts {
            attempt.text_sha256 = None;
            attempt.languages = Vec::new();
        }
        becomes(&n)
    })
    .await?;
    changed += sweep(kv, tables::LESSONS, |_, value| {
        let Ok(mut row) = ledger::decode::<LessonState>(value) else { return Fate::Stays };
        if row.lesson.end >= limit || row.received_at >= limit {
            return Fate::Stays;
        }
        let was = row.clone();
        (row.lesson.label, row.recorded_by) = (None, None);
        if let Some(report) = &mut row.report {
            report.note = None;
            report.reported_by.clear();
        }
        if row == was { Fate::Stays } else { becomes(&row) }
    })
    .await?;
    changed += sweep(kv, tables::REGISTERS, |_, value| {
        let Ok(mut row) = ledger::decode::<Register>(value) else { return Fate::Stays };
        let has = row.lesson.label.is_some() || row.closed_by.is_some() || row.planned.is_some();
        if !has || row.lesson.end >= limit {
            return Fate::Stays;
        }
        // Whom a plan names are people too.
        (row.lesson.label, row.closed_by, row.planned) = (None, None, None);
        becomes(&row)
    })
    .await?;
    changed += sweep(kv, tables::DUTIES, |_, value| {
        let Ok(mut row) = ledger::decode::<Duty>(value) else { return Fate::Stays };
        // What staff wrote, and how they call themselves.
        let is_old = |at: Timestamp| at < limit;
        if row.state.is_open() || !row.history.iter().all(|event| is_old(event.at)) {
            return Fate::Stays;
        }
        let was = row.clone();
        row.taken_by = None;
        for event in &mut row.history {
            (event.by, event.why) = (None, None);
        }
        if row == was { Fate::Stays } else { becomes(&row) }
    })
    .await?;
    changed += sweep(kv, tables::CASE_WORDS, |_, value| {
        let Ok(mut row) = ledger::decode::<CaseWord>(value) else { return Fate::Stays };
        if row.note.is_none() || row.at >= limit {
            return Fate::Stays;
        }
        row.note = None;
        becomes(&row)
    })
    .await?;
    changed += sweep(kv, tables::GROUP_LESSONS, |key, _| {
        let at = tables::parts::<2>(key).and_then(|(_, rest)| tables::time_of(rest));
        goes(at.is_some_and(|at| at < limit))
    })
    .await?;
    changed += sweep(kv, tables::ALIASES, |_, value| {
        goes(ledger::decode::<Alias>(value).is_ok_and(|row| row.start < limit))
    })
    .await?;
    changed += sweep(kv, tables::SENT_TO, |key, _| {
        // After the account a digest of 32 bytes.
        let at = tables::parts::<1>(key).and_then(|(_, rest)| tables::time_of(rest.get(32..)?));
        goes(at.is_some_and(|at| at < limit))
    })
    .await?;
    changed += sweep(kv, tables::REFERENCES, |_, value| {
        let Ok(id) = ledger::decode::<NotificationId>(value) else { return Fate::Stays };
        Fate::If(Box::new(Fate::Goes), Ask::Past(vec![id], limit))
    })
    .await?;
    changed += sweep(kv, tables::BAD_CONTACTS, |_, value| {
        goes(ledger::decode::<BadContact>(value).is_ok_and(|row| row.at < bad_limit))
    })
    .await?;
    Ok(changed)
}

/// What schools have asked for, and recorded, that is over: silences, consents and agreements, words on cases.
async fn asked_for(
    kv: &dyn Kv,
    is_past_day: impl Fn(&str) -> bool + Send + Sync,
    limit: Timestamp,
) -> Result<u64, StoreError> {
    let accords = sweep(kv, tables::ACCORDS, |_, value| {
        let Ok(row) = ledger::decode::<Accord>(value) else { return Fate::Stays };
        let last = row.days.to.is_some_and(|to| is_past_day(&to.to_string()));
        goes(last || row.ended.is_some_and(|ended| ended.at < limit))
    })
    .await?;
    let silencings = sweep(kv, tables::SILENCINGS, |_, value| {
        goes(ledger::decode::<Silencing>(value).is_ok_and(|row| row.to < limit))
    })
    .await?;
    let words = sweep(kv, tables::CASE_WORDS, |key, _| {
        goes(tables::parts::<3>(key).is_some_and(|([_, _, date], _)| is_past_day(date)))
    })
    .await?;
    Ok(accords + silencings + words)
}

#[allow(clippy::too_many_lines, reason = "one table after the other")]
async fn evidence(
    kv: &dyn Kv,
    limit: Timestamp,
    missed: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    // A day is past when it was over everywhere.
    let day = limit.to_zoned_datetime(TimeZone::UTC).date().yesterday().ok();
    let is_past_day = |text: &str| {
        text.parse::<jiff::civil::Date>().is_ok_and(|date| day.is_some_and(|day| date < day))
    };
    // Lessons first: nothing may refer to a message that is gone.
    let mut gone = sweep(kv, tables::LESSONS, |_, value| {
        let Ok(row) = ledger::decode::<LessonState>(value) else { return Fate::Stays };
        if row.lesson.end >= limit || row.received_at >= limit {
            return Fate::Stays;
        }
        Fate::If(Box::new(Fate::Goes), Ask::Past(row.notifications, limit))
    })
    .await?;
    gone += sweep(kv, tables::NOTIFICATIONS, |_, value| {
        let Ok(n) = ledger::decode::<Notification>(value) else { return Fate::Stays };
        if !is_past(&n, limit) {
            return Fate::Stays;
        }
        let lesson = tables::lesson(&n.school, &n.pupil, n.date, &n.lesson);
        Fate::If(Box::new(Fate::Counted(Box::new(n))), Ask::Gone(lesson))
    })
    .await?;
    gone += sweep(kv, tables::SENT_TO, |_, value| {
        // Where contacts are kept longer than evidence.
        let Ok(row) = ledger::decode::<SentTo>(value) else { return Fate::Stays };
        Fate::If(Box::new(Fate::Goes), Ask::Gone(tables::notification(&row.id)))
    })
    .await?;
    gone += sweep(kv, tables::DAYS, |key, _| {
        goes(tables::parts::<3>(key).is_some_and(|([_, _, date], _)| is_past_day(date)))
    })
    .await?;
    gone += sweep(kv, tables::NOTICES, |_, value| {
        goes(ledger::decode::<Notice>(value).is_ok_and(|row| row.notice.to < limit))
    })
    .await?;
    gone += sweep(kv, tables::NOTICE_GUARDS, |key, _| {
        // It guards nothing when the pupil has neither notices nor lessons.
        let Some(([school, pupil], _)) = tables::parts::<2>(key) else { return Fate::Stays };
        let (Ok(school), Ok(pupil)) = (SchoolId::new(school), PupilId::new(pupil)) else {
            return Fate::Stays;
        };
        let rows = [tables::NOTICES, tables::LESSONS]
            .map(|table| tables::of_pupil(table, &school, &pupil));
        Fate::If(Box::new(Fate::Goes), Ask::Empty(rows))
    })
    .await?;
    gone += sweep(kv, tables::REGISTERS, |_, value| {
        goes(ledger::decode::<Register>(value).is_ok_and(|row| row.lesson.end < limit))
    })
    .await?;
    gone += sweep(kv, tables::PLANNED, |key, _| {
        goes(tables::parts::<2>(key).is_some_and(|([_, date], _)| is_past_day(date)))
    })
    .await?;
    gone += sweep(kv, tables::REGISTER_TRAILS, |key, _| {
        let at = tables::parts::<2>(key).and_then(|(_, rest)| tables::time_of(rest));
        goes(at.is_some_and(|at| at < limit))
    })
    .await?;
    gone += sweep(kv, tables::SILENCES, |_, value| {
        let row = ledger::decode::<Silence>(value);
        goes(row.is_ok_and(|row| row.over_at.is_some_and(|at| at < limit)))
    })
    .await?;
    gone += of_ladders(kv, limit, now).await?;
    gone += asked_for(kv, is_past_day, limit).await?;
    gone += at_once(kv, is_past_day, now).await?;
    gone += sweep(kv, tables::LAST_SAID, |_, value| {
        goes(ledger::decode::<LastSaid>(value).is_ok_and(|row| row.at < limit))
    })
    .await?;
    gone += sweep(kv, tables::TAKEN_FILES, |_, value| {
        let Ok(row) = ledger::decode::<TakenFile>(value) else { return Fate::Stays };
        goes(row.taken_at.unwrap_or(row.written_at) < limit)
    })
    .await?;
    gone += sweep(kv, tables::MISSED, |_, value| {
        goes(ledger::decode::<Missed>(value).is_ok_and(|row| row.at < limit.max(missed)))
    })
    .await?;
    gone += sweep(kv, tables::KEPT_MARKS, |_, value| {
        goes(ledger::decode::<KeptMark>(value).is_ok_and(|row| row.since < limit.max(missed)))
    })
    .await?;
    gone += sweep(kv, tables::NOTICES_SAID, |_, value| {
        goes(ledger::decode::<NoticeSaid>(value).is_ok_and(|row| row.notice.to < limit.max(missed)))
    })
    .await?;
    gone += sweep(kv, tables::AUDIT, |key, _| {
        let at = tables::parts::<2>(key).and_then(|(_, rest)| tables::time_of(rest));
        goes(at.is_some_and(|at| at < limit))
    })
    .await?;
    gone += sweep(kv, tables::FAILING, |_, value| {
        goes(ledger::decode::<Failing>(value).is_ok_and(|row| row.at < limit))
    })
    .await?;
    Ok(gone)
}

/// Duties that are over, steps that none of them comes of, and hours that are over.
async fn of_ladders(kv: &dyn Kv, limit: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
    let mut gone = sweep(kv, tables::DUTIES, |_, value| {
        let Ok(row) = ledger::decode::<Duty>(value) else { return Fate::Stays };
        let last = row.history.iter().map(|event| event.at).max();
        // What somebody has still to do is never forgotten by itself.
        goes(!row.state.is_open() && last.is_none_or(|at| at < limit))
    })
    .await?;
    gone += sweep(kv, tables::FIRINGS, |_, value| {
        let Ok(row) = ledger::decode::<Firing>(value) else { return Fate::Stays };
        let last = row.retracted.as_ref().map_or(row.at, |retracted| retracted.at.max(row.at));
        let keys = row
            .duties
            .iter()
            .map(|rule| tables::duty_of(&row.school, &row.pupil, &Duty::id_of(&row.id, rule)));
        let duties: Vec<Vec<u8>> = keys.collect();
        Fate::If(Box::new(goes(last < limit)), Ask::AllGone(duties))
    })
    .await?;
    let before = now.saturating_sub(CALLS).unwrap_or(Timestamp::MIN);
    gone += sweep(kv, tables::CALLS, |key, _| {
        let hour = tables::parts::<1>(key).and_then(|(_, rest)| tables::time_of(rest));
        goes(hour.is_some_and(|hour| hour < before))
    })
    .await?;
    Ok(gone)
}

/// Who was missing at once, and holds.
async fn at_once(
    kv: &dyn Kv,
    is_past_day: impl Fn(&str) -> bool + Send + Sync,
    now: Timestamp,
) -> Result<u64, StoreError> {
    // As long as they tell what is usual, and no longer than anything else.
    let weeks = now.to_zoned_datetime(TimeZone::UTC).date().checked_sub(USUAL_DAYS.days()).ok();
    let mut gone = sweep(kv, tables::MISSING, |key, _| {
        let Some(([_, date], _)) = tables::parts::<2>(key) else { return Fate::Stays };
        let is_old = |date: jiff::civil::Date| weeks.is_some_and(|weeks| date < weeks);
        goes(is_past_day(date) || date.parse().is_ok_and(is_old))
    })
    .await?;
    gone += sweep(kv, tables::ROSTER_LOOKS, |_, value| {
        let row = ledger::decode::<RosterLook>(value);
        goes(row.is_ok_and(|row| is_past_day(&row.date.to_string())))
    })
    .await?;
    gone += sweep(kv, tables::HOLDS, |key, _| {
        goes(tables::parts::<2>(key).is_some_and(|([_, date], _)| is_past_day(date)))
    })
    .await?;
    Ok(gone)
}

async fn counters(kv: &dyn Kv, limit: Timestamp, restored: Timestamp) -> Result<u64, StoreError> {
    let day = limit.to_zoned_datetime(TimeZone::UTC).date();
    let mut gone = sweep(kv, tables::COUNTERS, |key, _| {
        let date = tables::parts::<2>(key).and_then(|([_, date], _)| date.parse().ok());
        goes(date.is_some_and(|date: jiff::civil::Date| date < day))
    })
    .await?;
    gone += sweep(kv, tables::SESSIONS, |_, value| {
        goes(ledger::decode::<SessionRecord>(value).is_ok_and(|row| row.term.end() < day))
    })
    .await?;
    gone += sweep(kv, tables::ERASED, |_, value| {
        goes(ledger::decode::<Erased>(value).is_ok_and(|row| row.at < limit))
    })
    .await?;
    gone += sweep(kv, tables::RESTORED, |_, value| {
        goes(ledger::decode::<Restored>(value).is_ok_and(|row| row.at < restored))
    })
    .await?;
    Ok(gone)
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
