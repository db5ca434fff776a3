//! Marks that go back and forth while what was told about them is in doubt, called back or kept back:
//! a reader gets alarm and correction in turn, and the last word is true.

use super::bench::{Bench, at, roster, school};
use super::*;
use crate::model::{AdvanceNotice, NoticeKind};

/// Settles a doubt: two look-ups that find nothing.
async fn nothing_arrived(b: &mut Bench, clocks: [&str; 2]) {
    for clock in clocks {
        b.set(clock);
        b.answer(200, r#"{"data":[]}"#);
        b.work().await;
    }
}

/// What the guardian's number got, as the first word of each text.
fn words(b: &Bench) -> Vec<String> {
    let bodies = b.bodies();
    let form = |body: &String| -> Vec<(String, String)> {
        serde_urlencoded::from_str(body).expect("a form")
    };
    let text = |body| form(body).into_iter().find(|(name, _)| name == "message").expect("text").1;
    bodies.iter().map(|body| text(body).split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_new_alarm_waits_for_the_doubt_about_the_correction_before_it() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.set("08:30:00");
    b.mark("p", Mark::Present).await;
    b.answer(200, "<html>");
    b.work().await;
    b.set("08:31:00");
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    assert_eq!(words(&b), ["Hej!", "Rättelse:"], "nothing more until it is known");
    // It never arrived: what was told first is true again, and nobody needs to hear anything.
    nothing_arrived(&mut b, ["08:33:00", "08:34:00"]).await;
    b.set("08:35:00");
    b.work().await;
    assert_eq!(words(&b).len(), 2);
    // And when the pupil is there in the end, one correction.
    b.mark("p", Mark::Present).await;
    b.work().await;
    assert_eq!(words(&b), ["Hej!", "Rättelse:", "Rättelse:"]);
    b.set("09:20:00");
    b.work().await;
    assert_eq!(words(&b).len(), 3);
}

#[tokio::test]
async fn a_correction_that_arrived_after_all_lets_the_new_alarm_go() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.set("08:30:00");
    b.mark("p", Mark::Present).await;
    b.answer(500, "");
    b.work().await;
    b.set("08:31:00");
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.set("08:32:30");
    let found = r#"{"data":[{"id":"s77","direction":"outgoing","to":"+46701740605",
        "created":"2026-11-23T07:30:00.000000"}]}"#;
    b.answer(200, found);
    b.work().await;
    b.set("08:33:00");
    b.work().await;
    assert_eq!(words(&b), ["Hej!", "Rättelse:", "Ny"]);
}

/// The alarm after an excuse never arrived: what the guardian believes is the excuse, and that is put right.
#[tokio::test]
async fn an_excuse_is_put_right_when_the_alarm_after_it_did_not_arrive() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.set("08:30:00");
    b.mark("p", Mark::Excused).await;
    b.work().await;
    b.set("08:31:00");
    b.mark("p", Mark::Unexcused).await;
    b.answer(500, "");
    b.work().await;
    b.set("08:32:00");
    b.mark("p", Mark::Present).await;
    b.work().await;
    assert_eq!(words(&b), ["Hej!", "Frånvaron", "Ny"], "nothing more until it is known");
    nothing_arrived(&mut b, ["08:34:00", "08:35:00"]).await;
    b.set("08:36:00");
    b.work().await;
    assert_eq!(words(&b), ["Hej!", "Frånvaron", "Ny", "Rättelse:"]);
    let all = b.notifications().await;
    assert!(all.iter().all(|n| n.purpose != Purpose::StaffTask), "nobody must ring: {all:?}");
}

/// An earlier text to the number is known to be another's, however long ago it was.
#[tokio::test]
async fn a_correction_that_did_not_arrive_goes_again_although_history_has_the_alarm() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.set("08:50:00");
    b.mark("p", Mark::Present).await;
    b.answer(500, "");
    b.work().await;
    let alarm = r#"{"data":[{"id":"s1","direction":"outgoing","to":"+46701740605",
        "created":"2026-11-23T07:21:00.000000"}]}"#;
    for clock in ["08:53:00", "08:54:00"] {
        b.set(clock);
        b.answer(200, alarm);
        b.work().await;
    }
    assert_eq!(words(&b), ["Hej!", "Rättelse:", "Rättelse:"]);
}

#[tokio::test]
async fn what_was_told_before_a_shadow_is_put_right_after_it() {
    let mut b = Bench::new(None, roster(ONE));
    let mode = |b: &Bench, mode| {
        let changed = School { mode, ..school() };
        let roster = b.directory.load().roster.clone();
        let schools = Arc::new([(changed.id.clone(), changed)].into());
        b.directory.store(Arc::new(Directory { schools, roster }));
    };
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    for (clock, during) in [("08:30:00", Mode::Shadow), ("08:31:00", Mode::Guests)] {
        mode(&b, during);
        b.set(clock);
        b.mark("p", Mark::Present).await;
        b.work().await;
        assert_eq!(words(&b).len(), 1);
    }
    mode(&b, Mode::Live);
    b.set("08:32:00");
    b.mark("p", Mark::Present).await;
    b.work().await;
    assert_eq!(words(&b), ["Hej!", "Rättelse:"]);
}

