//! The dispatcher's part that looks after sources: does anything come of them? Writes down what a restart must not
//! forget, and has people told. When that is, `policy` says. A due row, once a minute, where there is something to
//! watch.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};

use super::dispatcher::Dispatcher;
use super::shared::Shared;
use crate::directory::{Mode, School};
use crate::intake::exclusions;
use crate::intake::silence::{self, Noticed};
use crate::intake::{Contact, Contacts, Described};
use crate::model::{
    LessonId, Quiet, SchoolId, SilencedTarget, SourceId, StaffRole, covering, local_date,
};
use crate::policy::register;
pub use crate::policy::watch::Rules;
use crate::policy::watch::{self, AtSchool, Step};
use crate::store::ledger::{self, Unit};
use crate::store::rows::{Due, Heard, Register};
use crate::store::tables::{self, Lane};
use crate::store::{Commit, Kv, MAX_BATCH_BYTES, StoreError, after_prefix};

/// How often sources are looked at, in seconds.
const EVERY: i64 = 60;
/// Days without a lesson in the schedule after which a school counts as one without.
const SCHEDULE: i64 = 14;
/// Rows removed in one commit.
const PAGE: usize = 500;
/// Lessons of a school and day that are looked at.
const LESSONS: usize = 20_000;

/// What is watched, and when people are told.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Every source.
    pub sources: BTreeMap<SourceId, Described>,
    /// What counts as silence.
    pub rules: Rules,
}

impl Plan {
    /// Whether there is anything to watch: a source that is asked, or a school whose lessons are known.
    fn is_needed(&self) -> bool {
        let asked =
            |source: &Described| source.every.is_some() || source.gives.contains(&"schedule");
        self.sources.values().any(asked)
            || (self.rules.silent_after.is_some() && !self.sources.is_empty())
    }
}

/// After a lesson's end: what was registered then of a source that is asked, or that writes files, must have come.
const SETTLE: SignedDuration = SignedDuration::from_mins(2);
/// A question takes its time too.
const ASKING: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_SETTLE: SignedDuration = SignedDuration::from_mins(30);

impl Plan {
    /// Whether every source that is asked for the marks of a school has answered after `at`: what was registered
    /// until then is known.
    pub fn is_heard(&self, contacts: &Contacts, school: &SchoolId, at: Timestamp) -> bool {
        let mut asked = self.sources.iter().filter(|(_, source)| source.answers_for(school));
        asked.all(|(id, _)| contacts.marks_answered_at(id, school).is_some_and(|heard| heard >= at))
    }

    /// How long after its end a lesson of a school has been heard of. What is pushed comes at once.
    pub fn settles(&self, school: &SchoolId) -> SignedDuration {
        let of = |source: &Described| match source.every {
            Some(every) => SETTLE.max(every.saturating_add(ASKING)).min(LONGEST_SETTLE),
            None if source.kind == "webhook" => SignedDuration::ZERO,
            None => SETTLE,
        };
        let attending = self.sources.values().filter(|source| source.attends(school));
        attending.map(of).max().unwrap_or_default()
    }
}

/// The row of the next look: at a whole minute, so that two of them are one.
fn next_look(now: Timestamp) -> Vec<u8> {
    let second = (now.as_second().div_euclid(EVERY) + 1) * EVERY;
    let at = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    tables::due(Lane::Timer, at, "watch")
}

/// Has sources looked at from now on, where there is something to watch; and puts back what a former process wrote
/// down of them.
///
/// # Errors
/// When the store fails.
pub async fn begin(shared: &Shared) -> Result<(), StoreError> {
    let plan = &shared.settings.watch;
    restore(shared.kv.as_ref(), &shared.contacts).await?;
    shared.contacts.keep(&plan.sources.keys().cloned().collect());
    forget_others(shared).await?;
    if !plan.is_needed() {
        return Ok(());
    }
    let mut unit = Unit::new(shared.kv.as_ref());
    unit.write(next_look(shared.env.clock.now()), &Due::Watch);
    let _: Commit = unit.commit().await?;
    Ok(())
}

