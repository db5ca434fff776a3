//! What rows say, and what is said of those that say nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::directory::{Directory, Roster, School, testing};
use crate::source::drop::file::Open;
use crate::source::drop::folder;
use crate::source::drop::records::Fields;
use crate::source::drop::settings::{Layout, Writing};
use crate::source::drop::text::Encoding;

fn meaning() -> Meaning {
    let word = |word: &str, mark| (word.to_owned(), mark);
    Meaning {
        marks: [word("o", Mark::Unexcused), word("g", Mark::Excused)].into(),
        notices: [("ledighet".to_owned(), NoticeKind::Leave)].into(),
        schools: [("björkskolan".to_owned(), SchoolId::new("bjork").expect("id"))].into(),
        times: Vec::new(),
        provisional: false,
    }
}

fn directory() -> Directory {
    let (school, pupil) = (testing::settings(), testing::pupil("bjork", "p1"));
    let others = (3..7).map(|n| testing::pupil("bjork", &format!("p-00000{n}")));
    let school = School { id: pupil.school.clone(), ..school };
    let mut roster = Roster::default();
    let pupils = roster.pupils.entry(school.id.clone()).or_default();
    pupils.extend(others.chain([pupil]).map(|pupil| (pupil.id.clone(), pupil)));
    let schools = [(school.id.clone(), school)].into();
    Directory { schools: Arc::new(schools), roster: Arc::new(roster) }
}

/// Reads one row of a kind.
fn with<T>(
    kind: Kind,
    head: &str,
    line: &str,
    read: impl Fn(Cells<'_>, Context<'_>) -> Result<T, Bad>,
) -> Result<T, String> {
    let cells = |text: &str| text.split(';').map(str::to_owned).collect::<Vec<_>>();
    let reading =
        Reading::of(kind, None, Some(&cells(head)), false).map_err(|fault| fault.to_string())?;
    if let Some(fault) = lacks(kind, &reading) {
        return Err(fault.to_string());
    }
    let (meaning, directory) = (meaning(), directory());
    let now = "2026-11-26T12:00:00Z".parse().expect("time");
    let context = Context { directory: &directory, schools: None, meaning: &meaning, now };
    let fields = Fields::Cells(cells(line));
    read(Cells { reading: &reading, fields: &fields }, context)
        .map_err(|bad| format!("{}: {}; {}", bad.column.unwrap_or_default(), bad.what, bad.remedy))
}

const HEAD: &str = "school;pupil;lesson;group;date;start;end;mark;recorded-at";

#[test]
fn marks() {
    let read = |line: &str| with(Kind::Attendance, HEAD, line, marked);
    let row = read("Björkskolan;p1;l1;;2026-11-26;08:10;09:00;O;2026-11-26 08:12").expect("good");
    assert_eq!((row.school.as_str(), row.mark), ("bjork", Some(Mark::Unexcused)));
    assert_eq!(row.lesson.start, Some("2026-11-26T07:10:00Z".parse().expect("time")));
    assert_eq!(row.recorded_at, Some("2026-11-26T07:12:00Z".parse().expect("time")));
    assert_eq!(read("bjork;p1;;7B;2026-11-26;08:10;;;").expect("good").mark, None);
    for (line, words) in [
        ("bjork;;l1;;2026-11-26;08:10;09:00;O;", "pupil: is empty"),
        ("tall;p1;l1;;2026-11-26;08:10;09:00;O;", "school: is not a school"),
        ("bjork;p1;;;2026-11-26;08:10;09:00;O;", "names no lesson"),
        ("bjork;p1;;7B;;;;O;", "names no lesson"),
        ("bjork;p1;l1;;2026-11-26;08:10;08:10;O;", "end: is not after start"),
        ("bjork;p1;l1;;1895-01-01;08:10;09:10;O;", "date: has a year"),
        ("bjork;p1;l1;;2026-11-26;08:10;09:00;X;", "say in `marks`"),
        ("bjork;p1;l1;;2026-11-26;08:10;09:00;O;2026-11-26 14:00", "ahead of this server's clock"),
    ] {
        let error = read(line).expect_err(words);
        assert!(error.contains(words), "{error}");
    }
    for (head, words) in [("pupil;mark", "lesson or group"), ("pupil;lesson", "mark, or minutes")] {
        assert!(with(Kind::Attendance, head, "", marked).expect_err(words).contains(words));
    }
}

#[test]
fn minutes_to_marks() {
    let counted = |reported, present, excused, unexcused, other| Counted {
        reported,
        present: Some(present),
        excused: Some(excused),
        unexcused: Some(unexcused),
        other: Some(other),
    };
    for (row, provisional, mark) in [
        (counted(Some(false), 0, 0, 0, 0), true, Mark::Unknown),
        (counted(Some(false), 0, 0, 50, 0), false, Mark::Unknown),
        (counted(Some(false), 0, 0, 50, 0), true, Mark::Unexcused),
        (counted(Some(false), 50, 0, 0, 0), true, Mark::Unknown),
        (counted(Some(true), 0, 0, 50, 0), false, Mark::Unexcused),
        (counted(Some(true), 0, 10, 30, 0), false, Mark::Unexcused),
        (counted(Some(true), 40, 0, 10, 0), false, Mark::Late),
        (counted(None, 5, 0, 50, 0), false, Mark::Unexcused),
        (counted(Some(true), 0, 50, 0, 0), false, Mark::Excused),
        (counted(Some(true), 0, 0, 0, 50), false, Mark::OtherActivity),
        (counted(Some(true), 50, 0, 0, 0), false, Mark::Present),
        (counted(Some(true), 0, 0, 0, 0), false, Mark::Unknown),
        (Counted::default(), false, Mark::Unknown),
    ] {
        assert_eq!(row.mark(50, provisional), mark, "{row:?}");
    }
    assert_eq!(Counted::default().minutes(50), None);
    let minutes = counted(None, 5, 10, 35, 0).minutes(50).expect("counted");
    assert_eq!((minutes.absent, minutes.scheduled), (45, 50));
    let head = "pupil;lesson;unexcused-minutes;reported";
    for (line, good) in [
        ("p1;l;40;ja", true),
        ("p1;l;40,0;1", true),
        ("p1;l;-5;ja", false),
        ("p1;l;1441;nej", false),
    ] {
        assert_eq!(with(Kind::Attendance, head, line, marked).is_ok(), good, "{line}");
    }
}

