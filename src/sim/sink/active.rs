//! The faults in force and how often each rule was asked. Decides by counting; may not wait, answer
//! or store.

use std::collections::BTreeSet;

use super::faults::{Faults, When};
use super::magic::{self, MailTrap, Trap};
use super::rules::{At, HttpRule, On, SmtpFault, SmtpReply, SmtpRule};

/// What a text meets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meets {
    /// Nothing out of the ordinary.
    Nothing,
    /// 400.
    BadRequest,
    /// This.
    Rule(HttpRule),
}

/// [`Faults`] with its counters.
#[derive(Debug, Default)]
pub(super) struct Active {
    faults: Faults,
    /// For each rule, the matching requests that no earlier rule hit. Only those count, or two rules
    /// of one in fifty would always want the same request and the second never strike.
    http_seen: Vec<u64>,
    smtp_seen: Vec<u64>,
    throttled: BTreeSet<(String, String)>,
}

impl Active {
    pub(super) fn new(faults: Faults) -> Self {
        Self {
            http_seen: vec![0; faults.http.len()],
            smtp_seen: vec![0; faults.smtp.len()],
            faults,
            throttled: BTreeSet::new(),
        }
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What a request that sends `text` to `to` meets.
    pub(super) fn submission(&mut self, to: &str, text: &str) -> Meets {
        if let Some(rule) = self.http(On::Submit, to) {
            return Meets::Rule(rule);
        }
        match magic::trap(to) {
            Some(Trap::BadRequest) => Meets::BadRequest,
            Some(Trap::Rule(rule)) => Meets::Rule(rule),
            Some(Trap::ThrottledOnce) if self.throttled.insert((to.into(), text.into())) => {
                Meets::Rule(magic::throttled())
            }
            Some(Trap::ThrottledOnce) | None => Meets::Nothing,
        }
    }

    /// The rule that hits a request about `to`.
    pub(super) fn http(&mut self, on: On, to: &str) -> Option<HttpRule> {
        let rules = self.faults.http.iter_mut().zip(&mut self.http_seen);
        for (rule, seen) in rules.filter(|(rule, _)| rule.on == on) {
            if hit(&mut rule.when, seen, to) {
                return Some(rule.clone());
            }
        }
        None
    }

    /// The rule that hits this point of a mail session. `to` is empty before RCPT.
    pub(super) fn smtp(&mut self, at: At, to: &str) -> Option<SmtpRule> {
        let rules = self.faults.smtp.iter_mut().zip(&mut self.smtp_seen);
        for (rule, seen) in rules.filter(|(rule, _)| rule.at == at) {
            if hit(&mut rule.when, seen, to) {
                return Some(rule.clone());
            }
        }
        magic::mail_trap(to).and_then(|trap| trapped(trap, at))
    }
}

fn hit(when: &mut When, seen: &mut u64, to: &str) -> bool {
    if when.to.as_deref().is_some_and(|only| only != to) {
        return false;
    }
    *seen += 1;
    when.take(*seen)
}

fn trapped(trap: MailTrap, at: At) -> Option<SmtpRule> {
    let refusal = |line: &str| SmtpReply::new(line).ok().map(SmtpFault::Reply);
    let fault = match (trap, at) {
        (MailTrap::Temporary, At::Rcpt) => refusal("450 4.2.0 Mailbox busy, try again later")?,
        (MailTrap::Permanent, At::Rcpt) => refusal("550 5.1.1 No such mailbox here")?,
        (MailTrap::Drop, At::EndOfData) => SmtpFault::Drop,
        _ => return None,
    };
    Some(SmtpRule::new(at, fault))
}
