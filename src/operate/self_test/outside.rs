//! Checks over the network: each account for texts, and the relay. Side by side, each for so long and no longer;
//! nothing is sent. What the other side says in words stays out: it may repeat who we are.

use futures_util::future::{join_all, join3};
use http::{HeaderMap, StatusCode, header::DATE};
use jiff::{SignedDuration, Timestamp};

use super::{AccountProbe, Line, MailProbe, Probes, SourceProbe, SourceTrial, Trial};
use crate::env::{Clock, Probed};
use crate::model::WireError;

/// Whose clock was seen, and how far ours is from it.
type Apart = (String, SignedDuration);

/// All accounts and the relay; and how far the clock is from those that answered.
pub async fn all(probes: &Probes, clock: &dyn Clock) -> (Vec<Line>, Vec<Apart>) {
    let accounts = join_all(probes.accounts.iter().map(|account| one(probes, account, clock)));
    let sources = join_all(probes.sources.iter().map(|source| ask(probes, source, clock)));
    let (accounts, mail, sources) = join3(accounts, mail(probes), sources).await;
    let mut dates = Vec::new();
    let mut lines = Vec::new();
    for (line, date) in accounts {
        lines.push(line);
        dates.extend(date);
    }
    if lines.is_empty() {
        lines.push(Line::not_tested("accounts", "no [providers.<id>]: no texts are sent"));
    }
    lines.push(mail);
    lines.extend(sources);
    (lines, dates)
}

async fn one(probes: &Probes, account: &AccountProbe, clock: &dyn Clock) -> (Line, Option<Apart>) {
    let (id, check) = (account.id.as_str(), format!("account {}", account.id));
    if probes.unread.contains(&format!("providers.{id}")) {
        return (Line::not_tested(check, "its secrets cannot be read here"), None);
    }
    let call = probes.wire.call(account.request.clone());
    let Ok(answer) = tokio::time::timeout(probes.patience, call).await else {
        return (Line::failed(check, "it does not answer in time", REACH), None);
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let remedy = match &error {
                WireError::NotLetIn(_) => {
                    "check its secrets, or ask the provider about the account"
                }
                WireError::NotSent(_) | WireError::Unknown(_) => REACH,
            };
            return (Line::failed(check, error.to_string(), remedy), None);
        }
    };
    let apart =
        said(answer.headers()).map(|date| (id.to_owned(), clock.now().duration_since(date)));
    let line = match (account.trial, answer.status()) {
        (Trial::Login, StatusCode::UNAUTHORIZED) => Line::failed(
            check,
            "reached; the login is refused (401)",
            "check username-file and password-file; restart after a change",
        ),
        (Trial::Login, status) if status.is_success() => Line::ok(check, "reached and logged in"),
        (Trial::Login, StatusCode::FORBIDDEN | StatusCode::PAYMENT_REQUIRED) => Line::failed(
            check,
            format!("reached; the account may not be used ({})", answer.status().as_u16()),
            "look at the account's credit and rights at the provider",
        ),
        (Trial::Login, status) if status.is_server_error() => Line::failed(
            check,
            format!("reached; it is in trouble ({})", status.as_u16()),
            "wait, or ask the provider",
        ),
        (Trial::Login, status) => Line::not_tested(
            check,
            format!("reached; it answers {}, which says nothing of the login", status.as_u16()),
        ),
        (Trial::Token, _) => Line::ok(
            check,
            "a token was given, and the gateway reached; whether it lets us send was not tried",
        ),
        (Trial::Reach, _) => Line::ok(check, "reached; the login was not tried"),
    };
    (line, apart)
}

/// Asks a source one question, or looks for its folder.
async fn ask(probes: &Probes, source: &SourceProbe, clock: &dyn Clock) -> Line {
    let check = format!("source {}", source.id);
    let (request, judge) = match &source.tried {
        SourceTrial::Ask { request, judge } => (http::Request::clone(request), judge),
        SourceTrial::Folder(folder) => {
            return match std::fs::read_dir(folder) {
                Ok(_) => Line::ok(check, "its folder is there and can be read"),
                Err(error) => Line::failed(
                    check,
                    format!("its folder cannot be read: {}", error.kind()),
                    "make the folder, and let the user of the daemon read and write it",
                ),
            };
        }
    };
    // By the names of tables, of which one alone has this source.
    if probes.unread.iter().any(|table| table.ends_with(&format!(".{}", source.id))) {
        return Line::not_tested(check, "its secrets cannot be read here");
    }
    let Ok(came) = tokio::time::timeout(probes.patience, probes.wire.call(request)).await else {
        return Line::failed(check, "it does not answer in time", SOURCE);
    };
    let wrong = judge(&came, clock.now());
    let remedy = |usual: &str| wrong.as_ref().map_or(usual.to_owned(), |w| w.remedy.clone());
    match &came {
        Err(error @ WireError::NotLetIn(_)) => {
            Line::failed(check, error.to_string(), remedy(LET_IN))
        }
        Err(error) => Line::failed(check, error.to_string(), remedy(SOURCE)),
        Ok(answer) => match (answer.status(), &wrong) {
            (status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN), _) => {
                let words = format!("reached; we are not let in ({})", status.as_u16());
                Line::failed(check, words, remedy(LET_IN))
            }
            (_, Some(wrong)) => {
                Line::failed(check, format!("reached; {}", wrong.what), wrong.remedy.clone())
            }
            (StatusCode::OK, None) => Line::ok(check, "reached, and it lets us in"),
            (status, None) => {
                Line::failed(check, format!("reached; it answers {}", status.as_u16()), SOURCE)
            }
        },
    }
}

const SOURCE: &str =
    "check `url` of the source, the network, the firewall, and `proxy` and `ca-file` of [http]";
const LET_IN: &str = "check the key, token or certificate of the source, or ask whoever runs it";
const REACH: &str = "check `url`, the network, the firewall, and `proxy` and `ca-file` of [http]";

/// What a server says is the time (RFC 9110 §6.6.1).
fn said(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(date).ok().map(|date| date.timestamp())
}

async fn mail(probes: &Probes) -> Line {
    let check = "mail";
    match &probes.mail_to {
        MailProbe::None => return Line::not_tested(check, "no [mail]: no mail is sent"),
        MailProbe::Folder(folder) => {
            return if folder.is_dir() {
                Line::ok(check, "it goes into a folder, which is there; nobody is reached by it")
            } else {
                Line::not_tested(check, "it goes into a folder, which is made with the first mail")
            };
        }
        MailProbe::Relay if probes.unread.contains("mail") => {
            return Line::not_tested(check, "the relay's password cannot be read here");
        }
        MailProbe::Relay => {}
    }
    match tokio::time::timeout(probes.patience, probes.mail.probe()).await {
        Err(_) => Line::failed(check, "the relay does not answer in time", RELAY),
        Ok(Probed::Untried) => Line::not_tested(check, "there is no relay to try"),
        Ok(Probed::LoggedIn) => Line::ok(check, "the relay was reached, and takes the login"),
        Ok(Probed::Reached) => Line::ok(
            check,
            "the relay was reached; no login is configured, so whether it takes our mail was not tried",
        ),
        Ok(Probed::Refused { step, why }) => {
            let remedy = match step {
                "login" => "check `username` and `password-file` of [mail]",
                "starttls" => "check `tls` and `ca-file` of [mail]",
                _ => RELAY,
            };
            Line::failed(check, format!("the relay: {step}: {why}"), remedy)
        }
    }
}

const RELAY: &str = "check `host`, `port` and `tls` of [mail], the network and the firewall";
