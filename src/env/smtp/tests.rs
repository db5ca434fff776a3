//! The SMTP dialogue against a scripted relay on this machine.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};

use super::*;
use crate::model::EmailAddress;

/// What the relay answers to each command; the first entry whose start fits counts (`2:MAIL` fits in
/// the connection's second message only). An empty answer closes the connection, `stall` never answers.
type Replies = &'static [(&'static str, &'static str)];

/// A relay that takes everything, for what a script does not name. `.` is the end of the message.
const KIND: Replies = &[
    ("greeting", "220 relay"),
    ("EHLO", "250-relay\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN"),
    ("AUTH", "235 2.7.0 ok"),
    ("DATA", "354 go"),
    ("", "250 2.0.0 ok"),
];

#[derive(Default)]
struct Relay {
    port: u16,
    /// Every line the client sent, the lines of messages too, one list per connection.
    heard: Mutex<Vec<Vec<String>>>,
}

impl Relay {
    fn heard(&self) -> Vec<Vec<String>> {
        self.heard.lock().unwrap().clone()
    }
}

/// Serves connections one after the other, the nth by the nth script, later ones by [`KIND`].
#[expect(clippy::disallowed_methods, reason = "a test's server is no task of the daemon")]
async fn relay(scripts: &'static [Replies]) -> Arc<Relay> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let relay = Arc::new(Relay { port, ..Relay::default() });
    let shared = Arc::clone(&relay);
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let script = scripts.get(number).copied().unwrap_or(&[]);
            shared.heard.lock().unwrap().push(Vec::new());
            tokio::spawn(dialogue(stream, script, Arc::clone(&shared), number));
        }
    });
    relay
}

