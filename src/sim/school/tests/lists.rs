//! Lists, filters, pages, one by id, lookups, the token: as the standard has them.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

#[tokio::test]
async fn every_row_comes_once_whatever_the_page() {
    let visit = Visit::new("");
    let all = ids(&visit.rows("persons").await);
    assert!(all.len() > 100);
    let pages = visit.pages("persons?limit=7", "&limit=7").await;
    assert!(pages[..pages.len() - 1].iter().all(|page| page.len() == 7));
    let together: Vec<String> = pages.iter().flat_map(|page| ids(page)).collect();
    assert_eq!(together, all);
    let sorted = visit.pages("persons?limit=7&sortkey=FamilyNameAsc", "&limit=7").await.concat();
    let names: Vec<_> = sorted.iter().map(|row| row["familyName"].as_str()).collect();
    assert!(names.is_sorted());
    assert_eq!(BTreeSet::from_iter(ids(&sorted)), BTreeSet::from_iter(all));
}

#[tokio::test]
async fn a_page_token_stands_with_nothing_but_a_limit() {
    let visit = Visit::new("");
    let (_, page) = visit.get("persons?limit=5&expandReferenceNames=true").await;
    let token = page["pageToken"].as_str().expect("more");
    let beside = visit.get(&format!("persons?pageToken={token}&expandReferenceNames=true")).await;
    assert_eq!(code(&beside), (400, "page_token"));
    let elsewhere = visit.get(&format!("groups?pageToken={token}")).await;
    assert_eq!(code(&elsewhere), (400, "page_token"));
    // The filters of the first page hold on.
    let (status, next) = visit.get(&format!("persons?pageToken={token}&limit=100")).await;
    assert_eq!(status, 200);
    let pupil = next["data"]
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["enrolments"].as_array().is_some_and(|list| !list.is_empty()));
    let school = &pupil.expect("a pupil")["enrolments"][0]["enroledAt"];
    assert_eq!(school["displayName"], "Björkskolan");
}

#[tokio::test]
async fn filters_narrow_and_mistakes_are_refused() {
    let visit = Visit::with("", |settings| settings.schools = 2);
    let organisations = visit.rows("organisations?type=Skolenhet").await;
    assert_eq!(organisations.len(), 2);
    let top = visit.rows("organisations?type=Huvudman").await;
    let (top, school) = (&ids(&top)[0], &ids(&organisations)[0]);
    let count = async |path: String| visit.rows(&path).await.len();
    let of_school = count(format!("groups?organisation={school}")).await;
    let of_all = count(format!("groups?organisation={top}")).await;
    assert!(of_school > 0 && of_all > of_school, "{of_school} of {of_all}");
    let pupils = count("persons?relationship.entity.type=enrolment".into()).await;
    assert_eq!(pupils, 50);
    let half =
        format!("persons?relationship.entity.type=enrolment&relationship.organisation={school}");
    assert_eq!(count(half).await, 25);
    let guardians = count("persons?relationship.entity.type=responsibleFor.enrolment".into()).await;
    let staff = count("persons?relationship.entity.type=duty".into()).await;
    let everybody = count("persons".into()).await;
    assert_eq!(pupils + guardians + staff, everybody);

    for (path, wanted) in [
        ("calendarEvents", "required"),
        ("calendarEvents?startTime.onOrAfter=2026-11-26T08:00:00+01:00", "date_time"),
        ("attendances?sortkey=ModifiedDesc", "unknown_parameter"),
        ("attendances?expand=student", "expand"),
        ("persons?limit=none", "limit"),
        ("persons/7", "id"),
        ("groups?organisation=7", "id"),
    ] {
        assert_eq!(code(&visit.get(path).await), (400, wanted), "{path}");
    }
    let nobody = visit.get(&format!("persons/{top}")).await;
    assert_eq!(nobody, (404, Value::Null));
    let (status, row) = visit.get(&format!("organisations/{top}")).await;
    assert_eq!((status, row["organisationType"].as_str()), (200, Some("Huvudman")));
}

