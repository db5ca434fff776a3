//! Recipients that always get the same fault, among the numbers set aside for fiction, so that a
//! hand-made trial needs no switches. The table stands in the room's documentation. Pure.

use super::faults::Plan;
use super::rules::{HttpFault, HttpRule, RetryAfter};

/// What a text to this number meets when it is sent.
pub(super) enum Trap {
    /// 400 whatever it says.
    BadRequest,
    /// 429 the first time this text comes, accepted the second.
    ThrottledOnce,
    /// A rule for every request.
    Rule(HttpRule),
}

/// The trap behind a number.
pub(super) fn trap(to: &str) -> Option<Trap> {
    Some(match to {
        "+46701740692" => Trap::BadRequest,
        "+46701740693" => Trap::ThrottledOnce,
        "+46701740697" => Trap::Rule(HttpRule::new(HttpFault::DropAfterStoring)),
        "+46701740698" => Trap::Rule(HttpRule::new(HttpFault::ServerError)),
        "+46701740699" => Trap::Rule(HttpRule::new(HttpFault::NoCredit)),
        _ => return None,
    })
}

/// The answer of [`Trap::ThrottledOnce`].
pub(super) fn throttled() -> HttpRule {
    HttpRule {
        retry_after: Some(RetryAfter::Seconds(1)),
        ..HttpRule::new(HttpFault::TooManyRequests)
    }
}

/// The reports on texts to a number.
pub(super) fn plan(to: &str) -> Option<Plan> {
    Some(match to {
        "+46701740690" => Plan::None,
        "+46701740691" => Plan::Failed,
        "+46701740694" => Plan::Twice,
        "+46701740695" => Plan::LateSent,
        "+46701740696" => Plan::BeforeAnswer,
        _ => return None,
    })
}

/// What a mail to this address meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MailTrap {
    /// Refused for now at RCPT.
    Temporary,
    /// Refused for good at RCPT.
    Permanent,
    /// Taken; the connection is closed instead of the last answer.
    Drop,
}

/// The trap behind the part before the `@`.
pub(super) fn mail_trap(address: &str) -> Option<MailTrap> {
    let (local, _) = address.split_once('@')?;
    Some(match local.to_ascii_lowercase().as_str() {
        "tempfail" => MailTrap::Temporary,
        "permfail" => MailTrap::Permanent,
        "drop" => MailTrap::Drop,
        _ => return None,
    })
}
