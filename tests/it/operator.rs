//! What an operator does from a shell: ids as they are typed, commands side by side, a message that is sent again
//! or called back, and what is said to somebody who may not.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::faults::{http, silent};
use crate::world::{Setup, World, upprop, write_directory};

fn run(world: &World, args: &[&str]) -> (i32, String, String) {
    let config = world.config();
    upprop(&[args, &["--config", config.to_str().expect("a path")]].concat())
}

fn document(world: &World, args: &[&str]) -> Value {
    let (code, out, err) = run(world, &[args, &["--json"]].concat());
    assert_eq!(code, 0, "{args:?}\n{out}\n{err}");
    serde_json::from_str(&out).expect("JSON")
}

/// Whether the tests run as root, as some of what is shown needs.
fn root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn ids_that_are_none_are_told_before_anything_is_asked() {
    for (args, words) in [
        (&["why", ""][..], "it is empty; give the pupil's id"),
        (&["why", "a\tb"], "invisible character"),
        (&["message", "show", ""], "32 hexadecimal digits"),
        (&["message", "cancel", "abc", "--yes"], "`upprop why PUPIL` shows them"),
        (&["why", "nils", "yesterday"], "yesterday"),
        (&["why", "nils", "--days", "0"], "0"),
    ] {
        let (code, _, err) = upprop(args);
        assert_eq!(code, 2, "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
        assert!(!err.contains("older than this program"), "{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_to_a_store_that_stands_still_wait_for_each_other() {
    let mut world = Setup::default().start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    assert_eq!(world.stop(), Some(0));
    let ask = |_| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_upprop"));
        command.args(["status", "--config"]).arg(world.config());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command runs")
    };
    let all: Vec<_> = (0..6).map(ask).collect();
    for one in all {
        let ended = one.wait_with_output().expect("it ends");
        let (out, err) =
            (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert_eq!(ended.status.code(), Some(0), "{err}");
        assert!(out.contains("does NOT run") && out.contains("s1  live: 1 gone today"), "{out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_pupil_who_is_protected_by_now_does_not_leave_again() {
    let faults = http(&["drop-after-storing:next=1", "html-page:on=lookup"]);
    let setup = Setup { faults, ..Setup::default() };
    let (mut pupils, guardians) = (setup.pupils.clone(), setup.guardians.clone());
    let world = setup.start().await;
    world.accept(&world.marked("nils", "doubt", "unexcused", 5)).await;
    // The text, and the task about the one that is held.
    world.messages(2).await;
    let id = document(&world, &["queue"])["held"][0].as_str().expect("a held message").to_owned();
    for pupil in pupils.iter_mut().filter(|p| p.0 == "nils") {
        pupil.3 = "protected".into();
    }
    let loads = world.lines("directory in force");
    write_directory(world.folder.path(), &pupils, &guardians);
    world.logged("directory in force", loads + 1).await;
    world.sink.set_faults(silent());
    // In capitals, as it may have come by telephone.
    let sent = document(&world, &["message", "retry", &id.to_uppercase(), "--yes"]);
    assert_eq!(sent["state"], "waiting", "{sent}");
    world.messages(3).await;
    let all = world.messages(3).await;
    assert_eq!(World::texts(&all).len(), 1, "the first text alone:\n{}", world.shown());
    let after = document(&world, &["message", "show", &id]);
    assert_eq!(
        (&after["state"], &after["state-reason"]),
        (&"cancelled".into(), &"protected".into())
    );
    let (_, told, _) = run(&world, &["why", "nils"]);
    assert!(told.contains("an operator had it sent again (operator-retried)"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_was_called_back_stays_so_until_the_next_alarm() {
    let world = Setup { school: "grace = \"1h\"\n".into(), ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let message = |lesson: &Value| lesson["messages"].as_array().cloned().expect("messages");
    let told = || document(&world, &["why", "nils"])["days"][0]["schools"][0]["lessons"][0].clone();
    let id = message(&told())[0]["id"].as_str().expect("an id").to_owned();
    let done = document(&world, &["message", "cancel", &id, "--yes"]);
    assert_eq!(done["state-reason"], "operator-cancelled", "{done}");
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    assert_eq!(message(&told()).len(), 1, "the same alarm");
    world.accept(&world.marked("nils", "l1", "present", 5)).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let all = message(&told());
    assert_eq!(all.len(), 2, "another alarm: {all:?}");
    assert_eq!((&all[0]["state"], &all[1]["state"]), (&"cancelled".into(), &"waiting".into()));
    assert_eq!(world.sink.count(), 0);
}

#[test]
fn nothing_is_coloured_where_no_terminal_is() {
    let folder = tempfile::tempdir().expect("folder");
    let name = folder.path().join("upprop.toml").display().to_string();
    for args in
        [&["init", &name][..], &["check", &name], &["why"], &["--help"], &["status", "-c", &name]]
    {
        let (_, out, err) = upprop(args);
        assert!(!out.contains('\x1b') && !err.contains('\x1b'), "{args:?}: {out}{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_another_user_is_not_made_anew_by_root() {
    if !root() {
        return;
    }
    let mut world = Setup::default().start().await;
    assert_eq!(world.stop(), Some(0));
    chown(world.folder.path().join("state"), Some(12_345), None).expect("chown");
    let config = world.config().display().to_string();
    let (code, _, err) = upprop(&["store", "rebuild", &config]);
    assert_eq!(code, 69, "{err}");
    assert!(err.contains("uid 12345") && err.contains("-- upprop store rebuild"), "{err}");
    let (code, _, err) = run(&world, &["status"]);
    assert!(code == 69 && err.contains("uid 12345"), "{err}");
}

#[test]
fn a_configuration_that_this_user_may_not_read_is_told_with_what_to_do() {
    if !root() {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("mode");
    // The program too must be where another user can reach it.
    let (program, config) = (folder.path().join("upprop"), folder.path().join("upprop.toml"));
    fs::copy(env!("CARGO_BIN_EXE_upprop"), &program).expect("copied");
    fs::write(&config, "").expect("config");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o640)).expect("mode");
    let mut command = Command::new(&program);
    let output = command.args(["status", "--config"]).arg(&config).uid(65_534).gid(65_534).output();
    let output = output.expect("the command runs");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{err}");
    assert!(err.contains("uses sudo") && err.contains("usermod -aG upprop"), "{err}");
}
