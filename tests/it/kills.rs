//! The daemon killed at any moment: what it acknowledged is told, and told once.

use std::process::{Command, Stdio};

use jiff::SignedDuration;
use upprop::env::{Clock as _, SystemClock};
use upprop::sim::sink::{Faults, HttpFault, HttpRule, Latency, LatencyWhen};

use crate::load::{self, Dice, Load, Reckoning, say};
use crate::world::{Setup, World, within};

const KILLS: u64 = 50;
const PUPILS: usize = 3000;

/// A provider that takes its time, on either side of taking the text, and drops every fiftieth
/// answer: whenever the daemon dies, some texts have left unanswered and some have not left.
fn slow_provider(dice: &mut Dice) -> Faults {
    let when = match dice.roll(0..=1) {
        0 => LatencyWhen::BeforeStoring,
        _ => LatencyWhen::AfterStoring,
    };
    let mut dropped = HttpRule::new(HttpFault::DropAfterStoring);
    dropped.when.every = 50.try_into().ok();
    Faults {
        latency: Latency { ms: dice.roll(0..=40), when },
        http: vec![dropped],
        ..Faults::default()
    }
}

/// Starts the daemon and kills it before it is ready, wherever it then is.
async fn kill_while_starting(world: &World, dice: &mut Dice) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_upprop"))
        .arg("run")
        .arg(world.config())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the daemon starts");
    let clock = SystemClock::new();
    let pause = SignedDuration::from_millis(i64::try_from(dice.roll(0..=300)).expect("small"));
    clock.sleep_until(clock.now() + pause).await;
    child.kill().expect("kill");
    child.wait().expect("wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_under_load_lose_nothing_and_tell_nobody_twice() {
    let mut dice = Dice::new("kills");
    let mut setup = Setup::default();
    load::enrol(&mut setup, PUPILS);
    let mut world = setup.start().await;
    let load = Load::new(&world, PUPILS);
    let clients = load.start(8);
    let mut kills = 0;
    while kills < KILLS {
        world.sink.set_faults(slow_provider(&mut dice));
        match dice.roll(0..=2) {
            0 => load.more(dice.roll(1..=30)).await,
            1 => {
                let more = usize::try_from(dice.roll(1..=30)).expect("small");
                within("more texts", world.sink.received(world.sink.count() + more)).await;
            }
            _ => {
                load.more(1).await;
                world.kill();
                kill_while_starting(&world, &mut dice).await;
                kills += 1;
            }
        }
        world.kill();
        kills += 1;
        world.start().await;
    }
    let acknowledged = load.finish(clients).await;
    world.sink.set_faults(Faults::default());
    let kept = load::settle(&mut world, acknowledged.len()).await;
    let reckoning = Reckoning::of(&acknowledged, &kept, &world.sink.messages());
    say(format_args!("kills: {kills} kills -9 under load: {reckoning}"));
    reckoning.must_be_clean();
    assert!(reckoning.looked_up > 0, "no kill came while a text was on the wire");
    assert_eq!(reckoning.in_doubt, 0, "a provider that keeps texts can always tell");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_posted_again_is_told_once_also_across_a_kill() {
    let setup = Setup { school: "grace = \"0s\"\n".into(), ..Setup::default() };
    let mut world = setup.start().await;
    let event = world.marked("alva", "l1", "unexcused", 60);
    // Twice at the same moment: one of them is first.
    let (one, other) = tokio::join!(world.post(&event), world.post(&event));
    let count =
        |word: &str| one.1[word].as_u64().unwrap_or(0) + other.1[word].as_u64().unwrap_or(0);
    assert_eq!((one.0, other.0, count("accepted"), count("duplicate")), (202, 202, 1, 1));
    assert_duplicate(&world, &event).await;
    world.messages(2).await;
    for _ in 0..2 {
        world.kill();
        world.start().await;
        assert_duplicate(&world, &event).await;
    }
    world.quiet(2).await;
    say("kills: one event posted five times across two kills -9: told once");
}

async fn assert_duplicate(world: &World, event: &serde_json::Value) {
    let (status, answer) = world.post(event).await;
    assert_eq!(
        (status, answer["accepted"].as_u64(), answer["duplicate"].as_u64()),
        (202, Some(0), Some(1)),
        "{answer}"
    );
}
