//! Timelines of messages that were called back or failed, and of what may then be made or sent again.

use super::*;

#[test]
fn a_correction_called_back_for_nothing_is_made_when_the_message_turns_up() {
    let mut b = Bench::minor();
    b.mark("08:21", Mark::Unexcused);
    b.send_all(State::Sending);
    assert_eq!(b.mark("08:22", Mark::Late), CORRECT_BOTH);
    // The first was refused, so nothing was to be corrected; then a report says that it arrived.
    for n in &mut b.told {
        if n.purpose == Purpose::Correction {
            n.state = State::Cancelled;
            n.state_reason = Some(Reason::NothingToCorrect);
        } else {
            n.state = State::Delivered;
        }
    }
    assert_eq!(b.decide(), CORRECT_BOTH);
    b.send_all(State::Accepted);
    assert_eq!(b.decide(), [""; 0]);
}

#[test]
fn what_stands_comes_before_what_may_be_sent_again() {
    let mut b = Bench::minor();
    b.mark("08:21", Mark::Unexcused);
    b.send_all(State::Cancelled);
    let doubtful = b.evaluate();
    assert_eq!((doubtful.make.len(), doubtful.again.len()), (0, 2), "the same messages again");
    let later: Vec<_> = b.told.clone();
    b.told.extend(later.into_iter().map(|n| Notification {
        id: NotificationId::of(&["later", n.id.as_str()]),
        state: State::Accepted,
        ..n
    }));
    let plan = b.evaluate();
    assert_eq!((plan.make.len(), plan.again.len()), (0, 0), "they have been told");
}
