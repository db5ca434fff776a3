//! What follows of a word on a case: whether the mentor hears of it, and by which message. Pure; the same word makes the same
//! message however often it is asked.

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::directory::entitled;
use crate::directory::{Protection, Pupil, Roster, School};
use crate::model::{
    CaseWhat, CaseWord, Channel, LessonId, Notification, NotificationId, PupilId, Purpose, Reason,
    Recipient, StaffRole, State, case_word,
};

/// How long the mentor's mail is worth sending: what was said on a Friday is read on Monday.
const DEADLINE: SignedDuration = SignedDuration::from_hours(3 * 24);

/// What the mentor hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feedback {
    /// This.
    Tell(Box<Notification>),
    /// Nothing that is not known.
    NoNews,
    /// Nothing: there is no mentor with an address.
    NoMentor,
}

/// Why nothing may be recorded of a pupil here: who is, or may be, protected is looked after in the school's own system.
pub fn hidden(pupil: Option<&Pupil>, said_protected: bool) -> Option<Reason> {
    match pupil.map(|pupil| pupil.protection) {
        None => Some(Reason::UnknownPupil),
        Some(_) if said_protected => Some(Reason::Protected),
        Some(Protection::Protected) => Some(Reason::Protected),
        Some(Protection::Unknown) => Some(Reason::ProtectionUnknown),
        Some(Protection::None) => None,
    }
}

/// The message that tells the mentor of a word.
pub fn message_of(word: &NotificationId) -> NotificationId {
    NotificationId::of(&[Purpose::CaseFeedback.as_str(), word.as_str()])
}

/// Decides. `before`: what was recorded of the case so far. `case`: school, day and lesson of it.
pub fn feedback(
    (school, roster, pupil): (&School, &Roster, &Pupil),
    (date, lesson): (Date, &LessonId),
    before: &[CaseWord],
    (id, what): (&NotificationId, CaseWhat),
    now: Timestamp,
) -> Feedback {
    let known = case_word::last_outcome(before).map(|word| word.what);
    if !what.is_outcome() || known == Some(what) {
        return Feedback::NoNews;
    }
    if entitled::staff(school, Some(pupil), roster, StaffRole::Mentor).is_none() {
        return Feedback::NoMentor;
    }
    Feedback::Tell(Box::new(blank(school, &pupil.id, (date, lesson), message_of(id), now)))
}

fn blank(
    school: &School,
    pupil: &PupilId,
    (date, lesson): (Date, &LessonId),
    id: NotificationId,
    now: Timestamp,
) -> Notification {
    Notification {
        id,
        school: school.id.clone(),
        pupil: pupil.clone(),
        date,
        lesson: lesson.clone(),
        purpose: Purpose::CaseFeedback,
        reason: Reason::CaseRecorded,
        correction: None,
        task: None,
        corrects: None,
        revision: 0,
        urgent: false,
        recipient: Recipient::Staff(StaffRole::Mentor),
        channel: Channel::Email,
        address: None,
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::testing::school;
    use crate::directory::Staff;
    use crate::model::{EmailAddress, MentorTold, SchoolId, StaffId};

    fn word(what: CaseWhat, second: i64) -> CaseWord {
        CaseWord {
            id: NotificationId::of(&[what.as_str(), &second.to_string()]),
            school: SchoolId::new("s").expect("an id"),
            pupil: PupilId::new("p").expect("an id"),
            date: Date::constant(2026, 11, 23),
            at: Timestamp::from_second(second).expect("a time"),
            by: "staff:AttendanceTeam".into(),
            link: None,
            what,
            note: None,
            mentor: MentorTold::NoNews,
        }
    }

    fn pupil() -> Pupil {
        let mentor = StaffId::new("m").expect("an id");
        let row = serde_json::json!({
            "id": "p", "school": "s", "given_name": "Alva", "protection": "none", "mentor": mentor,
        });
        serde_json::from_value(row).expect("a pupil")
    }

    fn roster(email: Option<&str>) -> Roster {
        let mentor = Staff {
            id: StaffId::new("m").expect("an id"),
            school: None,
            role: StaffRole::Mentor,
            municipality: None,
            name: None,
            email: email.map(|text| EmailAddress::new(text).expect("an address")),
            phone: None,
        };
        let mut roster = Roster::default();
        roster.staff.insert(mentor.id.clone(), mentor);
        roster
    }

    #[test]
    fn the_mentor_hears_of_what_is_new_and_of_nothing_else() {
        use CaseWhat::{Explained, NoAnswer, Note, Reached};
        let (school, pupil, now) = (school(), pupil(), Timestamp::UNIX_EPOCH);
        let known = roster(Some("m@example.se"));
        let lesson = LessonId::new("l").expect("an id");
        let case = (Date::constant(2026, 11, 23), &lesson);
        let ask = |roster: &Roster, before: &[CaseWord], what| {
            let new = word(what, 9);
            feedback((&school, roster, &pupil), case, before, (&new.id, what), now)
        };
        for (before, what, told) in [
            (vec![], Reached, true),
            (vec![], Note, false),
            (vec![(NoAnswer, 1)], Reached, true),
            (vec![(Reached, 1)], Reached, false),
            (vec![(Reached, 1), (Note, 2)], Reached, false),
            (vec![(Reached, 1), (NoAnswer, 2)], Reached, true),
            (vec![(Reached, 1)], Explained, true),
        ] {
            let before: Vec<_> = before.into_iter().map(|(what, at)| word(what, at)).collect();
            match ask(&known, &before, what) {
                Feedback::Tell(n) => {
                    assert!(told, "{before:?} {what:?}");
                    assert_eq!(n.id, message_of(&word(what, 9).id), "the same each time");
                }
                Feedback::NoNews => assert!(!told, "{before:?} {what:?}"),
                Feedback::NoMentor => panic!("there is one"),
            }
        }
        assert_eq!(ask(&roster(None), &[], Reached), Feedback::NoMentor);
        assert_eq!(ask(&Roster::default(), &[], Reached), Feedback::NoMentor);
    }

    #[test]
    fn nothing_is_recorded_of_who_is_or_may_be_protected() {
        let open = pupil();
        let of = |protection| Pupil { protection, ..pupil() };
        assert_eq!(hidden(Some(&open), false), None);
        assert_eq!(hidden(Some(&open), true), Some(Reason::Protected));
        assert_eq!(hidden(None, false), Some(Reason::UnknownPupil));
        let unknown = of(Protection::Unknown);
        assert_eq!(hidden(Some(&unknown), false), Some(Reason::ProtectionUnknown));
        assert_eq!(hidden(Some(&of(Protection::Protected)), false), Some(Reason::Protected));
    }
}
