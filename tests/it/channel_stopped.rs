//! A provider that refuses the account itself, for its password or for want of credit: messages
//! wait, none of them is used up, one of them tries again, and when it is mended all go.

use crate::faults::{http, silent};
use crate::world::{Setup, World};

const REFUSED: &str = "outcome=\"reject-channel\"";
const RULE: u64 = 1000;

/// How many texts the provider has refused.
fn refused(world: &World) -> u64 {
    RULE - world.sink.faults().http[0].when.remaining.expect("a counted rule")
}

/// A mail overtakes the texts that wait; what could have gone before it has gone.
async fn mail_comes(world: &World, lesson: &str, total: usize) {
    world.accept(&world.marked("mail", lesson, "unexcused", 5)).await;
    let all = world.messages(total).await;
    assert_eq!(World::mails(&all).len(), total, "{}", world.shown());
}

async fn messages_wait_and_none_is_used_up(status: &str) {
    let mut world = Setup {
        faults: http(&[&format!("{status}:next={RULE}")]),
        delivery: "settle = \"3s\"\nsms-retry = [\"1s\"]\n".into(),
        ..Setup::default()
    }
    .start()
    .await;
    world.accept(&world.marked("nils", "first", "unexcused", 5)).await;
    world.logged(REFUSED, 1).await;
    assert_eq!(world.lines("account refuses to send"), 1, "{}", world.log());
    world.accept(&world.missing("nils", 4)).await;
    mail_comes(&world, "m1", 1).await;
    assert_eq!(refused(&world), 1, "the others wait without trying:\n{}", world.log());

    // A restart may have mended it: one message asks, at once, and the others still wait.
    for restart in 2..=3 {
        world.kill();
        world.start().await;
        world.logged(REFUSED, restart).await;
        mail_comes(&world, &format!("m{restart}"), restart).await;
        assert_eq!(refused(&world), restart as u64, "{}", world.log());
    }

    world.kill();
    world.sink.set_faults(silent());
    world.start().await;
    let all = world.messages(8).await;
    assert_eq!(World::texts(&all).len(), 5, "{}", world.shown());
    assert_eq!(World::mails(&all).len(), 3, "no staff were called:\n{}", world.shown());
    world.quiet(8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_stops_the_account_and_not_the_messages() {
    messages_wait_and_none_is_used_up("401").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn want_of_credit_stops_the_account_and_not_the_messages() {
    messages_wait_and_none_is_used_up("403").await;
}
