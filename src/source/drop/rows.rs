//! A row of `attendance`, `schedule` or `absences` to what it says. Pure: which lesson is meant is looked up by
//! whoever has the schedule.

use jiff::Timestamp;

use super::columns::Reading;
use super::kind::Kind;
use super::records::Fault;
use super::settings::Meaning;
use super::values::{Bad, Cells, Context, MAX_MINUTES, later, midnight};
use crate::model::{
    AdvanceNotice, GroupId, Lesson, LessonId, Mark, Minutes, NoticeKind, NotificationId, Planned,
    PupilId, SchoolId, StaffId,
};
use crate::source::webhook::{MAX_LESSON, MAX_NOTICE};

/// Which lesson a row means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    /// Its id, where the row has one.
    pub id: Option<LessonId>,
    /// A group that has it, where the row names one.
    pub group: Option<GroupId>,
    /// Its start, where the row says so.
    pub start: Option<Timestamp>,
    /// Its end, where the row says so.
    pub end: Option<Timestamp>,
    /// Its name for staff.
    pub label: Option<String>,
}

/// What a row of `attendance` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// The lesson.
    pub lesson: Meant,
    /// The mark, where the row names it.
    pub mark: Option<Mark>,
    /// The minutes it counts.
    pub counted: Counted,
    /// Whether the register is closed.
    pub register_closed: Option<bool>,
    /// When it was made.
    pub recorded_at: Option<Timestamp>,
    /// By whom.
    pub recorded_by: Option<String>,
}

/// Minutes as SS 12000 counts them (`Attendance`), and whether the lesson is reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Whether the register is reported; none: the file does not say.
    pub reported: Option<bool>,
    /// There.
    pub present: Option<u32>,
    /// Missing with a valid reason.
    pub excused: Option<u32>,
    /// Missing without.
    pub unexcused: Option<u32>,
    /// At another school activity.
    pub other: Option<u32>,
}

impl Counted {
    /// The mark that they mean at a lesson of so many minutes. Which end of the lesson was missed they do not say:
    /// who was there for a part of it is taken for late, and nobody is alarmed.
    pub fn mark(&self, length: u32, provisional: bool) -> Mark {
        let of = |minutes: Option<u32>| minutes.unwrap_or_default();
        let (there, excused, gone) = (of(self.present), of(self.excused), of(self.unexcused));
        if self.reported == Some(false) && !(provisional && gone > 0) {
            return Mark::Unknown;
        }
        if gone > 0 {
            if gone >= length || there == 0 { Mark::Unexcused } else { Mark::Late }
        } else if excused > 0 {
            Mark::Excused
        } else if there > 0 {
            Mark::Present
        } else if of(self.other) > 0 {
            Mark::OtherActivity
        } else {
            Mark::Unknown
        }
    }

    /// The minutes missed of those planned, where any are counted.
    pub fn minutes(&self, length: u32) -> Option<Minutes> {
        let counted = [self.present, self.excused, self.unexcused, self.other];
        counted.iter().any(Option::is_some).then(|| Minutes {
            absent: (self.excused.unwrap_or_default() + self.unexcused.unwrap_or_default())
                .min(MAX_MINUTES),
            scheduled: length.min(MAX_MINUTES),
        })
    }
}

/// What a head lacks that no row can make up for.
pub fn lacks(kind: Kind, reading: &Reading) -> Option<Fault> {
    let any = |names: &[&str]| names.iter().any(|name| reading.has(name));
    let what = match kind {
        Kind::Attendance if !any(&["lesson", "group"]) => "lesson or group: which lesson is meant",
        Kind::Attendance
            if !any(&["mark", "present-minutes", "excused-minutes", "unexcused-minutes"]) =>
        {
            "mark, or minutes: whether the pupil was there"
        }
        Kind::Schedule if !any(&["lesson", "groups"]) => "lesson or groups: which lesson it is",
        Kind::Schedule if !any(&["end", "length"]) => "end or length: when the lesson is over",
        Kind::Absences if !any(&["from", "date"]) => "from or date: when the pupil is away",
        _ => return None,
    };
    Some(Fault::new(Some(1), &format!("lacks the column {what}"), "export it too".into()))
}

