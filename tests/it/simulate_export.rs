//! `upprop simulate --from`: the files that a school exports, and its directory; and what is said of files that cannot be
//! used, with their lines.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::world::upprop;

const PUPILS: &str = "id,school,given-name,class,birth-date,protection\n\
                      p1,a,Alva,7B,2013-02-15,none\np2,a,Nils,7B,2013-03-15,none\n";
const GUARDIANS: &str = "pupil,school,guardian,phone,may-receive\n\
                         p1,a,g1,070-174 06 05,yes\np2,a,g2,070-174 06 06,yes\n";
const SCHEDULE: &str = "school,lesson,groups,date,start,end\n\
                        a,l1,7B,2026-09-07,08:20,09:20\na,l2,7B,2026-09-07,09:30,10:30\na,l3,7B,2026-09-08,08:20,09:20\n";
const ABSENCES: &str = "school,pupil,date,recorded-at\na,p2,2026-09-07,2026-09-07T07:10:00+02:00\n";
const ATTENDANCE: &str = "school,pupil,lesson,mark,recorded-at\n\
                          a,p1,l1,unexcused,2026-09-07T08:25:00+02:00\n\
                          a,p2,l1,unexcused,2026-09-07T08:25:00+02:00\n\
                          a,p1,l2,excused,2026-09-07T09:40:00+02:00\n\
                          a,p1,l3,unexcused,\n";

fn export(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("a file");
    }
}

fn whole() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        ("pupils.csv", PUPILS),
        ("guardians.csv", GUARDIANS),
        ("schedule.csv", SCHEDULE),
        ("absences.csv", ABSENCES),
        ("attendance.csv", ATTENDANCE),
    ];
    export(folder.path(), &files);
    folder
}

fn simulate(folder: &Path, more: &[&str]) -> (i32, String, String, Value) {
    let (from, json) =
        (folder.display().to_string(), folder.join("out.json").display().to_string());
    let args = ["simulate", "--from", &from, "--json", &json, "--exact", "--undelivered", "0%"];
    let (code, out, err) = upprop(&[&args[..], more].concat());
    let json = fs::read_to_string(&json).ok().and_then(|text| serde_json::from_str(&text).ok());
    (code, out, err, json.unwrap_or_default())
}

