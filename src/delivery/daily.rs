//! The dispatcher's part that makes the lists of the day: of pupils of whom nobody was reached, for the team, and of
//! what in the directory is to be mended, for the office. Who is on them is policy's; here rows are read, and the next
//! list is made due. What is listed is looked up again when the mail leaves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::dispatcher::Dispatcher;
use super::reports::{self, Report};
use super::shared::Shared;
use super::{day_report, duty_list, failure, ladder_report, programmes, term_report};
use crate::directory::{Directory, GuardianLink, Mode, Protection, Pupil, School};
use crate::intake::case::PROTECTED_FOR;
use crate::intake::case_words::words_of;
use crate::intake::exclusions;
use crate::message::daily::{NotReachedFacts, Person, RosterFacts, RosterPart};
use crate::model::{
    Address, CaseWord, Clock24, LessonState, Notification, PupilId, Purpose, Reason, Recipient,
    RosterFault, SchoolId, StaffRole, case_word, local_date,
};
use crate::policy::daily::{self, Missing};
use crate::policy::exclusion;
use crate::policy::stale;
use crate::store::ledger::Unit;
use crate::store::rows::{DailyList, Day, Due, Failing, RosterLook};
use crate::store::tables::{self, Lane};
use crate::store::{Commit, StoreError, after_prefix};

/// All lists.
const ALL: [DailyList; 8] = [
    DailyList::NotReached,
    DailyList::RosterAudit,
    DailyList::Missed,
    DailyList::DayReport,
    DailyList::TermReport,
    DailyList::Programmes,
    DailyList::Duties,
    DailyList::LadderReport,
];
/// Lessons of a pupil's day that are looked at.
const LESSONS: usize = 50;
/// Most pupils that one list names; a mail of more is read by nobody.
pub(super) const NAMED: usize = 200;
/// For so long a list of a school that is not configured at the moment is waited for.
const LATER: SignedDuration = SignedDuration::from_mins(30);
/// A list that a stop has kept for longer is of another day …
const TOO_LATE: SignedDuration = SignedDuration::from_hours(6);
/// … or of another week.
const TOO_LATE_OF_WEEK: SignedDuration = SignedDuration::from_hours(4 * 24);

/// The row by which a list is made.
fn row(school: &School, list: DailyList, at: Timestamp) -> (Vec<u8>, Due) {
    let name = match list {
        DailyList::NotReached => "not-reached",
        DailyList::RosterAudit => "roster-audit",
        DailyList::Missed => "missed",
        DailyList::DayReport => "day-report",
        DailyList::TermReport => "term-report",
        DailyList::Programmes => "programmes",
        DailyList::Duties => "duties",
        DailyList::LadderReport => "ladder-report",
    };
    let key = tables::due(Lane::Timer, at, &format!("daily {name} {}", school.id));
    (key, Due::Daily { school: school.id.clone(), list, at })
}

/// When a school's list is made next.
fn next(school: &School, list: DailyList, now: Timestamp) -> Option<Timestamp> {
    let time = match list {
        DailyList::NotReached => school.daily.not_reached,
        DailyList::RosterAudit => school.daily.roster_audit,
        DailyList::Missed => school.daily.missed,
        DailyList::DayReport => school.daily.day_report,
        DailyList::TermReport => return term_report::next(school, now),
        DailyList::Duties => return duty_list::next(school, now),
        DailyList::LadderReport => return ladder_report::next(school, now),
        DailyList::Programmes => {
            let time = school.programmes.reminder_at.filter(|_| !school.programmes.runs.is_empty());
            return time.map(|time| daily::next_of_week(time, school, now));
        }
    };
    time.map(|time| daily::next(time, school, now))
}

/// Has the lists of all schools made from now on, at the times of their configuration.
///
/// # Errors
/// When the store fails.
pub async fn begin(shared: &Shared) -> Result<(), StoreError> {
    let directory = shared.directory.load_full();
    let now = shared.env.clock.now();
    let mut unit = Unit::new(shared.kv.as_ref());
    for school in directory.schools.values() {
        for list in ALL {
            if let Some(at) = next(school, list, now) {
                let (key, due) = row(school, list, at);
                unit.write(key, &due);
            }
        }
    }
    // They are the same whoever writes them.
    let _: Commit = unit.commit().await?;
    Ok(())
}

