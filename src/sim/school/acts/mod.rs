//! What can happen at the school, one thing at a time: registers, marks, notices, people. Changes the
//! world and dates the change; the callers wake subscribers.

mod people;
mod registers;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::callbacks::by_hand;
use super::id::Id;
use super::quirks::Quirks;
use super::rows::{Marking, Minutes, Resource};
use super::times::Times;
use super::world::World;
use super::{Shared, Silence};

/// One thing that happens. People, lessons and groups are named by their id, or by a name that only one
/// of them has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
#[serde(deny_unknown_fields)]
pub enum Act {
    /// A lesson is put on the timetable.
    AddLesson {
        /// The class or group.
        group: String,
        /// What it is called.
        name: String,
        /// Beginning.
        start: Timestamp,
        /// End.
        end: Timestamp,
        /// Its kind in the standard; `Undervisning` where nothing is said.
        #[serde(default)]
        kind: Option<String>,
    },
    /// The teacher opens the register: a row for each pupil, unreported and without minutes.
    Open {
        /// The lesson.
        lesson: String,
    },
    /// The teacher marks a pupil.
    Mark {
        /// The pupil.
        pupil: String,
        /// The lesson.
        lesson: String,
        /// The minutes, divided.
        minutes: Minutes,
        /// Whether the register is reported with it.
        #[serde(default)]
        reported: bool,
        /// In the teacher's words.
        #[serde(default)]
        reason: Option<String>,
    },
    /// A pupil is missing without a valid reason.
    Absent {
        /// The pupil.
        pupil: String,
        /// The lesson.
        lesson: String,
        /// Whether the register is reported with it.
        #[serde(default = "yes")]
        reported: bool,
    },
    /// A pupil has come, this many minutes late; 0: was there all along.
    Arrive {
        /// The pupil.
        pupil: String,
        /// The lesson.
        lesson: String,
        /// Minutes late.
        late: i32,
    },
    /// The register is reported: who has no minutes was there.
    Report {
        /// The lesson.
        lesson: String,
    },
    /// What was invalid becomes valid, as the row itself or, where that is the quirk, as a new one.
    Excuse {
        /// The pupil.
        pupil: String,
        /// The lesson.
        lesson: String,
        /// The reason that is written down.
        #[serde(default)]
        reason: Option<String>,
    },
    /// A row is deleted and made anew with the same contents.
    Recreate {
        /// The pupil.
        pupil: String,
        /// The lesson.
        lesson: String,
    },
    /// A row is deleted.
    Unmark {
        /// The pupil.
        pupil: String,
        /// The lesson.
        lesson: String,
    },
    /// A lesson is cancelled, or is not after all.
    Cancel {
        /// The lesson.
        lesson: String,
        /// Whether it is.
        #[serde(default = "yes")]
        cancelled: bool,
    },
    /// A lesson is moved.
    Move {
        /// The lesson.
        lesson: String,
        /// Beginning.
        start: Timestamp,
        /// End.
        end: Timestamp,
    },
    /// Somebody else takes a lesson.
    Substitute {
        /// The lesson.
        lesson: String,
        /// The substitute: a person who works here, or the id of a duty.
        by: String,
    },
    /// A pupil need not come to a lesson, or need after all.
    Exempt {
        /// The pupil.
        pupil: String,
        /// The lesson.
        lesson: String,
        /// Whether the pupil is to be there.
        participates: bool,
    },
    /// A guardian gives notice of absence, or the school grants leave.
    Notice {
        /// The pupil.
        pupil: String,
        /// From.
        start: Timestamp,
        /// To.
        end: Timestamp,
        /// Whether it is leave.
        #[serde(default)]
        leave: bool,
    },
    /// A notice ends earlier, or later.
    EndNotice {
        /// Its id.
        notice: Id,
        /// To.
        end: Timestamp,
    },
    /// A notice is withdrawn.
    WithdrawNotice {
        /// Its id.
        notice: Id,
    },
    /// Somebody has other numbers and addresses.
    Contact {
        /// The person.
        person: String,
        /// Numbers, as typed.
        #[serde(default)]
        phones: Vec<String>,
        /// Addresses.
        #[serde(default)]
        emails: Vec<String>,
    },
    /// Somebody is protected, or no longer.
    Protect {
        /// The person.
        person: String,
        /// Protection.
        marking: Marking,
    },
    /// A guardian no longer answers for a pupil.
    Part {
        /// The pupil.
        pupil: String,
        /// The guardian.
        guardian: String,
    },
    /// Somebody has left, and is deleted.
    Remove {
        /// The person.
        person: String,
    },
    /// So many of a hundred pupils are not listed any more, though nobody deleted them; 0 brings all back.
    LosePupils {
        /// Of a hundred.
        percent: u8,
    },
    /// No token given out is good any more.
    ExpireTokens,
    /// All subscriptions are gone.
    EndSubscriptions,
    /// The interface stops answering, or begins to.
    Silence {
        /// How.
        how: Silence,
    },
    /// Subscribers are called though nothing has changed.
    Callback {
        /// What is said to have changed.
        #[serde(default)]
        modified: BTreeSet<Resource>,
        /// Whether something is said to be gone.
        #[serde(default)]
        deleted: bool,
        /// How often.
        #[serde(default = "once")]
        times: u32,
        /// Instead: this, whatever it is.
        #[serde(default)]
        body: Option<Value>,
        /// Instead of those who subscribed: this address on this machine.
        #[serde(default)]
        target: Option<String>,
    },
}

