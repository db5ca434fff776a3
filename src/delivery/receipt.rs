//! What a delivery report makes of a notification. Pure: reports come early, twice, late, out of
//! order or never; a final one is never left for a lower one.

use crate::model::{Notification, Receipt, ReceiptStatus, State};

/// What follows from a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing new.
    Nothing,
    /// The row changed.
    Changed,
    /// It has left after all although the row said it would not: decide about the lesson again.
    LeftAfterAll,
    /// It will not arrive: tell by another way, or tell staff.
    Failed,
}

/// Writes a report into the row.
pub fn receive(n: &mut Notification, receipt: &Receipt) -> Told {
    let was = n.state;
    if n.attempts.is_empty() || was == State::Delivered {
        return Told::Nothing;
    }
    if n.reference.is_none() {
        n.reference = receipt.reference.clone().map(super::settle::kept);
    }
    // About an attempt before the one in force, which may yet arrive.
    let another = receipt.reference.clone().map(super::settle::kept);
    let another = another.is_some_and(|reference| n.reference.as_ref() != Some(&reference));
    if another && receipt.status == ReceiptStatus::Undelivered {
        return Told::Nothing;
    }
    let new = match receipt.status {
        ReceiptStatus::Delivered => State::Delivered,
        ReceiptStatus::Undelivered if was == State::Undelivered => return Told::Nothing,
        ReceiptStatus::Undelivered if was == State::Rejected => return Told::Nothing,
        ReceiptStatus::Undelivered => State::Undelivered,
        ReceiptStatus::Sent => match was {
            State::Accepted | State::Undelivered => return Told::Nothing,
            _ => State::Accepted,
        },
    };
    n.state = new;
    n.state_reason = None;
    match (new, was) {
        (State::Undelivered, _) => Told::Failed,
        (_, State::Cancelled | State::Expired | State::Rejected | State::Undelivered) => {
            Told::LeftAfterAll
        }
        _ => Told::Changed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attempt, ProviderId};

    #[test]
    fn reports_in_any_order_end_in_the_same_state() {
        use ReceiptStatus::{Delivered, Sent, Undelivered};
        for (reports, end) in [
            (vec![Sent], State::Accepted),
            (vec![Delivered, Sent], State::Delivered),
            (vec![Delivered, Delivered], State::Delivered),
            (vec![Sent, Undelivered, Sent], State::Undelivered),
            (vec![Undelivered, Delivered], State::Delivered),
            (vec![Delivered, Undelivered], State::Delivered),
        ] {
            for start in [State::Sending, State::InDoubt, State::Held, State::Accepted] {
                let mut n = crate::delivery::testing::notification("g1");
                n.state = start;
                n.attempts.push(Attempt {
                    started_at: n.created_at,
                    account: ProviderId::new("a").expect("id"),
                    text_sha256: None,
                    languages: Vec::new(),
                    result: None,
                });
                for status in &reports {
                    let receipt =
                        Receipt { notification: None, reference: None, status: *status, at: None };
                    receive(&mut n, &receipt);
                }
                assert_eq!(n.state, end, "{start:?} {reports:?}");
            }
        }
    }

    #[test]
    fn a_failure_of_an_earlier_attempt_says_nothing_of_the_last() {
        let mut n = crate::delivery::testing::notification("g1");
        n.state = State::Accepted;
        n.reference = Some("second".into());
        n.attempts.push(Attempt {
            started_at: n.created_at,
            account: ProviderId::new("a").expect("id"),
            text_sha256: None,
            languages: Vec::new(),
            result: None,
        });
        let report = |reference: &str, status| Receipt {
            notification: Some(n.id.clone()),
            reference: Some(reference.into()),
            status,
            at: None,
        };
        let first = report("first", ReceiptStatus::Undelivered);
        let last = report("second", ReceiptStatus::Undelivered);
        let arrived = report("first", ReceiptStatus::Delivered);
        let mut after = |r: &Receipt| {
            receive(&mut n, r);
            n.state
        };
        assert_eq!(after(&first), State::Accepted);
        assert_eq!(after(&last), State::Undelivered);
        assert_eq!(after(&arrived), State::Delivered, "whichever of the two arrives");
    }

    #[test]
    fn what_was_thought_lost_and_has_arrived_is_decided_about_again() {
        for was in [State::Cancelled, State::Expired, State::Rejected, State::Undelivered] {
            let mut n = crate::delivery::testing::notification("g1");
            n.state = was;
            n.attempts.push(Attempt {
                started_at: n.created_at,
                account: ProviderId::new("a").expect("id"),
                text_sha256: None,
                languages: Vec::new(),
                result: None,
            });
            let status = ReceiptStatus::Delivered;
            let receipt = Receipt { notification: None, reference: None, status, at: None };
            assert_eq!(receive(&mut n, &receipt), Told::LeftAfterAll, "{was:?}");
        }
    }

    #[test]
    fn a_message_never_tried_cannot_be_reported_on() {
        let mut n = crate::delivery::testing::notification("g1");
        let receipt = Receipt {
            notification: None,
            reference: None,
            status: ReceiptStatus::Delivered,
            at: None,
        };
        assert_eq!(receive(&mut n, &receipt), Told::Nothing);
        assert_eq!(n.state, State::Waiting);
    }
}
