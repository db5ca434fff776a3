//! The files of an export to what is heard: marks, advance notices and lessons, by the decoders of the drop folder.
//! An export says what stands at the end, and mostly when it was recorded; where it does not, what is assumed is told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};

use super::given::Heard;
use super::tally::monday;
use super::term::Term;
use crate::directory::Directory;
use crate::model::{
    EventId, Fact, GroupId, Lesson, LessonId, Observation, SchoolId, SourceId, local_date,
};
use crate::source::drop::file::Open;
use crate::source::drop::kind::Kind;
use crate::source::drop::records::{Row, Stopped};
use crate::source::drop::rows::{self, Marked};
use crate::source::drop::settings::{Layout, Meaning, Writing};
use crate::source::drop::text::Encoding;
use crate::source::drop::values::{Bad, Cells, Context};

/// Rows read at a time.
const BATCH: usize = 1_000;
/// Problems of rows that are told, of each file.
const SHOWN: usize = 10;
/// Of so many rows one may be bad: with more, what comes out says little of the term.
const GOOD: u64 = 10;
/// When a mark without a time of its own is taken to be made, after the lesson's start.
const MARKED_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// When an advance notice without a time is taken to be given: on its first day, or before its start.
const NOTICED_AT: Time = Time::constant(7, 0, 0, 0);
/// When a week's lessons are heard of: on the Sunday before.
const PLANNED_AT: Time = Time::constant(18, 0, 0, 0);

/// The files.
#[derive(Debug, Clone)]
pub struct Export {
    /// Marks.
    pub attendance: PathBuf,
    /// Advance notices.
    pub absences: Option<PathBuf>,
    /// Lessons.
    pub schedule: Option<PathBuf>,
    /// How they are written.
    pub writing: Writing,
    /// What words mean.
    pub meaning: Meaning,
}

/// Why nothing can be made of an export: a line each, with file, line and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// The lines.
    pub lines: Vec<String>,
}

/// What an export says.
#[derive(Debug, Clone, Default)]
pub struct ReadExport {
    /// What is heard, by school, in the order of time.
    pub heard: BTreeMap<SchoolId, Vec<Heard>>,
    /// What was assumed or left out, in words.
    pub remarks: Vec<String>,
    /// Rows that are left out, a line each; the first ones of many.
    pub problems: Vec<String>,
}

/// Our own column names, UTF-8, as a drop folder of which nothing is said.
pub fn plain() -> (Writing, Meaning) {
    let writing = Writing {
        encoding: Encoding::Utf8,
        delimiter: None,
        head: true,
        columns: BTreeMap::new(),
        layout: Layout::Upprop,
    };
    let meaning = Meaning {
        marks: BTreeMap::new(),
        notices: BTreeMap::new(),
        schools: BTreeMap::new(),
        times: Vec::new(),
        provisional: true,
    };
    (writing, meaning)
}

struct Reading<'a> {
    export: &'a Export,
    directory: &'a Directory,
    term: Option<&'a Term>,
    /// Lessons of the schedule, by id, and by group and start.
    by_id: BTreeMap<(SchoolId, LessonId), Lesson>,
    by_group: BTreeMap<(SchoolId, GroupId, Timestamp), Lesson>,
    out: ReadExport,
    /// Marks without a time.
    undated: u64,
    events: u64,
}

/// Reads the files.
///
/// # Errors
/// When one cannot be read, lacks a column, or has too many bad rows; and when nothing is in them.
pub fn read(
    export: &Export,
    directory: &Directory,
    term: Option<&Term>,
) -> Result<ReadExport, Unusable> {
    let mut reading = Reading {
        export,
        directory,
        term,
        by_id: BTreeMap::new(),
        by_group: BTreeMap::new(),
        out: ReadExport::default(),
        undated: 0,
        events: 0,
    };
    if let Some(file) = &export.schedule {
        reading.file(file, Kind::Schedule, Reading::lesson)?;
    }
    if let Some(file) = &export.absences {
        reading.file(file, Kind::Absences, Reading::notice)?;
    }
    reading.file(&export.attendance, Kind::Attendance, Reading::mark)?;
    if reading.undated > 0 {
        reading.out.remarks.push(format!(
            "{} marks have no recorded-at; they are taken to be made 10 minutes after the lesson's start",
            reading.undated
        ));
    }
    let has_marks = |heard: &Heard| matches!(heard.observation.fact, Fact::Marked { .. });
    if !reading.out.heard.values().flatten().any(has_marks) {
        let days = term.map_or_else(String::new, |term| format!(" in {}", term.days));
        let what = format!(
            "{}: holds no mark{days}; export the term's marks, or name other days with --term",
            export.attendance.display()
        );
        return Err(Unusable { lines: vec![what] });
    }
    for heard in reading.out.heard.values_mut() {
        heard.sort_by_key(|one| one.at);
    }
    Ok(reading.out)
}

