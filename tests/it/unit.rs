//! What systemd itself says of the unit that ships: that it is sound, and how far it is shut in. Both are
//! asked of the file; no service is started.

use std::path::Path;
use std::process::Command;

/// What is asked for at least; 0 is shut in wholly, 10 not at all.
const MOST_EXPOSED: f32 = 1.5;

/// The unit with the program that was built, which must be there to be verified.
fn unit(folder: &Path) -> std::path::PathBuf {
    let shipped = include_str!("../../systemd/upprop.service");
    let built = shipped.replace("/usr/bin/upprop", env!("CARGO_BIN_EXE_upprop"));
    assert_ne!(shipped, built, "the program has another place");
    let path = folder.join("upprop.service");
    std::fs::write(&path, built).expect("a unit");
    path
}

/// Runs `systemd-analyze`; none where there is none, as on a machine without systemd.
fn analyze(arguments: &[&str], unit: &Path) -> Option<(bool, String)> {
    let output = Command::new("systemd-analyze").args(arguments).arg(unit).output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!ci, "systemd-analyze cannot be run: {error}");
            eprintln!("left out: there is no systemd-analyze here");
            return None;
        }
    };
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[test]
fn the_unit_is_sound() {
    let folder = tempfile::tempdir().expect("a folder");
    let unit = unit(folder.path());
    let Some((good, said)) = analyze(&["verify", "--man=no", "--recursive-errors=no"], &unit)
    else {
        return;
    };
    assert!(good && said.trim().is_empty(), "{said}");
}

#[test]
fn the_unit_is_shut_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let unit = unit(folder.path());
    let arguments = ["security", "--offline=true", "--no-pager"];
    let Some((_, said)) = analyze(&arguments, &unit) else { return };
    let level = said
        .lines()
        .find_map(|line| line.split_once("Overall exposure level for upprop.service: "))
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse::<f32>().ok());
    assert!(level.is_some_and(|level| level <= MOST_EXPOSED), "{level:?}\n{said}");
}
