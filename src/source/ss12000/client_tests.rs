//! The client against a source that answers by a script.

use std::num::NonZeroU32;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::fault::{Fault, Wrong};
use super::settings::{Quirks, Resource, Settings, never_more};
use super::testing::{Asked, Said, json as answer, scene, scene_on, settings, source, text};
use super::{Client, rows, types};
use crate::env::WireError;

async fn all(
    client: &Client,
    resource: Resource,
    query: &[(&str, &str)],
) -> Result<Vec<Value>, Fault> {
    let mut pages = client.pages(resource, query);
    let mut found = Vec::new();
    while let Some(page) = pages.next().await? {
        found.extend(page.iter().map(|row| row.value().expect("JSON")));
    }
    Ok(found)
}

fn row(n: u32) -> Value {
    json!({ "id": format!("r{n}"), "meta": { "modified": "2026-11-23T07:00:00Z" } })
}

/// Serves five rows, two at a time; `ends` is what the last page says instead of a token.
fn five(asked: &Asked, ends: &Value) -> Said {
    let page: u32 = asked.of("pageToken").map_or(0, |token| token.parse().expect("ours"));
    let rows: Vec<Value> = (page * 2..(page * 2 + 2).min(5)).map(row).collect();
    let token = if page == 2 { ends.clone() } else { json!((page + 1).to_string()) };
    let body = if token == json!("missing") {
        json!({ "data": rows })
    } else {
        json!({ "data": rows, "pageToken": token })
    };
    answer(200, &body)
}

#[tokio::test]
async fn pages_to_the_end_however_it_is_said() {
    for ends in [json!(null), json!(""), json!("missing")] {
        let scene = scene(settings(), move |asked| five(asked, &ends));
        let found = all(&scene.client, Resource::Groups, &[("organisation", "o 1")]).await;
        assert_eq!(found.expect("rows"), (0..5).map(row).collect::<Vec<_>>());
        let asked = scene.asked();
        let queries: Vec<_> = asked.iter().map(|a| a.query.len()).collect();
        assert_eq!(queries, [2, 2, 2], "the token goes alone with the limit");
        assert_eq!(asked[0].of("organisation"), Some("o 1"));
        assert!(asked.iter().all(|a| a.line == "GET /groups" && a.of("limit") == Some("2")));
        assert!(scene.troubles().is_empty());
    }
    let bare = scene(settings(), |_| answer(200, &json!([row(1)])));
    assert_eq!(all(&bare.client, Resource::Groups, &[]).await.expect("rows").len(), 1);
}

#[tokio::test]
async fn the_filters_go_with_the_token_where_the_server_wants_that() {
    let scene = scene(settings(), |asked| {
        if asked.of("startTime.onOrAfter").is_none() {
            return answer(400, &json!({ "code": "missing", "message": "startTime is required" }));
        }
        five(asked, &json!(null))
    });
    let query = [("startTime.onOrAfter", "2026-11-23T00:00:00Z")];
    for times in [4, 3] {
        let before = scene.asked().len();
        let found = all(&scene.client, Resource::CalendarEvents, &query).await;
        assert_eq!(found.expect("rows").len(), 5);
        assert_eq!(scene.asked().len() - before, times, "asked the other way once, and remembered");
    }
}

#[tokio::test]
async fn pages_that_do_not_end_are_stopped() {
    let same = scene(settings(), |_| answer(200, &json!({ "data": [row(1)], "pageToken": "x" })));
    let mut n = 0;
    let vain = scene(settings(), move |_| {
        n += 1;
        answer(200, &json!({ "data": [row(1)], "pageToken": n.to_string() }))
    });
    let neither = scene(settings(), |asked| match asked.of("pageToken") {
        None => answer(200, &json!({ "data": [row(1)], "pageToken": "x" })),
        Some(_) => answer(400, &json!({})),
    });
    for scene in [same, vain, neither] {
        let fault = all(&scene.client, Resource::Persons, &[]).await.expect_err("endless");
        assert!(matches!(&fault, Fault::Failed(wrong) if wrong.kind == "paging"), "{fault:?}");
        assert_eq!(scene.troubles(), ["paging"]);
        assert!(scene.asked().len() < 30);
    }
}

