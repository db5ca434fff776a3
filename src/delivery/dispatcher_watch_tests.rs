//! Sources from which nothing comes: told once to IT and the team, and once that it is over, over restarts too; and
//! marks that come after that are told as late.

use std::collections::BTreeSet;

use super::*;
use crate::delivery::watch::{self, Plan, Rules};
use crate::directory::{Nudge, RegisterRules};
use crate::intake::{Contacts, Described};
use crate::model::{GroupId, Planned};
use crate::store::tables;

fn hub() -> SourceId {
    SourceId::new("hub").expect("id")
}

fn described(gives: &[&'static str]) -> Described {
    let every = Some(SignedDuration::from_mins(1));
    Described { kind: "edlevo", gives: gives.to_vec(), every, schools: None }
}

/// A school that is told of nothing but its sources.
fn bench(rules: Rules, gives: &[&'static str]) -> Bench {
    let mut b = Bench::new(None, roster(&[("p", Protection::None, &[("g1", 605)])]));
    let registers = RegisterRules {
        nudge: Nudge::Off,
        low_grades: None,
        digest: Vec::new(),
        ..RegisterRules::default()
    };
    let school =
        School { operations_email: EmailAddress::new("it@example.se").ok(), registers, ..school() };
    let roster = b.directory.load().roster.clone();
    let schools = Arc::new([(school.id.clone(), school)].into());
    b.directory.store(Arc::new(Directory { schools, roster }));
    under(&mut b, Plan { sources: [(hub(), described(gives))].into(), rules }, Contacts::default());
    b
}

/// Another process, or another configuration.
fn under(b: &mut Bench, plan: Plan, contacts: Contacts) {
    let old = b.dispatcher.shared.clone();
    let settings = Settings { watch: plan, ..Settings::default() };
    let (providers, mail) = (old.providers.clone(), old.mail.clone());
    let new = old.renewed(old.env.clone(), old.templates.clone(), providers, mail, settings);
    b.dispatcher.shared = Arc::new(new.with_contacts(contacts));
}

async fn restart(b: &mut Bench) {
    let plan = b.dispatcher.shared.settings.watch.clone();
    under(b, plan, Contacts::default());
    watch::begin(&b.dispatcher.shared).await.expect("begun");
}

/// Goes on minute by minute.
async fn until(b: &mut Bench, clock: &str, mut each: impl FnMut(&Contacts, Timestamp)) {
    while b.clock.now() < at(clock) {
        let next = b.clock.now() + SignedDuration::from_mins(1);
        b.set_to(next);
        each(&b.dispatcher.shared.contacts.clone(), next);
        b.work().await;
    }
}

fn answers(contacts: &Contacts, now: Timestamp) {
    contacts.answered(&hub(), now);
    contacts.marks_answered(&hub(), &school().id, now);
}

fn mails(b: &Bench) -> Vec<String> {
    let one = |(envelope, bytes): &(crate::env::MailEnvelope, Bytes)| {
        let parsed = mail_parser::MessageParser::default().parse(bytes).expect("a mail");
        let text = parsed.body_text(0).unwrap_or_default().into_owned();
        format!("{}: {text}", envelope.to.expose())
    };
    b.mail.sent().iter().map(one).collect()
}

async fn plan_lessons(b: &mut Bench, count: usize, start: &str, end: &str) {
    for n in 0..count {
        let lesson = Lesson {
            id: LessonId::new(format!("{start}-{n}")).expect("id"),
            start: at(start),
            end: at(end),
            label: None,
        };
        let planned = Planned {
            registered: true,
            cancelled: n == 0,
            teachers: Vec::new(),
            groups: vec![GroupId::new("g").expect("id")],
            also: BTreeSet::new(),
            except: BTreeSet::new(),
            modified_at: None,
        };
        b.hear(Fact::LessonPlanned { lesson, planned }).await;
    }
}

#[tokio::test]
async fn marks_that_do_not_come_are_not_made_good_by_other_answers() {
    let mut b = bench(Rules::default(), &["attendance", "schedule"]);
    watch::begin(&b.dispatcher.shared).await.expect("begun");
    until(&mut b, "08:30:00", answers).await;
    until(&mut b, "08:36:00", |contacts, now| contacts.answered(&hub(), now)).await;
    assert_eq!(mails(&b).len(), 2, "the schedule is answered for, and marks are not");
}

#[tokio::test]
async fn it_is_not_over_while_it_fails_again() {
    let mut b = bench(Rules::default(), &["attendance"]);
    watch::begin(&b.dispatcher.shared).await.expect("begun");
    until(&mut b, "08:30:00", answers).await;
    until(&mut b, "08:40:00", |_, _| {}).await;
    assert_eq!(mails(&b).len(), 2);
    until(&mut b, "08:42:00", answers).await;
    until(&mut b, "08:47:00", |_, _| {}).await;
    assert_eq!(mails(&b).len(), 2, "two minutes are not five");
    until(&mut b, "08:54:00", answers).await;
    let sent = mails(&b);
    assert_eq!(sent.len(), 4, "{sent:?}");
    assert!(sent[3].contains("08.48"), "since it answers: {sent:?}");
}

#[tokio::test]
async fn a_source_that_does_not_answer_is_told_once_over_a_restart_and_then_that_it_answers() {
    let mut b = bench(Rules::default(), &["attendance"]);
    watch::begin(&b.dispatcher.shared).await.expect("begun");
    until(&mut b, "08:30:00", answers).await;
    until(&mut b, "08:35:00", |_, _| {}).await;
    assert_eq!(mails(&b), [""; 0], "five minutes are not more than five");
    until(&mut b, "08:36:00", |_, _| {}).await;
    let sent = mails(&b);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[0].starts_with("it@example.se: ") && sent[1].starts_with("team@example.se: "));
    assert!(sent[0].contains("hub svarar inte") && sent[0].contains("08.30"), "{sent:?}");
    restart(&mut b).await;
    until(&mut b, "09:10:00", |_, _| {}).await;
    assert_eq!(mails(&b).len(), 2, "once");
    until(&mut b, "09:14:00", answers).await;
    assert_eq!(mails(&b).len(), 2, "not at the first answer");
    until(&mut b, "09:20:00", answers).await;
    let sent = mails(&b);
    assert_eq!(sent.len(), 4, "{sent:?}");
    assert!(sent[3].contains("hub svarar igen"), "{sent:?}");
    restart(&mut b).await;
    until(&mut b, "10:00:00", answers).await;
    assert_eq!(mails(&b).len(), 4);
    // What was known is known after the restart.
    restart(&mut b).await;
    assert_eq!(b.dispatcher.shared.contacts.of(&hub()).answered, Some(at("10:00:00")));
}

#[tokio::test]
async fn lessons_without_a_mark_are_told_with_their_number_and_nothing_ends_by_itself() {
    let mut b = bench(Rules::default(), &["schedule", "attendance"]);
    b.set("08:00:00");
    plan_lessons(&mut b, 3, "08:20:00", "09:20:00").await;
    plan_lessons(&mut b, 4, "09:30:00", "10:30:00").await;
    plan_lessons(&mut b, 4, "10:40:00", "11:40:00").await;
    watch::begin(&b.dispatcher.shared).await.expect("begun");
    let school = school().id;
    until(&mut b, "09:10:00", |contacts, now| {
        answers(contacts, now);
        contacts.attendance(&hub(), &school, now);
    })
    .await;
    // Three lessons, one of them cancelled, are not enough; it answers all the time.
    until(&mut b, "11:54:00", answers).await;
    assert_eq!(mails(&b), [""; 0]);
    until(&mut b, "11:56:00", answers).await;
    let sent = mails(&b);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[1].contains("6 lektioner") && sent[1].contains("09.10"), "{sent:?}");
    // The day ends, and no mark has come: that is no all-clear.
    restart(&mut b).await;
    b.set_to("2026-11-24T07:00:00+01:00".parse().expect("time"));
    for _ in 0..30 {
        let next = b.clock.now() + SignedDuration::from_mins(1);
        b.set_to(next);
        answers(&b.dispatcher.shared.contacts, next);
        b.work().await;
    }
    assert_eq!(mails(&b).len(), 2);
    for _ in 0..7 {
        let next = b.clock.now() + SignedDuration::from_mins(1);
        b.set_to(next);
        answers(&b.dispatcher.shared.contacts, next);
        b.dispatcher.shared.contacts.attendance(&hub(), &school, next);
        b.work().await;
    }
    let sent = mails(&b);
    assert_eq!(sent.len(), 4, "{sent:?}");
    assert!(sent[3].contains("åter registreringar"), "{sent:?}");
}

