//! What the team found out by phoning, and the ladder: the duty to phone is done by it, and the absence counts as what it
//! was.

use super::*;
use crate::intake::case::CaseKey;
use crate::intake::case_words::{self, NewWord, Written};
use crate::model::CaseWhat;

#[path = "dispatcher_duty_page_tests.rs"]
mod page;

async fn word(b: &Bench, what: CaseWhat) {
    let school = school();
    let key = CaseKey {
        school: school.id.clone(),
        pupil: PupilId::new("p").expect("id"),
        date: "2026-11-23".parse().expect("date"),
        lesson: Bench::lesson("l").id,
    };
    let id = NotificationId::of(&["word", what.as_str(), &b.clock.now().to_string()]);
    let by = "staff:AttendanceTeam".to_owned();
    let new = NewWord { id, by, link: None, what, note: None };
    let directory = b.directory.load_full();
    let school = directory.schools.values().next().expect("a school");
    let of = (directory.as_ref(), school);
    let written = case_words::record(b.kv.as_ref(), of, &key, &new, b.clock.now()).await;
    assert!(matches!(written, Ok(Written::Done(_))), "{written:?}");
}

#[tokio::test]
async fn a_call_that_reached_the_home_does_the_duty_and_one_without_answer_leaves_it_open() {
    let mut b = bench(people(ONE), |_| {});
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.set("09:00:00");
    word(&b, CaseWhat::NoAnswer).await;
    let [duty] = duties_of(&b).await.try_into().expect("one duty");
    assert!(duty.state.is_open() && duty.has(DutyAct::NoAnswer), "{duty:?}");
    b.set("10:00:00");
    word(&b, CaseWhat::Reached).await;
    let [duty] = duties_of(&b).await.try_into().expect("one duty");
    assert_eq!(duty.state, DutyState::Done);
    let by = duty.history.last().and_then(|event| event.by.clone());
    assert_eq!(by.as_deref(), Some("staff:AttendanceTeam"));
    // The absence is what it was: the step stands.
    let [firing] = rows::<Firing>(&b, tables::FIRINGS).await.try_into().expect("one step");
    assert!(firing.stands());
}

#[tokio::test]
async fn an_absence_that_is_explained_counts_as_excused_and_a_wrong_mark_as_none() {
    for what in [CaseWhat::Explained, CaseWhat::WrongMark] {
        let mut b = bench(people(ONE), |_| {});
        b.mark("p", Mark::Unexcused).await;
        b.work().await;
        b.set("09:30:00");
        word(&b, what).await;
        b.work().await;
        let [firing] = rows::<Firing>(&b, tables::FIRINGS).await.try_into().expect("one step");
        assert!(!firing.stands(), "{what:?}");
        let [duty] = duties_of(&b).await.try_into().expect("one duty");
        let done = what == CaseWhat::Explained;
        let state = if done { DutyState::Done } else { DutyState::NotNeeded };
        assert_eq!(duty.state, state, "{what:?}");
        let told = heads(&b).into_iter().filter(|(_, what)| what == "Återtaget").count();
        assert_eq!(told, 2, "{:?}", heads(&b));
        // A lesson after the call is another matter.
        b.set("10:00:00");
        let id = LessonId::new("later").expect("id");
        let lesson = Lesson { id, start: at("09:50:00"), end: at("10:50:00"), label: None };
        b.hear(Fact::Marked {
            pupil: PupilId::new("p").expect("id"),
            lesson,
            mark: Mark::Unexcused,
            minutes: None,
            register_closed: None,
            recorded_at: b.clock.now(),
            recorded_by: None,
        })
        .await;
        let all: Vec<Firing> = rows(&b, tables::FIRINGS).await;
        assert_eq!(all.iter().filter(|one| one.stands()).count(), 1, "{what:?}");
    }
}

#[tokio::test]
async fn a_word_that_is_put_right_opens_the_duty_again_in_the_same_commit() {
    let mut b = bench(people(ONE), |_| {});
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    let [before] = duties_of(&b).await.try_into().expect("one duty");
    b.set("09:00:00");
    word(&b, CaseWhat::Reached).await;
    b.set("09:05:00");
    word(&b, CaseWhat::NoAnswer).await;
    let [duty] = duties_of(&b).await.try_into().expect("one duty");
    assert_eq!(duty.state, DutyState::Open);
    assert_eq!((duty.due_at, duty.look_at), (before.due_at, before.look_at));
    assert!(duty.has(DutyAct::Reopened), "{duty:?}");
    b.work().await;
    let is_late = |(_, what): &(String, String)| what == "Inte gjort i tid";
    assert!(!heads(&b).iter().any(is_late), "{:?}", heads(&b));
    // When it was to be done is over: who has it now is told, once.
    b.set("15:59:00");
    word(&b, CaseWhat::Reached).await;
    b.set("16:20:00");
    word(&b, CaseWhat::NoAnswer).await;
    b.work().await;
    let [duty] = duties_of(&b).await.try_into().expect("one duty");
    assert_eq!((duty.state, duty.owner), (DutyState::Overdue, StaffRole::Principal));
    let late = |b: &Bench| {
        heads(b)
            .into_iter()
            .filter(|(to, what)| to == "principal" && what == "Inte gjort i tid")
            .count()
    };
    assert_eq!(late(&b), 1, "{:?}", heads(&b));
    // Done by hand, it stays so.
    let number = duty.number();
    b.set("16:30:00");
    say(&b, &duty, Say::Done).await;
    word(&b, CaseWhat::Reached).await;
    b.set("16:31:00");
    word(&b, CaseWhat::NoAnswer).await;
    b.work().await;
    let [duty] = duties_of(&b).await.try_into().expect("one duty");
    assert_eq!((duty.state, duty.number()), (DutyState::Done, number));
    assert_eq!(late(&b), 1, "{:?}", heads(&b));
}

#[tokio::test]
async fn in_every_order_of_words_the_duty_and_the_last_word_agree() {
    use CaseWhat::{Explained, NoAnswer, Reached, WrongMark};
    let all = [Reached, NoAnswer, Explained, WrongMark];
    for (first, second, third) in orders(&all) {
        let mut b = bench(people(ONE), |_| {});
        b.mark("p", Mark::Unexcused).await;
        b.work().await;
        for (minute, what) in [first, second, third].into_iter().enumerate() {
            b.set(&format!("09:{minute:02}:00"));
            word(&b, what).await;
            let firings: Vec<Firing> = rows(&b, tables::FIRINGS).await;
            let duties = duties_of(&b).await;
            let order = format!("{first:?} {second:?} {third:?}, {minute}: {duties:?}");
            for firing in firings {
                let of = |duty: &&Duty| duty.firing == firing.id;
                let duty = duties.iter().find(of).expect("its duty");
                match what {
                    _ if !firing.stands() => assert!(!duty.state.is_open(), "{order}"),
                    Reached => assert_eq!(duty.state, DutyState::Done, "{order}"),
                    NoAnswer => assert_eq!(duty.state, DutyState::Open, "{order}"),
                    _ => panic!("an absence that is explained or none has no step: {order}"),
                }
            }
        }
    }
}

fn orders(all: &[CaseWhat]) -> Vec<(CaseWhat, CaseWhat, CaseWhat)> {
    let pairs = || all.iter().flat_map(move |a| all.iter().map(move |b| (*a, *b)));
    pairs().flat_map(|(a, b)| all.iter().map(move |c| (a, b, *c))).collect()
}
