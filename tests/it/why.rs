//! `upprop why` tells of one day: what was sent, what was suppressed, what was corrected, what is in doubt
//! and what was refused; from the running daemon and from the store of one that stands still.

use serde_json::Value;

use crate::faults::{http, silent};
use crate::world::{Setup, World, upprop};

/// Runs a question and gives what it printed.
fn asked(world: &World, args: &[&str]) -> String {
    let config = world.config();
    let all = [args, &["--config", config.to_str().expect("a path")]].concat();
    let (code, out, err) = upprop(&all);
    assert_eq!(code, 0, "{all:?}\n{out}\n{err}");
    out
}

fn document(world: &World, args: &[&str]) -> Value {
    serde_json::from_str(&asked(world, &[args, &["--json"]].concat())).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_corrected_suppressed_and_refused_is_told() {
    let mut world = Setup { faults: silent(), ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "sent", "unexcused", 5)).await;
    world.messages(1).await;
    world.accept(&world.marked("nils", "sent", "present", 5)).await;
    world.messages(2).await;
    world.accept(&world.marked("hemlig", "kept", "unexcused", 5)).await;
    world.accept(&world.marked("nils", "excused", "excused", 5)).await;
    let stranger = world.marked("nobody", "l", "unexcused", 5);
    let (status, _) = world.post(&stranger).await;
    assert_eq!(status, 422);
    // The protected pupil's task for staff.
    world.messages(3).await;

    let nils = asked(&world, &["why", "nils"]);
    for words in [
        "marked unexcused from src, event e1",
        "notify guardian:g-nils: missing without a valid reason",
        "ACCEPTED",
        "marked present from src",
        "correction of ",
        "what was told before is no longer true",
        "marked excused from src",
        "marked as excused",
    ] {
        assert!(nils.contains(words), "{words:?} is not in:\n{nils}");
    }
    assert!(!nils.contains("+46"), "a number is told:\n{nils}");
    let hemlig = asked(&world, &["why", "hemlig"]);
    assert!(hemlig.contains("protected personal data: nothing automatic leaves"), "{hemlig}");
    let nobody = asked(&world, &["why", "nobody"]);
    assert!(nobody.contains("Refused") && nobody.contains("is not in the directory"), "{nobody}");
    assert!(asked(&world, &["rejected"]).contains("pupil nobody"));
    assert!(asked(&world, &["why", "no-such"]).contains("Nothing is known of pupil no-such"));

    // The same from the store alone.
    let running = document(&world, &["why", "nils"]);
    assert_eq!(world.stop(), Some(0));
    assert_eq!(document(&world, &["why", "nils"]), running);
    let status = asked(&world, &["status"]);
    assert!(status.contains("does NOT run"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_held_in_doubt_is_told_and_may_be_sent_again() {
    // The answer is lost, and the provider's look-up cannot be relied on.
    let faults = http(&["drop-after-storing:next=1", "html-page:on=lookup"]);
    let world = Setup { faults, ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "doubt", "unexcused", 5)).await;
    world.messages(2).await;
    let told = asked(&world, &["why", "nils"]);
    assert!(told.contains("HELD") && told.contains("in-doubt"), "{told}");
    let queue = document(&world, &["queue"]);
    let id = queue["held"][0].as_str().expect("a held message").to_owned();
    let (code, _, words) =
        upprop(&["message", "retry", &id, "--config", world.config().to_str().expect("a path")]);
    assert_eq!(code, 2, "nobody is there to be asked: {words}");
    world.sink.set_faults(silent());
    let sent = document(&world, &["message", "retry", &id, "--yes"]);
    assert_eq!(sent["state"], "waiting", "{sent}");
    world.messages(3).await;
    world.logged("operator", 1).await;
    let told = asked(&world, &["why", "nils"]);
    assert!(told.contains("operator retry uid"), "{told}");
}
