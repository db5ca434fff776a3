//! A ladder of the real daemon: an unexcused absence is a duty of which the team is mailed a pointer; it is listed, taken
//! on, ticked and documented by command, and `why`, `ladder explain` and `ladder preview` say what came of what.

use std::fs;

use serde_json::Value;

use crate::world::{Setup, TEAM, World, upprop};

/// Each unexcused lesson is phoned about.
pub const LADDER: &str = r#"
name = "trappan"
title = { sv = "Trappan", en = "The ladder" }
from = 2026-01-01
source = "A test."

[[step]]
id = "first"
title = { sv = "Ogiltig lektion", en = "Unexcused lesson" }
when = { every = "unexcused", unit = "lesson" }
[[step.duty]]
id = "call"
owner = "attendance-team"
do = { sv = "Ring hem.", en = "Phone home." }
due = "2 school days"
done = "home-reached"
if-not-done = "principal"
documents = { where = { sv = "elevloggen", en = "the pupil log" }, tell = ["student-health-team"] }

[[example]]
title = "one"
absent = ["2026-09-14 08.20-09.20 unexcused"]
expect = ["2026-09-14 first"]
"#;

/// A world whose school follows a ladder.
pub async fn world(school: &str) -> World {
    let setup = Setup {
        extra: "[ladders]\nfiles = [\"ladder.toml\"]\n".into(),
        school: format!("ladder = [\"trappan\"]\n{school}"),
        ..Setup::default()
    };
    let mut world = setup.prepare();
    fs::write(world.folder.path().join("ladder.toml"), LADDER).expect("a ladder");
    let staff = "id,school,role,name,email,phone\n\
                 r,s1,principal,,rektor@skola.example,\n\
                 h,s1,student-health-team,,halsa@skola.example,\n";
    fs::write(world.folder.path().join("directory/staff.csv"), staff).expect("staff");
    world.start().await;
    world
}

/// Runs a command against the world's daemon; what it says.
pub fn done(world: &World, args: &[&str]) -> String {
    let config = world.config();
    let all = [args, &["--config", config.to_str().expect("a path")]].concat();
    let (code, out, err) = upprop(&all);
    assert_eq!(code, 0, "{args:?}\n{out}{err}\n{}", world.log());
    out
}

/// The duties as a document.
pub fn duties(world: &World, more: &[&str]) -> Vec<Value> {
    let said = done(world, &[&["duty", "list", "--json"], more].concat());
    let document: Value = serde_json::from_str(&said).expect("JSON");
    document["duties"].as_array().expect("duties").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absence_is_a_duty_that_is_listed_taken_ticked_and_documented() {
    let world = world("").await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    // Two guardians, and the team's duty.
    let messages = world.messages(3).await;
    let mail = messages.iter().find(|m| m.to == TEAM).expect("a mail");
    let [duty] = &duties(&world, &["--school", "s1"])[..] else { panic!("one duty") };
    let number = duty["number"].as_str().expect("a number").to_owned();
    for part in ["Att göra", "Ring hem.", "elevloggen", "Trappan, version 2026-01-01", &number] {
        assert!(mail.text.contains(part), "{part} in {}", mail.text);
    }
    for secret in ["Alva", "alva", "7B", "070"] {
        assert!(!mail.text.contains(secret), "{secret} in {}", mail.text);
    }
    assert_eq!((duty["state"].as_str(), duty["pupil"].as_str()), (Some("open"), Some("alva")));

    // Whoever types it in small letters means the same.
    let taken = done(&world, &["duty", "take", &number.to_lowercase(), "--by", "Anna"]);
    assert!(taken.contains("taken") && taken.contains("taken on by Anna"), "{taken}");
    let why = "pratade med pappa";
    done(&world, &["duty", "done", &number, "--by", "Anna", "--why", why]);
    assert!(duties(&world, &[]).is_empty(), "only open ones are listed");
    assert!(duties(&world, &["--overdue", "--all"]).is_empty());
    let (code, _, err) =
        upprop(&["duty", "done", &number, "--config", world.config().to_str().expect("a path")]);
    assert!(code == 1 && err.contains("nothing more is to be done"), "{code} {err}");
    done(&world, &["duty", "documented", &number]);
    let messages = world.messages(4).await;
    let told = messages.last().expect("a mail");
    assert!(told.to == "halsa@skola.example" && told.text.contains("elevloggen"), "{}", told.text);
    let shown = done(&world, &["duty", "show", &number]);
    for part in ["done", "documented", "by Anna", why, "taken on"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }

    let trail = done(&world, &["why", "alva"]);
    for part in ["ladder trappan of 2026-01-01, step first reached, because of", "duty "] {
        assert!(trail.contains(part), "{part} in {trail}");
    }
    assert!(!trail.contains(why), "what staff write is not in the trail: {trail}");
    let explained = done(&world, &["ladder", "explain", "s1", "alva"]);
    for part in ["Trappan (trappan, version 2026-01-01)", "reached ", &number, "by the next lesson"]
    {
        assert!(explained.contains(part), "{part} in {explained}");
    }
    done(&world, &["store", "check"]);
    assert!(!world.log().contains(why) && !world.log().contains("Anna"), "{}", world.log());
    world.quiet(4 + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_changed_ladder_would_affect_is_said_before_it_is_applied() {
    let world = world("").await;
    for (pupil, lesson) in [("alva", "l1"), ("nils", "l1"), ("alva", "l2")] {
        world.accept(&world.marked(pupil, lesson, "unexcused", 5)).await;
    }
    let changed = world.folder.path().join("changed.toml");
    let count =
        "{ count = \"unexcused\", unit = \"lesson\", at-least = 2, within = \"school-year\" }";
    let text = LADDER.replace("{ every = \"unexcused\", unit = \"lesson\" }", count);
    fs::write(&changed, text.replace("2026-01-01", "2026-08-01")).expect("a ladder");
    let file = changed.to_str().expect("a path");
    let said = done(
        &world,
        &["ladder", "preview", "--ladder", file, "--school", "s1", "--pupils", "--json"],
    );
    let document: Value = serde_json::from_str(&said).expect("JSON");
    let step = &document["schools"][0]["steps"][0];
    assert_eq!(
        (step["then"]["pupils"].as_u64(), step["now"]["pupils"].as_u64()),
        (Some(1), Some(2))
    );
    assert_eq!(step["now"]["times"].as_u64(), Some(3), "{said}");
    assert_eq!(step["left-out"], serde_json::json!(["nils"]), "{said}");
    assert_eq!(step["classes"]["7B"].as_u64(), Some(1));
    let words = done(&world, &["ladder", "preview", "--school", "s1"]);
    assert!(words.contains("trappan 2026-01-01, first") && words.contains("7B: 2"), "{words}");
    let words = done(&world, &["ladder", "preview", "--ladder", "plan", "--school", "s1"]);
    assert!(words.contains("plan 2026-08-01, each-unexcused"), "{words}");
    let config = world.config();
    let config = config.to_str().expect("a path");
    let (code, out, err) =
        upprop(&["ladder", "preview", "--school", "nowhere", "--config", config]);
    assert_eq!((code, out.as_str()), (78, ""), "{err}");
    assert!(err.contains("no school has that id: nowhere; there are: s1"), "{err}");
    assert_eq!(duties(&world, &[]).len(), 3, "nothing was written");
}