fn concerns(source: &Described, school: &SchoolId) -> bool {
    source.schools.as_ref().is_none_or(|schools| schools.contains(school))
}

/// Forgets what was written down of sources that are not configured any more, or not for the school: nobody would
/// ever say that they are well.
async fn forget_others(shared: &Shared) -> Result<(), StoreError> {
    let kv = shared.kv.as_ref();
    let sources = &shared.settings.watch.sources;
    let concerned = |source: &str, school: &str| {
        let known = SourceId::new(source).ok().and_then(|id| sources.get(&id));
        let of = |described: &Described| match SchoolId::new(school) {
            Ok(school) => concerns(described, &school),
            // The source as a whole.
            Err(_) => true,
        };
        known.is_some_and(of)
    };
    let mut others = Vec::new();
    for table in [tables::HEARD, tables::SILENCES] {
        ledger::each(kv, table, |key, _| {
            let Some(([one, other], _)) = tables::parts::<2>(key) else { return };
            let (source, school) = if table == tables::HEARD { (one, other) } else { (other, one) };
            if !concerned(source, school) {
                others.push(key.to_vec());
            }
        })
        .await?;
    }
    for page in others.chunks(PAGE) {
        let mut unit = Unit::new(kv);
        for key in page {
            unit.delete(key.clone());
        }
        let _: Commit = unit.commit().await?;
    }
    Ok(())
}

async fn restore(kv: &dyn Kv, contacts: &Contacts) -> Result<(), StoreError> {
    ledger::each(kv, tables::HEARD, |key, value| {
        let Some(([source, school], _)) = tables::parts::<2>(key) else { return };
        let Ok(source) = SourceId::new(source) else { return };
        // What cannot be read is not known.
        let Ok(row) = ledger::decode::<Heard>(value) else { return };
        if let Ok(school) = SchoolId::new(school) {
            if let Some(at) = row.news {
                contacts.attendance(&source, &school, at);
            }
        } else {
            let Heard { answered, news, recorded, .. } = row;
            let contact = Contact { answered, news, recorded, ..Contact::default() };
            contacts.restore(&source, &contact);
        }
    })
    .await
}

impl Dispatcher {
    /// Looks at every source once. False: the row was changed meanwhile.
    pub(super) async fn look_at_sources(
        &self,
        row: &[u8],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let shared = self.shared.as_ref();
        let plan = &shared.settings.watch;
        let mut told = BTreeSet::new();
        for (source, described) in &plan.sources {
            look(shared, source, described, &mut told, now).await?;
        }
        let mut unit = Unit::new(shared.kv.as_ref());
        unit.delete(row.to_vec());
        if plan.is_needed() {
            unit.write(next_look(now), &Due::Watch);
        }
        Ok(unit.commit().await? == Commit::Done)
    }
}

/// Looks at one source. `told`: who of IT has been told of it in this look.
async fn look(
    shared: &Shared,
    source: &SourceId,
    described: &Described,
    told: &mut BTreeSet<(SourceId, String)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let contact = shared.contacts.of(source);
    let kv = shared.kv.as_ref();
    let mut unit = Unit::new(kv);
    let whole = tables::heard(source, None);
    let known: Option<Heard> = unit.read(&whole).await?;
    let Contact { answered, news, recorded, .. } = contact.clone();
    let heard = Heard { answered, news, recorded, ..Heard::default() };
    if known.as_ref() != Some(&heard) && heard != Heard::default() {
        unit.write(whole, &heard);
    }
    let directory = shared.directory.load_full();
    let concerned = |school: &&School| concerns(described, &school.id);
    let mut schools: Vec<&School> = directory.schools.values().filter(concerned).collect();
    // IT is told once, by a school whose messages leave.
    schools.sort_by_key(|school| (school.mode != Mode::Live, school.mode == Mode::Shadow));
    for school in &schools {
        if let Some(it) = it_of(school)
            && silence::is_told_to_it(&unit, school, source).await?
        {
            told.insert((source.clone(), it));
        }
    }
    for school in schools {
        at_school(shared, &mut unit, (source, described, &contact), school, told, now).await?;
        if unit.bytes() > MAX_BATCH_BYTES / 2 {
            let full = std::mem::replace(&mut unit, Unit::new(kv));
            let _: Commit = full.commit().await?;
        }
    }
    // Nobody else writes these rows; what was not written now is with the next look.
    let _: Commit = unit.commit().await?;
    Ok(())
}

