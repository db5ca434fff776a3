//! Registers that are not taken, and silent sources, from the plan to the wire.

use std::collections::BTreeSet;

use super::*;
use crate::directory::{Nudge, RegisterRules, Staff};
use crate::intake::{registers, silence};
use crate::model::{GroupId, Planned, Register, StaffId, StaffRole, State, Stood};
use crate::store::ledger;

#[path = "dispatcher_notice_days_tests.rs"]
mod days;
#[path = "dispatcher_notice_mended_tests.rs"]
mod mended;

const CLASS: &[Family<'_>] =
    &[("p", Protection::None, &[("g1", 605)]), ("q", Protection::Protected, &[("g2", 606)])];

fn staff(id: &str, phone: Option<&str>, email: Option<&str>) -> Staff {
    Staff {
        id: StaffId::new(id).expect("id"),
        school: None,
        role: StaffRole::Teacher,
        municipality: None,
        name: Some(format!("Lärare {id}")),
        email: email.map(|e| EmailAddress::new(e).expect("email")),
        phone: phone.map(|p| Phone::new(p).expect("phone")),
    }
}

/// A class of two in year `year`, with three teachers.
fn people(year: u8) -> Roster {
    let mut roster = roster(CLASS);
    for pupil in roster.pupils.get_mut(&school().id).expect("pupils").values_mut() {
        (pupil.class, pupil.year) = (Some("2A".into()), Some(year));
        pupil.groups = vec![GroupId::new("grp-2a").expect("id")];
        pupil.family_name = Some("Hemlig".into());
    }
    for one in [
        staff("t1", Some("+46701740650"), Some("t1@example.se")),
        staff("t2", None, Some("t2@example.se")),
        staff("mute", None, None),
    ] {
        roster.staff.insert(one.id.clone(), one);
    }
    roster
}

fn plan(teachers: &[&str]) -> Planned {
    Planned {
        registered: true,
        cancelled: false,
        teachers: teachers.iter().map(|t| StaffId::new(*t).expect("id")).collect(),
        groups: vec![GroupId::new("grp-2a").expect("id")],
        also: BTreeSet::new(),
        except: BTreeSet::new(),
        modified_at: None,
    }
}

async fn planned(b: &mut Bench, planned: Planned) {
    let lesson = Lesson { label: Some("Ma 2A".into()), ..Bench::lesson("l") };
    b.hear(Fact::LessonPlanned { lesson, planned }).await;
}

async fn bench(year: u8, teachers: &[&str]) -> Bench {
    let mut b = Bench::new(None, people(year));
    b.set("07:00:00");
    planned(&mut b, plan(teachers)).await;
    b
}

fn with_rules(b: &Bench, change: impl FnOnce(&mut School)) {
    let mut school = school();
    change(&mut school);
    let roster = b.directory.load().roster.clone();
    let schools = Arc::new([(school.id.clone(), school)].into());
    b.directory.store(Arc::new(Directory { schools, roster }));
}

async fn register(b: &Bench) -> Register {
    let key = tables::register(&school().id, &Bench::lesson("l").id);
    ledger::read(b.kv.as_ref(), &key).await.expect("store").expect("a register")
}

/// Mails as (to, text), in order.
fn mails(b: &Bench) -> Vec<(String, String)> {
    let all = b.mail.sent();
    all.iter()
        .map(|(envelope, bytes)| {
            let parsed = mail_parser::MessageParser::default().parse(bytes).expect("a mail");
            let subject = parsed.subject().unwrap_or_default();
            let text = format!("{subject}\n{}", parsed.body_text(0).unwrap_or_default());
            (envelope.to.expose().to_owned(), text)
        })
        .collect()
}

/// Nobody outside the staff hears anything, and no mail names a pupil.
fn nobody_is_named(b: &Bench) {
    for text in mails(b).into_iter().map(|(_, text)| text).chain(b.bodies()) {
        for secret in ["Alva", "Hemlig", "701740605", "701740606"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test]
async fn an_untaken_register_is_asked_of_the_teacher_once_and_then_the_team_is_told() {
    let mut b = bench(2, &["t1"]).await;
    b.set("08:29:59");
    b.work().await;
    assert_eq!(b.texts(), 0, "it waits as a row");
    b.set("08:30:00");
    b.work().await;
    b.work().await;
    assert_eq!((b.texts(), mails(&b).len()), (1, 0));
    assert!(b.bodies()[0].contains("46701740650"), "{:?}", b.bodies());
    b.set("09:20:00");
    b.work().await;
    let sent = mails(&b);
    assert_eq!((b.texts(), sent.len()), (1, 1), "{sent:?}");
    let (to, text) = &sent[0];
    assert_eq!(to, "team@example.se");
    for part in ["Ma 2A", "2A", "08.20–09.20", "Lärare t1", "Elever: 2"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    nobody_is_named(&b);
    assert_eq!(register(&b).await.stood, Some(Stood::Untaken));
    // It came after all: those who were told hear it, once.
    b.set("09:31:00");
    b.mark("p", Mark::Present).await;
    b.mark("q", Mark::Present).await;
    b.work().await;
    let sent = mails(&b);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[1].0 == "team@example.se" && sent[1].1.contains("09.31"), "{sent:?}");
    b.set("15:31:00");
    b.work().await;
    assert_eq!((b.texts(), mails(&b).len()), (1, 2), "no digest of what was told at once");
}

#[tokio::test]
async fn older_pupils_wait_for_the_digest_and_what_was_taken_meanwhile_leaves_it() {
    for (taken, expected) in [(false, 1), (true, 0)] {
        let mut b = bench(7, &["mute"]).await;
        b.set("09:20:00");
        b.work().await;
        assert_eq!((b.texts(), mails(&b).len()), (0, 0), "nobody can be asked, the team can wait");
        if taken {
            b.set("14:00:00");
            b.mark("p", Mark::Present).await;
        }
        b.set("15:31:00");
        b.work().await;
        let sent = mails(&b);
        assert_eq!(sent.len(), expected, "{sent:?}");
        if let Some((to, text)) = sent.first() {
            assert_eq!(to, "team@example.se");
            assert!(text.contains("08.20–09.20") && text.contains("Lärare mute"), "{text}");
            nobody_is_named(&b);
        }
        b.set("23:59:00");
        b.work().await;
        assert_eq!(mails(&b).len(), expected);
    }
}

#[tokio::test]
async fn a_flagged_pupil_cannot_wait_whatever_the_year() {
    let mut b = bench(7, &[]).await;
    let mut people = people(7);
    let class = people.pupils.get_mut(&school().id).expect("pupils");
    class.values_mut().next().expect("a pupil").flagged = true;
    let schools = b.directory.load().schools.clone();
    b.directory.store(Arc::new(Directory { schools, roster: Arc::new(people) }));
    b.set("09:20:00");
    b.work().await;
    assert_eq!(mails(&b).len(), 1);
}

#[tokio::test]
async fn one_that_is_begun_late_is_told_in_the_digest_alone() {
    let mut b = bench(2, &["t2"]).await;
    b.set("08:30:00");
    b.work().await;
    let sent = mails(&b);
    assert!(sent.len() == 1 && sent[0].0 == "t2@example.se", "no mobile: by mail: {sent:?}");
    b.set("08:41:00");
    b.mark("p", Mark::Present).await;
    b.set("09:20:00");
    b.work().await;
    assert_eq!(mails(&b).len(), 1, "begun and not complete is not untaken");
    b.set("15:31:00");
    b.work().await;
    let sent = mails(&b);
    assert!(sent.len() == 2 && sent[1].1.contains("sent registrerad kl 08.41"), "{sent:?}");
    assert_eq!(register(&b).await.stood, Some(Stood::Late));
}

#[tokio::test]
async fn nobody_is_told_of_what_is_taken_in_time_cancelled_empty_or_not_registered() {
    let cancelled = Planned { cancelled: true, ..plan(&["t1"]) };
    let a_break = Planned { registered: false, ..plan(&["t1"]) };
    let except: BTreeSet<PupilId> = ["p", "q"].map(|p| PupilId::new(p).expect("id")).into();
    let empty = Planned { except, ..plan(&["t1"]) };
    for second in [cancelled, a_break, empty] {
        let mut b = bench(2, &["t1"]).await;
        planned(&mut b, second.clone()).await;
        for clock in ["08:30:00", "09:20:00", "15:31:00"] {
            b.set(clock);
            b.work().await;
        }
        assert_eq!((b.texts(), mails(&b).len()), (0, 0), "{second:?}");
        assert_eq!(register(&b).await.stood, None, "it does not count");
    }
    let mut b = bench(2, &["t1"]).await;
    b.set("08:22:00");
    b.mark("p", Mark::Present).await;
    for clock in ["08:30:00", "09:20:00", "15:31:00"] {
        b.set(clock);
        b.work().await;
    }
    assert_eq!((b.texts(), mails(&b).len()), (0, 0));
    assert_eq!(register(&b).await.stood, Some(Stood::InTime));
}

#[tokio::test]
async fn a_plan_that_changes_moves_what_is_due() {
    // Another day.
    let mut b = bench(2, &["t1"]).await;
    b.set("08:31:00");
    b.work().await;
    assert_eq!(b.texts(), 1);
    let tomorrow = |clock: &str| at(clock) + SignedDuration::from_hours(24);
    let lesson = Bench::lesson("l");
    let moved = Lesson { start: tomorrow("08:20:00"), end: tomorrow("09:20:00"), ..lesson };
    b.hear(Fact::LessonPlanned { lesson: moved, planned: plan(&["t1"]) }).await;
    b.set("15:31:00");
    b.work().await;
    assert_eq!((b.texts(), mails(&b).len()), (1, 0), "the lesson was not today");
    b.set_to(tomorrow("08:30:00"));
    b.work().await;
    assert_eq!(b.texts(), 2, "and tomorrow it is asked for");

    // Somebody else stands in, before and after the nudge.
    let mut b = bench(2, &["t1"]).await;
    planned(&mut b, plan(&["t2"])).await;
    b.set("08:30:00");
    b.work().await;
    assert_eq!((b.texts(), mails(&b).len()), (0, 1), "the substitute, not the one stood in for");
    planned(&mut b, plan(&["t1"])).await;
    b.set("08:40:00");
    b.work().await;
    assert_eq!((b.texts(), mails(&b).len()), (1, 1));
    b.set("09:20:00");
    b.work().await;
    assert_eq!((b.texts(), mails(&b).len()), (1, 2));
}

#[tokio::test]
async fn a_schedule_that_comes_when_the_lesson_is_over_tells_nobody() {
    let mut b = Bench::new(None, people(2));
    b.set("09:20:00");
    planned(&mut b, plan(&["t1"])).await;
    for clock in ["09:21:00", "15:31:00"] {
        b.set(clock);
        b.work().await;
    }
    assert_eq!((b.texts(), mails(&b).len()), (0, 0));
    // In the midst of it, the marks that are known to its source are waited for.
    let mut b = Bench::new(None, people(2));
    b.set("08:50:00");
    planned(&mut b, plan(&["t1"])).await;
    b.work().await;
    assert_eq!(b.texts(), 0);
    b.set("08:52:00");
    b.work().await;
    assert_eq!(b.texts(), 1);
}

#[tokio::test]
async fn mode_guests_and_settings_hold_for_notices() {
    for (mode, guests, nudge, expected) in [
        (Mode::Shadow, &[][..], Nudge::Sms, (0, 0)),
        (Mode::Guests, &[][..], Nudge::Sms, (0, 0)),
        (Mode::Guests, &["team@example.se"][..], Nudge::Sms, (0, 1)),
        (Mode::Guests, &["+46701740650"][..], Nudge::Sms, (1, 0)),
        (Mode::Live, &[][..], Nudge::Email, (0, 2)),
        (Mode::Live, &[][..], Nudge::Off, (0, 1)),
    ] {
        let mut b = bench(2, &["t1"]).await;
        let guest = |text: &&str| {
            Phone::new(*text)
                .map(crate::model::Address::Phone)
                .or_else(|_| EmailAddress::new(*text).map(crate::model::Address::Email))
                .expect("an address")
        };
        with_rules(&b, |school| {
            school.mode = mode;
            school.guests = guests.iter().map(guest).collect();
            school.registers = RegisterRules { nudge, ..RegisterRules::default() };
        });
        for clock in ["08:30:00", "09:20:00"] {
            b.set(clock);
            b.work().await;
        }
        assert_eq!((b.texts(), mails(&b).len()), expected, "{mode:?} {guests:?} {nudge:?}");
    }
}

#[tokio::test]
async fn a_nudge_that_does_not_arrive_goes_the_other_way_and_one_that_is_late_not_at_all() {
    let mut b = bench(2, &["t1"]).await;
    b.answer(403, "invalid to number");
    b.set("08:30:00");
    b.work().await;
    let all = b.notifications().await;
    assert!(mails(&b).len() <= 1, "{all:?}");
    // The register comes before the nudge has left.
    let mut b = bench(2, &["t1"]).await;
    b.answer(503, "");
    b.set("08:30:00");
    b.work().await;
    b.set("08:30:20");
    b.mark("p", Mark::Present).await;
    b.set("08:45:00");
    b.work().await;
    let nudges: Vec<_> = b.notifications().await;
    let nudge = nudges.iter().find(|n| n.purpose == Purpose::RegisterNudge).expect("a nudge");
    assert_eq!((nudge.state, nudge.state_reason), (State::Cancelled, Some(Reason::RegisterTaken)));
}

#[tokio::test]
async fn a_silent_source_is_told_to_it_and_the_team_once_and_then_that_it_is_over() {
    let mut b = Bench::new(None, people(2));
    with_rules(&b, |school| school.operations_email = EmailAddress::new("it@example.se").ok());
    let directory = b.directory.load_full();
    let school = directory.schools.values().next().expect("a school");
    let source = SourceId::new("ss12000").expect("id");
    let kv = b.kv.clone();
    let (since, told) = (Some(at("09:10:00")), &crate::policy::notice::TOLD);
    let noticed = silence::Noticed { since, lessons: 31, unreachable: false, marks: true, told };
    let begun = |now| silence::begun(kv.as_ref(), school, &source, noticed, now);
    assert!(begun(at("10:00:00")).await.expect("written"));
    assert!(!begun(at("10:05:00")).await.expect("known"), "once");
    b.set("10:05:00");
    b.work().await;
    let sent = mails(&b);
    let to: Vec<&str> = sent.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(to, ["it@example.se", "team@example.se"]);
    assert!(sent[0].1.contains("09.10") && sent[0].1.contains("31 lektioner"), "{sent:?}");
    let over = |now| silence::over(kv.as_ref(), school, &source, now, now);
    assert!(over(at("10:30:00")).await.expect("written"));
    assert!(!over(at("10:31:00")).await.expect("known"));
    b.set("10:31:00");
    b.work().await;
    let sent = mails(&b);
    assert_eq!(sent.len(), 4);
    assert!(sent[2].1.contains("ss12000") && sent[3].1.contains("10.30"), "{sent:?}");
    // One that is over before anybody heard of it is told to nobody.
    assert!(begun(at("11:00:00")).await.expect("written"));
    assert!(over(at("11:00:01")).await.expect("written"));
    b.set("11:01:00");
    b.work().await;
    assert_eq!(mails(&b).len(), 4);
}

#[tokio::test]
async fn what_was_decided_of_a_register_is_its_trail() {
    let mut b = bench(2, &["mute", "t1"]).await;
    b.set("08:30:00");
    b.work().await;
    b.set("09:20:00");
    b.work().await;
    let trail = tables::register_trail(&school().id, &Bench::lesson("l").id);
    let rows = b.kv.scan(&trail, &after_prefix(&trail), 100).await.expect("scan");
    let lines: Vec<crate::store::rows::Audit> =
        rows.iter().map(|(_, row)| ledger::decode(row).expect("row")).collect();
    let words: Vec<String> = lines
        .iter()
        .flat_map(|line| line.decisions.iter().map(move |d| (line, d)))
        .map(|(line, d)| format!("{} {} {} {}", line.heard, d.act, d.recipient, d.reason))
        .collect();
    assert_eq!(
        words,
        [
            "register-due suppress member:mute no-contact",
            "register-due notify member:t1 register-not-taken",
            "lesson-end notify staff:AttendanceTeam register-untaken",
        ]
    );
    let alert = registers::alert(&Bench::lesson("l"), date(2026, 11, 23)).id(&school());
    assert!(
        b.notifications()
            .await
            .iter()
            .any(|n| n.id == alert && n.pupil.as_str() == "upprop-notice")
    );
}
