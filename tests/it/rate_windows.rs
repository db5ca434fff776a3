//! An account with several limits: each holds by itself, in whatever order they stand, and across a
//! restart. Where a limit must bite, its spacing is far longer than any test.

use crate::world::{Setup, World};

async fn exactly(rates: &str, texts: usize) {
    let provider = format!("rate = {rates}\n");
    let mut world = Setup { provider, ..Setup::default() }.start().await;
    world.accept(&world.missing("nils", 8)).await;
    world.messages(texts).await;
    world.logged("outcome=\"accepted\"", texts).await;
    for (lesson, mails) in [("m1", 1), ("m2", 2)] {
        // A mail overtakes the texts that wait; what could have gone before it has gone.
        world.accept(&world.marked("mail", lesson, "unexcused", 5)).await;
        let all = world.messages(texts + mails).await;
        assert_eq!(World::texts(&all).len(), texts, "{rates}: {}", world.shown());
        world.kill();
        world.start().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_narrowest_window_holds_wherever_it_stands() {
    exactly("[\"100/s\", \"3/h, burst 3\"]", 3).await;
    exactly("[\"2/h, burst 2\", \"5/day, burst 5\"]", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_windows_put_off_goes_later() {
    let provider = "rate = [\"4/s, burst 1\", \"3/s, burst 2\"]\n".into();
    let world = Setup { provider, ..Setup::default() }.start().await;
    world.accept(&world.missing("nils", 6)).await;
    world.messages(6).await;
    world.quiet(6).await;
}
