//! The arrows between the rooms, the opening line of every file, and the size of files: what keeps
//! one crate as strict as a workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms each room may import. Leftwards only: a room may name rooms above it.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("report", &[]),
    ("calendar", &["model"]),
    ("ladder", &["model", "calendar"]),
    ("programme", &["model", "calendar"]),
    ("directory", &["model", "calendar", "ladder", "programme"]),
    ("occasion", &["model"]),
    ("policy", &["model", "calendar", "programme", "directory"]),
    ("message", &["model", "directory", "report"]),
    ("channel", &["model"]),
    ("limits", &["model"]),
    ("metrics", &["model"]),
    ("store", &["model", "metrics"]),
    ("env", &["model", "channel"]),
    ("lifecycle", &[]),
    ("intake", &["model", "directory", "occasion", "policy", "ladder", "store", "env"]),
    (
        "delivery",
        &[
            "model",
            "calendar",
            "programme",
            "directory",
            "policy",
            "ladder",
            "message",
            "channel",
            "limits",
            "metrics",
            "store",
            "env",
            "intake",
        ],
    ),
    (
        "operate",
        &[
            "model",
            "calendar",
            "ladder",
            "programme",
            "directory",
            "policy",
            "store",
            "env",
            "intake",
            "delivery",
        ],
    ),
    ("source", &["model", "directory", "limits", "metrics", "store", "env", "intake"]),
    (
        "web",
        &[
            "model",
            "directory",
            "ladder",
            "message",
            "limits",
            "metrics",
            "store",
            "env",
            "intake",
            "delivery",
            "operate",
            "source",
        ],
    ),
    ("sim", &["model", "env", "source"]),
    ("config", &["model", "calendar", "ladder", "programme", "directory", "channel"]),
    (
        "app",
        &[
            "model",
            "directory",
            "ladder",
            "message",
            "channel",
            "limits",
            "metrics",
            "store",
            "env",
            "lifecycle",
            "intake",
            "delivery",
            "operate",
            "source",
            "web",
            "config",
        ],
    ),
    (
        "simulate",
        &[
            "model",
            "calendar",
            "directory",
            "message",
            "channel",
            "store",
            "env",
            "intake",
            "delivery",
            "source",
            "sim",
            "report",
            "config",
            "app",
        ],
    ),
    (
        "cli",
        &[
            "model",
            "calendar",
            "programme",
            "directory",
            "ladder",
            "message",
            "channel",
            "store",
            "env",
            "lifecycle",
            "delivery",
            "operate",
            "source",
            "web",
            "config",
            "app",
            "sim",
            "report",
            "simulate",
        ],
    ),
    ("main", &["cli"]),
];

/// Rooms that decide: values in, values out.
const PURE: &[&str] = &[
    "model",
    "report",
    "calendar",
    "ladder",
    "programme",
    "directory",
    "occasion",
    "policy",
    "message",
    "channel",
    "limits",
];

/// What a deciding room may not name, and the files that may: they read a folder when told to.
const DOORS: &[&str] = &["tokio::", "reqwest::", "std::net::Tcp", "std::fs", "std::time::Instant"];
const READERS: &[&str] = &["directory/load.rs", "message/folder.rs", "message/templates.rs"];

const MAX_LINES: usize = 500;

/// The files of `src`.
fn files() -> Vec<(String, String)> {
    files_in("src")
}

/// The Rust files below a folder of the project, by their path in it.
fn files_in(folder: &str) -> Vec<(String, String)> {
    fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("src is readable") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths = Vec::new();
    walk(&src, &mut paths);
    paths.sort();
    let relative = |p: &Path| p.strip_prefix(&src).expect("under src").display().to_string();
    paths.iter().map(|p| (relative(p), fs::read_to_string(p).expect("UTF-8"))).collect()
}

fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

fn is_test(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.contains("test") || name == "conformance.rs" || file.contains("/tests/")
}

/// A file without the test module that stands in it; one that stands in another file is only named.
fn code(text: &str) -> &str {
    let inline = |(at, start): (usize, &str)| {
        let name = text[at + start.len()..].lines().next().unwrap_or_default();
        name.trim_end().ends_with('{').then_some(at)
    };
    text.match_indices("#[cfg(test)]\nmod ").find_map(inline).map_or(text, |at| &text[..at])
}

/// The rooms a file names, its own test module aside.
fn named(text: &str) -> BTreeSet<String> {
    let code = code(text);
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let inside = braced(group);
            let mut depth = 0;
            let mut start = 0;
            let bytes = inside.as_bytes();
            for i in 0..=bytes.len() {
                match bytes.get(i) {
                    Some(b'{') => depth += 1,
                    Some(b'}') => depth -= 1,
                    Some(b',') | None if depth == 0 => {
                        rooms.insert(word(inside[start..i].trim()));
                        start = i + 1;
                    }
                    _ => {}
                }
            }
        } else {
            rooms.insert(word(rest));
        }
    }
    rooms.remove("");
    rooms
}

fn braced(text: &str) -> &str {
    let mut depth = 1;
    for (i, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..i];
        }
    }
    text
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

#[test]
fn rooms_import_leftwards_only() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (file, text) in files() {
        let room = room(&file);
        if room == "lib" || is_test(&file) {
            continue;
        }
        let Some(allowed) = arrows.get(room) else {
            wrong.push(format!("{file}: the room `{room}` is not in the list of arrows"));
            continue;
        };
        for other in named(&text) {
            if arrows.contains_key(other.as_str()) && other != room && !allowed.contains(&&*other) {
                wrong.push(format!("{file}: {room} may not import {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_arrows_have_no_circle() {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for (room, allowed) in ARROWS {
        for other in *allowed {
            assert!(done.contains(other), "{room} imports {other}, which does not stand before it");
        }
        done.insert(room);
    }
}

#[test]
fn deciding_rooms_have_no_doors() {
    let mut wrong = Vec::new();
    for (file, text) in files() {
        if !PURE.contains(&room(&file)) || READERS.contains(&file.as_str()) || is_test(&file) {
            continue;
        }
        let code = code(&text);
        for door in DOORS {
            let used = code.lines().any(|l| !l.trim_start().starts_with("//") && l.contains(door));
            if used {
                wrong.push(format!("{file} names {door}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_is_small() {
    let mut wrong = Vec::new();
    let folders = ["src", "tests", "benches", "fuzz/src", "fuzz/fuzz_targets"];
    for (file, text) in folders.into_iter().flat_map(files_in) {
        if !text.starts_with("//! ") {
            wrong.push(format!("{file}: does not open with //!"));
        }
        let lines = text.lines().count();
        if lines > MAX_LINES {
            wrong.push(format!("{file}: {lines} lines; {MAX_LINES} at most"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_import_reader_reads_imports() {
    let text = "use crate::{model::{A, B}, store};\nlet x = crate::env::clock();";
    let found: Vec<_> = named(text).into_iter().collect();
    assert_eq!(found, ["env", "model", "store"]);
    let text =
        "#[cfg(test)]\nmod tests;\nuse crate::web;\n#[cfg(test)]\nmod more {\nuse crate::app;\n}";
    assert_eq!(named(text).into_iter().collect::<Vec<_>>(), ["web"]);
}
