//! What happens at the school, and how a client sees it.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_change_is_seen_by_asking_for_what_is_newer() {
    let visit = Visit::new("");
    let (lesson, pupil, _) = visit.lesson();
    let lesson = lesson.id.to_string();
    visit.act(Act::Absent { pupil: pupil.clone(), lesson: lesson.clone(), reported: false });
    let path = format!("attendances?calendarEvent={lesson}&student={pupil}");
    let row = &visit.rows(&path).await[0];
    assert_eq!((&row["isReported"], &row["invalidAbsenceMinutes"]), (&json!(false), &json!(60)));
    let modified = row["meta"]["modified"].as_str().expect("a moment").replace('+', "%2B");
    let newer = format!("attendances?meta.modified.after={modified}");
    assert!(visit.rows(&newer).await.is_empty(), "after is exclusive");
    within("a later millisecond", async {
        // The clock goes by milliseconds here; the next act may fall into the same one.
        loop {
            visit.act(Act::Arrive { pupil: pupil.clone(), lesson: lesson.clone(), late: 12 });
            if !visit.rows(&newer).await.is_empty() {
                break;
            }
        }
    })
    .await;
    let row = &visit.rows(&newer).await[0];
    assert_eq!(
        (&row["attendanceMinutes"], &row["invalidAbsenceMinutes"]),
        (&json!(48), &json!(12))
    );
}

#[tokio::test]
async fn an_excuse_may_be_another_row() {
    for (quirks, same) in [("", true), ("recreate", false)] {
        let visit = Visit::new(quirks);
        let (lesson, pupil, _) = visit.lesson();
        let lesson = lesson.id.to_string();
        let made =
            visit.act(Act::Absent { pupil: pupil.clone(), lesson: lesson.clone(), reported: true });
        let excuse = Act::Excuse { pupil: pupil.clone(), lesson: lesson.clone(), reason: None };
        let excused = visit.act(excuse);
        assert_eq!(made.id == excused.id, same, "{quirks}");
        let rows = visit.rows(&format!("attendances?calendarEvent={lesson}&student={pupil}")).await;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["validAbsenceMinutes"], 60);
        assert_eq!(rows[0]["invalidAbsenceMinutes"], 0);
        let (_, gone) = visit.get("deletedEntities?entities=Attendance").await;
        let gone = gone["data"]["attendances"].as_array().expect("a list").len();
        assert_eq!(gone, usize::from(!same), "{quirks}");
    }
}