async fn dialogue(
    stream: tokio::net::TcpStream,
    script: Replies,
    relay: Arc<Relay>,
    number: usize,
) {
    let mut stream = BufReader::new(stream);
    let mut line = String::from("greeting");
    let mut in_message = false;
    let mut message = 1;
    loop {
        if !in_message || line == "." {
            in_message = false;
            let numbered = format!("{message}:{line}");
            message += usize::from(line == ".");
            let fits =
                |(start, _): &&(&str, &str)| line.starts_with(start) || numbered.starts_with(start);
            let (_, reply) = script.iter().find(fits).or_else(|| KIND.iter().find(fits)).unwrap();
            match *reply {
                "" => return,
                "stall" => {}
                reply => {
                    in_message = reply.starts_with("354");
                    if stream.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        }
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        line.truncate(line.trim_end_matches("\r\n").len());
        relay.heard.lock().unwrap()[number].push(line.clone());
    }
}

fn settings(port: u16) -> MailSettings {
    MailSettings {
        host: "127.0.0.1".into(),
        port,
        tls: TlsMode::None,
        credentials: None,
        ca_file: None,
        timeout: Duration::from_secs(1),
        data_timeout: Duration::from_secs(1),
        max_connections: 2,
        hello_name: "upprop.example".into(),
    }
}

fn transport(relay: &Relay, change: fn(&mut MailSettings)) -> SmtpTransport {
    let mut settings = settings(relay.port);
    change(&mut settings);
    SmtpTransport::new(settings).unwrap()
}

fn envelope() -> MailEnvelope {
    let address = |text| EmailAddress::new(text).unwrap();
    MailEnvelope { from: address("studs@skola.example"), to: address("asa@example.se") }
}

const MESSAGE: Bytes = Bytes::from_static(b"Subject: x\r\n\r\n.Hej\r\n");

fn accepted() -> MailOutcome {
    MailOutcome::Accepted { reference: None, parts: None }
}

fn retry(code: &str, provider_wide: bool) -> MailOutcome {
    MailOutcome::Retry { after: None, code: code.into(), provider_wide }
}

#[tokio::test]
async fn a_message_goes_whole_and_its_connection_is_used_again() {
    let relay = relay(&[]).await;
    let smtp = transport(&relay, |_| {});
    assert_eq!(smtp.deliver(&envelope(), MESSAGE).await, accepted());
    assert_eq!(smtp.deliver(&envelope(), MESSAGE).await, accepted());
    smtp.close().await;
    let one = ["MAIL FROM:<studs@skola.example>", "RCPT TO:<asa@example.se>", "DATA"];
    let body = ["Subject: x", "", "..Hej", "."];
    let expected: Vec<&str> = ["EHLO upprop.example"]
        .into_iter()
        .chain(one)
        .chain(body)
        .chain(["RSET"])
        .chain(one)
        .chain(body)
        .chain(["QUIT"])
        .collect();
    assert_eq!(relay.heard(), [expected]);
}

#[tokio::test]
async fn each_no_is_folded_in_its_phase() {
    let reject =
        |code: &str, bad_contact| MailOutcome::RejectMessage { code: code.into(), bad_contact };
    let channel = |code: &str| MailOutcome::RejectChannel { code: code.into() };
    let cases: [(&'static [Replies], MailOutcome); 8] = [
        (&[&[("greeting", "421 4.3.2 busy")]], retry("421-4.3.2", true)),
        (&[&[("RCPT", "450 4.7.1 greylisted")]], retry("450-4.7.1", false)),
        (&[&[("RCPT", "550 5.1.1 <asa@example.se>: unknown")]], reject("550-5.1.1", true)),
        (&[&[("RCPT", "550-5.1.1 no\r\n550 5.1.1 such user")]], reject("550-5.1.1", true)),
        (&[&[("MAIL", "550 5.7.30 basic auth is over")]], channel("550-5.7.30")),
        (&[&[(".", "554 5.6.0 content")]], reject("554-5.6.0", false)),
        (&[&[(".", "451 4.3.0 later")]], retry("451-4.3.0", true)),
        (&[&[("DATA", "250 what?")]], retry("unexpected-data", true)),
    ];
    for (number, (script, expected)) in cases.into_iter().enumerate() {
        let relay = relay(script).await;
        let smtp = transport(&relay, |_| {});
        assert_eq!(smtp.deliver(&envelope(), MESSAGE).await, expected, "case {number}");
    }
}

#[tokio::test]
async fn wrong_credentials_stop_the_channel() {
    let relay = relay(&[&[("AUTH", "535 5.7.8 no")]]).await;
    let smtp = transport(&relay, |s| s.credentials = Some(("narvaro".into(), "hemligt".into())));
    let expected = MailOutcome::RejectChannel { code: "535-5.7.8".into() };
    assert_eq!(smtp.deliver(&envelope(), MESSAGE).await, expected);
    assert!(!relay.heard()[0].iter().any(|line| line.starts_with("MAIL")));
}

#[tokio::test]
async fn a_link_lost_after_the_final_dot_is_doubt_and_before_it_is_not() {
    let doubt = |code: &str| MailOutcome::InDoubt { code: code.into() };
    let cases: [(&'static [Replies], MailOutcome); 7] = [
        (&[&[(".", "")]], doubt("unreadable-body")),
        (&[&[(".", "stall")]], doubt("timeout-body")),
        (&[&[(".", "jaså")]], doubt("unreadable-body")),
        (&[&[(".", "354 more?")]], doubt("unexpected-body")),
        (&[&[("DATA", "")]], retry("unreadable-data", true)),
        (&[&[("RCPT", "stall")]], retry("timeout-rcpt", true)),
        (&[&[("greeting", "stall")]], retry("timeout-connect", true)),
    ];
    for (number, (script, expected)) in cases.into_iter().enumerate() {
        let relay = relay(script).await;
        let smtp = transport(&relay, |_| {});
        assert_eq!(smtp.deliver(&envelope(), MESSAGE).await, expected, "case {number}");
        // The broken connection is not used again: a late reply must not answer the next message.
        assert_eq!(smtp.deliver(&envelope(), MESSAGE).await, accepted(), "case {number}");
        assert_eq!(relay.heard().len(), 2, "case {number}");
    }
}

#[tokio::test]
async fn an_idle_connection_the_relay_has_dropped_is_replaced() {
    let scripts: [&'static [Replies]; 5] = [
        &[&[("RSET", "")]],
        &[&[("RSET", "421 4.4.2 idle too long")]],
        &[&[("RSET", "stall")]],
        &[&[("2:MAIL", "421 4.7.0 enough messages on this connection")]],
        &[&[("2:MAIL", "")]],
    ];
    for script in scripts {
        let relay = relay(script).await;
        let smtp = transport(&relay, |_| {});
        for _ in 0..2 {
            assert_eq!(smtp.deliver(&envelope(), MESSAGE).await, accepted());
        }
        assert_eq!(relay.heard().len(), 2);
    }
}

#[tokio::test]
async fn no_more_connections_than_allowed() {
    let relay = relay(&[]).await;
    let smtp = transport(&relay, |s| s.max_connections = 1);
    let envelope = envelope();
    let sent =
        futures_util::future::join_all((0..5).map(|_| smtp.deliver(&envelope, MESSAGE))).await;
    assert!(sent.iter().all(|outcome| *outcome == accepted()), "{sent:?}");
    assert_eq!(relay.heard().len(), 1);
}

#[tokio::test]
async fn nothing_is_said_in_clear_where_tls_is_required() {
    let relay = relay(&[]).await;
    let smtp = transport(&relay, |s| {
        s.tls = TlsMode::Starttls;
        s.credentials = Some(("narvaro".into(), "hemligt".into()));
    });
    let expected = MailOutcome::RejectChannel { code: "starttls-not-offered".into() };
    assert_eq!(smtp.deliver(&envelope(), MESSAGE).await, expected);
    assert_eq!(relay.heard(), [["EHLO upprop.example"]]);
}

#[tokio::test]
async fn a_failed_handshake_is_retried() {
    let relay = relay(&[&[("EHLO", "250-relay\r\n250 STARTTLS"), ("STARTTLS", "220 go")]]).await;
    let smtp = transport(&relay, |s| s.tls = TlsMode::Starttls);
    assert_eq!(smtp.deliver(&envelope(), MESSAGE).await, retry("lost-starttls", true));

    let closed = Relay {
        port: TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port(),
        ..Relay::default()
    };
    let smtp = transport(&closed, |_| {});
    assert_eq!(smtp.deliver(&envelope(), MESSAGE).await, retry("refused-connect", true));
}

#[tokio::test]
async fn what_the_relay_cannot_carry_is_not_sent() {
    let relay = relay(&[&[("EHLO", "250 relay")]]).await;
    let smtp = transport(&relay, |_| {});
    let eight_bit = Bytes::from_static("Subject: å\r\n\r\nå\r\n".as_bytes());
    let expected = MailOutcome::RejectChannel { code: "8bitmime-not-offered".into() };
    assert_eq!(smtp.deliver(&envelope(), eight_bit).await, expected);

    let smuggled = Bytes::from_static(b"Subject: x\r\n\r\na\n.\nMAIL FROM:<a@b.se>\r\n");
    let expected = MailOutcome::RejectMessage { code: "554-5.6.0".into(), bad_contact: false };
    assert_eq!(smtp.deliver(&envelope(), smuggled).await, expected);
    assert_eq!(relay.heard().len(), 1);
}

#[test]
fn lone_newlines() {
    for (message, expected) in [
        ("a\r\nb\r\n", false),
        ("", false),
        ("a\nb", true),
        ("a\rb", true),
        ("a\r", true),
        ("\n", true),
        ("a\r\r\n", true),
    ] {
        assert_eq!(has_bare_newline(message.as_bytes()), expected, "{message:?}");
    }
}
