//! Faults of the provider and the mail server in the sink's own words, as `503:next=3` or
//! `rcpt:450`; without delivery reports, which would resolve what a test wants left in doubt.

use upprop::sim::sink::{Faults, Latency, LatencyWhen, Plan, Receipts};

/// Longer than any test waits, in milliseconds.
const FOR_EVER: u64 = 600_000;

/// A provider in good health that reports nothing.
pub fn silent() -> Faults {
    Faults { receipts: Receipts { plan: Plan::None, ..Receipts::default() }, ..Faults::default() }
}

/// The provider holds its answers, before or after it takes the text.
pub fn holding(when: LatencyWhen) -> Faults {
    Faults { latency: Latency { ms: FOR_EVER, when }, ..silent() }
}

/// The provider does these things wrong.
pub fn http(rules: &[&str]) -> Faults {
    let http = rules.iter().map(|rule| rule.parse().expect("a rule")).collect();
    Faults { http, ..silent() }
}

/// The mail server does these things wrong.
pub fn smtp(rules: &[&str]) -> Faults {
    let smtp = rules.iter().map(|rule| rule.parse().expect("a rule")).collect();
    Faults { smtp, ..silent() }
}

/// The provider refuses everything with 503, and the mail server with 421.
pub fn outage() -> Faults {
    Faults { outage: true, ..silent() }
}
