//! Registers while a source is silent, while a school is not configured, when plans change late, and large lessons that
//! are cancelled.

use super::*;
use crate::delivery::watch::Plan;
use crate::intake::Described;
use crate::model::LessonState;

fn hub() -> SourceId {
    SourceId::new("hub").expect("id")
}

/// From now on marks come from this source.
fn attended(b: &mut Bench, kind: &'static str, every: Option<SignedDuration>) {
    let old = b.dispatcher.shared.clone();
    let source = Described { kind, gives: vec!["attendance"], every, schools: None };
    let watch = Plan { sources: [(hub(), source)].into(), ..Plan::default() };
    let (providers, mail) = (old.providers.clone(), old.mail.clone());
    let settings = Settings { watch, ..Settings::default() };
    let new = old.renewed(old.env.clone(), old.templates.clone(), providers, mail, settings);
    b.dispatcher.shared = Arc::new(new);
}

/// It is asked, and answers.
fn answers(b: &Bench) {
    let directory = b.directory.load_full();
    let school = directory.schools.keys().next().expect("a school");
    b.dispatcher.shared.contacts.marks_answered(&hub(), school, b.clock.now());
}

#[tokio::test]
async fn a_register_is_not_asked_for_before_the_source_has_answered_for_it() {
    for taken in [true, false] {
        let mut b = bench(2, &["t1"]).await;
        attended(&mut b, "ss12000", Some(SignedDuration::from_secs(15)));
        b.set("08:29:50");
        answers(&b);
        for clock in ["08:30:00", "08:30:16", "08:34:00"] {
            b.set(clock);
            b.work().await;
        }
        assert_eq!(b.texts(), 0, "it was answered for before it was due, and not since");
        if taken {
            b.mark("p", Mark::Present).await;
        }
        b.set("08:34:20");
        answers(&b);
        b.work().await;
        assert_eq!(b.texts(), usize::from(!taken), "{taken}");
        b.set("08:36:00");
        b.work().await;
        assert_eq!(b.texts(), usize::from(!taken), "once");
    }
}

#[tokio::test]
async fn a_source_that_never_answers_for_marks_does_not_keep_the_team_waiting_for_ever() {
    let mut b = bench(2, &[]).await;
    attended(&mut b, "ss12000", Some(SignedDuration::from_secs(15)));
    for clock in ["08:30:00", "09:20:00", "09:22:00", "09:49:00"] {
        b.set(clock);
        b.work().await;
    }
    assert_eq!(mails(&b).len(), 0);
    b.set("09:50:30");
    b.work().await;
    assert_eq!(mails(&b).len(), 1);
}

#[tokio::test]
async fn who_may_have_come_is_not_reported_before_the_source_has_answered_again() {
    for came in [Some(true), Some(false), None] {
        let mut b = bench(7, &[]).await;
        attended(&mut b, "ss12000", Some(SignedDuration::from_secs(15)));
        b.set("08:25:00");
        answers(&b);
        b.mark("p", Mark::Unexcused).await;
        for clock in ["09:20:00", "09:20:20", "09:24:40"] {
            b.set(clock);
            b.work().await;
        }
        assert_eq!(mails(&b).len(), 0, "it was not asked since the lesson ended");
        if came == Some(true) {
            b.mark("p", Mark::Present).await;
        }
        if came.is_some() {
            answers(&b);
        }
        b.set(if came.is_some() { "09:24:59" } else { "09:25:10" });
        b.work().await;
        assert_eq!(mails(&b).len(), usize::from(came != Some(true)), "{came:?}");
    }
}

async fn silent(b: &Bench, marks: bool) {
    let directory = b.directory.load_full();
    let school = directory.schools.values().next().expect("a school");
    let noticed = silence::Noticed { since: None, lessons: 0, unreachable: true, marks, told: &[] };
    let begun = silence::begun(b.kv.as_ref(), school, &hub(), noticed, at("07:30:00")).await;
    assert!(begun.expect("written"));
}

#[tokio::test]
async fn while_a_source_is_silent_the_team_hears_of_registers_in_its_digest() {
    // A source from which no marks come holds nothing back.
    for marks in [true, false] {
        let mut b = bench(2, &["t1"]).await;
        silent(&b, marks).await;
        for clock in ["08:30:00", "09:20:00"] {
            b.set(clock);
            b.work().await;
        }
        let expected = if marks { (0, 0) } else { (1, 1) };
        assert_eq!((b.texts(), mails(&b).len()), expected, "{marks}");
        b.set("15:31:00");
        b.work().await;
        assert_eq!(mails(&b).len(), 1, "{marks}: each once");
    }
}

