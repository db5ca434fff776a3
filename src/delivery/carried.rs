//! Messages that tell the lessons of others with their own: one goes on the wire, and the rows of the others follow it.
//! One that is under way has no row that makes it due and is never asked about: what becomes of its carrier becomes of
//! it, in the same commit. One that waits again is due like any other, and goes along again if it can.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::fatigue::{self, Kind};
use super::noted::note;
use super::send::schedule;
use super::settings::Settings;
use super::settle::Next;
use super::shared::Shared;
use super::volume::{self, Gate};
use super::{after_restore, failure, settle};
use crate::directory::{Directory, FurtherLessons, School};
use crate::intake::accords;
use crate::intake::case::{Case, CaseKey, due_row};
use crate::intake::further::{self, Elsewhere};
use crate::model::{
    Address, Attempt, LessonId, LessonState, Notification, Purpose, Reason, State, local_date,
};
use crate::policy::week_line;
use crate::store::ledger::Unit;
use crate::store::rows::Day;
use crate::store::{StoreError, tables};

use super::claim::{self, Claim, Verdict};

/// Most that one message carries: with its own lesson more than most days have.
const MOST: usize = 7;
/// Most that one message about a week carries: with its own lesson more than most weeks have.
const MOST_A_WEEK: usize = 39;
/// Days back in which what is told with a week is looked for; over Christmas it has waited longest.
const WEEKS: i64 = 35;

/// One that goes along.
#[derive(Debug, Clone)]
pub(super) struct Along {
    /// The message.
    pub n: Notification,
    /// When its lesson begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
}

/// The message that a waiting one is to be told with; none: it goes by itself.
///
/// # Errors
/// When the store fails.
pub(super) async fn carrier(
    unit: &mut Unit<'_>,
    n: &Notification,
) -> Result<Option<Notification>, StoreError> {
    let Some(id) = &n.carried_by else { return Ok(None) };
    let carrier: Option<Notification> = unit.read(&tables::notification(id)).await?;
    Ok(carrier.filter(|k| k.state == State::Waiting && k.carries.contains(&n.id)))
}

/// The rows that are in the state of their carrier's last attempt.
///
/// # Errors
/// When the store fails.
pub(super) async fn of(
    unit: &mut Unit<'_>,
    carrier: &Notification,
) -> Result<Vec<Notification>, StoreError> {
    let began = |n: &Notification| n.attempts.last().map(|attempt| attempt.started_at);
    let mut found = Vec::new();
    for id in &carrier.carries {
        let n: Option<Notification> = unit.read(&tables::notification(id)).await?;
        found.extend(
            n.filter(|n| n.carried_by.as_ref() == Some(&carrier.id) && began(n) == began(carrier)),
        );
    }
    Ok(found)
}

/// Writes that one leaves with another, whose attempt has begun.
pub(super) fn begin(
    unit: &mut Unit<'_>,
    carrier: &Notification,
    mut n: Notification,
    attempt: &Attempt,
    settings: &Settings,
    now: Timestamp,
) {
    note(unit, &n, "claim", ("notify", Reason::ToldAlong), now);
    unit.delete(due_row(&n));
    n.address.clone_from(&carrier.address);
    settle::start(&mut n, &attempt.account, attempt.text_sha256.clone(), settings, now);
    if let Some(last) = n.attempts.last_mut() {
        last.languages.clone_from(&attempt.languages);
    }
    n.carried_by = Some(carrier.id.clone());
    n.carries.clear();
    unit.write(tables::notification(&n.id), &n);
}

/// Those that may leave with a message that is about to, in the order of their lessons. Each is asked everything that
/// it would be asked by itself.
///
/// # Errors
/// When the store fails.
pub(super) async fn along(
    shared: &Shared,
    unit: &mut Unit<'_>,
    (directory, school): (&Directory, &School),
    n: &Notification,
    (kind, address): (Kind, &Address),
    now: Timestamp,
) -> Result<Vec<Along>, StoreError> {
    let hinted = !n.carries.is_empty();
    if n.purpose != Purpose::Absence
        || !(hinted || matches!(kind, Kind::First | Kind::Digest | Kind::Week))
    {
        return Ok(Vec::new());
    }
    let mut pupils = vec![&n.pupil];
    if school.fatigue.merges_siblings && kind != Kind::Week {
        pupils.extend(fatigue::siblings(directory, school, n));
    }
    let mut found: Vec<Along> = Vec::new();
    for pupil in pupils {
        let mut lessons: Vec<(Date, LessonId)> = Vec::new();
        for date in days(school, n, kind, now) {
            let day: Option<Day> = unit.peek(&tables::occasion(&n.school, pupil, date)).await?;
            lessons.extend(day.into_iter().flat_map(|day| day.missing).map(|id| (date, id)));
        }
        let mut of_pupil: Vec<Along> = Vec::new();
        for (date, lesson) in &lessons {
            if *pupil == n.pupil && *date == n.date && *lesson == n.lesson {
                continue;
            }
            let key = CaseKey { pupil: pupil.clone(), date: *date, ..fatigue::case_key(n, lesson) };
            let row = tables::lesson(&key.school, &key.pupil, key.date, &key.lesson);
            let Some(lesson) = unit.peek::<LessonState>(&row).await? else { continue };
            for id in &lesson.notifications {
                let other: Option<Notification> = unit.peek(&tables::notification(id)).await?;
                let Some(other) = other.filter(|other| might(n, other, now)) else { continue };
                let (start, end) = (lesson.lesson.start, lesson.lesson.end);
                if !fits(unit, school, n, (&other, &key, start), kind, now).await? {
                    continue;
                }
                if leaves(shared, unit, (directory, school), (&other, &key), address, now).await? {
                    of_pupil.push(Along { n: other, start, end });
                }
            }
        }
        of_pupil.sort_by(|a, b| (a.start, &a.n.id).cmp(&(b.start, &b.n.id)));
        if kind == Kind::First && *pupil != n.pupil && !hinted {
            // Of a sibling the first, too.
            of_pupil.truncate(1);
        }
        found.extend(of_pupil);
    }
    found.sort_by(|a, b| (a.start, &a.n.id).cmp(&(b.start, &b.n.id)));
    found.truncate(if kind == Kind::Week { MOST_A_WEEK } else { MOST });
    Ok(found)
}

