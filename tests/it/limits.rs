//! Limits of the account, the school and the recipient: kept across a restart, and they put off
//! without dropping. Where a limit must bite, its spacing is far longer than any test.

use crate::world::{Setup, World, within};

/// A mail overtakes the texts that wait; then exactly so many texts have gone.
async fn only(world: &World, texts: usize, lesson: &str, mails: usize) {
    world.accept(&world.marked("mail", lesson, "unexcused", 5)).await;
    let all = world.messages(texts + mails).await;
    assert_eq!(World::texts(&all).len(), texts, "{}", world.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_gives_no_fresh_burst() {
    let provider = "rate = \"10/h, burst 10\"\n".into();
    let mut world = Setup { provider, ..Setup::default() }.start().await;
    world.accept(&world.missing("nils", 15)).await;
    world.messages(10).await;
    world.logged("outcome=\"accepted\"", 10).await;
    only(&world, 10, "m1", 1).await;
    for (lesson, mails) in [("m2", 2), ("m3", 3)] {
        world.kill();
        world.start().await;
        only(&world, 10, lesson, mails).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_limit_puts_off_goes_later() {
    let provider = "rate = \"2/s, burst 2\"\n".into();
    let mut world = Setup { provider, ..Setup::default() }.start().await;
    world.accept(&world.missing("nils", 8)).await;
    within("some texts", world.sink.received(1)).await;
    world.logged("outcome=\"accepted\"", world.sink.count()).await;
    world.kill();
    world.start().await;
    world.messages(8).await;
    world.quiet(8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_has_a_limit_of_its_own() {
    let school = "sms-rate = \"3/h, burst 3\"\n".into();
    let world = Setup { school, ..Setup::default() }.start().await;
    world.accept(&world.missing("nils", 6)).await;
    world.messages(3).await;
    only(&world, 3, "m1", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_s_limit_puts_off_and_does_not_drop() {
    let school = "sms-rate = \"2/s, burst 1\"\n".into();
    let world = Setup { school, ..Setup::default() }.start().await;
    world.accept(&world.missing("nils", 5)).await;
    world.messages(5).await;
    world.quiet(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_recipient_s_limit_holds_up_nobody_else() {
    let world = Setup { recipient_rate: "2/h", ..Setup::default() }.start().await;
    world.accept(&world.missing("nils", 5)).await;
    world.messages(2).await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    let texts = World::texts(&world.messages(4).await);
    let to_nils = texts.iter().filter(|(to, _)| to == "+46701740607").count();
    assert_eq!((texts.len(), to_nils), (4, 2), "{}", world.shown());
    only(&world, 4, "m1", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_s_limit_puts_off_and_does_not_drop() {
    let world = Setup { recipient_rate: "2/s, burst 1", ..Setup::default() }.start().await;
    world.accept(&world.missing("nils", 5)).await;
    world.messages(5).await;
    world.quiet(5).await;
}
