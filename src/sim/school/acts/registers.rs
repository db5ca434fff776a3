//! What happens to lessons and their registers.

use jiff::Timestamp;

use super::{ActError, Done, group, lesson, person};
use crate::sim::school::id::Id;
use crate::sim::school::quirks::Quirks;
use crate::sim::school::rows::{Activity, Attendance, Exempt, Lesson, Minutes, Resource};
use crate::sim::school::world::World;

/// A pupil and a lesson, as they were named.
type Named<'a> = (&'a str, &'a str);

const KINDS: [&str; 5] =
    ["Undervisning", "Elevaktivitet", "Provaktivitet", "Läraraktivitet", "Övrigt"];

pub(super) fn add_lesson(
    world: &mut World,
    of: &str,
    name: String,
    (start, end): (Timestamp, Timestamp),
    kind: Option<&str>,
) -> Result<Done, ActError> {
    let of = group(world, of)?;
    let kind = match kind {
        None => KINDS[0],
        Some(kind) => KINDS
            .into_iter()
            .find(|known| *known == kind)
            .ok_or_else(|| ActError::Unknown { what: "kind", name: kind.to_owned() })?,
    };
    let known = world.activities_of.get(&of).into_iter().flatten().copied().find(|id| {
        let activity = world.activities.get(*id);
        activity.is_some_and(|row| row.is.name == name && row.is.kind == kind)
    });
    let unknown = || ActError::Unknown { what: "group", name: of.to_string() };
    let is = world.groups.get(of).map(|row| row.is.clone()).ok_or_else(unknown)?;
    let activity = match known {
        Some(id) => id,
        None => world.add_activity(Activity {
            name,
            kind,
            groups: vec![of],
            teachers: is.mentors.clone(),
            school: is.school,
            start: is.start,
        }),
    };
    let minutes = i32::try_from(end.duration_since(start).as_mins()).unwrap_or(0).max(1);
    let id = world.add_lesson(Lesson {
        activity,
        school: is.school,
        start,
        end,
        minutes,
        cancelled: false,
        exempt: Vec::new(),
        substitutes: Vec::new(),
    });
    Ok(Done::one(id))
}

/// A lesson that is there.
fn body(world: &World, name: &str) -> Result<(Id, Lesson), ActError> {
    let id = lesson(world, name)?;
    let unknown = || ActError::Unknown { what: "lesson", name: name.to_owned() };
    Ok((id, world.lessons.get(id).ok_or_else(unknown)?.is.clone()))
}

/// The person who takes the register: the substitute, or the first teacher.
fn teacher(world: &World, lesson: &Lesson) -> Option<Id> {
    let substitute = lesson.substitutes.iter().find(|(_, there)| *there).map(|(duty, _)| *duty);
    let planned = || world.activities.get(lesson.activity)?.is.teachers.first().copied();
    Some(world.duties.get(substitute.or_else(planned)?)?.is.person)
}

/// The row of a pupil at a lesson, made if there is none.
fn row(world: &mut World, id: Id, lesson: &Lesson, pupil: Id) -> Id {
    if let Some(known) = world.mark_of(id, pupil) {
        return known;
    }
    let reporter = teacher(world, lesson);
    world.add_attendance(Attendance {
        lesson: id,
        activity: lesson.activity,
        pupil,
        school: lesson.school,
        reporter,
        reported: false,
        minutes: Minutes::default(),
        reason: None,
        reported_at: None,
    })
}

fn change(world: &mut World, id: Id, change: impl FnOnce(&mut Attendance)) {
    let now = world.now();
    if let Some(is) = world.attendances.change(id, now) {
        change(is);
    }
    world.modified(Resource::Attendance);
}

fn sign(is: &mut Attendance, now: Timestamp) {
    is.reported = true;
    is.reported_at = is.reported_at.or(Some(now));
}

pub(super) fn open(world: &mut World, name: &str) -> Result<Done, ActError> {
    let (id, lesson) = body(world, name)?;
    let pupils = world.pupils_at(&lesson);
    let before = world.attendances.len();
    for pupil in pupils {
        row(world, id, &lesson, pupil);
    }
    Ok(Done { id: Some(id), rows: world.attendances.len() - before })
}

pub(super) fn mark(
    world: &mut World,
    (pupil, name): Named<'_>,
    minutes: Minutes,
    reported: bool,
    reason: Option<String>,
) -> Result<Done, ActError> {
    let (id, lesson) = body(world, name)?;
    let pupil = person(world, pupil)?;
    let made = row(world, id, &lesson, pupil);
    let now = world.now();
    change(world, made, |is| {
        is.minutes = minutes;
        is.reason = reason;
        if reported {
            sign(is, now);
        }
    });
    Ok(Done::one(made))
}

pub(super) fn absent(
    world: &mut World,
    named: Named<'_>,
    reported: bool,
) -> Result<Done, ActError> {
    let (_, lesson) = body(world, named.1)?;
    mark(world, named, Minutes::invalid(lesson.minutes), reported, None)
}

