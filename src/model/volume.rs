//! Far too many pupils missing at once: one pupil counted at a lesson, and the messages of a lesson's start that are
//! held for a person. Rows as they are stored, and what a hold says of one pupil.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{LessonId, PupilId, Reason, SchoolId, SourceId};

/// Lessons that begin so close to each other are counted together.
pub const AT_ONCE: SignedDuration = SignedDuration::from_mins(10);

/// That a pupil is missing at a lesson, of whom guardians are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MissingAt {
    /// The pupil's class then; none: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Whose word it is; none: nobody's, as where an advance notice has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// Since when, by our clock.
    pub since: Timestamp,
}

/// One pupil who is missing at a lesson: what is counted, and what a hold is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Who.
    pub pupil: PupilId,
    /// At which lesson.
    pub lesson: LessonId,
    /// When that begins.
    pub start: Timestamp,
    /// The pupil's class when that was heard; none: it has none.
    pub class: Option<String>,
    /// Whose word it is.
    pub source: Option<SourceId>,
    /// Since when, by our clock.
    pub since: Timestamp,
}

/// Which messages are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldScope {
    /// About pupils of these classes, at lessons that begin then.
    Classes(BTreeSet<String>),
    /// About every pupil of the school, at lessons that begin then.
    School,
    /// All of the day that this source said.
    Source(SourceId),
}

/// What was above a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exceeded {
    /// The share of a class, in per cent.
    Class(u8),
    /// The share of the school, in per cent.
    School(u8),
    /// The share of the school within a quarter of an hour by one source, in per cent.
    Source(u8),
    /// So many times what is usual.
    Usual(u32),
}

/// How many are usually missing at a weekday and hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Usual {
    /// Tenths of a pupil, on average.
    pub tenths: u32,
    /// Of how many weeks.
    pub weeks: u32,
}

/// What becomes of a hold that nobody decides about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldThen {
    /// Its messages leave.
    Release,
    /// Its messages never leave.
    Discard,
    /// They go on waiting until each is past its deadline, which staff are told of.
    Keep,
}

impl HoldThen {
    /// The word used in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Discard => "discard",
            Self::Keep => "keep",
        }
    }
}

/// The two acts by which a hold ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldAct {
    /// Those that are still true leave.
    Release,
    /// None leaves.
    Discard,
}

impl HoldAct {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Discard => "discard",
        }
    }
}

/// What somebody decided about a hold, or a part of it. Holds for those who were missing at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HoldDecision {
    /// What.
    pub act: HoldAct,
    /// Of this class only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Of this lesson only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<LessonId>,
    /// When.
    pub at: Timestamp,
    /// Who, as the system says: `uid 0`, or `time-out`.
    pub by: String,
    /// Why, in the operator's words; empty: nobody said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Who decides when nobody does.
pub const TIME_OUT: &str = "time-out";

impl HoldDecision {
    /// Why its messages left, or never will.
    pub fn reason(&self) -> Reason {
        match (self.act, self.by == TIME_OUT) {
            (HoldAct::Release, false) => Reason::ReleasedByStaff,
            (HoldAct::Discard, false) => Reason::DiscardedByStaff,
            (HoldAct::Release, true) => Reason::ReleasedAtTimeOut,
            (HoldAct::Discard, true) => Reason::DiscardedAtTimeOut,
        }
    }
}

/// The id of a hold: eight hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HoldId(String);

impl HoldId {
    /// From a text of at least eight hexadecimal digits, of which the first eight count.
    pub fn of_digest(digest: &str) -> Self {
        Self(digest.chars().take(8).collect())
    }

    /// As people type it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HoldId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if text.len() == 8 && text.chars().all(digit) {
            return Ok(Self(text));
        }
        Err("it is no id of a hold: those have eight digits of 0-9 and a-f; `upprop holds list` shows them".into())
    }
}

impl std::str::FromStr for HoldId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.to_owned().try_into()
    }
}