type Take<'a> = fn(&mut Reading<'a>, Cells<'_>, Context<'a>) -> Result<(), Bad>;

impl<'a> Reading<'a> {
    fn file(&mut self, path: &Path, kind: Kind, take: Take<'a>) -> Result<(), Unusable> {
        let name = path.display();
        let whole = |what: String| Unusable { lines: vec![format!("{name}: {what}")] };
        let stopped = |stopped: Stopped| match stopped {
            Stopped::Io(error) => whole(format!("cannot be read: {error}; name another file")),
            Stopped::Bad(fault) => match fault.line {
                Some(line) => Unusable {
                    lines: vec![format!("{name}:{line}: {}; {}", fault.what, fault.remedy)],
                },
                None => whole(format!("{}; {}", fault.what, fault.remedy)),
            },
        };
        let mut open = Open::now(path, kind, &self.export.writing).map_err(stopped)?;
        let (mut all, mut bad) = (0_u64, Vec::new());
        let context = Context {
            directory: self.directory,
            schools: None,
            meaning: &self.export.meaning,
            // Nothing in an export lies ahead: it may be read on a machine whose clock is anywhere.
            now: Timestamp::MAX,
        };
        loop {
            let rows = open.batch(BATCH).map_err(stopped)?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                all += 1;
                if let Err(why) = self.row(&open, &row, context, take) {
                    bad.push((row.line, why));
                }
            }
        }
        let told = |(line, bad): &(usize, Bad)| {
            let column = bad.column.as_ref().map_or_else(String::new, |name| format!("{name} "));
            format!("{name}:{line}: {column}{}; {}", bad.what, bad.remedy)
        };
        let count = u64::try_from(bad.len()).unwrap_or(u64::MAX);
        let mut lines: Vec<String> = bad.iter().take(SHOWN).map(told).collect();
        if bad.len() > SHOWN {
            lines.push(format!("{name}: and {} rows more", bad.len() - SHOWN));
        }
        if count * GOOD > all {
            lines.push(format!(
                "{name}: {count} of {all} rows cannot be used, which is more than one of {GOOD}; mend the export"
            ));
            return Err(Unusable { lines });
        }
        if count > 0 {
            self.out.remarks.push(format!(
                "{count} of {all} rows of the file of {} are left out",
                kind.as_str()
            ));
            self.out.problems.extend(lines);
        }
        Ok(())
    }

    fn row(
        &mut self,
        open: &Open,
        row: &Row,
        context: Context<'a>,
        take: Take<'a>,
    ) -> Result<(), Bad> {
        let fields = match &row.fields {
            Ok(fields) => fields,
            Err(what) => return Err(Bad::row(what, "correct it in the source")),
        };
        if let Some((column, what, remedy)) = open.reading.misfit(fields) {
            return Err(Bad { column, what, remedy });
        }
        take(self, Cells { reading: &open.reading, fields }, context)
    }

    /// Whether a school's day is asked for.
    fn is_asked(&self, school: &SchoolId, at: Timestamp) -> bool {
        let zone = self.directory.schools.get(school).map(|school| &school.zone);
        let day = zone.map(|zone| local_date(at, zone));
        self.term.is_none_or(|term| day.is_some_and(|day| term.days.contains(day)))
    }

    fn hear(&mut self, school: SchoolId, at: Timestamp, fact: Fact) {
        self.events += 1;
        let event = EventId::new(format!("e{}", self.events)).expect("a good id");
        let source = SourceId::new("simulate").expect("a good id");
        let observation = Observation { source, event, school: school.clone(), fact };
        self.out.heard.entry(school).or_default().push(Heard { at, observation });
    }

    /// A time of the day of an instant, by the school's clock.
    fn on_day(&self, school: &SchoolId, at: Timestamp, before: i64, time: Time) -> Timestamp {
        let Some(school) = self.directory.schools.get(school) else { return at };
        let day = local_date(at, &school.zone);
        let day = if before > 0 { monday(day).yesterday().unwrap_or(day) } else { day };
        school.zone.to_timestamp(day.to_datetime(time)).unwrap_or(at)
    }

    fn lesson(&mut self, row: Cells<'_>, context: Context<'a>) -> Result<(), Bad> {
        let (school, lesson, planned) = rows::planned(row, context)?;
        for group in &planned.groups {
            let key = (school.clone(), group.clone(), lesson.start);
            self.by_group.insert(key, lesson.clone());
        }
        self.by_id.insert((school.clone(), lesson.id.clone()), lesson.clone());
        if !self.is_asked(&school, lesson.start) {
            return Ok(());
        }
        let usually = self.on_day(&school, lesson.start, 1, PLANNED_AT);
        let at = planned.modified_at.map_or(usually, |at| at.max(usually));
        self.hear(school, at, Fact::LessonPlanned { lesson, planned });
        Ok(())
    }

    fn notice(&mut self, row: Cells<'_>, context: Context<'a>) -> Result<(), Bad> {
        let noticed = rows::noticed(row, context)?;
        let last = noticed.notice.to - SignedDuration::from_secs(1);
        if !self.is_asked(&noticed.school, noticed.notice.from)
            && !self.is_asked(&noticed.school, last)
        {
            return Ok(());
        }
        let from = noticed.notice.from;
        let usually = self.on_day(&noticed.school, from, 0, NOTICED_AT);
        let at = noticed.recorded_at.unwrap_or(usually);
        let fact = Fact::Notified {
            pupil: noticed.pupil,
            notice: noticed.notice,
            withdrawn: noticed.withdrawn,
            recorded_at: noticed.recorded_at,
        };
        self.hear(noticed.school, at, fact);
        Ok(())
    }

    fn mark(&mut self, row: Cells<'_>, context: Context<'a>) -> Result<(), Bad> {
        let marked = rows::marked(row, context)?;
        let lesson = self.placed(&marked)?;
        if !self.is_asked(&marked.school, lesson.start) {
            return Ok(());
        }
        if context.directory.roster.pupil(&marked.school, &marked.pupil).is_none() {
            let remedy = "give the directory of that term with --directory";
            return Err(Bad::at("pupil", "is not in the directory of the school", remedy));
        }
        let length = lesson.end.duration_since(lesson.start).as_mins();
        let length = u32::try_from(length).unwrap_or_default();
        let provisional = context.meaning.provisional;
        let mark = marked.mark.unwrap_or_else(|| marked.counted.mark(length, provisional));
        self.undated += u64::from(marked.recorded_at.is_none());
        let at = marked.recorded_at.unwrap_or(lesson.start + MARKED_AFTER);
        let fact = Fact::Marked {
            pupil: marked.pupil,
            lesson,
            mark,
            minutes: marked.counted.minutes(length),
            register_closed: marked.register_closed,
            recorded_at: at,
            recorded_by: marked.recorded_by,
        };
        self.hear(marked.school, at, fact);
        Ok(())
    }

    /// The lesson that a row means: as the schedule has it, or as the row says.
    fn placed(&self, marked: &Marked) -> Result<Lesson, Bad> {
        let (school, meant) = (&marked.school, &marked.lesson);
        let by_id = meant.id.as_ref().and_then(|id| self.by_id.get(&(school.clone(), id.clone())));
        let by_group = || {
            let (group, start) = (meant.group.clone()?, meant.start?);
            self.by_group.get(&(school.clone(), group, start))
        };
        if let Some(lesson) = by_id.or_else(by_group) {
            return Ok(lesson.clone());
        }
        let unplaced = || {
            Bad::row(
                "names a lesson of which neither the row nor the schedule says when it is",
                "export start and end (or length) with the marks, or give schedule.csv",
            )
        };
        let (start, end) = meant.start.zip(meant.end).ok_or_else(unplaced)?;
        let made = || rows::made_id(school, meant.group.as_ref()?, start);
        let id = meant.id.clone().or_else(made).ok_or_else(unplaced)?;
        Ok(Lesson { id, start, end, label: meant.label.clone() })
    }
}

/// The schools that files of the directory speak of: for a configuration that has none of its own.
pub fn schools_of(pupils: &[u8]) -> BTreeSet<SchoolId> {
    let head = pupils.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let has_more = |one: char, other: char| head.matches(one).count() > head.matches(other).count();
    let delimiter = if has_more(';', ',') { b';' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(pupils);
    let column = reader.headers().ok().and_then(|head| {
        head.iter()
            .position(|name| name.trim_matches(['\u{feff}', ' ']).eq_ignore_ascii_case("school"))
    });
    let Some(column) = column else { return BTreeSet::new() };
    let rows = reader.records().flatten();
    rows.filter_map(|row| SchoolId::new(row.get(column)?.trim()).ok()).collect()
}
