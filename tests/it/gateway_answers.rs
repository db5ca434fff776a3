//! A gateway that answers in fields or in words, not in JSON: what it says it took is not sent again,
//! what it refuses goes another way, and what is not understood is never taken for success.

use crate::gateway::{Gateway, world};

const FIELDS: &str = r#"
url = "{url}/send"
auth = "none"
fields = { Destination = "{to}", Source = "{from}", Userdata = "{text}" }
answer-delimiter = ";"
success-at = "0"
success-values = ["1005"]
reference-at = "2"
code-at = "0"
bad-number-codes = ["102"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn fields_say_what_was_taken_and_what_was_not() {
    let gateway = Gateway::start(|_, asked| {
        let bad = asked.text().contains("46701740607");
        (200, if bad { "102;Invalid destination;" } else { "1005;Queued;m-1" }.to_owned())
    })
    .await;
    let world = world(&gateway, FIELDS, &[]).await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    let asked = gateway.asked(2, &world).await;
    assert!(asked.iter().all(|a| a.line == "POST /send HTTP/1.1"), "{asked:?}");
    world.logged("outcome=\"accepted\"", 2).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.logged("outcome=\"reject-message\" code=\"code-102\"", 1).await;
    let all = world.messages(1).await;
    assert_eq!(all[0].to, "nils.g@hem.example", "the other way to the same person");
    gateway.asked(3, &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_for_people_is_no_success_though_words_in_it_fit() {
    let gateway = Gateway::start(|_, _| (200, "<html><body>Log in. ID: 77".to_owned())).await;
    let table = r#"
url = "{url}/send"
auth = "none"
fields = { to = "{to}", text = "{text}" }
reference-at = "ID: ([0-9]+)"
"#;
    let world = world(&gateway, table, &[]).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.logged("outcome=\"in-doubt\" code=\"answer-unreadable\"", 1).await;
    // There is no way to ask this gateway: people are told, and nothing is sent twice.
    world.messages(1).await;
    gateway.asked(1, &world).await;
}
