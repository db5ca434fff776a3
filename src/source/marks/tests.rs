//! What a list says again is no news; what it says anew is; who is not known waits.

use jiff::SignedDuration;

use super::*;
use crate::model::{LessonId, Purpose};
use crate::source::testing::{Core, id, pupil};

fn at(minute: i64) -> Timestamp {
    let morning: Timestamp = "2026-11-23T07:00:00Z".parse().expect("time");
    morning + SignedDuration::from_mins(minute)
}

fn said(who: &str, mark: Mark, recorded: i64, row: &str) -> Said {
    let lesson = LessonId::new("l").expect("id");
    Said {
        school: id(),
        pupil: pupil(who),
        lesson: Lesson { id: lesson, start: at(0), end: at(60), label: None },
        mark,
        minutes: None,
        register_closed: Some(true),
        recorded_at: Some(at(recorded)),
        recorded_by: None,
        row: Some(row.into()),
        replaces: false,
        protected: false,
    }
}

async fn takes(core: &Core, said: Said) -> (u64, u64) {
    let taken = core.offering.take_or_keep(vec![said], false).await.expect("taken");
    (taken.new, taken.known)
}

#[tokio::test]
async fn a_mark_is_news_once() {
    let core = Core::with(&["p"]);
    assert_eq!(takes(&core, said("p", Mark::Unexcused, 5, "a")).await, (1, 0));
    assert_eq!(takes(&core, said("p", Mark::Unexcused, 5, "a")).await, (0, 1));
    // Pages come out of order.
    assert_eq!(takes(&core, said("p", Mark::Present, 3, "a")).await, (0, 1));
    assert_eq!(core.messages().await.len(), 1);
    let missing = core.offering.missing().await.expect("rows");
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].row.as_deref(), Some("a"));
    assert_eq!(takes(&core, said("p", Mark::Late, 9, "a")).await, (1, 0));
    assert!(core.offering.missing().await.expect("rows").is_empty());
}

#[tokio::test]
async fn a_row_made_anew_stands_although_it_is_older() {
    let core = Core::with(&["p"]);
    takes(&core, said("p", Mark::Unexcused, 9, "a")).await;
    let excused = said("p", Mark::Excused, 5, "b");
    assert_eq!(takes(&core, excused.clone()).await, (0, 1), "both may be there");
    assert_eq!(takes(&core, Said { replaces: true, ..excused.clone() }).await, (1, 0));
    assert_eq!(takes(&core, Said { replaces: true, ..excused }).await, (0, 1));
    assert_eq!(core.lessons().await[0].mark, Some(Mark::Excused));
}

#[tokio::test]
async fn of_two_rows_of_one_instant_the_harmless_one_stands() {
    for (first, then) in [(Mark::Unexcused, Mark::Present), (Mark::Present, Mark::Unexcused)] {
        let core = Core::with(&["p"]);
        for _ in 0..3 {
            takes(&core, said("p", first, 5, "a")).await;
            takes(&core, said("p", then, 5, "b")).await;
            assert_eq!(core.lessons().await[0].mark, Some(Mark::Present), "{first:?} {then:?}");
        }
    }
}

#[tokio::test]
async fn a_lesson_that_is_moved_has_its_mark_moved() {
    let core = Core::with(&["p"]);
    takes(&core, said("p", Mark::Unexcused, 5, "a")).await;
    let mut moved = said("p", Mark::Unexcused, 5, "a");
    moved.lesson.start = at(-10);
    assert_eq!(takes(&core, moved).await, (1, 0));
    assert_eq!(core.lessons().await[0].lesson.start, at(-10));
    assert_eq!(core.messages().await.len(), 1);
}

