//! Stopping: what is on the wire is finished and written down, what waits goes after the start, and
//! two daemons never share a store.

use upprop::sim::sink::{Faults, Latency, LatencyWhen};

use crate::faults::silent;
use crate::world::{Setup, upprop, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_send_under_way_is_finished_before_the_end() {
    let latency = Latency { ms: 1_500, when: LatencyWhen::AfterStoring };
    let faults = Faults { latency, ..silent() };
    let delivery = "settle = \"3s\"\nconcurrency = 1\n".into();
    let mut world = Setup { delivery, faults, ..Setup::default() }.start().await;
    world.accept(&world.missing("nils", 3)).await;
    within("the first text", world.sink.received(1)).await;
    assert_eq!(world.stop(), Some(0), "{}", world.log());
    let sent = world.sink.count();
    assert_eq!(world.lines("outcome=\"accepted\""), sent, "{}", world.log());
    assert_eq!(world.lines("stopped with work under way"), 0, "{}", world.log());

    world.sink.set_faults(silent());
    world.start().await;
    assert_eq!(world.lines("in_doubt=0"), 2, "at both starts:\n{}", world.log());
    world.messages(3).await;
    world.quiet(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_with_nothing_to_do_ends_well_and_so_does_the_next_start() {
    let mut world = Setup::default().start().await;
    for _ in 0..3 {
        assert_eq!(world.stop(), Some(0), "{}", world.log());
        world.start().await;
    }
    world.quiet(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_the_same_store_is_refused_in_words() {
    let world = Setup::default().start().await;
    let config = world.config().display().to_string();
    let (code, _, words) = tokio::task::block_in_place(|| upprop(&["run", &config]));
    assert_eq!(code, 69, "{words}");
    assert!(words.contains("another upprop holds the store"), "{words}");
    world.quiet(0).await;
}
