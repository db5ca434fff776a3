//! The dispatcher and the inlet together, in situations that have gone wrong or could.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use bytes::Bytes;
use jiff::civil::date;
use tokio::sync::{Notify, mpsc};

use super::*;
use crate::channel::sms::elks::ElksSettings;
use crate::channel::sms::{ProviderKind, ProviderSettings};
use crate::delivery::Settings;
use crate::directory::{
    Directory, Guardian, GuardianLink, Mode, Protection, Pupil, Roster, School,
};
use crate::env::mail::{MailMemory, MailTransport};
use crate::env::{Clock, Env, Pending, Wire, WireError};
use crate::intake::{Accepted, Intake, IntakeError};
use crate::message::Templates;
use crate::model::{
    EmailAddress, Endpoint, EventId, Fact, GuardianId, Lesson, LessonId, LessonReport, Mark,
    Notification, NotificationId, Observation, Phone, PlainHttp, PupilId, Purpose, Rate, Reason,
    Recipient, SchoolId, SourceId, TaskKind,
};
use crate::store::rows::Due;
use crate::store::{Batch, Health, Kv, MemoryStore};

#[path = "dispatcher_agreed_tests.rs"]
mod agreed;
#[path = "dispatcher_bench.rs"]
mod bench;
#[path = "dispatcher_carried_tests.rs"]
mod carried_along;
#[path = "dispatcher_flapping_tests.rs"]
mod flapping;
#[path = "dispatcher_go_live_tests.rs"]
mod go_live;
#[path = "dispatcher_ladder_tests.rs"]
mod ladders;
#[path = "dispatcher_notice_tests.rs"]
mod notices;
#[path = "dispatcher_programmes_tests.rs"]
mod programmes;
#[path = "dispatcher_renewal_tests.rs"]
mod renewal;
#[path = "dispatcher_suspended_tests.rs"]
mod suspended;
#[path = "dispatcher_volume_tests.rs"]
mod volume_held;
#[path = "dispatcher_watch_tests.rs"]
mod watched;
use bench::{Bench, Family, at, roster, school};