#[tokio::test]
async fn who_is_not_known_waits_until_the_directory_knows() {
    let core = Core::with(&["q"]);
    let mark = said("p", Mark::Unexcused, 5, "a");
    for _ in 0..2 {
        let taken = core.offering.take_or_keep(vec![mark.clone()], false).await.expect("taken");
        assert_eq!((taken.new, taken.kept), (0, 1));
    }
    let taken = core.offering.take_kept().await.expect("taken");
    assert_eq!((taken.new, taken.kept), (0, 1));
    core.load(&["p", "q"]);
    assert_eq!(core.offering.take_kept().await.expect("taken").new, 1);
    assert_eq!(core.messages().await.len(), 1);
    assert_eq!(core.rows(tables::KEPT_MARKS).await, 0);
    // What was known at first contact stays so.
    let core = Core::with(&["q"]);
    core.offering.take_or_keep(vec![mark], true).await.expect("kept");
    core.load(&["p"]);
    assert_eq!(core.offering.take_kept().await.expect("taken").new, 1);
    assert!(core.messages().await.is_empty());
    assert_eq!(core.lessons().await[0].mark, Some(Mark::Unexcused));
}

#[tokio::test]
async fn who_is_never_known_does_not_wait_for_ever() {
    let core = Core::with(&["q"]);
    let mark = said("p", Mark::Unexcused, 5, "a");
    core.offering.take_or_keep(vec![mark], false).await.expect("kept");
    core.clock.pass(SignedDuration::from_hours(4 * 24));
    let taken = core.offering.take_kept().await.expect("taken");
    assert_eq!((taken.kept, taken.refused.values().sum::<u64>()), (0, 1));
    assert_eq!(core.rows(tables::KEPT_MARKS).await, 0);
}

#[tokio::test]
async fn a_lesson_that_is_cancelled_is_put_right_once() {
    let core = Core::with(&["p"]);
    takes(&core, said("p", Mark::Unexcused, 5, "a")).await;
    let planned = |cancelled, event: &str| Observation {
        source: core.offering.source.clone(),
        event: EventId::new(event).expect("id"),
        school: id(),
        fact: Fact::LessonPlanned {
            lesson: said("p", Mark::Unexcused, 5, "a").lesson,
            planned: crate::model::Planned {
                registered: true,
                cancelled,
                teachers: Vec::new(),
                groups: Vec::new(),
                also: std::collections::BTreeSet::new(),
                except: std::collections::BTreeSet::new(),
                modified_at: None,
            },
        },
    };
    core.offering.intake.accept(&planned(false, "1")).await.expect("taken");
    assert_eq!(core.looked_at_now().await, 0);
    core.offering.intake.accept(&planned(true, "2")).await.expect("taken");
    assert_eq!(core.looked_at_now().await, 1, "it is decided again");
    // A mark that comes afterwards tells nobody.
    takes(&core, said("p", Mark::Unexcused, 7, "a")).await;
    let waiting = |n: &&crate::model::Notification| n.state == crate::model::State::Waiting;
    let messages = core.messages().await;
    assert_eq!(messages.iter().filter(waiting).count(), 0, "{messages:?}");
    assert_eq!(messages[0].purpose, Purpose::Absence);
}

#[tokio::test]
async fn what_is_taken_back_by_our_clock_is_followed_by_theirs() {
    let core = Core::with(&["p"]);
    takes(&core, said("p", Mark::Unexcused, 5, "a")).await;
    let gone =
        Said { recorded_at: None, row: None, replaces: true, ..said("p", Mark::Unknown, 0, "") };
    assert_eq!(takes(&core, gone).await, (1, 0));
    // It is twenty past by ours.
    assert_eq!(takes(&core, said("p", Mark::Excused, 9, "b")).await, (1, 0));
    assert_eq!(core.lessons().await[0].mark, Some(Mark::Excused));
}

#[tokio::test]
async fn of_two_rows_made_anew_the_newer_stands_though_both_are_older_than_what_was_there() {
    let core = Core::with(&["p"]);
    takes(&core, said("p", Mark::Unexcused, 9, "a")).await;
    let anew = Said { replaces: true, ..said("p", Mark::Unexcused, 2, "b") };
    assert_eq!(takes(&core, anew).await, (1, 0));
    assert_eq!(takes(&core, said("p", Mark::Excused, 5, "c")).await, (1, 0));
    assert_eq!(core.lessons().await[0].mark, Some(Mark::Excused));
}

