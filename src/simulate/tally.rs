//! What is counted of a term: of the rows that it left in the store, and of what was heard. Tallies of schools are
//! added up; there are no names and no ids in them. Counts are exact: whoever shows them hides small ones.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, ToSpan as _};
use serde::de::DeserializeOwned;

use crate::directory::{Roster, School};
use crate::intake::duties;
use crate::model::{
    Channel, Duty, DutyAct, Fact, Firing, Hold, HoldAct, LessonState, Mark, Notification, Outcome,
    PupilId, Purpose, Recipient, Register, StaffRole, State, Stood, TIME_OUT, TaskKind, local_date,
};
use crate::store::{Kv, StoreError, ledger, tables};

/// How a hold ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoldEnd {
    /// The register was mended, so that nobody was left to be held.
    Mended,
    /// By its time-out its messages left.
    Released,
    /// By its time-out, or because nobody looked, its messages never left.
    Kept,
}

impl HoldEnd {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mended => "mended",
            Self::Released => "released",
            Self::Kept => "kept",
        }
    }
}

/// A step of a ladder: the ladder's name, and the step's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The ladder.
    pub ladder: String,
    /// The step.
    pub step: String,
}

/// The counts of a term.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Schools.
    pub schools: u64,
    /// Pupils in their directories.
    pub pupils: u64,
    /// Marks and changes of marks that were heard.
    pub marks: u64,
    /// Advance notices that were heard.
    pub notices: u64,
    /// What was heard and not taken: of pupils whom the directory does not have.
    pub refused: u64,
    /// Lessons of a pupil that ended as excused absence, by the Monday of their week.
    pub excused: BTreeMap<Date, u64>,
    /// The same without a valid reason.
    pub unexcused: BTreeMap<Date, u64>,
    /// Lessons of a pupil that ended as unexcused absence, by the hour of their start, the school's clock.
    pub unexcused_by_hour: BTreeMap<i8, u64>,
    /// The same of excused absence.
    pub excused_by_hour: BTreeMap<i8, u64>,
    /// Messages that left, by day, purpose and channel. One that tells of several lessons is one.
    pub sent: BTreeMap<(Date, Purpose, Channel), u64>,
    /// Parts of texts, by day.
    pub parts: BTreeMap<Date, u64>,
    /// Texts that left in each minute since 1970.
    pub texts_by_minute: BTreeMap<i64, u64>,
    /// Alarms to those at home, by what became of them.
    pub alarms: BTreeMap<State, u64>,
    /// Alarms that left, and were put right by a correction.
    pub corrected: u64,
    /// Alarms that left, by whole minutes between what was heard and the start of the sending.
    pub delay: BTreeMap<u32, u64>,
    /// Tasks for staff, by kind.
    pub tasks: BTreeMap<TaskKind, u64>,
    /// Messages by which the team is to act, by day and hour, the school's clock.
    pub team: BTreeMap<(Date, i8), u64>,
    /// The most of them in one hour at one school.
    pub team_peak: u64,
    /// Holds, by how they ended: how many, and of how many pupils.
    pub holds: BTreeMap<HoldEnd, (u64, u64)>,
    /// Registers of planned lessons, by how they stood when the lesson was over.
    pub registers: BTreeMap<Stood, u64>,
    /// Pupils by how many of their lessons somebody at home was told of.
    pub told_of: BTreeMap<u32, u64>,
    /// Steps of ladders that were reached, by the Monday of the week. Those taken back later are among them.
    pub steps: BTreeMap<(Step, Date), u64>,
    /// Steps that were reached and taken back.
    pub retracted: BTreeMap<Step, u64>,
    /// Pupils who reached a step that still stood at the end.
    pub flagged: BTreeMap<Step, u64>,
    /// Duties, by whose they were at first and the Monday of the week in which they fell due. Those of steps taken back are
    /// among them.
    pub duties: BTreeMap<(StaffRole, Date), u64>,
    /// Duties that were not done in time and handed over, by to whom.
    pub handed_over: BTreeMap<StaffRole, u64>,
}

/// Most minutes of a delay that are told apart: a day.
const LONGEST: i64 = 24 * 60;

/// The Monday of a day's week.
pub(super) fn monday(day: Date) -> Date {
    let since = day.weekday().since(Weekday::Monday);
    day.checked_sub(i64::from(since).days()).unwrap_or(day)
}

fn add<K: Ord>(to: &mut BTreeMap<K, u64>, key: K, count: u64) {
    *to.entry(key).or_default() += count;
}