/// Who runs the sources of a school.
fn it_of(school: &School) -> Option<String> {
    school.operations_email.as_ref().map(|mail| mail.expose().to_owned())
}

/// Looks at one source at one school.
async fn at_school(
    shared: &Shared,
    unit: &mut Unit<'_>,
    (source, described, contact): (&SourceId, &Described, &Contact),
    school: &School,
    told: &mut BTreeSet<(SourceId, String)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rules = &shared.settings.watch.rules;
    let key = tables::heard(source, Some(&school.id));
    let known: Option<Heard> = unit.read(&key).await?;
    let mut row = known.clone().unwrap_or_default();
    let today = local_date(now, &school.zone);
    let last = contact.schools.get(&school.id).copied().filter(|_| described.attends(&school.id));
    if let Some(last) = last {
        row.news = row.news.max(Some(last));
        watch::came(&mut row.watch, local_date(last, &school.zone), today);
    }
    let last = row.news;
    // What says nothing of marks says enough only where none are to come.
    let answered = if described.answers_for(&school.id) {
        contact.marks_answered.get(&school.id).copied()
    } else {
        contact.answered
    };
    let since = answered.max(Some(shared.metrics.started())).unwrap_or(now);
    let away = described.every.and_then(|every| watch::unreachable(now, since, every, rules));
    let quiet = match (away, described.attends(&school.id)) {
        (None, true) => {
            let lessons = lessons(unit, school, last, today, now).await?;
            let days = &row.watch.days.clone();
            let (zone, is_school_day) = (&school.zone, school.is_school_day(today));
            watch::silent(&AtSchool { now, zone, last, lessons, days, is_school_day }, rules)
        }
        (away, _) => away,
    };
    let after = |at: Option<Timestamp>| at > row.watch.told_at;
    // It must have said something since then: what is only not missed any more, as after school, is not well.
    let lately = |at: Timestamp| {
        let every = described.every.unwrap_or_default();
        now.duration_since(at) <= every.saturating_mul(2).saturating_add(ASKING)
    };
    let answers = after(answered) && answered.is_some_and(lately);
    let speaks = if row.quiet { after(last) } else { answers };
    let well_since = row.watch.well_since.unwrap_or(now);
    let (next, step) = watch::step(&row.watch, quiet.is_some(), quiet.is_none() && speaks, now);
    row.watch = next;
    match (step, quiet) {
        (Some(Step::Alert), Some(quiet)) => {
            row.quiet = quiet != Quiet::Unreachable;
            alert(
                shared,
                source,
                described,
                school,
                (quiet, last.max(answered.filter(|_| !row.quiet))),
                told,
                now,
            )
            .await?;
        }
        (Some(Step::Clear), _) => clear(shared, source, school, (well_since, now)).await?,
        // Those who were not told, at night or while IT knew of it from another school, hear of it when that is over.
        (None, Some(quiet)) if row.watch.told_at.is_some() => {
            let whom = roles(shared, source, described, school, quiet, told, now);
            silence::tell(shared.kv.as_ref(), school, source, &whom, now).await?;
        }
        _ => {}
    }
    if known.as_ref() != Some(&row) && row != Heard::default() {
        unit.write(key, &row);
    }
    Ok(())
}

