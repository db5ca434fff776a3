//! The facts of a hold, for the mail to the team: classes and counts. They have no place for a pupil's name.

use serde::Serialize;

/// What the mail about a hold is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldFacts {
    /// The school's name.
    pub school: String,
    /// The hold's id, which `upprop holds` takes.
    pub id: String,
    /// `classes`, `school` or `source`.
    pub scope: String,
    /// The classes, `8A, 8B, 8C`; empty: none is meant.
    pub classes: String,
    /// The source; empty: none is meant.
    pub source: String,
    /// How many pupils are missing at once.
    pub counted: u32,
    /// Of how many.
    pub of: u32,
    /// The lessons' day where it is not today, `2026-11-20`; empty: today.
    pub day: String,
    /// When the lessons begin, `08.20`, the school's zone.
    pub start: String,
    /// What was above a limit: `class`, `school`, `source` or `usual`.
    pub why: String,
    /// The limit: per cent, or how many times what is usual.
    pub limit: u32,
    /// How many are usually missing then, `1,5`; empty: not known.
    pub usual: String,
    /// Of how many weeks that is.
    pub weeks: u32,
    /// Each class at each lesson.
    pub lessons: Vec<HoldLesson>,
    /// How many more of them there are than are named.
    pub more: usize,
    /// Likely causes: `not-planned`, `plan-changed`, `part-elsewhere`, `substitute`, `one-moment`.
    pub causes: Vec<String>,
    /// Until when somebody should decide, `08.50`.
    pub until: String,
    /// What happens then if nobody does: `release`, `discard` or `keep`.
    pub then: String,
    /// That time is over, and nobody has decided.
    pub overdue: bool,
    /// Of how many of those who are missing somebody at home was told before they were held.
    pub told: u32,
}

/// One class at one lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldLesson {
    /// The class; empty: pupils without one.
    pub class: String,
    /// What the lesson is called, or else its id.
    pub lesson: String,
    /// When it begins.
    pub start: String,
    /// How many are missing.
    pub counted: u32,
    /// Of how many in the class; 0: not known.
    pub of: u32,
}

/// A hold, as templates are tried on it.
pub(super) fn sample() -> HoldFacts {
    let lesson = |class: &str, counted| HoldLesson {
        class: class.into(),
        lesson: format!("Ma {class}"),
        start: "08.20".into(),
        counted,
        of: 20,
    };
    HoldFacts {
        school: "Björkskolan".into(),
        id: "0a1b2c3d".into(),
        scope: "classes".into(),
        classes: "8A, 8B, 8C".into(),
        source: String::new(),
        counted: 42,
        of: 60,
        day: String::new(),
        start: "08.20".into(),
        why: "class".into(),
        limit: 50,
        usual: "1,5".into(),
        weeks: 6,
        lessons: vec![lesson("8A", 15), lesson("8B", 14), lesson("8C", 13)],
        more: 0,
        causes: vec!["substitute".into(), "one-moment".into()],
        until: "08.54".into(),
        then: "keep".into(),
        overdue: false,
        told: 0,
    }
}

/// Holds of every kind.
pub(super) fn samples() -> Vec<HoldFacts> {
    let classes = sample();
    let causes = ["not-planned", "plan-changed", "part-elsewhere", "substitute", "one-moment"];
    let bare = HoldLesson {
        class: String::new(),
        lesson: "l-17".into(),
        start: "08.20".into(),
        counted: 46,
        of: 0,
    };
    let school = HoldFacts {
        scope: "school".into(),
        classes: String::new(),
        day: "2026-11-20".into(),
        why: "school".into(),
        usual: String::new(),
        weeks: 0,
        lessons: vec![bare],
        more: 3,
        causes: causes.map(Into::into).into(),
        then: "release".into(),
        ..classes.clone()
    };
    let usual = HoldFacts {
        why: "usual".into(),
        limit: 5,
        usual: "1,5".into(),
        weeks: 6,
        causes: Vec::new(),
        then: "discard".into(),
        day: String::new(),
        ..school.clone()
    };
    let source = HoldFacts {
        scope: "source".into(),
        source: "skolsystem".into(),
        why: "source".into(),
        limit: 25,
        then: "keep".into(),
        overdue: true,
        told: 3,
        ..school.clone()
    };
    vec![classes, school, usual, source]
}
