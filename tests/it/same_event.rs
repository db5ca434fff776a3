//! The same event a thousand times at once: every sender is answered, one is told that it was the
//! first, and everybody who must know is told once.

use futures_util::future::join_all;

use crate::world::{Setup, TOKEN, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_times_at_once_is_once() {
    let world = Setup::default().start().await;
    let event = world.marked("alva", "l1", "unexcused", 5).to_string();
    // A connection each, let go with the answer: senders do not share.
    let client =
        reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
    let url = format!("http://{}/hooks/src", world.address);
    let one = || async {
        let request = client
            .post(&url)
            .bearer_auth(TOKEN)
            .header("content-type", "application/json")
            .header("connection", "close")
            .body(event.clone());
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        let body: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        (status, body["accepted"].as_u64(), body["duplicate"].as_u64())
    };
    let answers = within("a thousand answers", join_all((0..1000).map(|_| one()))).await;
    let count = |wanted| answers.iter().filter(|a| **a == wanted).count();
    assert_eq!(count((202, Some(1), Some(0))), 1, "{answers:?}");
    assert_eq!(count((202, Some(0), Some(1))), 999, "{answers:?}");
    world.quiet(2).await;
}