#[test]
fn an_export_is_lived_through_as_it_was_heard() {
    let folder = whole();
    let (code, out, err, json) = simulate(folder.path(), &[]);
    assert_eq!(code, 0, "{err}");
    let figures = &json["runs"][0]["figures"];
    // Of the other pupil's lesson there was a notice, and of the second lesson an excuse.
    assert_eq!(figures["alarms"], 2, "{out}");
    assert_eq!(figures["sent-absence (sms)"], 2, "{out}");
    assert_eq!(figures["sent-team-alert (email)"], 2, "{out}");
    assert_eq!((&figures["marks"], &figures["notices"]), (&4.into(), &1.into()));
    assert_eq!((&figures["excused"], &figures["unexcused"]), (&2.into(), &2.into()));
    assert!(out.contains("1 marks have no recorded-at"), "{out}");
    // A part of the days.
    let (code, out, err, json) = simulate(folder.path(), &["--term", "2026-09-08"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(json["runs"][0]["figures"]["alarms"], 1, "{out}");
}

#[test]
fn what_cannot_be_used_is_told_with_file_line_and_remedy() {
    let head = "school,pupil,lesson,mark,recorded-at\n";
    let many = |row: &str| {
        format!("{head}{}{row}\n", "a,p1,l1,unexcused,2026-09-07T08:25:00+02:00\n".repeat(12))
    };
    let lacking = "school,pupil,mark\na,p1,unexcused\n";
    for (what, name, text, more, code, told) in [
        (
            "no column for the lesson",
            "attendance.csv",
            lacking.to_owned(),
            None,
            65,
            &["attendance.csv:1:", "lesson or group", "export it too"][..],
        ),
        (
            "an unknown column",
            "attendance.csv",
            "school,pupil,lesson,mark,colour\n".into(),
            None,
            65,
            &["attendance.csv:1:", "colour"],
        ),
        (
            "only unknown pupils",
            "attendance.csv",
            format!("{head}a,p9,l1,unexcused,\n"),
            None,
            65,
            &["attendance.csv:2: pupil", "not in the directory", "--directory", "1 of 1 rows"],
        ),
        (
            "a lesson of which nobody knows when it is",
            "attendance.csv",
            format!("{head}a,p1,l9,unexcused,\n"),
            None,
            65,
            &["attendance.csv:2:", "schedule.csv"],
        ),
        (
            "no day of the term",
            "attendance.csv",
            ATTENDANCE.into(),
            Some("2026-10-01..2026-10-02"),
            65,
            &["holds no mark in 2026-10-01..2026-10-02", "--term"],
        ),
        (
            "a directory that is damaged",
            "guardians.csv",
            "pupil,school\n".into(),
            None,
            65,
            &["guardians.csv"],
        ),
        (
            "one bad row of many is left out",
            "attendance.csv",
            many("a,p9,l1,unexcused,"),
            None,
            0,
            &["attendance.csv:14: pupil"],
        ),
        (
            "a bad word of many",
            "attendance.csv",
            many("a,p1,l1,sleeping,"),
            None,
            0,
            &["attendance.csv:14: mark", "marks"],
        ),
    ] {
        let folder = whole();
        export(folder.path(), &[(name, &text)]);
        let more = more.map_or(Vec::new(), |term| vec!["--term", term]);
        let (found, out, err, _) = simulate(folder.path(), &more);
        assert_eq!(found, code, "{what}: {out}{err}");
        for part in told {
            assert!(err.contains(part), "{what}: {part:?} in {err}");
        }
        if code == 0 {
            assert!(out.contains("1 of 13 rows"), "{what}: {out}");
        } else {
            assert_eq!(out, "", "{what}");
        }
        for personal in ["Alva", "Nils", "174 06"] {
            assert!(!err.contains(personal), "{what}: {err}");
        }
    }
    let folder = whole();
    fs::remove_file(folder.path().join("attendance.csv")).expect("removed");
    let (code, _, err, _) = simulate(folder.path(), &[]);
    assert!(code == 65 && err.contains("attendance.csv: cannot be read"), "{err}");
    fs::remove_file(folder.path().join("pupils.csv")).expect("removed");
    let (code, _, err, _) = simulate(folder.path(), &[]);
    assert!(code == 2 && err.contains("--directory"), "{err}");
}

#[test]
fn words_that_do_not_go_together_are_told() {
    for (args, code, told) in [
        (&["--generate", "10"][..], 2, "--term"),
        (&["--generate", "10", "--term", "2026-summer"], 2, "2026-autumn"),
        (&["--generate", "10", "--term", "2026-08-22..2026-08-23"], 65, "no school day"),
        (&["--generate", "0", "--term", "2026-autumn"], 2, "1..="),
        (&["--term", "2026-autumn"], 2, "--generate"),
        (&["--generate", "10", "--from", "x", "--term", "2026-autumn"], 2, "cannot be used with"),
        (
            &["--generate", "10", "--term", "2026-autumn", "--config", "/no/such.toml"],
            78,
            "/no/such.toml",
        ),
        (&["--journal", "/no/such", "--directory", "/no/such"], 65, "holds no journal"),
        (
            &["--generate", "10", "--term", "2026-08-24", "--html", "/no/such/page.html"],
            73,
            "/no/such/page.html",
        ),
    ] {
        let (found, out, err) = upprop(&[&["simulate"], args].concat());
        assert_eq!(found, code, "{args:?}: {out}{err}");
        assert!(err.contains(told), "{args:?}: {err}");
    }
}
