//! `accept`: one observation, one commit.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio_util::task::TaskTracker;

use super::case::{Case, CaseKey, PROTECTED_FOR, look_again};
use super::decide::{Heard, decide, trail};
use super::{accords, ladders, redaction, register};
use crate::directory::{Directory, School};
use crate::env::Clock;
use crate::model::{
    Fact, Lesson, LessonReport, LessonState, Observation, PupilId, Reason, Register, local_date,
};
use crate::occasion::{self, Change, Marking};
use crate::policy::{Plan, stale};
use crate::store::ledger::{self, Unit};
use crate::store::rows::{Day, Notice, Seen};
use crate::store::{
    Batch, Commit, Kv, MAX_BATCH_BYTES, MAX_VALUE_BYTES, StoreError, after_prefix, codec, tables,
};

/// How often a decision is made again when others keep changing what it read.
const CONFLICT_TRIES: u32 = 200;
/// Largest lesson without its notifications, in bytes.
const MAX_LESSON_BYTES: usize = MAX_VALUE_BYTES - 1024;
/// Most lessons looked at again when an advance notice comes or goes.
const LESSONS_PER_NOTICE: usize = 200;

/// What became of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Taken for the first time; durable.
    New,
    /// Known already; what was made of it is durable.
    Duplicate,
}

/// Why an observation was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IntakeError {
    /// It cannot be taken, however often it is sent: it names something nobody knows, or is too large.
    #[error("{0}")]
    Rejected(String),
    /// Ours: try again later.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a source that is asked offers an observation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// It was so before the source was first asked: stored like everything else, and nobody is told of it.
    pub learn: bool,
    /// It says that the pupil's personal data are protected, or may be: whatever the directory says, nobody is told
    /// of the pupil for a while, and staff get a task instead.
    pub protected: bool,
    /// Rows of the source's own, to be written in the same commit; none: to be removed.
    pub rows: &'a [(Vec<u8>, Option<Bytes>)],
}

/// The door every source goes through.
#[derive(Clone)]
pub struct Intake {
    kv: Arc<dyn Kv>,
    clock: Arc<dyn Clock>,
    directory: Arc<ArcSwap<Directory>>,
    tracker: TaskTracker,
}

impl Intake {
    /// Commits are tasks on `tracker`.
    pub fn new(
        kv: Arc<dyn Kv>,
        clock: Arc<dyn Clock>,
        directory: Arc<ArcSwap<Directory>>,
        tracker: TaskTracker,
    ) -> Self {
        Self { kv, clock, directory, tracker }
    }

