//! The life of one text through any outcomes: when it is tried, by whose failures, and when no more.

use super::*;
use crate::delivery::accounts::{self, Account};
use crate::delivery::settings::Settings;
use crate::delivery::settle::{Next, settle, start};
use crate::model::{Outcome, ProviderId};

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let wish = prop::option::of((-10_i64..100_000).prop_map(secs));
    let code = || String::from("x");
    prop_oneof![
        6 => wish.clone().prop_map(move |after| Outcome::Retry {
            after, code: code(), provider_wide: false,
        }),
        6 => wish.prop_map(move |after| Outcome::Retry { after, code: code(), provider_wide: true }),
        2 => Just(Outcome::RejectChannel { code: code() }),
        1 => Just(Outcome::InDoubt { code: code() }),
        1 => any::<bool>().prop_map(move |bad| Outcome::RejectMessage {
            code: code(), bad_contact: bad,
        }),
        1 => Just(Outcome::Accepted { reference: None, parts: None }),
    ]
}

/// The account's pause after so many failures in a row, as the operator's manual has it.
fn account_pause(failures: u32) -> SignedDuration {
    secs([1, 2, 5, 10, 20, 30].get(failures as usize - 1).copied().unwrap_or(60))
}

/// Checks how the account is after an outcome, `before` failures in a row before it.
fn account_follows(after: Option<&Account>, outcome: &Outcome, before: u32, now: Timestamp) {
    let longest = Settings::default().longest_retry_after;
    let waits = after.map(|a| (a.failures, a.until.duration_since(now)));
    let expected = match outcome {
        Outcome::Retry { provider_wide: true, after: wish, .. } => {
            let wish = wish.unwrap_or_default().min(longest);
            Some((before + 1, account_pause(before + 1).max(wish)))
        }
        Outcome::InDoubt { .. } => Some((before + 1, account_pause(before + 1))),
        Outcome::RejectChannel { .. } => Some((before + 1, SignedDuration::from_mins(5))),
        _ => None,
    };
    assert_eq!(waits, expected, "{outcome:?}");
    assert_eq!(accounts::width(after, 16), if expected.is_some() { 1 } else { 16 });
}

proptest! {
    #[test]
    fn tries_follow_the_list_and_never_cross_the_deadline(
        pauses in prop::collection::vec(1_i64..2_000, 0..6),
        answers in prop::collection::vec((outcomes(), 0_i64..30), 1..40),
        worth in 1_i64..40_000,
    ) {
        let (school, roster, lesson) = (school(None), roster("2013-05-04", "none"), missing());
        let settings =
            Settings { sms_retry: pauses.iter().copied().map(secs).collect(), ..Settings::default() };
        let by = ProviderId::new("a").expect("id");
        let mut now = at("2026-10-24T20:05:00+02:00");
        let mut n = notification("g1");
        (n.due_at, n.deadline) = (now, now + secs(worth));
        let mut account: Option<Account> = None;
        let (mut own_failures, mut failures) = (0, 0);
        let mut last_start = Timestamp::MIN;
        for (outcome, takes) in answers {
            // The row is looked at when it is due and the account takes something.
            now = now.max(n.due_at).max(account.as_ref().map_or(Timestamp::MIN, |a| a.until));
            match ask_about(&n, &school, &roster, &lesson, now) {
                Verdict::Send { .. } => prop_assert!(now < n.deadline, "after its deadline"),
                Verdict::Drop { state, reason, .. } => {
                    prop_assert_eq!((state, reason), (State::Expired, Reason::Expired));
                    prop_assert!(now >= n.deadline, "before its deadline");
                    break;
                }
                Verdict::Defer { .. } => prop_assert!(false, "nothing defers it"),
            }
            prop_assert!(last_start < now, "two tries at once");
            last_start = now;
            start(&mut n, &by, None, &settings, now);
            now += secs(takes);
            let longest = settings.longest_retry_after;
            account = accounts::after(account.as_ref(), &outcome, last_start, longest, now);
            account_follows(account.as_ref(), &outcome, failures, now);
            failures = account.as_ref().map_or(0, |a| a.failures);
            let next = settle(&mut n, &outcome, &settings, now);
            let goes_on = match &outcome {
                Outcome::Retry { provider_wide: false, after, .. } => {
                    own_failures += 1;
                    let pause = pauses.get(own_failures - 1).map(|p| secs(*p).as_secs_f64());
                    match (pause, next) {
                        (Some(pause), Next::Claim(at)) => {
                            let wish = after.unwrap_or_default().clamp(secs(0), longest);
                            let wish = wish.as_secs_f64();
                            let waits = at.duration_since(now).as_secs_f64();
                            prop_assert!(waits >= wish.max(pause * 0.9) - 1e-6, "{waits}");
                            prop_assert!(waits <= wish.max(pause * 1.1) + 1e-6, "{waits}");
                            true
                        }
                        (None, Next::Failed { bad_contact: false }) => {
                            prop_assert_eq!(n.state_reason, Some(Reason::TriesUsed));
                            false
                        }
                        other => return Err(TestCaseError::fail(format!("{other:?}"))),
                    }
                }
                // The provider's failure is the provider's: the message is due as it was.
                Outcome::Retry { .. } | Outcome::RejectChannel { .. } => {
                    prop_assert_eq!(next, Next::Claim(now));
                    true
                }
                Outcome::InDoubt { .. } => {
                    prop_assert_eq!(next, Next::Resolve(now + settings.settle));
                    false
                }
                Outcome::RejectMessage { bad_contact, .. } => {
                    prop_assert_eq!(next, Next::Failed { bad_contact: *bad_contact });
                    false
                }
                Outcome::Accepted { .. } => {
                    prop_assert_eq!(next, Next::Nothing);
                    false
                }
            };
            prop_assert_eq!(usize::try_from(n.tries).ok(), Some(own_failures), "{:?}", outcome);
            prop_assert_eq!(n.state == State::Waiting, goes_on);
            if !goes_on {
                break;
            }
        }
    }
}
