//! Mail: through the mailer the gateway uses, and by hand where that one is too well-behaved.

use lettre::message::{Attachment, MultiPart, SinglePart, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::*;
use crate::sim::sink::{At, SmtpFault, SmtpReply, SmtpRule};

type Mailer = AsyncSmtpTransport<Tokio1Executor>;

fn mailer(sink: &Sink) -> Mailer {
    Mailer::builder_dangerous("127.0.0.1")
        .port(sink.smtp_addr().port())
        .credentials(Credentials::new("user".into(), "password".into()))
        .build()
}

fn letter(to: &str, text: &str) -> Message {
    Message::builder()
        .from("Närvaro <narvaro@example.se>".parse().expect("address"))
        .to(to.parse().expect("address"))
        .subject("Frånvaro i dag")
        .message_id(Some("<case-1@example.se>".into()))
        .header(ContentType::TEXT_PLAIN)
        .body(text.to_owned())
        .expect("message")
}

fn refusing(at: At, line: &str) -> SmtpRule {
    SmtpRule::new(at, SmtpFault::Reply(SmtpReply::new(line).expect("refusal")))
}

fn smtp(rules: Vec<SmtpRule>) -> Faults {
    Faults { smtp: rules, ..Faults::default() }
}

#[tokio::test]
async fn a_mail_arrives_with_its_dots() {
    let (sink, _) = start(Faults::default());
    let text = "First\r\n.\r\n.leading\r\n..two\r\n\r\nlast.\r\n";
    let answer = soon(mailer(&sink).send(letter("asa@example.se", text))).await.expect("taken");
    let mails = soon(sink.received(1)).await;
    let mail = &mails[0];
    // The mailer ends every mail with one more line end.
    assert_eq!(mail.text.trim_end(), text.replace("\r\n", "\n").trim_end());
    assert_eq!((&*mail.from, &*mail.to), ("narvaro@example.se", "asa@example.se"));
    assert_eq!(mail.subject.as_deref(), Some("Frånvaro i dag"));
    assert_eq!(mail.headers["Message-ID"], "<case-1@example.se>");
    assert_eq!(mail.headers["From"], "Närvaro <narvaro@example.se>");
    assert!(answer.message().any(|line| line.contains(&mail.id)), "{answer:?}");
    let raw = get(&sink, &format!("/messages/{}/raw", mail.id)).await;
    assert!(raw.text.contains("\r\n.leading\r\n..two\r\n"), "{}", raw.text);
    let listed = get(&sink, "/messages?kind=email&contains=i%20dag").await.json();
    assert_eq!(listed[0]["headers"]["Message-ID"], "<case-1@example.se>");
}

#[tokio::test]
async fn parts_and_attachments_are_listed() {
    let (sink, _) = start(Faults::default());
    let parts = MultiPart::mixed()
        .multipart(MultiPart::alternative_plain_html::<String, String>(
            "Åsa saknas".into(),
            "<p>Åsa saknas".into(),
        ))
        .singlepart(
            Attachment::new("event.json".into())
                .body("{\"a\":1}".to_owned(), "application/json".parse().expect("media")),
        )
        .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body("extra".to_owned()));
    let message = Message::builder()
        .from("narvaro@example.se".parse().expect("address"))
        .to("team@example.se".parse().expect("address"))
        .multipart(parts)
        .expect("message");
    soon(mailer(&sink).send(message)).await.expect("taken");
    let mail = soon(sink.received(1)).await.remove(0);
    assert_eq!(mail.text.trim_end(), "Åsa saknas");
    let event = mail.attachments.iter().find(|one| one.name == "event.json").expect("attached");
    assert_eq!(
        (&*event.content_type, event.text.as_deref()),
        ("application/json", Some("{\"a\":1}"))
    );
}

#[tokio::test]
async fn refusals_come_where_and_as_often_as_told() {
    // Where, the reply, how long, and whether the mailer should call it temporary.
    let cases = [
        (At::Greeting, "421 4.3.2 Later", true),
        (At::Ehlo, "421 4.3.2 Later", true),
        (At::Auth, "535 5.7.8 Wrong password", false),
        (At::Mail, "451 4.3.0 Later", true),
        (At::Rcpt, "450 4.2.0 Later", true),
        (At::Rcpt, "452 4.2.2 Full", true),
        (At::Rcpt, "550 5.1.1 Nobody", false),
        (At::Data, "554 5.7.1 Policy", false),
        (At::EndOfData, "550 5.7.30 Basic authentication is not supported", false),
    ];
    for (at, line, temporary) in cases {
        let (sink, _) = start(smtp(vec![refusing(at, line).next(1)]));
        let error = soon(mailer(&sink).send(letter("asa@example.se", "x"))).await.expect_err(line);
        assert_eq!((error.is_transient(), error.is_permanent()), (temporary, !temporary), "{line}");
        assert_eq!(error.status().map(|code| code.to_string()).as_deref(), line.get(..3), "{line}");
        assert_eq!(sink.count(), 0, "{line}");
        soon(mailer(&sink).send(letter("asa@example.se", "x"))).await.expect("the next is taken");
        assert_eq!(sink.count(), 1, "{line}");
    }
}

#[tokio::test]
async fn a_lost_last_answer_hides_whether_the_mail_was_taken() {
    for (stored, count) in [(None, 1), (Some(true), 1), (Some(false), 0)] {
        let rule = SmtpRule { stored, ..SmtpRule::new(At::EndOfData, SmtpFault::Drop).next(1) };
        let (sink, _) = start(smtp(vec![rule]));
        let error =
            soon(mailer(&sink).send(letter("asa@example.se", "x"))).await.expect_err("lost");
        assert!(!error.is_permanent() && !error.is_transient(), "{error}");
        assert_eq!(sink.count(), count, "{stored:?}");
    }
}