impl Tally {
    /// Something was heard and taken.
    pub(super) fn heard(&mut self, fact: &Fact) {
        match fact {
            Fact::Marked { .. } | Fact::LessonReported { .. } => self.marks += 1,
            Fact::Notified { .. } => self.notices += 1,
            Fact::RegisterClosed { .. }
            | Fact::RegisterBegun { .. }
            | Fact::LessonPlanned { .. } => {}
        }
    }

    /// Counts the rows of one school.
    pub(super) async fn count(
        &mut self,
        kv: &dyn Kv,
        school: &School,
        roster: &Roster,
    ) -> Result<(), StoreError> {
        self.schools += 1;
        let pupils = roster.pupils.get(&school.id).map_or(0, BTreeMap::len);
        self.pupils += u64::try_from(pupils).unwrap_or_default();
        self.lessons(kv, school).await?;
        self.messages(kv, school).await?;
        let open = rows::<Hold>(kv, tables::HOLDS).await?;
        for hold in open {
            let last = hold.decisions.last();
            let end = match last.map(|decision| (decision.act, decision.by == TIME_OUT)) {
                Some((HoldAct::Release, _)) => HoldEnd::Released,
                None if hold.over_at.is_some_and(|over| over < hold.until) => HoldEnd::Mended,
                None | Some((HoldAct::Discard, _)) => HoldEnd::Kept,
            };
            let entry = self.holds.entry(end).or_default();
            entry.0 += 1;
            entry.1 += u64::from(hold.counted);
        }
        self.ladder(kv, school).await?;
        for register in rows::<Register>(kv, b"rg/").await? {
            if let (Some(_), Some(stood)) = (register.planned, register.stood) {
                add(&mut self.registers, stood, 1);
            }
        }
        Ok(())
    }

    async fn lessons(&mut self, kv: &dyn Kv, school: &School) -> Result<(), StoreError> {
        for lesson in rows::<LessonState>(kv, b"le/").await? {
            let start = lesson.lesson.start.to_zoned_datetime(school.zone.clone());
            let is_excused = match lesson.mark {
                Some(Mark::Excused) => true,
                // A notice explains it, or else it would count as missing.
                Some(Mark::Unexcused) => !lesson.missing && !lesson.cancelled,
                _ => false,
            };
            let (week, hour) = if is_excused {
                (&mut self.excused, &mut self.excused_by_hour)
            } else if lesson.missing {
                (&mut self.unexcused, &mut self.unexcused_by_hour)
            } else {
                continue;
            };
            add(week, monday(start.date()), 1);
            add(hour, start.hour(), 1);
        }
        Ok(())
    }

    async fn ladder(&mut self, kv: &dyn Kv, school: &School) -> Result<(), StoreError> {
        let mut flagged: BTreeSet<(Step, PupilId)> = BTreeSet::new();
        for firing in rows::<Firing>(kv, tables::FIRINGS).await? {
            let step = Step { ladder: firing.ladder.clone(), step: firing.step.clone() };
            add(&mut self.steps, (step.clone(), monday(firing.day)), 1);
            if firing.stands() {
                flagged.insert((step, firing.pupil));
            } else {
                add(&mut self.retracted, step, 1);
            }
        }
        for (step, _) in flagged {
            add(&mut self.flagged, step, 1);
        }
        for duty in rows::<Duty>(kv, tables::DUTIES).await? {
            let first = duties::rule_of(school, &duty).map_or(duty.owner, |rule| rule.owner);
            add(&mut self.duties, (first, monday(local_date(duty.due_at, &school.zone))), 1);
            for event in &duty.history {
                if let DutyAct::HandedOver { to } = event.what {
                    add(&mut self.handed_over, to, 1);
                }
            }
        }
        Ok(())
    }

