//! Mails about a step wait for the notice of absence that often comes after the mark; the duty does not.

use super::*;

fn waits(minutes: i64) -> impl FnOnce(&mut School) {
    move |school| school.ladders.settle = SignedDuration::from_mins(minutes)
}

/// The step's mails as (due, why they wait).
async fn waiting(b: &Bench) -> Vec<(Timestamp, Option<Reason>)> {
    let all: Vec<Notification> = rows(b, tables::NOTIFICATIONS).await;
    let of_step = |n: &Notification| matches!(n.purpose, Purpose::Duty | Purpose::LadderStep);
    all.into_iter().filter(of_step).map(|n| (n.due_at, n.state_reason)).collect()
}

#[tokio::test]
async fn a_notice_that_comes_within_the_hour_calls_back_what_nobody_was_told_yet() {
    let mut b = bench(people(ONE), waits(45));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    let [duty] = duties_of(&b).await.try_into().expect("the duty is there at once");
    assert_eq!((duty.state, duty.due_at), (DutyState::Open, at("16:00:00")));
    let left = b.clock.now() + SignedDuration::from_mins(45);
    assert_eq!(waiting(&b).await, [(left, Some(Reason::StepSettling)); 2]);
    b.set_to(left - SignedDuration::from_mins(1));
    b.work().await;
    b.mark("p", Mark::Excused).await;
    b.work().await;
    b.set("16:30:00");
    b.work().await;
    assert!(mails(&b).is_empty(), "{:?}", mails(&b));
    let [duty] = duties_of(&b).await.try_into().expect("one duty");
    assert_eq!(duty.state, DutyState::NotNeeded);
}

#[tokio::test]
async fn what_nobody_excuses_is_told_when_it_has_settled_and_in_time_for_the_day() {
    let mut b = bench(people(ONE), waits(45));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    assert!(mails(&b).is_empty(), "{:?}", mails(&b));
    b.set_to(b.clock.now() + SignedDuration::from_mins(45));
    b.work().await;
    assert_eq!(heads(&b), [head("mentor", "Handlingsplanen"), head("team", "Att göra")]);
    // A call that is made before the mail leaves is not asked for.
    let mut b = bench(people(ONE), waits(45));
    b.set("15:20:00");
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    let times: Vec<Timestamp> = waiting(&b).await.into_iter().map(|(at, _)| at).collect();
    assert!(times.contains(&at("15:30:00")) && times.contains(&at("16:05:00")), "{times:?}");
    let [duty] = duties_of(&b).await.try_into().expect("one duty");
    b.set("15:25:00");
    say(&b, &duty, Say::Done).await;
    b.set("16:05:00");
    b.work().await;
    assert_eq!(heads(&b), [head("mentor", "Handlingsplanen")]);
}

#[tokio::test]
async fn what_is_put_right_before_it_leaves_is_told_to_nobody() {
    let mut b = bench(people(ONE), |s| s.grace = SignedDuration::from_mins(10));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.set("08:25:00");
    b.mark("p", Mark::Present).await;
    b.work().await;
    b.set("16:30:00");
    b.work().await;
    assert!(mails(&b).is_empty(), "{:?}", mails(&b));
    let [duty] = duties_of(&b).await.try_into().expect("one duty");
    assert_eq!(duty.state, DutyState::NotNeeded);
    assert_eq!(duty.history.last().expect("an event").what, DutyAct::Retracted);
}
