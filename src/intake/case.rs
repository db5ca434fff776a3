//! One lesson of one pupil as stored: what deciding about it reads, and what a plan writes.

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{accords, exclusions};
use crate::directory::{Roster, School};
use crate::model::{
    Accord, AdvanceNotice, Lesson, LessonId, LessonState, Notification, PupilId, Purpose, Reason,
    SchoolId, Silencing, State, covering,
};
use crate::policy::{Plan, Situation, exclusion};
use crate::store::rows::{Day, Due, Notice, Register};
use crate::store::tables::{self, Lane};
use crate::store::{StoreError, after_prefix, ledger::Unit};

/// Most notifications remembered per lesson; older ones that never left are let go first.
const REMEMBERED: usize = 24;
/// Most advance notices of one pupil that are looked at for one lesson.
const NOTICES: usize = 200;
/// How long a source's word that a pupil is protected holds, after the last time that it said so.
pub const PROTECTED_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Which lesson of which pupil.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CaseKey {
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// The day in the school's zone.
    pub date: Date,
    /// The lesson.
    pub lesson: LessonId,
}

impl CaseKey {
    /// The case a notification belongs to.
    pub fn of(n: &Notification) -> Self {
        Self {
            school: n.school.clone(),
            pupil: n.pupil.clone(),
            date: n.date,
            lesson: n.lesson.clone(),
        }
    }

    fn row(&self) -> Vec<u8> {
        tables::lesson(&self.school, &self.pupil, self.date, &self.lesson)
    }

    fn day_row(&self) -> Vec<u8> {
        tables::occasion(&self.school, &self.pupil, self.date)
    }
}

/// One lesson with all that was made of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Which.
    pub key: CaseKey,
    /// The lesson.
    pub lesson: LessonState,
    /// The day.
    pub day: Day,
    /// The pupil's notices that end after the lesson's start.
    pub notices: Vec<AdvanceNotice>,
    /// Notifications, oldest first.
    pub told: Vec<Notification>,
    /// When a source last said that the pupil is protected.
    protected_at: Option<Timestamp>,
    /// Silences that concern the pupil and end after the lesson's start.
    silencings: Vec<Silencing>,
    /// What was agreed about the pupil.
    pub accords: Vec<Accord>,
    /// Whether the home was asked to ring about another lesson of the day.
    rung: bool,
}

