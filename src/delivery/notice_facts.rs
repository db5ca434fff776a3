//! What a notice about no one pupil may say, from what it is about as that is when it leaves. Reads no row.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::hold_notice;
use super::notice::About;
use crate::directory::{Protection, Roster, School};
use crate::message::notice::{DigestFacts, DigestLesson, NoticeFacts, RegisterFacts, SourceFacts};
use crate::model::{Clock24, Notification, Register, Stood, local_date};
use crate::policy::register::{self, Members};

/// Most lessons that a digest names; a mail of more is read by nobody.
const NAMED: usize = 100;
/// Most classes that are named of a lesson.
const CLASSES: usize = 6;

/// What a notice may say.
pub(super) fn facts(
    roster: &Roster,
    school: &School,
    n: &Notification,
    about: &About<'_>,
    now: Timestamp,
) -> Option<NoticeFacts> {
    let today = local_date(now, &school.zone);
    Some(match about {
        About::Register(row, members) => {
            let taken = register::taken_at(row, school);
            NoticeFacts::Register(RegisterFacts {
                school: school.name.clone(),
                lesson: row.lesson.label.clone().unwrap_or_default(),
                class: classes(members),
                day: day_word(local_date(row.lesson.start, &school.zone), today),
                start: clock(row.lesson.start, &school.zone),
                end: clock(row.lesson.end, &school.zone),
                teacher: teacher_names(roster, row),
                pupils: members.pupils.len(),
                pupils_known: !members.unknown,
                taken: taken.map(|at| clock(at, &school.zone)).unwrap_or_default(),
            })
        }
        About::Digest(all) => NoticeFacts::Digest(digest(roster, school, n, all)),
        About::Silence(row) => {
            let day = row.since.map(|at| local_date(at, &school.zone));
            NoticeFacts::Source(SourceFacts {
                school: school.name.clone(),
                source: n.lesson.to_string(),
                unreachable: row.unreachable,
                since: row.since.map(|at| clock(at, &school.zone)).unwrap_or_default(),
                day: day.map(|day| day_word(day, n.date)).unwrap_or_default(),
                lessons: row.lessons,
                over: row.over_at.map(|at| clock(at, &school.zone)).unwrap_or_default(),
            })
        }
        About::List(facts, _) => facts.as_ref().clone(),
        About::Hold(row, seen) => {
            NoticeFacts::Hold(Box::new(hold_notice::facts(school, row, seen, now)))
        }
        About::Step(step) => NoticeFacts::Ladder(Box::new(step.facts(n, school, roster, now))),
        About::Gone => return None,
    })
}

fn digest(
    roster: &Roster,
    school: &School,
    n: &Notification,
    all: &[(Register, Members<'_>)],
) -> DigestFacts {
    let mut named: Vec<&(Register, Members<'_>)> =
        all.iter().filter(|(row, _)| register::is_in_digest(row, school, n.created_at)).collect();
    named.sort_by_key(|(row, _)| (row.lesson.start, row.lesson.id.clone()));
    let is_untaken = |row: &Register| row.stood == Some(Stood::Untaken);
    let untaken = named.iter().filter(|(row, _)| is_untaken(row)).count();
    let late = named.len() - untaken;
    let more = named.len().saturating_sub(NAMED);
    // Those that nobody has taken are what the mail is for.
    named.sort_by_key(|(row, _)| !is_untaken(row));
    named.truncate(NAMED);
    named.sort_by_key(|(row, _)| (row.lesson.start, row.lesson.id.clone()));
    let of_day = |row: &Register| {
        row.stood.is_some() && local_date(row.lesson.start, &school.zone) == n.date
    };
    let line = |(row, members): &&(Register, Members<'_>)| {
        let taken = register::taken_at(row, school);
        DigestLesson {
            lesson: row.lesson.label.clone().unwrap_or_default(),
            class: classes(members),
            day: day_word(local_date(row.lesson.start, &school.zone), n.date),
            start: clock(row.lesson.start, &school.zone),
            end: clock(row.lesson.end, &school.zone),
            teacher: teacher_names(roster, row),
            untaken: is_untaken(row),
            taken: taken.map(|at| clock(at, &school.zone)).unwrap_or_default(),
        }
    };
    DigestFacts {
        school: school.name.clone(),
        date: n.date.to_string(),
        lessons: named.iter().map(line).collect(),
        more,
        untaken,
        late,
        ended: all.iter().filter(|(row, _)| of_day(row)).count(),
    }
}

fn clock(at: Timestamp, zone: &TimeZone) -> String {
    Clock24::of(at, zone).to_string()
}

fn day_word(day: Date, today: Date) -> String {
    if day == today { String::new() } else { day.to_string() }
}

/// The classes of those who are to come. One of which nobody may know is not named by its pupils.
pub(super) fn classes(members: &Members<'_>) -> String {
    let open = members.pupils.iter().filter(|pupil| pupil.protection == Protection::None);
    let all: BTreeSet<&str> = open.filter_map(|pupil| pupil.class.as_deref()).collect();
    let more = if all.len() > CLASSES { ", …" } else { "" };
    all.into_iter().take(CLASSES).collect::<Vec<_>>().join(", ") + more
}

fn teacher_names(roster: &Roster, row: &Register) -> String {
    let name = |id| {
        let known = roster.staff.get(id).and_then(|staff| staff.name.clone());
        known.unwrap_or_else(|| id.to_string())
    };
    register::teachers(row).into_iter().map(name).collect::<Vec<_>>().join(", ")
}