/// Has a list made again that was due at a time.
fn again(
    unit: &mut Unit<'_>,
    school: &SchoolId,
    (list, at): (DailyList, Timestamp),
    later: Timestamp,
) {
    let due = Due::Daily { school: school.clone(), list, at };
    unit.write(tables::due(Lane::Timer, later, &format!("daily again {school} {list:?}")), &due);
}

impl Dispatcher {
    /// Makes one list. False: something was changed meanwhile, and the row is due again.
    pub(super) async fn make_list(
        &self,
        key: &[u8],
        (id, list, at): (&SchoolId, DailyList, Timestamp),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let directory = self.shared.directory.load_full();
        let mut unit = Unit::new(self.shared.kv.as_ref());
        unit.delete(key.to_vec());
        let late = now.duration_since(at);
        match directory.schools.get(id) {
            Some(school) => {
                if let Some(again) = next(school, list, now) {
                    let (key, due) = row(school, list, again);
                    unit.write(key, &due);
                }
                // Configuration may say another time, or none, since.
                let before = at.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(at);
                let patience = match list {
                    DailyList::Programmes | DailyList::TermReport | DailyList::LadderReport => {
                        TOO_LATE_OF_WEEK
                    }
                    _ => TOO_LATE,
                };
                if next(school, list, before) == Some(at) && late < patience {
                    self.list(&mut unit, &directory, school, list, at, now).await?;
                }
            }
            // It may be back at the next reload.
            None if late < LATER => {
                let later =
                    now.saturating_add(SignedDuration::from_mins(5)).unwrap_or(Timestamp::MAX);
                again(&mut unit, id, (list, at), later);
            }
            None => {}
        }
        Ok(unit.commit().await? == Commit::Done)
    }

    async fn list(
        &self,
        unit: &mut Unit<'_>,
        directory: &Directory,
        school: &School,
        list: DailyList,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut date = local_date(at, &school.zone);
        let (purpose, reason, role, empty) = match list {
            DailyList::DayReport => {
                return day_report::report(unit, directory, school, date, now).await;
            }
            DailyList::TermReport => {
                return term_report::report(unit, directory, school, date, now).await;
            }
            DailyList::Programmes => {
                return programmes::remind(unit, directory, school, date, now).await;
            }
            DailyList::Duties => {
                let kv = self.shared.kv.as_ref();
                if duty_list::tell(kv, unit, directory, school, date, now).await? {
                    again(unit, &school.id, (list, at), now);
                }
                return Ok(());
            }
            DailyList::LadderReport => {
                let kv = self.shared.kv.as_ref();
                return ladder_report::report(kv, unit, directory, school, date, now).await;
            }
            DailyList::NotReached => {
                let found = not_reached(unit, directory, school, date, now).await?;
                let empty = found.people.is_empty() && found.unnamed == 0;
                (Purpose::NotReached, Reason::NobodyReached, StaffRole::AttendanceTeam, empty)
            }
            DailyList::RosterAudit => {
                look(unit, directory, school, date, now).await?;
                let facts = roster(unit, directory, school, date, now).await?;
                let empty = facts.is_none_or(|facts| facts.is_nothing());
                (Purpose::RosterAudit, Reason::RosterToMend, StaffRole::Office, empty)
            }
            // One that is not live tells nobody, on purpose.
            DailyList::Missed if school.mode != Mode::Live => return Ok(()),
            DailyList::Missed => {
                let Some(before) = stale::day_of_school_before(school, date) else { return Ok(()) };
                date = before;
                let all = missing_on(unit, directory, school, date).await?;
                let missed = daily::missed(all, date, school);
                // Each is counted once, whether or not somebody has been told since.
                for _ in &missed {
                    unit.decided("miss", Reason::NotToldSameDay);
                }
                let empty = daily::without_word(missed).is_empty();
                (Purpose::Missed, Reason::NotToldSameDay, StaffRole::AttendanceTeam, empty)
            }
        };
        if empty {
            unit.decided("suppress", Reason::NothingToList);
            return Ok(());
        }
        let about = &reports::about(purpose);
        let report = Report { purpose, reason, about, date };
        reports::mail(unit, school, report, Recipient::Staff(role), now).await
    }
}

/// Whether a source says that a pupil is protected, whatever the directory says.
pub(super) async fn is_hidden(
    unit: &Unit<'_>,
    school: &School,
    pupil: &Pupil,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if pupil.protection != Protection::None {
        return Ok(true);
    }
    let guard: Option<Day> = unit.peek(&tables::notice_guard(&school.id, &pupil.id)).await?;
    let said = guard.and_then(|day| day.protected_at);
    Ok(said.is_some_and(|at| now.duration_since(at) < PROTECTED_FOR))
}

