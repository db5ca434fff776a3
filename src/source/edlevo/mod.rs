//! Edlevo's Absence API, version 2: its interface after the standard has no attendance, so lessons' marks are asked
//! of this one. It answers with whole days in XML and cannot tell what has changed; that is found here, and goes on
//! through `marks`. Decides nothing.

mod answer;
mod ask;
mod known;
mod said;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::Response;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use tokio_util::sync::CancellationToken;

use super::marks::{Offering, Said};
use crate::directory::Directory;
use crate::env::{Wire, WireError};
use crate::model::{LessonState, Mark, SchoolId, SourceId, local_date};
use crate::store::ledger;
use crate::store::rows::{Cursor, LastSaid};
use crate::store::{Commit, StoreError, after_prefix, tables};

pub use ask::{Key, Service};
pub use said::LessonIds;

use ask::{Wrong, answered, question};
use known::{Known, Marks, withdrawn};
use said::{Asked, understand};

/// Schools that are asked for side by side.
const SIDE_BY_SIDE: usize = 4;
/// Most lessons of a pupil's day.
const LESSONS: usize = 200;
/// The longest pause after failures, however often it is asked otherwise.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// What may be wrong, in the words of `status` and metrics.
pub const KINDS: [&str; 9] = [
    "settings",
    "unreachable",
    "not-let-in",
    "refused",
    "answer",
    "vanished",
    "unknown-pupils",
    "odd-events",
    "clock",
];
/// Further than this its clock is wrong.
const CLOCK: SignedDuration = SignedDuration::from_mins(5);

/// How a source of this kind is asked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The service.
    pub service: Service,
    /// Schools, and how each is asked for.
    pub schools: BTreeMap<SchoolId, Unit>,
    /// How long from one question to the next.
    pub poll: SignedDuration,
    /// How many days are asked for, today the last.
    pub days: u32,
    /// What a lesson's id stands for.
    pub lesson_ids: LessonIds,
}

/// A school as the service has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The id of its unit.
    pub id: String,
    /// The operation of each of its school forms.
    pub operations: Vec<String>,
}

/// What is wrong with what came of the question of [`Settings::probe`], and what to do, in the words of its troubles.
pub fn wrong_with(came: &Result<Response<Bytes>, WireError>) -> Option<(String, &'static str)> {
    answered(came.clone()).err().map(|wrong| (wrong.what, wrong.remedy))
}

impl Settings {
    /// A question that shows whether we are let in: today's absence of the first school.
    pub fn probe(&self, today: Date) -> Option<http::Request<bytes::Bytes>> {
        let unit = self.schools.values().next()?;
        question(&self.service, unit.operations.first()?, &unit.id, (today, today)).ok()
    }
}

/// One source.
pub struct Edlevo {
    /// How it is asked.
    pub settings: Settings,
    /// Who takes what it says.
    pub offering: Offering,
    /// How it is reached.
    pub wire: Arc<dyn Wire>,
}

/// What is wrong, the first of each kind.
type Faults = BTreeMap<&'static str, Wrong>;

fn note(faults: &mut Faults, school: &SchoolId, wrong: Wrong) {
    let what = format!("school {school}: {}", wrong.what);
    faults.entry(wrong.kind).or_insert(Wrong { what, ..wrong });
}