fn yes() -> bool {
    true
}

fn once() -> u32 {
    1
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The row that was made or changed, where it is one.
    pub id: Option<Id>,
    /// Rows that were touched.
    pub rows: usize,
}

impl Done {
    fn one(id: Id) -> Self {
        Self { id: Some(id), rows: 1 }
    }
}

/// Why it could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// Nothing has this id or name.
    #[error("there is no {what} {name:?}; `GET /_school` lists everybody")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// What it was called.
        name: String,
    },
    /// Several have this name.
    #[error("several {what}s are called {name:?}; give the id")]
    Several {
        /// What was looked for.
        what: &'static str,
        /// What it was called.
        name: String,
    },
    /// Nothing is marked.
    #[error("the pupil is not marked at this lesson")]
    NotMarked,
}

impl Shared {
    /// Does it, and wakes those who are told of changes.
    pub(super) fn act(self: &Arc<Self>, act: Act) -> Result<Done, ActError> {
        let quirks = self.quirks();
        match act {
            Act::ExpireTokens => self.door().expire(),
            Act::EndSubscriptions => self.subscribers().end(),
            Act::Silence { how } => {
                self.silence.send_replace(how);
            }
            Act::Callback { modified, deleted, times, body, target } => {
                let bodies = body.map_or_else(|| by_hand(&modified, deleted, &quirks), |b| vec![b]);
                for body in (0..times).flat_map(|_| &bodies) {
                    match &target {
                        Some(target) => self.send(None, target, body),
                        None => self.call_all(body),
                    }
                }
            }
            act => {
                let done = perform(&mut self.changing(), &quirks, act.clone())?;
                self.diary().push((self.clock.now(), act));
                self.news.notify_one();
                return Ok(done);
            }
        }
        Ok(Done::default())
    }
}