#[tokio::test]
async fn lessons_are_added_cancelled_and_taken_by_others() {
    let visit = Visit::new("");
    let now = visit.school.shared.clock.now();
    let add = Act::AddLesson {
        group: "7A".into(),
        name: "Slöjd 7A".into(),
        start: now,
        end: now + SignedDuration::from_mins(40),
        kind: None,
    };
    let id = visit.act(add).id.expect("an id").to_string();
    let (_, duties) = visit.get("duties?dutyRole=Rektor").await;
    let duty = duties["data"][0]["id"].as_str().expect("an id").to_owned();
    visit.act(Act::Cancel { lesson: id.clone(), cancelled: true });
    visit.act(Act::Substitute { lesson: id.clone(), by: duty.clone() });
    let (_, row) = visit.get(&format!("calendarEvents/{id}?expand=activity")).await;
    assert_eq!((&row["cancelled"], &row["teachingLengthStudent"]), (&json!(true), &json!(40)));
    assert_eq!(row["_embedded"]["activity"]["displayName"], "Slöjd 7A");
    let teachers = row["teacherExceptions"].as_array().expect("a list");
    assert_eq!(
        (&teachers[0]["participates"], &teachers[1]["participates"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(teachers[1]["duty"]["id"], duty);
}

#[tokio::test]
async fn a_pupil_who_need_not_come_is_not_at_the_lesson() {
    let visit = Visit::new("");
    let (lesson, pupil, other) = visit.lesson();
    let id = lesson.id.to_string();
    let window = format!("startTime.onOrAfter={0}&startTime.onOrBefore={0}", lesson.start);
    let of = async |who: &str| {
        let rows = visit.rows(&format!("calendarEvents?{window}&student={who}")).await;
        rows.iter().any(|row| row["id"] == id.as_str())
    };
    assert!(of(&pupil).await && of(&other).await);
    visit.act(Act::Exempt { pupil: pupil.clone(), lesson: id.clone(), participates: false });
    assert!(!of(&pupil).await && of(&other).await);
    visit.act(Act::Report { lesson: id.clone() });
    let marks = visit.rows(&format!("attendances?calendarEvent={id}")).await;
    assert_eq!(marks.len(), lesson.pupils.len() - 1);
}

#[tokio::test]
async fn people_change_their_numbers_are_protected_leave_and_are_lost() {
    let visit = Visit::new("");
    let pupils = visit.school.pupils();
    let (pupil, guardian) = (pupils[0].id.to_string(), pupils[0].guardians[0].id.to_string());
    visit.act(Act::Contact {
        person: guardian.clone(),
        phones: vec!["070-174 06 61".into()],
        emails: Vec::new(),
    });
    let (_, row) = visit.get(&format!("persons/{guardian}?expand=responsibleFor")).await;
    assert_eq!(row["phoneNumbers"][0]["value"], "070-174 06 61");
    assert_eq!(row["_embedded"]["responsibleFor"][0]["person"]["id"], pupil);
    let marking = Marking::Skyddad;
    visit.act(Act::Protect { person: pupil.clone(), marking });
    let (_, row) = visit.get(&format!("persons/{pupil}")).await;
    assert_eq!(row["securityMarking"], "Skyddad folkbokföring");
    visit.act(Act::Remove { person: pupil.clone() });
    assert_eq!(visit.get(&format!("persons/{pupil}")).await.0, 404);
    let (_, gone) = visit.get("deletedEntities").await;
    assert_eq!(gone["data"]["persons"], json!([pupil]));
    visit.act(Act::LosePupils { percent: 50 });
    let enrolled = "persons?relationship.entity.type=enrolment";
    assert_eq!(visit.rows(enrolled).await.len(), 25);
    visit.act(Act::LosePupils { percent: 0 });
    assert_eq!(visit.rows(enrolled).await.len(), 49);
}

#[tokio::test]
async fn it_is_steered_over_http_too() {
    let visit = Visit::new("");
    let (lesson, pupil, _) = visit.lesson();
    let control = visit.school.token_url().replace("/token", "/_school");
    let name = &visit.school.pupils()[0].name;
    let body = json!([
        {"act": "absent", "pupil": pupil, "lesson": lesson.id},
        {"act": "silence", "how": "unavailable"},
        {"act": "notice", "pupil": name, "start": "2026-11-26T08:00:00+01:00", "end": "2026-11-26T16:00:00+01:00"},
    ]);
    let act = || http::Request::post(format!("{control}/act"));
    let done = visit.call(act(), &body).await;
    assert_eq!((done.0, done.1.as_array().expect("a list").len()), (200, 3));
    assert_eq!(visit.get("persons").await.0, 503);
    visit.call(act(), &json!({"act": "silence", "how": "answers"})).await;
    assert_eq!(visit.rows("absences").await[0]["type"], "Anmäld frånvaro");
    let wrong =
        visit.call(act(), &json!({"act": "absent", "pupil": "Nobody", "lesson": lesson.id})).await;
    assert_eq!(wrong.0, 404);
    assert_eq!(visit.call(act(), &json!({"act": "rain"})).await.0, 400);
    let quirks = http::Request::put(format!("{control}/quirks"));
    assert_eq!(visit.call(quirks, &json!("lookup-only")).await.1["lookup-only"], true);
    assert_eq!(code(&visit.get("persons").await), (403, "forbidden"));
    let (status, counts) =
        visit.call(http::Request::get(format!("{control}/asked")), &Value::Null).await;
    assert_eq!((status, &counts["GET /persons"]), (200, &json!({"403": 1, "503": 1})));
}

#[tokio::test]
async fn a_day_unfolds_at_its_own_pace() {
    let clock = SystemClock::new();
    let visit = Visit::with("", |settings| {
        settings.day = true;
        settings.pupils = 100;
        settings.begin = Some(clock.now());
        settings.minute = SignedDuration::from_millis(3);
    });
    within("the registers of the day", async {
        let reported = |act: &(Timestamp, Act)| matches!(act.1, Act::Report { .. });
        while visit.school.diary().iter().filter(|act| reported(act)).count() < 20 {
            clock.sleep_until(clock.now() + SignedDuration::from_millis(5)).await;
        }
    })
    .await;
    let marks = visit.pages("attendances?limit=1000", "").await.concat();
    assert!(marks.iter().any(|mark| mark["invalidAbsenceMinutes"].as_i64() > Some(0)));
}

pub(super) async fn within(what: &str, work: impl Future<Output = ()>) {
    let limit = Duration::from_mins(1);
    assert!(tokio::time::timeout(limit, work).await.is_ok(), "waited {limit:?} for {what}");
}
