//! A source that calls when something has changed: it is asked at once, however it calls, and as seldom as it must be
//! however often it calls.

use jiff::SignedDuration;
use upprop::env::{Clock as _, SystemClock};
use upprop::sim::school::Act;

use crate::hub::{CALL, Hub};
use crate::metrics::scrape;
use crate::world::within;

const CALLED: &str = "attendance-poll = \"1h\"\nschedule-poll = \"1h\"\nsubscriptions = true\n\
    callback-secret-file = \"secrets/call\"";

async fn call(hub: &Hub, secret: &str, body: Vec<u8>) -> (u16, String) {
    let url = format!("http://{}/hooks/hub/{secret}", hub.world.address);
    let sent = hub.world.client().post(url).body(body).send();
    let answer = within("an answer to a call", sent).await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.text().await.expect("a body"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_has_the_source_asked_at_once() {
    let clock = SystemClock::new();
    for quirks in ["exact-200", "modifiedEntities,exact-200,one-at-a-time,plain-resources"] {
        let hub = Hub::start(quirks, 3, CALLED).await;
        hub.world.logged("the source calls when something has changed", 1).await;
        let lesson = hub.lesson("Ma", 5);
        for index in 0..2 {
            let began = clock.now();
            hub.absent(index, &lesson);
            hub.told(index, 1).await;
            let took = clock.now().duration_since(began);
            eprintln!("{quirks}: from the mark to the provider in {took:?}");
            // An hour would be the usual pace.
            assert!(took < SignedDuration::from_secs(20), "{took:?}");
        }
        hub.world.quiet(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_it_says_is_heard_and_a_wrong_secret_is_not() {
    let hub = Hub::start("", 2, CALLED).await;
    let large = vec![b'x'; 3 << 20];
    for body in [
        b"{\"modifiedEntites\": [\"Attendance\"]}".to_vec(),
        b"{\"modifiedEntities\": [\"Attendance\"], \"deletedEntities\": true}".to_vec(),
        Vec::new(),
        b"\xff\xfe not JSON".to_vec(),
        large,
    ] {
        assert_eq!(call(&hub, CALL, body).await, (200, String::new()));
    }
    for secret in ["x", "call-0123456789abcdef012345678", &format!("{CALL}0")] {
        assert_eq!(call(&hub, secret, Vec::new()).await.0, 404);
    }
    let url = format!("http://{}/hooks/other/{CALL}", hub.world.address);
    let other = hub.world.client().post(url).send().await.expect("an answer");
    assert_eq!(other.status(), 404);
    hub.world.logged("a call with a wrong secret is refused", 1).await;
    // Whoever does not know the secret does not fill the log either: each is counted.
    let counted = scrape(&hub.world).await;
    assert!(
        counted.contains("upprop_events_total{source=\"hub\",outcome=\"refused\"} 3\n"),
        "{counted}"
    );
    assert_eq!(hub.world.lines("a call with a wrong secret"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_calls_does_not_become_a_flood_of_questions() {
    let hub = Hub::start("", 2, CALLED).await;
    let lesson = hub.lesson("Ma", 5);
    let asked = |hub: &Hub| {
        let all = hub.school.asked();
        all.get("GET /attendances").map_or(0, |by_status| by_status.values().sum::<u64>())
    };
    let before = asked(&hub);
    let clock = SystemClock::new();
    let began = clock.now();
    for _ in 0..300 {
        call(&hub, CALL, b"{}".to_vec()).await;
    }
    hub.absent(0, &lesson);
    hub.told(0, 1).await;
    let took = clock.now().duration_since(began).as_secs().unsigned_abs();
    let more = asked(&hub) - before;
    // One at once, and two a second while it goes on; and each list may have two pages.
    assert!(more <= 2 * (2 * took + 6), "asked {more} times in {took} s");
    // Subscriptions that are gone do not matter for long: it is asked all the same.
    hub.act(Act::EndSubscriptions);
    call(&hub, CALL, Vec::new()).await;
    hub.absent(1, &lesson);
    call(&hub, CALL, Vec::new()).await;
    hub.told(1, 1).await;
    hub.world.quiet(2).await;
}
