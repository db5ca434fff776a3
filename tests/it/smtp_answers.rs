//! What follows from a relay's refusals: for now, for good, of the account, and after the last dot.

use crate::faults::{silent, smtp};
use crate::world::{Setup, TEAM, World};

/// A second failure of a mail's own would be its last.
const ONE_RETRY: &str = "settle = \"3s\"\nemail-retry = [\"1s\"]\n";

async fn world(rules: &[&str]) -> World {
    Setup { faults: smtp(rules), delivery: ONE_RETRY.into(), ..Setup::default() }
        .family("bada", "070-174 06 20", "bada@hem.example", "email")
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_closes_down_is_ridden_out() {
    let world = world(&["greeting:421:next=3"]).await;
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    let all = world.messages(1).await;
    assert_eq!(all[0].to, "maj.g@hem.example");
    assert_eq!(world.lines("outcome=\"retry\""), 3, "{}", world.log());
    world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_mailbox_is_tried_again() {
    let world = world(&["rcpt:450:next=1"]).await;
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    let all = world.messages(1).await;
    assert_eq!(all[0].to, "maj.g@hem.example");
    assert_eq!(world.lines("outcome=\"retry\""), 1, "{}", world.log());
    world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_busy_for_too_long_gives_way_to_a_text_or_to_staff() {
    let world = world(&["rcpt:450:to=bada@hem.example", "rcpt:450:to=maj.g@hem.example"]).await;
    for pupil in ["bada", "mail"] {
        world.accept(&world.marked(pupil, "l1", "unexcused", 5)).await;
    }
    let all = world.messages(2).await;
    let (texts, mails) = (World::texts(&all), World::mails(&all));
    assert_eq!((texts.len(), mails.len()), (1, 1), "{}", world.shown());
    assert_eq!(texts[0].0, "+46701740620");
    assert_eq!(mails[0].to, TEAM);
    // A mailbox that is full today is not a wrong address: the next lesson tries it again.
    world.sink.set_faults(silent());
    world.accept(&world.marked("bada", "l2", "unexcused", 5)).await;
    let all = world.messages(3).await;
    assert_eq!(all[2].to, "bada@hem.example");
    world.quiet(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_mailbox_is_marked_and_not_tried_again() {
    let counted = "rcpt:550:next=9,to=bada@hem.example";
    let world = world(&[counted, "rcpt:550:next=9,to=maj.g@hem.example"]).await;
    for lesson in ["l1", "l2"] {
        for pupil in ["bada", "mail"] {
            world.accept(&world.marked(pupil, lesson, "unexcused", 5)).await;
        }
        let seen = if lesson == "l1" { 2 } else { 4 };
        let all = world.messages(seen).await;
        let (texts, mails) = (World::texts(&all), World::mails(&all));
        assert_eq!((texts.len(), mails.len()), (seen / 2, seen / 2), "{}", world.shown());
        assert!(texts.iter().all(|(to, _)| to == "+46701740620"), "{}", world.shown());
        assert!(mails.iter().all(|mail| mail.to == TEAM), "{}", world.shown());
    }
    let left: Vec<_> = world.sink.faults().smtp.iter().map(|rule| rule.when.remaining).collect();
    assert_eq!(left, [Some(8), Some(8)], "each was asked once:\n{}", world.log());
    world.quiet(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_stop_mail_and_nothing_else() {
    let mut setup = Setup { faults: smtp(&["auth:535"]), ..Setup::default() };
    setup.delivery = ONE_RETRY.into();
    setup.mail.push_str("username = \"upprop\"\npassword-file = \"secrets/password\"\n");
    let mut world = setup.start().await;
    world.accept(&world.missing("mail", 3)).await;
    world.logged("account refuses to send", 1).await;
    assert!(world.lines("code=\"535") >= 1, "{}", world.log());
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let all = world.messages(1).await;
    assert_eq!(World::texts(&all).len(), 1, "texts go on:\n{}", world.shown());

    world.kill();
    world.sink.set_faults(silent());
    world.start().await;
    let all = world.messages(4).await;
    let mails = World::mails(&all);
    assert!(mails.iter().all(|mail| mail.to == "maj.g@hem.example"), "{}", world.shown());
    world.quiet(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_without_its_last_answer_goes_again_as_the_same_mail() {
    let world = world(&["end-of-data:drop:next=1"]).await;
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    let all = world.messages(2).await;
    let id = |i: usize| all[i].headers.get("Message-ID").cloned();
    assert!(id(0).is_some(), "{}", world.shown());
    assert_eq!(id(0), id(1), "a mailbox can tell that it is the same");
    assert_eq!(all[0].text, all[1].text);
    world.quiet(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_last_answer_never_comes_is_sent_to_a_guardian_twice_and_no_more() {
    let faults = smtp(&["end-of-data:drop:to=maj.g@hem.example"]);
    let world = Setup { faults, ..Setup::default() }.start().await;
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    let all = world.messages(3).await;
    let to: Vec<_> = all.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["maj.g@hem.example", "maj.g@hem.example", TEAM], "{}", world.shown());
    world.quiet(3).await;
}
