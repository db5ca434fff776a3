//! What may go wrong between a source and the core, and whom nobody may be told of because of it.

use super::*;
use crate::directory::{Directory, testing};
use crate::model::Mark;
use crate::store::rows::{NoticeSaid, Register};

#[tokio::test]
async fn a_notice_that_is_changed_suppresses_all_the_time() {
    let mut stage = Stage::with(&[Way::Listing], |there| {
        there.absences.push(absence("n1", -60, 300, -5));
    })
    .await;
    stage.round().await;
    stage.now(|there| there.rows.push(row("r1", "p", "l1", MISSING, 1)));
    stage.round().await;
    stage.now(|there| there.absences[0] = absence("n1", -60, 200, 2));
    assert_eq!(stage.round().await.notices, 1);
    assert_eq!(stage.said().await, [], "nothing was ever to be said");
    let notices: Vec<NoticeSaid> = stage.rows(tables::NOTICES_SAID).await;
    assert_eq!((notices.len(), notices[0].former.len()), (1, 0));
    // The former span is taken back all the same.
    stage.now(|there| there.absences[0] = absence("n1", -60, -30, 3));
    stage.round().await;
    assert_eq!(stage.said().await.len(), 1);
}

/// A school that comes before the other and has nothing.
fn another() -> Place {
    Place { school: SchoolId::new("t").expect("id"), organisation: Some("o2".into()) }
}

impl Stage {
    async fn failing_round(&mut self) {
        self.scene.clock.forward(SignedDuration::from_secs(15));
        self.attending.round().await.expect_err("something fails");
    }

    fn times(&self, line: &str) -> usize {
        self.there.lock().expect("script").asked.iter().filter(|asked| *asked == line).count()
    }
}

#[tokio::test]
async fn marks_wait_a_little_for_notices_that_cannot_be_read() {
    for (status, comes_back) in [(403, true), (403, false), (500, true), (500, false)] {
        let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
        stage.round().await;
        stage.now(|there| {
            there.refused = vec![("GET /absences", status)];
            there.absences.push(absence("n1", -60, 300, 1));
            there.rows.push(row("r1", "p", "l1", MISSING, 1));
        });
        stage.failing_round().await;
        assert_eq!(stage.said().await, [], "{status}");
        assert!(!stage.scene.troubles().is_empty());
        stage.scene.clock.forward(SignedDuration::from_mins(5));
        if comes_back {
            stage.now(|there| there.refused.clear());
            stage.round().await;
            assert_eq!(stage.said().await, [], "{status}: the notice is known now");
            assert_eq!(stage.scene.troubles(), [""; 0], "{status}");
        } else {
            stage.failing_round().await;
            assert_eq!(stage.said().await.len(), 1, "{status}: it is not waited for for ever");
        }
    }
}

#[tokio::test]
async fn notices_refused_for_one_school_are_taken_for_the_other() {
    let mut stage = Stage::with(&[Way::Listing], |there| {
        there.refused_for = vec![("GET /absences", "o2", 403)];
        there.absences.push(absence("n1", -60, 300, -5));
    })
    .await;
    stage.attending.places.insert(0, another());
    assert_eq!(stage.round().await.notices, 1);
    stage.now(|there| there.rows.push(row("r1", "p", "l1", MISSING, 1)));
    stage.round().await;
    assert_eq!(stage.said().await, []);
    assert!(stage.attending.has_notices());
}

#[tokio::test]
async fn a_way_refused_for_one_school_stays_that_of_the_other() {
    let mut stage = Stage::with(&Way::ALL, |there| {
        there.refused_for =
            vec![("GET /attendances", "o2", 403), ("GET /calendarEvents", "o2", 403)];
    })
    .await;
    stage.attending.places.insert(0, another());
    stage.round().await;
    stage.now(|there| there.rows.push(row("r1", "p", "l1", MISSING, 1)));
    stage.round().await;
    assert_eq!(stage.said().await.len(), 1);
    let ways: Vec<_> = stage.attending.ways.values().copied().collect();
    assert_eq!(ways, [Way::Listing], "where nothing could be asked, no way is known");
}

#[tokio::test]
async fn a_schedule_that_fails_in_one_place_is_taken_elsewhere() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.attending.places.insert(0, another());
    let two = stage.directory.load_full();
    let settings = testing::settings();
    let other = crate::directory::School { id: another().school, ..settings.clone() };
    let schools = [(settings.id.clone(), settings), (other.id.clone(), other)].into();
    let roster = two.roster.clone();
    stage.directory.store(Arc::new(Directory { schools: Arc::new(schools), roster }));
    stage.now(|there| {
        there.refused = vec![("GET /deletedEntities", 500)];
        there.refused_for = vec![("GET /calendarEvents", "o2", 403)];
        there.events = vec![event("l1", -10, &json!({})), event("l7", 60, &json!({}))];
    });
    stage.new_schedule().round().await.expect_err("two things fail");
    assert!(stage.book.get(&LessonId::new("l7").expect("id")).is_some());
    // Nobody says that the lesson that is not listed any more is gone.
    let l2 = stage.book.get(&LessonId::new("l2").expect("id")).expect("known");
    assert!(!l2.planned.cancelled);
}

