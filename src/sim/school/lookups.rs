//! `POST /{resource}/lookup`: many at once by their ids, or by what they belong to. Pure.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::filters::Listed;
use super::id::Id;
use super::query::{Query, Refusal, bad};
use super::quirks::Quirks;
use super::render::Pen;
use super::rows::{Activity, Attendance, Lesson, Person};
use super::table::Row;
use super::world::World;

/// A set of ids, or nothing said.
type Ids = Option<BTreeSet<Id>>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PersonsBody {
    ids: Ids,
    #[serde(rename = "civicNos")]
    civic: Option<BTreeSet<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AttendancesBody {
    ids: Ids,
    activities: Ids,
    students: Ids,
    // The standard's own spelling.
    #[serde(rename = "calendareEvents")]
    lessons: Ids,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LessonsBody {
    ids: Ids,
    activities: Ids,
    student: Ids,
    teacher: Ids,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ActivitiesBody {
    ids: Ids,
    teachers: Ids,
    members: Ids,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct IdsBody {
    ids: Ids,
}

fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .or_else(|error| bad("body", format!("the body is not understood: {error}")))
}

/// Refuses what is empty, and what asks for more than the server takes at once.
fn sized(quirks: &Quirks, sets: &[usize]) -> Result<(), Refusal> {
    let asked: usize = sets.iter().sum();
    if asked == 0 {
        return bad("body", "nothing is asked for");
    }
    match quirks.lookup_ids {
        Some(most) if asked > most => bad("too_many", format!("at most {most} ids at once")),
        _ => Ok(()),
    }
}

fn count<T>(set: Option<&BTreeSet<T>>) -> usize {
    set.map_or(0, BTreeSet::len)
}

fn has(set: &Ids, id: Id) -> bool {
    set.as_ref().is_none_or(|set| set.contains(&id))
}

/// Rows with these ids, or all.
fn candidates<'a, T: Listed>(
    world: &'a World,
    ids: &'a Ids,
) -> Box<dyn Iterator<Item = &'a Row<T>> + 'a> {
    match ids {
        Some(ids) => Box::new(ids.iter().filter_map(|id| T::table(world).get(*id))),
        None => Box::new(T::table(world).iter()),
    }
}

fn answered<'a, T: Listed + 'a>(
    world: &World,
    quirks: &Quirks,
    query: &Query,
    rows: impl Iterator<Item = &'a Row<T>>,
    expand: &[&str],
) -> Result<Value, Refusal> {
    query.only(&[])?;
    let names = query.flag("expandReferenceNames")?;
    let pen = Pen { world, quirks, names, expand: query.expand(expand)? };
    let found: Vec<&Row<T>> = rows.collect();
    if let Some(most) = quirks.too_large
        && found.len() > most
    {
        return Err(Refusal::TooLarge(found.len()));
    }
    let rows: Vec<Value> = found.into_iter().map(|row| T::written(row, &pen)).collect();
    Ok(if quirks.wrapped_lookups { json!({ "data": rows }) } else { rows.into() })
}

/// `POST /persons/lookup`.
pub(super) fn persons(
    world: &World,
    quirks: &Quirks,
    query: &Query,
    body: &[u8],
) -> Result<Value, Refusal> {
    let PersonsBody { ids, civic } = read(body)?;
    sized(quirks, &[count(ids.as_ref()), count(civic.as_ref())])?;
    let rows = candidates::<Person>(world, &ids).filter(|row| {
        let own = row.is.civic.as_ref();
        !world.lost.contains(&row.id)
            && civic.as_ref().is_none_or(|civic| own.is_some_and(|own| civic.contains(own)))
    });
    answered(world, quirks, query, rows, Person::EXPAND)
}

/// `POST /attendances/lookup`: all that was ever marked, without any bound in time.
pub(super) fn attendances(
    world: &World,
    quirks: &Quirks,
    query: &Query,
    body: &[u8],
) -> Result<Value, Refusal> {
    let AttendancesBody { ids, activities, students, lessons } = read(body)?;
    let sets = [&ids, &activities, &students, &lessons].map(|set| count(set.as_ref()));
    sized(quirks, &sets)?;
    if quirks.activities_only && (students.is_some() || lessons.is_some()) {
        return bad("body", "attendances are looked up by ids or activities");
    }
    let candidates: Box<dyn Iterator<Item = &Row<Attendance>>> = match (&ids, &lessons) {
        (None, Some(lessons)) => Box::new(
            lessons
                .iter()
                .filter_map(|lesson| world.marks.get(lesson))
                .flat_map(|marks| marks.values())
                .filter_map(|id| world.attendances.get(*id)),
        ),
        _ => candidates(world, &ids),
    };
    let rows = candidates.filter(|row| {
        (row.is.reported || !quirks.reported_only)
            && has(&activities, row.is.activity)
            && has(&students, row.is.pupil)
            && has(&lessons, row.is.lesson)
    });
    answered(world, quirks, query, rows, &[])
}

/// `POST /calendarEvents/lookup`.
pub(super) fn lessons(
    world: &World,
    quirks: &Quirks,
    query: &Query,
    body: &[u8],
) -> Result<Value, Refusal> {
    let LessonsBody { ids, activities, student, teacher } = read(body)?;
    let sets = [&ids, &activities, &student, &teacher].map(|set| count(set.as_ref()));
    sized(quirks, &sets)?;
    let rows = candidates::<Lesson>(world, &ids).filter(|row| {
        let is = &row.is;
        let taught = |duties: &BTreeSet<Id>| {
            let planned = world.activities.get(is.activity).map(|row| &row.is.teachers);
            planned.into_iter().flatten().any(|duty| duties.contains(duty))
                || is.substitutes.iter().any(|(duty, _)| duties.contains(duty))
        };
        has(&activities, is.activity)
            && teacher.as_ref().is_none_or(taught)
            && student.as_ref().is_none_or(|all| !world.pupils_at(is).is_disjoint(all))
    });
    answered(world, quirks, query, rows, &[])
}

/// `POST /activities/lookup`.
pub(super) fn activities(
    world: &World,
    quirks: &Quirks,
    query: &Query,
    body: &[u8],
) -> Result<Value, Refusal> {
    let ActivitiesBody { ids, teachers, members } = read(body)?;
    let sets = [&ids, &teachers, &members].map(|set| count(set.as_ref()));
    sized(quirks, &sets)?;
    let groups: Option<BTreeSet<Id>> = members.as_ref().map(|members| {
        let of = members.iter().filter_map(|member| world.groups_of.get(member));
        of.flatten().copied().collect()
    });
    let rows = candidates::<Activity>(world, &ids).filter(|row| {
        let is = &row.is;
        teachers.as_ref().is_none_or(|all| is.teachers.iter().any(|duty| all.contains(duty)))
            && groups.as_ref().is_none_or(|all| is.groups.iter().any(|group| all.contains(group)))
    });
    answered(world, quirks, query, rows, Activity::EXPAND)
}

/// The lookups by `ids` alone.
pub(super) fn by_ids<T: Listed>(
    world: &World,
    quirks: &Quirks,
    query: &Query,
    body: &[u8],
) -> Result<Value, Refusal> {
    let IdsBody { ids } = read(body)?;
    sized(quirks, &[count(ids.as_ref())])?;
    answered(world, quirks, query, candidates::<T>(world, &ids), T::EXPAND)
}
