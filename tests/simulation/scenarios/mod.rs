//! The table of scenarios, which a school's principal can read: each is played on the whole daemon on simulated
//! time, and every message that leaves must be one that is expected there, at its minute, and the other way round.

mod acts;
mod backup;
mod discreet;
mod people;
mod roster;
mod script;
mod stage;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// Plays them, as many at once as there are processors; what was wrong, in their order.
fn play(scripts: &[(String, Script)]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let bad = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((name, script)) = scripts.get(at) else { break };
                    if let Some(words) = difference(&script.expected, &stage::play(script)) {
                        let words = format!("{name}: {}\n{words}\n", script.title);
                        bad.lock().expect("nothing panics with it").insert(at, words);
                    }
                }
            });
        }
    });
    bad.into_inner().expect("bad").into_values().collect()
}

#[test]
fn every_scenario_sends_what_it_says_and_nothing_else() {
    let only = std::env::var("UPPROP_SCENARIO").ok();
    let mut scripts = Vec::new();
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
            scripts.push((name.clone(), script));
        }
    }
    let bad = play(&scripts);
    assert!(bad.is_empty(), "\n{}", bad.concat());
    let played = scripts.len();
    assert!(only.is_some() || played >= FEWEST, "{played} scenarios, of {FEWEST}");
}
