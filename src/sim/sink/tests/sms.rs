//! Texts, history, reports and the list.

use std::sync::{Arc, Mutex};

use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::*;
use crate::sim::sink::{Plan, ReceiptState, Receipts, Status};

#[tokio::test]
async fn a_text_is_taken_answered_and_listed() {
    let (sink, _) = start(Faults::default());
    let more = [("whendelivered", "http://example.se/r/1"), ("flashsms", "yes")];
    let answer = send(&sink, "+46701740605", "Åsa saknas €", &more).await.expect("answer");
    assert_eq!(answer.status, StatusCode::OK);
    let told = answer.json();
    let id = told["id"].as_str().expect("id");
    assert!(id.len() == 33 && id.starts_with('s'), "{id}");
    assert_eq!(told["status"], "created");
    assert_eq!(told["created"], "2026-03-02T07:31:02.500000");
    assert_eq!((&told["parts"], &told["cost"]), (&1.into(), &3500.into()));
    assert_eq!(told["message"], "Åsa saknas €");

    let listed = get(&sink, "/messages?kind=sms&to=%2B46701740605&contains=saknas").await.json();
    let [one] = listed.as_array().expect("list").as_slice() else { panic!("{listed}") };
    assert_eq!(
        (&one["id"], &one["from"], &one["kind"]),
        (&id.into(), &"Ekskolan".into(), &"sms".into())
    );
    assert_eq!(one["headers"]["whendelivered"], "http://example.se/r/1");
    assert_eq!(one["receipt"], "refused", "only this machine is called");
    for other in ["kind=email", "to=%2B46701740606", "contains=annat"] {
        assert_eq!(
            get(&sink, &format!("/messages/count?{other}")).await.json()["count"],
            0,
            "{other}"
        );
    }
    assert_eq!(get(&sink, "/messages?wrong=1").await.status, StatusCode::BAD_REQUEST);

    let same = get(&sink, &format!("/A1/sms/{id}")).await.json();
    assert_eq!((&same["id"], &same["status"]), (&id.into(), &"delivered".into()));
    assert_eq!(get(&sink, "/a1/sms/s0").await.status, StatusCode::NOT_FOUND);

    let gone = call(Method::DELETE, sink.url() + "/messages", "", "").await.expect("answer");
    assert_eq!((gone.status, sink.count()), (StatusCode::NO_CONTENT, 0));
}

#[tokio::test]
async fn bad_requests_are_refused_in_plain_text() {
    let (sink, _) = start(Faults::default());
    let cases = [
        ("to=%2B46701740605&message=x", "Missing key from"),
        ("from=Ekskolan&message=x", "Missing key to"),
        ("from=Ekskolan&to=%2B46701740605", "Missing key message"),
        ("from=1skola&to=%2B46701740605&message=x", "Invalid from"),
        ("from=Ekskolan&to=0701740605&message=x", "Invalid to"),
    ];
    for (form, words) in cases {
        let answer = call(Method::POST, sink.url() + "/a1/sms", form, FORM).await.expect("answer");
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{form}");
        assert!(answer.text.starts_with(words), "{}", answer.text);
    }
    let naked = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let answer = naked.get(format!("{}/a1/sms", sink.url()).parse().expect("url")).await;
    assert_eq!(answer.expect("answer").status(), StatusCode::UNAUTHORIZED);
    assert_eq!(sink.count(), 0);
}

#[tokio::test]
async fn a_dry_run_prices_and_keeps_nothing() {
    let (sink, _) = start(Faults::default());
    let text = "č".repeat(71);
    let answer = send(&sink, "+46701740605", &text, &[("dryrun", "yes")]).await.expect("answer");
    let told = answer.json();
    assert_eq!((&told["parts"], &told["estimated_cost"]), (&2.into(), &7000.into()));
    assert!(told.get("id").is_none() && sink.count() == 0, "{told}");
}

