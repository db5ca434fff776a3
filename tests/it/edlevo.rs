//! Edlevo's Absence API as a source: what was so at first contact is known, what is new is told once, what changes
//! is put right, what is gone is taken back, and an answer that cannot be right changes nothing and is shown.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use jiff::SignedDuration;
use serde_json::Value;
use upprop::env::{Clock as _, SystemClock};

use crate::fake_edlevo::{COMMENT, Event, FakeEdlevo, KEY};
use crate::metrics::scrape;
use crate::world::{Setup, World, soon, upprop, within};

/// A daemon that asks, and what it asks.
async fn school(key: &str) -> (World, FakeEdlevo) {
    let fake = FakeEdlevo::default();
    let (url, _) = fake.start().await;
    let extra = format!(
        "[edlevo.edl]\nurl = \"{url}\"\nauth = \"none\"\nkey-file = \"secrets/edlevo\"\n\
         operations = [\"GetCompulsorySchoolAbsence\"]\nschools = {{ s1 = \"unit-1\" }}\npoll = \"1s\"\n"
    );
    let world = Setup { extra, ..Setup::default() }.prepare();
    let file = world.folder.path().join("secrets/edlevo");
    fs::write(&file, key).expect("a key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("mode");
    (world, fake)
}

fn marked(pupil: &'static str, lesson: &'static str, reason: &'static str) -> Event {
    let start = SystemClock::new().now() - SignedDuration::from_secs(30);
    Event { pupil, lesson, reason, minutes: 60, start }
}

fn told(world: &World, args: &[&str]) -> String {
    let config = world.config();
    let args = [args, &["--config", config.to_str().expect("a path")]].concat();
    let (_, out, err) = tokio::task::block_in_place(|| upprop(&args));
    assert!(!out.contains(KEY) && !err.contains(KEY), "the key is told:\n{out}{err}");
    assert_eq!(err, "", "{args:?}\n{out}");
    out
}

/// Waits until `status` says something, or no more.
async fn status_says(world: &World, words: &str, is: bool) -> String {
    let clock = SystemClock::new();
    within(words, async {
        loop {
            let out = told(world, &["status"]);
            if out.contains(words) == is {
                return out;
            }
            clock.sleep_until(soon(&clock)).await;
        }
    })
    .await
}

/// The mark in force of a pupil at a lesson; empty: it is not known.
fn mark(world: &World, pupil: &str, lesson: &str) -> String {
    let why: Value = serde_json::from_str(&told(world, &["why", pupil, "--json"])).expect("JSON");
    let days = why["days"].as_array().expect("days").iter();
    let schools = days.flat_map(|day| day["schools"].as_array().expect("schools"));
    let mut lessons = schools.flat_map(|school| school["lessons"].as_array().expect("lessons"));
    let found = lessons.find(|found| found["id"] == *lesson);
    found.and_then(|found| found["mark"].as_str()).unwrap_or_default().to_owned()
}

async fn marked_as(world: &World, pupil: &str, lesson: &str, expected: &str) {
    let clock = SystemClock::new();
    within(expected, async {
        while mark(world, pupil, lesson) != expected {
            clock.sleep_until(soon(&clock)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_is_told_once_and_what_is_gone_is_taken_back() {
    let (mut world, fake) = school(KEY).await;
    let known = marked("nils", "l0", "Invalid");
    let there = ["a1", "a2", "a3", "a4"].map(|lesson| marked("alva", lesson, "Present"));
    let with = |more: &[Event]| [std::slice::from_ref(&known), &there[..], more].concat();
    fake.says(&with(&[marked("nobody", "l0", "Invalid")]));
    world.start().await;
    fake.again(2).await;
    let asked = fake.asked();
    let question = asked[0].strip_prefix("GetCompulsorySchoolAbsence?UnitId=unit-1&StartDate=");
    assert!(question.is_some_and(|rest| rest.contains("&EndDate=")), "{asked:?}");

    let missing = marked("alva", "l1", "Invalid");
    fake.says(&with(std::slice::from_ref(&missing)));
    let texts = World::texts(&world.messages(2).await);
    assert!(texts.iter().all(|(_, text)| text.contains("Alva")), "{texts:?}");
    fake.says(&with(&[Event { reason: "LateArrival", minutes: 12, ..missing.clone() }]));
    world.messages(4).await;
    marked_as(&world, "alva", "l1", "late").await;

    // A restart, and a power cut, tell nobody anything twice.
    assert_eq!(world.stop(), Some(0));
    world.start().await;
    fake.again(2).await;
    world.kill();
    world.start().await;
    fake.again(2).await;
    world.quiet(4).await;

    // One that a former process was told of is gone: taken back, and nobody has more to hear of it.
    fake.says(&with(&[]));
    marked_as(&world, "alva", "l1", "unknown").await;
    assert_eq!(mark(&world, "nils", "l0"), "unexcused", "what is still there stands");
    world.quiet(5).await;

    let log = world.log();
    for private in [COMMENT, KEY, "Alva", "nobody", "Matematik"] {
        assert!(!log.contains(private), "{private:?} is in the log:\n{log}");
    }
    let status = told(&world, &["status"]);
    for words in ["edl: last answered", "(edlevo: attendance)", "last news"] {
        assert!(status.contains(words), "{words:?} is not in:\n{status}");
    }
    assert_eq!(world.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_right_changes_nothing_and_is_shown() {
    let (mut world, fake) = school(KEY).await;
    world.start().await;
    fake.again(2).await;
    let all = ["l1", "l2", "l3"].map(|lesson| marked("nils", lesson, "Invalid"));
    fake.says(&all);
    // Three lessons at once: one of them is told in full, the others go with it or after it.
    marked_as(&world, "nils", "l3", "unexcused").await;
    let count = world.messages(3).await.len();

    fake.says(&[]);
    let out = status_says(&world, "WRONG (vanished)", true).await;
    assert!(out.contains("3 marks are gone at once"), "{out}");
    fake.again(3).await;
    assert_eq!(mark(&world, "nils", "l1"), "unexcused", "it is not believed");
    fake.says(&all);
    status_says(&world, "WRONG", false).await;

    for (status, body, kind) in [
        (200, "<html><body>Logga in, Alva</body></html>", "answer"),
        (200, "<!DOCTYPE p [<!ENTITY a \"b\">]><persons/>", "answer"),
        (200, "<persons><person>", "answer"),
        (500, "Alva", "unreachable"),
        (400, "Alva", "refused"),
        (403, "Alva", "not-let-in"),
    ] {
        fake.answers(status, body);
        let out = status_says(&world, &format!("WRONG ({kind})"), true).await;
        assert!(!out.contains("Alva"), "what an answer holds is not repeated:\n{out}");
        let metric = format!("upprop_source_trouble{{source=\"edl\",kind=\"{kind}\"}} 1");
        assert!(scrape(&world).await.contains(&metric), "{metric}");
        fake.says(&all);
        status_says(&world, "WRONG", false).await;
    }
    fake.ahead(SignedDuration::from_hours(2));
    let out = status_says(&world, "WRONG (clock)", true).await;
    assert!(out.contains("s ahead of ours"), "{out}");
    world.quiet(count).await;
    assert!(!world.log().contains("Alva"), "{}", world.log());
    assert_eq!(world.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_self_test_asks_it() {
    let (mut world, fake) = school(KEY).await;
    world.start().await;
    let config = world.config();
    let test = || {
        let args = ["self-test", config.to_str().expect("a path")];
        tokio::task::block_in_place(|| upprop(&args)).1
    };
    let out = test();
    assert!(out.contains("source edl: reached, and it lets us in"), "{out}");
    fake.answers(403, "");
    let out = test();
    assert!(out.contains("source edl: reached; we are not let in (403)"), "{out}");
    assert_eq!(world.stop(), Some(0));
    let (mut world, fake) = school("another-key-0123456789").await;
    world.start().await;
    fake.again(1).await;
    let out = status_says(&world, "WRONG (not-let-in)", true).await;
    assert!(out.contains("edl: has not answered yet"), "{out}");
}
