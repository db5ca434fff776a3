//! `upprop simulate --ladder`: the steps that stand are those that the marks come to; two ladders beside each other are
//! lived through with the same marks, and what only one has is told of that one.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::world::upprop;

/// One step for so many lessons missed without a valid reason in the term.
fn ladder(name: &str, lessons: u32) -> String {
    format!(
        r#"
name = "{name}"
title = {{ sv = "Prov", en = "Trial" }}
from = 2026-08-01
source = "made up"
[[step]]
id = "each"
title = {{ sv = "Varje", en = "Each" }}
when = {{ every = "unexcused", unit = "lesson" }}
[[step.duty]]
id = "call"
owner = "attendance-team"
do = {{ sv = "Ring.", en = "Phone." }}
due = "same day"
if-not-done = "principal"
[[step]]
id = "many"
title = {{ sv = "Flera", en = "Several" }}
when = {{ count = "unexcused", unit = "lesson", at-least = {lessons}, within = "term" }}
[[step.duty]]
id = "talk"
owner = "mentor"
do = {{ sv = "Samtala.", en = "Talk." }}
due = "5 school days"
[[example]]
title = "En lektion"
absent = ["2026-09-14 08.20-09.20 unexcused"]
expect = ["2026-09-14 each"]
"#
    )
}

fn simulate(folder: &Path, more: &[&str]) -> (String, Value) {
    let json = folder.join("out.json").display().to_string();
    let made = ["simulate", "--generate", "200", "--term", "2026-08-24..2026-09-04"];
    let told = ["--json", &json, "--exact", "--language", "sv"];
    let (code, out, err) = upprop(&[&made[..], &told, more].concat());
    assert_eq!(code, 0, "{err}");
    (out, serde_json::from_str(&fs::read_to_string(&json).expect("JSON")).expect("JSON"))
}

#[test]
fn two_ladders_are_lived_through_with_the_same_marks() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, lessons: u32| {
        let path = folder.path().join(format!("{name}.toml"));
        fs::write(&path, ladder(name, lessons)).expect("a file");
        path.display().to_string()
    };
    let (few, many) = (write("few", 2), write("many", 4));
    let html = folder.path().join("out.html").display().to_string();
    let beside = ["--ladder", &few, "--against-ladder", &many, "--html", &html];
    let (text, json) = simulate(folder.path(), &beside);
    let figures = |run: usize| json["runs"][run]["figures"].as_object().expect("figures").clone();
    let number = |run: usize, key: &str| figures(run).get(key).and_then(Value::as_u64);
    let stand = |run: usize, step: &str| {
        let back = number(run, &format!("retracted-{step}")).unwrap_or_default();
        number(run, &format!("steps-{step}")).unwrap_or_default() - back
    };
    let unexcused = number(0, "unexcused").expect("a count");
    assert!(unexcused > 20, "{unexcused}");
    assert_eq!(stand(0, "few/each"), unexcused, "one step for each lesson that is missed at last");
    assert_eq!(stand(1, "many/each"), unexcused);
    let (two, four) = (stand(0, "few/many"), stand(1, "many/many"));
    assert!(two > four && four > 0, "more pupils miss two than four: {two}, {four}");
    assert_eq!(number(0, "flagged-few/many"), Some(two), "once in a term");
    assert_eq!(number(0, "steps-many/each"), None, "the other's is not its own");
    let duties = number(0, "duties-attendance-team").expect("a count");
    assert_eq!(duties, number(0, "steps-few/each").expect("a count"), "whoever has them at last");
    assert!(number(0, "handed-over-principal").expect("a count") <= duties);
    assert!(text.contains("Åtgärder för: närvaroteamet"), "{text}");
    assert!(text.contains("av dem: åtgärd att göra (mejl)"), "{text}");
    let own: Vec<usize> =
        ["few/each", "many/each", "Åtgärder för"].map(|word| text.find(word).expect(word)).into();
    assert!(own.is_sorted(), "the first ladder before the other, before what both have: {text}");
    let page = fs::read_to_string(&html).expect("a page");
    assert!(page.contains("<html lang=\"sv\">") && page.contains("Steg som nåddes"), "{page}");
    assert!(!page.contains("made-001-p"), "no pupil is named");
}

#[test]
fn a_ladder_that_cannot_be_read_is_told_of_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bad.toml");
    fs::write(&path, ladder("bad", 2).replace("at-least = 2", "at-least = 0")).expect("a file");
    let (path, html) = (path.display().to_string(), folder.path().join("out.html"));
    let made = ["simulate", "--generate", "20", "--term", "2026-08-24..2026-08-26"];
    let told = ["--ladder", &path, "--html", &html.display().to_string()];
    let (code, out, err) = upprop(&[&made[..], &told].concat());
    assert_eq!((code, out.as_str()), (78, ""), "{err}");
    assert!(err.contains("bad.toml:19") && err.contains("at-least"), "{err}");
    assert!(!html.exists());
    let told = ["--ladder", "eskilstunaa"];
    let (code, _, err) = upprop(&[&made[..], &told].concat());
    assert!(code != 0 && err.contains("eskilstunaa") && err.contains("eskilstuna"), "{err}");
}