#[tokio::test]
async fn the_history_pages_back_through_time() {
    let (sink, clock) = start(Faults::default());
    for n in 0..5 {
        let number = format!("+467017406{}", 10 + n % 2);
        let more = if n == 4 { &[("dontlog", "message")][..] } else { &[] };
        send(&sink, &number, &format!("text {n}"), more).await.expect("answer");
        if n == 1 {
            clock.advance(SignedDuration::from_secs(60));
        }
    }
    let mut texts = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = get(&sink, &format!("/a1/sms{query}")).await.json();
        let data = page["data"].as_array().expect("data");
        assert!(data.len() <= 2, "{page}");
        texts.extend(data.iter().map(|text| text["message"].as_str().map(str::to_owned)));
        let Some(next) = page.get("next") else { break };
        query = format!("?limit=2&start={}", next.as_str().expect("time"));
    }
    let texts: Vec<_> = texts.iter().map(Option::as_deref).collect();
    let expected = [None, Some("text 3"), Some("text 2"), Some("text 1"), Some("text 0")];
    assert_eq!(texts, expected, "the one not logged has no text");

    let minute = get(&sink, "/a1/sms?end=2026-03-02T07:32:00&to=%2B46701740610").await.json();
    let found: Vec<_> = minute["data"].as_array().expect("data").iter().collect();
    assert_eq!(found.len(), 2, "{minute}");
    assert!(found.iter().all(|text| text["to"] == "+46701740610"));
    let early = get(&sink, "/a1/sms?start=2026-03-02T07:32:00").await.json();
    assert_eq!(early["data"].as_array().map(Vec::len), Some(2), "{early}");
    assert_eq!(get(&sink, "/a1/sms?start=soon").await.status, StatusCode::BAD_REQUEST);
}

/// A gateway that notes the reports it gets, and refuses the first `refuse`.
async fn listener(refuse: usize) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let url =
        format!("http://rec:s%3Ct@{}/receipts/elks/x?oid=7", listener.local_addr().expect("bound"));
    let noted = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&noted);
    TaskTracker::new().spawn(async move {
        let (stream, _) = listener.accept().await.expect("the sink calls");
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let keep = Arc::clone(&keep);
            async move {
                let login = request.headers()["authorization"].to_str().expect("text").to_owned();
                assert_eq!(login, format!("Basic {}", BASE64_STANDARD.encode("rec:s<t")));
                assert_eq!(request.uri(), "/receipts/elks/x?oid=7");
                let body = request.into_body().collect().await.expect("body").to_bytes();
                let mut keep = keep.lock().expect("whole");
                keep.push(String::from_utf8(body.to_vec()).expect("form"));
                let status = if keep.len() <= refuse { 500 } else { 204 };
                let answer = Response::builder().status(status).body(Full::<Bytes>::default());
                Ok::<_, std::convert::Infallible>(answer.expect("answer"))
            }
        });
        let _ = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    });
    (url, noted)
}

fn statuses(noted: &Mutex<Vec<String>>) -> Vec<String> {
    let status = |form: &String| {
        let form: Vec<(String, String)> = serde_urlencoded::from_str(form).expect("form");
        form.into_iter().find(|(name, _)| name == "status").expect("status").1
    };
    noted.lock().expect("whole").iter().map(status).collect()
}

#[tokio::test]
async fn reports_follow_the_plan() {
    let cases: [(Plan, &[&str], Status); 6] = [
        (Plan::Delivered, &["delivered"], Status::Delivered),
        (Plan::SentThenDelivered, &["sent", "delivered"], Status::Delivered),
        (Plan::Failed, &["failed"], Status::Failed),
        (Plan::Twice, &["delivered", "delivered"], Status::Delivered),
        (Plan::LateSent, &["delivered", "sent"], Status::Delivered),
        (Plan::UnknownId, &["delivered", "delivered"], Status::Delivered),
    ];
    for (plan, expected, end) in cases {
        let (url, noted) = listener(0).await;
        let (sink, _) = start(Faults {
            receipts: Receipts { plan, ..Receipts::default() },
            ..Faults::default()
        });
        send(&sink, "+46701740605", "x", &[("whendelivered", &url)]).await.expect("answer");
        let texts = soon(sink.until(|all| all[0].receipt == ReceiptState::Done)).await;
        assert_eq!(statuses(&noted), expected, "{plan:?}");
        assert_eq!(texts[0].status, Some(end), "{plan:?}");
        let noted = noted.lock().expect("whole");
        let ours = noted.iter().filter(|form| form.contains(&texts[0].id)).count();
        assert_eq!(ours, texts[0].receipts_posted as usize, "{plan:?}");
        assert_eq!(
            noted[0].contains("delivered=2026-03-02T07%3A31%3A02.5"),
            expected[0] == "delivered"
        );
    }
}

