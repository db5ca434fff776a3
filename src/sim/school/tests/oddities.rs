//! Quirks, each as a client meets it.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

fn distinct(pages: &[Vec<Value>]) -> usize {
    pages.iter().flat_map(|page| ids(page)).collect::<BTreeSet<_>>().len()
}

#[tokio::test]
async fn pages_repeat_turn_round_and_do_not_end() {
    let plain = Visit::new("").rows("persons").await.len();
    let visit = Visit::new("repeated-rows");
    let pages = visit.pages("persons?limit=10", "&limit=10").await;
    assert_eq!(pages[0][9]["id"], pages[1][0]["id"]);
    assert_eq!(distinct(&pages), plain);
    let visit = Visit::new("out-of-order");
    let pages = visit.pages("persons?limit=10", "&limit=10").await;
    assert_eq!(distinct(&pages), plain);
    assert!(ids(&pages.concat()).is_sorted(), "by nothing but their ids");
    let visit = Visit::new("endless-token");
    let pages = visit.pages("persons?limit=100", "&limit=100").await;
    assert_eq!((pages.len(), distinct(&pages)), (50, plain));
}

#[tokio::test]
async fn some_servers_want_the_filters_again() {
    let visit = Visit::new("token-with-filters");
    let (_, page) = visit.get("groups?groupType=Undervisning&limit=3").await;
    let token = page["pageToken"].as_str().expect("more");
    let alone = visit.get(&format!("groups?pageToken={token}&limit=3")).await;
    assert_eq!(code(&alone), (400, "page_token"));
    let with = format!("groups?groupType=Undervisning&pageToken={token}&limit=3");
    assert_eq!(visit.get(&with).await.0, 200);
}