#[tokio::test]
async fn the_page_that_shows_that_there_is_no_end_is_given_all_the_same() {
    let scene = scene(settings(), |asked| match asked.of("pageToken") {
        None => answer(200, &json!({ "data": [row(1)], "pageToken": "x" })),
        Some(_) => answer(200, &json!({ "data": [row(2)], "pageToken": "x" })),
    });
    let mut pages = scene.client.pages(Resource::Persons, &[]);
    assert_eq!(pages.next().await.expect("page"), Some(vec![row(1).into()]));
    assert_eq!(pages.next().await.expect("page"), Some(vec![row(2).into()]));
    assert!(pages.next().await.is_err());
}

#[tokio::test]
async fn a_row_that_comes_twice_is_given_once_and_a_changed_one_twice() {
    let scene = scene(settings(), |_| {
        let changed = json!({ "id": "r1", "meta": { "modified": "2026-11-23T08:00:00Z" } });
        answer(200, &json!({ "data": [row(1), row(1), changed, { "x": 1 }, { "x": 1 }] }))
    });
    assert_eq!(all(&scene.client, Resource::Groups, &[]).await.expect("rows").len(), 3);
}

#[tokio::test]
async fn no_lessons_may_be_told_by_400_where_that_is_known() {
    let quirks = Quirks { empty_is_400: true };
    let nothing = |_: &Asked| answer(400, &json!({ "code": "404", "message": "No events found" }));
    let known = scene(Settings { quirks, ..settings() }, nothing);
    assert!(all(&known.client, Resource::CalendarEvents, &[]).await.expect("none").is_empty());
    assert_eq!(known.client.taken_as_empty(), 1);
    let elsewhere = all(&known.client, Resource::Groups, &[]).await;
    assert!(matches!(elsewhere, Err(Fault::BadRequest { status: 400, .. })), "{elsewhere:?}");
    let unknown = scene(settings(), nothing);
    assert!(all(&unknown.client, Resource::CalendarEvents, &[]).await.is_err());
    let wrong = scene(Settings { quirks, ..settings() }, |_| {
        answer(400, &json!({ "code": "bad", "message": "Invalid startTime" }))
    });
    let fault = all(&wrong.client, Resource::CalendarEvents, &[]).await.expect_err("a real one");
    let fault = wrong.client.give_up(Resource::CalendarEvents, fault);
    assert!(matches!(&fault, Fault::Failed(w) if w.what.contains("400 (bad)")), "{fault:?}");
    assert_eq!(wrong.troubles(), ["refused"]);
}

#[tokio::test]
async fn a_look_up_is_halved_without_waiting() {
    let scene = scene(settings(), |asked| {
        let ids = asked.ids("ids");
        if ids.len() > 1 {
            return answer(503, &json!({ "code": "too_large", "message": "" }));
        }
        let rows: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        // Some wrap the list, some do not.
        answer(200, &if ids[0] == "b" { json!({ "data": rows }) } else { json!(rows) })
    });
    let began = scene.asked().len();
    let ids = ["a", "b", "c", "d", "e"].map(str::to_owned);
    let mut lookup = scene.client.lookup(Resource::Persons, "ids", ids.clone(), &[]);
    let mut found = Vec::new();
    while let Some(rows) = lookup.next().await.expect("rows") {
        found.extend(rows.iter().map(|row| row.value().expect("JSON")));
    }
    let found: Vec<_> = found.iter().map(|row| row["id"].as_str().expect("id")).collect();
    assert_eq!(found, ids);
    let asked = scene.asked();
    let sizes: Vec<_> = asked[began..].iter().map(|asked| asked.ids("ids").len()).collect();
    assert_eq!(sizes, [4, 2, 1, 1, 2, 1, 1, 1]);
    assert!(asked.iter().all(|a| a.at == asked[0].at), "nobody waited");
    let mut again = scene.client.lookup(Resource::Persons, "ids", ids, &[]);
    again.next().await.expect("rows");
    assert_eq!(scene.asked().last().expect("asked").ids("ids").len(), 1, "remembered");
}

