//! What the reader of an alarm was told last about it, and whether a correction would be news. Pure; asked when a
//! correction is planned, and again when it is about to leave.

use crate::model::{CorrectionKind, Notification, NotificationId, Reason, State};

/// The corrections of an alarm, oldest first.
pub fn corrections<'a>(
    told: &'a [Notification],
    of: &'a NotificationId,
) -> impl DoubleEndedIterator<Item = &'a Notification> {
    told.iter().filter(move |c| c.corrects.as_ref() == Some(of))
}

/// Whether a correction would say something that the reader of the alarm does not believe, or may not believe: nothing
/// but the alarm was told, or the last word was another. `told_of_it`: the corrections before it, oldest first. What was
/// called back after an attempt that nobody knows the outcome of may be the last word, and may be not.
pub fn is_news<'a>(
    told_of_it: impl Iterator<Item = &'a Notification>,
    kind: CorrectionKind,
) -> bool {
    let mut words = vec![None];
    for correction in told_of_it.filter(|c| c.may_have_arrived()) {
        if correction.state.may_have_arrived() {
            words.clear();
        }
        words.push(correction.correction);
    }
    words.iter().any(|word| word.is_none_or(|word| word.is_away() != kind.is_away()))
}

/// Whether a correction never left, and does not stand in the way of another: its message did not seem to have
/// arrived, or was true again, or there was something else to say by then.
pub fn is_void(correction: &Notification) -> bool {
    correction.state == State::Cancelled
        && matches!(
            correction.state_reason,
            Some(Reason::NothingToCorrect | Reason::Replaced | Reason::MarkChanged)
        )
}
