//! `upprop simulate` of a made-up term: what it counts is what follows from the marks, counted here by hand from the
//! same marks; the same seed gives the same files; a configuration beside itself shows no difference.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;
use upprop::directory::{Protection, School};
use upprop::model::{AdvanceNotice, Fact, Lesson, LessonId, Mark, PupilId};
use upprop::simulate::made::{Shares, given};
use upprop::simulate::{Given, Term, settings};

use crate::world::upprop;

const TERM: &str = "2026-08-24..2026-09-04";
const PUPILS: usize = 300;

/// Everybody is told of each lesson at once, and nothing is held: what leaves follows from the marks alone.
const PLAIN: &str = r#"
[mail]
host = "relay.example.se"
from = "franvaro@skola.example"
[providers.elks]
kind = "46elks"
username-file = "u"
password-file = "p"
rate = "10000/s"
[delivery]
recipient-rate = "off"
[schools.s]
name = "Skola"
team-email = "team@skola.example"
phone = "070-174 06 99"
sender-id = "Skola"
sms-provider = "elks"
grace = "0s"
correction-settle = "0s"
quiet-hours = "off"
volume-class = "off"
volume-school = "off"
volume-source = "off"
volume-usual = 0
most-a-day = 0
"#;

/// What follows from what is heard.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    alarms: u64,
    corrected: u64,
    team: u64,
    unexcused: u64,
    excused: u64,
}

struct Seen {
    lesson: Lesson,
    mark: Mark,
    missing: bool,
    told: u64,
    /// Whether the pupil was missing, since when.
    history: Vec<(Timestamp, bool)>,
}

/// The same by brute force: mark for mark, without a store, a policy or a dispatcher.
fn counted(given: &Given) -> Expected {
    let mut seen: BTreeMap<(PupilId, LessonId), Seen> = BTreeMap::new();
    let mut notices: BTreeMap<PupilId, Vec<AdvanceNotice>> = BTreeMap::new();
    let mut expected = Expected::default();
    for heard in &given.heard {
        let pupil = match &heard.observation.fact {
            Fact::Marked { pupil, lesson, mark, .. } => {
                let key = (pupil.clone(), lesson.id.clone());
                let new = || Seen {
                    lesson: lesson.clone(),
                    mark: *mark,
                    missing: false,
                    told: 0,
                    history: Vec::new(),
                };
                seen.entry(key).or_insert_with(new).mark = *mark;
                pupil
            }
            Fact::Notified { pupil, notice, .. } => {
                notices.entry(pupil.clone()).or_default().push(*notice);
                pupil
            }
            _ => continue,
        };
        let row = given.roster.pupil(&given.school, pupil).expect("in the directory");
        let adult = row.birth_date.is_some_and(|day| day.year() < 2009);
        let home = row.guardians.iter().filter(|link| link.may_receive && !link.deny);
        let home =
            home.filter(|link| given.roster.guardians[&link.guardian].is_reachable()).count();
        let home = if row.protection == Protection::None && !adult { home } else { 0 };
        let home = u64::try_from(home).expect("few");
        let own = notices.get(pupil).cloned().unwrap_or_default();
        for (_, one) in seen.iter_mut().filter(|((of, _), _)| of == pupil) {
            let explained =
                own.iter().any(|n| n.from <= one.lesson.start && one.lesson.end <= n.to);
            let missing = one.mark == Mark::Unexcused && !explained;
            if missing && !one.missing {
                expected.alarms += home;
                one.told = home;
            } else if !missing && one.missing {
                expected.corrected += std::mem::take(&mut one.told);
            }
            one.missing = missing;
            one.history.push((heard.at, missing));
        }
    }
    for one in seen.values() {
        let at_end = one.history.iter().rev().find(|(at, _)| *at <= one.lesson.end);
        expected.team += u64::from(at_end.is_some_and(|(_, missing)| *missing));
        expected.unexcused += u64::from(one.missing);
        let is_away = matches!(one.mark, Mark::Excused | Mark::Unexcused);
        expected.excused += u64::from(is_away && !one.missing);
    }
    expected
}

fn simulate(folder: &Path, more: &[&str]) -> (String, Value) {
    let json = folder.join("out.json").display().to_string();
    let pupils = PUPILS.to_string();
    let args = ["simulate", "--generate", &pupils, "--term", TERM, "--json", &json, "--exact"];
    let (code, out, err) = upprop(&[&args[..], more].concat());
    assert_eq!(code, 0, "{err}");
    let json = serde_json::from_str(&fs::read_to_string(&json).expect("JSON")).expect("JSON");
    (out, json)
}