impl Case {
    /// Reads a case; none when nothing is known of the lesson. The unit's commit fails if anything
    /// of it changes meanwhile.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load(
        unit: &mut Unit<'_>,
        roster: &Roster,
        key: &CaseKey,
    ) -> Result<Option<Self>, StoreError> {
        let Some(lesson) = unit.read::<LessonState>(&key.row()).await? else { return Ok(None) };
        Self::around(unit, roster, key, lesson).await.map(Some)
    }

    /// Reads a case, or starts one about a lesson nothing is known of.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load_or_new(
        unit: &mut Unit<'_>,
        roster: &Roster,
        key: &CaseKey,
        lesson: &Lesson,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let known = unit.read::<LessonState>(&key.row()).await?;
        let state = known.unwrap_or_else(|| LessonState::new(lesson.clone(), now));
        Self::around(unit, roster, key, state).await
    }

    async fn around(
        unit: &mut Unit<'_>,
        roster: &Roster,
        key: &CaseKey,
        mut lesson: LessonState,
    ) -> Result<Self, StoreError> {
        let register: Option<Register> =
            unit.read(&tables::register(&key.school, &key.lesson)).await?;
        if let Some(planned) = register.and_then(|register| register.planned) {
            lesson.cancelled = planned.cancelled;
        }
        let day = unit.read(&key.day_row()).await?.unwrap_or_default();
        let of_pupil: Option<Day> =
            unit.read(&tables::notice_guard(&key.school, &key.pupil)).await?;
        let protected_at = of_pupil.and_then(|row| row.protected_at);
        let start = lesson.lesson.start;
        let notices = notices_after(unit, key, start).await?;
        let class = roster.pupil(&key.school, &key.pupil).and_then(|pupil| pupil.class.as_deref());
        let silencings =
            exclusions::of_pupil(unit, &key.school, (&key.pupil, class), start).await?;
        let accords = accords::of_pupil(unit, (&key.school, &key.pupil)).await?;
        let rung = was_rung(unit, key, &day).await?;
        let mut told = Vec::with_capacity(lesson.notifications.len());
        for id in &lesson.notifications {
            if let Some(n) = unit.read::<Notification>(&tables::notification(id)).await? {
                told.push(n);
            }
        }
        let key = key.clone();
        Ok(Self { key, lesson, day, notices, told, protected_at, silencings, accords, rung })
    }

    /// Whether the pupil is missing at another lesson of the day.
    pub fn missing_elsewhere(&self) -> bool {
        self.day.missing.iter().any(|l| *l != self.key.lesson)
    }

    /// Whether a source has lately said of the pupil that there is protection, whatever the directory says.
    pub fn is_protected(&self, now: Timestamp) -> bool {
        self.protected_at.is_some_and(|at| now.duration_since(at) < PROTECTED_FOR)
    }

    /// Why nobody is told of it.
    pub fn exclusion(&self, school: &School) -> Option<Reason> {
        exclusion::of_lesson(school, &self.lesson.lesson, &self.silencings)
    }

    /// The ids of the silences that cover it.
    pub fn silences(&self, school: &School) -> Vec<String> {
        let all = covering(&self.silencings, &self.lesson.lesson, &school.zone);
        all.into_iter().map(|one| one.id.clone()).collect()
    }

    /// What policy decides about it from.
    pub fn situation<'a>(
        &'a self,
        school: &'a School,
        roster: &'a Roster,
        now: Timestamp,
    ) -> Situation<'a> {
        Situation {
            now,
            school,
            roster,
            pupil: &self.key.pupil,
            date: self.key.date,
            lesson: &self.lesson,
            notices: &self.notices,
            told: &self.told,
            missing_elsewhere: self.missing_elsewhere(),
            duty_elsewhere: self.day.duty.as_ref().is_some_and(|l| *l != self.key.lesson),
            protected: self.is_protected(now),
            exclusion: self.exclusion(school),
            accords: &self.accords,
            rung: self.rung,
        }
    }

    /// Writes the lesson, of which nothing is to be decided.
    pub fn keep(&self, unit: &mut Unit<'_>) {
        unit.write(self.key.row(), &self.lesson);
    }

    /// Writes that something was recorded of the day, with a message that follows of it.
    pub fn record(mut self, unit: &mut Unit<'_>, message: Option<&Notification>) {
        self.day.changes += 1;
        if let Some(new) = message {
            enqueue(unit, new);
            self.lesson.notifications.push(new.id.clone());
            self.forget_surplus();
            unit.write(self.key.row(), &self.lesson);
        }
        unit.write(self.key.day_row(), &self.day);
    }

    /// Writes what a plan changes: the lesson, its notifications, their due rows.
    pub fn apply(mut self, unit: &mut Unit<'_>, plan: &Plan) {
        for decision in &plan.decisions {
            unit.decided(decision.act, decision.reason);
        }
        self.lesson.missing = plan.missing;
        self.lesson.revision = plan.revision;
        for (id, reason) in &plan.cancel {
            if let Some(n) = self.told.iter_mut().find(|n| n.id == *id) {
                cancel(unit, n, State::Cancelled, *reason);
            }
        }
        for (id, due_at) in &plan.again {
            if let Some(n) = self.told.iter_mut().find(|n| n.id == *id) {
                n.state = State::Waiting;
                n.state_reason = None;
                n.due_at = *due_at;
                // The alarm in force, whichever it was made for.
                n.revision = plan.revision;
                enqueue(unit, n);
            }
        }
        for new in &plan.make {
            enqueue(unit, new);
            if new.purpose == Purpose::AskToRing {
                self.day.ring = Some(new.id.clone());
            }
            self.lesson.notifications.push(new.id.clone());
        }
        self.forget_surplus();
        if plan.missing {
            self.day.missing.insert(self.key.lesson.clone());
        } else {
            self.day.missing.remove(&self.key.lesson);
        }
        self.keep_duty(unit, plan);
        self.day.changes += 1;
        if let Some(at) = plan.look_again {
            look_again(unit, &self.key, at);
        }
        unit.write(self.key.row(), &self.lesson);
        unit.write(self.key.day_row(), &self.day);
    }

    /// Keeps which lesson of the day has the team's task about marks that came too late. When that lesson needs none
    /// any more, another may.
    fn keep_duty(&mut self, unit: &mut Unit<'_>, plan: &Plan) {
        if plan.duty {
            self.day.duty = Some(self.key.lesson.clone());
        } else if !plan.missing && self.day.duty.as_ref() == Some(&self.key.lesson) {
            self.day.duty = None;
            for lesson in &self.day.missing {
                let other = CaseKey { lesson: lesson.clone(), ..self.key.clone() };
                look_again(unit, &other, self.lesson.received_at);
            }
        }
    }

    fn forget_surplus(&mut self) {
        while self.lesson.notifications.len() > REMEMBERED {
            let told = &self.told;
            let never_left = |id: &crate::model::NotificationId| {
                told.iter().any(|n| n.id == *id && n.state.is_final() && n.attempts.is_empty())
            };
            // What is forgotten could be made again, so nothing of the alarm in force is.
            let former = |id: &crate::model::NotificationId| {
                told.iter().any(|n| n.id == *id && n.revision < self.lesson.revision)
            };
            let ids = &self.lesson.notifications;
            let index = ids
                .iter()
                .position(|id| never_left(id) && former(id))
                .or_else(|| ids.iter().position(former));
            let Some(index) = index else { return };
            self.lesson.notifications.remove(index);
        }
    }
}

