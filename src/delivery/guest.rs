//! A test to a guest of a school: a message over the whole path that is about nobody. What it is as a row,
//! and whether it may leave. Pure. It has no other channel to fall back to and makes no task for staff.

use jiff::{SignedDuration, Timestamp};

use crate::directory::{Mode, School};
use crate::model::{
    Address, LessonId, Notification, NotificationId, PupilId, Purpose, Reason, Recipient, State,
    local_date,
};

/// Stands where other messages have a pupil and a lesson: `upprop why` shows the tests by it.
pub const NOBODY: &str = "upprop-test";

/// How long a test is worth sending: whoever asked for it waits for it.
const DEADLINE: SignedDuration = SignedDuration::from_mins(10);

/// A test that is due now; none: a defect, [`NOBODY`] is no id.
pub fn notification(school: &School, to: Address, now: Timestamp) -> Option<Notification> {
    let at = now.as_nanosecond().to_string();
    Some(Notification {
        id: NotificationId::of(&["test", school.id.as_str(), &to.key(), &at]),
        school: school.id.clone(),
        pupil: PupilId::new(NOBODY).ok()?,
        date: local_date(now, &school.zone),
        lesson: LessonId::new(NOBODY).ok()?,
        purpose: Purpose::Test,
        reason: Reason::Test,
        correction: None,
        task: None,
        corrects: None,
        revision: 0,
        urgent: false,
        recipient: Recipient::Guest,
        channel: to.channel(),
        address: Some(to),
        state: State::Waiting,
        state_reason: None,
        created_at: now,
        due_at: now,
        deadline: now.saturating_add(DEADLINE).unwrap_or(Timestamp::MAX),
        attempts: Vec::new(),
        tries: 0,
        empty_lookups: 0,
        lookups: 0,
        reference: None,
        carried_by: None,
        carries: Vec::new(),
    })
}

/// Where a test may go now: to a guest of a school that is not in shadow mode, whatever the hour.
///
/// # Errors
/// Its last state, and why it never leaves.
pub fn claim(
    n: &Notification,
    school: Option<&School>,
    now: Timestamp,
) -> Result<Address, (State, Reason)> {
    if now >= n.deadline {
        return Err((State::Expired, Reason::Expired));
    }
    let Some(school) = school.filter(|s| s.mode != Mode::Shadow) else {
        return Err((State::Cancelled, Reason::ShadowMode));
    };
    let guest = n.address.as_ref().filter(|address| school.guests.contains(*address));
    guest.cloned().ok_or((State::Cancelled, Reason::NotAGuest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Phone;

    #[test]
    fn it_goes_to_guests_in_time_and_never_from_a_shadow() {
        let now = Timestamp::from_second(1_800_000_000).expect("time");
        let to = |n: &str| Address::Phone(Phone::new(n).expect("phone"));
        let guest = to("+46701740605");
        for mode in [Mode::Shadow, Mode::Guests, Mode::Live] {
            let school = School {
                mode,
                guests: [guest.clone()].into(),
                ..crate::delivery::testing::school()
            };
            let n = notification(&school, guest.clone(), now).expect("an id");
            let expected = match mode {
                Mode::Shadow => Err((State::Cancelled, Reason::ShadowMode)),
                _ => Ok(guest.clone()),
            };
            assert_eq!(claim(&n, Some(&school), now), expected, "{mode:?}");
            let late = claim(&n, Some(&school), n.deadline);
            assert_eq!(late, Err((State::Expired, Reason::Expired)), "{mode:?}");
            let other = notification(&school, to("+46701740606"), now).expect("an id");
            assert!(claim(&other, Some(&school), now).is_err(), "{mode:?}");
            assert_eq!(claim(&n, None, now), Err((State::Cancelled, Reason::ShadowMode)));
        }
    }
}
