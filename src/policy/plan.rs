//! What is to be done about one lesson: new notifications, cancellations, and a reason for each
//! thing that is not done.

use jiff::Timestamp;

use crate::model::{Notification, NotificationId, Reason, Recipient};

/// One decision as it is kept in the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// `notify`, `suppress`, `cancel`, `correct` or `keep`.
    pub act: &'static str,
    /// Whom it concerns; none: everybody.
    pub recipient: Option<Recipient>,
    /// Why.
    pub reason: Reason,
    /// The notification made or changed.
    pub notification: Option<NotificationId>,
}

/// The plan for one lesson.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Whether the pupil counts as missing; to be stored in the lesson.
    pub missing: bool,
    /// The lesson's revision; to be stored in the lesson.
    pub revision: u32,
    /// Notifications to write.
    pub make: Vec<Notification>,
    /// Notifications that were called back and are to wait again, as they were, until when.
    pub again: Vec<(NotificationId, Timestamp)>,
    /// Waiting notifications to call back.
    pub cancel: Vec<(NotificationId, Reason)>,
    /// Whether the team's task of the day about marks that came too late is of this lesson.
    pub duty: bool,
    /// When to decide again although nothing new may be heard.
    pub look_again: Option<Timestamp>,
    /// Everything decided, in order.
    pub decisions: Vec<Decided>,
    /// The ids of the silences that some of it comes of.
    pub silences: Vec<String>,
}

impl Plan {
    /// A mark that came after a later one: noted, nothing done.
    pub fn note_out_of_order(&mut self) {
        self.suppress(None, Reason::OutOfOrder);
    }

    pub(super) fn suppress(&mut self, recipient: Option<Recipient>, reason: Reason) {
        self.decisions.push(Decided { act: "suppress", recipient, reason, notification: None });
    }

    pub(super) fn keep(&mut self, of: &Notification, reason: Reason) {
        self.decisions.push(Decided {
            act: "keep",
            recipient: Some(of.recipient.clone()),
            reason,
            notification: Some(of.id.clone()),
        });
    }

    pub(super) fn cancel(&mut self, of: &Notification, reason: Reason) {
        self.decisions.push(Decided {
            act: "cancel",
            recipient: Some(of.recipient.clone()),
            reason,
            notification: Some(of.id.clone()),
        });
        self.cancel.push((of.id.clone(), reason));
    }

    pub(super) fn again(&mut self, known: &Notification, due_at: Timestamp) {
        self.decisions.push(Decided {
            act: "notify",
            recipient: Some(known.recipient.clone()),
            reason: known.reason,
            notification: Some(known.id.clone()),
        });
        self.again.push((known.id.clone(), due_at));
    }

    pub(super) fn make(&mut self, new: Notification) {
        self.decisions.push(Decided {
            act: if new.corrects.is_some() { "correct" } else { "notify" },
            recipient: Some(new.recipient.clone()),
            reason: new.reason,
            notification: Some(new.id.clone()),
        });
        self.make.push(new);
    }
}