#[tokio::test]
async fn only_what_was_listed_can_be_gone_from_a_listing() {
    let mut stage = Stage::with(&[Way::Listing], |there| {
        there.refused = vec![("GET /deletedEntities", 404)];
        there.elsewhere.push(event("l9", -5, &json!({})));
    })
    .await;
    let schedule = stage.new_schedule();
    schedule.round().await.expect("a schedule");
    stage.round().await;
    stage.now(|there| there.rows.push(row("r1", "p", "l9", MISSING, 1)));
    stage.round().await;
    assert_eq!(stage.said().await.len(), 1);
    stage.now(|there| there.events.truncate(1));
    assert_eq!(schedule.round().await.expect("a schedule").changed, 1);
    let is_cancelled = |id: &str| {
        stage.book.get(&LessonId::new(id).expect("id")).expect("known").planned.cancelled
    };
    assert_eq!(["l1", "l2", "l9"].map(is_cancelled), [false, true, false]);
}

#[tokio::test]
async fn a_notice_that_ends_as_it_begins_is_taken_back_and_one_may_have_no_end() {
    let mut stage = Stage::with(&[Way::Listing], |there| {
        let mut endless = absence("n1", -60, 300, -5);
        endless["endTime"] = json!("9999-12-31T00:00:00+01:00");
        there.absences.push(endless);
    })
    .await;
    stage.round().await;
    stage.now(|there| there.rows.push(row("r1", "p", "l1", MISSING, 1)));
    stage.round().await;
    assert_eq!(stage.said().await, [], "it suppresses");
    stage.now(|there| there.absences[0] = absence("n1", -60, -60, 2));
    assert_eq!(stage.round().await.notices, 1);
    assert_eq!(stage.said().await.len(), 1);
    assert_eq!(stage.rows::<NoticeSaid>(tables::NOTICES_SAID).await, []);
    assert_eq!(stage.trouble("bad-rows"), None);
}

#[tokio::test]
async fn what_is_dated_after_the_first_question_is_news_however_late_it_is_answered() {
    for ways in EVERY {
        let stage = Stage::with(ways, |there| there.key = key_of(ways));
        let mut stage = stage.await;
        let schedules = ("GET /calendarEvents", 500);
        stage.now(|there| {
            there.refused =
                vec![("GET /attendances", 500), ("POST /attendances/lookup", 500), schedules];
            there.rows.push(row("r1", "p", "l1", MISSING, -2));
        });
        stage.failing_round().await;
        stage.scene.clock.forward(SignedDuration::from_mins(20));
        stage.now(|there| {
            there.refused.clear();
            there.rows.push(row("r2", "q", "l1", MISSING, 5));
        });
        stage.round().await;
        let said = stage.said().await;
        assert_eq!(said.iter().map(|n| n.pupil.as_str()).collect::<Vec<_>>(), ["q"], "{ways:?}");
    }
}

#[tokio::test]
async fn a_lesson_asked_for_by_its_id_may_be_cancelled_or_lunch() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.round().await;
    stage.now(|there| {
        let lunch = json!({"id": "a9", "displayName": "Lunch", "activityType": "Övrigt"});
        there.activities.push(lunch);
        there.elsewhere = vec![
            event("l8", -5, &json!({"cancelled": true})),
            event("l9", -5, &json!({"activity": {"id": "a9"}})),
        ];
        there.rows = vec![row("r1", "p", "l8", MISSING, 1), row("r2", "q", "l9", MISSING, 1)];
    });
    let found = stage.round().await;
    assert_eq!((found.ignored, found.taken.new), (1, 1));
    assert_eq!(stage.said().await, []);
    // It is known why nobody had to come.
    assert_eq!(stage.marks().await, [Some(Mark::Unexcused)]);
    let registers: Vec<Register> = stage.rows(tables::REGISTERS).await;
    let of_it = registers.into_iter().find(|row| row.lesson.id.as_str() == "l8").expect("a row");
    assert!(of_it.planned.is_some_and(|planned| planned.cancelled));
}

#[tokio::test]
async fn a_notice_made_just_before_a_mark_suppresses_it() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.round().await;
    stage.now(|there| {
        there.at_the_last_moment = vec![absence("n1", -10, 60, 1)];
        there.rows = vec![row("r1", "p", "l1", MISSING, 1)];
    });
    let found = stage.round().await;
    assert_eq!((found.notices, found.taken.new), (1, 1));
    assert_eq!(stage.said().await, []);
}