impl Edlevo {
    /// Asks until `stop`.
    ///
    /// # Errors
    /// When the store does not take what was said.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> Result<(), StoreError> {
        let clock = self.offering.intake.clock().clone();
        let mut known = BTreeMap::new();
        let mut failures = 0;
        loop {
            let Some(done) = stop.run_until_cancelled(self.round(&mut known)).await else {
                return Ok(());
            };
            failures = if done? { 0 } else { (failures + 1).min(8) };
            let longest = LONGEST_PAUSE.max(self.settings.poll);
            let pause = self.settings.poll.saturating_mul(1 << failures).min(longest);
            let until = clock.now().saturating_add(pause).unwrap_or(jiff::Timestamp::MAX);
            if stop.run_until_cancelled(clock.sleep_until(until)).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Asks for every school once. Returns whether all answered.
    async fn round(&self, known: &mut BTreeMap<SchoolId, Known>) -> Result<bool, StoreError> {
        let Offering { source, intake, contacts, .. } = &self.offering;
        let directory = intake.directory().load_full();
        if directory.roster.pupil_count() == 0 {
            // Nobody would be known; a load comes, and first contact waits for it.
            return Ok(true);
        }
        let before = |(school, unit): (&SchoolId, &Unit)| {
            (school.clone(), unit.clone(), known.remove(school))
        };
        let schools: Vec<_> = self.settings.schools.iter().map(before).collect();
        let schools = schools.into_iter().map(|(school, unit, before)| {
            let directory = directory.clone();
            async move {
                let done = self.school(&directory, &school, &unit, before).await;
                (school, done)
            }
        });
        let schools: Vec<_> =
            futures_util::stream::iter(schools).buffer_unordered(SIDE_BY_SIDE).collect().await;
        let mut faults = Faults::new();
        let mut failed = None;
        for (school, done) in schools {
            match done {
                Ok((now_known, found)) => {
                    for wrong in found {
                        note(&mut faults, &school, wrong);
                    }
                    known.insert(school, now_known);
                }
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        let now = intake.clock().now();
        let all = !["settings", "unreachable", "not-let-in", "refused", "answer"]
            .iter()
            .any(|kind| faults.contains_key(kind));
        if all {
            contacts.answered(source, now);
        }
        for kind in KINDS {
            let Some(Wrong { what, remedy, .. }) = faults.remove(kind) else {
                if contacts.well(source, kind) {
                    tracing::info!(%source, kind, "that is well again");
                }
                continue;
            };
            if contacts.trouble(source, kind, what.clone(), remedy.into(), now) {
                tracing::warn!(%source, kind, what, remedy, "something is wrong with a source");
            }
        }
        Ok(all)
    }

    /// Asks for one school. Returns what is known of it then, and what is wrong.
    async fn school(
        &self,
        directory: &Directory,
        school: &SchoolId,
        unit: &Unit,
        before: Option<Known>,
    ) -> Result<(Known, Vec<Wrong>), StoreError> {
        let Offering { source, intake, .. } = &self.offering;
        let Some(configured) = directory.schools.get(school) else {
            return Ok((before.unwrap_or_default(), Vec::new()));
        };
        let zone = configured.zone.clone();
        let today = local_date(intake.clock().now(), &zone);
        let since = today.saturating_sub(i64::from(self.settings.days.saturating_sub(1)).days());
        let mut known = match before {
            Some(known) => known,
            None => self.remembered(directory, school, since, today).await?,
        };
        let lesson_ids = self.settings.lesson_ids;
        let asked =
            Asked { school: school.clone(), zone: zone.clone(), unit: unit.id.clone(), lesson_ids };
        let (first_asked_at, is_first) = self.first_asked(school).await?;
        let asked_at = intake.clock().now();
        let (mut marks, mut wrong, mut whole, mut heard) = (Marks::new(), Vec::new(), true, false);
        let (mut first_answers, mut of_before, mut asked_before) =
            (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for operation in &unit.operations {
            match self.ask(operation, &asked, (since, today)).await {
                Ok((said, odd)) => {
                    heard = true;
                    let cursor = cursor(source, school, Some(operation));
                    if ledger::read::<Cursor>(intake.kv().as_ref(), &cursor).await?.is_none() {
                        first_answers.push(cursor);
                        // Of an operation that answers later than it was asked, only what was over then.
                        let before = |said: &Said| is_first || said.lesson.end <= first_asked_at;
                        let known = said.iter().filter(|(_, said)| before(said));
                        of_before.extend(known.map(|(key, _)| key.clone()));
                    } else {
                        asked_before.extend(said.keys().cloned());
                    }
                    marks.extend(said);
                    wrong.extend(odd);
                }
                Err(failed) => {
                    whole = false;
                    let what = format!("{operation}: {}", failed.what);
                    wrong.push(Wrong { what, ..failed });
                }
            }
        }
        // An operation that a unit does not have is refused for ever, and the others answer.
        if heard {
            self.offering.contacts.marks_answered(&self.offering.source, school, asked_at);
        }
        let unknown = marks.len();
        marks.retain(|(pupil, _), _| directory.roster.pupil(school, pupil).is_some());
        wrong.extend(unknown_pupils(unknown - marks.len(), unknown));
        // What another operation would have said cannot be told from what is gone.
        let (new, gone) = if whole {
            let changed = known.compare(&marks, since, &zone);
            wrong.extend(doubted(changed.doubted));
            (changed.new, changed.gone)
        } else {
            (known.news(&marks), Vec::new())
        };
        let is_before = |said: &Said| {
            let key = (said.pupil.clone(), said.lesson.id.clone());
            of_before.contains(&key) && !asked_before.contains(&key)
        };
        let (history, mut news): (Vec<Said>, Vec<Said>) = new.iter().cloned().partition(is_before);
        news.extend(
            gone.iter().map(|(pupil, lesson)| withdrawn(school, pupil.clone(), lesson.clone())),
        );
        let mut taken = self.offering.take(history, true).await?;
        taken.add(self.offering.take(news, false).await?);
        known.taken(new, &gone);
        self.write(first_answers).await?;
        let refused: u64 = taken.refused.values().sum();
        if refused > 0 {
            wrong.push(odd(format!("{refused} marks cannot be kept")));
        }
        Ok((known, wrong))
    }

    /// When a school was first asked for, written before it is; and whether that is now.
    async fn first_asked(&self, school: &SchoolId) -> Result<(Timestamp, bool), StoreError> {
        let Offering { source, intake, .. } = &self.offering;
        let row = cursor(source, school, None);
        if let Some(known) = ledger::read::<Cursor>(intake.kv().as_ref(), &row).await? {
            return Ok((known.first_asked_at, false));
        }
        self.write(vec![row]).await?;
        Ok((intake.clock().now(), true))
    }

    async fn write(&self, cursors: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let Offering { intake, .. } = &self.offering;
        if cursors.is_empty() {
            return Ok(());
        }
        let mut unit = ledger::Unit::new(intake.kv().as_ref());
        for row in cursors {
            unit.write(
                row,
                &Cursor { first_asked_at: intake.clock().now(), after: None, whole: true },
            );
        }
        let _: Commit = unit.commit().await?;
        Ok(())
    }

    /// Asks one question; an answer, and what is odd in it.
    async fn ask(
        &self,
        operation: &str,
        asked: &Asked,
        days: (Date, Date),
    ) -> Result<(Marks, Vec<Wrong>), Wrong> {
        let Offering { source, intake, contacts, .. } = &self.offering;
        let request = question(&self.settings.service, operation, &asked.unit, days)?;
        let sent = intake.clock().now();
        let answer = answered(self.wire.call(request).await)?;
        let mut wrong = Vec::new();
        if let Some(theirs) = answer.datetime.and_then(|text| said::clock(&text, &asked.zone)) {
            let came = intake.clock().now();
            contacts.clock(source, theirs, sent, came);
            let ahead = contacts.ahead(source).unwrap_or_default();
            if ahead.abs() > CLOCK {
                let what = format!("its clock is {} s ahead of ours", ahead.as_secs());
                wrong.push(Wrong::new(
                    "clock",
                    what,
                    "have both clocks set by NTP; times without an offset are read as the school's",
                ));
            }
        }
        let found = understand(asked, &answer.events);
        let count = answer.events.len();
        wrong.extend(oddities(&found, count));
        Ok((found.said, wrong))
    }

    /// What this source said to a former process about these days: marks that stand, and that it made.
    async fn remembered(
        &self,
        directory: &Directory,
        school: &SchoolId,
        since: Date,
        until: Date,
    ) -> Result<Known, StoreError> {
        let Offering { source, intake, .. } = &self.offering;
        let kv = intake.kv().as_ref();
        let mut known = Known::default();
        for pupil in directory.roster.pupils.get(school).into_iter().flatten().map(|(id, _)| id) {
            let from = tables::day(school, pupil, since);
            let to = after_prefix(&tables::day(school, pupil, until));
            for (_, value) in kv.scan(&from, &to, LESSONS).await? {
                // What cannot be read is not taken back either.
                let Ok(state) = ledger::decode::<LessonState>(&value) else { continue };
                if matches!(state.mark, None | Some(Mark::Unknown)) {
                    continue;
                }
                let said = tables::last_said(school, pupil, &state.lesson.id, source);
                if ledger::read::<LastSaid>(kv, &said).await?.is_some() {
                    known.remember(pupil.clone(), state.lesson);
                }
            }
        }
        Ok(known)
    }
}

/// The row of a school, and of each of its operations once that has answered: one that never does, as of a school
/// form that a unit does not have, must not make all that others say history.
fn cursor(source: &SourceId, school: &SchoolId, operation: Option<&str>) -> Vec<u8> {
    let of = operation.map(|operation| format!(" {operation}")).unwrap_or_default();
    tables::cursor(source, &format!("absence {school}{of}"))
}

fn unknown_pupils(unknown: usize, all: usize) -> Option<Wrong> {
    let remedy = "load the directory; the pupils' ids in it must be those that the Absence API calls personid";
    let what = format!("{unknown} of {all} marks are of pupils who are not in the directory");
    (unknown > 0).then(|| Wrong::new("unknown-pupils", what, remedy))
}

fn doubted(count: usize) -> Option<Wrong> {
    let remedy = "look in Edlevo whether they are there; nothing is taken back of what they said, and if they were \
                  removed on purpose, they stand until the day is no longer asked for";
    let what = format!("{count} marks are gone at once from its answer, which is not believed");
    (count > 0).then(|| Wrong::new("vanished", what, remedy))
}

fn odd(what: String) -> Wrong {
    Wrong::new(
        "odd-events",
        what,
        "compare with the vendor's schema (tieto-edu-absence-v2.xsd) and tell the vendor",
    )
}

/// What is odd in an answer, most harmful first.
fn oddities(found: &said::Understood, count: usize) -> Option<Wrong> {
    if found.ambiguous > 0 {
        let what = format!("{} lessons have the id of another lesson", found.ambiguous);
        return Some(Wrong::new(
            "odd-events",
            what,
            "write lesson-ids = \"recurring\" for this source",
        ));
    }
    if count > 0 && found.elsewhere == u64::try_from(count).unwrap_or(u64::MAX) {
        let what = "every event is of another unit than was asked for".to_owned();
        return Some(Wrong::new("odd-events", what, "correct the unit's id in `schools`"));
    }
    if let Some((why, times)) = found.bad.first_key_value() {
        let all: u64 = found.bad.values().sum();
        return Some(odd(format!("{all} events cannot be used; {times} of them for {why}")));
    }
    if found.unknown_reasons > 0 {
        let what = format!(
            "{} events have a reason that is not known; nobody is told of them",
            found.unknown_reasons
        );
        return Some(odd(what));
    }
    let what = format!(
        "{} lessons have two marks; the one that says where the pupil was is taken",
        found.contradictions
    );
    (found.contradictions > 0).then(|| odd(what))
}

#[cfg(test)]
#[path = "contact_tests.rs"]
mod tests;
