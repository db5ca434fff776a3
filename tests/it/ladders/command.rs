//! `upprop ladder` and what `upprop check` says of ladders: the real program.

use std::path::Path;
use std::process::Command;

/// Exit code, standard output, standard error.
fn upprop(args: &[&str], folder: &Path) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_upprop"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_ladder_that_ships_passes() {
    let names = ["plan", "eskilstuna", "danderyd", "bollnas", "falkenberg"];
    let files: Vec<String> =
        names.iter().map(|name| format!("config/ladders/{name}.toml")).collect();
    let args: Vec<&str> =
        ["ladder", "test"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let (code, out, err) = upprop(&args, project());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(
        out.contains("  ok      Tredje giltiga tillfället under terminen, men inte det fjärde\n"),
        "{out}"
    );
    let ends =
        out.lines().filter(|line| line.ends_with("0 failed, 0 steps not reached by any")).count();
    assert_eq!(ends, names.len(), "{out}");
    // By name as by file.
    let (code, by_name, _) = upprop(&["ladder", "test", "plan"], project());
    assert_eq!(code, Some(0), "{by_name}");
}

#[test]
fn a_threshold_that_is_another_fails_with_what_differs() {
    let folder = tempfile::tempdir().expect("folder");
    let text =
        std::fs::read_to_string(project().join("config/ladders/plan.toml")).expect("a ladder");
    let other = text.replace(
        "count = \"excused\", unit = \"occasion\", at-least = 3",
        "count = \"excused\", unit = \"occasion\", at-least = 2",
    );
    assert_ne!(text, other);
    std::fs::write(folder.path().join("plan.toml"), other).expect("a file");
    let (code, out, _) = upprop(&["ladder", "test", "plan.toml"], folder.path());
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("  FAILED  Två giltiga tillfällen är inte tre (line "), "{out}");
    let came = "          came, and was not expected: 2026-09-08 third-excused (because of 2026-09-01, 2026-09-08)\n";
    assert!(out.contains(came), "{out}");
    assert!(
        out.contains("          expected, and did not come: 2026-09-15 third-excused\n"),
        "{out}"
    );
    assert!(out.contains("  ok      En enda ogiltig lektion är ett tillfälle\n"), "{out}");
}

#[test]
fn a_step_that_no_example_reaches_fails() {
    let folder = tempfile::tempdir().expect("folder");
    let text =
        std::fs::read_to_string(project().join("config/ladders/bollnas.toml")).expect("a ladder");
    let at = text.find("[[example]]").expect("examples");
    std::fs::write(folder.path().join("b.toml"), &text[..at]).expect("a file");
    let (code, out, _) = upprop(&["ladder", "test", "b.toml"], folder.path());
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("  FAILED  no example reaches step five-occasions (line "), "{out}");
}

#[test]
fn faults_are_told_with_their_lines() {
    let folder = tempfile::tempdir().expect("folder");
    let text = "name = \"x\"\ntitle = \"X\"\nfrom = 2026-08-01\nsource = \"s\"\n[[step]]\nid = \"a\"\ntitle = \"A\"\n\
                when = { count = \"any\", unit = \"day\", at-least = 9, within = \"7 days\" }\n[[step.duty]]\nid = \"b\"\n\
                owner = \"socialtjänsten\"\ndo = \"x\"\ndue = \"same day\"\n";
    std::fs::write(folder.path().join("x.toml"), text).expect("a file");
    let (code, out, _) = upprop(&["ladder", "test", "x.toml"], folder.path());
    assert_eq!(code, Some(1), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert!(
        lines[0].starts_with("x.toml:8:") && lines[0].contains("it can never come true"),
        "{out}"
    );
    assert!(lines[1].starts_with("x.toml:11:9: error: "), "{out}");
    assert!(lines[1].contains("nothing goes to social services by itself"), "{out}");
    let (code, out, _) = upprop(&["ladder", "test", "gone.toml"], folder.path());
    assert!(code == Some(1) && out.contains("gone.toml: error: cannot be read"), "{out}");
}

#[test]
fn a_ladder_is_told_in_sentences() {
    let (code, out, err) = upprop(&["ladder", "show", "plan"], project());
    assert_eq!((code, err.as_str()), (Some(0), ""));
    for words in [
        "Handlingsplan för närvaro (plan)\nGäller från: 2026-08-01\n",
        "2. Tredje giltiga frånvarotillfället (third-excused)\n   Nås när: minst 3 tillfällen med giltig frånvaro under terminen\n   Hur ofta: högst en gång per termin\n",
        "   Åtgärd: mentor (contact-team): Kontakta närvaroteamet om elevens frånvaro.\n      Senast: inom 2 skoldagar\n",
    ] {
        assert!(out.contains(words), "{words} is not in\n{out}");
    }
    let (_, out, _) = upprop(&["ladder", "show", "plan", "--language", "en"], project());
    assert!(
        out.contains("   Reached when: at least 3 occasions of excused absence in the term\n"),
        "{out}"
    );
    let (code, _, err) = upprop(&["ladder", "show", "plna"], project());
    assert!(code == Some(1) && err.contains("did you mean plan?"), "{err}");
}

#[test]
fn check_tries_the_examples_and_tells_who_follows_what() {
    let folder = tempfile::tempdir().expect("folder");
    let text =
        std::fs::read_to_string(project().join("config/ladders/plan.toml")).expect("a ladder");
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    write("plan.toml", &text);
    let later = text.replace("from = 2026-08-01", "from = 2027-08-01");
    let (before, _) = later.split_once("# ── Exempel").expect("examples");
    write("next.toml", before);
    let config = "[ladders]\nfiles = [\"plan.toml\", \"next.toml\"]\n[calendars.year]\nterms = [\"2026-08-17..2026-12-18\"]\n\
                  [schools.bjork]\nname = \"B\"\nphone = \"112\"\ncalendar = \"year\"\nladder = [\"plan\", \"bollnas\"]\nladder-since = \"2026-11-30\"\n";
    write("u.toml", config);
    let (_, out, _) = upprop(&["check", "u.toml"], folder.path());
    let note = "u.toml:9:10: note: school bjork follows bollnas of 2026-08-01 from 2026-11-30, plan of 2026-08-01 from 2026-11-30 \
                until 2027-08-01, plan of 2027-08-01 from 2027-08-01";
    assert!(out.contains(note), "{out}");
    assert!(
        out.contains("next.toml:11:1: warning: no example reaches step each-unexcused"),
        "{out}"
    );
    assert!(!out.contains("fails"), "{out}");
    write(
        "plan.toml",
        &text.replace("more-than = \"5 school days\"", "more-than = \"4 school days\""),
    );
    let (code, out, _) = upprop(&["check", "u.toml"], folder.path());
    assert_eq!(code, Some(78), "{out}");
    assert!(out.contains("error: example \"En hel vecka är inte mer än en vecka\" fails: came, and was not expected: 2026-09-18 over-a-week"), "{out}");
}

/// The ladder that the README explains is one, and its example holds.
#[test]
fn the_ladder_of_the_readme_is_one() {
    let readme = std::fs::read_to_string(project().join("README.md")).expect("a README");
    let block =
        readme.split("```toml\nname = \"plan\"").nth(1).and_then(|rest| rest.split("```").next());
    let folder = tempfile::tempdir().expect("folder");
    let text = format!("name = \"plan\"{}", block.expect("a ladder in the README"));
    std::fs::write(folder.path().join("readme.toml"), text).expect("a file");
    let (code, out, err) = upprop(&["ladder", "test", "readme.toml"], folder.path());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
}
