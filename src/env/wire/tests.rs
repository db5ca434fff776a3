//! The wire against raw listeners on this machine, each misbehaving in one way.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

/// What a server does with one connection; it counts the requests it has read to their end.
type Script = fn(TcpStream, Arc<AtomicUsize>) -> Pending<'static, ()>;

#[expect(clippy::disallowed_methods, reason = "a test's server is no task of the daemon")]
async fn serve(script: Script) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(script(stream, Arc::clone(&count)));
        }
    });
    (address, seen)
}

/// Reads one request with a body of two bytes.
async fn read_request(stream: &mut TcpStream, seen: &AtomicUsize) -> bool {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\nhi") {
        let mut byte = [0];
        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
            return false;
        }
        read.push(byte[0]);
    }
    seen.fetch_add(1, Ordering::SeqCst);
    true
}

fn settings() -> WireSettings {
    WireSettings {
        connect_timeout: Duration::from_millis(500),
        timeout: Duration::from_secs(1),
        max_answer: 1024,
        ..WireSettings::default()
    }
}

fn wire() -> ReqwestWire {
    ReqwestWire::new(&settings()).unwrap()
}

async fn post(wire: &ReqwestWire, url: &str) -> Result<http::Response<Bytes>, WireError> {
    let request =
        http::Request::builder().method("POST").uri(url).body(Bytes::from_static(b"hi")).unwrap();
    wire.call(request).await
}

fn not_sent(answer: Result<http::Response<Bytes>, WireError>) -> String {
    match answer {
        Err(WireError::NotSent(why)) => why,
        other => panic!("expected NotSent, got {other:?}"),
    }
}

fn unknown(answer: Result<http::Response<Bytes>, WireError>) -> String {
    match answer {
        Err(WireError::Unknown(why)) => why,
        other => panic!("expected Unknown, got {other:?}"),
    }
}

#[tokio::test]
async fn an_answer_comes_whole() {
    let (address, _) = serve(|mut stream, seen| {
        Box::pin(async move {
            read_request(&mut stream, &seen).await;
            let answer = b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait";
            stream.write_all(answer).await.unwrap();
        })
    })
    .await;
    let answer = post(&wire(), &format!("http://{address}/sms")).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (429, b"wait".as_slice()));
    assert_eq!(answer.headers()["retry-after"], "7");
}