const ONE: &[Family<'_>] = &[("p", Protection::None, &[("g1", 605)])];

#[tokio::test]
async fn a_limit_met_by_the_claim_is_waited_for_and_no_longer() {
    let rate = Rate {
        count: 10.try_into().expect("count"),
        per: SignedDuration::from_mins(1),
        burst: 1.try_into().expect("burst"),
    };
    let pupils =
        [("p", Protection::None, &[("g1", 605)][..]), ("q", Protection::None, &[("g2", 606)])];
    let mut b = Bench::new(Some(rate), roster(&pupils));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.set("08:21:01");
    b.mark("q", Mark::Unexcused).await;
    assert_eq!(b.work().await, at("08:21:06"));
    b.set("08:21:06");
    b.work().await;
    assert_eq!(b.texts(), 2);
}

/// The machine was an hour ahead, and was put right before the daemon started.
#[tokio::test]
async fn a_limit_used_by_a_clock_that_was_ahead_holds_back_for_one_spacing() {
    let rate = Rate {
        count: 10.try_into().expect("count"),
        per: SignedDuration::from_mins(1),
        burst: 1.try_into().expect("burst"),
    };
    let mut b = Bench::new(Some(rate), roster(ONE));
    let ahead = u64::try_from(at("09:21:00").as_nanosecond()).expect("after 1970");
    let mut batch = Batch::default();
    batch.put(tables::cell("account:elks"), ahead.to_be_bytes().to_vec());
    assert_eq!(b.kv.inner.commit(batch).await.expect("memory"), Commit::Done);
    b.mark("p", Mark::Unexcused).await;
    assert_eq!((b.work().await, b.texts()), (at("08:21:06"), 0));
    b.set("08:21:06");
    b.work().await;
    assert_eq!(b.texts(), 1);
}

/// A limit that a claim met only because of permits that were then not used shuts nobody out.
#[tokio::test]
async fn what_a_conflict_undoes_counts_against_no_limit() {
    let rate = Rate {
        count: 10.try_into().expect("count"),
        per: SignedDuration::from_hours(1),
        burst: 2.try_into().expect("burst"),
    };
    let guardians = [("g1", 605), ("g2", 606), ("g3", 607)];
    for conflicts in 0..6 {
        for by_school in [false, true] {
            let roster = roster(&[("p", Protection::None, &guardians)]);
            let mut b = Bench::new((!by_school).then_some(rate), roster);
            if by_school {
                let limited = School { sms_rate: Some(rate), ..school() };
                let roster = b.directory.load().roster.clone();
                let schools = Arc::new([(limited.id.clone(), limited)].into());
                b.directory.store(Arc::new(Directory { schools, roster }));
            }
            b.mark("p", Mark::Unexcused).await;
            *b.kv.conflicts.lock().expect("count") = conflicts;
            b.work().await;
            assert_eq!(b.texts(), 2, "{conflicts} conflicts, by school: {by_school}");
        }
    }
}

#[tokio::test]
async fn lessons_with_long_notes_that_end_together_do_not_stop_the_daemon() {
    let guardians: Vec<String> = (0..20).map(|i| format!("{i:g>128}")).collect();
    let guardians: Vec<(&str, u16)> = guardians.iter().map(String::as_str).zip(605..).collect();
    let names: Vec<String> = (0..33).map(|i| format!("{i:0>128}")).collect();
    let pupils: Vec<_> =
        names.iter().map(|n| (n.as_str(), Protection::None, guardians.as_slice())).collect();
    let mut b = Bench::new(None, roster(&pupils));
    for name in &names {
        let pupil = PupilId::new(name).expect("id");
        let mut lesson = Bench::lesson(&"l".repeat(128));
        lesson.label = Some("🎓".repeat(100));
        b.hear(Fact::Marked {
            pupil: pupil.clone(),
            lesson: lesson.clone(),
            mark: Mark::Unexcused,
            minutes: None,
            register_closed: None,
            recorded_at: at("08:21:00"),
            recorded_by: None,
        })
        .await;
        let note = Some("\u{1f469}".repeat(500));
        let report = LessonReport { reported_by: "t".into(), note };
        b.hear(Fact::LessonReported { pupil, lesson, report }).await;
    }
    b.set("09:20:00");
    b.work().await;
    assert_eq!((b.mail.sent().len(), b.texts()), (33, 660));
}

#[tokio::test]
async fn a_notice_kept_for_the_new_alarm_that_did_not_arrive_is_made_anew() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    b.answer(500, "");
    b.work().await;
    b.set("08:30:00");
    b.mark("p", Mark::Unknown).await;
    b.set("08:30:01");
    b.mark("p", Mark::Unexcused).await;
    for time in ["08:30:02", "08:31:00", "08:32:00"] {
        b.set(time);
        b.answer(200, r#"{"data":[]}"#);
        b.work().await;
        if b.texts() == 2 {
            return;
        }
    }
    panic!("nobody was told: {:?}", b.notifications().await);
}

#[tokio::test]
async fn nobody_hears_of_a_pupil_who_became_protected_while_in_doubt() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    b.answer(500, "");
    b.work().await;
    let hidden = roster(&[("p", Protection::Protected, &[("g1", 605)])]);
    let schools = b.directory.load().schools.clone();
    b.directory.store(Arc::new(Directory { schools, roster: Arc::new(hidden) }));
    for minute in 23..40 {
        b.set(&format!("08:{minute}:00"));
        b.answer(404, "");
        b.work().await;
    }
    assert!(b.notifications().await.iter().any(|n| n.state == State::Held));
    for (_, bytes) in b.mail.sent() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("Alva") && !text.contains("46701740605"), "{text}");
    }
}