#[tokio::test]
async fn a_directory_that_is_away_is_told_to_it_alone() {
    let mut b = bench(Rules::default(), &["directory"]);
    watch::begin(&b.dispatcher.shared).await.expect("begun");
    until(&mut b, "08:40:00", |_, _| {}).await;
    let sent = mails(&b);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].starts_with("it@example.se: "), "{sent:?}");
    let unit = crate::store::ledger::Unit::new(b.kv.as_ref());
    let is_any = crate::intake::silence::is_any(&unit, &school().id).await.expect("read");
    assert!(!is_any, "marks come, so teachers are asked for registers");
}

#[tokio::test]
async fn a_source_that_is_no_longer_configured_is_not_silent_for_ever() {
    let mut b = bench(Rules::default(), &["attendance"]);
    watch::begin(&b.dispatcher.shared).await.expect("begun");
    until(&mut b, "08:40:00", |_, _| {}).await;
    let silent = async |b: &Bench| {
        let unit = crate::store::ledger::Unit::new(b.kv.as_ref());
        crate::intake::silence::is_any(&unit, &school().id).await.expect("read")
    };
    assert!(silent(&b).await);
    under(&mut b, Plan::default(), Contacts::default());
    watch::begin(&b.dispatcher.shared).await.expect("begun");
    assert!(!silent(&b).await);
    until(&mut b, "09:00:00", |_, _| {}).await;
    assert_eq!(mails(&b).len(), 2, "that is no all-clear");
}