#[tokio::test]
async fn lessons_are_of_the_day_with_their_activity_and_attendance() {
    let visit = Visit::new("");
    let (lesson, pupil, other) = visit.lesson();
    let id = lesson.id.to_string();
    visit.act(Act::Absent { pupil: pupil.clone(), lesson: id.clone(), reported: true });
    visit.act(Act::Report { lesson: id.clone() });
    let path = format!(
        "calendarEvents?startTime.onOrAfter={0}&startTime.onOrBefore={0}&student={pupil}\
         &expand=activity&expand=attendance",
        lesson.start
    );
    let rows = visit.rows(&path).await;
    assert_eq!(ids(&rows), std::slice::from_ref(&id));
    let row = &rows[0];
    assert_eq!(row["_embedded"]["activity"]["activityType"], "Undervisning");
    assert_eq!((&row["teachingLengthStudent"], &row["cancelled"]), (&json!(60), &json!(false)));
    assert!(row["startTime"].as_str().expect("a moment").contains("+0"), "{row}");
    let marks = row["_embedded"]["attendance"].as_array().expect("marks");
    assert_eq!(marks.len(), lesson.pupils.len());
    let of = |who: &str| marks.iter().find(|mark| mark["student"]["id"] == who).expect("a mark");
    assert_eq!(of(&pupil)["invalidAbsenceMinutes"], 60);
    assert_eq!(
        (&of(&other)["attendanceMinutes"], &of(&other)["isReported"]),
        (&json!(60), &json!(true))
    );
    let mine = visit.rows(&format!("attendances?calendarEvent={id}&student={pupil}")).await;
    assert_eq!(mine.len(), 1);
}

#[tokio::test]
async fn lookups_answer_bare_arrays_and_take_the_standards_spelling() {
    let visit = Visit::new("");
    let (lesson, pupil, _) = visit.lesson();
    let id = lesson.id.to_string();
    visit.act(Act::Report { lesson: id.clone() });
    let found = visit.post("persons/lookup", &json!({"ids": [pupil, id]})).await;
    assert_eq!((found.0, found.1.as_array().expect("bare").len()), (200, 1));
    let marks = visit.post("attendances/lookup", &json!({"calendareEvents": [id]})).await;
    assert_eq!(marks.1.as_array().expect("bare").len(), lesson.pupils.len());
    let history = json!({"activities": [lesson.activity]});
    let history = visit.post("attendances/lookup", &history).await;
    assert!(history.1.as_array().expect("bare").len() >= lesson.pupils.len());
    let right = visit.post("attendances/lookup", &json!({"calendarEvents": [id]})).await;
    assert_eq!(code(&right), (400, "body"));
    assert_eq!(code(&visit.post("persons/lookup", &json!({})).await), (400, "body"));
    let lessons = visit.post("calendarEvents/lookup", &json!({"ids": [id]})).await;
    assert_eq!(ids(lessons.1.as_array().expect("bare")), [id]);
}

#[tokio::test]
async fn nobody_is_let_in_without_a_token_and_tokens_end() {
    let visit = Visit::with("", |settings| settings.access.open = false);
    let denied = visit.get("persons").await;
    assert_eq!(code(&denied), (401, "unauthorized"));
    let form = "grant_type=client_credentials&client_id=upprop&client_secret=fake-school-secret";
    let request = http::Request::post(visit.school.token_url()).body(form.into()).expect("good");
    let answer = visit.wire.call(request).await.expect("an answer");
    let token: Value = serde_json::from_slice(answer.body()).expect("JSON");
    let bearer = format!("Bearer {}", token["access_token"].as_str().expect("a token"));
    let get = async || {
        let url = format!("{}/organisations", visit.school.url());
        let request = http::Request::get(url).header("authorization", &bearer);
        visit.call(request, &Value::Null).await.0
    };
    assert_eq!(get().await, 200);
    visit.act(Act::ExpireTokens);
    assert_eq!(get().await, 401);
    let asked = visit.school.asked();
    assert_eq!(asked["GET /organisations"], BTreeMap::from([(200, 1), (401, 1)]));
    assert_eq!(asked["POST /token"], BTreeMap::from([(200, 1)]));
}
