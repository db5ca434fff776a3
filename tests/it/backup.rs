//! A copy of the store, taken while the daemon works, put back: nobody is told twice, what waited is held for
//! a person, and what was told since the copy is not told again. What is damaged is found and refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use upprop::env::{Clock as _, SystemClock};
use upprop::model::{Notification, State};
use upprop::store::{Batch, Commit, Kv as _, Settings, SledStore, after_prefix, ledger, tables};

use crate::world::{Setup, TEAM, World, upprop};

/// Runs a command on this world's configuration: exit code, output, errors.
fn run(world: &World, args: &[&str]) -> (i32, String, String) {
    let config = world.config();
    upprop(&[args, &["--config", config.to_str().expect("a path")]].concat())
}

fn document(world: &World, args: &[&str]) -> Value {
    let (code, out, err) = run(world, &[args, &["--json"]].concat());
    assert!(code <= 1, "{args:?}: {code}\n{out}\n{err}");
    serde_json::from_str(&out).expect("JSON")
}

fn is_well(world: &World) {
    let (code, out, err) = run(world, &["store", "check"]);
    assert_eq!(code, 0, "{out}\n{err}");
    assert!(out.contains("All is well."), "{out}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

fn backup_folder(world: &World) -> String {
    world.folder.path().join("backups/one").to_str().expect("a path").to_owned()
}

/// Opens the store of a daemon that stands still.
fn store(world: &World) -> SledStore {
    SledStore::open(Settings::new(world.folder.path().join("state"))).expect("it opens")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_after_a_backup_is_not_sent_again_after_the_restore() {
    let mut world = Setup::default().start().await;
    let told = world.marked("nils", "before", "unexcused", 5);
    world.accept(&told).await;
    world.messages(1).await;
    // Waits for its lesson to begin.
    world.accept(&world.marked("nils", "later", "unexcused", -1800)).await;
    is_well(&world);
    let folder = backup_folder(&world);
    let done = document(&world, &["store", "backup", &folder]);
    assert!(done["backup"]["rows"].as_u64().expect("rows") > 5, "{done}");
    let (code, _, words) = run(&world, &["store", "backup", &folder]);
    assert_eq!(code, 1, "{words}");
    assert!(words.contains("is not empty"), "{words}");
    assert_eq!(
        (mode(Path::new(&folder)), mode(&Path::new(&folder).join("about.json"))),
        (0o700, 0o600)
    );
    for file in fs::read_dir(&folder).expect("a folder") {
        let bytes = fs::read(file.expect("a file").path()).expect("readable");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("Vuxen Test"), "the directory is not in a backup");
    }
    // After the backup: told, and a correction of what the backup knows.
    let since = world.marked("alva", "since", "unexcused", 5);
    world.accept(&since).await;
    world.messages(3).await;
    let right = world.marked("nils", "before", "present", 5);
    world.accept(&right).await;
    world.messages(4).await;
    let (code, _, words) = run(&world, &["store", "restore", &folder, "--replace", "--yes"]);
    assert_eq!(code, 69, "the daemon runs: {words}");
    assert_eq!(world.stop(), Some(0));
    is_well(&world);

    let (code, _, words) = run(&world, &["store", "restore", &folder]);
    assert_eq!(code, 2, "{words}");
    assert!(words.contains("--replace --yes"), "{words}");
    let back = document(&world, &["store", "restore", &folder, "--replace", "--yes"]);
    assert_eq!((back["held"].as_u64(), back["expired"].as_u64()), (Some(1), Some(0)), "{back}");
    for kept in back["kept"].as_array().expect("a list") {
        assert!(Path::new(kept.as_str().expect("a path")).exists(), "{kept}");
    }
    is_well(&world);
    world.start().await;
    // The school system sends its day again, as it should; one mark was saved again meanwhile.
    let mut again = since.clone();
    again["id"] = world.event_id().into();
    again["recorded_at"] = SystemClock::new().now().to_string().into();
    let (status, answer) = world.post(&Value::Array(vec![told, again, right])).await;
    assert_eq!((status, answer["duplicate"].as_u64()), (202, Some(1)), "{answer}");
    // Two guardians of one pupil and one of another may have been told of it: staff are asked to look.
    let all = world.messages(6).await;
    let staff = all.iter().skip(4).filter(|m| m.to == TEAM).count();
    assert_eq!(staff, 2, "only staff are told:\n{}", world.shown());
    let held = document(&world, &["queue"])["held"].as_array().expect("a list").len();
    assert_eq!(held, 4, "what waited, two alarms and one correction");
    // What begins from now on goes as ever.
    let fresh = world.marked("nils", "fresh", "unexcused", 0);
    world.accept(&fresh).await;
    world.messages(7).await;
    // And a person may decide.
    let id = document(&world, &["queue"])["held"][0].as_str().expect("an id").to_owned();
    let sent = document(&world, &["message", "retry", &id, "--yes"]);
    assert_eq!(sent["state"], "waiting", "{sent}");
    world.logged("held: the store was restored since", 3).await;
    assert_eq!(world.stop(), Some(0));
    is_well(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_and_a_restore_that_was_cut_off_is_told() {
    let mut world = Setup::default().start().await;
    world.accept(&world.marked("nils", "l", "unexcused", 5)).await;
    world.messages(1).await;
    let folder = backup_folder(&world);
    document(&world, &["store", "backup", &folder]);
    assert_eq!(world.stop(), Some(0));
    let file = fs::read_dir(&folder).expect("a folder").map(|e| e.expect("a file").path());
    let file = file.filter(|p| p.extension().is_some_and(|e| e == "backup")).last().expect("rows");
    let whole = fs::read(&file).expect("readable");
    for at in [0, 30, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&file, bytes).expect("written");
        let (code, _, words) = run(&world, &["store", "restore", &folder, "--replace", "--yes"]);
        assert_eq!(code, 65, "{words}");
        assert!(words.contains("damaged"), "{words}");
    }
    is_well(&world);
    fs::write(&file, &whole).expect("written");
    // As a crash between the renames leaves it.
    fs::write(world.folder.path().join("state/restoring"), "").expect("written");
    let ended = Command::new("timeout")
        .args(["60", env!("CARGO_BIN_EXE_upprop"), "run"])
        .arg(world.config())
        .output()
        .expect("timeout(1) runs");
    let words = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(78), "{words}");
    assert!(words.contains("a restore into") && words.contains("was interrupted"), "{words}");
    let checked = document(&world, &["store", "check"]);
    assert_eq!(checked["problems"][0]["table"], "store", "{checked}");
    let (code, _, words) = run(&world, &["store", "restore", &folder, "--replace", "--yes"]);
    assert_eq!(code, 0, "{words}");
    is_well(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_what_would_wait_for_ever_and_what_cannot_be_read() {
    let mut world = Setup::default().start().await;
    world.accept(&world.marked("nils", "later", "unexcused", -1800)).await;
    is_well(&world);
    assert_eq!(world.stop(), Some(0));
    let id = {
        let store = store(&world);
        let end = after_prefix(tables::NOTIFICATIONS);
        let rows = store.scan(tables::NOTIFICATIONS, &end, 9).await.expect("rows");
        let n: Notification = ledger::decode(&rows[0].1).expect("a message");
        assert_eq!(n.state, State::Waiting);
        let mut batch = Batch::default();
        for (key, _) in store.scan(b"du/", b"du0", 9).await.expect("rows") {
            batch.delete(key);
        }
        batch.put(b"le/broken".to_vec(), "\u{1}{}");
        batch.put(b"zz/newer".to_vec(), "\u{1}{}");
        assert_eq!(store.commit(batch).await.expect("commit"), Commit::Done);
        store.close().await.expect("closed");
        n.id.to_string()
    };
    let offline = document(&world, &["store", "check"]);
    world.start().await;
    let online = document(&world, &["store", "check"]);
    for checked in [&offline, &online] {
        let problems = checked["problems"].as_array().expect("a list");
        let told = |table: &str| {
            let found: Vec<_> = problems.iter().filter(|p| p["table"] == table).collect();
            assert_eq!(found.len(), 1, "{table}: {problems:?}");
            assert!(!found[0]["remedy"].as_str().expect("words").is_empty());
            found[0].clone()
        };
        assert_eq!(told("messages")["key"], id.as_str());
        assert!(told("messages")["what"].as_str().expect("words").contains("wait for ever"));
        told("lessons");
        told("unknown");
        let text = checked.to_string();
        assert!(!text.contains("nils") && !text.contains("broken"), "{text}");
    }
    let (code, out, _) = run(&world, &["store", "check"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("1 BAD") && out.contains('→'), "{out}");
}
