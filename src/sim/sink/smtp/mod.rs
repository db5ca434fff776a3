//! The mail side: an ESMTP server without TLS (RFC 5321) that takes everything, except what it is
//! told to refuse. Sessions only; `line` reads, `mail` looks inside.

mod line;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::rules::{At, SmtpFault, SmtpRule};
use super::{Shared, mail};
use crate::sim::http::IDLE;
use line::{Command, Read, command};

/// Largest mail taken, in bytes.
const MAIL: usize = 10 << 20;
/// Most recipients of one mail (RFC 5321 §4.5.3.1.8 asks for 100 at least).
const RECIPIENTS: usize = 100;
/// How long an answer may take to be read.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves one session to its end.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let stop = shared.stop.clone();
    tokio::select! {
        () = stop.cancelled() => {}
        // A session that ends badly is the client's affair: it sees it too.
        _ = Session::new(stream, shared).run() => {}
    }
}

/// Whether a session goes on.
#[derive(PartialEq, Eq)]
enum Then {
    Next,
    Close,
}

struct Session {
    shared: Arc<Shared>,
    stream: BufReader<TcpStream>,
    greeted: bool,
    from: Option<String>,
    to: Vec<String>,
    line: Vec<u8>,
}

impl Session {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        let stream = BufReader::new(stream);
        Self { shared, stream, greeted: false, from: None, to: Vec::new(), line: Vec::new() }
    }

    async fn run(mut self) -> io::Result<()> {
        let (soft, hard) = {
            let active = self.shared.active();
            (active.faults().outage, active.faults().outage_hard)
        };
        if hard {
            return Ok(());
        }
        if soft {
            self.say("421 4.3.2 Service not available").await?;
            return Ok(());
        }
        if let Some(rule) = self.rule(At::Greeting, "") {
            // A greeting that refuses ends the session, whatever its code (RFC 5321 §3.1).
            self.misbehave(&rule).await?;
            return Ok(());
        }
        self.say("220 sink.invalid ESMTP trial sink").await?;
        while let Some(command) = self.ask().await? {
            if self.obey(command).await? == Then::Close {
                break;
            }
        }
        Ok(())
    }

    async fn say(&mut self, reply: &str) -> io::Result<Then> {
        let bytes = format!("{reply}\r\n");
        let write = self.stream.get_mut().write_all(bytes.as_bytes());
        tokio::time::timeout(PATIENCE, write).await.map_err(|_| io::ErrorKind::TimedOut)??;
        Ok(Then::Next)
    }

    async fn read(&mut self) -> io::Result<Read> {
        let read = line::read(&mut self.stream, &mut self.line);
        tokio::time::timeout(IDLE, read).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    /// The next command that can be understood; refuses the others. None at the end.
    async fn ask(&mut self) -> io::Result<Option<Command>> {
        loop {
            let refusal = match self.read().await? {
                Read::End => return Ok(None),
                Read::TooLong => "500 5.5.2 Line too long",
                Read::Line => match command(&self.line) {
                    Ok(command) => return Ok(Some(command)),
                    Err(refusal) => refusal,
                },
            };
            self.say(refusal).await?;
        }
    }

    fn rule(&self, at: At, to: &str) -> Option<SmtpRule> {
        self.shared.active().smtp(at, to)
    }

    async fn misbehave(&mut self, rule: &SmtpRule) -> io::Result<Then> {
        match &rule.fault {
            SmtpFault::Reply(reply) => {
                self.say(reply.as_str()).await?;
                Ok(if reply.as_str().starts_with("421") { Then::Close } else { Then::Next })
            }
            SmtpFault::Drop => Ok(Then::Close),
            SmtpFault::Stall => {
                // Longer than any client waits; ends with the sink.
                self.shared.stop.cancelled().await;
                Ok(Then::Close)
            }
        }
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn obey(&mut self, command: Command) -> io::Result<Then> {
        let (at, to) = match &command {
            Command::Ehlo(_) | Command::Helo(_) => (Some(At::Ehlo), ""),
            Command::AuthPlain(_) => (Some(At::Auth), ""),
            Command::Mail { .. } => (Some(At::Mail), ""),
            Command::Rcpt(to) => (Some(At::Rcpt), to.as_str()),
            Command::Data => (Some(At::Data), self.to.first().map_or("", String::as_str)),
            _ => (None, ""),
        };
        if let Some(rule) = at.and_then(|at| self.rule(at, to)) {
            return self.misbehave(&rule).await;
        }
        match command {
            Command::Ehlo(_) => {
                self.greeted = true;
                self.reset();
                self.say(&format!(
                    "250-sink.invalid\r\n250-SIZE {MAIL}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH PLAIN"
                ))
                .await
            }
            Command::Helo(_) => {
                self.greeted = true;
                self.reset();
                self.say("250 sink.invalid").await
            }
            Command::AuthPlain(response) => self.auth(response).await,
            Command::Mail { from, size } => {
                let reply = if !self.greeted {
                    "503 5.5.1 EHLO first"
                } else if self.from.is_some() {
                    "503 5.5.1 One sender is enough"
                } else if size.is_some_and(|size| size > MAIL) {
                    "552 5.3.4 Too large"
                } else {
                    self.from = Some(from);
                    "250 2.1.0 Sender noted"
                };
                self.say(reply).await
            }
            Command::Rcpt(to) => {
                let reply = if self.from.is_none() {
                    "503 5.5.1 MAIL first"
                } else if self.to.len() >= RECIPIENTS {
                    "452 4.5.3 Too many recipients"
                } else {
                    self.to.push(to);
                    "250 2.1.5 Recipient noted"
                };
                self.say(reply).await
            }
            Command::Data => self.data().await,
            Command::Rset => {
                self.reset();
                self.say("250 2.0.0 Forgotten").await
            }
            Command::Noop => self.say("250 2.0.0 Nothing done").await,
            Command::Vrfy => self.say("252 2.5.2 Try it").await,
            Command::Quit => {
                self.say("221 2.0.0 Goodbye").await?;
                Ok(Then::Close)
            }
        }
    }

    /// AUTH PLAIN (RFC 4616): any name and password will do, but both must be there.
    async fn auth(&mut self, response: Option<String>) -> io::Result<Then> {
        let response = if let Some(response) = response {
            response.into_bytes()
        } else {
            self.say("334 ").await?;
            match self.read().await? {
                Read::Line => self.line.clone(),
                Read::TooLong => Vec::new(),
                Read::End => return Ok(Then::Close),
            }
        };
        let fields = BASE64_STANDARD.decode(response).unwrap_or_default();
        let good =
            fields.split(|&byte| byte == 0).skip(1).filter(|field| !field.is_empty()).count() == 2;
        self.say(if good { "235 2.7.0 Welcome" } else { "501 5.5.2 No AUTH PLAIN response" }).await
    }

    async fn data(&mut self) -> io::Result<Then> {
        if self.to.is_empty() {
            return self.say("503 5.5.1 RCPT first").await;
        }
        self.say("354 Go on, end with a dot on a line").await?;
        let mut raw = Vec::new();
        let mut refusal = None;
        loop {
            match self.read().await? {
                Read::End => return Ok(Then::Close),
                Read::TooLong => refusal = Some("554 5.6.0 A line is longer than 998 characters"),
                Read::Line if self.line == b"." => break,
                Read::Line => {
                    // RFC 5321 §4.5.2: a leading dot was doubled on the way.
                    let text = self.line.strip_prefix(b".").unwrap_or(&self.line);
                    if raw.len() + text.len() + 2 > MAIL {
                        refusal = Some("552 5.3.4 Too large");
                    } else {
                        raw.extend_from_slice(text);
                        raw.extend_from_slice(b"\r\n");
                    }
                }
            }
        }
        let from = self.from.take().unwrap_or_default();
        let to = std::mem::take(&mut self.to);
        if let Some(refusal) = refusal {
            return self.say(refusal).await;
        }
        let rule = to.iter().find_map(|to| self.rule(At::EndOfData, to));
        let mut id = String::new();
        if rule.as_ref().is_none_or(SmtpRule::is_stored) {
            id = self.shared.new_id('m');
            self.shared.take(mail::received(id.clone(), from, &to, raw.into()));
        }
        match rule {
            Some(rule) => self.misbehave(&rule).await,
            None => self.say(&format!("250 2.0.0 Taken as {id}")).await,
        }
    }
}