#[tokio::test]
async fn a_number_is_told_once_whoever_the_directory_says_it_is() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    let renamed = roster(&[("p", Protection::None, &[("g9", 605)])]);
    let schools = b.directory.load().schools.clone();
    b.directory.store(Arc::new(Directory { schools, roster: Arc::new(renamed) }));
    b.set("08:22:00");
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    assert_eq!(b.texts(), 1);
    let second = b.notifications().await;
    let second = second
        .iter()
        .find(|n| n.recipient == Recipient::Guardian(GuardianId::new("g9").expect("id")))
        .expect("made");
    assert_eq!(second.state_reason, Some(Reason::AlreadyTold));
}

#[tokio::test]
async fn a_row_that_cannot_be_read_stops_nobody_else() {
    let pupils =
        [("p", Protection::None, &[("g1", 605)][..]), ("q", Protection::None, &[("g2", 606)])];
    let mut b = Bench::new(None, roster(&pupils));
    b.mark("p", Mark::Unexcused).await;
    let hurt = b.notifications().await.remove(0);
    b.mark("q", Mark::Unexcused).await;
    let key = tables::notification(&hurt.id);
    let swap = async |value: &[u8]| {
        let mut unit = Unit::new(b.kv.as_ref());
        unit.write_raw(key.clone(), value.to_vec().into());
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    };
    let whole = b.kv.get(&key).await.expect("read").expect("there");
    swap(b"\x01{\"id\":").await;
    for _ in 0..5 {
        b.dispatcher.pass().await.expect("goes on");
        b.dispatcher.tracker.close();
        b.dispatcher.tracker.wait().await;
        b.dispatcher.tracker.reopen();
    }
    assert_eq!(b.texts(), 1, "the other text has gone");
    assert_eq!(b.dispatcher.recover().await.expect("starts all the same"), 0);
    swap(&whole).await;
    b.work().await;
    assert_eq!(b.texts(), 2, "it was not forgotten");
    // A lesson's end whose lesson cannot be read.
    let lesson = tables::day(&school().id, &PupilId::new("p").expect("id"), date(2026, 11, 23));
    let rows = b.kv.scan(&lesson, &after_prefix(&lesson), 1).await.expect("scan");
    let mut unit = Unit::new(b.kv.as_ref());
    unit.write_raw(rows[0].0.clone(), b"\x01".to_vec().into());
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    b.set("09:20:00");
    b.work().await;
    assert_eq!(b.mail.sent().len(), 1, "the other alert has gone");
    let aside = b.kv.scan(tables::ASIDE, &after_prefix(tables::ASIDE), 9).await.expect("scan");
    assert_eq!(aside.len(), 1);
}

#[tokio::test]
async fn however_many_wait_for_one_school_another_one_s_are_found() {
    let b = Bench::new(None, roster(ONE));
    let due = |i: u32, school: &str| {
        let id = NotificationId::of(&[&i.to_string()]);
        let due = Due::Claim { id: id.clone(), school: SchoolId::new(school).expect("id") };
        (tables::due(Lane::Sms, at("08:00:00"), &format!("{i:08}")), due)
    };
    let school = school().id;
    for from in (0..6_000).step_by(500) {
        let mut unit = Unit::new(b.kv.as_ref());
        for i in from..from + 500 {
            let (key, row) = due(i, school.as_str());
            unit.write(key, &row);
        }
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    }
    let mut unit = Unit::new(b.kv.as_ref());
    let (behind, row) = due(6_000, "t");
    unit.write(behind.clone(), &row);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    let now = b.clock.now();
    b.dispatcher.shared.under_way.shut_school(school, at("12:00:00"));
    let mut rows = Vec::new();
    b.dispatcher.pick(Lane::Sms, now, &mut BTreeMap::new(), &mut rows).await.expect("pick");
    assert_eq!(rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), [behind]);
}

