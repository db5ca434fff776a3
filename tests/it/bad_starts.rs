//! A daemon and commands that cannot start say what is wrong and what to do, with the exit code that is documented,
//! and touch nothing of what is there.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use upprop::store::{Settings, SledStore};

use crate::inlet::amend;
use crate::world::{Setup, World, upprop};

/// Runs the daemon, which must end by itself: exit code and words.
fn refused(world: &World) -> (i32, String) {
    // One that does start would run for ever.
    let ended = Command::new("timeout")
        .args(["60", env!("CARGO_BIN_EXE_upprop"), "run"])
        .arg(world.config())
        .output()
        .expect("timeout(1) runs");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    (ended.status.code().unwrap_or(-1), told)
}

fn assert_refused(world: &World, code: i32, words: &[&str]) {
    let (ended, told) = refused(world);
    assert_eq!(ended, code, "{told}");
    for word in words {
        assert!(told.contains(word), "{word:?} is not in: {told}");
    }
    assert!(!told.contains("panicked"), "{told}");
}

/// A world that has told one guardian and stopped.
async fn lived() -> World {
    let mut world = Setup::default().start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    assert_eq!(world.stop(), Some(0));
    world
}

/// After what was wrong is mended, the daemon starts and knows what it had told.
async fn goes_on(mut world: World) {
    world.start().await;
    world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_another_process_holds() {
    let world = lived().await;
    let held =
        SledStore::open(Settings::new(world.folder.path().join("state"))).expect("the store");
    assert_refused(&world, 69, &["another upprop holds the store", "stop it first"]);
    let config = world.config().display().to_string();
    let (code, _, err) = upprop(&["status", "--config", &config]);
    assert_eq!(code, 69, "{err}");
    assert!(err.contains("another command reads the store") && err.contains("try again"), "{err}");
    held.close().await.expect("closed");
    drop(held);
    goes_on(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_file_is_garbage() {
    let world = lived().await;
    let db = world.folder.path().join("state/store/db");
    let good = fs::read(&db).expect("the file");
    fs::write(&db, vec![0xa5; good.len()]).expect("written");
    assert_refused(&world, 78, &["upprop store rebuild"]);
    let config = world.config().display().to_string();
    let (code, out, err) = upprop(&["store", "rebuild", &config]);
    assert_eq!(code, 0, "{out}{err}");
    goes_on(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use() {
    let world = lived().await;
    let held = TcpListener::bind(world.address).expect("the port");
    assert_refused(&world, 1, &["cannot listen on", "is another upprop running?"]);
    drop(held);
    goes_on(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_cannot_be_used() {
    let world = lived().await;
    let folder = world.folder.path().join("own/sms/sv");
    fs::create_dir_all(&folder).expect("folder");
    fs::write(folder.join("absence.txt"), b"\xff\xfe{{").expect("written");
    let before = fs::read_to_string(world.config()).expect("text");
    amend(&world, "[store]", "templates = \"own\"\n[store]");
    assert_refused(&world, 78, &["own/sms/sv/absence"]);
    fs::write(world.config(), before).expect("written");
    goes_on(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_where_the_folder_of_the_store_should_be() {
    let world = Setup::default().prepare();
    fs::write(world.folder.path().join("state"), "not a folder").expect("written");
    assert_refused(&world, 78, &["cannot be used for the store", "must exist or be creatable"]);
    assert_eq!(
        fs::read_to_string(world.folder.path().join("state")).expect("text"),
        "not a folder"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn something_else_where_the_control_socket_should_be() {
    let world = lived().await;
    let socket = world.folder.path().join("state/control.sock");
    fs::write(&socket, "mine").expect("written");
    assert_refused(&world, 78, &["control socket", "something else is there"]);
    assert_eq!(fs::read_to_string(&socket).expect("text"), "mine");
    let config = world.config().display().to_string();
    amend(&world, "[server]", "[server]\ncontrol = \"nowhere/control.sock\"");
    let (code, out, _) = upprop(&["check", &config]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("is not there") && out.contains("RuntimeDirectory="), "{out}");
}

#[test]
fn no_daemon_and_no_store() {
    let folder = tempfile::tempdir().expect("folder");
    let config = folder.path().join("upprop.toml");
    fs::write(&config, "[store]\ndir = \"state\"\n").expect("config");
    for args in [&["status"][..], &["queue", "--json"], &["why", "nils"]] {
        let config = config.to_str().expect("a path");
        let (code, out, err) = upprop(&[args, &["--config", config]].concat());
        assert_eq!((code, out.as_str()), (69, ""), "{args:?}: {err}");
        assert!(err.contains("no daemon runs") && err.contains("systemctl start upprop"), "{err}");
    }
    assert!(!folder.path().join("state").exists(), "a question makes nothing");
}

/// Copies the program and hands the world's folder to a user who may not write everywhere, as root may.
fn as_nobody(folder: &Path) -> Command {
    const NOBODY: u32 = 65_534;
    let program = folder.join("upprop");
    fs::copy(env!("CARGO_BIN_EXE_upprop"), &program).expect("copied");
    let own = Command::new("chown").args(["-R", "65534:65534"]).arg(folder).status();
    assert!(own.expect("chown(1) runs").success());
    let mut command = Command::new("timeout");
    command.arg("60").arg(program).uid(NOBODY).gid(NOBODY);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_may_not_be_written_in() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let world = lived().await;
    let state = world.folder.path().join("state");
    let mut command = as_nobody(world.folder.path());
    fs::set_permissions(&state, fs::Permissions::from_mode(0o500)).expect("mode");
    fs::remove_file(state.join("lock")).expect("removed");
    let output = command.arg("run").arg(world.config()).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{told}");
    assert!(
        told.contains("cannot be used for the store") && told.contains("belong to the user"),
        "{told}"
    );
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).expect("mode");
    let own = Command::new("chown").args(["-R", "0:0"]).arg(world.folder.path()).status();
    assert!(own.expect("chown(1) runs").success());
    goes_on(world).await;
}
