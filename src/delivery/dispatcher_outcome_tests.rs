//! What came of phoning home, and the ladder: the call is done, tried, or was for nothing.

use super::ladders::{ONE, bench, duties_of, heads, people};
use super::*;
use crate::intake::case::CaseKey;
use crate::intake::case_words::{self, NewWord, Written};
use crate::model::{CaseWhat, DutyAct, DutyState};

async fn record(b: &Bench, number: &str, what: CaseWhat) {
    let directory = b.directory.load_full();
    let of = (directory.as_ref(), &directory.schools[&school().id]);
    let lessons =
        b.kv.scan(tables::LESSONS, &after_prefix(tables::LESSONS), 1).await.expect("scan");
    let ([_, pupil, date], rest) = tables::parts::<3>(&lessons[0].0).expect("a key");
    let lesson = std::str::from_utf8(&rest[..rest.len() - 1]).expect("an id");
    let key = CaseKey {
        school: school().id,
        pupil: PupilId::new(pupil).expect("an id"),
        date: date.parse().expect("a date"),
        lesson: LessonId::new(lesson).expect("an id"),
    };
    let id = NotificationId::of(&[number]);
    let by = "staff:AttendanceTeam".into();
    let word = NewWord { id, by, link: None, what, note: None };
    let written = case_words::record(b.kv.as_ref(), of, &key, &word, b.clock.now()).await;
    assert!(matches!(written, Ok(Written::Done(_) | Written::Known(_))), "{written:?}");
}

async fn duty(b: &Bench) -> (DutyState, Option<DutyAct>) {
    let all = duties_of(b).await;
    let duty = all.iter().find(|duty| duty.rule == "call").expect("a call");
    (duty.state, duty.history.last().map(|event| event.what))
}

fn told(b: &Bench, what: &str) -> usize {
    heads(b).iter().filter(|(_, head)| head == what).count()
}

#[tokio::test]
async fn a_home_that_was_reached_is_a_call_that_is_done() {
    let mut b = bench(people(ONE), |_| {});
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.set("09:00:00");
    record(&b, "1", CaseWhat::NoAnswer).await;
    assert_eq!(duty(&b).await, (DutyState::Open, Some(DutyAct::NoAnswer)));
    b.set("09:30:00");
    record(&b, "2", CaseWhat::Reached).await;
    record(&b, "2", CaseWhat::Reached).await;
    assert_eq!(duty(&b).await, (DutyState::Done, Some(DutyAct::Done)));
    b.set("16:05:00");
    b.work().await;
    assert_eq!(told(&b, "Inte gjort i tid"), 0, "{:?}", heads(&b));
    assert_eq!(told(&b, "Återtaget"), 0);
}

#[tokio::test]
async fn what_was_explained_or_marked_by_mistake_is_no_step() {
    for what in [CaseWhat::Explained, CaseWhat::WrongMark] {
        let mut b = bench(people(ONE), |_| {});
        b.mark("p", Mark::Unexcused).await;
        b.work().await;
        b.set("09:00:00");
        record(&b, "1", what).await;
        b.set("09:10:00");
        b.work().await;
        // Whoever phoned has done so; otherwise there is nothing left to do.
        let state =
            if what == CaseWhat::Explained { DutyState::Done } else { DutyState::NotNeeded };
        assert_eq!(duty(&b).await.0, state, "{what:?}");
        assert_eq!(told(&b, "Återtaget"), 2, "{what:?} {:?}", heads(&b));
        // The teacher marks it again, and knows better by now.
        b.set("10:00:00");
        b.mark("p", Mark::Present).await;
        b.mark("p", Mark::Unexcused).await;
        b.work().await;
        let again = usize::from(what == CaseWhat::WrongMark);
        let open = duties_of(&b).await.iter().filter(|duty| duty.state.is_open()).count();
        assert_eq!(open, again, "{what:?}");
    }
}
