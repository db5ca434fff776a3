//! The lists of days: lessons, attendances, advance notices. Pure.

use jiff::SignedDuration;

use super::{Keep, Listed, Moments, newest_first, organisations, within};
use crate::sim::school::id::Id;
use crate::sim::school::query::{Query, Refusal, bad};
use crate::sim::school::quirks::Quirks;
use crate::sim::school::rows::{Attendance, Lesson, Notice, Resource};
use crate::sim::school::table::{Row, Table};
use crate::sim::school::world::World;

impl Listed for Lesson {
    const FILTERS: &[&str] = &[
        "startTime.onOrAfter",
        "startTime.onOrBefore",
        "endTime.onOrAfter",
        "endTime.onOrBefore",
        "activity",
        "student",
        "teacher",
        "organisation",
        "group",
        "sortkey",
    ];
    const EXPAND: &[&str] = &["activity", "attendance"];

    fn table(world: &World) -> &Table<Self> {
        &world.lessons
    }

    fn keep<'a>(
        world: &'a World,
        quirks: &Quirks,
        query: &'a Query,
    ) -> Result<Keep<'a, Self>, Refusal> {
        let starts = Moments::of(query, "startTime")?;
        let ends = Moments::of(query, "endTime")?;
        let (Some(from), Some(to)) = (starts.0, starts.1) else {
            return bad(
                "required",
                "startTime.onOrAfter and startTime.onOrBefore must both be given",
            );
        };
        if let Some(days) = quirks.window_days
            && to.duration_since(from) > SignedDuration::from_hours(24 * i64::from(days))
        {
            return bad("window", format!("at most {days} days can be asked for"));
        }
        let schools = organisations(world, quirks, query, Resource::CalendarEvent)?;
        let (activity, student) = (query.id("activity")?, query.id("student")?);
        let (teacher, group) = (query.id("teacher")?, query.id("group")?);
        Ok(Box::new(move |row| {
            let is = &row.is;
            if !starts.admit(is.start)
                || !ends.admit(is.end)
                || !within(schools.as_ref(), is.school)
                || activity.is_some_and(|activity| is.activity != activity)
            {
                return false;
            }
            let of = world.activities.get(is.activity).map(|row| &row.is);
            let taught = |duty: Id| {
                of.is_some_and(|of| of.teachers.contains(&duty))
                    || is.substitutes.iter().any(|(other, _)| *other == duty)
            };
            group.is_none_or(|group| of.is_some_and(|of| of.groups.contains(&group)))
                && teacher.is_none_or(taught)
                && student.is_none_or(|pupil| world.pupils_at(is).contains(&pupil))
        }))
    }

    fn sort(rows: &mut [&Row<Self>], key: &str) -> bool {
        match key {
            "ModifiedDesc" => newest_first(rows),
            "StartTimeAsc" => {
                rows.sort_by_key(|row| row.is.start);
                true
            }
            "StartTimeDesc" => {
                rows.sort_by_key(|row| std::cmp::Reverse(row.is.start));
                true
            }
            _ => false,
        }
    }
}

impl Listed for Attendance {
    const FILTERS: &[&str] = &["student", "organisation", "calendarEvent"];
    const EXPAND: &[&str] = &[];

    fn table(world: &World) -> &Table<Self> {
        &world.attendances
    }

    fn keep<'a>(
        world: &'a World,
        quirks: &Quirks,
        query: &'a Query,
    ) -> Result<Keep<'a, Self>, Refusal> {
        if quirks.lookup_only {
            return Err(Refusal::Forbidden("attendances cannot be listed; look them up"));
        }
        let schools = organisations(world, quirks, query, Resource::Attendance)?;
        let (student, lesson) = (query.id("student")?, query.id("calendarEvent")?);
        let reported_only = quirks.reported_only;
        Ok(Box::new(move |row| {
            (row.is.reported || !reported_only)
                && within(schools.as_ref(), row.is.school)
                && student.is_none_or(|pupil| row.is.pupil == pupil)
                && lesson.is_none_or(|lesson| row.is.lesson == lesson)
        }))
    }
}

impl Listed for Notice {
    const FILTERS: &[&str] = &[
        "organisation",
        "student",
        "registeredBy",
        "type",
        "startTime.onOrAfter",
        "startTime.onOrBefore",
        "endTime.onOrAfter",
        "endTime.onOrBefore",
        "sortkey",
    ];
    const EXPAND: &[&str] = &[];

    fn table(world: &World) -> &Table<Self> {
        &world.notices
    }

    fn keep<'a>(
        world: &'a World,
        quirks: &Quirks,
        query: &'a Query,
    ) -> Result<Keep<'a, Self>, Refusal> {
        let schools = organisations(world, quirks, query, Resource::Notice)?;
        let (student, by) = (query.id("student")?, query.id("registeredBy")?);
        let (starts, ends) = (Moments::of(query, "startTime")?, Moments::of(query, "endTime")?);
        let leave = match query.one("type")? {
            None => None,
            Some("Beviljad ledighet") => Some(true),
            Some("Anmäld frånvaro") => Some(false),
            Some(other) => return bad("type", format!("type={other:?} is not known")),
        };
        Ok(Box::new(move |row| {
            let is = &row.is;
            within(schools.as_ref(), is.school)
                && student.is_none_or(|pupil| is.pupil == pupil)
                && by.is_none_or(|by| is.by == Some(by))
                && leave.is_none_or(|leave| is.leave == leave)
                && starts.admit_after(is.start)
                && ends.admit_after(is.end)
        }))
    }

    fn sort(rows: &mut [&Row<Self>], key: &str) -> bool {
        match key {
            "ModifiedDesc" => newest_first(rows),
            "StartTimeAsc" => {
                rows.sort_by_key(|row| row.is.start);
                true
            }
            "StartTimeDesc" => {
                rows.sort_by_key(|row| std::cmp::Reverse(row.is.start));
                true
            }
            _ => false,
        }
    }
}