#[tokio::test]
async fn skola24_lists_little_limits_much_and_answers_400_to_nothing() {
    let visit = Visit::new("skola24");
    let (lesson, pupil, _) = visit.lesson();
    visit.act(Act::Report { lesson: lesson.id.to_string() });
    assert_eq!(code(&visit.get("persons").await), (403, "forbidden"));
    assert_eq!(code(&visit.get("attendances").await), (403, "forbidden"));
    assert_eq!(code(&visit.get("groups").await), (400, "organisation"));
    assert_eq!(visit.post("persons/lookup", &json!({"ids": [pupil]})).await.0, 200);
    let many: Vec<Id> = (0..301).map(|n| Id::of(9, "x", n)).collect();
    let many = visit.post("persons/lookup", &json!({"ids": many})).await;
    assert_eq!(code(&many), (400, "too_many"));
    let school = lesson.school;
    let window = |from: &str, to: &str| {
        format!(
            "calendarEvents?organisation={school}&startTime.onOrAfter={from}&startTime.onOrBefore={to}"
        )
    };
    let empty = visit.get(&window("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")).await;
    assert_eq!(code(&empty), (400, "no_match"));
    let wide = visit.get(&window("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z")).await;
    assert_eq!(code(&wide), (400, "window"));
    let mut last = 0;
    for _ in 0..9 {
        let url = format!(
            "{}/{}",
            visit.school.url(),
            window("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
        );
        let request = http::Request::get(url).body(Bytes::new()).expect("a request");
        let answer = visit.wire.call(request).await.expect("an answer");
        last = answer.status().as_u16();
        assert!(!answer.headers().contains_key("retry-after"));
        assert!(last == 400 || answer.body().is_empty());
    }
    assert_eq!(last, 429, "eleven of ten");
    let mut quirks = visit.school.quirks();
    quirks.too_large = Some(10);
    visit.school.set_quirks(quirks);
    let large = visit.post("attendances/lookup", &json!({"activities": [lesson.activity]})).await;
    assert_eq!(code(&large), (503, "too_large"));
}

#[tokio::test]
async fn fields_are_missing_null_unknown_or_nonsense() {
    let visit = Visit::new("");
    let text = async |quirks: &str, path: &str| {
        visit.school.set_quirks(quirks.parse().expect("known"));
        visit.get(path).await.1.to_string()
    };
    let (lesson, pupil, _) = visit.lesson();
    visit.act(Act::Absent { pupil, lesson: lesson.id.to_string(), reported: true });
    visit.act(Act::Report { lesson: lesson.id.to_string() });
    assert!(text("", "persons").await.contains("Sekretessmarkering"));
    for path in ["persons", "attendances", "groups"] {
        assert!(!text("no-marking", path).await.contains("securityMarking"), "{path}");
        assert!(text("null-references", path).await.contains("null,"), "{path}");
        assert!(!text("2.0.0", path).await.contains("\"meta\""), "{path}");
    }
    assert!(text("unknown-enums", "persons").await.contains("Kvarskrivning"));
    assert!(!text("unknown-enums", "persons").await.contains("Sekretessmarkering"));
    assert!(text("unknown-enums", "activities").await.contains("\"Rast\""));
    assert!(text("negative-minutes", "attendances").await.contains(":-5"));
    assert!(text("1895", "attendances").await.contains("\"1895-01-01T"));
    let marks = "attendances/lookup";
    visit.school.set_quirks("wrapped-lookups".parse().expect("known"));
    let wrapped = visit.post(marks, &json!({"activities": [lesson.activity]})).await;
    assert!(wrapped.1["data"].is_array());
}

#[tokio::test]
async fn the_clock_may_be_wrong_and_changes_dated_back() {
    let clock = SystemClock::new();
    for (quirks, minutes) in [("skew=-120", -120), ("skew", 120), ("backdated=600", -10)] {
        let visit = Visit::new(quirks);
        let (lesson, pupil, _) = visit.lesson();
        let lesson = lesson.id.to_string();
        visit.act(Act::Absent { pupil: pupil.clone(), lesson: lesson.clone(), reported: true });
        let rows = visit.rows(&format!("attendances?calendarEvent={lesson}")).await;
        let modified = rows[0]["meta"]["modified"].as_str().expect("a moment");
        let modified: Timestamp = modified.parse().expect("a moment");
        let off = modified.duration_since(clock.now()).as_secs_f64() / 60.0;
        assert!((off - f64::from(minutes)).abs() < 1.0, "{quirks}: {off}");
    }
}

#[tokio::test]
async fn a_directory_serves_nothing_else() {
    for (quirks, subscriptions) in [("ist", 404), ("edlevo", 200), ("schoolsoft", 404)] {
        let visit = Visit::new(quirks);
        for path in ["attendances", "absences", "calendarEvents"] {
            assert_eq!(visit.get(path).await.0, 404, "{quirks}: {path}");
        }
        assert_eq!(visit.get("subscriptions").await.0, subscriptions, "{quirks}");
        assert_eq!(visit.get("persons").await.0, 200, "{quirks}");
    }
}

#[tokio::test]
async fn employments_are_at_the_school_above_the_unit_at_edlevo() {
    for (quirks, kind) in [("", "Skolenhet"), ("edlevo", "Skola")] {
        let visit = Visit::new(quirks);
        let duty = &visit.rows("duties").await[0];
        let place = duty["dutyAt"]["id"].as_str().expect("an id");
        let (_, place) = visit.get(&format!("organisations/{place}")).await;
        assert_eq!(place["organisationType"], kind, "{quirks}");
    }
}

#[tokio::test]
async fn rows_are_there_before_the_register_or_only_after_it() {
    let visit = Visit::new("prefilled");
    let (lesson, ..) = visit.lesson();
    let path = format!("attendances?calendarEvent={}", lesson.id);
    let rows = visit.rows(&path).await;
    assert_eq!(rows.len(), lesson.pupils.len());
    assert!(rows.iter().all(|row| row["isReported"] == false));
    assert!(rows.iter().all(|row| row.get("attendanceMinutes").is_none()));
    let visit = Visit::new("reported-only");
    let (lesson, pupil, _) = visit.lesson();
    let path = format!("attendances?calendarEvent={}", lesson.id);
    let lesson = lesson.id.to_string();
    visit.act(Act::Absent { pupil, lesson: lesson.clone(), reported: false });
    assert!(visit.rows(&path).await.is_empty());
    visit.act(Act::Report { lesson });
    assert!(!visit.rows(&path).await.is_empty());
}
