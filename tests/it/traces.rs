//! Traces of the real daemon: a collector gets the spans of a message's way, in the caller's trace, without
//! anybody's data; one that never answers harms nothing.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use upprop::env::{Clock as _, SystemClock};

use crate::world::{Setup, TOKEN, World, soon, within};

const TRACE: [u8; 16] =
    [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 1, 2, 3, 4];

#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<u8>>>);

impl Collected {
    fn holds(&self, bytes: &[u8]) -> bool {
        self.0.lock().expect("a lock").windows(bytes.len()).any(|found| found == bytes)
    }
}

/// Takes what is posted, as a collector does.
async fn take(State(collected): State<Collected>, headers: http::HeaderMap, body: Bytes) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    collected.0.lock().expect("a lock").extend_from_slice(&body);
}

fn telemetry(address: std::net::SocketAddr) -> String {
    format!("[telemetry]\notlp-endpoint = \"http://{address}/v1/traces\"\n")
}

/// Posts an event as part of a trace.
async fn post_traced(world: &World, event: &serde_json::Value) {
    let parent = format!("{:032x}", u128::from_be_bytes(TRACE));
    let posted = world
        .client()
        .post(format!("http://{}/hooks/src", world.address))
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json")
        .header("traceparent", format!("00-{parent}-b7ad6b7169203331-01"))
        .header("tracestate", "said=Nils")
        .body(event.to_string())
        .send();
    assert_eq!(within("an answer", posted).await.expect("an answer").status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_the_way_of_a_message_and_nobody_s_data() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let collected = Collected::default();
    let routes = Router::new().route("/v1/traces", post(take)).with_state(collected.clone());
    TaskTracker::new().spawn(async move { axum::serve(listener, routes).await });
    let mut world = Setup { extra: telemetry(address), ..Setup::default() }.start().await;
    post_traced(&world, &world.marked("nils", "l-secret", "unexcused", 5)).await;
    world.messages(1).await;
    world.logged("receipt", 1).await;
    // What is not sent by then is sent at the stop.
    assert_eq!(world.stop(), Some(0));
    let clock = SystemClock::new();
    let all = async {
        for name in ["webhook", "accept", "claim", "attempt", "receipt", "elks", "src", "upprop"] {
            while !collected.holds(name.as_bytes()) {
                clock.sleep_until(soon(&clock)).await;
            }
        }
    };
    within("every span", all).await;
    assert!(collected.holds(&TRACE), "the caller's trace goes on");
    for private in [
        "nils",
        "Nils",
        "701740607",
        "hem.example",
        "Test",
        "Björk",
        "l-secret",
        TOKEN,
        "receipt-secret",
        "u-test",
        "authorization",
    ] {
        assert!(!collected.holds(private.as_bytes()), "{private:?} went to the collector");
    }
    assert_eq!(world.lines("traces are not taken"), 0, "{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_harms_nothing() {
    // Connections are made by the system, and nobody reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("an address");
    let mut world = Setup { extra: telemetry(address), ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    world.logged("traces are not taken", 1).await;
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    world.messages(2).await;
    assert_eq!(world.stop(), Some(0), "{}", world.log());
    assert_eq!(world.lines("traces are not taken"), 1, "{}", world.log());
    assert_eq!(world.lines("the last spans were not taken"), 1, "{}", world.log());
}
