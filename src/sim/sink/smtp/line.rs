//! Lines and commands of SMTP as text (RFC 5321 §2.3.8, §4.1.1). Reads from any stream; decides
//! nothing about sessions.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// Longest line in bytes with its end: the standard's limit for text lines (§4.5.3.1.6), and more
/// than it asks for commands.
pub(super) const LINE: usize = 1000;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A line, without its end.
    Line,
    /// A line over [`LINE`]; what was kept is of no use.
    TooLong,
    /// The client has closed.
    End,
}

/// Reads up to the next CR LF into `line`. A lone LF or CR ends nothing: taking one for an end is
/// how mail is smuggled past a server that does not.
pub(super) async fn read(
    from: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
) -> io::Result<Read> {
    line.clear();
    let mut length = 0;
    let mut after_cr = false;
    loop {
        let buffer = from.fill_buf().await?;
        if buffer.is_empty() {
            return Ok(Read::End);
        }
        let mut end = None;
        for (place, &byte) in buffer.iter().enumerate() {
            if after_cr && byte == b'\n' {
                end = Some(place + 1);
                break;
            }
            after_cr = byte == b'\r';
        }
        let used = end.unwrap_or(buffer.len());
        length += used;
        if length <= LINE {
            line.extend_from_slice(&buffer[..used]);
        }
        from.consume(used);
        if end.is_some() {
            if length > LINE {
                return Ok(Read::TooLong);
            }
            line.truncate(line.len() - 2);
            return Ok(Read::Line);
        }
    }
}

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// EHLO, with the name.
    Ehlo(String),
    /// HELO, with the name.
    Helo(String),
    /// AUTH PLAIN, with the response if it came along (RFC 4954 §4).
    AuthPlain(Option<String>),
    /// MAIL FROM, empty for `<>`, with the size announced (RFC 1870).
    Mail {
        /// Envelope sender.
        from: String,
        /// `SIZE=`.
        size: Option<usize>,
    },
    /// RCPT TO.
    Rcpt(String),
    /// DATA.
    Data,
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// VRFY.
    Vrfy,
    /// QUIT.
    Quit,
}

/// Understands one line, or says the refusal.
pub(super) fn command(line: &[u8]) -> Result<Command, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "500 5.5.2 Not UTF-8")?;
    if line.contains(char::is_control) {
        return Err("500 5.5.2 Control character");
    }
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let bare =
        |command| if rest.is_empty() { Ok(command) } else { Err("501 5.5.4 No parameters here") };
    let named = |command: fn(String) -> Command| {
        if rest.is_empty() { Err("501 5.5.4 Say your name") } else { Ok(command(rest.to_owned())) }
    };
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" => named(Command::Ehlo),
        "HELO" => named(Command::Helo),
        "AUTH" => auth(rest),
        "MAIL" => mail(rest),
        "RCPT" => rcpt(rest),
        "DATA" => bare(Command::Data),
        "RSET" => bare(Command::Rset),
        "NOOP" => Ok(Command::Noop),
        "VRFY" => Ok(Command::Vrfy),
        "QUIT" => bare(Command::Quit),
        "STARTTLS" => Err("502 5.5.1 No TLS on this machine; switch it off for the trial"),
        _ => Err("500 5.5.1 Unknown command"),
    }
}

fn auth(rest: &str) -> Result<Command, &'static str> {
    let mut words = rest.split(' ');
    if !words.next().is_some_and(|mechanism| mechanism.eq_ignore_ascii_case("PLAIN")) {
        return Err("504 5.5.4 Only AUTH PLAIN");
    }
    Ok(Command::AuthPlain(words.next().map(str::to_owned)))
}

fn mail(rest: &str) -> Result<Command, &'static str> {
    let (from, parameters) = path(rest, "FROM:")?;
    let mut size = None;
    for parameter in parameters.split_ascii_whitespace() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.to_ascii_uppercase().as_str() {
            "SIZE" => size = Some(value.parse().map_err(|_| "501 5.5.4 SIZE is no number")?),
            "BODY" if matches!(&*value.to_ascii_uppercase(), "7BIT" | "8BITMIME") => {}
            "SMTPUTF8" | "AUTH" => {}
            _ => return Err("555 5.5.4 Unknown parameter of MAIL"),
        }
    }
    Ok(Command::Mail { from, size })
}