pub(super) fn arrive(world: &mut World, named: Named<'_>, late: i32) -> Result<Done, ActError> {
    let (id, lesson) = body(world, named.1)?;
    let pupil = person(world, named.0)?;
    let made = row(world, id, &lesson, pupil);
    let late = late.clamp(0, lesson.minutes);
    change(world, made, |is| is.minutes = Minutes::late(lesson.minutes, late));
    Ok(Done::one(made))
}

pub(super) fn report(world: &mut World, name: &str) -> Result<Done, ActError> {
    let (id, lesson) = body(world, name)?;
    let now = world.now();
    let pupils = world.pupils_at(&lesson);
    let rows = pupils.len();
    for pupil in pupils {
        let made = row(world, id, &lesson, pupil);
        let done = world
            .attendances
            .get(made)
            .is_some_and(|row| row.is.reported && row.is.minutes != Minutes::default());
        if done {
            continue;
        }
        change(world, made, |is| {
            if is.minutes == Minutes::default() {
                is.minutes = Minutes::present(lesson.minutes);
            }
            sign(is, now);
        });
    }
    Ok(Done { id: Some(id), rows })
}

/// The row that is there.
fn marked(world: &World, (pupil, name): Named<'_>) -> Result<Id, ActError> {
    let (lesson, pupil) = (lesson(world, name)?, person(world, pupil)?);
    world.mark_of(lesson, pupil).ok_or(ActError::NotMarked)
}

/// Deletes a row; what it was.
fn delete(world: &mut World, id: Id) -> Result<Attendance, ActError> {
    let was = world.attendances.remove(id).ok_or(ActError::NotMarked)?;
    if let Some(marks) = world.marks.get_mut(&was.lesson) {
        marks.remove(&was.pupil);
    }
    world.deleted(Resource::Attendance, id);
    Ok(was)
}

pub(super) fn excuse(
    world: &mut World,
    quirks: &Quirks,
    named: Named<'_>,
    reason: Option<String>,
) -> Result<Done, ActError> {
    let id = marked(world, named)?;
    let valid = |is: &mut Attendance| {
        let minutes = is.minutes;
        let sum = minutes.valid.unwrap_or(0) + minutes.invalid.unwrap_or(0);
        is.minutes = Minutes { valid: Some(sum), invalid: Some(0), ..minutes };
        is.reason = reason.or_else(|| Some("Sjuk".into()));
    };
    if !quirks.recreate {
        change(world, id, valid);
        return Ok(Done::one(id));
    }
    let mut was = delete(world, id)?;
    valid(&mut was);
    Ok(Done::one(world.add_attendance(was)))
}

pub(super) fn recreate(world: &mut World, named: Named<'_>) -> Result<Done, ActError> {
    let id = marked(world, named)?;
    let was = delete(world, id)?;
    Ok(Done::one(world.add_attendance(was)))
}

pub(super) fn unmark(world: &mut World, named: Named<'_>) -> Result<Done, ActError> {
    let id = marked(world, named)?;
    delete(world, id)?;
    Ok(Done::one(id))
}

/// Changes a lesson.
fn alter(
    world: &mut World,
    name: &str,
    change: impl FnOnce(&mut Lesson),
) -> Result<Done, ActError> {
    let id = lesson(world, name)?;
    let now = world.now();
    if let Some(is) = world.lessons.change(id, now) {
        change(is);
    }
    world.modified(Resource::CalendarEvent);
    Ok(Done::one(id))
}

pub(super) fn cancel(world: &mut World, name: &str, cancelled: bool) -> Result<Done, ActError> {
    alter(world, name, |is| is.cancelled = cancelled)
}

pub(super) fn shift(
    world: &mut World,
    name: &str,
    (start, end): (Timestamp, Timestamp),
) -> Result<Done, ActError> {
    alter(world, name, |is| (is.start, is.end) = (start, end))
}

pub(super) fn substitute(world: &mut World, name: &str, by: &str) -> Result<Done, ActError> {
    let duty = match by.parse::<Id>() {
        Ok(id) if world.duties.get(id).is_some() => id,
        _ => {
            let person = person(world, by)?;
            let unknown = || ActError::Unknown { what: "duty of", name: by.to_owned() };
            world.duties.iter().find(|row| row.is.person == person).ok_or_else(unknown)?.id
        }
    };
    let (_, lesson) = body(world, name)?;
    let planned = world
        .activities
        .get(lesson.activity)
        .and_then(|activity| activity.is.teachers.first().copied());
    alter(world, name, |is| {
        is.substitutes = planned.map(|planned| (planned, false)).into_iter().collect();
        is.substitutes.push((duty, true));
    })
}

pub(super) fn exempt(
    world: &mut World,
    (pupil, name): Named<'_>,
    participates: bool,
) -> Result<Done, ActError> {
    let pupil = person(world, pupil)?;
    alter(world, name, |is| {
        is.exempt.retain(|exempt| exempt.pupil != pupil);
        is.exempt.push(Exempt { pupil, participates, minutes: None });
    })
}