#[tokio::test]
async fn of_marks_that_wait_the_newest_does() {
    let core = Core::with(&["q"]);
    takes(&core, said("p", Mark::Excused, 9, "b")).await;
    takes(&core, said("p", Mark::Unexcused, 5, "a")).await;
    core.load(&["p", "q"]);
    assert_eq!(core.offering.take_kept().await.expect("taken").new, 1);
    assert_eq!(core.lessons().await[0].mark, Some(Mark::Excused));
}

#[tokio::test]
async fn a_row_that_cannot_be_read_does_not_hold_up_the_others() {
    let core = Core::with(&["q"]);
    takes(&core, said("p", Mark::Unexcused, 5, "a")).await;
    let lesson = LessonId::new("m").expect("id");
    let mut unit = Unit::new(core.kv.as_ref());
    for key in [
        tables::kept_mark(&id(), &pupil("p"), &lesson, &core.offering.source),
        tables::missed(&id(), &pupil("p"), &lesson, &core.offering.source),
    ] {
        unit.write_raw(key, Bytes::from_static(b"?"));
    }
    let _: Commit = unit.commit().await.expect("written");
    core.load(&["p", "q"]);
    assert_eq!(core.offering.take_kept().await.expect("taken").new, 1);
    assert_eq!(core.offering.missing().await.expect("rows").len(), 1);
    let contact = core.offering.contacts.of(&core.offering.source);
    let troubles: Vec<_> = contact.troubles.into_keys().collect();
    assert_eq!(troubles, ["unreadable-missing", "unreadable-waiting"]);
}

#[tokio::test]
async fn one_damaged_row_does_not_stop_a_source() {
    let core = Core::with(&["p", "q"]);
    takes(&core, said("p", Mark::Present, 5, "a")).await;
    let (mark, source) = (said("p", Mark::Unexcused, 9, "a"), core.offering.source.clone());
    let key = tables::last_said(&mark.school, &mark.pupil, &mark.lesson.id, &source);
    let mut unit = Unit::new(core.kv.as_ref());
    unit.write_raw(key, Bytes::from_static(b"\x01{"));
    assert_eq!(unit.commit().await.expect("written"), Commit::Done);
    let list = vec![mark, said("q", Mark::Unexcused, 9, "b")];
    let taken = core.offering.take(list, false).await.expect("the other is taken");
    assert_eq!((taken.new, taken.refused.values().sum::<u64>()), (1, 1));
    assert_eq!(core.messages().await.len(), 1);
}

/// What a file says that was written at that minute.
fn written(who: &str, mark: Mark, minute: i64) -> Written {
    let said = Said { recorded_at: None, row: None, ..said(who, mark, 0, "") };
    Written { said, at: at(minute), file: format!("f{minute}"), line: 2 }
}

#[tokio::test]
async fn what_a_file_says_of_who_is_not_known_waits_and_the_latest_of_it_stands() {
    let core = Core::with(&["q"]);
    let take =
        async |row: Written| core.offering.take_written(vec![row], false).await.expect("taken");
    for (mark, minute, kept) in [
        (Mark::Present, 10, 1),
        (Mark::Unexcused, 15, 1),
        // Late, and again.
        (Mark::Present, 12, 0),
        (Mark::Unexcused, 15, 0),
    ] {
        let (taken, refused) = take(written("p", mark, minute)).await;
        assert_eq!((taken.kept, taken.new, refused.len()), (kept, 0, 0), "{mark:?} {minute}");
    }
    core.load(&["p", "q"]);
    assert_eq!(core.offering.take_kept().await.expect("taken").new, 1);
    assert_eq!((core.messages().await.len(), core.rows(tables::KEPT_MARKS).await), (1, 0));
    // The file that it came from, read again, is no news.
    let (taken, _) = take(written("p", Mark::Unexcused, 15)).await;
    assert_eq!((taken.known, taken.new), (1, 0));
    assert_eq!(core.lessons().await[0].mark, Some(Mark::Unexcused));
}