fn rcpt(rest: &str) -> Result<Command, &'static str> {
    match path(rest, "TO:")? {
        (to, _) if to.is_empty() => Err("501 5.1.3 Nobody is named"),
        (to, "") => Ok(Command::Rcpt(to)),
        _ => Err("555 5.5.4 Unknown parameter of RCPT"),
    }
}

/// The address between `<` and `>` after `keyword`, and what follows.
fn path<'a>(rest: &'a str, keyword: &str) -> Result<(String, &'a str), &'static str> {
    const SHAPE: &str = "501 5.5.4 Write it as FROM:<a@b.se> or TO:<a@b.se>";
    let start = rest.get(..keyword.len()).filter(|start| start.eq_ignore_ascii_case(keyword));
    let after = start.map(|_| rest[keyword.len()..].trim_start()).ok_or(SHAPE)?;
    let (address, parameters) =
        after.strip_prefix('<').and_then(|inner| inner.split_once('>')).ok_or(SHAPE)?;
    let shaped = address.is_empty()
        || address.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !address.contains(' ')
        });
    if shaped { Ok((address.to_owned(), parameters.trim())) } else { Err("553 5.1.3 No address") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_understood() {
        let mail = |from: &str, size| Command::Mail { from: from.into(), size };
        let cases = [
            ("EHLO host", Ok(Command::Ehlo("host".into()))),
            ("ehlo", Err("501 5.5.4 Say your name")),
            ("MAIL FROM:<a@b.se> SIZE=12 BODY=8BITMIME SMTPUTF8", Ok(mail("a@b.se", Some(12)))),
            ("mail from: <>", Ok(mail("", None))),
            ("MAIL FROM:<a@b.se> RET=HDRS", Err("555 5.5.4 Unknown parameter of MAIL")),
            ("MAIL TO:<a@b.se>", Err("501 5.5.4 Write it as FROM:<a@b.se> or TO:<a@b.se>")),
            ("RCPT TO:<åsa@b.se>", Ok(Command::Rcpt("åsa@b.se".into()))),
            ("RCPT TO:<>", Err("501 5.1.3 Nobody is named")),
            ("RCPT TO:<a>", Err("553 5.1.3 No address")),
            ("RCPT TO:<a@b.se> NOTIFY=NEVER", Err("555 5.5.4 Unknown parameter of RCPT")),
            ("AUTH PLAIN AGEAYg==", Ok(Command::AuthPlain(Some("AGEAYg==".into())))),
            ("AUTH plain", Ok(Command::AuthPlain(None))),
            ("AUTH LOGIN", Err("504 5.5.4 Only AUTH PLAIN")),
            ("DATA now", Err("501 5.5.4 No parameters here")),
            ("RÅÅR", Err("500 5.5.1 Unknown command")),
            ("NOOP\ta", Err("500 5.5.2 Control character")),
        ];
        for (line, expected) in cases {
            assert_eq!(command(line.as_bytes()), expected, "{line}");
        }
    }

    #[tokio::test]
    async fn only_cr_lf_ends_a_line() {
        let long = format!("{}\r\nnext\r\n", "a".repeat(LINE));
        let cases: [(&str, &[(Read, &str)]); 4] = [
            ("a\r\nb\r\n", &[(Read::Line, "a"), (Read::Line, "b"), (Read::End, "")]),
            ("a\n.\nb\r\r\n", &[(Read::Line, "a\n.\nb\r"), (Read::End, "")]),
            ("\r\n", &[(Read::Line, ""), (Read::End, "")]),
            (&long, &[(Read::TooLong, ""), (Read::Line, "next")]),
        ];
        for (input, expected) in cases {
            // One byte at a time is the hardest way in.
            for capacity in [1, 4096] {
                let mut from = tokio::io::BufReader::with_capacity(capacity, input.as_bytes());
                let mut line = Vec::new();
                for (read_as, text) in expected {
                    let got = read(&mut from, &mut line).await.expect("memory");
                    assert_eq!(got, *read_as, "{input:?}");
                    if got == Read::Line {
                        assert_eq!(line, text.as_bytes(), "{input:?}");
                    }
                }
            }
        }
    }
}