/// The sender is gone before its event is on the disk; the text leaves all the same, and at once.
#[tokio::test]
async fn a_request_cut_off_during_its_commit_wakes_the_dispatcher() {
    let mut b = Bench::new(None, roster(ONE));
    let gate = Arc::new(Notify::new());
    *b.kv.slow.lock().expect("slow") = Some(gate.clone());
    {
        let mut cut_off = std::pin::pin!(b.mark("p", Mark::Unexcused));
        tokio::select! {
            biased;
            () = cut_off.as_mut() => panic!("nothing is on the disk yet"),
            () = async { for _ in 0..20 { tokio::task::yield_now().await } } => {}
        }
    }
    *b.kv.slow.lock().expect("slow") = None;
    gate.notify_one();
    b.wake.looking().await;
    b.work().await;
    assert_eq!(b.texts(), 1);
}

/// Whoever was told may not be written to any more: staff must know that somebody believes what is
/// not so.
#[tokio::test]
async fn a_correction_that_may_not_be_written_is_a_task_for_staff() {
    for (people, told) in [
        // The same number under another id is the same reader.
        (roster(&[("p", Protection::None, &[("g9", 605)])]), (2, 0)),
        (roster(&[("p", Protection::None, &[("g2", 606)])]), (1, 1)),
        (roster(&[("p", Protection::Protected, &[("g1", 605)])]), (1, 1)),
        (roster(&[("q", Protection::None, &[("g1", 605)])]), (1, 1)),
    ] {
        let mut b = Bench::new(None, roster(ONE));
        b.mark("p", Mark::Unexcused).await;
        b.work().await;
        b.set("08:30:00");
        b.mark("p", Mark::Present).await;
        let schools = b.directory.load().schools.clone();
        b.directory.store(Arc::new(Directory { schools, roster: Arc::new(people) }));
        b.work().await;
        let all = b.notifications().await;
        assert_eq!((b.texts(), b.mail.sent().len()), told, "{all:#?}");
        for (_, bytes) in b.mail.sent() {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let hidden = !all.iter().any(|n| n.task == Some(TaskKind::NotPutRight));
            assert!(!hidden || !text.contains("Alva"), "{text}");
        }
    }
}

/// The provider takes a text, and the disk fills before that can be written.
#[tokio::test]
async fn an_outcome_waits_for_a_store_that_is_full() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    b.clock.sleeps();
    let full = b.kv.clone();
    *b.wire.before_answer.lock().expect("hook") =
        Some(Box::new(move || *full.full.lock().expect("flag") = true));
    b.dispatcher.pass().await.expect("pass");
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(b.notifications().await[0].state, State::Sending);
    *b.kv.full.lock().expect("flag") = false;
    b.work().await;
    assert_eq!((b.notifications().await[0].state, b.texts()), (State::Accepted, 1));
}

#[tokio::test]
async fn a_full_disk_does_not_keep_the_daemon_from_starting() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    let mut n = b.notifications().await.remove(0);
    n.state = State::Sending;
    n.due_at = at("08:23:00");
    let mut unit = Unit::new(b.kv.as_ref());
    unit.write(tables::due(Lane::Timer, n.due_at, n.id.as_str()), &Due::Resolve(n.id.clone()));
    unit.write(tables::notification(&n.id), &n);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    *b.kv.full.lock().expect("flag") = true;
    assert_eq!(b.dispatcher.recover().await.expect("starts"), 0);
    *b.kv.full.lock().expect("flag") = false;
    assert_eq!(b.dispatcher.recover().await.expect("starts"), 1);
}

#[tokio::test]
async fn without_a_directory_what_waits_goes_on_waiting() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    let loaded = b.directory.load_full();
    let schools = loaded.schools.clone();
    b.directory.store(Arc::new(Directory { schools, roster: Arc::default() }));
    b.set("09:20:00");
    b.work().await;
    b.directory.store(loaded);
    b.work().await;
    assert_eq!(b.texts(), 1);
}

#[tokio::test]
async fn a_reference_longer_than_a_row_does_not_stop_the_daemon() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    b.answer(200, &format!("{{\"id\":\"{}\"}}", "s".repeat(60_000)));
    b.work().await;
    assert_eq!(b.notifications().await[0].state, State::Accepted);
}

