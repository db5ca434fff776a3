//! The disk runs low: nothing is taken and nothing is sent, and both go on when there is room again.

use std::fs::{self, File};
use std::path::Path;

use upprop::env::{Clock as _, SystemClock};
use upprop::sim::sink::Faults;

use crate::load::say;
use crate::loop_disk::LoopDisk;
use crate::world::{DEADLINE, Setup, TOKEN, World, soon};

const LOW: &str = "the store still takes no work";

/// Takes room until no more than `leave` bytes are free.
fn fill(folder: &Path, leave: u64) {
    let free = upprop::store::disk::free_bytes(folder).expect("free bytes");
    let file = File::create(folder.join("filler")).expect("file");
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, free - leave)
        .expect("room");
}

/// Posts, and gives the status and whether the sender was told for how long to wait.
async fn post(world: &World, event: &serde_json::Value) -> (u16, Option<u64>) {
    let answer = world
        .client()
        .post(format!("http://{}/hooks/src", world.address))
        .bearer_auth(TOKEN)
        .header("content-type", "application/json")
        .body(event.to_string())
        .send()
        .await
        .expect("an answer");
    let wait =
        answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    (answer.status().as_u16(), wait)
}

/// Waits until the log has `n` lines with `words`.
async fn logged(world: &World, words: &str, n: usize) {
    let clock = SystemClock::new();
    let seen = async {
        while world.log().lines().filter(|line| line.contains(words)).count() < n {
            clock.sleep_until(soon(&clock)).await;
        }
    };
    let seen = tokio::time::timeout(DEADLINE, seen).await;
    assert!(seen.is_ok(), "waited for {n} lines with {words:?}:\n{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn below_the_low_water_mark_nothing_is_taken_or_sent_until_there_is_room() {
    if !LoopDisk::can_be_had("disk_low") {
        return;
    }
    let setup = Setup {
        school: "grace = \"0s\"\n".into(),
        delivery: "settle = \"3s\"\nsms-retry = [\"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\"]\n"
            .into(),
        faults: Faults { outage: true, ..Faults::default() },
        extra: "[log]\nfilter = \"info,upprop::delivery=debug\"\n".into(),
        ..Setup::default()
    };
    let mut world = setup.prepare();
    let state = world.folder.path().join("state");
    fs::create_dir(&state).expect("folder");
    // The world's low-water mark is 64 MiB.
    let disk = LoopDisk::mounted(192, &state);
    world.start().await;
    // Taken, and kept waiting by a provider that is away.
    let waiting = world.marked("alva", "l1", "unexcused", 60);
    world.accept(&waiting).await;

    fill(&state, 32 << 20);
    let refused = world.marked("okand", "l2", "unexcused", 60);
    let refused_wait = post(&world, &refused).await;
    assert!(matches!(refused_wait, (503, Some(1..))), "{refused_wait:?}");
    // What was on the wire has been refused by now; then the provider is back, and the waiting texts
    // are due: the dispatcher looks again and again.
    logged(&world, LOW, 3).await;
    world.sink.set_faults(Faults::default());
    logged(&world, LOW, 6).await;
    assert_eq!(post(&world, &refused).await.0, 503);
    assert_eq!(world.sink.count(), 0, "nothing is sent while no outcome could be written");

    fs::remove_file(state.join("filler")).expect("room again");
    let texts = world.messages(2).await;
    assert_eq!(World::texts(&texts).len(), 2);
    world.accept(&refused).await;
    let all = world.messages(3).await;
    assert_eq!(World::mails(&all).len(), 1, "the team hears of the pupil nobody may be told about");
    world.quiet(3).await;
    assert_eq!(world.stop(), Some(0));
    disk.unmount();
    say(
        "disk_low: below the mark 2 events answered 503 with Retry-After, 0 sent; with room again 2 waiting \
         texts went and the refused event was taken",
    );
}