/// Given and family name.
pub(super) fn name(pupil: &Pupil) -> String {
    let family = pupil.family_name.as_deref().unwrap_or_default();
    format!("{} {family}", pupil.given_name).trim_end().to_owned()
}

fn person(pupil: &Pupil) -> Person {
    Person {
        name: name(pupil),
        class: pupil.class.clone().unwrap_or_default(),
        start: String::new(),
        told: String::new(),
        new: false,
    }
}

/// Whether nobody is to be told of a lesson, or somebody at home made the mark and knows.
async fn is_left_out(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    pupil: &Pupil,
    lesson: &LessonState,
) -> Result<bool, StoreError> {
    let of = (&pupil.id, pupil.class.as_deref());
    let start = lesson.lesson.start;
    let silencings = exclusions::of_pupil(unit, &school.id, of, start).await?;
    let by = lesson.recorded_by.as_deref();
    let knows = |link: &GuardianLink| {
        exclusion::made_the_mark(school, &directory.roster, pupil, by, &link.guardian)
    };
    let excluded = exclusion::of_lesson(school, &lesson.lesson, &silencings).is_some();
    Ok(excluded || pupil.guardians.iter().any(knows))
}

/// One pupil's day: lessons that the pupil is missing from, and the messages about them.
pub(super) struct DayOf<'a> {
    pub pupil: &'a Pupil,
    pub lessons: Vec<LessonState>,
    pub told: Vec<Notification>,
    pub words: Vec<CaseWord>,
}

/// Those of a day who are missing, and how far the telling has come.
async fn missing_on(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    date: Date,
) -> Result<Vec<Missing>, StoreError> {
    let all = day_of(unit, directory, school, date).await?;
    let missing = |of: &DayOf<'_>| {
        let missing = daily::missing(&of.pupil.id, &of.lessons, &of.told)?;
        Some(Missing { known_since: case_word::home_knows_since(&of.words), ..missing })
    };
    Ok(all.iter().filter_map(missing).collect())
}

/// The days of those who are missing.
pub(super) async fn day_of<'a>(
    unit: &mut Unit<'_>,
    directory: &'a Directory,
    school: &School,
    date: Date,
) -> Result<Vec<DayOf<'a>>, StoreError> {
    let pupils = directory.roster.pupils.get(&school.id);
    let mut all: Vec<DayOf<'_>> = Vec::new();
    for pupil in pupils.into_iter().flat_map(BTreeMap::values) {
        let from = tables::day(&school.id, &pupil.id, date);
        let day: Vec<LessonState> = unit.peek_range(&from, &after_prefix(&from), LESSONS).await?;
        let mut told: Vec<Notification> = Vec::new();
        let mut counted: Vec<LessonState> = Vec::new();
        for lesson in day.into_iter().filter(|lesson| lesson.missing) {
            if is_left_out(unit, directory, school, pupil, &lesson).await? {
                continue;
            }
            for message in &lesson.notifications {
                told.extend(unit.peek::<Notification>(&tables::notification(message)).await?);
            }
            counted.push(lesson);
        }
        if !counted.is_empty() {
            let words = words_of(unit, &school.id, &pupil.id, date).await?;
            all.push(DayOf { pupil, lessons: counted, told, words });
        }
    }
    Ok(all)
}

/// Those of a day of whom nobody was reached.
///
/// # Errors
/// When the store fails.
pub(super) async fn not_reached(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    date: Date,
    now: Timestamp,
) -> Result<NotReachedFacts, StoreError> {
    let all = missing_on(unit, directory, school, date).await?;
    listed(unit, directory, school, (date, daily::not_reached(all)), now).await
}

/// Those of a day of whom nobody was told on it, nor has any word yet.
///
/// # Errors
/// When the store fails.
pub(super) async fn missed(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    date: Date,
    now: Timestamp,
) -> Result<NotReachedFacts, StoreError> {
    let all = missing_on(unit, directory, school, date).await?;
    let left = daily::without_word(daily::missed(all, date, school));
    listed(unit, directory, school, (date, left), now).await
}