impl From<HoldId> for String {
    fn from(id: HoldId) -> Self {
        id.0
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Messages that wait for a person because far too many would be told, as stored. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hold {
    /// Which.
    pub id: HoldId,
    /// The school.
    pub school: SchoolId,
    /// The day of the lessons, in the school's zone.
    pub date: Date,
    /// When the lessons begin, [`AT_ONCE`] either way.
    pub start: Timestamp,
    /// Which messages.
    pub scope: HoldScope,
    /// How many pupils were counted.
    pub counted: u32,
    /// Of how many.
    pub of: u32,
    /// What was above a limit.
    pub why: Exceeded,
    /// What is usual, where that was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<Usual>,
    /// Since when.
    pub made_at: Timestamp,
    /// The time-out.
    pub until: Timestamp,
    /// What happens then.
    pub then: HoldThen,
    /// What was decided, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<HoldDecision>,
    /// When it ended; none: it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
    /// Since when so few of them are left that nobody would hold them, and they are the same number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Below>,
}

/// That a hold keeps fewer than would be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Below {
    /// How many pupils are left.
    pub left: u32,
    /// Since when they are so many.
    pub since: Timestamp,
}

/// For so long a register must have been left alone before what is left of a hold is believed.
pub const MENDED_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// How a hold stands to the message about one pupil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stand {
    /// It has nothing to do with it.
    Free,
    /// It keeps it.
    Held,
    /// It let it go.
    Released,
    /// It took it away.
    Discarded,
}

impl Hold {
    /// Whether a pupil is one of those whom it is about, whatever was decided.
    pub fn concerns(&self, missing: &Missing) -> bool {
        let at_once = missing.start.duration_since(self.start).abs() <= AT_ONCE;
        match &self.scope {
            HoldScope::Classes(classes) => {
                at_once && missing.class.as_ref().is_some_and(|class| classes.contains(class))
            }
            HoldScope::School => at_once,
            HoldScope::Source(source) => missing.source.as_ref() == Some(source),
        }
    }

    /// The classes that it holds at lessons that begin at `start`.
    pub fn classes(&self, start: Timestamp) -> impl Iterator<Item = &String> {
        let at_once = start.duration_since(self.start).abs() <= AT_ONCE;
        let classes = match &self.scope {
            HoldScope::Classes(classes) if at_once => Some(classes),
            _ => None,
        };
        classes.into_iter().flatten()
    }

    /// What was decided of a pupil whom it is about.
    pub fn decision(&self, missing: &Missing) -> Option<&HoldDecision> {
        let about = |decision: &&HoldDecision| {
            decision.class.as_ref().is_none_or(|class| missing.class.as_ref() == Some(class))
                && decision.lesson.as_ref().is_none_or(|lesson| *lesson == missing.lesson)
                && missing.since <= decision.at
        };
        self.decisions.iter().find(about)
    }

    /// How many pupils it keeps, of these.
    pub fn kept(&self, missing: &[Missing]) -> u32 {
        let held = missing.iter().filter(|one| self.stand(one) == Stand::Held);
        let pupils: BTreeSet<&PupilId> = held.map(|one| &one.pupil).collect();
        u32::try_from(pupils.len()).unwrap_or(u32::MAX)
    }

    /// How it stands to a pupil.
    pub fn stand(&self, missing: &Missing) -> Stand {
        if !self.concerns(missing) {
            return Stand::Free;
        }
        match self.decision(missing).map(|decision| decision.act) {
            Some(HoldAct::Release) => Stand::Released,
            Some(HoldAct::Discard) => Stand::Discarded,
            None if self.over_at.is_none() => Stand::Held,
            None => Stand::Free,
        }
    }
}

/// How holds stand to a pupil together: what one took away stays so, and what one let go is not held by another.
pub fn stand(missing: &Missing, holds: &[Hold]) -> Stand {
    holds.iter().map(|hold| hold.stand(missing)).max().unwrap_or(Stand::Free)
}

/// A likely true cause of a hold, as the data shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldCause {
    /// The lesson is not in the timetable, though others of the school are.
    NotPlanned,
    /// The timetable of the lesson was changed that day.
    PlanChanged,
    /// Some of the group are planned to be elsewhere.
    PartElsewhere,
    /// Somebody else registered than who is planned to teach, or than who usually does.
    Substitute,
    /// One person set all marks within a minute.
    OneMoment,
}

