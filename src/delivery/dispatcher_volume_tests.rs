//! Far too many missing at once: none slips out before they are counted, what is held leaves by no way but a person's
//! word or the school's choice, and what is counted follows the marks.

use super::bench::{Bench, Family, at, roster, school};
use super::*;
use crate::directory::VolumeRules;
use crate::model::{Hold, HoldAct, HoldDecision, HoldThen, MissingAt};

const CLASS: &[Family<'_>] = &[
    ("p1", Protection::None, &[("g1", 605)]),
    ("p2", Protection::None, &[("g2", 606)]),
    ("p3", Protection::None, &[("g3", 607)]),
    ("p4", Protection::Protected, &[("g4", 608)]),
    ("p5", Protection::None, &[("g5", 609)]),
];

/// A school with one class, held above two of five.
fn bench(then: HoldThen) -> Bench {
    let mut people = roster(CLASS);
    for pupil in people.pupils.values_mut().flat_map(std::collections::BTreeMap::values_mut) {
        pupil.class = Some("8A".into());
    }
    let b = Bench::new(None, people.clone());
    let limits = VolumeRules { class: Some(40), least: 2, then, ..VolumeRules::default() };
    let volume = VolumeRules { school: None, source: None, usual: None, ..limits };
    let schools = Arc::new([(school().id, School { volume, ..school() })].into());
    b.directory.store(Arc::new(Directory { schools, roster: Arc::new(people) }));
    b
}

async fn rows<T: serde::de::DeserializeOwned>(b: &Bench, table: &[u8]) -> Vec<T> {
    let all = b.kv.scan(table, &after_prefix(table), 1_000).await.expect("scan");
    all.iter().map(|(_, row)| ledger::decode(row).expect("row")).collect()
}