/// Lessons of the schedule of which a mark should have come after `last`; none: the school has no schedule.
async fn lessons(
    unit: &Unit<'_>,
    school: &School,
    last: Option<Timestamp>,
    today: Date,
    now: Timestamp,
) -> Result<Option<u32>, StoreError> {
    let Some(last) = last else { return Ok(None) };
    let day = tables::plan_of(&school.id, today);
    let some_day = tables::plan_of(&school.id, today.saturating_sub(SCHEDULE.days()));
    let known: Vec<LessonId> = unit.peek_range(&some_day, &after_prefix(&day), 1).await?;
    if known.is_empty() {
        return Ok(None);
    }
    // A schedule that ends before today says nothing of today: it comes no more, perhaps with the marks.
    let later = tables::plan_of(&school.id, today.saturating_add(SCHEDULE.days()));
    let goes_on: Vec<LessonId> = unit.peek_range(&day, &after_prefix(&later), 1).await?;
    if goes_on.is_empty() {
        return Ok(None);
    }
    // None can have ended whose mark is due.
    if now.duration_since(last) < watch::SETTLE {
        return Ok(Some(0));
    }
    // A whole school on a trip registers nothing.
    let of_school = exclusions::of_target(unit, &school.id, &SilencedTarget::School, last).await?;
    let mut count = 0;
    for id in unit.peek_range::<LessonId>(&day, &after_prefix(&day), LESSONS).await? {
        let row: Option<Register> = unit.peek(&tables::register(&school.id, &id)).await?;
        let is_due = |row: &Register| {
            let due = row.lesson.end.saturating_add(watch::SETTLE).unwrap_or(Timestamp::MAX);
            // One that is registered is no silence, by whomever.
            let untaken = row.begun_at.is_none() && row.closed_at.is_none();
            register::not_awaited(row).is_none()
                && untaken
                && row.lesson.start >= last
                && due <= now
        };
        let silenced = |row: &Register| !covering(&of_school, &row.lesson, &school.zone).is_empty();
        count += u32::from(row.is_some_and(|row| is_due(&row) && !silenced(&row)));
    }
    Ok(Some(count))
}

/// Has people told that nothing comes of a source.
async fn alert(
    shared: &Shared,
    source: &SourceId,
    described: &Described,
    school: &School,
    (quiet, since): (Quiet, Option<Timestamp>),
    told: &mut BTreeSet<(SourceId, String)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let unreachable = quiet == Quiet::Unreachable;
    let roles = roles(shared, source, described, school, quiet, told, now);
    let lessons = if let Quiet::Lessons { count } = quiet { count } else { 0 };
    let marks = described.attends(&school.id);
    let noticed = Noticed { since, lessons, unreachable, marks, told: &roles };
    if silence::begun(shared.kv.as_ref(), school, source, noticed, now).await? {
        tracing::warn!(%source, school = %school.id, lessons, unreachable, "nothing comes of a source");
    }
    Ok(())
}

/// Who is to be told. Who runs a source hears of it once, for however many schools; a team, of what does not answer,
/// at hours at which it works.
fn roles(
    shared: &Shared,
    source: &SourceId,
    described: &Described,
    school: &School,
    quiet: Quiet,
    told: &mut BTreeSet<(SourceId, String)>,
    now: Timestamp,
) -> Vec<StaffRole> {
    let rules = &shared.settings.watch.rules;
    let mut whom = Vec::new();
    if it_of(school).is_some_and(|it| told.insert((source.clone(), it))) {
        whom.push(StaffRole::Operations);
    }
    let works = quiet != Quiet::Unreachable
        || (watch::is_in_hours(now, &school.zone, rules)
            && school.is_school_day(local_date(now, &school.zone)));
    if works && described.attends(&school.id) {
        whom.push(StaffRole::AttendanceTeam);
    }
    whom
}

async fn clear(
    shared: &Shared,
    source: &SourceId,
    school: &School,
    (since, now): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    if silence::over(shared.kv.as_ref(), school, source, since, now).await? {
        tracing::info!(%source, school = %school.id, "something comes of a source again");
    }
    Ok(())
}
