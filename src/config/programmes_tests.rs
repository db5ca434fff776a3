//! Programmes as they should be written, and as they should not: all that is wrong at once, each with its line.

use std::path::PathBuf;

use super::super::{Report, load_text};
use super::*;

fn loader(base_dir: PathBuf) -> Loader {
    Loader { credentials_dir: None, base_dir, secrets: Secrets::Required }
}

fn load(folder: &Path, text: &str) -> Report {
    load_text("u.toml", text, &loader(folder.to_owned()))
}

const GOOD: &str = r#"id = "p"
name = "P"
version = "1"
effective = "2026-07-01"
grades = [4, 7]
[sessions.1]
week = 4
title = { sv = "Ett", en = "One" }
text = { sv = "Prata.", en = "Talk." }
[sessions.2]
week = 6
title = { sv = "Två", en = "Two" }
text = { sv = "Prata.", en = "Talk." }
"#;

fn faults(text: &str) -> Vec<(Option<usize>, String)> {
    let (programme, problems) = parse("p.toml", text, &loader(PathBuf::new()));
    assert_eq!(programme.is_none(), !problems.is_empty(), "{problems:?}");
    let told = |problem: Problem| {
        assert!(problem.remedy.is_some() && problem.file == "p.toml", "{problem:?}");
        (problem.line, problem.message)
    };
    problems.into_iter().map(told).collect()
}

#[test]
fn the_one_that_ships_is_good_and_has_five_sessions_in_five_weeks() {
    for (name, text) in SHIPPED_PROGRAMMES {
        let (found, problems) = parse(name, text, &loader(PathBuf::new()));
        assert_eq!(problems, []);
        let found = found.expect("a programme");
        assert_eq!(found.id, name);
    }
    let (found, _) = parse("7tjugo", SHIPPED_PROGRAMMES[0].1, &loader(PathBuf::new()));
    let found = found.expect("a programme");
    assert_eq!(found.grades.iter().copied().collect::<Vec<_>>(), [4, 7]);
    let weeks: Vec<_> = found.sessions.iter().map(|(number, one)| (*number, one.week)).collect();
    assert_eq!(weeks, [(1, 4), (2, 5), (3, 6), (4, 7), (5, 8)]);
    for session in found.sessions.values() {
        for words in [&session.title, &session.text] {
            assert_ne!(words.sv, words.en);
        }
        assert!(session.title.sv.chars().count() < 60, "it stands in a list");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_its_line() {
    assert_eq!(faults(GOOD), []);
    let bad = r#"id = "P 1"
nam = "P"
version = "1"
effective = "1 juli"
grades = [4, 12]
[sessions.1]
week = 4
title = { sv = "Ett" }
text = { sv = "Prata.", en = "Talk." }
[sessions.3]
week = 4
title = { sv = "Två", en = "Two", fi = "Kaksi" }
text = "Prata."
[sessions.last]
week = 9
"#;
    let told = faults(bad);
    for (line, words) in [
        (1, "`id` is \"P 1\""),
        (1, "no `name`"),
        (2, "unknown key `nam`"),
        (4, "`effective` is \"1 juli\""),
        (5, "`grades` is 12"),
        (8, "no `en`"),
        (12, "unknown key `fi`"),
        (13, "`text` is a value, expected a table"),
        (10, "session 3 comes where 2 should"),
        (14, "\"last\" has no number"),
    ] {
        let found =
            |(at, message): &(Option<usize>, String)| *at == Some(line) && message.contains(words);
        assert!(told.iter().any(found), "{line} {words} is not in {told:#?}");
    }
    assert_eq!(told.len(), 10, "{told:#?}");
    let earlier = faults(&GOOD.replace("week = 6", "week = 4"));
    assert_eq!(earlier, [(Some(11), "session 2 is in week 4, and session 1 in 4".into())]);
    assert!(faults("id = \"p\"\nid =").iter().any(|(_, message)| message.contains("not TOML")));
    let none = GOOD.split("[sessions.1]").next().expect("a head");
    assert!(faults(none)[0].1.contains("nothing to hold"));
}

#[test]
fn they_are_named_or_are_files_and_each_school_runs_them_unless_it_says_otherwise() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("p.toml"), GOOD).expect("written");
    std::fs::write(folder.path().join("bad.toml"), GOOD.replace("week = 6", "week = 0"))
        .expect("written");
    let schools = "[schools.a]\nname = \"A\"\nphone = \"112\"\n[schools.b]\nname = \"B\"\nphone = \"112\"\nprogrammes = false\n";
    let text = |files: &str| format!("[programmes]\nfiles = {files}\n{schools}");
    let report = load(folder.path(), &text("[\"7tjugo\", \"p.toml\"]"));
    let config = report.config.unwrap_or_else(|| panic!("{:?}", report.problems));
    let runs: Vec<_> = config
        .schools
        .values()
        .map(|school| school.programmes.runs.iter().map(|one| one.id.as_str()).collect::<Vec<_>>())
        .collect();
    assert_eq!(runs, [vec!["7tjugo", "p"], vec![]]);
    for (files, words) in [
        ("[\"7tjugu\"]", "did you mean \"7tjugo\"?"),
        ("[\"zzz\"]", "those are 7tjugo"),
        ("[\"./gone.toml\"]", "gone.toml cannot be read"),
        ("[\"p.toml\", \"./p.toml\"]", "the id and the `effective` of another"),
        ("[\"bad.toml\"]", "bad.toml:11:8: error: `week` is 0"),
    ] {
        let report = load(folder.path(), &text(files));
        let said: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        assert!(report.config.is_none() && said.iter().any(|s| s.contains(words)), "{said:#?}");
    }
    assert!(load(folder.path(), schools).config.expect("good").programmes.all.is_empty());
}
