//! The school for humans and tests: pupils with their guardians, lessons with their pupils, as plain
//! values and as text. Pure.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::Id;
use super::rows::{Marking, Part, Person, Relation};
use super::table::Row;
use super::world::World;

/// A guardian, as a human sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardianCard {
    /// Id of the person.
    pub id: Id,
    /// Both names.
    pub name: String,
    /// How they answer for the pupil.
    pub relation: Relation,
    /// Numbers as typed.
    pub phones: Vec<String>,
    /// Addresses.
    pub emails: Vec<String>,
}

/// A pupil, as a human sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PupilCard {
    /// Id of the person.
    pub id: Id,
    /// Given name.
    pub given: String,
    /// Both names.
    pub name: String,
    /// Date of birth.
    pub birth: Option<jiff::civil::Date>,
    /// The class.
    pub class: String,
    /// The school unit's id.
    pub school: Option<Id>,
    /// Protection.
    pub marking: Marking,
    /// Own addresses.
    pub emails: Vec<String>,
    /// Who answers.
    pub guardians: Vec<GuardianCard>,
}

/// A lesson, as a human sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LessonCard {
    /// Id of the calendar event.
    pub id: Id,
    /// What it is called.
    pub name: String,
    /// Its kind in the standard.
    pub kind: String,
    /// Id of the activity.
    pub activity: Id,
    /// The school unit's id.
    pub school: Id,
    /// Beginning.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
    /// Minutes for pupils.
    pub minutes: i32,
    /// Whether it is cancelled.
    pub cancelled: bool,
    /// Whether a register is to be taken.
    pub register: bool,
    /// Who is to be there.
    pub pupils: Vec<Id>,
}

fn addresses(person: &Person) -> Vec<String> {
    person.emails.iter().map(|(address, _)| address.clone()).collect()
}

fn card(world: &World, row: &Row<Person>) -> PupilCard {
    let is = &row.is;
    let groups = world.groups_of.get(&row.id).into_iter().flatten();
    let class = groups
        .filter_map(|group| world.groups.get(*group))
        .find(|group| group.is.kind == "Klass")
        .map(|group| group.is.name.clone())
        .unwrap_or_default();
    let guardians = is
        .responsibles
        .iter()
        .filter_map(|(id, relation)| {
            let person = &world.persons.get(*id)?.is;
            Some(GuardianCard {
                id: *id,
                name: person.name(),
                relation: *relation,
                phones: person.phones.iter().map(|number| number.value.clone()).collect(),
                emails: addresses(person),
            })
        })
        .collect();
    PupilCard {
        id: row.id,
        given: is.given.clone(),
        name: is.name(),
        birth: is.birth,
        class,
        school: world.school_of(row.id),
        marking: is.marking,
        emails: addresses(is),
        guardians,
    }
}

/// Every pupil.
pub(super) fn pupils(world: &World) -> Vec<PupilCard> {
    let pupils = world.persons.iter().filter(|row| row.is.part == Part::Pupil);
    pupils.map(|row| card(world, row)).collect()
}

/// The lessons of the day that `at` lies in, or all, by their beginning.
pub(super) fn lessons(world: &World, at: Option<Timestamp>) -> Vec<LessonCard> {
    let date = |at: Timestamp| world.zone.to_datetime(at).date();
    let mut found: Vec<LessonCard> = world
        .lessons
        .iter()
        .filter(|row| at.is_none_or(|at| date(row.is.start) == date(at)))
        .filter_map(|row| {
            let activity = &world.activities.get(row.is.activity)?.is;
            Some(LessonCard {
                id: row.id,
                name: activity.name.clone(),
                kind: activity.kind.to_owned(),
                activity: row.is.activity,
                school: row.is.school,
                start: row.is.start,
                end: row.is.end,
                minutes: row.is.minutes,
                cancelled: row.is.cancelled,
                register: activity.has_register(),
                pupils: world.pupils_at(&row.is).into_iter().collect(),
            })
        })
        .collect();
    found.sort_by_key(|lesson| lesson.start);
    found
}

/// The school as a page of text.
pub(super) fn page(world: &World, now: Timestamp) -> String {
    let mut text = String::new();
    for row in world.organisations.iter() {
        let _ = writeln!(text, "{}  {} ({})", row.id, row.is.name, row.is.kind);
    }
    let _ = writeln!(
        text,
        "{} persons, {} groups, {} duties, {} activities, {} lessons, {} attendances, {} absences\n",
        world.persons.len(),
        world.groups.len(),
        world.duties.len(),
        world.activities.len(),
        world.lessons.len(),
        world.attendances.len(),
        world.notices.len()
    );
    for lesson in lessons(world, Some(now)) {
        let clock = |at: Timestamp| world.zone.to_datetime(at).strftime("%H:%M").to_string();
        let _ = writeln!(
            text,
            "{}  {}–{} {}{}, {} pupils{}",
            lesson.id,
            clock(lesson.start),
            clock(lesson.end),
            lesson.name,
            if lesson.cancelled { " (cancelled)" } else { "" },
            lesson.pupils.len(),
            if lesson.register { "" } else { ", no register" }
        );
    }
    text.push('\n');
    for pupil in pupils(world) {
        let marking = match pupil.marking {
            Marking::Ingen => "",
            _ => " (protected)",
        };
        let _ = writeln!(text, "{}  {} {}{marking}", pupil.id, pupil.class, pupil.name);
        for guardian in pupil.guardians {
            let places = [guardian.phones, guardian.emails].concat().join(", ");
            let _ = writeln!(text, "    {}  {}: {places}", guardian.id, guardian.name);
        }
    }
    text
}
