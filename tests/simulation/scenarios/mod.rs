//! The table of scenarios, which a school's principal can read: each is played on the whole daemon on simulated
//! time, and every message that leaves must be one that is expected there, at its minute, and the other way round.

mod discreet;
mod people;
mod script;
mod stage;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use script::{File, Line, Script};
use stage::Sent;

/// The fewest there are.
const FEWEST: usize = 60;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// Whether a message that was sent is this line.
fn is(line: &Line, sent: &Sent) -> bool {
    let mut rest = sent.text.as_str();
    let says = line.says.iter().all(|piece| match rest.find(piece.as_str()) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    });
    says && line.at == sent.minute() && line.by == sent.by && line.to == sent.to
}

/// What was expected and not sent, and what was sent and not expected.
fn difference(expected: &[Line], sent: &[Sent]) -> Option<String> {
    let mut left: Vec<&Sent> = sent.iter().collect();
    let mut words = String::new();
    for line in expected {
        match left.iter().position(|sent| is(line, sent)) {
            Some(at) => drop(left.remove(at)),
            None => writeln!(words, "    not sent: {line}").expect("a text"),
        }
    }
    for sent in left {
        writeln!(words, "    not expected: {sent}").expect("a text");
    }
    (!words.is_empty()).then_some(words)
}

#[test]
fn every_scenario_sends_what_it_says_and_nothing_else() {
    let only = std::env::var("UPPROP_SCENARIO").ok();
    let (mut bad, mut played) = (String::new(), 0);
    let mut files: Vec<_> = fs::read_dir(folder()).expect("the folder").flatten().collect();
    files.sort_by_key(fs::DirEntry::file_name);
    for file in files {
        let path = file.path();
        if path.extension().is_none_or(|kind| kind != "toml") {
            continue;
        }
        let name = file.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a file");
        let read: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for written in &read.scenario {
            if only.as_ref().is_some_and(|only| !written.title.contains(only.as_str())) {
                continue;
            }
            let script = Script::read(written)
                .unwrap_or_else(|why| panic!("{name}: {:?}: {why}", written.title));
            played += 1;
            if let Some(words) = difference(&script.expected, &stage::play(&script)) {
                writeln!(bad, "{name}: {}\n{words}", script.title).expect("a text");
            }
        }
    }
    assert!(bad.is_empty(), "\n{bad}");
    assert!(only.is_some() || played >= FEWEST, "{played} scenarios, of {FEWEST}");
}
