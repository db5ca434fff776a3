//! The attendance team: one mail when a lesson ends without the pupil, with all that a person and a
//! program need; the teacher's report; and what puts it right.

use jiff::SignedDuration;
use serde_json::{Value, json};
use upprop::env::{Clock as _, SystemClock};

use crate::inlet::send;
use crate::world::{Setup, TEAM, World};

fn report(world: &World, of: &Value, note: Option<&str>) -> Value {
    let mut report = json!({
        "type": "lesson.report", "id": world.event_id(), "school": "s1", "pupil": of["pupil"],
        "lesson": of["lesson"], "reported_by": "t-17",
    });
    if let Some(note) = note {
        report["note"] = note.into();
    }
    report
}

/// The attachment of a mail, which is what its published schema says.
async fn case(world: &World, mail: &upprop::sim::sink::Received) -> Value {
    let [attached] = mail.attachments.as_slice() else { panic!("one: {:?}", mail.attachments) };
    assert_eq!((&*attached.name, &*attached.content_type), ("case.json", "application/json"));
    let case: Value = serde_json::from_str(attached.text.as_deref().expect("UTF-8")).expect("JSON");
    let schema = send(world, "GET /schemas/case.json", &[], "").await;
    assert_eq!(schema.status, 200);
    let validator = jsonschema::validator_for(&schema.json()).expect("a schema");
    assert!(validator.is_valid(&case), "{case:#}");
    assert!(!validator.is_valid(&json!({"version": 1})), "the schema asks for something");
    case
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lesson_that_ends_without_the_pupil_is_one_mail() {
    let world = Setup::default().start().await;
    let now = SystemClock::new().now();
    let [start, end] = [now - SignedDuration::from_mins(50), now + SignedDuration::from_secs(4)];
    let mut event = world.marked_between("alva", "l1", "unexcused", start, end);
    event["lesson"]["label"] = "Ma 7B".into();
    world.accept(&event).await;
    let all = world.messages(3).await;
    assert_eq!(World::texts(&all).len(), 2);
    let mail = &World::mails(&all)[0];
    assert_eq!(mail.to, TEAM);
    assert!(mail.received_at >= end, "not before the lesson's end");
    let subject = mail.subject.as_deref().unwrap_or_default();
    assert!(subject.starts_with("Ej anlänt: 1 elev, ärende "), "no name outside: {subject}");
    for words in ["Alva Test", "7B", "Ma 7B", "Vuxen Test", "Ring vårdnadshavarna i dag."] {
        assert!(mail.text.contains(words), "{words}: {}", mail.text);
    }
    let case = case(&world, mail).await;
    assert_eq!((&case["kind"], &case["pupil"]), (&json!("team-alert"), &json!("alva")));
    assert_eq!(case["reason"], "not-arrived-by-lesson-end");
    assert_eq!(case["lessons"][0]["mark"], "unexcused");
    assert!(subject.ends_with(case["case"].as_str().expect("a number")));
    let phones: Vec<_> =
        case["guardians"].as_array().expect("an array").iter().map(|g| &g["phone"]).collect();
    assert_eq!(phones, ["+46701740605", "+46701740606"]);
    // Said again, and closed: one mail all the same.
    world.accept(&world.marked_between("alva", "l1", "unexcused", start, end)).await;
    world.accept(&report(&world, &event, None)).await;
    world.quiet(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_before_the_end_is_no_case() {
    let world = Setup::default().start().await;
    let now = SystemClock::new().now();
    let [start, end] = [now - SignedDuration::from_mins(50), now + SignedDuration::from_secs(4)];
    world.accept(&world.marked_between("nils", "l1", "unexcused", start, end)).await;
    world.accept(&world.marked_between("nils", "l1", "late", start, end)).await;
    // Another pupil of the same lesson, who did not: whose mail shows that the end has passed.
    world.accept(&world.marked_between("mail", "l1", "unexcused", start, end)).await;
    let all = within_end(&world).await;
    let team: Vec<_> = all.iter().filter(|m| m.to == TEAM).collect();
    assert_eq!(team.len(), 1);
    assert!(team[0].text.contains("Maj Test"), "{}", team[0].text);
    let before = all.len();
    world.quiet(before).await;
}

async fn within_end(world: &World) -> Vec<std::sync::Arc<upprop::sim::sink::Received>> {
    let met = world.sink.until(|all| all.iter().any(|m| m.to == TEAM));
    crate::world::within("the team's mail", met).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_teachers_report_is_a_case_at_once_and_guardians_hear_nothing_new() {
    let world = Setup::default().start().await;
    let event = world.marked("nils", "l1", "unexcused", 5);
    world.accept(&report(&world, &event, Some("Sågs i korridoren.\nGick ut."))).await;
    let all = world.messages(1).await;
    assert_eq!(all[0].to, TEAM);
    let first = case(&world, &all[0]).await;
    assert_eq!(first["reason"], "reported-by-teacher");
    assert_eq!(first["lessons"][0]["reported-by"], "t-17");
    assert_eq!(first["lessons"][0]["note"], "Sågs i korridoren.\nGick ut.");
    assert!(all[0].text.contains("Sågs i korridoren. Gick ut."), "{}", all[0].text);
    // The mark comes after: the guardian is told, and not the note.
    world.accept(&event).await;
    let all = world.messages(2).await;
    assert_eq!(all[1].to, "+46701740607");
    assert!(!all[1].text.contains("korridoren"));
    // The note again adds nothing; another note adds one mail in the same thread.
    world.accept(&report(&world, &event, Some("Sågs i korridoren.\nGick ut."))).await;
    world.accept(&report(&world, &event, Some("Har åkt hem."))).await;
    let all = world.messages(3).await;
    let subject = all[2].subject.as_deref().unwrap_or_default();
    assert!(subject.starts_with("[Komplettering] Ej anlänt"), "{subject}");
    assert_eq!(all[2].headers["References"], all[0].headers["References"]);
    assert_eq!(case(&world, &all[2]).await["case"], first["case"]);
    world.quiet(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_there_after_all_is_taken_back_with_the_team_too() {
    let world = Setup::default().start().await;
    world.accept(&world.marked("alva", "l1", "unexcused", 3700)).await;
    world.messages(3).await;
    world.accept(&world.marked("alva", "l1", "present", 3700)).await;
    let all = world.messages(6).await;
    let mails = World::mails(&all);
    let subject = mails[1].subject.as_deref().unwrap_or_default();
    assert!(subject.starts_with("[Rättelse] Ej anlänt: 1 elev"), "{subject}");
    let put_right = case(&world, &mails[1]).await;
    assert_eq!(
        (&put_right["kind"], &put_right["correction"]),
        (&json!("correction"), &json!("was-there"))
    );
    world.accept(&world.marked("alva", "l1", "present", 3700)).await;
    world.quiet(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_register_alone_tells_nobody() {
    let world = Setup::default().start().await;
    let event = world.marked("nils", "l1", "unexcused", 3700);
    let closed = json!({
        "type": "register.closed", "id": world.event_id(), "school": "s1",
        "lesson": event["lesson"], "closed_at": event["recorded_at"], "closed_by": "t-17",
    });
    world.accept(&closed).await;
    let (status, answer) = world.post(&closed).await;
    assert_eq!((status, answer["duplicate"].as_u64()), (202, Some(1)));
    world.quiet(0).await;
}
