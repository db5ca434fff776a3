//! Whole files: good ones, faults that come together, and texts that nobody meant.

mod problems;
mod shipped;

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn alone() -> Loader {
    Loader {
        credentials_dir: None,
        base_dir: PathBuf::from("/etc/upprop"),
        secrets: Secrets::Skipped,
    }
}

fn read(text: &str) -> Report {
    load_text("upprop.toml", text, &alone())
}

/// A file that is right, with one thing changed by each test.
const GOOD: &str = r#"
public-url = "https://upprop.example.se"
[mail]
host = "relay.example.se"
from = "franvaro@example.se"
[providers.elks]
kind = "46elks"
username-file = "u"
password-file = "p"
receipt-secret-file = "r"
[sources.trial]
bearer-file = "token"
[schools.bjork]
name = "Björkskolan"
mode = "live"
team-email = "narvaro@example.se"
phone = "08-123 45 67"
sms-provider = "elks"
"#;

#[test]
fn a_good_file_has_no_problems() {
    let report = read(GOOD);
    assert_eq!(report.problems, []);
    let config = report.config.expect("good");
    let school = config.schools.values().next().expect("one school");
    assert_eq!((school.max_parts, school.grace), (3, jiff::SignedDuration::ZERO));
    assert_eq!(config.mail.expect("mail").message_id_domain, "example.se");
}

#[test]
fn all_problems_come_at_once_and_each_once() {
    let text = "[defaults]\ngrace = 1\n[schools.a]\nname = \"A\"\nmood = 1\n[schools.b]\nnome = \"B\"\n[server]\nlisten = 1\nbody-timeout = \"x\"\n";
    let report = read(text);
    let lines: Vec<_> = report
        .problems
        .iter()
        .filter(|p| p.severity == Severity::Error)
        .map(|p| (p.line, p.key.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            (Some(2), "defaults.grace"),
            (Some(3), "schools.a.phone"),
            (Some(5), "schools.a.mood"),
            (Some(6), "schools.b.name"),
            (Some(6), "schools.b.phone"),
            (Some(7), "schools.b.nome"),
            (Some(9), "server.listen"),
            (Some(10), "server.body-timeout"),
        ]
    );
}

#[test]
fn syntax_errors_come_at_once_too() {
    let report = read("a = \nb = ]\n[ok]\nc = 'x\n");
    assert!(report.count(Severity::Error) >= 2, "{:?}", report.problems);
    assert!(report.problems.iter().all(|p| p.line.is_some() && p.remedy.is_some()));
}

#[test]
fn a_school_inherits_and_overrides() {
    let text = GOOD.replace("[schools.bjork]", "[defaults]\ngrace = \"5m\"\nquiet-hours = \"off\"\nsms-rate = \"5/min\"\nphone = \"08-123 45 68\"\n[schools.alm]\nname = \"Alm\"\nquiet-hours = \"20:00-08:00\"\nsms-rate = \"off\"\n[schools.bjork]");
    let config = read(&text).config.expect("good");
    let [alm, bjork] = config.schools.values().collect::<Vec<_>>()[..] else {
        panic!("two schools")
    };
    assert_eq!(alm.grace, jiff::SignedDuration::from_mins(5));
    assert_eq!((alm.phone.as_str(), bjork.phone.as_str()), ("08-123 45 68", "08-123 45 67"));
    assert!(alm.quiet_hours.is_some() && alm.sms_rate.is_none());
    assert!(bjork.quiet_hours.is_none() && bjork.sms_rate.is_some());
}

/// Words from which random files are made, so that they come near to real ones.
const PIECES: [&str; 24] = [
    "[sources.a]\n",
    "[schools.b]\n",
    "[providers.c]\n",
    "[mail]\n",
    "[[mail]]\n",
    "[defaults]\n",
    "kind = \"http\"\n",
    "kind = \"46elks\"\n",
    "mode = \"live\"\n",
    "mode = 1979-05-27\n",
    "rate = \"1/s\"\n",
    "rate = [1, {a = 2}]\n",
    "sources.a = 1\n",
    "fields = 3\n",
    "fields.a = \"{to\"\n",
    "bearer-file = [\"/\", 1]\n",
    "schools = []\n",
    "guests = [\"åäö\"]\n",
    "grace = \"-1m\"\n",
    "url = \"https://å\"\n",
    "host = \"[\"\n",
    "\"\" = 1\n",
    "\"å b\" = \"c\"\n",
    "settle = 1e400\n",
];

proptest! {
    #[test]
    fn no_text_panics(text in "(\\PC|\n){0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn no_file_of_right_looking_pieces_panics(picks in proptest::collection::vec(0..PIECES.len(), 0..12)) {
        let text: String = picks.iter().map(|at| PIECES[*at]).collect();
        let report = read(&text);
        prop_assert_eq!(report.config.is_none(), report.count(Severity::Error) > 0);
        for problem in &report.problems {
            prop_assert!(!problem.to_string().is_empty());
        }
    }
}

#[test]
fn nesting_without_end_is_refused_and_not_followed() {
    for text in ["[", "{a=", "a."].map(|piece| format!("a = {}", piece.repeat(100_000))) {
        assert!(read(&text).config.is_none());
    }
    let dotted = format!("{}a = 1\n", "a.".repeat(10_000));
    assert!(read(&dotted).config.is_none());
}
