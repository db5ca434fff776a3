//! What a relay's reply, or its silence, means for a message. Pure; the reply's text is read for its
//! enhanced code and one known phrase, and never kept: it may quote the recipient's address.
//!
//! Sources: RFC 5321 §4.2 (reply codes), RFC 3463 and the IANA registry "SMTP Enhanced Status Codes",
//! RFC 7504 (521, 556), RFC 7505 (null MX), RFC 4954 §6 (authentication).

use crate::model::Outcome;

/// How far one message has come with the relay, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Name lookup, TCP, implicit TLS, greeting, first `EHLO`.
    Connect,
    /// `STARTTLS`, the TLS handshake and `EHLO` after it.
    Starttls,
    /// `AUTH`.
    Auth,
    /// `MAIL FROM`.
    Mail,
    /// `RCPT TO`.
    Rcpt,
    /// `DATA`, up to the relay's `354`.
    Data,
    /// The message itself, from its first byte to the reply after the final dot. Only here can the
    /// relay have taken the message without our knowing (RFC 1047).
    Body,
}

impl Phase {
    fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Starttls => "starttls",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Body => "body",
        }
    }
}

/// What went wrong in a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault<'a> {
    /// The relay said no.
    Reply {
        /// The reply code, 400 to 599.
        code: u16,
        /// The reply's text, all lines.
        text: &'a str,
    },
    /// No reply that can be understood; the word says why (`timeout`, `tls`, `lost`, `unreadable`).
    Lost(&'static str),
    /// The relay lacks something without which we do not send; the word says what.
    Lacks(&'static str),
}

/// An enhanced status code (RFC 3463 §2): class, subject, detail.
type Enhanced = (u16, u16, u16);

/// Text that marks a 5xx reply as passing. Exchange Online answers `554 5.2.0 …` to a mailbox that has
/// used up its rate for the moment.
const PASSING: [&str; 1] = ["submissionquotaexceeded"];

/// What the fault means for the message and for the relay.
pub fn fold(phase: Phase, fault: &Fault<'_>) -> Outcome {
    match *fault {
        Fault::Lacks(what) => Outcome::RejectChannel { code: what.into() },
        Fault::Lost(why) if phase == Phase::Body => {
            Outcome::InDoubt { code: format!("{why}-{}", phase.word()) }
        }
        Fault::Lost(why) => retry(format!("{why}-{}", phase.word()), true),
        Fault::Reply { code, text } => {
            let enhanced = enhanced(text);
            let word = match enhanced {
                Some((class, subject, detail)) => format!("{code}-{class}.{subject}.{detail}"),
                None => code.to_string(),
            };
            if code < 500 {
                retry(word, is_relays_state(phase, code, enhanced))
            } else {
                refused(phase, code, enhanced, text, word)
            }
        }
    }
}

fn retry(code: String, provider_wide: bool) -> Outcome {
    Outcome::Retry { after: None, code, provider_wide }
}

/// Whether a 4xx reply speaks of the relay or our account rather than of this recipient or message.
fn is_relays_state(phase: Phase, code: u16, enhanced: Option<Enhanced>) -> bool {
    // 421: closing down; 432: Exchange Online's limits on a sender; 454: TLS or AUTH for now.
    matches!(code, 421 | 432 | 454) || phase < Phase::Rcpt || matches!(enhanced, Some((_, 3, _)))
}

fn refused(
    phase: Phase,
    code: u16,
    enhanced: Option<Enhanced>,
    text: &str,
    word: String,
) -> Outcome {
    let lower = text.to_ascii_lowercase();
    if PASSING.iter().any(|phrase| lower.contains(phrase)) {
        return retry(word, true);
    }
    match (code, enhanced) {
        // The code contradicts itself; nothing was accepted, so believe the milder half. A full
        // mailbox (x.2.2) empties.
        (_, Some((4, ..) | (_, 2, 2))) => retry(word, false),
        // Too big, or its content cannot be handled: this message only.
        (552, _) | (_, Some((_, 3, 4) | (_, 2, 3) | (_, 6, _))) => reject(word, false),
        // No such mailbox or domain, bad syntax, moved, null MX, disabled.
        (_, Some((_, 1, 1 | 2 | 3 | 6 | 10) | (_, 2, 1))) if phase >= Phase::Rcpt => {
            reject(word, true)
        }
        (556, _) if phase >= Phase::Rcpt => reject(word, true),
        // Credentials, encryption, the sender's address, and all policy: 5.7.1 relaying denied or
        // spam, 5.7.8 credentials, 5.7.20–29 DKIM and SPF, 5.7.30 no basic authentication in
        // Microsoft 365, 5.7.60 not allowed to send as this address.
        (521 | 530 | 534 | 535 | 538, _) | (_, Some((_, 7, _) | (_, 1, 7 | 8))) => {
            Outcome::RejectChannel { code: word }
        }
        // Before the recipient is named, a refusal is about us.
        _ if phase < Phase::Rcpt => Outcome::RejectChannel { code: word },
        _ => reject(word, false),
    }
}

fn reject(code: String, bad_contact: bool) -> Outcome {
    Outcome::RejectMessage { code, bad_contact }
}

/// The enhanced code the text starts with, if any. Some relays write `#5.1.1` or `(5.1.1)`.
fn enhanced(text: &str) -> Option<Enhanced> {
    let word = text.split_whitespace().next()?;
    let word = word.trim_matches(|c: char| !c.is_ascii_digit());
    let mut numbers = word.split('.').map(|part| {
        let fits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse().ok().filter(|_| fits)
    });
    let code = (numbers.next()??, numbers.next()??, numbers.next()??);
    (matches!(code.0, 4 | 5) && numbers.next().is_none()).then_some(code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn class(phase: Phase, code: u16, text: &str) -> (String, String) {
        let outcome = fold(phase, &Fault::Reply { code, text });
        let (class, code) = match outcome {
            Outcome::Retry { code, provider_wide: true, .. } => ("retry-wide", code),
            Outcome::Retry { code, .. } => ("retry", code),
            Outcome::RejectMessage { code, bad_contact: true } => ("bad-contact", code),
            Outcome::RejectMessage { code, .. } => ("reject", code),
            Outcome::RejectChannel { code } => ("channel", code),
            Outcome::InDoubt { code } => ("doubt", code),
            Outcome::Accepted { .. } => ("accepted", String::new()),
        };
        (class.into(), code)
    }

    #[test]
    fn replies() {
        use Phase::{Auth, Body, Connect, Data, Mail, Rcpt, Starttls};
        for (phase, code, text, expected, word) in [
            (Connect, 421, "4.3.2 closing", "retry-wide", "421-4.3.2"),
            (Connect, 554, "no SMTP service here", "channel", "554"),
            (Connect, 521, "does not accept mail", "channel", "521"),
            (Starttls, 454, "TLS not available", "retry-wide", "454"),
            (Auth, 535, "5.7.8 bad credentials", "channel", "535-5.7.8"),
            (Auth, 454, "4.7.0 temporary", "retry-wide", "454-4.7.0"),
            (Auth, 432, "4.3.2 STOREDRV.ClientSubmit; thread limit", "retry-wide", "432-4.3.2"),
            (Mail, 530, "5.7.0 must issue STARTTLS first", "channel", "530-5.7.0"),
            (Mail, 550, "5.7.30 Basic authentication is not supported", "channel", "550-5.7.30"),
            (Mail, 553, "5.1.8 sender domain", "channel", "553-5.1.8"),
            (Mail, 550, "5.1.1 odd place for it", "channel", "550-5.1.1"),
            (Mail, 552, "5.3.4 too big", "reject", "552-5.3.4"),
            (Mail, 451, "4.3.0 try later", "retry-wide", "451-4.3.0"),
            (Rcpt, 450, "4.7.1 greylisted", "retry", "450-4.7.1"),
            (Rcpt, 451, "local error", "retry", "451"),
            (Rcpt, 452, "4.2.2 mailbox full", "retry", "452-4.2.2"),
            (Rcpt, 452, "4.3.1 out of space", "retry-wide", "452-4.3.1"),
            (Rcpt, 421, "too many", "retry-wide", "421"),
            (Rcpt, 550, "5.1.1 <a@b.example>: no such user", "bad-contact", "550-5.1.1"),
            (Rcpt, 550, "#5.1.1 no such user", "bad-contact", "550-5.1.1"),
            (Rcpt, 550, "5.1.10 null MX", "bad-contact", "550-5.1.10"),
            (Rcpt, 556, "domain does not accept mail", "bad-contact", "556"),
            (Rcpt, 550, "5.2.1 disabled", "bad-contact", "550-5.2.1"),
            (Rcpt, 550, "no such user", "reject", "550"),
            (Rcpt, 552, "5.2.2 mailbox full", "retry", "552-5.2.2"),
            (Rcpt, 554, "5.7.1 relay access denied", "channel", "554-5.7.1"),
            (Rcpt, 550, "4.7.1 contradiction", "retry", "550-4.7.1"),
            (Rcpt, 501, "5.1.3 syntax", "bad-contact", "501-5.1.3"),
            (Data, 503, "5.5.1 bad sequence", "reject", "503-5.5.1"),
            (Body, 554, "5.6.0 bad content", "reject", "554-5.6.0"),
            (Body, 554, "5.2.0 X; SubmissionQuotaExceededException", "retry-wide", "554-5.2.0"),
            (Body, 552, "too much", "reject", "552"),
            (Body, 550, "5.7.26 unauthenticated", "channel", "550-5.7.26"),
            (Body, 451, "4.3.0 queue", "retry-wide", "451-4.3.0"),
            (Body, 550, "5.1.1 unknown", "bad-contact", "550-5.1.1"),
        ] {
            let got = class(phase, code, text);
            assert_eq!(got, (expected.into(), word.into()), "{phase:?} {code} {text}");
        }
    }

    #[test]
    fn silence_is_doubt_only_once_the_message_has_begun() {
        for phase in
            [Phase::Connect, Phase::Starttls, Phase::Auth, Phase::Mail, Phase::Rcpt, Phase::Data]
        {
            let outcome = fold(phase, &Fault::Lost("timeout"));
            assert!(matches!(outcome, Outcome::Retry { provider_wide: true, .. }), "{phase:?}");
        }
        assert_eq!(
            fold(Phase::Body, &Fault::Lost("timeout")),
            Outcome::InDoubt { code: "timeout-body".into() }
        );
    }

    proptest! {
        #[test]
        fn no_text_of_the_relay_is_kept(code in 400_u16..600, text in "\\PC{0,60}") {
            for phase in [Phase::Connect, Phase::Rcpt, Phase::Body] {
                let (class, word) = class(phase, code, &text);
                prop_assert!(word.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-'));
                prop_assert!(word.len() <= 15);
                prop_assert_eq!(class.starts_with("doubt"), false);
            }
        }
    }
}
