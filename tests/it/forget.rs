//! What is kept about a pupil handed out, and erased: from the rows, and after a compaction from every file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::world::{Setup, World, upprop};

const NOTE: &str = "sågs-vid-cykelstället-kvart-i-nio";

fn run(world: &World, args: &[&str]) -> (i32, String, String) {
    let config = world.config();
    upprop(&[args, &["--config", config.to_str().expect("a path")]].concat())
}

/// Whether any file below a folder holds a text.
fn holds(dir: &Path, text: &str) -> bool {
    fs::read_dir(dir).expect("a folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return holds(&path, text);
        }
        // A socket is no file to be read.
        let content = fs::read(&path).unwrap_or_default();
        content.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

/// A day with everything in it about one pupil, and a little about another.
async fn a_day(world: &World) {
    world.accept(&world.marked("nils", "told", "unexcused", 5)).await;
    world.messages(1).await;
    let mut report = world.marked("nils", "told", "unexcused", 5);
    let fields = report.as_object_mut().expect("an object");
    fields.remove("mark");
    fields.remove("recorded_at");
    report["type"] = "lesson.report".into();
    report["reported_by"] = "t-1".into();
    report["note"] = NOTE.into();
    world.accept(&report).await;
    // The team.
    world.messages(2).await;
    world.accept(&world.marked("alva", "told", "unexcused", 5)).await;
    world.messages(4).await;
    // Waits for its lesson.
    world.accept(&world.marked("nils", "later", "unexcused", -1800)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_about_a_pupil_is_handed_out_and_erased() {
    let mut world = Setup::default().start().await;
    a_day(&world).await;
    let out = world.folder.path().join("out.json");
    let out = out.to_str().expect("a path");
    let (code, _, words) = run(&world, &["export", "nils", "--school", "s1", "--out", out]);
    assert_eq!(code, 0, "{words}");
    let mode = fs::metadata(out).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let text = fs::read_to_string(out).expect("readable");
    for told in [
        NOTE,
        "+46701740607",
        "\"given_name\": \"Nils\"",
        "marked unexcused",
        "missing without a valid reason, and nothing speaks against telling",
        "waits to be sent",
    ] {
        assert!(text.contains(told), "{told:?} is not in:\n{text}");
    }
    assert!(!text.contains("Vuxen Test"), "a guardian's name is the guardian's");
    assert!(!text.contains("alva") && !text.contains("+46701740605"), "somebody else's:\n{text}");
    let (code, _, words) = run(&world, &["export", "nils", "--school", "s1", "--out", out]);
    assert_eq!(code, 73, "what is there is not overwritten: {words}");

    let (code, _, words) = run(&world, &["forget", "nils", "--school", "s1"]);
    assert_eq!(code, 2, "{words}");
    let state = world.folder.path().join("state");
    assert!(holds(&state, NOTE));
    let (code, told, words) = run(&world, &["forget", "nils", "--school", "s1", "--yes"]);
    assert_eq!(code, 0, "{words}");
    for said in
        ["1 waiting messages were called back", "lessons", "What is still there", "backups in"]
    {
        assert!(told.contains(said), "{said:?} is not in:\n{told}");
    }
    assert!(holds(&state, NOTE), "the journal has it still, as was said");
    let (_, why, _) = run(&world, &["why", "nils"]);
    assert!(why.contains("Nothing is known of pupil nils"), "{why}");
    let (code, told, words) =
        run(&world, &["forget", "nils", "--school", "s1", "--yes", "--compact"]);
    assert_eq!(code, 0, "again, and there is nothing: {told}{words}");
    assert!(told.contains("Nothing was kept") && told.contains("written anew"), "{told}");
    assert!(!holds(&state, NOTE), "the bytes are gone");

    let (_, why, _) = run(&world, &["why", "alva"]);
    assert!(why.contains("notify guardian:g-alva-1"), "others keep theirs: {why}");
    let (code, checked, _) = run(&world, &["store", "check"]);
    assert_eq!(code, 0, "{checked}");
    let (_, numbers, _) = run(&world, &["statistics", "--json"]);
    let numbers: Value = serde_json::from_str(&numbers).expect("JSON");
    assert_eq!(numbers["erasures"].as_array().map(Vec::len), Some(1), "{numbers}");
    assert!(!numbers.to_string().contains("nils"), "the evidence names nobody");
    let counted: u64 = numbers["days"]
        .as_array()
        .expect("days")
        .iter()
        .flat_map(|day| day["messages"].as_object().expect("kinds").values())
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(counted, 5, "what was erased is counted still: {numbers}");
    for line in world.log().lines().filter(|l| l.contains("erased") || l.contains("exported")) {
        assert!(!line.contains("nils"), "{line}");
    }
    // The waiting message was called back, and nothing comes of its lesson.
    world.quiet(4).await;
    assert_eq!(world.stop(), Some(0));
    let (code, told, _) = run(&world, &["export", "alva", "--school", "s1"]);
    assert_eq!(code, 0, "from the store of one that stands still: {told}");
    assert!(told.contains("\"given_name\": \"Alva\""), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_erased_while_a_message_is_on_its_way() {
    let faults = crate::faults::holding(upprop::sim::sink::LatencyWhen::AfterStoring);
    let world = Setup {
        faults,
        patience: "60s",
        delivery: "settle = \"65s\"\n".into(),
        ..Setup::default()
    }
    .start()
    .await;
    world.accept(&world.marked("nils", "l", "unexcused", 5)).await;
    world.messages(1).await;
    let (code, _, words) = run(&world, &["forget", "nils", "--school", "s1", "--yes"]);
    assert_eq!(code, 1, "{words}");
    assert!(words.contains("on their way") && words.contains("run this again"), "{words}");
    let (_, why, _) = run(&world, &["why", "nils"]);
    assert!(why.contains("notify guardian:g-nils"), "{why}");
}