/// Whether the day has a message that asks to ring, of another lesson, that left or may leave.
async fn was_rung(unit: &mut Unit<'_>, key: &CaseKey, day: &Day) -> Result<bool, StoreError> {
    let Some(id) = &day.ring else { return Ok(false) };
    let known: Option<Notification> = unit.read(&tables::notification(id)).await?;
    Ok(known.is_some_and(|n| {
        n.lesson != key.lesson && (n.state != State::Cancelled || !n.attempts.is_empty())
    }))
}

/// One pupil's advance notices that end after an instant.
async fn notices_after(
    unit: &mut Unit<'_>,
    key: &CaseKey,
    start: Timestamp,
) -> Result<Vec<AdvanceNotice>, StoreError> {
    let from = tables::notices_ending_after(&key.school, &key.pupil, start);
    let to = after_prefix(&tables::notices(&key.school, &key.pupil));
    let rows: Vec<Notice> = unit.peek_range(&from, &to, NOTICES).await?;
    Ok(rows.into_iter().filter(|row| !row.withdrawn).map(|row| row.notice).collect())
}

fn lesson_end_id(key: &CaseKey) -> String {
    crate::model::NotificationId::of(&[
        "lesson-end",
        key.school.as_str(),
        key.pupil.as_str(),
        &key.date.to_string(),
        key.lesson.as_str(),
    ])
    .as_str()
    .to_owned()
}

/// Has a lesson decided again at an instant though nothing new may be heard.
pub fn look_again(unit: &mut Unit<'_>, key: &CaseKey, at: Timestamp) {
    let due = Due::LessonEnd {
        school: key.school.clone(),
        pupil: key.pupil.clone(),
        date: key.date,
        lesson: key.lesson.clone(),
    };
    unit.write(tables::due(Lane::Timer, at, &lesson_end_id(key)), &due);
}

/// Writes a waiting notification and the row that makes it due.
pub fn enqueue(unit: &mut Unit<'_>, n: &Notification) {
    let due = Due::Claim { id: n.id.clone(), school: n.school.clone() };
    unit.write(due_row(n), &due);
    unit.write(tables::notification(&n.id), n);
}

/// Where the row that makes a notification due stands: in its lane while it waits, among the
/// timers while an attempt has no outcome.
pub fn due_row(n: &Notification) -> Vec<u8> {
    let lane = match n.state {
        State::Sending | State::InDoubt => Lane::Timer,
        _ => Lane::of(n),
    };
    tables::due(lane, n.due_at, n.id.as_str())
}

/// Ends a waiting notification.
pub fn cancel(unit: &mut Unit<'_>, n: &mut Notification, state: State, reason: Reason) {
    unit.delete(due_row(n));
    n.state = state;
    n.state_reason = Some(reason);
    // What never left needs no address that could lead to a home.
    let hidden = matches!(reason, Reason::Protected | Reason::ProtectionUnknown);
    if hidden && n.attempts.is_empty() {
        n.address = None;
    }
    unit.write(tables::notification(&n.id), n);
}
