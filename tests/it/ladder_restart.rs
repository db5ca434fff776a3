//! A daemon killed at any moment between a mark and its mails: every duty is there once, and everybody is told once.

use crate::duties::{duties, world};
use crate::world::{TEAM, World, soon, within};
use std::collections::BTreeSet;
use upprop::env::{Clock as _, SystemClock};
use upprop::sim::sink::Received;

const PUPILS: [&str; 4] = ["alva", "nils", "mail", "ensam"];

/// The numbers of the open duties.
fn numbers_of(world: &World) -> BTreeSet<String> {
    let all = duties(world, &[]);
    let numbers = all.iter().map(|duty| duty["number"].as_str().expect("a number").to_owned());
    let numbers: BTreeSet<String> = numbers.collect();
    assert_eq!(numbers.len(), all.len(), "each once");
    numbers
}

/// The Message-IDs of the team's mails about a duty.
fn ids_of(world: &World, number: &str) -> BTreeSet<String> {
    let all = world.sink.messages();
    let mails = all.iter().filter(|m| m.to == TEAM && m.text.contains(number));
    let id = |m: &Received| {
        let is_id = |name: &str| name.eq_ignore_ascii_case("message-id");
        m.headers.iter().find(|(name, _)| is_id(name)).map(|(_, id)| id.clone())
    };
    mails.map(|m| id(m).expect("a Message-ID")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_makes_no_duty_and_no_mail_twice() {
    let mut world = world("").await;
    for round in 0..6 {
        let lesson = format!("l{round}");
        for pupil in PUPILS {
            let mark = world.marked(pupil, &lesson, "unexcused", 5);
            world.accept(&mark).await;
            if pupil == PUPILS[round % PUPILS.len()] {
                world.kill();
                world.start().await;
                // Whoever sends it does not know whether it was taken.
                let (status, _) = world.post(&mark).await;
                assert_eq!(status, 202);
            }
        }
    }
    let clock = SystemClock::new();
    let expected = 6 * PUPILS.len();
    let mut numbers = numbers_of(&world);
    assert_eq!(numbers.len(), expected);
    world.kill();
    world.start().await;
    // One more goes through the same queue behind all of them.
    world.accept(&world.marked("alva", "last", "unexcused", 5)).await;
    let again = numbers_of(&world);
    assert!(again.is_superset(&numbers) && again.len() == expected + 1, "{again:?}");
    numbers = again;
    let all_told = async {
        while numbers.iter().any(|number| ids_of(&world, number).is_empty()) {
            clock.sleep_until(soon(&clock)).await;
        }
    };
    within("a mail for each duty", all_told).await;
    for number in &numbers {
        // A mail in doubt is sent again with the same Message-ID, which its reader shows once.
        let ids = ids_of(&world, number);
        assert_eq!(ids.len(), 1, "{number}: {ids:?}");
    }
    assert_eq!(numbers_of(&world), numbers);
}
