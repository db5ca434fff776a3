//! A provider that answers oddly, or not at all: what was taken is never sent again, what was not
//! is sent again once that is certain, and what nobody can say goes to people.

use crate::faults::http;
use crate::world::{Setup, World};

const FOUND: &str = "finding=\"found\"";
const EMPTY: &str = "finding=\"empty\"";

/// One text each to three guardians, with the provider doing this wrong.
async fn three_texts(rules: &[&str]) -> World {
    let world = Setup { faults: http(rules), ..Setup::default() }.start().await;
    for pupil in ["alva", "nils"] {
        world.accept(&world.marked(pupil, "l1", "unexcused", 5)).await;
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_without_a_readable_answer_is_looked_up_and_not_sent_again() {
    let world = three_texts(&[
        "drop-after-storing:next=1,to=+46701740605",
        "late:next=1,delay=5000,to=+46701740606",
        "truncated:next=1,to=+46701740607",
    ])
    .await;
    world.messages(3).await;
    world.logged(FOUND, 3).await;
    world.quiet(3).await;
    assert_eq!((world.lines(FOUND), world.lines(EMPTY)), (3, 0), "{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_taken_goes_again_after_two_empty_answers() {
    let world = three_texts(&[
        "html-page:next=1,to=+46701740605",
        "inner-error:next=1,to=+46701740606",
        "drop-before-storing:next=1,to=+46701740607",
    ])
    .await;
    let all = world.messages(3).await;
    let mut to: Vec<_> = all.iter().map(|m| m.to.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["+46701740605", "+46701740606", "+46701740607"]);
    assert_eq!(
        world.lines(EMPTY),
        6,
        "each was asked about twice before it went:\n{}",
        world.log()
    );
    world.quiet(3).await;
    assert_eq!(world.lines(EMPTY), 6, "{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_cannot_say_is_held_and_told_to_staff() {
    let faults = http(&["drop-after-storing:next=1", "html-page:on=lookup"]);
    let world = Setup { faults, ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let all = world.messages(2).await;
    assert_eq!(World::texts(&all).len(), 1, "the text stays one:\n{}", world.shown());
    let mail = &World::mails(&all)[0];
    assert_eq!(mail.to, crate::world::TEAM);
    let subject = mail.subject.as_deref().unwrap_or_default();
    assert!(subject.starts_with("Oklart om ett meddelande kom fram"), "{subject}");
    world.quiet(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_refused_as_such_is_not_tried_for_the_next_lesson() {
    let world =
        Setup::default().family("fel", "070-174 06 92", "fel.g@hem.example", "sms").start().await;
    world.accept(&world.marked("fel", "l1", "unexcused", 5)).await;
    let all = world.messages(1).await;
    assert_eq!(all[0].to, "fel.g@hem.example", "the other way to the same person");
    world.accept(&world.marked("fel", "l2", "unexcused", 5)).await;
    let all = world.messages(2).await;
    assert_eq!(all[1].to, "fel.g@hem.example");
    assert_eq!(world.lines("outcome=\"reject-message\""), 1, "{}", world.log());
    world.quiet(2).await;
}
