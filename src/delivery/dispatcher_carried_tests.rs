//! One message that tells several lessons: whatever becomes of it becomes of each of them, in the same commit, and none
//! of them is ever lost, sent twice or asked about by itself.

use super::bench::{Bench, Family, at, roster, school};
use super::*;
use crate::directory::{Fatigue, FurtherLessons};
use crate::model::{Receipt, ReceiptStatus};
use crate::operate::message::{self, Act};

const SIBLINGS: &[Family<'_>] = &[
    ("p", Protection::None, &[("g1", 605), ("g2", 606)]),
    ("q", Protection::None, &[("g1", 605)]),
];

fn bench(fatigue: Fatigue) -> Bench {
    let people = roster(SIBLINGS);
    let b = Bench::new(None, people.clone());
    let schools = Arc::new([(school().id, School { fatigue, ..school() })].into());
    b.directory.store(Arc::new(Directory { schools, roster: Arc::new(people) }));
    b
}

fn merged() -> Bench {
    bench(Fatigue {
        merges_siblings: true,
        siblings_gather: SignedDuration::from_secs(10),
        ..Fatigue::default()
    })
}

/// Both are missing; what is said to the guardian of both is about to leave.
async fn both_missing(b: &mut Bench) {
    b.mark("p", Mark::Unexcused).await;
    b.mark("q", Mark::Unexcused).await;
    assert_eq!(b.work().await, at("08:21:10"), "the first waits for its sibling");
    assert_eq!(b.texts(), 1, "the other guardian has no other pupil here");
    b.set("08:21:10");
}

/// What was to be told to the guardian of both, the carrier first.
async fn to_both(b: &Bench) -> Vec<Notification> {
    let mut all = b.notifications().await;
    all.retain(|n| n.purpose == Purpose::Absence && n.recipient.key() == "guardian:g1");
    all.sort_by_key(|n| n.carries.is_empty());
    all
}

async fn states(b: &Bench) -> Vec<State> {
    to_both(b).await.into_iter().map(|n| n.state).collect()
}

#[tokio::test]
async fn siblings_are_told_in_one_message_and_each_has_its_row() {
    let mut b = merged();
    both_missing(&mut b).await;
    b.work().await;
    assert_eq!(b.texts(), 2);
    let told = to_both(&b).await;
    assert_eq!(states(&b).await, [State::Accepted, State::Accepted]);
    assert_eq!(told[0].carries, [told[1].id.clone()]);
    assert_eq!(told[1].carried_by, Some(told[0].id.clone()));
    assert_eq!(told[0].attempts, told[1].attempts);
    assert_eq!((&told[0].address, &told[0].reference), (&told[1].address, &told[1].reference));
}

