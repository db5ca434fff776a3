//! Faults in one word, as typed on a command line: `503:next=3`, `drop-after-storing:every=50`,
//! `rcpt:450:next=1`. Pure.

use std::num::NonZeroU64;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as WordError, StrDeserializer};

use super::faults::{Plan, Share, When};
use super::rules::{At, HttpFault, HttpRule, On, RetryAfter, SmtpFault, SmtpReply, SmtpRule};

fn word<'a, T: Deserialize<'a>>(word: &'a str, what: &str) -> Result<T, String> {
    let from: StrDeserializer<'a, WordError> = word.into_deserializer();
    T::deserialize(from).map_err(|e| format!("{what}: {e}"))
}

fn value<T: FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name}={value} is no number"))
}

/// Takes `every=`, `share=`, `next=`, `to=`; false for another name.
fn condition(when: &mut When, name: &str, text: &str) -> Result<bool, String> {
    match name {
        "every" => when.every = Some(value::<NonZeroU64>(name, text)?),
        "share" => when.share = Some(Share::try_from(value::<f64>(name, text)?)?),
        "next" => when.remaining = Some(value(name, text)?),
        "to" => when.to = Some(text.to_owned()),
        _ => return Ok(false),
    }
    Ok(true)
}

fn pairs(options: &str) -> impl Iterator<Item = Result<(&str, &str), String>> {
    options
        .split(',')
        .filter(|option| !option.is_empty())
        .map(|option| option.split_once('=').ok_or_else(|| format!("{option:?} is no NAME=VALUE")))
}

impl FromStr for HttpRule {
    type Err = String;

    /// `FAULT[:NAME=VALUE,…]`. The fault is its name or `401`, `403`, `429`, `500`, `503`; names are
    /// `every`, `share`, `next`, `to`, `on`, `stored`, `retry-after` (seconds, or `date+SECONDS`)
    /// and `delay` (milliseconds).
    fn from_str(text: &str) -> Result<Self, String> {
        let (fault, options) = text.split_once(':').unwrap_or((text, ""));
        let mut rule = Self::new(match fault {
            "401" => HttpFault::Unauthorized,
            "403" => HttpFault::NoCredit,
            "429" => HttpFault::TooManyRequests,
            "500" => HttpFault::ServerError,
            "503" => HttpFault::Unavailable,
            name => word(name, "fault")?,
        });
        for pair in pairs(options) {
            let (name, text) = pair?;
            if condition(&mut rule.when, name, text)? {
                continue;
            }
            match name {
                "on" => rule.on = word::<On>(text, "on")?,
                "stored" => rule.stored = Some(yes(text)?),
                "delay" => rule.delay_ms = value(name, text)?,
                "retry-after" => {
                    rule.retry_after = Some(match text.strip_prefix("date+") {
                        Some(seconds) => RetryAfter::Date(value(name, seconds)?),
                        None => RetryAfter::Seconds(value(name, text)?),
                    });
                }
                _ => {
                    return Err(format!(
                        "{name:?} is unknown; known are every, share, next, to, on, stored, delay, retry-after"
                    ));
                }
            }
        }
        Ok(rule)
    }
}

fn yes(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("stored={text} is neither yes nor no")),
    }
}

impl FromStr for SmtpRule {
    type Err = String;

    /// `AT:FAULT[:NAME=VALUE,…]`. At is `greeting`, `ehlo`, `auth`, `mail`, `rcpt`, `data` or
    /// `end-of-data`; the fault is `drop`, `stall` or a reply code; names are `every`, `share`,
    /// `next`, `to` and `stored`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut fields = text.splitn(3, ':');
        let at = word::<At>(fields.next().unwrap_or_default(), "place")?;
        let fault = match fields.next() {
            Some("drop") => SmtpFault::Drop,
            Some("stall") => SmtpFault::Stall,
            Some(code) => SmtpFault::Reply(reply(code)?),
            None => return Err("give AT:FAULT, as rcpt:450 or end-of-data:drop".into()),
        };
        let mut rule = Self::new(at, fault);
        for pair in pairs(fields.next().unwrap_or_default()) {
            let (name, text) = pair?;
            match name {
                "stored" => rule.stored = Some(yes(text)?),
                _ if condition(&mut rule.when, name, text)? => {}
                _ => {
                    return Err(format!(
                        "{name:?} is unknown; known are every, share, next, to, stored"
                    ));
                }
            }
        }
        Ok(rule)
    }
}

/// The reply servers usually give with this code (RFC 5321 §4.2.3, RFC 3463).
fn reply(code: &str) -> Result<SmtpReply, String> {
    let text = match code {
        "421" => "4.3.2 Service not available, closing",
        "450" => "4.2.0 Mailbox busy, try again later",
        "451" => "4.3.0 Local error, try again later",
        "452" => "4.3.1 Out of storage",
        "454" => "4.7.0 Temporary authentication failure",
        "535" => "5.7.8 Wrong name or password",
        "550" => "5.1.1 No such mailbox here",
        "552" => "5.2.2 Mailbox full",
        "554" => "5.7.1 Refused by policy",
        other if other.starts_with('4') => "4.0.0 Not now, as asked",
        _ => "5.0.0 Refused, as asked",
    };
    SmtpReply::new(format!("{code} {text}"))
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        word(text, "receipts")
    }
}