/// The days of those that may go along with a message.
fn days(school: &School, n: &Notification, kind: Kind, now: Timestamp) -> Vec<Date> {
    if kind != Kind::Week {
        return vec![n.date];
    }
    let today = local_date(now, &school.zone);
    let first = today.saturating_sub(WEEKS.days()).min(n.date);
    first.series(1.day()).take_while(|day| *day <= today).collect()
}

/// Whether one waits to be told to the same recipient by the same channel, now.
fn might(n: &Notification, other: &Notification, now: Timestamp) -> bool {
    let is_ours = other.carried_by.as_ref() == Some(&n.id);
    other.id != n.id
        && other.state == State::Waiting
        && other.purpose == Purpose::Absence
        && other.recipient == n.recipient
        && other.channel == n.channel
        && (is_ours || other.carried_by.is_none())
        // Whoever may have one already must be able to tell that it is the same.
        && (is_ours || other.doubts() == 0)
        && (is_ours || other.due_at <= now || other.state_reason == Some(Reason::Siblings))
}

/// Whether it is one of those that are told together.
async fn fits(
    unit: &Unit<'_>,
    school: &School,
    n: &Notification,
    (other, key, start): (&Notification, &CaseKey, Timestamp),
    kind: Kind,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if other.carried_by.as_ref() == Some(&n.id) {
        return Ok(true);
    }
    match kind {
        Kind::Plain | Kind::Short => Ok(false),
        Kind::Week => {
            let accords = accords::of_pupil(unit, (&key.school, &key.pupil)).await?;
            let is_told = week_line::next(school, other.created_at) <= now;
            let today = local_date(now, &school.zone);
            Ok(is_told && fatigue::is_in_week_line(other, &accords, today))
        }
        Kind::Digest => {
            let over = now >= fatigue::end_of_day(school, other.date);
            let accords = accords::of_pupil(unit, (&key.school, &key.pupil)).await?;
            let rule = further::rule(school, &accords, &other.recipient, now);
            let further = rule == FurtherLessons::EndOfDay && over;
            let kept = fatigue::is_kept(other) || other.state_reason == Some(Reason::RateLimited);
            Ok(further || kept)
        }
        Kind::First => {
            if other.pupil == n.pupil || fatigue::is_kept(other) {
                return Ok(false);
            }
            let known = further::elsewhere(unit, key, &other.recipient, start, false).await?;
            Ok(known == Elsewhere::Nobody)
        }
    }
}

/// Whether it would leave by itself at this moment, to the same address.
async fn leaves(
    shared: &Shared,
    unit: &mut Unit<'_>,
    (directory, school): (&Directory, &School),
    (other, key): (&Notification, &CaseKey),
    address: &Address,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(case) = Case::load(unit, &directory.roster, key).await? else { return Ok(false) };
    let bad = failure::bad_addresses(unit, directory, other, now).await?;
    let verdict = claim::claim(&Claim {
        now,
        notification: other,
        school: Some(school),
        roster: &directory.roster,
        lesson: &case.lesson,
        notices: &case.notices,
        told: &case.told,
        protected: case.is_protected(now),
        exclusion: case.exclusion(school),
        accords: &case.accords,
        is_bad: &|address| bad.contains(address),
    });
    let same = matches!(&verdict, Verdict::Send { address: to, .. } if to == address);
    if !same || after_restore::may_have_left(unit, other, &case).await? {
        return Ok(false);
    }
    let start = case.lesson.lesson.start;
    let gate = volume::gate(shared, unit, directory, school, other, start, now).await?;
    Ok(matches!(gate, Gate::Free | Gate::Released(..))
        && local_date(now, &school.zone) >= other.date)
}

/// Writes what has become of one with its carrier: due at the same time where both wait again, and else due by its
/// carrier alone. As written.
pub(super) fn write(
    unit: &mut Unit<'_>,
    carrier: &Notification,
    mut n: Notification,
    next: Next,
) -> Notification {
    n.due_at = carrier.due_at;
    unit.write(tables::notification(&n.id), &n);
    if let Next::Claim(_) = next {
        schedule(unit, &n, Next::Claim(n.due_at));
    }
    n
}