#[tokio::test]
async fn what_is_registered_at_the_lessons_end_is_asked_for_before_the_team_is_told() {
    for (every, settled) in [(1, "09:22:00"), (5, "09:26:00")] {
        for taken in [true, false] {
            let mut b = bench(2, &[]).await;
            attended(&mut b, "edlevo", Some(SignedDuration::from_mins(every)));
            b.set("08:30:00");
            b.work().await;
            b.set("09:20:00");
            b.work().await;
            assert_eq!(mails(&b).len(), 0, "it may not have been asked since");
            if taken {
                b.set("09:20:20");
                b.mark("p", Mark::Present).await;
            }
            b.set(settled);
            answers(&b);
            b.work().await;
            assert_eq!(mails(&b).len(), usize::from(!taken), "{every} {taken}");
            let stood = if taken { Stood::Late } else { Stood::Untaken };
            assert_eq!(register(&b).await.stood, Some(stood));
        }
    }
}

#[tokio::test]
async fn a_plan_that_changes_after_the_end_keeps_the_look_that_is_due() {
    let mut b = bench(2, &["t1"]).await;
    b.set("08:30:00");
    b.work().await;
    b.set("09:20:30");
    planned(&mut b, plan(&["t2"])).await;
    b.set("09:24:00");
    b.work().await;
    assert_eq!(mails(&b).len(), 1, "the team is told");
    assert_eq!(register(&b).await.stood, Some(Stood::Untaken));
}

#[tokio::test]
async fn a_lesson_that_is_moved_after_the_team_was_told_is_told_of_again() {
    let mut b = bench(2, &[]).await;
    b.set("09:20:00");
    b.work().await;
    assert_eq!(mails(&b).len(), 1);
    let moved = Lesson { start: at("10:00:00"), end: at("11:00:00"), ..Bench::lesson("l") };
    b.hear(Fact::LessonPlanned { lesson: moved, planned: plan(&[]) }).await;
    b.set("11:00:00");
    b.work().await;
    assert_eq!(mails(&b).len(), 2);
}

#[tokio::test]
async fn a_digest_waits_for_a_school_that_is_not_configured_at_the_moment() {
    let mut b = bench(7, &[]).await;
    b.set("09:20:00");
    b.work().await;
    let whole = b.directory.load_full();
    let without = Directory { schools: Arc::default(), roster: whole.roster.clone() };
    b.directory.store(Arc::new(without));
    b.set("15:31:00");
    b.work().await;
    assert_eq!(mails(&b).len(), 0);
    b.directory.store(whole);
    b.set("15:36:00");
    b.work().await;
    assert_eq!(mails(&b).len(), 1);
}

#[tokio::test]
async fn a_lesson_of_many_that_is_cancelled_is_decided_again_of_all() {
    let ids: Vec<String> = (0..1500).map(|n| format!("p{n:04}")).collect();
    let families: Vec<Family<'_>> =
        ids.iter().map(|id| (id.as_str(), Protection::None, &[][..])).collect();
    let mut b = Bench::new(None, roster(&families));
    planned(&mut b, plan(&[])).await;
    for id in &ids {
        b.mark(id, Mark::Excused).await;
    }
    b.work().await;
    planned(&mut b, Planned { cancelled: true, ..plan(&[]) }).await;
    for _ in 0..3 {
        b.work().await;
        let next = b.clock.now() + SignedDuration::from_secs(1);
        b.set_to(next);
    }
    let rows = b.kv.scan(tables::LESSONS, &after_prefix(tables::LESSONS), 2000).await;
    let all = rows.expect("scan");
    let decode = |row: &Bytes| ledger::decode::<LessonState>(row).expect("row");
    let put_right = all.iter().filter(|(_, row)| decode(row).cancelled).count();
    assert_eq!((all.len(), put_right), (1500, 1500));
}

#[tokio::test]
async fn groups_that_the_directory_calls_otherwise_do_not_make_all_lessons_empty() {
    for named in [false, true] {
        let mut b = bench(7, &["t1"]).await;
        for n in 0..4 {
            let group = if named && n == 3 { "grp-2a" } else { "2A (Ma)" };
            let groups = vec![GroupId::new(group).expect("id")];
            let id = LessonId::new(if n == 0 { "l".into() } else { format!("l{n}") }).expect("id");
            let lesson = Lesson { id, ..Bench::lesson("l") };
            let teachers = if n == 0 { &["t1"][..] } else { &[] };
            b.hear(Fact::LessonPlanned { lesson, planned: Planned { groups, ..plan(teachers) } })
                .await;
        }
        b.set("08:30:00");
        b.work().await;
        assert_eq!(b.texts(), usize::from(!named), "one group is empty, or all are unknown");
    }
}
