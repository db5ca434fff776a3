//! Delivery reports as providers send them: early, twice, late, about nothing, by strangers, and
//! with bad news.

use std::collections::BTreeMap;
use std::sync::Arc;

use upprop::sim::sink::{Faults, Plan, ReceiptState, Receipts, Received};

use crate::faults::silent;
use crate::world::{Setup, TEAM, World, within};

/// One line for each report that changed something.
const TAKEN: &str = ": receipt notification=";

fn plans(plans: &[(&str, Plan)]) -> Faults {
    let by_number: BTreeMap<String, Plan> =
        plans.iter().map(|(number, plan)| ((*number).to_owned(), *plan)).collect();
    Faults {
        receipts: Receipts { by_number, plan: Plan::None, ..Receipts::default() },
        ..Faults::default()
    }
}

/// Where the provider was told to report on a text.
fn address(text: &Received) -> String {
    text.headers["whendelivered"].clone()
}

/// Reports by hand; the status answered.
async fn report(world: &World, url: &str, body: &str) -> u16 {
    let request = world
        .client()
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_owned());
    within("an answer to a report", request.send()).await.expect("an answer").status().as_u16()
}

async fn one_text(faults: Faults) -> (World, Arc<Received>) {
    let world = Setup { faults, ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let text = world.messages(1).await[0].clone();
    world.logged("outcome=\"accepted\"", 1).await;
    (world, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn early_double_late_and_misdirected_reports_change_nothing_that_is_true() {
    let faults = plans(&[
        ("+46701740605", Plan::BeforeAnswer),
        ("+46701740606", Plan::Twice),
        ("+46701740620", Plan::LateSent),
        ("+46701740621", Plan::SentThenDelivered),
    ]);
    let world = Setup { faults, ..Setup::default() }
        .family("sen", "070-174 06 20", "sen@hem.example", "sms")
        .family("rak", "070-174 06 21", "rak@hem.example", "sms")
        .start()
        .await;
    for pupil in ["alva", "sen", "rak"] {
        world.accept(&world.marked(pupil, "l1", "unexcused", 5)).await;
    }
    world.messages(4).await;
    within(
        "all reports",
        world.sink.until(|all| all.iter().all(|text| text.receipt == ReceiptState::Done)),
    )
    .await;
    world.logged("outcome=\"accepted\"", 4).await;
    let count = |state: &str| {
        let state = format!("state=\"{state}\"");
        let log = world.log();
        log.lines().filter(|line| line.contains(TAKEN) && line.contains(&state)).count()
    };
    assert_eq!(count("delivered"), 4, "{}", world.log());
    assert!(count("accepted") <= 1, "no late word undoes a delivery:\n{}", world.log());
    world.quiet(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_resolves_a_doubt_without_a_question() {
    let mut faults = plans(&[("+46701740607", Plan::Delivered)]);
    faults.http.push("drop-after-storing:next=1".parse().expect("a rule"));
    let world = Setup { faults, ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    world.logged("state=\"delivered\"", 1).await;
    world.quiet(1).await;
    assert_eq!(world.lines("looked into"), 0, "{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_failed_becomes_a_mail_or_a_task() {
    let faults = plans(&[("+46701740605", Plan::Failed), ("+46701740620", Plan::Failed)]);
    let world = Setup { faults, ..Setup::default() }
        .family("bada", "070-174 06 20", "bada@hem.example", "sms")
        .start()
        .await;
    for pupil in ["alva", "bada"] {
        world.accept(&world.marked(pupil, "l1", "unexcused", 5)).await;
    }
    let all = world.messages(5).await;
    let mut mails: Vec<_> = World::mails(&all).iter().map(|mail| mail.to.clone()).collect();
    mails.sort_unstable();
    assert_eq!(mails, ["bada@hem.example", TEAM], "{}", world.shown());

    // The same bad news again, and then that it arrived after all: nothing more is sent.
    let texts = all.iter().filter(|m| ["+46701740605", "+46701740620"].contains(&m.to.as_str()));
    for text in texts {
        for status in ["failed", "delivered", "failed"] {
            let body = format!("id={}&status={status}", text.id);
            assert_eq!(report(&world, &address(text), &body).await, 204);
        }
    }
    world.quiet(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_the_secret_is_heard() {
    let (world, text) = one_text(silent()).await;
    let body = format!("id={}&status=failed", text.id);
    let right = address(&text);
    let secret = "receipt-secret-0123456789abcdef";
    assert!(right.contains(secret), "the address holds the secret");
    for wrong in [
        right.replace(secret, "receipt-secret-0123456789abcdee"),
        right.replace(secret, "x"),
        right.replace("/elks/", "/other/"),
    ] {
        assert_eq!(report(&world, &wrong, &body).await, 404, "{wrong}");
    }
    assert_eq!(report(&world, &right, "status=failed").await, 400, "no id");
    assert_eq!(report(&world, &right, &format!("id={}&status=odd", text.id)).await, 400);
    assert_eq!(world.lines(TAKEN), 0, "{}", world.log());
    world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_about_an_unknown_message_is_taken_and_forgotten() {
    let (world, text) = one_text(silent()).await;
    let (path, _) = address(&text).split_once('?').map_or_else(
        || (address(&text), String::new()),
        |(path, query)| (path.to_owned(), query.to_owned()),
    );
    for body in ["id=s00000000000000000000000000000000&status=failed", "id=x&status=delivered"] {
        assert_eq!(report(&world, &path, body).await, 204, "or it would come again and again");
    }
    assert_eq!(world.lines("receipt for a message that is not known here"), 2, "{}", world.log());
    assert_eq!(world.lines(TAKEN), 0, "{}", world.log());
    // Found by the provider's own id when ours is missing.
    assert_eq!(report(&world, &path, &format!("id={}&status=delivered", text.id)).await, 204);
    assert_eq!(world.lines(TAKEN), 1, "{}", world.log());
    world.quiet(1).await;
}
