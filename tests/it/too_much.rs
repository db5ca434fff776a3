//! Requests that are too large, too deep, too slow or too many: each is refused or let go, in words
//! where there is somebody to read them, and those beside them are served.

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::inlet::{amend, raw, send};
use crate::world::{Setup, TOKEN, World, within};

fn head(world: &World, more: &str) -> String {
    format!(
        "POST /hooks/src HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\n{more}\r\n",
        world.address
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn two_megabytes_are_refused_declared_or_not() {
    let world = Setup::default().start().await;
    let mut event = world.marked("nils", "l1", "unexcused", 5);
    event["padding"] = "x".repeat(2 << 20).into();
    let (status, answer) = world.post(&event).await;
    assert_eq!(status, 413);
    assert_eq!(
        answer,
        json!({"error": "the body is larger than 1048576 bytes; send fewer events at a time"})
    );
    let body = event.to_string();
    let mut chunked = head(&world, "Transfer-Encoding: chunked\r\n").into_bytes();
    for chunk in body.as_bytes().chunks(1 << 16) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    let answer = raw(world.address, &chunked).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    // Announced and never sent, by a sender that asks first.
    let asked = head(&world, "Content-Length: 2097152\r\nExpect: 100-continue\r\n");
    let asked = raw(world.address, asked.as_bytes()).await;
    assert!(asked.starts_with("HTTP/1.1 413"), "{asked}");
    world.quiet(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_json_is_refused_and_costs_nothing() {
    let world = Setup::default().start().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [128, 100_000] {
            let body = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let (status, answer) = world.post_as("src", TOKEN, body).await;
            assert_eq!(status, 400, "{answer}");
            let error = answer["error"].as_str().unwrap_or_default();
            assert!(error.contains("nested deeper than 127 levels"), "{error}");
        }
    }
    world.quiet(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_and_bodies_are_let_go() {
    let mut world = Setup::default().prepare();
    amend(&world, "[server]\n", "[server]\nheader-timeout = \"1s\"\nbody-timeout = \"1s\"\n");
    world.start().await;
    // Half a head, then nothing: the other side closes, and says 408 or nothing.
    let answer = raw(world.address, b"POST /hooks/src HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    // Half a body, then nothing: the sender is told, and may try again.
    let half = head(&world, "Content-Length: 100\r\n") + "{\"type\":";
    let answer = raw(world.address, half.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("the body did not arrive in time; send it again"), "{answer}");
    world.quiet(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_by_the_hundred_only_delay_others() {
    let mut world = Setup::default().prepare();
    amend(&world, "[server]\n", "[server]\nheader-timeout = \"1s\"\nmax-connections = 16\n");
    world.start().await;
    let mut idle = Vec::new();
    for i in 0..200 {
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        if i % 2 == 0 {
            let _ = stream.write_all(b"POST /hooks/src HTTP/1.1\r\n").await;
        }
        idle.push(stream);
    }
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.quiet(1).await;
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_with_too_many_or_too_long_fields_are_refused() {
    let world = Setup::default().start().await;
    let many = "X-Again: y\r\n".repeat(100);
    let long = format!("X-Long: {}\r\n", "y".repeat(64 << 10));
    for more in [many, long] {
        let answer = raw(world.address, head(&world, &more).as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    let answer = within("health", async { send(&world, "GET /healthz", &[], "").await }).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "ok\n"));
    world.quiet(0).await;
}
