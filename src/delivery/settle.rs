//! What one attempt's outcome makes of a notification. Pure; the state machine of the design §6.

use jiff::Timestamp;

use super::retry::next_try;
use super::settings::Settings;
use crate::model::{AttemptResult, Notification, Outcome, Reason, State};

/// Most attempts kept in a row of the store.
const REMEMBERED: usize = 6;
/// Longest reference kept as it is, in bytes.
const MAX_REFERENCE: usize = 128;

/// What follows from an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing more by itself.
    Nothing,
    /// Claim again at this time.
    Claim(Timestamp),
    /// Ask what became of it at this time.
    Resolve(Timestamp),
    /// It has failed for good: tell by another way, or tell staff.
    Failed {
        /// The address itself is at fault.
        bad_contact: bool,
    },
}

/// Writes the start of an attempt into the row.
///
/// From here until an outcome is written, the row is due when the attempt counts as in doubt.
pub fn start(
    n: &mut Notification,
    account: &crate::model::ProviderId,
    text_sha256: Option<String>,
    settings: &Settings,
    now: Timestamp,
) {
    n.state = State::Sending;
    n.due_at = now.saturating_add(settings.settle).unwrap_or(Timestamp::MAX);
    n.state_reason = None;
    n.empty_lookups = 0;
    n.lookups = 0;
    n.attempts.push(crate::model::Attempt {
        started_at: now,
        account: account.clone(),
        text_sha256,
        languages: Vec::new(),
        result: None,
    });
    while n.attempts.len() > REMEMBERED {
        // One that may have arrived is remembered longest: whoever has it may have to be put right.
        let forget = n.attempts.iter().position(|a| !a.is_doubtful()).unwrap_or_default();
        n.attempts.remove(forget);
    }
}

/// Writes the end of an attempt into the row and says what follows. A report that came first stands.
pub fn settle(
    n: &mut Notification,
    outcome: &Outcome,
    settings: &Settings,
    now: Timestamp,
) -> Next {
    if let Some(last) = n.attempts.last_mut() {
        last.result = Some(AttemptResult { at: now, outcome: outcome.clone() });
    }
    if let Outcome::Accepted { reference: Some(reference), .. } = outcome {
        n.reference = Some(reference.clone());
    }
    if n.state != State::Sending {
        return Next::Nothing;
    }
    let wait = |n: &mut Notification, reason, at| {
        n.state = State::Waiting;
        n.state_reason = Some(reason);
        n.due_at = at;
        Next::Claim(at)
    };
    match outcome {
        Outcome::Accepted { .. } => {
            n.state = State::Accepted;
            n.state_reason = None;
            Next::Nothing
        }
        Outcome::Retry { provider_wide: true, .. } => wait(n, Reason::ProviderAway, now),
        Outcome::RejectChannel { .. } => wait(n, Reason::ChannelStopped, now),
        Outcome::Retry { after, .. } => {
            n.tries += 1;
            let pauses = settings.retry(n.channel);
            match next_try(pauses, n.tries, &n.id, *after, settings.longest_retry_after, now) {
                Some(at) => wait(n, Reason::RetryLater, at),
                None => fail(n, Reason::TriesUsed, false),
            }
        }
        Outcome::RejectMessage { bad_contact, .. } => fail(n, Reason::Rejected, *bad_contact),
        Outcome::InDoubt { .. } => in_doubt(n, settings, now),
    }
}

/// An attempt without an outcome, also one found after a crash: leave it alone, then ask.
pub fn in_doubt(n: &mut Notification, settings: &Settings, now: Timestamp) -> Next {
    n.state = State::InDoubt;
    n.state_reason = Some(Reason::InDoubt);
    n.due_at = now.saturating_add(settings.settle).unwrap_or(Timestamp::MAX);
    Next::Resolve(n.due_at)
}

/// A provider's reference as it is kept. One that is too long for a row is kept as its hash: the
/// commit would be refused, and the daemon stop at it again and again.
pub fn kept(reference: String) -> String {
    use sha2::Digest as _;
    if reference.len() <= MAX_REFERENCE {
        return reference;
    }
    crate::model::hex(sha2::Sha256::digest(reference.as_bytes()).as_slice())
}