#[tokio::test]
async fn what_would_be_let_go_at_once_is_refused_instead() {
    let core = Core::with(&["q"]);
    core.clock.pass(SignedDuration::from_hours(4 * 24));
    let row = written("p", Mark::Unexcused, 10);
    let (taken, refused) = core.offering.take_written(vec![row], false).await.expect("taken");
    assert_eq!((taken.kept, refused.len()), (0, 1));
    assert!(refused[&0].starts_with("pupil:"), "{refused:?}");
}

#[tokio::test]
async fn of_rows_recorded_at_one_time_the_one_in_the_latest_file_stands() {
    let core = Core::with(&["p"]);
    let marks = [Mark::Unexcused, Mark::Present, Mark::Unexcused, Mark::Present];
    for (minute, mark) in (10..).zip(marks) {
        let mut row = written("p", mark, minute);
        row.said.recorded_at = Some(at(5));
        for new in [1, 0] {
            let taken = core.offering.take_written(vec![row.clone()], false).await.expect("taken");
            assert_eq!(taken.0.new, new, "{minute}");
        }
        assert_eq!(core.lessons().await[0].mark, Some(mark), "{minute}");
    }
}

#[tokio::test]
async fn what_a_source_says_of_protection_holds_for_all_that_is_said_of_the_pupil() {
    let core = Core::with(&["p", "q"]);
    let kinds = async |who: &str| {
        let all = core.messages().await.into_iter().filter(|n| n.pupil == pupil(who));
        let words = all.map(|n| (n.purpose, n.state == crate::model::State::Waiting));
        words.collect::<Vec<_>>()
    };
    let open = said("p", Mark::Unexcused, 5, "a");
    assert_eq!(takes(&core, open.clone()).await, (1, 0));
    assert_eq!(kinds("p").await, [(Purpose::Absence, true)]);
    // The same row, and now it says so.
    let hidden = Said { protected: true, ..open.clone() };
    assert_eq!(takes(&core, hidden.clone()).await, (1, 0));
    assert_eq!(takes(&core, hidden).await, (0, 1));
    let mut told = kinds("p").await;
    told.sort_by_key(|(_, waits)| *waits);
    assert_eq!(told, [(Purpose::Absence, false), (Purpose::StaffTask, true)]);
    // Another lesson, of which the row says nothing.
    let lesson = LessonId::new("l2").expect("id");
    let other = Lesson { id: lesson, start: at(60), end: at(120), label: None };
    takes(&core, Said { lesson: other.clone(), ..said("p", Mark::Unexcused, 62, "b") }).await;
    takes(&core, Said { lesson: other, ..said("q", Mark::Unexcused, 62, "c") }).await;
    let told = kinds("p").await;
    assert_eq!(
        told.iter().filter(|told| **told == (Purpose::Absence, true)).count(),
        0,
        "{told:?}"
    );
    assert_eq!(told.iter().filter(|told| **told == (Purpose::StaffTask, true)).count(), 2);
    assert_eq!(kinds("q").await, [(Purpose::Absence, true)]);
}

#[tokio::test]
async fn a_mark_that_waits_for_its_pupil_remembers_the_protection() {
    let core = Core::with(&["q"]);
    let hidden = Said { protected: true, ..said("p", Mark::Unexcused, 5, "a") };
    core.offering.take_or_keep(vec![hidden], false).await.expect("kept");
    core.load(&["p", "q"]);
    core.offering.take_kept().await.expect("taken");
    let all = core.messages().await;
    assert_eq!(all.iter().map(|n| n.purpose).collect::<Vec<_>>(), [Purpose::StaffTask]);
}