#[tokio::test]
async fn magic_numbers_have_plans_of_their_own() {
    let (url, noted) = listener(0).await;
    let (sink, _) = start(Faults::default());
    for (n, number) in ["+46701740696", "+46701740691"].into_iter().enumerate() {
        send(&sink, number, "x", &[("whendelivered", &url)]).await.expect("answer");
        if n == 0 {
            assert_eq!(statuses(&noted), ["delivered"], "told before the answer");
        }
    }
    send(&sink, "+46701740690", "x", &[("whendelivered", &url)]).await.expect("answer");
    let texts = soon(sink.until(|all| all[1].receipt == ReceiptState::Done)).await;
    assert_eq!(statuses(&noted), ["delivered", "failed"]);
    assert_eq!((texts[2].receipt, texts[2].status), (ReceiptState::None, Some(Status::Sent)));
}

#[tokio::test]
async fn a_refused_report_is_repeated_until_taken_or_given_up() {
    for (refuse, state, posts) in [(3, ReceiptState::Done, 4), (99, ReceiptState::Unanswered, 6)] {
        let (url, noted) = listener(refuse).await;
        let receipts = Receipts { retry_ms: 0, ..Receipts::default() };
        let (sink, _) = start(Faults { receipts, ..Faults::default() });
        send(&sink, "+46701740605", "x", &[("whendelivered", &url)]).await.expect("answer");
        soon(sink.until(|all| all[0].receipt == state)).await;
        assert_eq!(noted.lock().expect("whole").len(), posts);
    }
}

#[tokio::test]
async fn any_gateway_body_is_captured() {
    let (sink, _) = start(Faults::default());
    let bodies = [
        (FORM, "destination=%2B46701740605&sender=Skola&text=hej&ref=7"),
        (
            "application/json",
            r#"{"recipients":["+46701740605"],"from":"Skola","body":"hej","ref":7}"#,
        ),
    ];
    for (media, body) in bodies {
        let url = sink.url() + "/generic/send/v1";
        let answer = call(Method::POST, url, body, media).await.expect("answer");
        let told = answer.json();
        assert_eq!(told["status"], "ok");
        let taken = sink.messages().pop().expect("taken");
        assert_eq!(told["id"], taken.id);
        assert_eq!((&*taken.from, &*taken.to, &*taken.text), ("Skola", "+46701740605", "hej"));
        assert_eq!(taken.headers["ref"], "7");
        assert_eq!(taken.path.as_deref(), Some("/generic/send/v1"));
        assert_eq!(get(&sink, &format!("/messages/{}/raw", taken.id)).await.text, body);
    }
}

#[tokio::test]
async fn only_this_machine_may_come_in() {
    for address in ["0.0.0.0:0", "192.0.2.1:8751", "[::]:0"] {
        for mail in [false, true] {
            let mut settings = SinkSettings::anywhere();
            *(if mail { &mut settings.smtp } else { &mut settings.http }) =
                address.parse().expect("address");
            let refused = Sink::start(settings, Hands::new(), TaskTracker::new()).err();
            let words = refused.expect("refused").to_string();
            assert!(words.contains("loopback") && words.contains(address), "{words}");
        }
    }
}

#[tokio::test]
async fn stopping_ends_every_task() {
    let tracker = TaskTracker::new();
    let (url, _) = listener(0).await;
    let sink = Sink::start(SinkSettings::anywhere(), Hands::new(), tracker.clone()).expect("start");
    send(&sink, "+46701740605", "x", &[("whendelivered", &url)]).await.expect("answer");
    let idle = tokio::net::TcpStream::connect(sink.smtp_addr()).await.expect("connected");
    soon(sink.stop()).await;
    tracker.close();
    soon(tracker.wait()).await;
    assert!(tokio::net::TcpStream::connect(sink.http_addr()).await.is_err());
    drop(idle);
}