/// Ends a notification that can never arrive.
pub fn fail(n: &mut Notification, reason: Reason, bad_contact: bool) -> Next {
    n.state = State::Rejected;
    n.state_reason = Some(reason);
    Next::Failed { bad_contact }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::model::ProviderId;

    fn waiting() -> Notification {
        crate::delivery::testing::notification("g1")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("time")
    }

    #[test]
    fn every_outcome_has_its_state() {
        let settings = Settings::default();
        let account = ProviderId::new("a").expect("id");
        let accepted = Outcome::Accepted { reference: Some("s1".into()), parts: Some(1) };
        let retry = |wide| Outcome::Retry { after: None, code: "x".into(), provider_wide: wide };
        let reject = Outcome::RejectMessage { code: "x".into(), bad_contact: true };
        for (outcome, state, tries) in [
            (accepted, State::Accepted, 0),
            (retry(true), State::Waiting, 0),
            (retry(false), State::Waiting, 1),
            (reject, State::Rejected, 0),
            (Outcome::RejectChannel { code: "x".into() }, State::Waiting, 0),
            (Outcome::InDoubt { code: "x".into() }, State::InDoubt, 0),
        ] {
            let mut n = waiting();
            start(&mut n, &account, None, &settings, at(0));
            assert_eq!(n.state, State::Sending);
            settle(&mut n, &outcome, &settings, at(1));
            assert_eq!((n.state, n.tries), (state, tries), "{outcome:?}");
        }
    }

    #[test]
    fn a_row_with_every_attempt_remembered_fits_however_long_the_references() {
        let settings = Settings::default();
        let mut n = waiting();
        for _ in 0..9 {
            start(&mut n, &ProviderId::new("a".repeat(60)).expect("id"), None, &settings, at(0));
            let reference = Some(kept("å".repeat(30_000)));
            settle(&mut n, &Outcome::Accepted { reference, parts: Some(1) }, &settings, at(1));
        }
        let row = crate::store::codec::encode(1, &n);
        assert!(row.len() <= crate::store::MAX_VALUE_BYTES, "{}", row.len());
        assert_eq!(kept("s1".into()), "s1");
    }

    #[test]
    fn an_attempt_that_may_have_arrived_is_not_forgotten_for_those_that_did_not() {
        let settings = Settings::default();
        let mut n = waiting();
        let doubt = Outcome::InDoubt { code: "lost".into() };
        let away = Outcome::Retry { after: None, code: "x".into(), provider_wide: true };
        for outcome in [&away, &doubt].into_iter().chain([&away; 12]) {
            start(&mut n, &ProviderId::new("a").expect("id"), None, &settings, at(0));
            settle(&mut n, outcome, &settings, at(1));
            assert!(n.attempts.len() <= REMEMBERED);
        }
        assert_eq!(n.doubts(), 1);
        assert!(n.may_have_arrived());
        for _ in 0..12 {
            start(&mut n, &ProviderId::new("a").expect("id"), None, &settings, at(2));
            assert_eq!(n.attempts.last().map(|a| (a.started_at, &a.result)), Some((at(2), &None)));
            settle(&mut n, &doubt, &settings, at(3));
        }
        assert_eq!((n.attempts.len(), n.doubts()), (REMEMBERED, REMEMBERED));
    }

    #[test]
    fn a_report_that_came_first_stands() {
        let mut n = waiting();
        start(&mut n, &ProviderId::new("a").expect("id"), None, &Settings::default(), at(0));
        n.state = State::Delivered;
        let outcome = Outcome::InDoubt { code: "time-out".into() };
        assert_eq!(settle(&mut n, &outcome, &Settings::default(), at(1)), Next::Nothing);
        assert_eq!(n.state, State::Delivered);
    }

    #[test]
    fn the_list_of_pauses_ends() {
        let settings =
            Settings { sms_retry: vec![SignedDuration::from_secs(1)], ..Settings::default() };
        let mut n = waiting();
        let retry = Outcome::Retry { after: None, code: "x".into(), provider_wide: false };
        start(&mut n, &ProviderId::new("a").expect("id"), None, &settings, at(0));
        assert!(matches!(settle(&mut n, &retry, &settings, at(1)), Next::Claim(_)));
        start(&mut n, &ProviderId::new("a").expect("id"), None, &settings, at(3));
        assert_eq!(settle(&mut n, &retry, &settings, at(4)), Next::Failed { bad_contact: false });
        assert_eq!(n.state_reason, Some(Reason::TriesUsed));
    }
}
