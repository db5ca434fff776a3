//! `upprop status` in words: what each mode let out today, when each source was last heard and each account last took
//! a message, also after a restart.

use crate::world::{Setup, World, upprop};

const TALKATIVE: &str = "[log]\nfilter = \"info,upprop=debug\"\n";

fn told(world: &World) -> String {
    let config = world.config();
    let (code, out, err) = upprop(&["status", "--config", config.to_str().expect("a path")]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    out
}

fn assert_told(world: &World, words: &[&str]) {
    let out = told(world);
    for word in words {
        assert!(out.contains(word), "{word:?} is not in:\n{out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_shadow_kept_back_is_counted_and_a_source_is_remembered() {
    let setup = Setup { mode: "shadow", extra: TALKATIVE.into(), ..Setup::default() };
    let mut world = setup.start().await;
    assert_told(
        &world,
        &["s1  shadow: 0 would have gone today", "src: no event in the last weeks"],
    );
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.logged("reason=shadow-mode", 1).await;
    let words = [
        "s1  shadow: 1 would have gone today, 0 under way, 0 failed",
        "elks: well, has taken no message that is kept",
        "src: last heard",
        "takes work, ",
    ];
    assert_told(&world, &words);
    assert_eq!(world.stop(), Some(0));
    assert_told(&world, &words);
    world.start().await;
    assert_told(&world, &words);
    assert_eq!(world.sink.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_are_counted_and_the_account_that_took_a_text_is_told() {
    let setup = Setup {
        mode: "guests",
        school: "guests = [\"+46701740607\"]\n".into(),
        extra: TALKATIVE.into(),
        ..Setup::default()
    };
    let world = setup.start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    world.logged("reason=not-a-guest", 2).await;
    world.messages(1).await;
    world.logged("outcome=\"accepted\"", 1).await;
    let words = [
        "s1  guests (1 listed): 1 gone today, 2 more would have",
        "elks: well, last took a message",
    ];
    assert_told(&world, &words);
}
