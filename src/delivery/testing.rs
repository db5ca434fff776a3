//! Values for the tests of this room.

use jiff::{Timestamp, civil::date};

use crate::model::{
    Channel, GuardianId, LessonId, Notification, NotificationId, PupilId, Purpose, Reason,
    Recipient, SchoolId, State,
};

/// A waiting first notice to one guardian by text.
pub fn notification(guardian: &str) -> Notification {
    let now = Timestamp::from_second(1_800_000_000).expect("time");
    Notification {
        id: NotificationId::of(&[guardian]),
        school: SchoolId::new("s").expect("id"),
        pupil: PupilId::new("p").expect("id"),
        date: date(2027, 1, 15),
        lesson: LessonId::new("l").expect("id"),
        purpose: Purpose::Absence,
        reason: Reason::UnexcusedAbsence,
        correction: None,
        task: None,
        corrects: None,
        revision: 1,
        urgent: true,
        recipient: Recipient::Guardian(GuardianId::new(guardian).expect("id")),
        channel: Channel::Sms,
        address: None,
        state: State::Waiting,
        state_reason: None,
        created_at: now,
        due_at: now,
        deadline: now.saturating_add(jiff::SignedDuration::from_hours(8)).expect("time"),
        attempts: Vec::new(),
        tries: 0,
        empty_lookups: 0,
        lookups: 0,
        reference: None,
    }
}