#[tokio::test]
async fn a_clock_that_is_put_right_loses_nothing() {
    for hours in [2, -2] {
        let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
        let minutes = 60 * hours;
        let ahead = |stage: &Stage, hours: i64| {
            let now = stage.scene.clock.now();
            let theirs = now + SignedDuration::from_hours(hours);
            stage.scene.contacts.clock(&stage.offering.source, theirs, now, now);
        };
        stage.round().await;
        // It is hours off, and then right again.
        ahead(&stage, hours);
        stage.now(|there| there.rows = vec![row("r1", "p", "l1", MISSING, minutes)]);
        stage.round().await;
        assert_eq!(stage.marks().await, [Some(Mark::Unexcused)], "{hours}");
        ahead(&stage, 0);
        stage.now(|there| {
            there.rows[0] = row("r1", "p", "l1", THERE, 1);
            there.rows.push(row("r2", "q", "l1", MISSING, 1));
        });
        stage.round().await;
        stage.round().await;
        assert_eq!(stage.marks().await, [Some(Mark::Present), Some(Mark::Unexcused)], "{hours}");
    }
}

#[tokio::test]
async fn what_was_refused_is_tried_once_a_day() {
    let mut stage = Stage::with(&Way::ALL, |there| {
        there.refused = vec![("GET /attendances", 403)];
    })
    .await;
    stage.round().await;
    stage.scene.clock.forward(SignedDuration::from_hours(25));
    for _ in 0..3 {
        stage.round().await;
    }
    assert_eq!(stage.times("GET /attendances"), 2);
}

#[tokio::test]
async fn a_lesson_that_the_source_fails_to_answer_for_does_not_hold_up_others() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.round().await;
    stage.now(|there| {
        there.refused = vec![("GET /calendarEvents/", 500)];
        there.rows = vec![row("r1", "p", "l9", MISSING, 1), row("r2", "q", "l1", MISSING, 1)];
    });
    stage.round().await;
    stage.round().await;
    assert_eq!(stage.said().await.len(), 1);
    assert_eq!(stage.times("GET /calendarEvents/l9"), 1);
    // It is news when the source can answer.
    stage.scene.clock.forward(SignedDuration::from_mins(12));
    stage.now(|there| {
        there.refused.clear();
        there.elsewhere.push(event("l9", -5, &json!({})));
    });
    stage.round().await;
    assert_eq!(stage.said().await.len(), 2);
}

#[tokio::test]
async fn a_mark_that_waits_for_its_pupil_is_gone_with_its_row() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.directory.store(Arc::new(directory(&["q"])));
    stage.round().await;
    stage.now(|there| there.rows.push(row("r1", "p", "l1", MISSING, 1)));
    assert_eq!(stage.round().await.taken.kept, 1);
    stage.now(|there| {
        there.rows.clear();
        there.deleted = json!({"attendances": ["r1"]});
    });
    stage.round().await;
    stage.directory.store(Arc::new(directory(&["p", "q"])));
    stage.round().await;
    stage.round().await;
    assert_eq!(stage.said().await, []);
}

#[tokio::test]
async fn notices_and_deletions_that_want_to_be_left_alone_do_not_hold_up_marks() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.round().await;
    stage.now(|there| {
        there.refused = vec![("GET /absences", 429), ("GET /deletedEntities", 503)];
        there.rows.push(row("r1", "p", "l1", MISSING, 1));
    });
    let began = stage.scene.clock.now();
    while stage.said().await.is_empty() {
        stage.failing_round().await;
    }
    let took = stage.scene.clock.now().duration_since(began);
    assert!(took <= SignedDuration::from_secs(6 * 60), "{took:?}");
    assert!(stage.times("GET /absences") < 20, "the pause is kept");
}

#[tokio::test]
async fn staff_and_nobody_else_hear_of_a_pupil_whom_only_the_mark_protects() {
    use crate::model::Purpose;
    for (marking, by_notice) in [
        ("Sekretessmarkering", false),
        ("Skyddad folkbokföring", false),
        ("Något nytt", false),
        ("Sekretessmarkering", true),
    ] {
        let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
        stage.round().await;
        stage.now(|there| {
            let mut hidden = row("r1", "p", "l1", MISSING, 1);
            if by_notice {
                // Of another day, and the mark says nothing of it.
                let mut notice = absence("n1", 2_000, 2_100, 1);
                notice["student"]["securityMarking"] = json!(marking);
                there.absences = vec![notice];
            } else {
                hidden["student"]["securityMarking"] = json!(marking);
            }
            let mut open = row("r2", "q", "l1", MISSING, 1);
            open["student"]["securityMarking"] = json!("Ingen");
            there.rows = vec![hidden, open];
        });
        stage.round().await;
        let what = stage.trouble("protected-elsewhere").expect("told");
        assert!(what.starts_with("1 pupils"), "{what}");
        // Once, whatever is asked again and however often the daemon starts.
        stage.round().await;
        let mut stage = stage.restarted(&[Way::Listing]).await;
        stage.round().await;
        let mut said: Vec<_> = stage.said().await;
        said.sort_by(|a, b| a.pupil.cmp(&b.pupil));
        let said: Vec<_> = said.iter().map(|n| (n.pupil.as_str(), n.purpose)).collect();
        assert_eq!(said, [("p", Purpose::StaffTask), ("q", Purpose::Absence)], "{marking}");
    }
}
