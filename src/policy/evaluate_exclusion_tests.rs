//! Lessons that are left out, and the guardian who made the mark.

use super::*;
use crate::directory::Staff;
use crate::model::StaffId;

const LEFT_OUT: [Reason; 2] = [Reason::NoSchoolDay, Reason::Silenced];

#[test]
fn nobody_is_told_of_a_lesson_that_is_left_out_and_the_mark_counts_all_the_same() {
    for reason in LEFT_OUT {
        let mut b = Bench::minor();
        b.exclusion = Some(reason);
        assert_eq!(b.mark("08:21", Mark::Unexcused), [format!("suppress: {reason}")]);
        assert!(b.lesson.missing && b.lesson.revision == 1);
        assert_eq!(b.evaluate().look_again, None);
        // At its end neither, nor when the teacher says so.
        b.now = at("09:21");
        assert_eq!(b.decide(), [format!("suppress: {reason}")]);
        report(&mut b);
        assert_eq!(b.decide(), [format!("suppress: {reason}")]);
        assert_eq!(b.mark("09:30", Mark::Unknown).last(), Some(&format!("suppress: {reason}")));
        assert_eq!(b.told, []);
        assert_eq!(b.mark("09:31", Mark::Late), ["suppress: late"]);
    }
}

fn report(b: &mut Bench) {
    let note = Some("never came".into());
    b.lesson.report = Some(LessonReport { reported_by: "t".into(), note });
    b.lesson.reported_at = Some(b.now);
}

#[test]
fn what_waits_is_called_back_and_what_was_told_is_put_right() {
    for reason in LEFT_OUT {
        let mut b = Bench::minor();
        b.mark("08:21", Mark::Unexcused);
        b.exclusion = Some(reason);
        let both = ["g1", "g2"].map(|g| format!("cancel absence guardian:{g}: {reason}"));
        assert_eq!(b.decide()[..2], both);
        let mut b = Bench::minor();
        b.mark("08:21", Mark::Unexcused);
        b.send_all(State::Accepted);
        b.exclusion = Some(reason);
        assert_eq!(b.decide(), [format!("suppress: {reason}")], "{reason}");
        assert_eq!(b.mark("08:40", Mark::Late), CORRECT_BOTH);
        // A correction that is no longer true does not leave.
        let again = b.mark("08:41", Mark::Unexcused);
        assert!(again.iter().any(|done| done.starts_with("cancel correction")), "{again:?}");
        assert!(!again.iter().any(|done| done.starts_with("absence")), "{again:?}");
    }
}

#[test]
fn the_end_of_a_silence_lets_nothing_out_that_it_called_back() {
    let mut b = Bench::minor();
    b.mark("08:21", Mark::Unexcused);
    b.exclusion = Some(Reason::Silenced);
    b.decide();
    b.exclusion = None;
    b.now = at("08:50");
    assert_eq!(b.decide(), [""; 0]);
    // A pupil who was there, and is missing again, is another alarm.
    b.mark("08:51", Mark::Present);
    assert_eq!(b.mark("08:55", Mark::Unexcused), BOTH);
}

#[test]
fn a_duty_without_content_is_made_all_the_same() {
    for (protection, source_says) in [(Protection::Protected, false), (Protection::None, true)] {
        let mut b = Bench::new(protection, Some(date(2013, 5, 4)));
        b.protected = source_says;
        b.exclusion = Some(Reason::Silenced);
        let done = b.mark("08:21", Mark::Unexcused);
        assert_eq!(done, ["staff-task protected staff:AttendanceTeam", "suppress: silenced"]);
        b.send_all(State::Accepted);
        assert_eq!(b.decide(), ["suppress: silenced"]);
    }
}

/// The first guardian is the teacher `t`, by telephone.
fn teacher(b: &mut Bench, phone: Option<&str>, email: Option<&str>) {
    let id = StaffId::new("t").expect("id");
    let staff = Staff {
        id: id.clone(),
        school: None,
        role: StaffRole::Teacher,
        municipality: None,
        name: None,
        email: email.map(|text| EmailAddress::new(text).expect("email")),
        phone: phone.map(|text| Phone::new(text).expect("phone")),
    };
    b.roster.staff.insert(id, staff);
    b.lesson.recorded_by = Some("t".into());
    b.school.mutes_marking_guardian = true;
}

#[test]
fn the_guardian_who_made_the_mark_is_not_told_and_the_other_one_is() {
    let mut b = Bench::minor();
    teacher(&mut b, Some("+46701740605"), None);
    assert_eq!(
        b.mark("08:21", Mark::Unexcused),
        ["absence guardian:g2", "suppress: made-the-mark"]
    );
    b.send_all(State::Accepted);
    assert_eq!(b.mark("08:40", Mark::Late), ["correction guardian:g2"]);

    for change in [
        |b: &mut Bench| b.school.mutes_marking_guardian = false,
        |b: &mut Bench| b.lesson.recorded_by = Some("another".into()),
        |b: &mut Bench| b.lesson.recorded_by = None,
        |b: &mut Bench| teacher(b, Some("+46701740699"), Some("t@example.se")),
        |b: &mut Bench| {
            let of = Some(SchoolId::new("other").expect("id"));
            b.roster.staff.values_mut().next().expect("one").school = of;
        },
    ] {
        let mut b = Bench::minor();
        teacher(&mut b, Some("+46701740605"), None);
        change(&mut b);
        assert_eq!(b.mark("08:21", Mark::Unexcused), BOTH);
    }
}

#[test]
fn where_the_only_guardian_made_the_mark_it_is_no_work_for_staff() {
    let mut b = Bench::minor();
    teacher(&mut b, Some("+46701740605"), None);
    let school = b.school.id.clone();
    let pupil = b.roster.pupils.get_mut(&school).and_then(|all| all.get_mut(&b.pupil));
    pupil.expect("the pupil").guardians.truncate(1);
    assert_eq!(b.mark("08:21", Mark::Unexcused), ["suppress: made-the-mark"]);
    // The mark of somebody else is told.
    b.lesson.recorded_by = Some("another".into());
    assert_eq!(b.mark("08:25", Mark::Unexcused), ["absence guardian:g1"]);
    // What still waits is called back when the teacher has made the mark after all.
    b.lesson.recorded_by = Some("t".into());
    let done = b.mark("08:26", Mark::Unexcused);
    assert_eq!(done, ["cancel absence guardian:g1: made-the-mark", "suppress: made-the-mark"]);
}

#[test]
fn two_who_share_the_teachers_number_are_not_both_left_out() {
    let mut b = Bench::minor();
    teacher(&mut b, Some("+46701740605"), Some("own@example.se"));
    for (id, email) in [("g1", None), ("g2", Some("other@example.se"))] {
        let guardian = b.roster.guardians.get_mut(&GuardianId::new(id).expect("id"));
        let guardian = guardian.expect("a guardian");
        guardian.phone = Some(Phone::new("+46701740605").expect("phone"));
        guardian.email = email.map(|text| EmailAddress::new(text).expect("email"));
    }
    let done = b.mark("08:21", Mark::Unexcused);
    assert!(done.contains(&"absence guardian:g2".to_owned()), "{done:?}");
    assert!(done.contains(&"suppress: made-the-mark".to_owned()), "{done:?}");
}