impl HoldCause {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPlanned => "not-planned",
            Self::PlanChanged => "plan-changed",
            Self::PartElsewhere => "part-elsewhere",
            Self::Substitute => "substitute",
            Self::OneMoment => "one-moment",
        }
    }

    /// In words, for operators.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::NotPlanned => {
                "the lesson is not in the timetable, though others of the school are"
            }
            Self::PlanChanged => "the lesson's timetable was changed that day",
            Self::PartElsewhere => "some of the group are planned to be elsewhere",
            Self::Substitute => {
                "somebody else registered than who is planned to, or than who usually does"
            }
            Self::OneMoment => "one person set all the marks of a lesson within a minute",
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("time")
    }

    fn missing(class: &str, lesson: &str, start: i64, since: i64) -> Missing {
        Missing {
            pupil: PupilId::new("p").expect("id"),
            lesson: LessonId::new(lesson).expect("id"),
            start: at(start),
            class: Some(class.into()),
            source: SourceId::new("src").ok(),
            since: at(since),
        }
    }

    fn hold(scope: HoldScope) -> Hold {
        Hold {
            id: HoldId::of_digest("0123456789"),
            school: SchoolId::new("s").expect("id"),
            date: date(2027, 1, 15),
            start: at(0),
            scope,
            counted: 20,
            of: 24,
            why: Exceeded::Class(50),
            usual: None,
            made_at: at(10),
            until: at(1810),
            then: HoldThen::Keep,
            decisions: Vec::new(),
            over_at: None,
            below: None,
        }
    }

    fn decided(act: HoldAct, class: Option<&str>, lesson: Option<&str>) -> HoldDecision {
        HoldDecision {
            act,
            class: class.map(Into::into),
            lesson: lesson.and_then(|id| LessonId::new(id).ok()),
            at: at(100),
            by: "uid 0".into(),
            reason: String::new(),
        }
    }

    #[test]
    fn a_hold_concerns_whom_its_scope_says() {
        let classes = HoldScope::Classes(BTreeSet::from(["8A".to_owned()]));
        let source = |id| HoldScope::Source(SourceId::new(id).expect("id"));
        for (scope, class, start, expected) in [
            (classes.clone(), "8A", 0, true),
            (classes.clone(), "8A", -600, true),
            (classes.clone(), "8A", 601, false),
            (classes, "8B", 0, false),
            (HoldScope::School, "8B", 600, true),
            (HoldScope::School, "8B", 3600, false),
            (source("src"), "8B", 3600, true),
            (source("other"), "8B", 0, false),
        ] {
            let hold = hold(scope);
            assert_eq!(hold.concerns(&missing(class, "l", start, 5)), expected, "{hold:?} {class}");
        }
    }

    #[test]
    fn a_decision_is_about_those_who_were_missing_when_it_was_made() {
        let mut hold = hold(HoldScope::School);
        assert_eq!(hold.stand(&missing("8A", "l", 0, 5)), Stand::Held);
        hold.decisions.push(decided(HoldAct::Discard, Some("8A"), None));
        hold.decisions.push(decided(HoldAct::Release, None, Some("l2")));
        for (class, lesson, since, expected) in [
            ("8A", "l", 5, Stand::Discarded),
            ("8A", "l2", 5, Stand::Discarded),
            ("8B", "l2", 100, Stand::Released),
            ("8B", "l", 5, Stand::Held),
            ("8A", "l", 101, Stand::Held),
        ] {
            assert_eq!(hold.stand(&missing(class, lesson, 0, since)), expected, "{class} {lesson}");
        }
        hold.over_at = Some(at(200));
        assert_eq!(hold.stand(&missing("8A", "l", 0, 101)), Stand::Free);
        assert_eq!(hold.stand(&missing("8A", "l", 0, 5)), Stand::Discarded, "that stays so");
    }

    #[test]
    fn what_one_hold_let_go_is_not_held_by_another_and_what_one_took_away_stays_so() {
        let open = hold(HoldScope::School);
        let with = |act| Hold { decisions: vec![decided(act, None, None)], ..open.clone() };
        let (released, discarded) = (with(HoldAct::Release), with(HoldAct::Discard));
        let of = |holds: &[Hold]| stand(&missing("8A", "l", 0, 5), holds);
        assert_eq!(of(&[]), Stand::Free);
        assert_eq!(of(&[open.clone(), released.clone()]), Stand::Released);
        assert_eq!(of(&[discarded, open, released]), Stand::Discarded);
    }

    #[test]
    fn ids_are_eight_digits() {
        assert_eq!("0a1b2c3d".parse::<HoldId>().expect("an id").as_str(), "0a1b2c3d");
        for bad in ["", "0a1b2c3", "0a1b2c3g", "0A1B2C3D", "0a1b2c3d4"] {
            assert!(bad.parse::<HoldId>().is_err(), "{bad}");
        }
    }
}
