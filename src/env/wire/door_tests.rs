//! Requests made on behalf of an account, against a service that hands out tokens and takes messages:
//! one token for many, a withdrawn one replaced once, and nothing sent without one.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::model::{Endpoint, OnBehalfOf};

/// Head and body of the answer to a request, by what has been asked before and what is asked now.
type Answers = dyn Fn(&[String], &str) -> String + Send + Sync;

#[derive(Clone)]
struct Service {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Service {
    #[expect(clippy::disallowed_methods, reason = "a test's server is no task of the daemon")]
    async fn start(answers: impl Fn(&[String], &str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let service = Self { port, seen: Arc::default() };
        let (own, answers): (_, Arc<Answers>) = (service.clone(), Arc::new(answers));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(own.clone().serve(stream, answers.clone()));
            }
        });
        service
    }

    async fn serve(self, mut stream: TcpStream, answers: Arc<Answers>) {
        let mut read = String::new();
        let mut piece = [0; 4096];
        while !read.ends_with("hi") && !read.contains("grant_type=") {
            let size = stream.read(&mut piece).await.unwrap_or(0);
            if size == 0 {
                return;
            }
            read.push_str(std::str::from_utf8(&piece[..size]).unwrap());
        }
        let answer = {
            let mut seen = self.seen.lock().unwrap();
            let answer = answers(&seen, &read);
            seen.push(read);
            answer
        };
        if answer == "silence" {
            let _ = stream.read(&mut piece).await;
        } else {
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }

    /// What was asked, as `token`, or the authorisation of a message.
    fn asked(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let word = |text: &String| match text.split_once("authorization: Bearer ") {
            Some((_, rest)) => rest.lines().next().unwrap().to_owned(),
            None => "token".to_owned(),
        };
        seen.iter().map(word).collect()
    }

    fn wire(&self) -> ReqwestWire {
        let url = format!("http://127.0.0.1:{}/token", self.port);
        let token = TokenSettings {
            url: Endpoint::parse(&url, PlainHttp::LoopbackOnly).unwrap(),
            client_id: "ekskolan".into(),
            client_secret: "hemligt".into(),
            scope: None,
            in_form: false,
        };
        let door = DoorSettings { token: Some(token), ..DoorSettings::default() };
        let settings = WireSettings {
            timeout: Duration::from_secs(2),
            accounts: [(account(), door)].into(),
            ..WireSettings::default()
        };
        assert!(!format!("{settings:?}").contains("hemligt"));
        ReqwestWire::new(&settings).unwrap()
    }

    async fn post(&self, wire: &ReqwestWire) -> Result<u16, WireError> {
        let request = http::Request::post(format!("http://127.0.0.1:{}/sms", self.port))
            .extension(OnBehalfOf(account()))
            .body(Bytes::from_static(b"hi"));
        wire.call(request.unwrap()).await.map(|answer| answer.status().as_u16())
    }
}

fn account() -> ProviderId {
    ProviderId::new("gw").unwrap()
}

