//! How often one recipient is told on one day: whether a message about absence leaves now, waits for a digest, is left
//! to the team, or waits for those about siblings. Asked at the claim, after everything else says that it may leave.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use sha2::Digest as _;

use crate::directory::{Directory, FurtherLessons, School};
use crate::intake::case::{Case, CaseKey};
use crate::intake::further;
use crate::model::{
    Accord, Address, GuardianId, Notification, Purpose, Reason, Recipient, Reports, accord, hex,
    local_date,
};
use crate::policy::week_line;
use crate::store::ledger::Unit;
use crate::store::{StoreError, tables};

/// Once the day's digest has left, what is above the cap leaves no more often than this.
const PACE: SignedDuration = SignedDuration::from_mins(30);
/// Before it is looked again whether a message about an earlier lesson has left.
const SOON: SignedDuration = SignedDuration::from_mins(1);

/// How a message that leaves now is worded, and what may leave with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As a message about one lesson.
    Plain,
    /// The first of the day: those about siblings may go along.
    First,
    /// A line about one more lesson.
    Short,
    /// What was kept for the end of the day, and all that was kept with it.
    Digest,
    /// What was kept for the end of the week, and all that was kept with it.
    Week,
}

/// What becomes of a message that may leave.
#[derive(Debug)]
pub(super) enum Turn {
    /// It leaves; if it does, this is to be noted.
    Now(Kind, Option<(Vec<u8>, u64)>),
    /// It waits.
    Later(Timestamp, Reason),
    /// The team is told, and nobody else.
    LeftToTeam,
}

/// Messages to one recipient on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tally {
    /// Day number.
    day: u16,
    count: u16,
    /// When the last was claimed, in seconds since 1970.
    last: u32,
}

impl Tally {
    fn of(cell: u64) -> Self {
        let low = |bits: u64| u16::try_from(bits & 0xffff).unwrap_or_default();
        let last = u32::try_from(cell & 0xffff_ffff).unwrap_or_default();
        Self { day: low(cell >> 48), count: low(cell >> 32), last }
    }

    fn cell(self) -> u64 {
        u64::from(self.day) << 48 | u64::from(self.count) << 32 | u64::from(self.last)
    }

    fn last(self) -> Timestamp {
        Timestamp::from_second(i64::from(self.last)).unwrap_or(Timestamp::MIN)
    }
}

fn day_number(date: Date) -> u16 {
    let days = date.since(Date::constant(1970, 1, 1)).map_or(0, |span| span.get_days());
    u16::try_from(days).unwrap_or_default()
}

/// The instant of the end of a day at a school.
pub(super) fn end_of_day(school: &School, date: Date) -> Timestamp {
    let at = school.zone.to_ambiguous_zoned_datetime(date.to_datetime(school.fatigue.end_of_day));
    at.compatible().map_or(Timestamp::MIN, |at| at.timestamp())
}

/// Until when a message that is kept back is worth telling.
pub(super) fn worth_until(school: &School, until: Timestamp) -> Timestamp {
    until.saturating_add(school.stale_after).unwrap_or(until)
}

/// Whether a message was kept back for a digest.
pub(super) fn is_kept(n: &Notification) -> bool {
    matches!(n.state_reason, Some(Reason::InDigest | Reason::EnoughToday))
}

/// Whether a message is told with all of the week: so it was agreed, and what was kept back for that is told then,
/// whatever is agreed since.
pub(super) fn is_in_week_line(n: &Notification, accords: &[Accord], today: Date) -> bool {
    let agreed = accord::reports(accords, &n.recipient, today);
    agreed == Some(Reports::LineAWeek) || n.state_reason == Some(Reason::InWeekLine)
}

