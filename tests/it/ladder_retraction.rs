//! An excuse that comes afterwards takes a step back: its duty ends, and exactly those who were told of it are told so,
//! once, in the same conversation; and after all it is there again.

use crate::duties::{done, duties, world};
use crate::world::{TEAM, World};
use upprop::sim::sink::Received;

/// What the team got, the oldest first: subject, and the conversation.
fn to_team(world: &World) -> Vec<(String, String)> {
    let all = world.sink.messages();
    let mails = all.iter().filter(|m| m.to == TEAM);
    let header = |m: &Received| {
        let found = m.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("references"));
        found.map(|(_, value)| value.clone()).expect("a conversation")
    };
    mails.map(|m| (m.subject.clone().unwrap_or_default(), header(m))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excuse_that_comes_later_takes_back_what_was_told() {
    let world = world("").await;
    // Away without telling the home: only the team has mail.
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    world.messages(3).await;
    let [duty] = &duties(&world, &[])[..] else { panic!("one duty") };
    let number = duty["number"].as_str().expect("a number").to_owned();
    world.accept(&world.marked("alva", "l1", "excused", 5)).await;
    // Both guardians are put right, and the team.
    world.messages(6).await;
    assert!(duties(&world, &[]).is_empty());
    let shown = done(&world, &["duty", "show", &number]);
    assert!(shown.contains("not-needed") && shown.contains("its step was taken back"), "{shown}");
    let told = to_team(&world);
    assert!(told.len() == 2 && told[1].0.starts_with("Återtaget"), "{told:?}");
    assert_eq!(told[0].1, told[1].1, "one conversation: {told:?}");
    // After all: told again, and the same duty is there again.
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    world.messages(9).await;
    let [again] = &duties(&world, &[])[..] else { panic!("one duty") };
    assert!(again["history"].to_string().contains("its step was reached after all"), "{again}");
    let why = done(&world, &["why", "alva"]);
    assert!(why.contains("step first taken back, because of"), "{why}");
    world.quiet(9 + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excuse_that_comes_while_the_step_settles_alarms_nobody_of_the_staff() {
    let world = world("ladder-settle = \"1h\"\ncorrection-settle = \"0s\"\n").await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    // Both guardians are told at once, and the duty is there; its mail waits.
    world.messages(2).await;
    assert_eq!(duties(&world, &[]).len(), 1);
    let why = done(&world, &["why", "alva"]);
    assert!(why.contains("waits a while, as a notice of absence that comes later"), "{why}");
    world.accept(&world.marked("alva", "l1", "excused", 5)).await;
    // Both are put right; the team had nothing to be put right.
    world.messages(4).await;
    assert!(duties(&world, &[]).is_empty());
    assert!(to_team(&world).is_empty(), "{}", world.shown());
    world.quiet(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_had_not_left_is_called_back_and_nobody_is_told() {
    let world = world("grace = \"1h\"\ncorrection-settle = \"0s\"\n").await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    assert_eq!(duties(&world, &[]).len(), 1, "the duty is there at once");
    world.accept(&world.marked("alva", "l1", "present", 5)).await;
    assert!(duties(&world, &[]).is_empty());
    assert!(world.sink.messages().is_empty(), "{}", world.shown());
    let why = done(&world, &["why", "alva"]);
    assert!(why.contains("the absence was put right, and the step is not reached"), "{why}");
}