#[test]
fn lessons() {
    let head = "school;lesson;groups;start;end;label;teachers;cancelled;registered";
    let read = |line: &str| with(Kind::Schedule, head, line, planned);
    let (_, lesson, plan) =
        read("bjork;;7B | 7A,7B;2026-11-26 08:10;2026-11-26 09:00;Ma;t1;nej;").expect("good");
    assert_eq!(plan.groups.iter().map(GroupId::as_str).collect::<Vec<_>>(), ["7A", "7B"]);
    assert!(plan.registered && !plan.cancelled);
    let again = read("bjork;;7A|7B;2026-11-26T07:10:00Z;2026-11-26 09:30;;;ja;nej").expect("good");
    assert_eq!(again.1.id, lesson.id, "the same groups and start are the same lesson");
    assert!(again.2.cancelled && !again.2.registered);
    for (line, words) in [
        ("bjork;;;2026-11-26 08:10;2026-11-26 09:00;;;;", "neither an id"),
        ("bjork;l1;;;2026-11-26 09:00;;;;", "start: is empty"),
        ("bjork;l1;;2026-11-26 08:10;;;;;", "end: is empty"),
        ("bjork;l1;;2026-11-26 08:10;2026-11-28 09:00;;;;", "24 hours"),
        ("bjork;l1;;2026-11-26 08:10;2026-11-26 09:00;;;kanske;", "cancelled: is neither"),
    ] {
        assert!(read(line).expect_err(words).contains(words), "{line}");
    }
}

#[test]
fn notices() {
    let read = |head: &str, line: &str| with(Kind::Absences, head, line, noticed);
    let span = |row: Noticed| (row.notice.from.to_string(), row.notice.to.to_string());
    let day = ("2026-11-25T23:00:00Z".to_owned(), "2026-11-26T23:00:00Z".to_owned());
    assert_eq!(span(read("pupil;date", "p1;2026-11-26").expect("good")), day);
    assert_eq!(span(read("pupil;from;to", "p1;2026-11-26;2026-11-26").expect("good")), day);
    let row = read("pupil;date;from;to;kind;withdrawn", "p1;2026-11-26;08:00;12:00;Ledighet;ja");
    let row = row.expect("good");
    assert!(row.withdrawn && row.notice.kind == NoticeKind::Leave);
    assert_eq!(span(row), ("2026-11-26T07:00:00Z".into(), "2026-11-26T11:00:00Z".into()));
    for (head, line, words) in [
        ("pupil;from;to", "p1;2026-11-26 12:00;2026-11-26 08:00", "to: is not after"),
        ("pupil;from;to", "p1;2026-11-26 12:00;", "to: is empty"),
        ("pupil;from;to", "p1;2024-11-26;2026-11-26", "400 days"),
        ("pupil;date;kind", "p1;2026-11-26;Semester", "say in `notices`"),
    ] {
        assert!(read(head, line).expect_err(words).contains(words), "{line}");
    }
}

#[test]
fn the_examples_that_ship_are_good() {
    let (meaning, directory) = (meaning(), directory());
    let now = "2026-11-26T12:00:00Z".parse().expect("time");
    let context = Context { directory: &directory, schools: None, meaning: &meaning, now };
    let writing = Writing {
        encoding: Encoding::Utf8,
        delimiter: None,
        head: true,
        columns: BTreeMap::new(),
        layout: Layout::Upprop,
    };
    for (kind, name) in [
        (Kind::Attendance, "attendance.csv"),
        (Kind::Schedule, "schedule.csv"),
        (Kind::Absences, "absences.jsonl"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples").join(name);
        let about = folder::about(&path).expect("readable").expect("there");
        let mut open = Open::new(&path, about, kind, &writing).unwrap_or_else(|_| panic!("{name}"));
        let rows = open.batch(10).unwrap_or_else(|_| panic!("{name}"));
        assert_eq!(rows.len(), 2, "{name}");
        for row in rows {
            let fields = row.fields.expect("a row");
            assert_eq!(open.reading.misfit(&fields), None, "{name}");
            let cells = Cells { reading: &open.reading, fields: &fields };
            let read = match kind {
                Kind::Attendance => marked(cells, context).map(|_| ()),
                Kind::Schedule => planned(cells, context).map(|_| ()),
                _ => noticed(cells, context).map(|_| ()),
            };
            assert_eq!(read, Ok(()), "{name} line {}", row.line);
        }
    }
}