/// Asks whether a message that everything else lets go leaves now.
///
/// # Errors
/// When the store fails.
pub(super) async fn ask(
    unit: &mut Unit<'_>,
    (directory, school): (&Directory, &School),
    n: &Notification,
    case: &Case,
    address: &Address,
    now: Timestamp,
) -> Result<Turn, StoreError> {
    let rules = &school.fatigue;
    if n.purpose != Purpose::Absence {
        return Ok(Turn::Now(Kind::Plain, None));
    }
    if is_in_week_line(n, &case.accords, local_date(now, &school.zone)) {
        let line = week_line::next(school, n.created_at);
        return Ok(if now < line {
            Turn::Later(line, Reason::InWeekLine)
        } else {
            Turn::Now(Kind::Week, None)
        });
    }
    // What has been tried is not kept back for another day's end: it was its turn.
    let is_new = n.attempts.is_empty();
    let rule = further::rule(school, &case.accords, &n.recipient, now);
    let asks = rule != FurtherLessons::Each || rules.merges_siblings;
    let mut elsewhere = further::Elsewhere::Nobody;
    if asks && case.missing_elsewhere() {
        let start = case.lesson.lesson.start;
        elsewhere = further::elsewhere(unit, &case.key, &n.recipient, start, false).await?;
    }
    let is_further = elsewhere != further::Elsewhere::Nobody;
    let today = local_date(now, &school.zone);
    let (end_of_its_day, end_of_today) = (end_of_day(school, n.date), end_of_day(school, today));
    match (rule, elsewhere) {
        (FurtherLessons::Team, further::Elsewhere::Told) if is_new => return Ok(Turn::LeftToTeam),
        (FurtherLessons::Team, further::Elsewhere::Soon(at)) if is_new => {
            let again = at.max(now).saturating_add(SOON).unwrap_or(Timestamp::MAX);
            return Ok(Turn::Later(again, Reason::LeftToTeam));
        }
        (FurtherLessons::EndOfDay, _) if is_new && is_further && now < end_of_its_day => {
            return Ok(Turn::Later(end_of_its_day, Reason::InDigest));
        }
        _ => {}
    }
    let with_others = is_kept(n) || !n.carries.is_empty();
    let mut is_digest = (with_others && now >= end_of_today)
        || (rule == FurtherLessons::EndOfDay && is_further && now >= end_of_its_day);
    let mut counted = None;
    if let Some(most) = rules.most_a_day.filter(|_| is_new) {
        let key = tables::cell(&format!("day:{}", digest(address)));
        let stored = unit.read_raw(&key).await?;
        let cell = stored.and_then(|bytes| <[u8; 8]>::try_from(&bytes[..]).ok());
        let day = day_number(today);
        let so_far = cell.map(|bytes| Tally::of(u64::from_be_bytes(bytes)));
        let so_far = so_far.filter(|tally| tally.day == day);
        let count = so_far.map_or(0, |tally| tally.count);
        if u32::from(count) >= most {
            let last = so_far.map_or(Timestamp::MIN, Tally::last);
            let again = last.saturating_add(PACE).unwrap_or(Timestamp::MIN);
            if now < end_of_today {
                return Ok(Turn::Later(end_of_today, Reason::EnoughToday));
            }
            // A clock that was set back does not keep it for longer than the pace.
            if last >= end_of_today && now < again && last <= now {
                return Ok(Turn::Later(again, Reason::EnoughToday));
            }
            is_digest = true;
        }
        let last = u32::try_from(now.as_second()).unwrap_or_default();
        counted = Some((key, Tally { day, count: count.saturating_add(1), last }.cell()));
    }
    let kind = match rule {
        _ if is_digest => Kind::Digest,
        FurtherLessons::Short if is_further => Kind::Short,
        _ if is_further || !rules.merges_siblings => Kind::Plain,
        _ => Kind::First,
    };
    if kind == Kind::First && is_new && siblings(directory, school, n).next().is_some() {
        let since = n.created_at.max(case.lesson.lesson.start);
        let until = since.saturating_add(rules.siblings_gather).unwrap_or(now);
        if now < until {
            return Ok(Turn::Later(until, Reason::Siblings));
        }
    }
    Ok(Turn::Now(kind, counted))
}

fn digest(address: &Address) -> String {
    hex(&sha2::Sha256::digest(address.key().as_bytes()).as_slice()[..12])
}

/// Other pupils of the same school whom a message's recipient answers for.
pub(super) fn siblings<'a>(
    directory: &'a Directory,
    school: &School,
    n: &'a Notification,
) -> impl Iterator<Item = &'a crate::model::PupilId> {
    let guardian: Option<&GuardianId> = match &n.recipient {
        Recipient::Guardian(id) => Some(id),
        _ => None,
    };
    let all = directory.roster.pupils.get(&school.id).into_iter().flatten();
    all.filter(move |(id, pupil)| {
        let mut links = pupil.guardians.iter().filter(|link| link.may_receive && !link.deny);
        **id != n.pupil && links.any(|link| Some(&link.guardian) == guardian)
    })
    .map(|(id, _)| id)
}

/// The lesson of a message, as its case is found.
pub(super) fn case_key(n: &Notification, lesson: &crate::model::LessonId) -> CaseKey {
    CaseKey { lesson: lesson.clone(), ..CaseKey::of(n) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_is_read_as_it_was_written() {
        for tally in [
            Tally { day: 0, count: 0, last: 0 },
            Tally { day: 20_780, count: 10, last: 1_795_420_800 },
            Tally { day: u16::MAX, count: u16::MAX, last: u32::MAX },
        ] {
            assert_eq!(Tally::of(tally.cell()), tally);
        }
        assert_eq!(day_number(Date::constant(1970, 1, 2)), 1);
        assert_eq!(day_number(Date::constant(2026, 11, 23)), 20_780);
    }
}