#[tokio::test]
async fn one_alone_that_is_too_much_is_waited_for() {
    let mut times = 0;
    let scene = scene(settings(), move |_| {
        times += 1;
        if times < 3 { text(503, "") } else { answer(200, &json!([])) }
    });
    let mut lookup = scene.client.lookup(Resource::Persons, "ids", ["a".to_owned()], &[]);
    lookup.next().await.expect("rows");
    let asked = scene.asked();
    let waited = asked.last().expect("asked").at.duration_since(asked[0].at);
    assert_eq!((asked.len(), waited), (3, SignedDuration::from_secs(12)));
    assert!(scene.troubles().is_empty(), "well again");
}

#[tokio::test]
async fn too_often_waits_as_the_source_says_or_as_is_usual() {
    for (header, expected) in [(Some("7"), 7), (None, 20)] {
        let mut times = 0;
        let scene = scene(settings(), move |_| {
            times += 1;
            let mut said = if times == 1 { text(429, "")? } else { answer(200, &json!([]))? };
            if let Some(header) = header {
                said.headers_mut().insert("retry-after", header.parse().expect("header"));
            }
            Ok(said)
        });
        all(&scene.client, Resource::Groups, &[]).await.expect("rows");
        let asked = scene.asked();
        assert_eq!(asked[1].at.duration_since(asked[0].at).as_secs(), expected);
        assert!(scene.troubles().is_empty());
    }
    let never = scene(settings(), |_| text(429, ""));
    assert!(all(&never.client, Resource::Groups, &[]).await.is_err());
    assert_eq!(never.troubles(), ["rate"]);
}

#[tokio::test]
async fn a_budget_holds_across_a_restart() {
    let rate = never_more(NonZeroU32::new(5).expect("5"), SignedDuration::from_mins(1));
    let limited = || Settings { budgets: [("groups".to_owned(), rate)].into(), ..settings() };
    let first = scene(limited(), |_| answer(200, &json!([])));
    for _ in 0..3 {
        all(&first.client, Resource::Groups, &[]).await.expect("rows");
        all(&first.client, Resource::Persons, &[]).await.expect("rows");
    }
    let second =
        scene_on(limited(), |_| answer(200, &json!([])), first.clock.clone(), first.kv.clone());
    for _ in 0..4 {
        all(&second.client, Resource::Groups, &[]).await.expect("rows");
    }
    let times: Vec<_> = first.asked().into_iter().chain(second.asked()).collect();
    let times: Vec<_> = times.iter().filter(|a| a.line == "GET /groups").map(|a| a.at).collect();
    let minute = SignedDuration::from_mins(1);
    for from in &times {
        let span = times.iter().filter(|at| *at >= from && at.duration_since(*from) < minute);
        assert!(span.count() <= 5);
    }
    assert_eq!(times[1].duration_since(times[0]).as_secs(), 12, "one at once, then spaced");
    assert_eq!(times[3].duration_since(times[2]).as_secs(), 12, "no fresh start");
}

#[tokio::test]
async fn waiting_ends_with_the_daemon() {
    let rate = never_more(NonZeroU32::MIN, SignedDuration::from_hours(1));
    let scene = scene(Settings { budgets: [("*".to_owned(), rate)].into(), ..settings() }, |_| {
        answer(200, &json!([]))
    });
    all(&scene.client, Resource::Groups, &[]).await.expect("rows");
    scene.stop.cancel();
    assert!(matches!(all(&scene.client, Resource::Groups, &[]).await, Err(Fault::Stopped)));
    assert_eq!(scene.asked().len(), 1);
}

