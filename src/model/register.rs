//! The register of a lesson, and a source from which nothing comes: what is kept of each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Lesson, Planned};

/// The register of one lesson (närvaroregistrering): how it is planned, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// Which lesson.
    pub lesson: Lesson,
    /// What the schedule says; none: it says nothing, or there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Planned>,
    /// When the first mark was heard that says where a pupil is, by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<Timestamp>,
    /// When it was closed, by the source's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Opaque id of the teacher who closed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
    /// When it is next looked at; none: nothing more is to be done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
    /// How it stood when the lesson was over; none: it is not over, or the lesson does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stood: Option<Stood>,
    /// The digest that is to tell of it; none: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_at: Option<Timestamp>,
}

/// How the register of a lesson stood when the lesson was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stood {
    /// Begun or closed before the teacher would have been asked.
    InTime,
    /// Begun or closed after that.
    Late,
    /// Neither.
    Untaken,
}

impl Stood {
    /// The stable kebab-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InTime => "in-time",
            Self::Late => "late",
            Self::Untaken => "untaken",
        }
    }
}

impl Register {
    /// A register of which nothing is known.
    pub fn new(lesson: Lesson) -> Self {
        Self {
            lesson,
            planned: None,
            begun_at: None,
            closed_at: None,
            closed_by: None,
            look_at: None,
            stood: None,
            digest_at: None,
        }
    }
}

/// A source that said nothing of a school though lessons have ended: told once, and once that it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// When it was noticed; with school and source, which silence this is.
    pub noticed_at: Timestamp,
    /// When the last mark came; none: none that is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Lessons that had ended since, when it was noticed; 0: that was not counted.
    pub lessons: u32,
    /// Marks would come of it: what is missing is not only people or lessons.
    #[serde(default)]
    pub marks: bool,
    /// It did not answer at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreachable: bool,
    /// When a mark came again; none: it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}