fn like() -> School {
    let report = settings::built_in();
    report.config.expect("good").schools.into_values().next().expect("a school")
}

#[test]
fn what_is_counted_follows_from_the_marks() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("plain.toml");
    fs::write(&config, PLAIN).expect("a file");
    let config = config.display().to_string();
    let more = ["--config", &config, "--undelivered", "0%", "--seed", "5"];
    let (_, json) = simulate(folder.path(), &more);
    let figures = &json["runs"][0]["figures"];
    let term = Term::parse(TERM).expect("a term");
    let mut school = like();
    school.id = "made-001".to_owned().try_into().expect("id");
    let given = given(5, 0, PUPILS, &school, &term, Shares::default());
    let expected = counted(&given);
    let number = |key: &str| figures[key].as_u64().unwrap_or_default();
    let found = Expected {
        alarms: number("alarms"),
        corrected: number("corrected"),
        team: number("sent-team-alert (email)"),
        unexcused: number("unexcused"),
        excused: number("excused"),
    };
    assert!(expected.alarms > 50 && expected.corrected > 20 && expected.team > 10, "{expected:?}");
    assert_eq!(found, expected, "{json:#}");
    assert_eq!(number("pupils"), 300);
    assert_eq!(number("not-received"), 0);
    let corrections = number("sent-correction (sms)") + number("sent-correction (email)");
    assert!(
        corrections >= expected.corrected,
        "a correction at least for each who was told: {corrections}"
    );
    assert_eq!(number("texts") + number("mails"), {
        let sent = figures.as_object().expect("figures");
        sent.iter()
            .filter(|(key, _)| key.starts_with("sent-"))
            .map(|(_, n)| n.as_u64().unwrap_or(0))
            .sum::<u64>()
    });
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_a_configuration_is_like_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("plain.toml");
    fs::write(&config, PLAIN).expect("a file");
    let config = config.display().to_string();
    let html = |name: &str| folder.path().join(name).display().to_string();
    let (one, other) = (html("one.html"), html("other.html"));
    let beside = ["--config", &config, "--against", &config, "--price-per-part", "0.35"];
    let (text, json) =
        simulate(folder.path(), &[&beside[..], &["--html", &one, "--threads", "1"]].concat());
    let again =
        simulate(folder.path(), &[&beside[..], &["--html", &other, "--threads", "2"]].concat());
    assert_eq!((text.clone(), json.clone()), again);
    let page = fs::read_to_string(&one).expect("a page");
    assert_eq!(page, fs::read_to_string(&other).expect("a page"));
    assert_eq!(json["runs"][0], json["runs"][1]);
    let rows = text.lines().filter(|line| line.starts_with("  ") && !line.contains("plain.toml"));
    for row in rows {
        assert!(row.ends_with('='), "no difference: {row}");
    }
    for outside in ["http://", "https://", "<script", "<link", " src="] {
        assert!(!page.contains(outside), "{outside} in the page");
    }
    assert!(!page.contains("made-001-p"), "no pupil is named");
}

#[test]
fn the_report_of_the_term_leaves_on_its_last_day_to_team_and_principal() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("plain.toml");
    let with_terms = |at: &str| {
        let school = format!("calendar = \"year\"\nterm-report-at = \"{at}\"\n");
        format!("{PLAIN}{school}[calendars.year]\nterms = [\"{TERM}\"]\n")
    };
    for (at, mails) in [("16:30", Value::from(2)), ("off", Value::Null)] {
        fs::write(&config, with_terms(at)).expect("a file");
        let (_, json) = simulate(folder.path(), &["--config", &config.display().to_string()]);
        let figures = &json["runs"][0]["figures"];
        assert_eq!(figures["sent-term-report (email)"], mails, "{at}: {figures:#}");
    }
}

#[test]
fn small_counts_are_hidden_unless_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("out.json").display().to_string();
    let args =
        ["simulate", "--generate", "60", "--term", "2026-08-24..2026-08-26", "--json", &json];
    let (code, text, err) = upprop(&args);
    assert_eq!(code, 0, "{err}");
    let found = fs::read_to_string(&json).expect("JSON");
    assert!(found.contains("\"<5\"") && text.contains("<5"), "{text}");
    let json: Value = serde_json::from_str(&found).expect("JSON");
    for (key, value) in json["runs"][0]["figures"].as_object().expect("figures") {
        let small = value.as_u64().is_some_and(|count| (1..5).contains(&count));
        // Minutes are about nobody.
        assert!(!small || key.starts_with("delay") || key == "schools", "{key}: {value}");
    }
}