/// The id of a lesson that the files give none: by one of its groups, whichever others have it too.
pub fn made_id(school: &SchoolId, group: &GroupId, start: Timestamp) -> Option<LessonId> {
    let parts = ["lesson", school.as_str(), group.as_str(), &start.to_string()];
    LessonId::new(NotificationId::of(&parts).as_str()).ok()
}

/// Reads a row of `attendance`.
///
/// # Errors
/// What is wrong with it.
pub fn marked(row: Cells<'_>, context: Context<'_>) -> Result<Marked, Bad> {
    let school = row.school(context)?;
    // Whoever is not in the directory may be tomorrow: the row waits.
    let pupil = row.id("pupil", |text| PupilId::new(text))?;
    let day = row.date("date", context)?;
    let start = row.moment("start", day, &school.zone, context)?;
    let lesson = Meant {
        id: row.maybe_id("lesson", |text| LessonId::new(text))?,
        group: row.maybe_id("group", |text| GroupId::new(text))?,
        start,
        end: end(row, day, start, &school.zone, context)?,
        label: row.label("label")?,
    };
    if lesson.id.is_none() && (lesson.group.is_none() || lesson.start.is_none()) {
        let what = "names no lesson: neither its id nor a group and a start";
        return Err(Bad::row(what, "export one of the two"));
    }
    Ok(Marked {
        school: school.id.clone(),
        pupil,
        lesson,
        mark: row.get("mark").map(|text| mark(&text, context.meaning)).transpose()?,
        counted: Counted {
            reported: row.truth("reported")?,
            present: row.minutes("present-minutes")?,
            excused: row.minutes("excused-minutes")?,
            unexcused: row.minutes("unexcused-minutes")?,
            other: row.minutes("other-minutes")?,
        },
        register_closed: row.truth("register-closed")?,
        recorded_at: row.recorded("recorded-at", &school.zone, context)?,
        recorded_by: row.maybe_id("recorded-by", |text| StaffId::new(text))?.map(Into::into),
    })
}

fn end(
    row: Cells<'_>,
    day: Option<jiff::civil::Date>,
    start: Option<Timestamp>,
    zone: &jiff::tz::TimeZone,
    context: Context<'_>,
) -> Result<Option<Timestamp>, Bad> {
    let end = match row.moment("end", day, zone, context)? {
        Some(end) => Some(end),
        None => start.zip(row.minutes("length")?).map(|(start, length)| later(start, length)),
    };
    if let (Some(start), Some(end)) = (start, end) {
        if end <= start {
            return Err(Bad::at("end", "is not after start", "correct it in the source"));
        }
        if end.duration_since(start) > MAX_LESSON {
            return Err(Bad::at(
                "end",
                "is more than 24 hours after start",
                "correct it in the source",
            ));
        }
    }
    Ok(end)
}

fn mark(text: &str, meaning: &Meaning) -> Result<Mark, Bad> {
    let word = text.to_lowercase();
    if let Some(mark) = meaning.marks.get(&word) {
        return Ok(*mark);
    }
    own_mark(&word).ok_or_else(|| {
        Bad::at("mark", "is none of the words for marks", "say in `marks` what it means")
    })
}

/// Our own words for marks.
pub fn own_mark(word: &str) -> Option<Mark> {
    Some(match word.replace('_', "-").as_str() {
        "present" => Mark::Present,
        "unexcused" => Mark::Unexcused,
        "excused" => Mark::Excused,
        "late" => Mark::Late,
        "left-early" => Mark::LeftEarly,
        "other-activity" => Mark::OtherActivity,
        "unknown" => Mark::Unknown,
        _ => return None,
    })
}

