//! What a text may be made from: nothing else of a pupil ever reaches a template.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{CorrectionKind, Purpose, TaskKind};

/// The facts for a guardian's or an adult pupil's message, on either channel. Absent values are
/// empty texts or false, never null: a null in a text would be printed as a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a question a template asks by name")]
pub struct GuardianFacts {
    /// The pupil's given name.
    pub pupil: String,
    /// The message is to the pupil, who is of age.
    pub adult: bool,
    /// The lesson's start, `08.20`.
    pub start: String,
    /// The lesson's day as words when it is not today: `yesterday`, or a date as
    /// `2026-11-20`; empty: today.
    pub day: String,
    /// The recipient has already been told of another lesson that day.
    pub further: bool,
    /// An earlier alarm on this lesson was corrected, and it is so after all.
    pub renewed: bool,
    /// Registered on a later day than the lesson's.
    pub late_registration: bool,
    /// When the mark came, `11.02`, where the lesson was over by then and it is still that day; else empty.
    pub seen_late: String,
    /// To be told in the past tense.
    pub over: bool,
    /// For corrections; empty otherwise: `was-there`, `arrived`, `left-early`, `excused`, `excused-by-school`,
    /// `cancelled`.
    pub correction: String,
    /// When the pupil came, `08.45`; empty: not known.
    pub arrived: String,
    /// The school's name.
    pub school: String,
    /// The number to ring, as shown.
    pub phone: String,
    /// Of a message about several lessons, or of a line about one more: whom it is about, and from which lessons they
    /// were missing. Empty: an ordinary message about one lesson.
    pub people: Vec<PersonMissed>,
    /// How many lessons that are.
    pub count: usize,
    /// A line about one more lesson, and nothing else.
    pub short: bool,
    /// The lessons are over: it was so.
    pub past_tense: bool,
}

/// A pupil and lessons in a [`GuardianFacts`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonMissed {
    /// The pupil's given name.
    pub pupil: String,
    /// When the lessons began, in order: `08.20, 10.10`.
    pub times: String,
}

/// The templates of a message about several lessons.
const DIGEST: &str = "absence-digest";

impl GuardianFacts {
    /// The name of the templates that it is made by.
    pub(super) fn stem(&self, purpose: Purpose) -> &'static str {
        if self.people.is_empty() { purpose.as_str() } else { DIGEST }
    }

    /// The word templates compare `correction` with.
    pub fn correction_word(kind: Option<CorrectionKind>) -> String {
        match kind {
            None => String::new(),
            Some(CorrectionKind::WasThere) => "was-there".into(),
            Some(CorrectionKind::Arrived) => "arrived".into(),
            Some(CorrectionKind::Excused) => "excused".into(),
            Some(CorrectionKind::Cancelled) => "cancelled".into(),
            Some(CorrectionKind::LeftEarly) => "left-early".into(),
            Some(CorrectionKind::ExcusedByMark) => "excused-by-school".into(),
        }
    }
}

/// The facts of one case for the attendance team: the body of the alert mail and, serialised, its
/// JSON attachment. The JSON form is published with a schema and versioned by `version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TeamCase {
    /// Version of this shape; 1.
    pub version: u32,
    /// `team-alert`, `team-update`, `correction` or `staff-task`.
    pub kind: String,
    /// Opaque number of the case: the same for one pupil and day.
    pub case: String,
    /// School id.
    pub school: String,
    /// School name.
    pub school_name: String,
    /// Opaque pupil id; empty where protected.
    pub pupil: String,
    /// Full name; empty where protected or unknown.
    pub pupil_name: String,
    /// Class; empty where protected or unknown.
    pub class: String,
    /// The day, `2026-11-23`, in the school's zone.
    pub date: String,
    /// Why this mail was made, as a stable word (see `Reason`).
    pub reason: String,
    /// For corrections: `was-there`, `arrived`, `left-early`, `excused`, `excused-by-school`, `cancelled`; else
    /// empty.
    pub correction: String,
    /// For staff tasks: `protected`, `nobody-reached`, `unknown-pupil`, `held-in-doubt`,
    /// `not-put-right`, `check-number`; else empty.
    pub task: String,
    /// The lessons of the day that matter, in order; empty where protected.
    pub lessons: Vec<TeamLesson>,
    /// The pupil is of age: those in `guardians` are the pupil alone.
    pub of_age: bool,
    /// The date of birth is missing, so it is not known whether the pupil is of age.
    pub age_unknown: bool,
    /// Whom to ring, in order; empty where protected.
    pub guardians: Vec<TeamGuardian>,
    /// Mentor's name or id; empty where unknown.
    pub mentor: String,
    /// Where the case is shown and what came of it is recorded; empty: there is no such page. Whoever holds it may.
    #[serde(default)]
    pub link: String,
    /// When this was made, UTC.
    #[schemars(with = "String")]
    pub made_at: Timestamp,
}

/// One lesson in a [`TeamCase`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TeamLesson {
    /// The lesson's id.
    pub id: String,
    /// Label, or empty.
    pub label: String,
    /// `08.20`, the school's zone.
    pub start: String,
    /// `09.20`, the school's zone.
    pub end: String,
    /// The mark in force as a stable word.
    pub mark: String,
    /// This lesson is what the mail is about.
    pub subject: bool,
    /// Opaque id of who reported the pupil missing at the end; or empty.
    pub reported_by: String,
    /// The teacher's note; or empty.
    pub note: String,
}

/// One guardian in a [`TeamCase`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TeamGuardian {
    /// Name, or empty.
    pub name: String,
    /// Number to ring, or empty.
    pub phone: String,
    /// What has become of the message to them, as a stable word: `delivered`, `accepted`,
    /// `waiting`, `in-doubt`, `not-entitled`, `no-contact`, …
    pub told: String,
    /// At what time, `08.31`; or empty.
    pub told_at: String,
    /// Channels by which it did not arrive before: `sms`, `email`. The number or address may be wrong.
    pub failed: Vec<String>,
}

/// The word templates compare `task` with.
pub fn task_word(kind: Option<TaskKind>) -> String {
    kind.map(|k| k.as_str().to_owned()).unwrap_or_default()
}
