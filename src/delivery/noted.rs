//! What was decided about one message at its claim, as a line of the pupil's trail. Decides nothing.

use jiff::Timestamp;

use crate::intake::{Heard, trail};
use crate::model::{Notification, Reason};
use crate::policy::{Decided, Plan};
use crate::store::ledger::Unit;

/// Writes it once: a message that waits for the same reason as before is no news. `by`: what decided, as `claim`.
pub(super) fn note(
    unit: &mut Unit<'_>,
    n: &Notification,
    by: &str,
    (act, reason): (&'static str, Reason),
    now: Timestamp,
) {
    if n.state_reason == Some(reason) {
        return;
    }
    let decided = Decided {
        act,
        recipient: Some(n.recipient.clone()),
        reason,
        notification: Some(n.id.clone()),
    };
    let plan = Plan { decisions: vec![decided], ..Plan::default() };
    // Two guardians' lines of one moment are two.
    let heard = Heard::own(&format!("{by} {}", n.id.as_str().get(..6).unwrap_or_default()));
    trail(unit, &n.school, &n.pupil, Some(&n.lesson), &heard, &plan, now);
}