/// Changes the world.
pub(super) fn perform(world: &mut World, quirks: &Quirks, act: Act) -> Result<Done, ActError> {
    match act {
        Act::AddLesson { group, name, start, end, kind } => {
            let times = (start, end);
            let done = registers::add_lesson(world, &group, name, times, kind.as_deref())?;
            if let Some(id) = done.id.filter(|_| quirks.prefilled) {
                registers::open(world, &id.to_string())?;
            }
            Ok(done)
        }
        Act::Open { lesson } => registers::open(world, &lesson),
        Act::Mark { pupil, lesson, minutes, reported, reason } => {
            registers::mark(world, (&pupil, &lesson), minutes, reported, reason)
        }
        Act::Absent { pupil, lesson, reported } => {
            registers::absent(world, (&pupil, &lesson), reported)
        }
        Act::Arrive { pupil, lesson, late } => registers::arrive(world, (&pupil, &lesson), late),
        Act::Report { lesson } => registers::report(world, &lesson),
        Act::Excuse { pupil, lesson, reason } => {
            registers::excuse(world, quirks, (&pupil, &lesson), reason)
        }
        Act::Recreate { pupil, lesson } => registers::recreate(world, (&pupil, &lesson)),
        Act::Unmark { pupil, lesson } => registers::unmark(world, (&pupil, &lesson)),
        Act::Cancel { lesson, cancelled } => registers::cancel(world, &lesson, cancelled),
        Act::Move { lesson, start, end } => registers::shift(world, &lesson, (start, end)),
        Act::Substitute { lesson, by } => registers::substitute(world, &lesson, &by),
        Act::Exempt { pupil, lesson, participates } => {
            registers::exempt(world, (&pupil, &lesson), participates)
        }
        Act::Notice { pupil, start, end, leave } => {
            people::notice(world, &pupil, (start, end), leave)
        }
        Act::EndNotice { notice, end } => people::end_notice(world, notice, end),
        Act::WithdrawNotice { notice } => people::withdraw(world, notice),
        Act::Contact { person, phones, emails } => people::contact(world, &person, phones, emails),
        Act::Protect { person, marking } => people::protect(world, &person, marking),
        Act::Part { pupil, guardian } => people::part(world, &pupil, &guardian),
        Act::Remove { person } => people::remove(world, &person),
        Act::LosePupils { percent } => Ok(people::lose(world, percent)),
        Act::ExpireTokens | Act::EndSubscriptions | Act::Silence { .. } | Act::Callback { .. } => {
            Ok(Done::default())
        }
    }
}

/// Makes the empty rows that some servers have before a register of today is opened.
pub(super) fn prefill(world: &mut World, times: &Times) {
    let day = times.at(times.today, 0)..times.at(times.today, 23 * 60);
    let lessons: Vec<Id> = world
        .lessons
        .iter()
        .filter(|row| day.contains(&row.is.start) && !row.is.cancelled)
        .filter(|row| {
            let activity = world.activities.get(row.is.activity);
            activity.is_some_and(|activity| activity.is.has_register())
        })
        .map(|row| row.id)
        .collect();
    for lesson in lessons {
        // It is there: it was listed a moment ago.
        let _: Result<Done, ActError> = registers::open(world, &lesson.to_string());
    }
}

/// The one thing with this id or name.
fn find(
    what: &'static str,
    name: &str,
    by_id: impl Fn(Id) -> bool,
    mut by_name: impl Iterator<Item = Id>,
) -> Result<Id, ActError> {
    if let Ok(id) = name.parse::<Id>()
        && by_id(id)
    {
        return Ok(id);
    }
    match (by_name.next(), by_name.next()) {
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(ActError::Several { what, name: name.to_owned() }),
        (None, _) => Err(ActError::Unknown { what, name: name.to_owned() }),
    }
}

fn person(world: &World, name: &str) -> Result<Id, ActError> {
    let named = world.persons.iter().filter(|row| row.is.name() == name).map(|row| row.id);
    find("person", name, |id| world.persons.get(id).is_some(), named)
}

fn lesson(world: &World, name: &str) -> Result<Id, ActError> {
    let today = world.zone.to_datetime(world.now()).date();
    let named = world.lessons.iter().filter(|row| {
        let activity = world.activities.get(row.is.activity);
        activity.is_some_and(|activity| activity.is.name == name)
            && world.zone.to_datetime(row.is.start).date() == today
    });
    find("lesson", name, |id| world.lessons.get(id).is_some(), named.map(|row| row.id))
}

fn group(world: &World, name: &str) -> Result<Id, ActError> {
    let named = world.groups.iter().filter(|row| row.is.name == name).map(|row| row.id);
    find("group", name, |id| world.groups.get(id).is_some(), named)
}