#[tokio::test]
async fn a_long_wait_for_its_budget_is_told_until_it_is_over() {
    let rate = never_more(NonZeroU32::MIN, SignedDuration::from_hours(1));
    let budgets = || [("groups".to_owned(), rate)].into();
    let first = scene(Settings { budgets: budgets(), ..settings() }, |_| answer(200, &json!([])));
    all(&first.client, Resource::Groups, &[]).await.expect("rows");
    assert!(first.troubles().is_empty());
    first.stop.cancel();
    assert!(matches!(all(&first.client, Resource::Groups, &[]).await, Err(Fault::Stopped)));
    let found = first.contacts.of(&source()).troubles.remove("budget").expect("told");
    assert!(found.what.contains("/groups") && found.what.contains("08:00:00Z"), "{found:?}");
    assert!(found.remedy.contains("`budgets`"), "{found:?}");
    let second = scene(Settings { budgets: budgets(), ..settings() }, |_| answer(200, &json!([])));
    let told = Wrong::new("budget", found.what, found.remedy);
    second.client.tell(Resource::Groups, &told);
    all(&second.client, Resource::Groups, &[]).await.expect("rows");
    assert!(second.troubles().is_empty(), "it goes on");
    let short = never_more(NonZeroU32::MIN, SignedDuration::from_secs(50));
    let budgets = [("groups".to_owned(), short)].into();
    let third = scene(Settings { budgets, ..settings() }, |_| answer(200, &json!([])));
    all(&third.client, Resource::Groups, &[]).await.expect("rows");
    third.stop.cancel();
    assert!(all(&third.client, Resource::Groups, &[]).await.is_err());
    assert!(third.troubles().is_empty(), "that is what budgets are for");
}

#[tokio::test]
async fn what_is_no_list_is_not_taken_for_an_empty_one() {
    for body in [
        json!({ "data": null, "pageToken": null }),
        json!({ "pageToken": null }),
        json!({ "data": { "id": "r1" } }),
        json!(7),
        json!("none"),
        json!(null),
    ] {
        let mut times = 0;
        let said = body.clone();
        let scene = scene(settings(), move |_| {
            times += 1;
            answer(200, &if times < 5 { said.clone() } else { json!([]) })
        });
        let client = &scene.client;
        for _ in 0..2 {
            let fault = all(client, Resource::Attendances, &[]).await.expect_err("no list");
            assert!(matches!(&fault, Fault::Failed(wrong) if wrong.kind == "answer"), "{body}");
        }
        let known = scene.contacts.of(&source());
        assert_eq!((known.troubles["answer"].times, known.answered), (2, None), "{body}");
        let ids = ["a".to_owned()];
        let mut lookup = client.lookup(Resource::Attendances, "ids", ids, &[]);
        assert!(lookup.next().await.is_err(), "{body}");
        let after = "2026-11-23T06:00:00Z".parse().expect("time");
        let deleted = client.deleted(after, &["Attendance"]).await;
        // Lists of ids by what is gone are an object there.
        assert_eq!(deleted.is_err(), !body["data"].is_object(), "{body}");
        assert!(all(client, Resource::Attendances, &[]).await.expect("a list").is_empty());
        let known = scene.contacts.of(&source());
        assert!(known.answered.is_some(), "{body}");
        assert!(!known.troubles.get("answer").is_some_and(|t| t.what.contains("attendances")));
        client.deleted(after, &["Attendance"]).await.expect("nothing is gone");
        assert!(scene.troubles().is_empty(), "{body}");
    }
}