/// What a mail may say of those on a list.
async fn listed(
    unit: &Unit<'_>,
    directory: &Directory,
    school: &School,
    (date, all): (Date, Vec<Missing>),
    now: Timestamp,
) -> Result<NotReachedFacts, StoreError> {
    let mut facts = NotReachedFacts {
        school: school.name.clone(),
        date: date.to_string(),
        today: date == local_date(now, &school.zone),
        people: Vec::new(),
        more: 0,
        unnamed: 0,
    };
    for missing in all {
        let Some(pupil) = directory.roster.pupil(&school.id, &missing.pupil) else { continue };
        if is_hidden(unit, school, pupil, now).await? {
            facts.unnamed += 1;
        } else if facts.people.len() == NAMED {
            facts.more += 1;
        } else {
            let start = Clock24::of(missing.since, &school.zone).to_string();
            let told = missing.told.as_str().into();
            facts.people.push(Person { start, told, ..person(pupil) });
        }
    }
    Ok(facts)
}

/// Looks through a school's directory, and keeps what was found for the mail and for the next day.
async fn look(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    date: Date,
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = tables::roster_look(&school.id);
    let known: Option<RosterLook> = unit.read(&key).await?;
    if known.as_ref().is_some_and(|known| known.date == date) {
        return Ok(());
    }
    let pupils = directory.roster.pupils.get(&school.id).map_or(0, BTreeMap::len);
    let bad = bad_of(unit, directory, school, now).await?;
    let mut found = daily::faults(school, &directory.roster, &bad, date);
    // A row has room for a school, and not for a directory that has lost a column.
    for pupils in found.values_mut() {
        while pupils.len() > NAMED {
            pupils.pop_last();
        }
    }
    let pupils_before = known.as_ref().map(|known| known.pupils);
    let before = known.map(|known| known.now).unwrap_or_default();
    unit.write(key, &RosterLook { date, now: found, before, pupils, pupils_before });
    Ok(())
}

/// Numbers and addresses of a school's people that do not work.
async fn bad_of(
    unit: &Unit<'_>,
    directory: &Directory,
    school: &School,
    now: Timestamp,
) -> Result<BTreeSet<Address>, StoreError> {
    let roster = &directory.roster;
    let mut all: BTreeSet<Address> = BTreeSet::new();
    for pupil in roster.pupils.get(&school.id).into_iter().flat_map(BTreeMap::values) {
        let guardians = pupil.guardians.iter().filter_map(|l| roster.guardians.get(&l.guardian));
        for guardian in guardians {
            all.extend(guardian.phone.clone().map(Address::Phone));
            all.extend(guardian.email.clone().map(Address::Email));
        }
        all.extend(pupil.phone.clone().map(Address::Phone));
        all.extend(pupil.email.clone().map(Address::Email));
    }
    let mut failing = BTreeSet::new();
    for address in &all {
        if unit
            .peek::<Failing>(&tables::failing(address))
            .await?
            .is_some_and(|row| row.failures > 1)
        {
            failing.insert(address.clone());
        }
    }
    failing.extend(failure::bad_among(unit, all, now).await?);
    Ok(failing)
}

/// What the office is told; none: nobody has looked on that day.
///
/// # Errors
/// When the store fails.
pub(super) async fn roster(
    unit: &Unit<'_>,
    directory: &Directory,
    school: &School,
    date: Date,
    now: Timestamp,
) -> Result<Option<RosterFacts>, StoreError> {
    let found: Option<RosterLook> = unit.peek(&tables::roster_look(&school.id)).await?;
    let Some(found) = found.filter(|found| found.date == date) else { return Ok(None) };
    let is_known = |pupil: &PupilId| found.before.values().any(|of| of.contains(pupil));
    let mut parts = Vec::new();
    for fault in RosterFault::ALL {
        let mut part = RosterPart { fault: fault.as_str().into(), people: Vec::new(), unnamed: 0 };
        for id in found.now.get(&fault).into_iter().flatten() {
            let Some(pupil) = directory.roster.pupil(&school.id, id) else { continue };
            if is_hidden(unit, school, pupil, now).await? {
                part.unnamed += 1;
            } else {
                part.people.push(Person { new: !is_known(id), ..person(pupil) });
            }
        }
        if !part.people.is_empty() || part.unnamed > 0 {
            parts.push(part);
        }
    }
    let still = |pupil: &PupilId| found.now.values().any(|of| of.contains(pupil));
    let mended = found.before.values().flatten().filter(|pupil| !still(pupil)).count();
    Ok(Some(RosterFacts {
        school: school.name.clone(),
        date: date.to_string(),
        parts,
        mended,
        pupils: found.pupils,
        pupils_before: found.pupils_before,
    }))
}
