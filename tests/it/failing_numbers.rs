//! A number whose texts fail one after the other without a reason: the school is asked once to check
//! it, by name; a text that arrives ends the row; and it counts across restarts.

use upprop::sim::sink::{ReceiptState, Received};

use crate::faults::silent;
use crate::world::{Setup, TEAM, World, within};

/// Reports on a text, as the provider would.
async fn report(world: &World, text: &Received, status: &str) {
    let request = world
        .client()
        .post(&text.headers["whendelivered"])
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("id={}&status={status}", text.id));
    let answer = within("an answer to a report", request.send()).await.expect("an answer");
    assert_eq!(answer.status(), 204);
}

/// One more lesson missed by Alva; what became of the texts to her first guardian and to her second.
async fn lesson(world: &World, n: usize, before: usize, first: &str, second: &str) {
    world.accept(&world.marked("alva", &format!("l{n}"), "unexcused", 5)).await;
    let all = world.messages(before + 2).await;
    world.logged("outcome=\"accepted\"", 2 * n).await;
    for text in &all[before..] {
        assert_eq!(text.receipt, ReceiptState::None, "reports come by hand");
        let status = if text.to == "+46701740605" { first } else { second };
        report(world, text, status).await;
    }
}

fn asked(world: &World) -> Vec<(String, String)> {
    let all = world.sink.messages();
    let mails = World::mails(&all);
    let subject = |mail: &Received| mail.subject.clone().unwrap_or_default();
    mails
        .iter()
        .filter(|mail| {
            mail.to == TEAM && subject(mail).starts_with("Kontrollera ett telefonnummer")
        })
        .map(|mail| (subject(mail), mail.text.clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_school_is_asked_at_the_third_failure_in_a_row() {
    let setup =
        Setup { faults: silent(), provider: "rate = \"1000/s\"\n".into(), ..Setup::default() };
    let mut world = setup.start().await;
    // The team is told each time that one guardian of two was not reached, once for each lesson.
    for n in 1..=2 {
        lesson(&world, n, 3 * (n - 1), "failed", "delivered").await;
        world.messages(3 * n).await;
    }
    assert_eq!(asked(&world), []);
    world.kill();
    world.start().await;
    lesson(&world, 3, 6, "failed", "delivered").await;
    world.messages(10).await;
    let asked_for = asked(&world);
    assert_eq!(asked_for.len(), 1, "{}", world.shown());
    assert!(asked_for[0].1.contains("0701740605") || asked_for[0].1.contains("46701740605"));
    assert!(!asked_for[0].1.contains("740606"), "the other number is well: {}", asked_for[0].1);
    assert!(!world.log().contains("740605"), "no number is logged");

    // A fourth failure in a row asks nobody again.
    lesson(&world, 4, 10, "failed", "delivered").await;
    world.messages(13).await;
    assert_eq!(asked(&world).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_arrives_ends_the_row() {
    let setup = Setup {
        faults: silent(),
        provider: "rate = \"1000/s\"\ncheck-number-after = 2\n".into(),
        ..Setup::default()
    };
    let world = setup.start().await;
    let mut before = 0;
    for (n, first, mails) in
        [(1, "failed", 1), (2, "delivered", 0), (3, "failed", 1), (4, "failed", 2)]
    {
        assert_eq!(asked(&world), [], "before lesson {n}");
        lesson(&world, n, before, first, "delivered").await;
        before += 2 + mails;
        world.messages(before).await;
    }
    assert_eq!(asked(&world).len(), 1, "{}", world.shown());
}
