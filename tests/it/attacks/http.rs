//! Requests that two readers would read differently, that carry more than they say, or that never
//! end: what a proxy in front and the daemon behind it might disagree on is refused.

use std::fmt::Write as _;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::inlet::{raw, send};
use crate::world::{Setup, TOKEN, World, within};

/// A request that would be answered after another on the same connection.
const SECOND: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

fn head(more: &str) -> String {
    format!(
        "POST /hooks/src HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\n{more}\r\n"
    )
}

fn event(world: &World) -> String {
    world.marked("nils", &world.event_id(), "unexcused", 5).to_string()
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

/// The statuses of the answers on one connection.
fn statuses(answer: &str) -> Vec<u16> {
    let lines = answer.split("HTTP/1.1 ").skip(1);
    lines.map(|rest| rest[..3].parse().expect("a status")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_one_length_or_the_request_is_refused() {
    let world = Setup::default().start().await;
    for more in [
        "Content-Length: 2\r\nContent-Length: 4\r\n",
        "Content-Length: 2, 2\r\n",
        "Content-Length: +2\r\n",
        "Content-Length: -2\r\n",
        "Content-Length: 0x2\r\n",
        "Content-Length: 2 2\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length:\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding:\u{b}chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "X: a\r\n Transfer-Encoding: chunked\r\n",
        "X: a\rTransfer-Encoding: chunked\r\n",
        "X\0: a\r\n",
        "X: a\0b\r\n",
    ] {
        let request = format!("{}{}{SECOND}", head(more), chunked(&event(&world)));
        let answer = raw(world.address, request.as_bytes()).await;
        assert_eq!(statuses(&answer), [400], "{more:?}: {answer}");
    }
    world.quiet(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_a_body_of_two_lengths_is_not_a_request() {
    let world = Setup::default().start().await;
    for (lengths, round) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 1),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 2),
    ] {
        // RFC 9112 §6.3: the chunks count, and the connection is closed behind them.
        let request = format!("{}{}{SECOND}", head(lengths), chunked(&event(&world)));
        let answer = raw(world.address, request.as_bytes()).await;
        assert_eq!(statuses(&answer), [202], "{lengths:?}: {answer}");
        world.messages(round).await;
    }
    // So a proxy that believes the length has forwarded one request where it saw two.
    let hidden = format!("0\r\n\r\n{}", head(&format!("Content-Length: {}\r\n", 2)));
    let lengths = format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", hidden.len());
    let answer = raw(world.address, format!("{}{hidden}[]", head(&lengths)).as_bytes()).await;
    assert_eq!(statuses(&answer).len(), 1, "{answer}");
    world.quiet(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_and_trailers_carry_nothing_past_the_limits() {
    let world = Setup::default().start().await;
    let open = head("Transfer-Encoding: chunked\r\nConnection: close\r\n");
    for (what, body) in [
        ("trailers", format!("2\r\n[]\r\n0\r\n{}\r\n", "X: y\r\n".repeat(100_000))),
        ("an extension", format!("2;{}\r\n[]\r\n0\r\n\r\n", "a".repeat(1 << 20))),
        ("a size", "fffffffffffffffff\r\n[]\r\n0\r\n\r\n".to_owned()),
        ("a negative size", "-2\r\n[]\r\n0\r\n\r\n".to_owned()),
    ] {
        let answer = raw(world.address, format!("{open}{body}").as_bytes()).await;
        assert!(answer.is_empty() || statuses(&answer) == [400], "{what}: {answer}");
    }
    // Credentials that come after the body were not there when it was judged.
    let stranger = open.replace(&format!("Authorization: Bearer {TOKEN}\r\n"), "");
    let event = event(&world);
    let late = format!("Authorization: Bearer {TOKEN}\r\n");
    let body = format!("{:x}\r\n{event}\r\n0\r\n{late}\r\n", event.len());
    let answer = raw(world.address, format!("{stranger}{body}").as_bytes()).await;
    assert_eq!(statuses(&answer), [401], "{answer}");
    world.quiet(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_come_twice_or_folded_are_none() {
    let extra = "[schools.s2]\nname = \"Andra skolan\"\nphone = \"070-174 06 88\"\n";
    let world = Setup { extra: extra.into(), ..Setup::default() }.start().await;
    let body = event(&world);
    let length = format!("Content-Length: {}\r\nConnection: close\r\n", body.len());
    let own = format!("Authorization: Bearer {TOKEN}\r\n");
    let folded = format!("Authorization: Bearer\r\n {TOKEN}\r\n");
    for (twice, status) in [
        (format!("{own}Authorization: Bearer other\r\n"), 401),
        (format!("Authorization: Bearer other\r\n{own}"), 401),
        (format!("{own}{own}"), 401),
        (folded, 400),
    ] {
        let request = head(&length).replace(&own, &twice) + &body;
        let answer = raw(world.address, request.as_bytes()).await;
        assert_eq!(statuses(&answer), [status], "{twice}: {answer}");
        let request = request.replace("POST /hooks/src", "PUT /api/directory");
        let request = request.replace(TOKEN, crate::world::API_TOKEN);
        let answer = raw(world.address, request.as_bytes()).await;
        assert_eq!(statuses(&answer), [status], "{twice}: {answer}");
    }
    world.quiet(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bodies_are_not_unpacked() {
    let world = Setup::default().start().await;
    // What would become ten gigabytes if it were believed, and an honest one.
    for body in [&b"\x1f\x8b\x08\0\0\0\0\0"[..], &[0x78, 0x9c, 3, 0]] {
        for coding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
            let token = format!("Bearer {TOKEN}");
            let headers = [
                ("authorization", token.as_str()),
                ("content-type", "application/json"),
                ("content-encoding", coding),
            ];
            let answer = send(&world, "/hooks/src", &headers, body.to_vec()).await;
            assert_eq!(answer.status, 415, "{coding}: {}", answer.text);
        }
    }
    world.quiet(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_without_end_and_odd_letters_are_refused_in_words() {
    let world = Setup::default().start().await;
    let event = event(&world);
    let with = |minutes: &str| {
        event.replacen(
            "\"mark\"",
            &format!("\"minutes\":{{\"absent\":{minutes},\"scheduled\":60}},\"mark\""),
            1,
        )
    };
    for (body, status) in [
        (with(&"9".repeat(100_000)), 400),
        (with("1e999999999"), 400),
        (with("18446744073709551617"), 422),
        (with("-0"), 422),
        (with("0.5"), 422),
        (with("NaN"), 400),
        (event.replacen("\"nils\"", "\"\\ud800\"", 1), 400),
        (event.replacen("\"nils\"", "\"nils\\u0000\"", 1), 422),
        (event.replacen("\"nils\"", "\"nil\u{455}\"", 1), 422),
        (event.replacen("\"nils\"", "\"nils\u{200b}\"", 1), 422),
        (event.replacen("\"mark\"", "\"mark\":\"present\",\"mark\"", 1), 422),
        (format!("\u{feff}\u{feff}{event}"), 400),
        (format!("{event}{event}"), 400),
    ] {
        let (got, answer) = world.post_as("src", TOKEN, body).await;
        assert_eq!(got, status, "{answer}");
    }
    world.quiet(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_in_the_middle_is_forgotten() {
    let world = Setup::default().start().await;
    for request in [
        "POST /hooks/src HTTP/1.1\r\nHo".to_owned(),
        head("Content-Length: 100\r\n") + "{\"type\":",
        head("Transfer-Encoding: chunked\r\n") + "64\r\n{\"type\":",
    ] {
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("written");
        // Half open: nothing more comes, and the other side still waits for an answer.
        stream.shutdown().await.expect("half open");
        let mut answer = String::new();
        within("the end", stream.read_to_string(&mut answer)).await.expect("text");
        assert!(!answer.contains("HTTP/1.1 2"), "{answer}");
    }
    world.quiet(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_lead_nowhere_else() {
    let world = Setup::default().start().await;
    let body = event(&world);
    let rest = head(&format!("Content-Length: {}\r\nConnection: close\r\n", body.len()));
    let rest = rest.split_once("\r\n").expect("lines").1;
    for (line, status) in [
        ("CONNECT 169.254.169.254:80 HTTP/1.1", 404),
        ("TRACE /hooks/src HTTP/1.1", 405),
        ("GET /hooks/src HTTP/1.1", 405),
        ("POST /hooks/../hooks/src HTTP/1.1", 404),
        ("POST /hooks//src HTTP/1.1", 404),
        ("POST /hooks/src/ HTTP/1.1", 404),
        ("POST /hooks/..%2fsrc HTTP/1.1", 401),
        ("POST /hooks/%0d%0aINFO%20forged HTTP/1.1", 401),
        ("POST /hooks/%00src HTTP/1.1", 401),
        ("POST /receipts/elks/..%2f..%2fhooks HTTP/1.1", 404),
        ("PUT /api/directory HTTP/1.1", 401),
        ("GET /secrets/token HTTP/1.1", 404),
        ("GET /../secrets/token HTTP/1.1", 404),
    ] {
        let mut request = String::new();
        let _ = write!(request, "{line}\r\n{rest}{body}");
        let answer = raw(world.address, request.as_bytes()).await;
        assert_eq!(statuses(&answer), [status], "{line}: {answer}");
    }
    world.quiet(0).await;
}