/// Reads a row of `schedule`.
///
/// # Errors
/// What is wrong with it.
pub fn planned(row: Cells<'_>, context: Context<'_>) -> Result<(SchoolId, Lesson, Planned), Bad> {
    let school = row.school(context)?;
    let day = row.date("date", context)?;
    let start = row.moment("start", day, &school.zone, context)?;
    let start = start.ok_or_else(|| Bad::at("start", "is empty", "fill it in"))?;
    let end = end(row, day, Some(start), &school.zone, context)?;
    let end = end.ok_or_else(|| Bad::at("end", "is empty", "fill it in, or length"))?;
    let groups = row.ids("groups", |text| GroupId::new(text))?;
    let id = match row.maybe_id("lesson", |text| LessonId::new(text))? {
        Some(id) => Some(id),
        None => groups.first().and_then(|group| made_id(&school.id, group, start)),
    };
    let id =
        id.ok_or_else(|| Bad::row("has neither an id of the lesson nor a group", "export one"))?;
    let planned = Planned {
        registered: row.truth("registered")?.unwrap_or(true),
        cancelled: row.truth("cancelled")?.unwrap_or(false),
        teachers: row.ids("teachers", |text| StaffId::new(text))?,
        groups,
        also: std::collections::BTreeSet::new(),
        except: std::collections::BTreeSet::new(),
        modified_at: row.recorded("modified-at", &school.zone, context)?,
    };
    Ok((school.id.clone(), Lesson { id, start, end, label: row.label("label")? }, planned))
}

/// What a row of `absences` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// The notice.
    pub notice: AdvanceNotice,
    /// Taken back.
    pub withdrawn: bool,
    /// When it was given or taken back.
    pub recorded_at: Option<Timestamp>,
}

/// Reads a row of `absences`.
///
/// # Errors
/// What is wrong with it.
pub fn noticed(row: Cells<'_>, context: Context<'_>) -> Result<Noticed, Bad> {
    let school = row.school(context)?;
    let pupil = row.id("pupil", |text| PupilId::new(text))?;
    if context.directory.roster.pupil(&school.id, &pupil).is_none() {
        let remedy = "when the directory has the pupil, put the row back";
        return Err(Bad::at("pupil", "is not in the directory of the school", remedy));
    }
    let day = row.date("date", context)?;
    let span = |column: &str, last: bool| -> Result<Option<Timestamp>, Bad> {
        let Some(text) = row.get(column) else { return Ok(None) };
        // A day alone is the whole of it.
        if let Ok(day) = super::values::date(&text, &context.meaning.times) {
            let day = if last { day.tomorrow().unwrap_or(day) } else { day };
            return Ok(midnight(day, &school.zone));
        }
        row.moment(column, day, &school.zone, context)
    };
    let whole = |day: Option<jiff::civil::Date>| day.and_then(|day| midnight(day, &school.zone));
    let from = span("from", false)?.or_else(|| whole(day));
    let from = from.ok_or_else(|| Bad::at("from", "is empty", "fill it in, or date"))?;
    let to = span("to", true)?.or_else(|| whole(day.and_then(|day| day.tomorrow().ok())));
    let to = to.ok_or_else(|| Bad::at("to", "is empty", "fill it in, or date"))?;
    if to <= from {
        return Err(Bad::at("to", "is not after from", "correct it in the source"));
    }
    if to.duration_since(from) > MAX_NOTICE {
        return Err(Bad::at("to", "is more than 400 days after from", "correct it in the source"));
    }
    let kind = match row.get("kind").map(|text| text.to_lowercase()) {
        None => NoticeKind::Notified,
        Some(word) => match (context.meaning.notices.get(&word), word.as_str()) {
            (Some(kind), _) => *kind,
            (None, "notified") => NoticeKind::Notified,
            (None, "leave") => NoticeKind::Leave,
            (None, _) => {
                let remedy = "write notified or leave, or say in `notices` what it means";
                return Err(Bad::at("kind", "is none of the words for a notice", remedy));
            }
        },
    };
    Ok(Noticed {
        school: school.id.clone(),
        pupil,
        notice: AdvanceNotice { from, to, kind },
        withdrawn: row.truth("withdrawn")?.unwrap_or(false),
        recorded_at: row.recorded("recorded-at", &school.zone, context)?,
    })
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
