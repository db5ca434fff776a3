//! `upprop check` on sources that are asked or looked into: all are counted, and what cannot work is told before the
//! daemon starves of it.

use std::fs;
use std::path::Path;

use crate::world::upprop;

/// A good configuration with a source of each kind, in a folder.
const GOOD: &str = r#"
[store]
dir = "state"
[server]
control = "control"
[schools.a]
name = "A"
phone = "112"
team-email = "a@example.se"
[mail]
host = "::1"
from = "a@example.se"
[ss12000.hub]
url = "http://127.0.0.1:9/v2.0"
auth = "bearer"
token-file = "hub"
gives = ["schedule", "attendance"]
schools = { a = "o" }
[edlevo.edl]
url = "http://127.0.0.1:9/Absence/v2"
auth = "none"
operations = ["GetCompulsorySchoolAbsence"]
schools = { a = "u" }
[drop.d]
folder = "in"
gives = ["attendance"]
"#;

fn checked(folder: &Path, from: &str, to: &str) -> (i32, String) {
    use std::os::unix::fs::PermissionsExt as _;
    assert!(GOOD.contains(from), "{from}");
    let file = folder.join("upprop.toml");
    fs::write(&file, GOOD.replacen(from, to, 1)).expect("written");
    for name in ["in", "state", "state/store"] {
        fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    let secret = folder.join("hub");
    fs::write(&secret, "hub-token-0123456789abcdef").expect("written");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("mode");
    let (code, out, err) = upprop(&["check", file.to_str().expect("a path")]);
    assert_eq!(err, "");
    (code, out)
}

#[test]
fn what_cannot_work_of_sources_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, good) = checked(folder.path(), "[drop.d]", "[drop.d]");
    assert!(code <= 1 && good.contains("; 1 school, 3 sources, 0 providers\n"), "{good}");
    let hub = "schools = { a = \"o\" }";
    let with = |line: &str| format!("{hub}\n{line}");
    let second =
        |path: &str| format!("[drop.e]\nfolder = \"{path}\"\ngives = [\"attendance\"]\n[drop.d]");
    for (from, to, severity, words) in [
        (
            hub,
            with("budgets = { \"*\" = \"1/day\" }"),
            "error",
            "marks cannot be asked for once an hour: listing, every ",
        ),
        (
            hub,
            with("budgets = { calendarEvents = \"1/h\" }"),
            "warning",
            "the schedule is read less often than `schedule-poll` says: every 3600 s at best",
        ),
        (
            hub,
            with("vendor = \"skola24\"\nschedule-poll = \"1s\""),
            "warning",
            "every 7 s at best",
        ),
        (hub, with("timeout = \"11m\""), "error", "as \"30s\" or \"5m\""),
        (hub, with("attendance-poll = \"0s\""), "error", "as \"20m\" or \"30s\""),
        ("[drop.d]", second("./in/"), "error", "is the folder of [drop."),
        ("folder = \"in\"", "folder = \"state\"".into(), "error", "is the store's own folder"),
        ("folder = \"in\"", "folder = \"/etc/passwd\"".into(), "error", "is not a folder"),
        (
            "GetCompulsorySchoolAbsence",
            "GetCompulsorySchoolAbsense".into(),
            "warning",
            "did you mean \"GetCompulsorySchoolAbsence\"?",
        ),
        (
            "gives = [\"attendance\"]",
            "gives = [\"attendance\"]\nschools = [\"a\"]\n[schools.b]\nname = \"B\"\nphone = \"112\"".into(),
            "warning",
            "no source tells of attendance at b",
        ),
    ] {
        assert!(!good.contains(words), "{words}: {good}");
        let (code, out) = checked(folder.path(), from, &to);
        let told = out.lines().any(|line| line.contains(severity) && line.contains(words));
        assert!(told && code == if severity == "error" { 78 } else { 1 }, "{words}: {code} {out}");
    }
}