fn answer(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} Said\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// The next token of a service that numbers them.
fn granted(before: &[String], life: u32) -> String {
    let n = before.iter().filter(|text| text.contains("grant_type=")).count() + 1;
    answer(200, &format!(r#"{{"access_token":"t{n}","token_type":"Bearer","expires_in":{life}}}"#))
}

#[tokio::test]
async fn one_token_for_many_messages() {
    let service = Service::start(|before, now| {
        if now.contains("grant_type=") { granted(before, 3600) } else { answer(200, "ok") }
    })
    .await;
    let wire = service.wire();
    let many = (0..8).map(|_| service.post(&wire));
    assert_eq!(futures_util::future::join_all(many).await, vec![Ok(200); 8]);
    let mut expected = vec!["t1"; 8];
    expected.insert(0, "token");
    assert_eq!(service.asked(), expected);
    let (printed, first) = (format!("{wire:?}"), service.seen.lock().unwrap()[0].clone());
    assert!(!printed.contains("t1") && !printed.contains("hemligt"), "{printed}");
    assert!(first.contains("authorization: Basic ZWtza29sYW46aGVtbGlndA=="), "{first}");
}

#[tokio::test]
async fn a_withdrawn_token_is_replaced_once() {
    // Every token but the third is withdrawn as soon as it has been used once.
    let service = Service::start(|before, now| {
        let used = |token: &str| before.iter().any(|text| text.contains(token));
        match now {
            now if now.contains("grant_type=") => granted(before, 3600),
            now if now.contains("Bearer t3") => answer(200, "ok"),
            now if now.contains("Bearer t1") && !used("Bearer t1") => answer(200, "ok"),
            _ => answer(401, ""),
        }
    })
    .await;
    let wire = service.wire();
    assert_eq!(service.post(&wire).await, Ok(200));
    assert_eq!(service.post(&wire).await, Ok(401), "once, and the answer stands");
    assert_eq!(service.asked(), ["token", "t1", "t1", "token", "t2"]);
    assert_eq!(service.post(&wire).await, Ok(200));
    assert_eq!(service.asked()[5..], ["t2", "token", "t3"]);
}

#[tokio::test]
async fn a_new_token_that_is_not_taken_is_not_tried_again() {
    let service = Service::start(|before, now| {
        if now.contains("grant_type=") { granted(before, 3600) } else { answer(401, "") }
    })
    .await;
    assert_eq!(service.post(&service.wire()).await, Ok(401));
    assert_eq!(service.asked(), ["token", "t1"]);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let elsewhere = "HTTP/1.1 307 Go\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n";
    for (said, let_in) in [
        (answer(401, r#"{"error":"invalid_client"}"#), false),
        (elsewhere.to_owned(), false),
        (answer(503, ""), true),
        (answer(200, "<html>"), true),
        ("nonsense\r\n\r\n".to_owned(), true),
        ("silence".to_owned(), true),
    ] {
        let service = Service::start(move |_, _| said.clone()).await;
        let error = service.post(&service.wire()).await.unwrap_err();
        assert_eq!(matches!(error, WireError::NotSent(_)), let_in, "{error}");
        assert_eq!(matches!(error, WireError::NotLetIn(_)), !let_in, "{error}");
        assert_eq!(service.asked(), ["token"]);
    }
}

#[tokio::test]
async fn all_of_it_ends_with_the_time_of_one_call() {
    let service = Service::start(|before, now| {
        if now.contains("grant_type=") { granted(before, 3600) } else { "silence".into() }
    })
    .await;
    let wire = service.wire();
    let clock = SystemClock::new();
    let began = clock.now();
    assert_eq!(service.post(&wire).await, Err(WireError::Unknown("timed out".into())));
    assert!(clock.now().duration_since(began).as_millis() < 3_500);
}

#[tokio::test]
async fn a_token_is_renewed_early_and_the_old_one_serves_while_that_fails() {
    // A life of 5 s is renewed after 4; the second is refused.
    let service = Service::start(|before, now| match now {
        now if now.contains("grant_type=") && before.is_empty() => granted(before, 5),
        now if now.contains("grant_type=") => answer(503, ""),
        _ => answer(200, "ok"),
    })
    .await;
    let wire = service.wire();
    assert_eq!(service.post(&wire).await, Ok(200));
    let clock = SystemClock::new();
    clock.sleep_until(clock.now() + jiff::SignedDuration::from_millis(4_100)).await;
    assert_eq!(service.post(&wire).await, Ok(200));
    assert_eq!(service.post(&wire).await, Ok(200));
    assert_eq!(service.asked(), ["token", "t1", "token", "t1", "t1"]);
}

#[tokio::test]
async fn an_account_that_the_wire_does_not_know_is_not_let_in() {
    let service = Service::start(|_, _| answer(200, "")).await;
    let wire = ReqwestWire::new(&WireSettings::default()).unwrap();
    let error = service.post(&wire).await.unwrap_err();
    assert!(matches!(error, WireError::NotLetIn(_)), "{error}");
    assert!(service.asked().is_empty());
}