#[tokio::test]
async fn of_what_keeps_us_from_it_one_cause_is_told_at_a_time() {
    let mut times = 0;
    let scene = scene(settings(), move |_| {
        times += 1;
        match times {
            1 => Err(WireError::NotLetIn("the token endpoint says 401 invalid_client".into())),
            2..=5 => Err(WireError::NotSent("asking for a token: could not connect".into())),
            6 => Err(WireError::NotSent("TLS: invalid peer certificate: Expired".into())),
            _ => text(401, ""),
        }
    });
    for kind in ["token", "unreachable", "certificate", "not-let-in"] {
        all(&scene.client, Resource::Groups, &[]).await.expect_err(kind);
        assert_eq!(scene.troubles(), [kind]);
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_and_taken_back() {
    let mut times = 0;
    let scene = scene(settings(), move |asked| {
        times += 1;
        match (times, asked.line.as_str()) {
            (1, _) => Err(WireError::NotSent(
                "the token endpoint answers with a web page, not with a token".into(),
            )),
            (2, _) => Err(WireError::NotSent("TLS: invalid peer certificate: Expired".into())),
            (3, _) => text(200, "<html>"),
            (_, "GET /persons") => text(403, ""),
            _ => answer(200, &json!([])),
        }
    });
    for kind in ["token", "certificate", "answer"] {
        let fault = all(&scene.client, Resource::Groups, &[]).await.expect_err(kind);
        assert!(matches!(&fault, Fault::Failed(wrong) if wrong.kind == kind), "{fault:?}");
        assert!(scene.troubles().contains(&kind.to_owned()));
    }
    let fault = all(&scene.client, Resource::Persons, &[]).await.expect_err("403");
    assert!(matches!(fault, Fault::NotOffered { status: 403, .. }), "{fault:?}");
    scene.client.give_up(Resource::Persons, fault);
    all(&scene.client, Resource::Groups, &[]).await.expect("well");
    assert_eq!(scene.troubles(), ["not-let-in"], "groups say nothing of persons");
}

#[tokio::test]
async fn their_clock_is_known() {
    let scene = scene(settings(), |_| {
        let mut said = answer(200, &json!([]))?;
        let date = "Mon, 23 Nov 2026 09:00:00 GMT".parse().expect("header");
        said.headers_mut().insert("date", date);
        Ok(said)
    });
    all(&scene.client, Resource::Groups, &[]).await.expect("rows");
    assert_eq!(scene.contacts.of(&source()).clock_ahead_seconds, Some(7_200));
    assert!(scene.contacts.of(&source()).answered.is_some());
}

#[tokio::test]
async fn one_row_and_no_row_and_rows_that_we_make() {
    let scene = scene(settings(), |asked| match asked.line.as_str() {
        "GET /persons/p1" => answer(200, &json!({ "id": "p1" })),
        "POST /subscriptions" => answer(201, &json!({ "id": "s1" })),
        "PATCH /subscriptions/s1" => answer(200, &json!({ "id": "s1" })),
        "DELETE /subscriptions/s1" => text(204, ""),
        "POST /attendances" => text(500, ""),
        _ => text(404, ""),
    });
    let client = &scene.client;
    assert!(client.get(Resource::Persons, "p1", &[]).await.expect("row").is_some());
    assert!(client.get(Resource::Persons, "p/2", &[]).await.expect("none").is_none());
    assert_eq!(scene.asked().last().expect("asked").line, "GET /persons/p%2F2");
    let made = client.post(Resource::Subscriptions, &json!({ "name": "x" })).await;
    assert_eq!(made.expect("made").value().expect("JSON")["id"], "s1");
    let patched = client.patch(Resource::Subscriptions, "s1", None).await;
    assert!(patched.expect("there").is_some());
    assert!(client.patch(Resource::Subscriptions, "s2", None).await.expect("gone").is_none());
    assert!(client.delete(Resource::Subscriptions, "s1").await.expect("gone"));
    let before = scene.asked().len();
    assert!(client.post(Resource::Attendances, &json!({})).await.is_err());
    assert_eq!(scene.asked().len() - before, 1, "it may have been made: not made twice");
}

#[tokio::test]
async fn what_is_gone_is_told_under_both_spellings() {
    let scene = scene(settings(), |asked| match asked.of("pageToken") {
        None => answer(
            200,
            &json!({ "data": { "persons": ["p1", { "id": "p2" }], "activitites": ["a1"] },
                "pageToken": "2" }),
        ),
        Some(_) => answer(
            200,
            &json!({ "data": { "activities": ["a2"], "attendances": null }, "pageToken": null }),
        ),
    });
    let after = "2026-11-23T06:00:00Z".parse().expect("time");
    let found = scene.client.deleted(after, &["Person", "Activity"]).await.expect("ids");
    assert_eq!(found.persons.into_iter().collect::<Vec<_>>(), ["p1", "p2"]);
    assert_eq!(found.activities.into_iter().collect::<Vec<_>>(), ["a1", "a2"]);
    let asked = scene.asked();
    assert_eq!(asked[0].line, "GET /deletedEntities");
    let kinds: Vec<_> =
        asked[0].query.iter().filter(|(k, _)| k == "entities").map(|(_, v)| v.as_str()).collect();
    assert_eq!(kinds, ["Person", "Activity"], "the key is repeated");
}

#[test]
fn rows_of_both_versions_and_of_neither() {
    let mut bad = rows::Bad::default();
    let events: Vec<types::CalendarEvent> = rows::read(
        vec![
            json!({ "id": "e1", "startTime": "2026-11-23T08:10:00+01:00", "cancelled": null,
                "activity": null, "studentExceptions": null, "new": [1],
                "teacherExceptions": [null, { "duty": { "id": null }, "participates": false }],
                "_embedded": { "attendance": [{ "id": "t1", "calendareEvent": { "id": "e1" },
                    "student": { "id": "p1", "securityMarking": "sekretessmarkering" },
                    "isReported": true, "invalidAbsenceMinutes": -5, "validAbsenceMinutes": "7" }] } }).into(),
            json!({ "id": "e2", "startTime": "2026-11-23T08:10:00" }).into(),
            json!({ "id": "e3", "cancelled": "kanske" }).into(),
        ],
        &mut bad,
    );
    assert_eq!((events.len(), bad.count), (1, 2));
    let event = &events[0];
    assert_eq!(event.start_time, "2026-11-23T07:10:00Z".parse().ok());
    assert_eq!((event.teacher_exceptions.len(), event.embedded.activity.is_none()), (1, true));
    let mark = &event.embedded.attendance.as_ref().expect("marks")[0];
    assert_eq!(mark.calendar_event.as_ref().expect("lesson").id, "e1");
    assert_eq!((mark.invalid_absence_minutes, mark.valid_absence_minutes), (Some(-5), Some(7)));
    let student = mark.student.as_ref().expect("pupil");
    assert_eq!(student.security_marking, Some(types::SecurityMarking::Marked));
    let person: types::Person = serde_json::from_value(json!({
        "id": "p1", "securityMarking": null, "civicNo": null, "enrolments": [
            { "enrolledAt": "o1", "schoolYear": 7.0, "startDate": "2026-08-18T00:00:00+02:00" }],
        "phoneNumbers": ["070", { "number": 701_740_605 }], "emails": null,
        "responsibles": [{ "person": null, "relationType": "Morfar" }] }))
    .expect("a person");
    assert_eq!(person.enrolments[0].enroled_at.as_ref().expect("school").id, "o1");
    assert_eq!(person.enrolments[0].school_year, Some(7));
    assert_eq!(person.phone_numbers[0].value.as_deref(), Some("701740605"));
    let relation = person.responsibles[0].relation_type.as_ref().expect("one");
    assert_eq!(relation.as_str(), "Morfar");
    for (text, expected) in [
        (r#"{"modifiedEntites":["Attendance"],"deletedEntities":true}"#, (1, Some(true))),
        (r#"{"modifiedEntities":["Attendance","Absence"]}"#, (2, None)),
        (r#"{"deletedEntities":null,"x":1}"#, (0, None)),
    ] {
        let notice: types::Callback = serde_json::from_str(text).expect("a notice");
        assert_eq!((notice.modified.len(), notice.deleted_entities), expected, "{text}");
    }
}
