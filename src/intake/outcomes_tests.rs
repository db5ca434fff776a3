//! How lessons count of which somebody has said otherwise: a table.

use super::*;
use crate::model::{Lesson, LessonId, MentorTold, NotificationId};

#[test]
fn a_word_changes_how_a_lesson_counts_and_a_later_mark_changes_it_back() {
    let at = |second| Timestamp::from_second(second).expect("a time");
    let day = Date::constant(2026, 11, 23);
    let lesson = |received| {
        let id = LessonId::new("l").expect("an id");
        let lesson = Lesson { id, start: at(0), end: at(3600), label: None };
        LessonState::new(lesson, at(received))
    };
    let outcomes = |what| {
        let word = CaseWord {
            id: NotificationId::of(&["w"]),
            school: SchoolId::new("s").expect("an id"),
            pupil: PupilId::new("p").expect("an id"),
            date: day,
            at: at(500),
            by: "staff:AttendanceTeam".into(),
            link: None,
            what,
            note: None,
            mentor: MentorTold::NoNews,
        };
        Outcomes { of_day: [(day, word)].into() }
    };
    use Attended::{Excused, Late, Present, Unexcused, Untaken};
    for (what, received, was, is) in [
        (CaseWhat::Explained, 100, Unexcused, Excused),
        (CaseWhat::Explained, 900, Unexcused, Excused),
        (CaseWhat::Explained, 100, Late, Late),
        (CaseWhat::Explained, 100, Untaken, Untaken),
        (CaseWhat::WrongMark, 100, Unexcused, Present),
        (CaseWhat::WrongMark, 100, Excused, Present),
        (CaseWhat::WrongMark, 900, Unexcused, Unexcused),
        (CaseWhat::WrongMark, 100, Untaken, Untaken),
        (CaseWhat::Reached, 100, Unexcused, Unexcused),
        (CaseWhat::NoAnswer, 100, Unexcused, Unexcused),
    ] {
        let found = outcomes(what).attended(day, &lesson(received), was);
        assert_eq!(found, is, "{what:?} {received} {was:?}");
    }
    let other = Date::constant(2026, 11, 24);
    let found = outcomes(CaseWhat::Explained).attended(other, &lesson(100), Unexcused);
    assert_eq!(found, Unexcused, "another day is another case");
}
