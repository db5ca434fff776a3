//! The school system of the demo, whichever way it is connected: the story says what a teacher or a
//! guardian does, and this says it to the daemon.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::DemoError;
use super::desk::Desk;
use super::hooks::{Delivery, Hooks};
use super::people::Pupil;

/// A lesson of the day.
#[derive(Debug, Clone)]
pub struct Lesson {
    /// The sender's id.
    pub id: &'static str,
    /// A name for staff.
    pub label: &'static str,
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
}

impl Lesson {
    /// How long it is.
    pub(super) fn minutes(&self) -> i64 {
        self.end.duration_since(self.start).as_mins()
    }
}

/// What is said of a pupil at a lesson.
#[derive(Debug, Clone, Copy)]
pub enum Word {
    /// The teacher: missing.
    Absent(&'static Pupil),
    /// The teacher: came so many minutes late.
    Late(&'static Pupil, i32),
    /// The teacher: there.
    There(&'static Pupil),
    /// The school: on leave around it.
    Leave(&'static Pupil),
    /// The teacher, in her own words.
    Note(&'static Pupil, &'static str),
}

/// What was said, as it may be said again.
#[derive(Debug, Clone)]
pub(super) struct Said(Again);

#[derive(Debug, Clone)]
enum Again {
    Post(Delivery),
    Rows(Vec<(&'static Pupil, String)>),
}

/// The school system.
pub enum Sender {
    /// It pushes to our webhook.
    Hooks(Hooks),
    /// It is asked by SS 12000.
    Desk(Desk),
}

impl Sender {
    /// Whether a teacher's own words reach us: SS 12000 has no place for them.
    pub(super) fn takes_notes(&self) -> bool {
        matches!(self, Self::Hooks(_))
    }

    /// How much of what is said again is told to be known: SS 12000 has nobody to tell.
    pub(super) fn tells_duplicates(&self) -> bool {
        matches!(self, Self::Hooks(_))
    }

    /// Seconds that a new lesson may take to be read, where it must be before marks of it are understood.
    pub(super) fn reading(&self) -> Option<i64> {
        match self {
            Self::Hooks(_) => None,
            Self::Desk(desk) => Some(desk.reading()),
        }
    }

    /// Whether it knows which language a guardian reads: SS 12000 has no place for it.
    pub(super) fn knows_languages(&self) -> bool {
        matches!(self, Self::Hooks(_))
    }

    /// Returns when the daemon knows who goes here, and what is marked so far.
    pub(super) async fn opened(&self) -> Result<(), DemoError> {
        match self {
            Self::Hooks(_) => Ok(()),
            Self::Desk(desk) => desk.opened().await,
        }
    }

    /// Makes a lesson known that has not been marked yet.
    pub(super) fn announce(&mut self, lesson: &Lesson) -> Result<(), DemoError> {
        match self {
            Self::Hooks(_) => Ok(()),
            Self::Desk(desk) => desk.announce(lesson),
        }
    }

    /// Says all of it at once.
    pub(super) async fn say(&mut self, lesson: &Lesson, words: &[Word]) -> Result<Said, DemoError> {
        match self {
            Self::Hooks(hooks) => {
                let mut events: Vec<Value> =
                    words.iter().map(|word| hooks.made(lesson, word)).collect();
                let body = if events.len() == 1 { events.remove(0) } else { events.into() };
                let delivery = hooks.pack(&body);
                let answer = hooks.post(&delivery).await?;
                if answer.duplicate > 0 {
                    return Err(DemoError::NotTaken("a new event was taken for an old one".into()));
                }
                Ok(Said(Again::Post(delivery)))
            }
            Self::Desk(desk) => Ok(Said(Again::Rows(desk.say(lesson, words)?))),
        }
    }

    /// Says it once more: how much was known, and how much was taken as new.
    pub(super) async fn say_again(&self, said: &Said) -> Result<(u32, u32), DemoError> {
        match (self, &said.0) {
            (Self::Hooks(hooks), Again::Post(delivery)) => {
                let answer = hooks.post(delivery).await?;
                Ok((answer.duplicate, answer.accepted))
            }
            (Self::Desk(desk), Again::Rows(rows)) => {
                desk.recreate(rows)?;
                Ok((u32::try_from(rows.len()).unwrap_or(u32::MAX), 0))
            }
            _ => Ok((0, 0)),
        }
    }

    /// Returns when the daemon has stored all that was said.
    pub(super) async fn settled(&self) -> Result<(), DemoError> {
        match self {
            // The answer said so.
            Self::Hooks(_) => Ok(()),
            Self::Desk(desk) => desk.settled().await,
        }
    }
}

/// An hour around a lesson, for leave.
pub(super) const AROUND: SignedDuration = SignedDuration::from_hours(1);