    async fn messages(&mut self, kv: &dyn Kv, school: &School) -> Result<(), StoreError> {
        let all = rows::<Notification>(kv, tables::NOTIFICATIONS).await?;
        let corrected: BTreeSet<_> = all
            .iter()
            .filter(|n| n.purpose == Purpose::Correction && left(n).is_some())
            .filter_map(|n| n.corrects.clone())
            .collect();
        let mut told: BTreeMap<&str, BTreeSet<(Date, &str)>> = BTreeMap::new();
        let mut team: BTreeMap<(Date, i8), u64> = BTreeMap::new();
        for n in &all {
            let is_home = matches!(n.recipient, Recipient::Guardian(_) | Recipient::Pupil);
            let is_alarm = n.purpose == Purpose::Absence && is_home;
            if is_alarm {
                add(&mut self.alarms, n.state, 1);
            }
            if let (Purpose::StaffTask, Some(task)) = (n.purpose, n.task) {
                add(&mut self.tasks, task, 1);
            }
            let Some(at) = left(n) else { continue };
            if is_alarm {
                self.corrected += u64::from(corrected.contains(&n.id));
                let minutes = (at.duration_since(n.created_at).as_mins()).clamp(0, LONGEST);
                add(&mut self.delay, u32::try_from(minutes).unwrap_or_default(), 1);
                told.entry(n.pupil.as_str()).or_default().insert((n.date, n.lesson.as_str()));
            }
            if n.carried_by.is_some() {
                continue;
            }
            let day = local_date(at, &school.zone);
            add(&mut self.sent, (day, n.purpose, n.channel), 1);
            let is_teams = n.recipient == Recipient::Staff(StaffRole::AttendanceTeam);
            let asks = matches!(n.purpose, Purpose::TeamAlert | Purpose::StaffTask | Purpose::Duty);
            if asks && is_teams {
                let hour = at.to_zoned_datetime(school.zone.clone()).hour();
                add(&mut team, (day, hour), 1);
            }
            if n.channel == Channel::Sms {
                add(&mut self.parts, day, u64::from(parts(n)));
                add(&mut self.texts_by_minute, at.as_second().div_euclid(60), 1);
            }
        }
        for lessons in told.values() {
            add(&mut self.told_of, u32::try_from(lessons.len()).unwrap_or(u32::MAX), 1);
        }
        self.team_peak = self.team_peak.max(team.values().max().copied().unwrap_or_default());
        for (hour, count) in team {
            add(&mut self.team, hour, count);
        }
        Ok(())
    }

    /// Adds another school's.
    pub fn add(&mut self, other: Self) {
        fn all<K: Ord>(to: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
            for (key, count) in from {
                add(to, key, count);
            }
        }
        self.schools += other.schools;
        self.pupils += other.pupils;
        self.marks += other.marks;
        self.notices += other.notices;
        self.refused += other.refused;
        self.corrected += other.corrected;
        self.team_peak = self.team_peak.max(other.team_peak);
        all(&mut self.excused, other.excused);
        all(&mut self.unexcused, other.unexcused);
        all(&mut self.excused_by_hour, other.excused_by_hour);
        all(&mut self.unexcused_by_hour, other.unexcused_by_hour);
        all(&mut self.sent, other.sent);
        all(&mut self.parts, other.parts);
        all(&mut self.texts_by_minute, other.texts_by_minute);
        all(&mut self.alarms, other.alarms);
        all(&mut self.delay, other.delay);
        all(&mut self.tasks, other.tasks);
        all(&mut self.team, other.team);
        all(&mut self.registers, other.registers);
        all(&mut self.told_of, other.told_of);
        all(&mut self.steps, other.steps);
        all(&mut self.retracted, other.retracted);
        all(&mut self.flagged, other.flagged);
        all(&mut self.duties, other.duties);
        all(&mut self.handed_over, other.handed_over);
        for (end, (holds, pupils)) in other.holds {
            let entry = self.holds.entry(end).or_default();
            entry.0 += holds;
            entry.1 += pupils;
        }
    }
}

/// When a message left: the start of the attempt that was taken.
fn left(n: &Notification) -> Option<Timestamp> {
    let taken = |outcome: &Outcome| matches!(outcome, Outcome::Accepted { .. });
    let attempt =
        n.attempts.iter().rev().find(|a| a.result.as_ref().is_some_and(|r| taken(&r.outcome)));
    attempt.map(|attempt| attempt.started_at)
}

/// What a text took, as its provider counts.
fn parts(n: &Notification) -> u32 {
    let counted =
        n.attempts.iter().rev().find_map(|a| match a.result.as_ref().map(|r| &r.outcome) {
            Some(Outcome::Accepted { parts, .. }) => *parts,
            _ => None,
        });
    counted.unwrap_or(1)
}

/// All rows under a prefix.
async fn rows<T: DeserializeOwned + Send>(
    kv: &dyn Kv,
    prefix: &[u8],
) -> Result<Vec<T>, StoreError> {
    let (mut all, mut wrong) = (Vec::new(), None);
    ledger::each(kv, prefix, |_, value| match ledger::decode::<T>(value) {
        Ok(row) => all.push(row),
        Err(error) => wrong = Some(error),
    })
    .await?;
    wrong.map_or(Ok(all), Err)
}