#[tokio::test]
async fn where_nothing_is_asked_nothing_is_due() {
    let mut b = bench(Rules::default(), &["attendance"]);
    let source = Described { every: None, kind: "webhook", ..described(&["attendance"]) };
    let plan = Plan { sources: [(hub(), source)].into(), rules: Rules::default() };
    under(&mut b, plan, Contacts::default());
    watch::begin(&b.dispatcher.shared).await.expect("begun");
    let due = b.kv.scan(tables::ALL_DUE, &after_prefix(tables::ALL_DUE), 10).await.expect("scan");
    assert_eq!(due.len(), 0);
}

#[tokio::test]
async fn a_mark_that_comes_after_the_lesson_is_told_as_late_and_after_the_schools_time_not_at_all()
{
    let mut b = bench(Rules::default(), &["attendance"]);
    b.set("11:02:00");
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    let texts = b.bodies();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("11.02") && !texts[0].contains("Vet+du"), "{texts:?}");
    let mut b = bench(Rules::default(), &["attendance"]);
    b.set_to("2026-11-24T09:21:00+01:00".parse().expect("time"));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    assert_eq!(b.texts(), 0, "older than the school's stale-after");
}

/// Goes on minute by minute from an instant.
async fn from(b: &mut Bench, start: &str, count: i64) {
    let start: Timestamp = start.parse().expect("time");
    for minute in 0..count {
        b.set_to(start + SignedDuration::from_mins(minute));
        b.work().await;
    }
}

#[tokio::test]
async fn at_night_a_source_that_is_away_is_its_alone_and_the_team_hears_of_it_in_the_morning() {
    let mut b = bench(Rules::default(), &["attendance"]);
    b.set_to("2026-11-24T02:00:00+01:00".parse().expect("time"));
    answers(&b.dispatcher.shared.contacts, b.clock.now());
    watch::begin(&b.dispatcher.shared).await.expect("begun");
    from(&mut b, "2026-11-24T02:01:00+01:00", 10).await;
    let sent = mails(&b);
    assert!(sent.len() == 1 && sent[0].starts_with("it@example.se: "), "{sent:?}");
    from(&mut b, "2026-11-24T07:57:00+01:00", 3).await;
    assert_eq!(mails(&b).len(), 1);
    from(&mut b, "2026-11-24T08:00:00+01:00", 3).await;
    let sent = mails(&b);
    assert!(sent.len() == 2 && sent[1].starts_with("team@example.se: "), "{sent:?}");
}

#[tokio::test]
async fn who_runs_a_source_gets_one_mail_for_all_its_schools() {
    let rules = Rules { silent_after: Some(SignedDuration::from_mins(30)), ..Rules::default() };
    let mut b = bench(rules, &["attendance"]);
    let known = b.directory.load_full();
    let first = known.schools.values().next().expect("a school").clone();
    let second = School { id: SchoolId::new("second").expect("id"), ..first.clone() };
    let schools = [first, second].map(|school| (school.id.clone(), school));
    let ids: Vec<SchoolId> = schools.iter().map(|(id, _)| id.clone()).collect();
    let schools = Arc::new(schools.into());
    b.directory.store(Arc::new(Directory { schools, roster: known.roster.clone() }));
    for id in &ids {
        b.dispatcher.shared.contacts.attendance(&hub(), id, at("10:00:00"));
    }
    b.set_to("2026-11-30T07:59:00+01:00".parse().expect("time"));
    answers(&b.dispatcher.shared.contacts, b.clock.now());
    watch::begin(&b.dispatcher.shared).await.expect("begun");
    for minute in 0..40 {
        let now: Timestamp = "2026-11-30T08:00:00+01:00".parse().expect("time");
        b.set_to(now + SignedDuration::from_mins(minute));
        answers(&b.dispatcher.shared.contacts, b.clock.now());
        b.work().await;
    }
    let sent = mails(&b);
    let to_it = sent.iter().filter(|mail| mail.starts_with("it@example.se: ")).count();
    assert_eq!((to_it, sent.len() - to_it), (1, 2), "{sent:?}");
}

#[tokio::test]
async fn a_schedule_that_ended_with_the_marks_does_not_hide_that_none_come() {
    let rules = Rules { silent_after: Some(SignedDuration::from_mins(30)), ..Rules::default() };
    let mut b = bench(rules.clone(), &["attendance"]);
    let drop = Described { kind: "drop", every: None, ..described(&["schedule", "attendance"]) };
    let plan = Plan { sources: [(hub(), drop)].into(), rules };
    under(&mut b, plan, Contacts::default());
    plan_lessons(&mut b, 3, "08:20:00", "09:20:00").await;
    b.dispatcher.shared.contacts.attendance(&hub(), &school().id, at("10:00:00"));
    b.set_to("2026-11-30T07:59:00+01:00".parse().expect("time"));
    watch::begin(&b.dispatcher.shared).await.expect("begun");
    from(&mut b, "2026-11-30T08:00:00+01:00", 29).await;
    assert_eq!(mails(&b), [""; 0]);
    from(&mut b, "2026-11-30T08:30:00+01:00", 3).await;
    assert_eq!(mails(&b).len(), 2, "{:?}", mails(&b));
}