#[tokio::test]
async fn what_never_left_is_not_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let wire = wire();
    for (what, url, expected) in [
        ("refused", format!("http://{closed}/"), "connection refused"),
        // "Not found", or "took too long" where the resolver is slow to say so.
        ("no such name", "https://upprop.invalid/".into(), ""),
        ("plain http", "http://192.0.2.1/".into(), "the address is not https"),
    ] {
        let why = not_sent(post(&wire, &url).await);
        assert!(why.starts_with(expected), "{what}: {why}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_the_tunnel_means_not_sent() {
    let (proxy, seen) = serve(|mut stream, seen| {
        Box::pin(async move {
            let mut head = vec![0; 4096];
            let size = stream.read(&mut head).await.unwrap_or(0);
            seen.fetch_add(usize::from(head[..size].starts_with(b"CONNECT ")), Ordering::SeqCst);
            let _ =
                stream.write_all(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n").await;
        })
    })
    .await;
    let settings = WireSettings { proxy: Some(format!("http://{proxy}")), ..settings() };
    not_sent(post(&ReqwestWire::new(&settings).unwrap(), "https://sms.invalid/").await);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn tls_that_fails_or_stalls_is_not_sent() {
    let (plain, seen) = serve(|mut stream, _| {
        Box::pin(async move {
            let _ = stream.write_all(b"this is not TLS\r\n").await;
        })
    })
    .await;
    let why = not_sent(post(&wire(), &format!("https://{plain}/")).await);
    assert!(why.starts_with("TLS: "), "{why}");

    let (silent, _) = serve(|mut stream, _| {
        Box::pin(async move {
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
    })
    .await;
    let why = not_sent(post(&wire(), &format!("https://{silent}/")).await);
    assert_eq!(why, "connecting took too long");
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_server_that_reads_and_goes_silent_leaves_it_unknown() {
    let (closes, seen) = serve(|mut stream, seen| {
        Box::pin(async move {
            read_request(&mut stream, &seen).await;
        })
    })
    .await;
    unknown(post(&wire(), &format!("http://{closes}/")).await);
    assert_eq!(seen.load(Ordering::SeqCst), 1, "sent once, not again");

    let (stalls, _) = serve(|mut stream, seen| {
        Box::pin(async move {
            read_request(&mut stream, &seen).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
    })
    .await;
    assert_eq!(unknown(post(&wire(), &format!("http://{stalls}/")).await), "timed out");

    let (half, _) = serve(|mut stream, seen| {
        Box::pin(async move {
            read_request(&mut stream, &seen).await;
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"id\":").await;
        })
    })
    .await;
    unknown(post(&wire(), &format!("http://{half}/")).await);
}

#[tokio::test]
async fn a_slow_drip_ends_at_the_total_time_out() {
    let (address, _) = serve(|mut stream, seen| {
        Box::pin(async move {
            read_request(&mut stream, &seen).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").await;
            let mut beat = tokio::time::interval(Duration::from_millis(50));
            while stream.write_all(b".").await.is_ok() {
                beat.tick().await;
            }
        })
    })
    .await;
    assert_eq!(unknown(post(&wire(), &format!("http://{address}/")).await), "timed out");
}

#[tokio::test]
async fn an_oversized_answer_is_refused_with_and_without_a_length() {
    for head in ["Content-Length: 4096\r\n", "Transfer-Encoding: chunked\r\n"] {
        let script: Script = if head.starts_with('C') {
            |mut stream, seen| {
                Box::pin(async move {
                    read_request(&mut stream, &seen).await;
                    let _ =
                        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n").await;
                    let _ = stream.write_all(&[b'x'; 4096]).await;
                })
            }
        } else {
            |mut stream, seen| {
                Box::pin(async move {
                    read_request(&mut stream, &seen).await;
                    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                    let _ = stream.write_all(head).await;
                    loop {
                        let chunk = [b"200\r\n".as_slice(), &[b'x'; 0x200], b"\r\n"].concat();
                        if stream.write_all(&chunk).await.is_err() {
                            break;
                        }
                    }
                })
            }
        };
        let (address, _) = serve(script).await;
        let why = unknown(post(&wire(), &format!("http://{address}/")).await);
        assert_eq!(why, "the answer is larger than 1024 bytes", "{head}");
    }
}

#[tokio::test]
async fn where_no_service_is_nothing_is_sent() {
    for (url, why) in [
        ("https://169.254.169.254/", "link-local"),
        ("https://[::ffff:169.254.169.254]/", "link-local"),
        ("https://2852039166/", "ends in a number"),
        ("https://0/", "ends in a number"),
    ] {
        let said = not_sent(post(&wire(), url).await);
        assert!(said.contains(why), "{url}: {said}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_not_an_order() {
    let (address, seen) = serve(|mut stream, seen| {
        Box::pin(async move {
            read_request(&mut stream, &seen).await;
            let answer = b"HTTP/1.1 307 Go\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
            let _ = stream.write_all(answer).await;
        })
    })
    .await;
    let answer = post(&wire(), &format!("http://{address}/")).await.unwrap();
    assert_eq!(answer.status().as_u16(), 307);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_reused_connection_that_dies_after_the_request_is_unknown() {
    let (address, seen) = serve(|mut stream, seen| {
        Box::pin(async move {
            read_request(&mut stream, &seen).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            read_request(&mut stream, &seen).await;
        })
    })
    .await;
    let wire = wire();
    let url = format!("http://{address}/");
    assert_eq!(post(&wire, &url).await.unwrap().status().as_u16(), 200);
    unknown(post(&wire, &url).await);
    assert_eq!(seen.load(Ordering::SeqCst), 2, "the second request was read once");
}

#[test]
fn a_bad_set_up_is_told_apart() {
    let broken = |change: fn(&mut WireSettings)| {
        let mut settings = settings();
        change(&mut settings);
        ReqwestWire::new(&settings).unwrap_err().to_string()
    };
    assert!(
        broken(|s| s.ca_file = Some("/nonexistent/ca.pem".into())).contains("/nonexistent/ca.pem")
    );
    assert!(broken(|s| s.ca_file = Some("/dev/null".into())).contains("CA file"));
    assert!(broken(|s| s.proxy = Some(":".into())).contains("proxy"));
}