#[tokio::test]
async fn magic_recipients_and_outages() {
    let (sink, _) = start(Faults::default());
    let send = async |to: &str| soon(mailer(&sink).send(letter(to, "x"))).await;
    assert!(send("tempfail@example.se").await.expect_err("450").is_transient());
    assert!(send("permfail@example.se").await.expect_err("550").is_permanent());
    assert_eq!(sink.count(), 0);
    let lost = send("drop@example.se").await.expect_err("dropped");
    assert!(!lost.is_transient() && !lost.is_permanent(), "{lost}");
    assert_eq!(sink.count(), 1);

    sink.set_faults(Faults { outage: true, ..Faults::default() });
    assert!(send("asa@example.se").await.expect_err("421").is_transient());
    sink.set_faults(Faults { outage_hard: true, ..Faults::default() });
    assert!(send("asa@example.se").await.is_err());
    sink.set_faults(Faults::default());
    send("asa@example.se").await.expect("up again");
    assert_eq!(sink.count(), 2);
}

#[tokio::test]
async fn a_stalled_session_says_nothing_more() {
    let (sink, _) = start(smtp(vec![SmtpRule::new(At::Rcpt, SmtpFault::Stall).next(1)]));
    let mut stream = TcpStream::connect(sink.smtp_addr()).await.expect("connected");
    let script = b"HELO a\r\nMAIL FROM:<a@b.se>\r\nRCPT TO:<c@d.se>\r\nNOOP\r\n";
    stream.write_all(script).await.expect("sent");
    let stalled = async {
        while sink.faults().smtp[0].when.remaining != Some(0) {
            tokio::task::yield_now().await;
        }
    };
    soon(stalled).await;
    soon(sink.stop()).await;
    let mut replies = String::new();
    soon(stream.read_to_string(&mut replies)).await.expect("closed");
    assert_eq!(replies.lines().count(), 3, "greeting, HELO, MAIL: {replies}");
}

/// Sends `script` in one piece and returns the first three digits of every line that comes back.
async fn talk(sink: &Sink, script: &[u8]) -> Vec<String> {
    let mut stream = TcpStream::connect(sink.smtp_addr()).await.expect("connected");
    stream.write_all(script).await.expect("sent");
    let mut replies = String::new();
    soon(BufReader::new(stream).read_to_string(&mut replies)).await.expect("closed after QUIT");
    replies
        .lines()
        .filter(|line| line.get(3..4) == Some(" "))
        .map(|line| line[..3].into())
        .collect()
}

#[tokio::test]
async fn sessions_keep_to_the_standard() {
    let (sink, _) = start(Faults::default());
    let long = format!(
        "HELO a\r\nMAIL FROM:<a@b.se>\r\nRCPT TO:<c@d.se>\r\nDATA\r\n{}\r\n.\r\nQUIT\r\n",
        "x".repeat(999)
    );
    let cases: [(&[u8], &[&str]); 7] = [
        (b"QUIT\r\n", &["220", "221"]),
        (b"MAIL FROM:<a@b.se>\r\nQUIT\r\n", &["220", "503", "221"]),
        (b"HELO a\r\nRCPT TO:<a@b.se>\r\nDATA\r\nQUIT\r\n", &["220", "250", "503", "503", "221"]),
        (b"HELO a\r\nMAIL FROM:<> SIZE=99999999\r\nQUIT\r\n", &["220", "250", "552", "221"]),
        (b"EHLO a\r\nSTARTTLS\r\nRSET\r\nNOOP\r\nVRFY a\r\nQUIT\r\n",
            &["220", "250", "502", "250", "250", "252", "221"]),
        (long.as_bytes(), &["220", "250", "250", "250", "354", "554", "221"]),
        // A lone LF ends no line, so the dot between two of them ends no mail.
        (b"HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.se>\r\nRCPT TO:<c@d.se>\r\nDATA\r\nx\n.\nQUIT\r\n.\r\nQUIT\r\n",
            &["220", "250", "250", "250", "250", "354", "250", "221"]),
    ];
    for (script, expected) in cases {
        assert_eq!(talk(&sink, script).await, expected, "{}", String::from_utf8_lossy(script));
    }
    let mails = sink.messages();
    let [only] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((&*only.to, &only.raw[..]), ("a@b.se, c@d.se", &b"x\n.\nQUIT\r\n"[..]));
}

#[tokio::test]
async fn a_password_is_taken_in_two_steps() {
    let (sink, _) = start(Faults::default());
    let stream = TcpStream::connect(sink.smtp_addr()).await.expect("connected");
    let mut stream = BufReader::new(stream);
    let good = BASE64_STANDARD.encode("\0user\0password");
    let empty = BASE64_STANDARD.encode("\0user\0");
    let steps = [
        ("EHLO a", "250"),
        ("AUTH PLAIN", "334"),
        (&*good, "235"),
        (&*format!("AUTH PLAIN {empty}"), "501"),
    ];
    let mut line = String::new();
    soon(stream.read_line(&mut line)).await.expect("greeting");
    for (said, expected) in steps {
        stream.write_all(format!("{said}\r\n").as_bytes()).await.expect("sent");
        line.clear();
        while line.is_empty() || line.get(3..4) == Some("-") {
            line.clear();
            soon(stream.read_line(&mut line)).await.expect("reply");
        }
        assert!(line.starts_with(expected), "{said}: {line}");
    }
}