#[tokio::test]
async fn in_doubt_it_is_asked_about_once_and_sent_once_more_for_all() {
    let mut b = merged();
    both_missing(&mut b).await;
    b.answer(500, "");
    b.work().await;
    assert_eq!((b.texts(), states(&b).await), (2, vec![State::InDoubt; 2]));
    for clock in ["08:23:20", "08:24:30"] {
        b.set(clock);
        b.answer(200, r#"{"data":[]}"#);
        b.work().await;
    }
    assert_eq!((b.texts(), states(&b).await), (3, vec![State::Accepted; 2]));
    let bodies = b.bodies();
    let said =
        |body: &String| body.split('&').find(|f| f.starts_with("message=")).map(str::to_owned);
    assert_eq!(said(&bodies[1]), said(&bodies[2]));
}

#[tokio::test]
async fn held_in_doubt_one_word_of_an_operator_is_about_all_that_it_told() {
    for act in [Act::Retry, Act::Cancel] {
        let mut b = merged();
        both_missing(&mut b).await;
        b.answer(500, "");
        b.work().await;
        while to_both(&b).await[0].state == State::InDoubt {
            b.set_to(to_both(&b).await[0].due_at);
            b.answer(404, "");
            b.work().await;
        }
        assert_eq!((b.texts(), states(&b).await), (2, vec![State::Held; 2]), "{act:?}");
        let id = to_both(&b).await[0].id.clone();
        let now = b.clock.now();
        message::act(b.kv.as_ref(), &id, act, "uid 0", now).await.expect("acted");
        b.work().await;
        let (texts, state) = match act {
            Act::Retry => (3, State::Accepted),
            Act::Cancel => (2, State::Cancelled),
        };
        assert_eq!((b.texts(), states(&b).await), (texts, vec![state; 2]), "{act:?}");
    }
}

#[tokio::test]
async fn what_was_to_go_along_goes_by_itself_when_its_carrier_is_called_back() {
    let mut b = merged();
    both_missing(&mut b).await;
    b.answer(503, "");
    b.work().await;
    assert_eq!((b.texts(), states(&b).await), (2, vec![State::Waiting; 2]));
    let carrier = to_both(&b).await[0].clone();
    b.set("08:21:20");
    b.mark(carrier.pupil.as_str(), Mark::Present).await;
    b.set("08:40:00");
    b.work().await;
    assert_eq!(states(&b).await, [State::Cancelled, State::Accepted]);
    let told = to_both(&b).await;
    assert_eq!(told[1].carried_by, None);
    b.set("09:00:00");
    b.work().await;
    assert_eq!(to_both(&b).await[1].attempts.len(), 2, "not again");
}

#[tokio::test]
async fn a_crash_in_the_middle_leaves_all_of_it_in_doubt() {
    let mut b = merged();
    both_missing(&mut b).await;
    b.work().await;
    let mut unit = Unit::new(b.kv.as_ref());
    for mut n in to_both(&b).await {
        n.state = State::Sending;
        n.attempts.last_mut().expect("one").result = None;
        if n.carried_by.is_none() {
            let row = crate::intake::case::due_row(&n);
            unit.write(row, &Due::Resolve(n.id.clone()));
        }
        unit.write(tables::notification(&n.id), &n);
    }
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    assert_eq!(b.dispatcher.recover().await.expect("recovered"), 1);
    assert_eq!(states(&b).await, [State::InDoubt; 2]);
}

#[tokio::test]
async fn a_report_is_about_all_that_was_told_and_each_is_followed_up() {
    let mut b = merged();
    both_missing(&mut b).await;
    b.work().await;
    let carrier = to_both(&b).await[0].id.clone();
    let account = ProviderId::new("elks").expect("id");
    let mut report = Receipt {
        notification: Some(carrier),
        reference: None,
        status: ReceiptStatus::Undelivered,
        at: None,
    };
    let shared = b.dispatcher.shared.clone();
    crate::delivery::receive(&shared, &account, &report).await.expect("taken");
    assert_eq!(states(&b).await, [State::Undelivered; 2]);
    let tasks = b.notifications().await;
    let tasks = tasks.iter().filter(|n| n.task == Some(TaskKind::NobodyReached)).count();
    assert_eq!(tasks, 2, "of each pupil");
    report.status = ReceiptStatus::Delivered;
    crate::delivery::receive(&shared, &account, &report).await.expect("taken");
    assert_eq!(states(&b).await, [State::Delivered; 2]);
}

#[tokio::test]
async fn more_than_fits_in_one_message_leaves_in_the_next() {
    let mut b = bench(Fatigue { further: FurtherLessons::EndOfDay, ..Fatigue::default() });
    for i in 0..12 {
        b.mark_at("q", &format!("l{i:02}"), Mark::Unexcused).await;
        b.work().await;
    }
    assert_eq!(b.texts(), 1);
    b.set("15:45:00");
    b.work().await;
    let told = to_both(&b).await;
    assert!(told.iter().all(|n| n.state == State::Accepted), "{told:#?}");
    assert_eq!((told.len(), b.texts()), (12, 3), "the first, eight and three");
}

#[tokio::test]
async fn a_text_that_would_take_too_many_parts_is_several() {
    let long = |n: u8| "å".repeat(usize::from(n));
    let mut people = roster(SIBLINGS);
    for pupil in people.pupils.get_mut(&school().id).expect("a school").values_mut() {
        pupil.given_name = long(40);
    }
    let fatigue = Fatigue {
        merges_siblings: true,
        siblings_gather: SignedDuration::from_secs(10),
        ..Fatigue::default()
    };
    let mut b = Bench::new(None, people.clone());
    let school = School { fatigue, max_parts: 1, ..school() };
    let schools = Arc::new([(school.id.clone(), school)].into());
    b.directory.store(Arc::new(Directory { schools, roster: Arc::new(people) }));
    both_missing(&mut b).await;
    b.work().await;
    assert_eq!((b.texts(), states(&b).await), (3, vec![State::Accepted; 2]));
    assert!(to_both(&b).await.iter().all(|n| n.carries.is_empty()));
}