#[tokio::test]
async fn a_message_that_alone_stops_the_account_is_given_up() {
    let pupils =
        [("p", Protection::None, &[("g1", 605)][..]), ("q", Protection::None, &[("g2", 606)])];
    let mut b = Bench::new(None, roster(&pupils));
    b.mark("p", Mark::Unexcused).await;
    b.answer(403, "");
    b.work().await;
    b.set("08:25:00");
    b.mark_at("q", "l", Mark::Unexcused).await;
    b.mark_at("q", "m", Mark::Unexcused).await;
    b.set("08:26:00");
    b.answer(403, "");
    b.work().await;
    // Another one's has now waited longer than the one that failed this moment.
    b.set("08:31:00");
    b.answer(200, r#"{"id":"s1"}"#);
    b.answer(403, "");
    b.answer(200, r#"{"id":"s2"}"#);
    b.work().await;
    let told = |pupil: &str, all: &[Notification]| -> Vec<State> {
        let about = all.iter().filter(|n| n.pupil.as_str() == pupil);
        about.filter(|n| n.purpose == Purpose::Absence).map(|n| n.state).collect()
    };
    let all = b.notifications().await;
    assert_eq!(told("q", &all), [State::Accepted, State::Accepted]);
    assert_eq!(told("p", &all), [State::Rejected]);
    assert_eq!(b.mail.sent().len(), 1, "staff are told");
}

#[tokio::test]
async fn a_message_that_alone_makes_the_account_wait_uses_its_own_tries() {
    let pupils =
        [("p", Protection::None, &[("g1", 605)][..]), ("q", Protection::None, &[("g2", 606)])];
    let mut b = Bench::new(None, roster(&pupils));
    b.mark("p", Mark::Unexcused).await;
    for second in ["08:21:00", "08:21:02"] {
        b.set(second);
        b.answer(503, "");
        b.work().await;
    }
    b.set("08:21:03");
    b.mark("q", Mark::Unexcused).await;
    b.set("08:21:30");
    b.answer(503, "");
    b.work().await;
    b.set("08:22:00");
    b.answer(200, r#"{"id":"s1"}"#);
    b.answer(503, "");
    b.work().await;
    let all = b.notifications().await;
    let of = |pupil: &str| all.iter().find(|n| n.pupil.as_str() == pupil).expect("made");
    assert_eq!(of("q").state, State::Accepted);
    assert_eq!((of("p").state, of("p").tries), (State::Waiting, 1), "{:?}", of("p"));
}

#[tokio::test]
async fn more_lessons_than_a_day_can_hold_are_the_senders_fault() {
    let b = Bench::new(None, roster(ONE));
    for i in 0..40 {
        let lesson = Bench::lesson(&format!("{i:l>120}"));
        let observation = Observation {
            source: SourceId::new("src").expect("id"),
            event: EventId::new(format!("e{i}")).expect("id"),
            school: school().id,
            fact: Fact::Marked {
                pupil: PupilId::new("p").expect("id"),
                lesson,
                mark: Mark::Unexcused,
                minutes: None,
                register_closed: None,
                recorded_at: b.clock.now(),
                recorded_by: None,
            },
        };
        match b.intake.accept(&observation).await {
            Ok(Accepted::New) => {}
            Err(IntakeError::Rejected(_)) if i > 20 => return,
            other => panic!("{i}: {other:?}"),
        }
    }
    panic!("all were taken");
}

#[tokio::test]
async fn a_text_over_the_cap_on_parts_is_not_sent_and_becomes_a_task_for_staff() {
    for (max_parts, texts, mails) in [(1, 0, 1), (2, 1, 0)] {
        let mut b = Bench::new(None, roster(ONE));
        let wordy = School { max_parts, name: "Skolan ".repeat(9).trim().into(), ..school() };
        let roster = b.directory.load().roster.clone();
        let schools = Arc::new([(wordy.id.clone(), wordy)].into());
        b.directory.store(Arc::new(Directory { schools, roster }));
        b.mark("p", Mark::Unexcused).await;
        b.work().await;
        b.work().await;
        assert_eq!((b.texts(), b.mail.sent().len()), (texts, mails), "max-parts {max_parts}");
    }
}
