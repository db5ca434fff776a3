//! What was agreed on how a home is told, followed through the whole of a day; and what the mentor hears of a case.

use super::bench::{Bench, Family, at, pages, roster, school};
use super::*;
use crate::delivery::case_page::{self, Look};
use crate::directory::{Fatigue, FurtherLessons, Staff};
use crate::intake::case::CaseKey;
use crate::intake::case_words::{self, NewWord};
use crate::model::{CaseWhat, MentorTold, Reports, StaffId, StaffRole};
use crate::operate::reports::{NewReports, agree};

#[path = "dispatcher_week_tests.rs"]
mod week;

const ONE: &[Family<'_>] = &[("p", Protection::None, &[("g1", 605)])];

fn bench(further: FurtherLessons) -> Bench {
    let mut people = roster(ONE);
    let mentor = Staff {
        id: StaffId::new("m").expect("id"),
        school: None,
        role: StaffRole::Mentor,
        municipality: None,
        name: None,
        email: EmailAddress::new("mentor@example.se").ok(),
        phone: None,
    };
    for pupil in people.pupils.get_mut(&school().id).expect("a school").values_mut() {
        pupil.mentor = Some(mentor.id.clone());
    }
    people.staff.insert(mentor.id.clone(), mentor);
    let b = Bench::new(None, people.clone());
    let fatigue = Fatigue { further, ..Fatigue::off() };
    let schools = Arc::new([(school().id, School { fatigue, ..school() })].into());
    b.directory.store(Arc::new(Directory { schools, roster: Arc::new(people) }));
    b
}

async fn agreed(b: &Bench, how: Reports) {
    let directory = b.directory.load_full();
    let of = (&directory.schools[&school().id], directory.roster.as_ref());
    let until = date(2026, 12, 18);
    let asked = NewReports { how, to: None, until, recorded_by: "the test".into() };
    let pupil = PupilId::new("p").expect("id");
    let now = b.clock.now();
    agree(b.kv.as_ref(), of, &pupil, &asked, "staff:AttendanceTeam", now).await.expect("agreed");
}

async fn of(b: &Bench, purpose: Purpose) -> Vec<Notification> {
    let mut all = b.notifications().await;
    all.retain(|n| n.purpose == purpose);
    all.sort_by_key(|n| n.created_at);
    all
}

#[tokio::test]
async fn every_lesson_has_its_message_whatever_the_school_does_of_further_ones() {
    for further in [FurtherLessons::Team, FurtherLessons::EndOfDay] {
        let mut b = bench(further);
        b.mark_at("p", "l1", Mark::Unexcused).await;
        b.work().await;
        b.mark_at("p", "l2", Mark::Unexcused).await;
        b.work().await;
        assert_eq!(b.texts(), 1, "{further:?}: as the school does");
        agreed(&b, Reports::EveryLesson).await;
        b.mark_at("p", "l3", Mark::Unexcused).await;
        b.work().await;
        assert_eq!(b.texts(), 2, "{further:?}");
    }
}

#[tokio::test]
async fn a_line_a_day_is_the_first_lesson_at_once_and_the_rest_when_the_day_is_over() {
    let mut b = bench(FurtherLessons::Each);
    agreed(&b, Reports::LineADay).await;
    for lesson in ["l1", "l2", "l3"] {
        b.mark_at("p", lesson, Mark::Unexcused).await;
        b.work().await;
    }
    assert_eq!(b.texts(), 1, "the first");
    b.set("15:44:59");
    b.work().await;
    assert_eq!(b.texts(), 1);
    b.set("15:45:00");
    b.work().await;
    let absences = of(&b, Purpose::Absence).await;
    assert!(absences.iter().all(|n| n.state == State::Accepted), "{absences:#?}");
    assert_eq!((absences.len(), b.texts()), (3, 2), "the others in one");
}

#[tokio::test]
async fn the_first_that_was_told_put_right_the_next_is_news_under_a_line_a_day_too() {
    let mut b = bench(FurtherLessons::Each);
    agreed(&b, Reports::LineADay).await;
    b.mark_at("p", "l1", Mark::Unexcused).await;
    b.work().await;
    b.mark_at("p", "l2", Mark::Unexcused).await;
    b.work().await;
    b.set("08:30:00");
    b.mark_at("p", "l1", Mark::Present).await;
    b.work().await;
    b.set("08:30:05");
    b.work().await;
    assert_eq!(b.texts(), 3, "told, put right, and of the other: {:?}", b.bodies());
}

#[tokio::test]
async fn who_is_phoned_first_gets_no_text_and_the_team_knows_at_once() {
    let mut b = bench(FurtherLessons::Each);
    agreed(&b, Reports::PhoneFirst).await;
    b.mark_at("p", "l1", Mark::Unexcused).await;
    b.work().await;
    assert_eq!(b.texts(), 0);
    let alerts = of(&b, Purpose::TeamAlert).await;
    assert_eq!((alerts.len(), alerts[0].state), (1, State::Accepted));
    assert_eq!(alerts[0].reason, Reason::PhoneFirst);
    b.set("09:20:01");
    b.work().await;
    assert_eq!((b.texts(), of(&b, Purpose::TeamAlert).await.len()), (0, 1), "once");
}

#[tokio::test]
async fn an_agreement_to_phone_first_calls_back_what_waits_and_has_the_day_looked_at_again() {
    let mut b = bench(FurtherLessons::Each);
    let directory = b.directory.load_full();
    let graceful =
        School { grace: SignedDuration::from_mins(10), ..directory.schools[&school().id].clone() };
    let schools = Arc::new([(school().id, graceful)].into());
    b.directory.store(Arc::new(Directory { schools, roster: directory.roster.clone() }));
    b.mark_at("p", "l1", Mark::Unexcused).await;
    b.work().await;
    b.set("08:22:00");
    agreed(&b, Reports::PhoneFirst).await;
    b.work().await;
    b.set("08:31:00");
    b.work().await;
    assert_eq!((b.texts(), of(&b, Purpose::TeamAlert).await.len()), (0, 1));
    let absence = &of(&b, Purpose::Absence).await[0];
    assert_eq!(absence.state_reason, Some(Reason::PhoneFirst));
}

#[tokio::test]
async fn what_is_agreed_last_holds_and_the_same_again_is_one() {
    let b = bench(FurtherLessons::Each);
    for how in [Reports::LineADay, Reports::LineADay, Reports::PhoneFirst] {
        agreed(&b, how).await;
    }
    let rows = b.kv.scan(tables::ACCORDS, &after_prefix(tables::ACCORDS), 9).await.expect("rows");
    let accords: Vec<crate::model::Accord> =
        rows.iter().map(|(_, row)| ledger::decode(row).expect("a row")).collect();
    let open: Vec<_> = accords.iter().filter(|one| one.ended.is_none()).collect();
    assert_eq!((accords.len(), open.len()), (2, 1));
    let acts = b.kv.scan(tables::OPERATOR_ACTS, &after_prefix(tables::OPERATOR_ACTS), 9).await;
    assert_eq!(acts.expect("rows").len(), 2);
}

#[tokio::test]
async fn the_mentor_is_mailed_once_and_not_what_was_written_beside_it() {
    let mut b = bench(FurtherLessons::Each);
    b.mark_at("p", "l1", Mark::Unexcused).await;
    b.set("09:20:01");
    b.work().await;
    let alert = of(&b, Purpose::TeamAlert).await.remove(0);
    let mails = b.mail.sent();
    let text = String::from_utf8_lossy(&mails[0].1).into_owned();
    assert!(text.replace("=\r\n", "").contains("https://u.example.se/case/"), "{text}");
    let shared = b.dispatcher.shared.clone();
    let now = b.clock.now();
    let look = case_page::look(&shared, &pages(), &alert.id, now).await.expect("the store");
    let Look::Open(open) = look else { panic!("{look:?}") };
    assert_eq!((open.by.as_str(), open.words.len()), ("staff:AttendanceTeam", 0));
    let word = NewWord {
        id: NotificationId::of(&["w"]),
        by: open.by.clone(),
        link: Some(alert.id.clone()),
        what: CaseWhat::Reached,
        note: Some("hemligt".into()),
    };
    let directory = b.directory.load_full();
    let school = &directory.schools[&school().id];
    let kv = b.kv.clone();
    for _ in 0..2 {
        let of = (directory.as_ref(), school);
        case_words::record(kv.as_ref(), of, &open.key, &word, now).await.expect("recorded");
        b.work().await;
    }
    let feedback = of(&b, Purpose::CaseFeedback).await;
    assert_eq!((feedback.len(), feedback[0].state), (1, State::Accepted));
    let mails = b.mail.sent();
    assert_eq!((mails.len(), mails[1].0.to.expose()), (2, "mentor@example.se"));
    let text = String::from_utf8_lossy(&mails[1].1).into_owned();
    assert!(!text.contains("hemligt") && !text.contains("/case/"), "{text}");
    let look = case_page::look(&shared, &pages(), &alert.id, now).await.expect("the store");
    let Look::Open(after) = look else { panic!("{look:?}") };
    assert_ne!(after.state, open.state);
    assert_eq!(after.shown[0].mentor, "told");
    assert_eq!(after.words[0].mentor, MentorTold::By(feedback[0].id.clone()));
    // The mark changes: what was said to the mentor is so all the same.
    b.mark_at("p", "l1", Mark::Present).await;
    b.work().await;
    assert_eq!(of(&b, Purpose::CaseFeedback).await, feedback);
}

#[tokio::test]
async fn a_page_shows_nothing_of_whoever_is_protected_by_now_and_nothing_when_its_time_is_out() {
    let mut b = bench(FurtherLessons::Each);
    b.mark_at("p", "l1", Mark::Unexcused).await;
    b.set("09:20:01");
    b.work().await;
    let alert = of(&b, Purpose::TeamAlert).await.remove(0);
    let absence = of(&b, Purpose::Absence).await.remove(0);
    let shared = b.dispatcher.shared.clone();
    let look = async |id: &NotificationId, now: Timestamp| {
        case_page::look(&shared, &pages(), id, now).await.expect("the store")
    };
    let now = b.clock.now();
    assert!(matches!(look(&alert.id, now).await, Look::Open(_)));
    assert!(matches!(look(&absence.id, now).await, Look::Gone), "no mail with a link");
    assert!(matches!(look(&NotificationId::of(&["x"]), now).await, Look::Gone));
    let later = at("23:59:59") + SignedDuration::from_hours(24 * 30);
    assert!(matches!(look(&alert.id, later).await, Look::Open(_)));
    let closed = later + SignedDuration::from_secs(1);
    assert!(matches!(look(&alert.id, closed).await, Look::Closed(_)));
    let directory = b.directory.load_full();
    let mut people = directory.roster.as_ref().clone();
    for pupil in people.pupils.get_mut(&school().id).expect("a school").values_mut() {
        pupil.protection = Protection::Protected;
    }
    let schools = directory.schools.clone();
    b.directory.store(Arc::new(Directory { schools, roster: Arc::new(people) }));
    assert!(matches!(look(&alert.id, now).await, Look::Hidden(_)));
    let directory = b.directory.load_full();
    let of = (directory.as_ref(), &directory.schools[&school().id]);
    let word = NewWord {
        id: NotificationId::of(&["w"]),
        by: "staff:AttendanceTeam".into(),
        link: None,
        what: CaseWhat::Reached,
        note: None,
    };
    let written = case_words::record(b.kv.as_ref(), of, &CaseKey::of(&alert), &word, now)
        .await
        .expect("store");
    assert_eq!(written, case_words::Written::Hidden(Reason::Protected));
}
