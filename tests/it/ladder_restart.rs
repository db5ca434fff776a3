//! A daemon killed at any moment between a mark and its mails: every duty is there once, and everybody is told once.

use crate::duties::{duties, world};
use crate::world::{TEAM, World, soon, within};
use upprop::env::{Clock as _, SystemClock};

const PUPILS: [&str; 4] = ["alva", "nils", "mail", "ensam"];

/// How many mails about duties the team has.
fn is_told(world: &World) -> usize {
    let all = world.sink.messages();
    all.iter().filter(|m| m.to == TEAM && m.text.contains("Ring hem.")).count()
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
    let all = duties(&world, &[]);
    assert_eq!(all.len(), expected);
    let told = async {
        while is_told(&world) < expected {
            clock.sleep_until(soon(&clock)).await;
        }
    };
    within("a mail for each duty", told).await;
    world.kill();
    world.start().await;
    assert_eq!(duties(&world, &[]).len(), expected);
    // One more goes through the same queue behind all of them.
    world.accept(&world.marked("alva", "last", "unexcused", 5)).await;
    let last = async {
        while is_told(&world) < expected + 1 {
            clock.sleep_until(soon(&clock)).await;
        }
    };
    within("the last mail", last).await;
    let all = world.sink.messages();
    for duty in duties(&world, &[]) {
        let number = duty["number"].as_str().expect("a number");
        let mails = all.iter().filter(|m| m.to == TEAM && m.text.contains(number));
        // A mail in doubt is sent again with the same Message-ID, which its reader shows once.
        let ids: std::collections::BTreeSet<String> = mails
            .filter_map(|m| {
                let is_id = |name: &str| name.eq_ignore_ascii_case("message-id");
                m.headers.iter().find(|(name, _)| is_id(name)).map(|(_, id)| id.clone())
            })
            .collect();
        assert_eq!(ids.len(), 1, "{number}: {ids:?}");
    }
}
