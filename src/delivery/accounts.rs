//! How a provider account is: well, away for a while, or stopped until somebody mends it. A
//! failure that is the provider's slows the provider and burns no message's tries.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{Outcome, Reason};

/// How a provider account is: away, stopped, or (no row) well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Nothing is tried before this.
    pub until: Timestamp,
    /// Failures in a row; chooses the next pause.
    pub failures: u32,
    /// [`Reason::ProviderAway`] or [`Reason::ChannelStopped`].
    pub reason: Reason,
    /// The provider's word.
    pub code: String,
    /// Since when.
    pub since: Timestamp,
    /// When the last failure that counted was known. Attempts that were on the wire by then say
    /// nothing new: many at once are one failure.
    pub failed_at: Timestamp,
}

/// Pauses after the first, second, … failure in a row; the last one repeats.
const PAUSES: [i64; 7] = [1, 2, 5, 10, 20, 30, 60];

/// Pause before a stopped account is tried again with one message: a mended password must not need
/// a restart, and a wrong one must not be tried every second (it may lock the account).
const STOPPED_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// The account after one outcome of an attempt that started at `started`; none: well.
pub fn after(
    before: Option<&Account>,
    outcome: &Outcome,
    started: Timestamp,
    longest: SignedDuration,
    now: Timestamp,
) -> Option<Account> {
    let fails = matches!(
        outcome,
        Outcome::Retry { provider_wide: true, .. }
            | Outcome::RejectChannel { .. }
            | Outcome::InDoubt { .. }
    );
    if fails && before.is_some_and(|b| started < b.failed_at) {
        return before.cloned();
    }
    let failures = before.map_or(0, |a| a.failures).saturating_add(1);
    let since = before.map_or(now, |a| a.since);
    match outcome {
        // A provider that hangs or answers 500 would otherwise take the whole day's messages one after
        // the other into doubt, and those that cannot be looked up would never be told.
        Outcome::InDoubt { code } => {
            let wide = Outcome::Retry { after: None, code: code.clone(), provider_wide: true };
            after(before, &wide, started, longest, now)
        }
        Outcome::Retry { provider_wide: true, after: wish, code } => {
            let step = usize::try_from(failures - 1).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
            let pause =
                SignedDuration::from_secs(PAUSES[step]).max(wish.unwrap_or_default().min(longest));
            Some(Account {
                until: now.saturating_add(pause).unwrap_or(Timestamp::MAX),
                failures,
                reason: Reason::ProviderAway,
                code: code.clone(),
                since,
                failed_at: now,
            })
        }
        Outcome::RejectChannel { code } => Some(Account {
            until: now.saturating_add(STOPPED_PAUSE).unwrap_or(Timestamp::MAX),
            failures,
            reason: Reason::ChannelStopped,
            code: code.clone(),
            since,
            failed_at: now,
        }),
        // An answer about one message shows that the account itself works.
        Outcome::Accepted { .. } | Outcome::RejectMessage { .. } | Outcome::Retry { .. } => None,
    }
}

/// An account's trouble when somebody may have mended it: one message is tried at once.
pub fn tried_at_once(account: Option<Account>, now: Timestamp) -> Option<Account> {
    account.map(|a| Account { until: a.until.min(now), ..a })
}

/// How many may be on the wire at once: one probe while the account is recovering.
pub fn width(account: Option<&Account>, full: usize) -> usize {
    if account.is_some() { 1 } else { full }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_lengthen_the_pause_and_success_ends_it() {
        let now = Timestamp::from_second(1_800_000_000).expect("time");
        let away = |after: Option<i64>| Outcome::Retry {
            after: after.map(SignedDuration::from_secs),
            code: "http-503".into(),
            provider_wide: true,
        };
        let longest = SignedDuration::from_secs(900);
        let mut account = None;
        let mut waits = Vec::new();
        for _ in 0..9 {
            account = after(account.as_ref(), &away(None), now, longest, now);
            waits.push(account.as_ref().map(|a| a.until.duration_since(now).as_secs()));
        }
        assert_eq!(waits, [1, 2, 5, 10, 20, 30, 60, 60, 60].map(Some));
        assert_eq!(width(account.as_ref(), 16), 1);
        let earlier = now.saturating_sub(SignedDuration::from_secs(1)).expect("time");
        let same_blip = after(account.as_ref(), &away(None), earlier, longest, now);
        assert_eq!(same_blip, account, "attempts on the wire at a failure are one failure");
        let asked = after(None, &away(Some(7_200)), now, longest, now).expect("away");
        assert_eq!(asked.until.duration_since(now), longest);
        let doubt = Outcome::InDoubt { code: "time-out".into() };
        let slowed = after(None, &doubt, now, longest, now).expect("away");
        assert_eq!((slowed.failures, slowed.until.duration_since(now).as_secs()), (1, 1));
        let done = Outcome::Accepted { reference: None, parts: None };
        assert_eq!(after(account.as_ref(), &done, now, longest, now), None);
    }
}
