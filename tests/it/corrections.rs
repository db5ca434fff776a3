//! What was told is no longer so: exactly those who were told are put right, once, the way they were
//! told; and what was not told yet is not told at all.

use upprop::model::State;
use upprop::sim::sink::Kind;

use crate::inlet::Kept;
use crate::world::{Setup, World};

#[tokio::test(flavor = "multi_thread")]
async fn mended_before_it_was_sent_nobody_hears_of_it() {
    let mut world = Setup { school: "grace = \"1h\"\n".into(), ..Setup::default() }.start().await;
    for mark in ["unexcused", "present"] {
        world.accept(&world.marked("alva", "l1", mark, 5)).await;
        world.accept(&world.marked("mail", "l1", mark, 5)).await;
    }
    assert_eq!(world.stop(), Some(0));
    let told = Kept::open(world.folder.path()).notifications().await;
    assert_eq!(told.len(), 3);
    for n in told {
        assert_eq!((n.state, n.attempts.len()), (State::Cancelled, 0), "{n:?}");
    }
    assert_eq!(world.sink.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn late_after_all_is_told_once_to_each_on_the_same_channel() {
    let world = Setup::default().start().await;
    for pupil in ["alva", "mail"] {
        world.accept(&world.marked(pupil, "l1", "unexcused", 5)).await;
    }
    let first = world.messages(3).await;
    for pupil in ["alva", "mail"] {
        world.accept(&world.marked(pupil, "l1", "late", 5)).await;
    }
    let all = world.messages(6).await;
    let to = |messages: &[std::sync::Arc<upprop::sim::sink::Received>]| {
        let mut to: Vec<_> = messages.iter().map(|m| (m.kind == Kind::Sms, m.to.clone())).collect();
        to.sort();
        to
    };
    assert_eq!(to(&all[3..]), to(&first), "exactly those who were told");
    for (number, text) in World::texts(&all[3..]) {
        let words = if number == "+46701740605" { "Alva kom " } else { "Alva came " };
        assert!(text.starts_with(words), "{text}");
    }
    let mails = World::mails(&all);
    assert_eq!(mails[1].subject.as_deref(), Some("[Ny uppgift] Meddelande om närvaro från skolan"));
    assert!(mails[1].headers.contains_key("References"), "in the thread of the first");
    for pupil in ["alva", "mail"] {
        world.accept(&world.marked(pupil, "l1", "late", 5)).await;
        world.accept(&world.marked(pupil, "l1", "present", 5)).await;
    }
    world.quiet(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn back_and_forth_each_told_state_is_corrected_once() {
    let world = Setup::default().start().await;
    for (mark, messages, words) in [
        ("unexcused", 1, "Hej! Nils är inte registrerad"),
        ("present", 2, "Rättelse: Nils var närvarande"),
        ("unexcused", 3, "Ny uppgift: Nils är inte registrerad"),
        ("excused", 4, "Frånvaron för Nils kl "),
        ("left_early", 5, "Nils var på lektionen som började kl "),
    ] {
        world.accept(&world.marked("nils", "l1", mark, 5)).await;
        let texts = World::texts(&world.messages(messages).await);
        assert!(texts[messages - 1].1.starts_with(words), "{mark}: {texts:?}");
    }
    world.quiet(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_comes_after_a_later_one_changes_nothing() {
    let mut world = Setup::default().start().await;
    let early = world.marked("nils", "l1", "unexcused", 5);
    world.accept(&world.marked("nils", "l1", "present", 5)).await;
    world.accept(&early).await;
    world.quiet(0).await;
    assert_eq!(world.stop(), Some(0));
    let trail = Kept::open(world.folder.path()).trail("s1", "nils").await;
    assert!(trail.contains(&"marked unexcused: suppress out-of-order".into()), "{trail:?}");
}
