//! What a relay says: whole dialogues over a socket of this machine, and single replies.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener};
use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::Runtime;
use upprop::channel::email::outcome::{Fault, Phase, fold};
use upprop::channel::email::{MailSettings, TlsMode};
use upprop::env::{MailEnvelope, mail::SmtpTransport};
use upprop::model::{EmailAddress, Outcome};

use super::input::tells_nothing;

/// The longest code that is kept of a reply.
const CODE: usize = 24;

/// The check of a dialogue: the relay says all of the input at once, and no more.
pub fn check(data: &[u8]) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let transport = SmtpTransport::new(settings(port)).expect("good settings");
    let address = |text: &str| EmailAddress::new(text).expect("an address");
    let envelope = MailEnvelope { from: address("a@b.example"), to: address("c@d.example") };
    let message = "Subject: a\r\n\r\nb\r\n.\r\n".into();
    let outcome = std::thread::scope(|scope| {
        let relay = scope.spawn(|| {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = stream.write_all(data);
            let _ = stream.shutdown(Shutdown::Write);
            // Until the other side closes: a reset could take the words back.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let outcome = runtime().block_on(async {
            let outcome = transport.deliver(&envelope, message).await;
            transport.close().await;
            outcome
        });
        relay.join().expect("the relay");
        outcome
    });
    match &outcome {
        Outcome::Accepted { .. } => assert!(yes(data), "nobody said yes"),
        Outcome::InDoubt { code } => {
            assert!(code.ends_with("-body"), "{code}: the text had not left");
        }
        _ => {}
    }
    is_discreet(&outcome, data);
}

/// The check of one reply: the first byte chooses the phase, the next two the code.
pub fn check_reply(data: &[u8]) {
    let Some((&[phase, high, low], text)) = data.split_first_chunk::<3>() else { return };
    let phase = [
        Phase::Connect,
        Phase::Starttls,
        Phase::Auth,
        Phase::Mail,
        Phase::Rcpt,
        Phase::Data,
        Phase::Body,
    ][usize::from(phase) % 7];
    let code = 400 + u16::from_be_bytes([high, low]) % 200;
    let text = String::from_utf8_lossy(text);
    let outcome = fold(phase, &Fault::Reply { code, text: &text });
    match &outcome {
        Outcome::Accepted { .. } | Outcome::InDoubt { .. } => panic!("a no is a no: {outcome:?}"),
        Outcome::RejectMessage { bad_contact: true, .. } => {
            assert!(phase >= Phase::Rcpt, "the recipient had not been named");
        }
        _ => {}
    }
    if code < 500 {
        assert_eq!(outcome.class(), "retry", "{code} passes");
    }
    is_discreet(&outcome, data);
}

fn is_discreet(outcome: &Outcome, data: &[u8]) {
    let code = match outcome {
        Outcome::Accepted { reference, .. } => return assert_eq!(*reference, None),
        Outcome::Retry { code, .. }
        | Outcome::RejectMessage { code, .. }
        | Outcome::RejectChannel { code }
        | Outcome::InDoubt { code } => code,
    };
    tells_nothing(code, data, CODE);
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    assert!(code.bytes().all(plain), "{code}");
}

/// Whether the words hold a yes to each step: greeting, EHLO, MAIL, RCPT, DATA and the text, read without
/// the daemon's reader. A reply is its last line, and a line ends with CRLF alone.
fn yes(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let last: Vec<&str> = text
        .split("\r\n")
        .filter(|line| line.len() >= 3 && line.as_bytes()[..3].iter().all(u8::is_ascii_digit))
        .filter(|line| line.as_bytes().get(3) != Some(&b'-'))
        .collect();
    last.len() >= 6 && last[4].starts_with("354") && last[5].starts_with('2')
}

fn settings(port: u16) -> MailSettings {
    MailSettings {
        host: "127.0.0.1".into(),
        port,
        tls: TlsMode::None,
        credentials: None,
        ca_file: None,
        timeout: Duration::from_secs(20),
        data_timeout: Duration::from_secs(20),
        max_connections: 1,
        hello_name: "upprop.example".into(),
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    })
}
