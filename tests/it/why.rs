//! `upprop why` tells of one day: what was sent, what was suppressed, what was corrected, what is in doubt
//! and what was refused; from the running daemon and from the store of one that stands still.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use upprop::env::{Clock as _, SystemClock};
use upprop::model::local_date;

use crate::faults::{http, silent};
use crate::world::{Setup, World, upprop};

/// Runs a question and gives its exit code and what it printed.
fn answered(world: &World, args: &[&str]) -> (i32, String) {
    let config = world.config();
    let (code, out, err) =
        upprop(&[args, &["--config", config.to_str().expect("a path")]].concat());
    assert_eq!(err, "", "{args:?}\n{out}");
    (code, out)
}

/// Runs a question that is answered, and gives what it printed.
fn asked(world: &World, args: &[&str]) -> String {
    let (code, out) = answered(world, args);
    assert_eq!(code, 0, "{args:?}\n{out}");
    out
}

fn document(world: &World, args: &[&str]) -> Value {
    serde_json::from_str(&asked(world, &[args, &["--json"]].concat())).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_corrected_suppressed_and_refused_is_told() {
    let mut world = Setup { faults: silent(), ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "sent", "unexcused", 5)).await;
    world.messages(1).await;
    world.accept(&world.marked("nils", "sent", "present", 5)).await;
    world.messages(2).await;
    world.accept(&world.marked("hemlig", "kept", "unexcused", 5)).await;
    world.accept(&world.marked("nils", "excused", "excused", 5)).await;
    let stranger = world.marked("nobody", "l", "unexcused", 5);
    let (status, _) = world.post(&stranger).await;
    assert_eq!(status, 422);
    // The protected pupil's task for staff.
    world.messages(3).await;
    world.accept(&world.marked("alva", "stands", "unexcused", 5)).await;
    world.messages(5).await;

    let nils = asked(&world, &["why", "nils"]);
    assert!(!nils.contains("service goal"), "nobody is missing any more:\n{nils}");
    for words in [
        "marked unexcused from src, event e1",
        "notify guardian:g-nils: missing without a valid reason",
        "ACCEPTED",
        "marked present from src",
        "correction of ",
        "what was told before is no longer true",
        "marked excused from src",
        "marked as excused",
    ] {
        assert!(nils.contains(words), "{words:?} is not in:\n{nils}");
    }
    assert!(!nils.contains("+46"), "a number is told:\n{nils}");
    let hemlig = asked(&world, &["why", "hemlig"]);
    assert!(hemlig.contains("protected personal data: nothing automatic leaves"), "{hemlig}");
    let nobody = asked(&world, &["why", "nobody"]);
    assert!(nobody.contains("Refused") && nobody.contains("is not in the directory"), "{nobody}");
    assert!(asked(&world, &["rejected"]).contains("pupil nobody"));
    let (code, out) = answered(&world, &["why", "no-such"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("Nothing is known of pupil no-such"), "{out}");
    assert_eq!(answered(&world, &["why", "no-such", "--json"]).0, 1);
    let (code, out) = answered(&world, &["why", "nils", "2020-01-01"]);
    assert!(code == 1 && out.contains("Nothing is known of that day"), "{out}");

    // The same from the store alone.
    let running = document(&world, &["why", "nils"]);
    assert_eq!(world.stop(), Some(0));
    assert_eq!(document(&world, &["why", "nils"]), running);
    let alva = asked(&world, &["why", "alva"]);
    for words in ["service goal: at the provider ", " s after upprop knew", "home was told at "] {
        assert!(alva.contains(words), "{words:?} is not in:\n{alva}");
    }
    let status = asked(&world, &["status"]);
    assert!(status.contains("does NOT run"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_held_in_doubt_is_told_and_may_be_sent_again() {
    // The answer is lost, and the provider's look-up cannot be relied on.
    let faults = http(&["drop-after-storing:next=1", "html-page:on=lookup"]);
    let world = Setup { faults, ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "doubt", "unexcused", 5)).await;
    world.messages(2).await;
    let told = asked(&world, &["why", "nils"]);
    assert!(told.contains("HELD") && told.contains("in-doubt"), "{told}");
    let queue = document(&world, &["queue"]);
    let id = queue["held"][0].as_str().expect("a held message").to_owned();
    let (code, _, words) =
        upprop(&["message", "retry", &id, "--config", world.config().to_str().expect("a path")]);
    assert_eq!(code, 2, "nobody is there to be asked: {words}");
    world.sink.set_faults(silent());
    let sent = document(&world, &["message", "retry", &id, "--yes"]);
    assert_eq!(sent["state"], "waiting", "{sent}");
    world.messages(3).await;
    world.logged("operator", 1).await;
    let told = asked(&world, &["why", "nils"]);
    assert!(told.contains("operator retry uid"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lessons_of_other_days_are_told_beside_the_day_something_was_heard() {
    let world = Setup::default().start().await;
    let zone = TimeZone::get("Europe/Stockholm").expect("zone");
    let now = SystemClock::new().now();
    let (hour, day) = (SignedDuration::from_hours(1), SignedDuration::from_hours(24));
    // Lessons of four former days, all heard of today; none is news any more but the first.
    for ago in 1..=4 {
        let start = now - day * ago - hour;
        let id = format!("ago-{ago}");
        world.accept(&world.marked_between("nils", &id, "excused", start, start + hour)).await;
    }
    let told = document(&world, &["why", "nils"]);
    let dates = |told: &Value| {
        let days = told["days"].as_array().expect("days");
        days.iter().map(|day| day["date"].as_str().expect("a date").to_owned()).collect::<Vec<_>>()
    };
    let date = |ago: i32| local_date(now - day * ago - hour, &zone).to_string();
    let all = [date(4), date(3), date(2), date(1)];
    assert_eq!(dates(&told), all, "the days of lessons that something was heard about: {told}");
    for (index, ago) in [(0, 4), (3, 1)] {
        let school = &told["days"][index]["schools"][0];
        assert_eq!(school["lessons"][0]["id"], format!("ago-{ago}"), "{told}");
        assert_eq!(school["trail"].as_array().map(Vec::len), Some(1), "each line once: {told}");
        assert_eq!(school["trail"][0]["lesson"], format!("ago-{ago}"), "{told}");
    }
    // Something without a lesson is heard today.
    let notice = json!({
        "type": "absence.notified", "id": world.event_id(), "school": "s1", "pupil": "nils",
        "from": (now - hour).to_string(), "to": (now + day).to_string(), "kind": "leave",
    });
    world.accept(&notice).await;
    let told = document(&world, &["why", "nils"]);
    let today = local_date(now, &zone).to_string();
    let shown = dates(&told);
    assert!(shown.contains(&today) && shown.contains(&date(1)), "{told}");
    assert_eq!(dates(&document(&world, &["why", "nils", "--days", "9"])), shown);
    let one = document(&world, &["why", "nils", &date(3)]);
    assert_eq!(dates(&one), [date(3)]);
    assert_eq!(
        dates(&document(&world, &["why", "nils", &date(3), "--days", "2"])),
        [date(4), date(3)]
    );

    let words = asked(&world, &["why", "nils"]);
    let local = |at: jiff::Timestamp| {
        at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    };
    let expected =
        format!("leave {} to {} (Europe/Stockholm), given", local(now - hour), local(now + day));
    assert!(words.contains("Advance notices") && words.contains(&expected), "{expected}\n{words}");
    let mut withdrawn = notice;
    (withdrawn["withdrawn"], withdrawn["id"]) = (true.into(), world.event_id().into());
    world.accept(&withdrawn).await;
    assert!(asked(&world, &["why", "nils"]).contains("WITHDRAWN"));
}
