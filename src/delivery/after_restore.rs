//! What follows from a store that was put back from a backup: nobody knows what was sent between the two.
//! A guardian is told nothing by itself of a lesson that had begun by then: it may be news to us alone.

use jiff::Timestamp;

use crate::intake::case::{Case, due_row};
use crate::model::{Attempt, AttemptResult, Notification, Outcome, ProviderId, Reason, State};
use crate::store::ledger::Unit;
use crate::store::rows::Restored;
use crate::store::{StoreError, tables};

/// The word that stands for the provider's where an attempt is only supposed.
const CODE: &str = "restored";
/// Most attempts in a row.
const MOST: usize = 6;

/// Whether a message that was never tried may have been sent by the store that is gone.
///
/// # Errors
/// When the store fails.
pub async fn may_have_left(
    unit: &Unit<'_>,
    n: &Notification,
    case: &Case,
) -> Result<bool, StoreError> {
    // One that an operator sends again has the supposed attempt.
    if n.recipient_is_staff() || !n.attempts.is_empty() {
        return Ok(false);
    }
    let restored: Option<Restored> = unit.peek(tables::RESTORED).await?;
    // When the mark was made says nothing: the same mark saved again has a later time.
    Ok(restored.is_some_and(|restored| case.lesson.lesson.start < restored.at))
}

/// Holds a waiting message for a person.
pub fn hold(
    unit: &mut Unit<'_>,
    n: &mut Notification,
    account: Option<&ProviderId>,
    now: Timestamp,
) {
    unit.delete(due_row(n));
    suppose(n, account, now, now);
    unit.write(tables::notification(&n.id), n);
}

/// Makes of a message that may have left, or gone on, since it was written down what can be known of it:
/// that it is in doubt. It stays so that a report, or a person, can settle it.
pub fn suppose(
    n: &mut Notification,
    account: Option<&ProviderId>,
    since: Timestamp,
    now: Timestamp,
) {
    let doubt = AttemptResult { at: now, outcome: Outcome::InDoubt { code: CODE.into() } };
    let former = n.attempts.last().map(|attempt| attempt.account.clone());
    match n.attempts.last_mut() {
        Some(open) if open.result.is_none() => open.result = Some(doubt),
        _ => {
            if let Some(account) = former.or_else(|| account.cloned()) {
                while n.attempts.len() >= MOST {
                    n.attempts.remove(0);
                }
                let attempt = Attempt {
                    started_at: since,
                    account,
                    text_sha256: None,
                    languages: Vec::new(),
                    result: Some(doubt),
                };
                n.attempts.push(attempt);
            }
        }
    }
    (n.state, n.state_reason) = if n.deadline > now {
        (State::Held, Some(Reason::HeldInDoubt))
    } else {
        (State::Expired, Some(Reason::Expired))
    };
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::delivery::testing::notification;
    use crate::intake::case::CaseKey;
    use crate::model::Lesson;
    use crate::store::{Commit, MemoryStore};

    #[tokio::test]
    async fn a_mark_saved_again_after_a_restore_is_no_news() {
        let kv = MemoryStore::new();
        let n = notification("g1");
        let at = |minutes| n.created_at + SignedDuration::from_mins(minutes);
        let mut unit = Unit::new(&kv);
        unit.write(tables::RESTORED.to_vec(), &Restored { at: at(0), taken_at: at(-60) });
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        let mut unit = Unit::new(&kv);
        for (start, held) in [(-30, true), (0, false), (30, false)] {
            let end = at(start + 60);
            let lesson = Lesson { id: n.lesson.clone(), start: at(start), end, label: None };
            let roster = crate::directory::Roster::default();
            let mut case =
                Case::load_or_new(&mut unit, &roster, &CaseKey::of(&n), &lesson, at(0)).await;
            let case = case.as_mut().expect("a case");
            case.lesson.recorded_at = Some(at(5));
            assert_eq!(may_have_left(&unit, &n, case).await.expect("told"), held, "{start}");
        }
    }

    #[test]
    fn what_may_have_left_is_in_doubt_and_counts_as_arrived() {
        let account = ProviderId::new("elks").expect("id");
        for state in [State::Waiting, State::Sending, State::InDoubt] {
            for late in [false, true] {
                let mut n = notification("g1");
                n.state = state;
                if state != State::Waiting {
                    n.attempts.push(Attempt {
                        started_at: n.created_at,
                        account: account.clone(),
                        text_sha256: None,
                        languages: Vec::new(),
                        result: None,
                    });
                }
                let hour = SignedDuration::from_hours(if late { 1 } else { -1 });
                let now = n.deadline.saturating_add(hour).expect("time");
                let since = n.created_at;
                suppose(&mut n, Some(&account), since, now);
                assert_eq!(n.state, if late { State::Expired } else { State::Held });
                assert!(n.may_have_arrived(), "whoever has it must be put right");
                assert_eq!(n.attempts.len(), 1, "a report about it is believed");
            }
        }
    }
}