async fn hold(b: &Bench) -> Hold {
    let mut all: Vec<Hold> = rows(b, tables::HOLDS).await;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Decides about the only hold, as an operator does.
async fn decide(b: &Bench, act: HoldAct) {
    let mut hold = hold(b).await;
    let now = b.clock.now();
    let (by, reason) = ("uid 0".into(), String::new());
    hold.decisions.push(HoldDecision { act, class: None, lesson: None, at: now, by, reason });
    hold.over_at = Some(now);
    let mut unit = Unit::new(b.kv.as_ref());
    unit.write(tables::hold(&hold.school, hold.date, &hold.id), &hold);
    crate::delivery::volume::look_at(&mut unit, &hold, now);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
}

async fn all_missing(b: &mut Bench) {
    for pupil in ["p1", "p2", "p3", "p4", "p5"] {
        b.mark(pupil, Mark::Unexcused).await;
        b.work().await;
    }
}

async fn waiting(b: &Bench) -> usize {
    let all = b.notifications().await;
    let held = |n: &&Notification| {
        n.state == State::Waiting && n.state_reason == Some(Reason::HeldForVolume)
    };
    all.iter().filter(held).count()
}

#[tokio::test]
async fn marks_are_gathered_and_counted_before_the_first_of_them_leaves() {
    let mut b = bench(HoldThen::Keep);
    all_missing(&mut b).await;
    b.set("08:21:02");
    b.work().await;
    assert_eq!(b.texts(), 0, "they are gathered");
    b.set("08:21:03");
    b.work().await;
    let found = hold(&b).await;
    assert_eq!((b.texts(), waiting(&b).await, found.counted, found.of), (0, 4, 5, 5));
    // The team's, and the task about who is protected.
    assert_eq!(b.mail.sent().len(), 2);
}

#[tokio::test]
async fn fewer_are_told_after_the_gathering() {
    let mut b = bench(HoldThen::Keep);
    b.mark("p1", Mark::Unexcused).await;
    b.mark("p2", Mark::Unexcused).await;
    let next = b.work().await;
    assert!(b.texts() == 0 && next <= at("08:21:03"), "{next}");
    b.set("08:21:03");
    b.work().await;
    assert_eq!((b.texts(), rows::<Hold>(&b, tables::HOLDS).await.len()), (2, 0));
}

#[tokio::test]
async fn what_is_released_leaves_once_and_only_what_is_still_true() {
    let mut b = bench(HoldThen::Keep);
    all_missing(&mut b).await;
    b.set("08:21:03");
    b.work().await;
    b.set("08:25:00");
    b.mark("p1", Mark::Present).await;
    b.work().await;
    assert_eq!(waiting(&b).await, 3);
    decide(&b, HoldAct::Release).await;
    b.work().await;
    assert_eq!((b.texts(), waiting(&b).await), (3, 0));
    b.set("08:26:00");
    b.mark("p1", Mark::Unexcused).await;
    b.set("08:26:03");
    b.work().await;
    assert_eq!(b.texts(), 4, "those who were decided about do not count again");
    assert_eq!(rows::<Hold>(&b, tables::HOLDS).await.len(), 1);
}

#[tokio::test]
async fn what_is_discarded_never_leaves_and_the_team_hears_at_the_lessons_end() {
    let mut b = bench(HoldThen::Keep);
    all_missing(&mut b).await;
    b.set("08:21:03");
    b.work().await;
    decide(&b, HoldAct::Discard).await;
    b.work().await;
    let before = b.mail.sent().len();
    b.set("09:20:00");
    b.work().await;
    // Of four; the task about the protected one was there before.
    assert_eq!((b.texts(), b.mail.sent().len() - before), (0, 4));
    b.set("12:00:00");
    b.work().await;
    assert_eq!(b.texts(), 0);
    let reasons: Vec<_> = b.notifications().await.into_iter().map(|n| n.state_reason).collect();
    let discarded = reasons.iter().filter(|r| **r == Some(Reason::DiscardedByStaff)).count();
    assert_eq!(discarded, 4, "{reasons:?}");
}

#[tokio::test]
async fn a_message_that_is_due_again_is_held_again_through_a_restart_too() {
    let mut b = bench(HoldThen::Keep);
    all_missing(&mut b).await;
    b.set("08:21:03");
    b.work().await;
    // As an operator's `message retry` has it.
    for mut n in b.notifications().await {
        if n.state == State::Waiting && n.purpose == Purpose::Absence {
            let mut unit = Unit::new(b.kv.as_ref());
            unit.delete(crate::intake::case::due_row(&n));
            (n.due_at, n.state_reason, n.tries) = (b.clock.now(), None, 0);
            crate::intake::case::enqueue(&mut unit, &n);
            assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        }
    }
    b.dispatcher.recover().await.expect("recover");
    b.work().await;
    assert_eq!((b.texts(), waiting(&b).await), (0, 4));
    assert_eq!(rows::<Hold>(&b, tables::HOLDS).await.len(), 1);
}

#[tokio::test]
async fn the_time_out_goes_the_way_that_the_school_chose() {
    for (then, texts, left) in
        [(HoldThen::Release, 4, 0), (HoldThen::Discard, 0, 0), (HoldThen::Keep, 0, 4)]
    {
        let mut b = bench(then);
        all_missing(&mut b).await;
        b.set("08:21:03");
        b.work().await;
        b.set("08:51:02");
        b.work().await;
        assert_eq!((b.texts(), waiting(&b).await), (0, 4), "{then:?}");
        b.set("08:51:03");
        b.work().await;
        assert_eq!((b.texts(), waiting(&b).await), (texts, left), "{then:?}");
    }
}

/// Goes through a time minute by minute, as the hold is looked at.
async fn minutes(b: &mut Bench, from: u32, to: u32) {
    for minute in from..=to {
        b.set(&format!("08:{minute}:03"));
        b.work().await;
    }
}

#[tokio::test]
async fn who_is_missing_after_the_register_was_mended_is_told_of_and_what_is_left_after_two_minutes()
 {
    let mut b = bench(HoldThen::Keep);
    all_missing(&mut b).await;
    b.set("08:21:03");
    b.work().await;
    minutes(&mut b, 22, 24).await;
    b.set("08:24:30");
    for pupil in ["p1", "p2", "p3", "p4"] {
        b.mark(pupil, Mark::Present).await;
    }
    minutes(&mut b, 25, 25).await;
    assert_eq!((b.texts(), waiting(&b).await), (0, 1), "it may go on being mended");
    b.set("08:25:30");
    b.mark("p1", Mark::Unexcused).await;
    b.set("08:25:33");
    b.work().await;
    assert_eq!((b.texts(), waiting(&b).await), (1, 1), "two of five is not held");
    minutes(&mut b, 26, 27).await;
    assert_eq!((b.texts(), waiting(&b).await), (1, 1), "another is left than before");
    minutes(&mut b, 28, 28).await;
    assert_eq!((b.texts(), waiting(&b).await), (2, 0));
    let over = hold(&b).await;
    assert!(over.over_at == Some(at("08:28:03")) && over.decisions.is_empty(), "{over:?}");
    // Everybody is marked again: that is another one.
    b.set("08:29:00");
    for pupil in ["p2", "p3", "p4"] {
        b.mark(pupil, Mark::Unexcused).await;
    }
    b.set("08:29:03");
    b.work().await;
    assert_eq!((b.texts(), waiting(&b).await), (2, 2));
    assert_eq!(rows::<Hold>(&b, tables::HOLDS).await.len(), 2);
}

#[tokio::test]
async fn while_most_are_missing_who_is_marked_later_is_held_too_and_the_team_hears_that_it_grew() {
    let mut b = bench(HoldThen::Keep);
    for pupil in ["p1", "p2", "p3"] {
        b.mark(pupil, Mark::Unexcused).await;
    }
    b.set("08:21:03");
    b.work().await;
    let mails = b.mail.sent().len();
    // As if fewer had been counted: a class is no larger here.
    let mut found = hold(&b).await;
    found.counted = 2;
    let mut unit = Unit::new(b.kv.as_ref());
    unit.write(tables::hold(&found.school, found.date, &found.id), &found);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    b.set("08:21:30");
    b.mark("p5", Mark::Unexcused).await;
    b.set("08:21:33");
    b.work().await;
    assert_eq!((b.texts(), waiting(&b).await), (0, 4));
    minutes(&mut b, 22, 24).await;
    assert_eq!((hold(&b).await.counted, b.mail.sent().len() - mails), (4, 1), "once");
}

#[tokio::test]
async fn a_time_out_that_keeps_is_told_once_and_a_silence_calls_back_what_is_held() {
    let mut b = bench(HoldThen::Keep);
    all_missing(&mut b).await;
    b.set("08:21:03");
    b.work().await;
    let mails = b.mail.sent().len();
    minutes(&mut b, 50, 54).await;
    assert_eq!((b.mail.sent().len() - mails, waiting(&b).await), (1, 4));
    let mut unit = Unit::new(b.kv.as_ref());
    let silencing = crate::model::Silencing {
        id: "0a1b2c3d".into(),
        school: school().id,
        target: crate::model::SilencedTarget::School,
        from: at("08:00:00"),
        to: at("12:00:00"),
        weekdays: Vec::new(),
        between: None,
        reason: "a trip".into(),
        by: "uid 0".into(),
        since: b.clock.now(),
    };
    unit.write(tables::silencing(&silencing), &silencing);
    crate::intake::exclusions::touch(&mut unit, &silencing.school).await.expect("touched");
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    minutes(&mut b, 55, 56).await;
    assert_eq!((b.texts(), waiting(&b).await), (0, 0));
}

#[tokio::test]
async fn what_is_kept_until_its_deadline_becomes_a_task() {
    let mut b = bench(HoldThen::Keep);
    all_missing(&mut b).await;
    b.set("08:21:03");
    b.work().await;
    // The lesson's end and a day.
    b.set_to("2026-11-24T09:20:00+01:00".parse().expect("time"));
    b.work().await;
    assert_eq!(b.texts(), 0);
    let all = b.notifications().await;
    let expired = all.iter().filter(|n| n.state == State::Expired).count();
    let tasks = all.iter().filter(|n| n.task == Some(TaskKind::NobodyReached)).count();
    assert_eq!((expired, tasks), (4, 4));
}

#[tokio::test]
async fn what_is_counted_follows_the_marks() {
    let mut b = bench(HoldThen::Keep);
    b.mark("p1", Mark::Unexcused).await;
    b.mark("p2", Mark::Present).await;
    let counted: Vec<MissingAt> = rows(&b, tables::MISSING).await;
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0].class.as_deref(), Some("8A"));
    // The lesson is moved: counted where it is now, and once.
    b.set("08:22:00");
    let moved = Lesson { start: at("10:00:00"), end: at("11:00:00"), ..Bench::lesson("l") };
    b.hear(Fact::Marked {
        pupil: PupilId::new("p1").expect("id"),
        lesson: moved,
        mark: Mark::Unexcused,
        minutes: None,
        register_closed: None,
        recorded_at: b.clock.now(),
        recorded_by: None,
    })
    .await;
    let all = b.kv.scan(tables::MISSING, &after_prefix(tables::MISSING), 9).await.expect("scan");
    let starts: Vec<_> =
        all.iter().filter_map(|(key, _)| tables::missing_parts(key)).map(|found| found.0).collect();
    assert_eq!(starts, [at("10:00:00")]);
    b.set("08:23:00");
    b.mark("p1", Mark::Present).await;
    assert!(rows::<MissingAt>(&b, tables::MISSING).await.is_empty());
}