    /// Merges, decides and commits one observation; durable on return, also for a duplicate.
    ///
    /// # Errors
    /// [`IntakeError::Rejected`] for a school or pupil that nobody knows; a store error when nothing
    /// was taken, also while there is no directory at all.
    #[tracing::instrument(
        target = "upprop::trace", name = "accept", skip_all,
        fields(source = %observation.source, school)
    )]
    pub async fn accept(&self, observation: &Observation) -> Result<Accepted, IntakeError> {
        self.take(observation, Beside::default()).await
    }

    /// Takes what was so already when its source was first asked: stored like everything else, and nobody is
    /// told of it.
    ///
    /// # Errors
    /// As [`Self::accept`].
    pub async fn learn(&self, observation: &Observation) -> Result<Accepted, IntakeError> {
        self.take(observation, Beside { learn: true, ..Beside::default() }).await
    }

    /// As [`Self::accept`], or as [`Self::learn`], with rows of the source's own in the same commit: what it
    /// remembers of what it said is durable with what was made of it, or not at all.
    ///
    /// # Errors
    /// As [`Self::accept`].
    pub async fn accept_beside(
        &self,
        observation: &Observation,
        beside: Beside<'_>,
    ) -> Result<Accepted, IntakeError> {
        self.take(observation, beside).await
    }

    async fn take(
        &self,
        observation: &Observation,
        beside: Beside<'_>,
    ) -> Result<Accepted, IntakeError> {
        let directory = self.directory.load_full();
        let school = directory.schools.get(&observation.school).ok_or_else(|| {
            IntakeError::Rejected(format!(
                "school: {} is not configured here; add [schools.{0}] or send the configured id",
                observation.school
            ))
        })?;
        if directory.roster.pupil_count() == 0 && observation.fact.pupil().is_some() {
            // Everybody would count as unknown: the sender keeps its events until it is loaded.
            let why = "no directory is in force; load it, and the sender comes again";
            return Err(StoreError::Busy(why.into()).into());
        }
        if let Some(pupil) = observation.fact.pupil()
            && directory.roster.pupil(&school.id, pupil).is_none()
        {
            return Err(IntakeError::Rejected(format!(
                "pupil: {pupil} is not in the directory of school {}; load the directory and send the event again",
                school.id
            )));
        }
        // Only now is it known to be one of ours, and not somebody's name.
        tracing::Span::current().record("school", tracing::field::display(&school.id));
        for _ in 0..CONFLICT_TRIES {
            let mut unit = Unit::new(self.kv.as_ref());
            let seen = tables::seen(&observation.source, &observation.event);
            if unit.read::<Seen>(&seen).await?.is_some() {
                // Another request may have written it a moment ago: answer only when it is durable.
                let _: Commit = self.kv.commit(Batch::default()).await?;
                return Ok(Accepted::Duplicate);
            }
            let now = self.clock.now();
            unit.write(seen, &Seen { at: now });
            for (key, row) in beside.rows {
                match row {
                    Some(row) => unit.write_raw(key.clone(), row.clone()),
                    None => unit.delete(key.clone()),
                }
            }
            if let (true, Some(pupil)) = (beside.protected, observation.fact.pupil()) {
                let row = tables::notice_guard(&school.id, pupil);
                let known: Day = unit.read(&row).await?.unwrap_or_default();
                let since = known.protected_at.map(|at| now.duration_since(at));
                if since.is_none_or(|since| since >= PROTECTED_FOR) {
                    redaction::ask(&mut unit, (&school.id, pupil), now);
                }
                unit.write(row, &Day { protected_at: Some(now), ..known });
            }
            match write(&mut unit, &directory, school, observation, beside.learn, now).await {
                Ok(()) => {}
                // Sent again it would be the same: it must not hold up what the sender has behind it.
                Err(IntakeError::Store(StoreError::Damaged(why))) => {
                    tracing::error!(
                        school = %school.id, source = %observation.source, why,
                        "an event is refused: what is kept of its pupil's day cannot be read; \
                         rebuild the store from its journal"
                    );
                    return Err(IntakeError::Rejected(
                        "the gateway cannot read what it keeps of this pupil's day; its operators \
                         have been told, and can have the event sent again"
                            .into(),
                    ));
                }
                Err(error) => return Err(error),
            }
            match self.commit(unit).await {
                Ok(Commit::Done) => return Ok(Accepted::New),
                Ok(Commit::Conflict) => {}
                // Sent again it would be as large: it must not hold up what the sender has behind it.
                Err(StoreError::TooLarge { .. }) => {
                    return Err(IntakeError::Rejected(
                        "lesson: more lessons of this pupil's day than can be kept together; check \
                         that each lesson has one id, and use shorter ones"
                            .into(),
                    ));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Busy("one pupil's day is being changed by too many at once".into()).into())
    }

    /// Commits in a task of its own: a request that is cut off meanwhile must not leave what it wrote
    /// without anybody told that it is due (see [`Watched`](crate::store::Watched)).
    async fn commit(&self, unit: Unit<'_>) -> Result<Commit, StoreError> {
        let (kv, batch) = (self.kv.clone(), unit.into_batch());
        let task = self.tracker.spawn(async move { kv.commit(batch).await });
        task.await.unwrap_or_else(|_| Err(StoreError::Failed("a commit panicked".into())))
    }

    /// The store, for what else the inlet must remember.
    pub fn kv(&self) -> &Arc<dyn Kv> {
        &self.kv
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The directory in force.
    pub fn directory(&self) -> &Arc<ArcSwap<Directory>> {
        &self.directory
    }
}

async fn write(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    observation: &Observation,
    learn: bool,
    now: Timestamp,
) -> Result<(), IntakeError> {
    let heard = |what: String| Heard {
        source: Some(observation.source.clone()),
        event: Some(observation.event.clone()),
        what,
    };
    match &observation.fact {
        Fact::Marked {
            pupil,
            lesson,
            mark,
            minutes,
            register_closed,
            recorded_at,
            recorded_by,
        } => {
            let marking = Marking {
                lesson: lesson.clone(),
                mark: *mark,
                minutes: *minutes,
                register_closed: *register_closed,
                recorded_at: *recorded_at,
                recorded_by: recorded_by.clone(),
            };
            let word = serde_json::to_value(mark).unwrap_or_default();
            let heard = heard(format!("marked {}", word.as_str().unwrap_or_default()));
            let begun = register::says_begun(*mark, *register_closed);
            register::begun(unit, school, lesson, begun, now).await?;
            merged(unit, directory, school, pupil, lesson, &heard, now, |state| {
                let change = occasion::mark_lesson(state, marking, now);
                state.taken_as_known |= change == Change::Changed && learn;
                change
            })
            .await
        }
        Fact::LessonReported { pupil, lesson, report } => {
            let report: LessonReport = report.clone();
            register::begun(unit, school, lesson, true, now).await?;
            merged(
                unit,
                directory,
                school,
                pupil,
                lesson,
                &heard("lesson-report".into()),
                now,
                |state| occasion::report_lesson(state, lesson.clone(), report, now),
            )
            .await
        }
        Fact::Notified { pupil, notice, withdrawn, recorded_at } => {
            let what = if *withdrawn { "advance-notice withdrawn" } else { "advance-notice" };
            let heard = heard(what.into());
            let row = Notice { notice: *notice, withdrawn: *withdrawn, recorded_at: *recorded_at };
            noticed(unit, directory, school, pupil, &row, &heard, now).await?;
            Ok(())
        }
        Fact::RegisterBegun { lesson } => {
            register::begun(unit, school, lesson, true, now).await?;
            Ok(())
        }
        Fact::RegisterClosed { lesson, closed_at, closed_by } => {
            register::closed(unit, school, lesson, *closed_at, closed_by.clone(), now).await?;
            Ok(())
        }
        Fact::LessonPlanned { lesson, planned } => {
            let heard = heard("planned".into());
            if register::planned(unit, school, lesson, planned, &heard, now).await? {
                let pupils =
                    directory.roster.pupils.get(&school.id).into_iter().flat_map(|all| all.keys());
                let planned = Some(planned.clone());
                let register = Register { planned, ..Register::new(lesson.clone()) };
                register::look_again_at(unit, school, &register, pupils, now).await?;
            }
            Ok(())
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "one call site each; a struct would name nothing new")]
async fn merged(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    pupil: &PupilId,
    lesson: &Lesson,
    heard: &Heard,
    now: Timestamp,
    merge: impl FnOnce(&mut LessonState) -> Change,
) -> Result<(), IntakeError> {
    let key = CaseKey {
        school: school.id.clone(),
        pupil: pupil.clone(),
        date: local_date(lesson.start, &school.zone),
        lesson: lesson.id.clone(),
    };
    let mut case = Case::load_or_new(unit, &directory.roster, &key, lesson, now).await?;
    let climbs = ladders::has_any(school);
    let before = climbs.then(|| case.lesson.clone());
    match merge(&mut case.lesson) {
        Change::Changed | Change::Same => {
            fits(&case.lesson)?;
            // So that a notice accepted side by side is decided with this lesson, or this with it.
            accords::touch(unit, &school.id, pupil).await?;
            let after = climbs.then(|| case.lesson.clone());
            decide(unit, directory, school, case, heard, now);
            if let Some(after) = after {
                let change = (before.as_ref(), &after);
                ladders::after_lesson(unit, directory, school, pupil, change, heard, now).await?;
            }
        }
        Change::OutOfOrder => {
            // What it says of the register holds all the same.
            case.keep(unit);
            let mut plan = Plan::default();
            plan.note_out_of_order();
            unit.decided("suppress", Reason::OutOfOrder);
            trail(unit, &school.id, pupil, Some(&lesson.id), heard, &plan, now);
        }
    }
    Ok(())
}

/// A lesson must leave room in its row for the notifications that will come of it.
fn fits(lesson: &LessonState) -> Result<(), IntakeError> {
    let bare = LessonState { notifications: Vec::new(), ..lesson.clone() };
    if codec::encode(ledger::ROW_VERSION, &bare).len() <= MAX_LESSON_BYTES {
        return Ok(());
    }
    Err(IntakeError::Rejected(
        "lesson: its label and note together are more than can be kept; shorten them".into(),
    ))
}

#[allow(clippy::too_many_arguments, reason = "one call site each; a struct would name nothing new")]
async fn noticed(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    pupil: &PupilId,
    new: &Notice,
    heard: &Heard,
    now: Timestamp,
) -> Result<(), StoreError> {
    let notice = &new.notice;
    let row = tables::notice(&school.id, pupil, notice);
    let known: Option<Notice> = unit.read(&row).await?;
    let known = known.map(|n| (n.recorded_at, n.withdrawn));
    if known.is_some_and(|k| occasion::notice_is_late(k, (new.recorded_at, new.withdrawn))) {
        let mut plan = Plan::default();
        plan.note_out_of_order();
        unit.decided("suppress", Reason::OutOfOrder);
        trail(unit, &school.id, pupil, None, heard, &plan, now);
        return Ok(());
    }
    accords::touch(unit, &school.id, pupil).await?;
    unit.write(row, new);
    trail(unit, &school.id, pupil, None, heard, &Plan::default(), now);
    ladders::after_notice(unit, directory, school, pupil, new, heard, now).await?;
    // Lessons that may still matter: those that people could be, or have just been, told about.
    let oldest = now
        .saturating_sub(stale::told_for(school))
        .and_then(|t| t.saturating_sub(SignedDuration::from_hours(48)))
        .unwrap_or(Timestamp::MIN);
    let from = local_date(notice.from.max(oldest), &school.zone);
    let to = local_date(notice.to, &school.zone);
    if to < from {
        return Ok(());
    }
    let first = tables::day(&school.id, pupil, from);
    let last = after_prefix(&tables::day(&school.id, pupil, to));
    let lessons: Vec<LessonState> = unit.peek_range(&first, &last, LESSONS_PER_NOTICE).await?;
    for lesson in lessons.into_iter().rev().filter(|l| notice.touches(&l.lesson)) {
        let key = CaseKey {
            school: school.id.clone(),
            pupil: pupil.clone(),
            date: local_date(lesson.lesson.start, &school.zone),
            lesson: lesson.lesson.id.clone(),
        };
        // The latest first; those that do not fit in this commit are timers' work, each at once.
        if unit.bytes() > MAX_BATCH_BYTES / 2 {
            look_again(unit, &key, now);
        } else if let Some(case) = Case::load(unit, &directory.roster, &key).await? {
            decide(unit, directory, school, case, heard, now);
        }
    }
    Ok(())
}
