//! Names that tie messages together: the case number people say aloud, and the Message-IDs that make
//! one conversation of a case. All are hashes: the same each time, and nothing of the pupil in them.

use jiff::civil::Date;

pub use crate::model::case_number;
use crate::model::{NotificationId, PupilId, Recipient, SchoolId};

/// The Message-ID of a notification, the same on every attempt, so that a receiver can tell a mail
/// that was sent twice (RFC 5322 §3.6.4). `domain` is that of the sender's address.
pub fn message_id(notification: &NotificationId, domain: &str) -> String {
    format!("<{notification}@{domain}>")
}

/// What all mails of a case to one recipient refer to. No mail has it as its own Message-ID: which one
/// is the first is not known before it has arrived, and readers make one conversation of all that refer
/// to the same mail, whether they have it or not (RFC 5256 §3, step 1).
pub fn thread_id(
    school: &SchoolId,
    pupil: &PupilId,
    date: Date,
    recipient: &Recipient,
    domain: &str,
) -> String {
    let date = date.to_string();
    let key = recipient.key();
    let id = NotificationId::of(&["thread", school.as_str(), pupil.as_str(), &date, &key]);
    format!("<case-{id}@{domain}>")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::StaffRole;

    fn school(id: &str) -> SchoolId {
        SchoolId::new(id).unwrap()
    }

    fn pupil(id: &str) -> PupilId {
        PupilId::new(id).unwrap()
    }

    #[test]
    fn a_case_has_one_number() {
        let day: Date = "2026-11-23".parse().unwrap();
        let number = case_number(&school("bjork"), &pupil("p-17"), day);
        assert_eq!(number, case_number(&school("bjork"), &pupil("p-17"), day));
        assert_eq!(number.len(), 7);
        assert!(number.bytes().all(|b| b.is_ascii_alphanumeric()), "{number}");

        let numbers: BTreeSet<String> = (0..2000)
            .map(|n| case_number(&school("bjork"), &pupil(&format!("p-{n}")), day))
            .collect();
        assert_eq!(numbers.len(), 2000);
        assert_ne!(number, case_number(&school("bjork"), &pupil("p-17"), day.tomorrow().unwrap()));
        assert_ne!(number, case_number(&school("ek"), &pupil("p-17"), day));
    }

    #[test]
    fn a_thread_is_one_case_to_one_recipient() {
        let day: Date = "2026-11-23".parse().unwrap();
        let of = |role| {
            let to = Recipient::Staff(role);
            thread_id(&school("bjork"), &pupil("p-17"), day, &to, "example.se")
        };
        let team = of(StaffRole::AttendanceTeam);
        assert_eq!(team, of(StaffRole::AttendanceTeam));
        assert_ne!(team, of(StaffRole::Mentor));
        assert!(team.starts_with("<case-") && team.ends_with("@example.se>"));
        let id = NotificationId::of(&["a"]);
        assert_eq!(message_id(&id, "example.se"), format!("<{id}@example.se>"));
    }
}