/// An alarm with an attempt that nobody knows the outcome of waits to be sent again, as a mail does.
async fn alarm_in_doubt_waits(b: &mut Bench) {
    b.mark("p", Mark::Unexcused).await;
    let mut n = b.notifications().await.remove(0);
    let account = ProviderId::new("elks").expect("id");
    let mut unit = Unit::new(b.kv.as_ref());
    unit.delete(crate::intake::case::due_row(&n));
    crate::delivery::settle::start(&mut n, &account, None, &Settings::default(), b.clock.now());
    n.address = Some(crate::model::Address::Phone(Phone::new("+46701740605").expect("phone")));
    n.state = State::Waiting;
    n.due_at = at("08:40:00");
    crate::intake::case::enqueue(&mut unit, &n);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
}

/// A mail in doubt is sent again; the pupil turns up before that. The first may have arrived.
#[tokio::test]
async fn a_mail_in_doubt_that_is_called_back_is_put_right() {
    let mut b = Bench::new(None, roster(ONE));
    alarm_in_doubt_waits(&mut b).await;
    b.set("08:30:00");
    b.mark("p", Mark::Present).await;
    b.work().await;
    assert_eq!(words(&b), ["Rättelse:"]);
    let all = b.notifications().await;
    assert_eq!(all.iter().filter(|n| n.state == State::Cancelled).count(), 1, "{all:?}");
}

/// A teacher's report and then a notice: what the team was told is taken back.
#[tokio::test]
async fn a_notice_after_a_report_is_told_to_the_team() {
    let mut b = Bench::new(None, roster(ONE));
    let pupil = PupilId::new("p").expect("id");
    let report = LessonReport { reported_by: "t".into(), note: None };
    let lesson = Bench::lesson("l");
    b.hear(Fact::LessonReported { pupil: pupil.clone(), lesson, report }).await;
    b.work().await;
    assert_eq!(b.mail.sent().len(), 1);
    let notice = crate::model::AdvanceNotice {
        from: at("07:00:00"),
        to: at("16:00:00"),
        kind: crate::model::NoticeKind::Notified,
    };
    b.set("08:30:00");
    b.hear(Fact::Notified { pupil, notice, withdrawn: false, recorded_at: None }).await;
    b.work().await;
    let last =
        |b: &Bench| String::from_utf8_lossy(&b.mail.sent().last().expect("mail").1).into_owned();
    assert_eq!(b.mail.sent().len(), 2);
    assert!(last(&b).contains("Subject: =?utf-8?b?"), "{}", last(&b));
    let all = b.notifications().await;
    let correction = all.iter().find(|n| n.purpose == Purpose::Correction).expect("made");
    assert_eq!(correction.state, State::Accepted);
}

/// A mail whose outcome nobody knows, called back and true again: the same mail, not another.
#[tokio::test]
async fn a_mail_in_doubt_that_is_true_again_goes_as_the_same_mail() {
    let mut b = Bench::new(None, roster(ONE));
    alarm_in_doubt_waits(&mut b).await;
    b.set("08:30:00");
    b.mark("p", Mark::Present).await;
    b.set("08:30:01");
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    assert_eq!(words(&b), ["Hej!"]);
    let all = b.notifications().await;
    let alarms: Vec<_> = all.iter().filter(|n| n.purpose == Purpose::Absence).collect();
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    b.set("08:31:00");
    b.mark("p", Mark::Present).await;
    b.work().await;
    assert_eq!(words(&b), ["Hej!", "Rättelse:"]);
}

/// The mark is decided while the notice stands, and written after it was withdrawn: one of the two must be
/// decided again, or nobody is told.
#[tokio::test]
async fn a_notice_withdrawn_beside_a_mark_is_not_missed() {
    let mut b = Bench::new(None, roster(ONE));
    let notice = |withdrawn| Fact::Notified {
        pupil: PupilId::new("p").expect("id"),
        notice: AdvanceNotice {
            from: at("08:00:00"),
            to: at("12:00:00"),
            kind: NoticeKind::Notified,
        },
        withdrawn,
        recorded_at: None,
    };
    b.hear(notice(false)).await;
    let gate = Arc::new(Notify::new());
    *b.kv.slow.lock().expect("slow") = Some(gate.clone());
    let (intake, recorded_at) = (b.intake.clone(), b.clock.now());
    let beside = TaskTracker::new().spawn(async move {
        let fact = Fact::Marked {
            pupil: PupilId::new("p").expect("id"),
            lesson: Bench::lesson("l"),
            mark: Mark::Unexcused,
            minutes: None,
            register_closed: None,
            recorded_at,
            recorded_by: None,
        };
        let (source, event) = (SourceId::new("src"), EventId::new("beside"));
        let (source, event) = (source.expect("id"), event.expect("id"));
        intake.accept(&Observation { source, event, school: school().id, fact }).await
    });
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    *b.kv.slow.lock().expect("slow") = None;
    b.hear(notice(true)).await;
    gate.notify_one();
    assert_eq!(beside.await.expect("task").expect("accept"), Accepted::New);
    b.work().await;
    assert_eq!(words(&b), ["Hej!"]);
}
