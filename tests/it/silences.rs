//! `upprop silence`: nobody is told of a lesson in it, through a restart too; what waited is called back, what was told
//! is put right, and its end lets nothing old out.

use serde_json::Value;

use crate::world::{Setup, TEAM, World, upprop};
use jiff::ToSpan as _;
use upprop::env::{Clock as _, SystemClock};

const REASON: &str = "resa-till-museet-i-stan";

fn ran(world: &World, args: &[&str]) -> (i32, String) {
    let config = world.config();
    let all = [args, &["--config", config.to_str().expect("a path")]].concat();
    let (code, out, err) = upprop(&all);
    (code, out + &err)
}

fn done(world: &World, args: &[&str]) -> String {
    let (code, said) = ran(world, args);
    assert_eq!(code, 0, "{args:?}\n{said}\n{}", world.log());
    said
}

/// Adds a silence of a whole day before today until tomorrow; its id.
fn silence(world: &World, whom: &[&str]) -> String {
    let today = SystemClock::new().now().to_zoned_datetime(zone()).date();
    let (from, to) = ((today - 1.day()).to_string(), (today + 1.day()).to_string());
    let add = ["silence", "add", "--school", "s1", "--from", &from, "--to", &to];
    let said = done(world, &[&add[..], &["--reason", REASON, "--json"], whom].concat());
    let document: Value = serde_json::from_str(&said).expect("JSON");
    document["silence"]["id"].as_str().expect("an id").to_owned()
}

fn zone() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get("Europe/Stockholm").expect("zone")
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_a_silenced_pupil_until_it_ends_and_then_of_what_is_new() {
    let mut world = Setup::default().start().await;
    let id = silence(&world, &["--pupil", "alva"]);
    // Its lesson is over: guardians and team would be told at once.
    world.accept(&world.marked("alva", "l1", "unexcused", 3700)).await;
    world.quiet(0).await;
    let why = done(&world, &["why", "alva"]);
    assert!(why.contains("the school has asked for silence"), "{why}");
    assert!(why.contains(&format!("\n            silence {id}\n")), "{why}");
    assert!(why.contains(&format!("  silence {id} by uid ")) && why.contains(REASON), "{why}");
    world.kill();
    world.start().await;
    assert!(done(&world, &["status"]).contains("silences in force: 1"));
    world.accept(&world.marked("alva", "l2", "unexcused", 5)).await;
    world.quiet(1).await;

    let list = done(&world, &["silence", "list"]);
    for words in [id.as_str(), REASON, "pupil alva of school s1", "by uid "] {
        assert!(list.contains(words), "{words} is not in\n{list}");
    }
    assert!(done(&world, &["silence", "remove", &id]).contains("Removed: pupil alva"));
    assert!(done(&world, &["silence", "list", "--school", "s1"]).contains("No silence"));
    world.quiet(2).await;
    // Whoever asks afterwards is told which it was, and who ended it.
    let why = done(&world, &["why", "alva"]);
    assert!(why.contains(&format!("\n            silence {id}\n")), "{why}");
    assert!(why.contains(&format!("  silence-removed {id} by uid ")), "{why}");
    world.accept(&world.marked("alva", "l3", "unexcused", 5)).await;
    let to: Vec<String> = world.messages(5).await[3..].iter().map(|m| m.to.clone()).collect();
    assert!(to.iter().all(|to| to.starts_with("+4670174060")), "{to:?}");
    world.quiet(5).await;
    assert!(!world.log().contains(REASON), "the operator's words are not for the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_called_back_at_its_claim_and_what_was_told_is_put_right() {
    let world = Setup::default().start().await;
    world.accept(&world.marked("mail", "told", "unexcused", 5)).await;
    world.messages(1).await;
    done(&world, &["suspend", "--all", "--reason", "x", "--for", "1h", "--yes"]);
    world.accept(&world.marked("alva", "l1", "unexcused", 3700)).await;
    world.accept(&world.marked("hemlig", "l1", "unexcused", 5)).await;
    silence(&world, &["--class", "7B"]);
    done(&world, &["resume", "--all"]);
    // The duty that says nothing of a protected pupil is not silenced.
    let messages = world.messages(2).await;
    assert_eq!(messages[1].to, TEAM, "{}", world.shown());
    let why = done(&world, &["why", "alva"]);
    assert!(why.contains("the school has asked for silence"), "{why}");
    world.accept(&world.marked("mail", "told", "present", 5)).await;
    let messages = world.messages(3).await;
    assert_eq!(messages[2].to, "maj.g@hem.example", "{}", world.shown());
    world.accept(&world.marked("hemlig", "l2", "unexcused", 5)).await;
    world.messages(4).await;
}

/// A file of its own, after which there is what there was.
fn what_comes_again_is_not_dropped_and_an_import_can_be_tried_and_taken_back(world: &World) {
    let file = world.folder.path().join("weekly.ics");
    let event = |more: &str| format!("BEGIN:VEVENT\nSUMMARY:Simning 7B\n{more}\nEND:VEVENT\n");
    let events = [
        "DTSTART;TZID=W. Europe Standard Time:20200106T080000\nDURATION:PT2H\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU;UNTIL=20990601T000000Z",
        "DTSTART;TZID=\"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna\":20990504T090000\nDURATION:PT1H",
        "DTSTART;VALUE=DATE:20990506\nDTEND;VALUE=DATE:20990508",
        "DTSTART;VALUE=DATE:20200106\nRRULE:FREQ=WEEKLY;UNTIL=20200201",
    ];
    let text: String = events.map(event).concat();
    std::fs::write(&file, format!("BEGIN:VCALENDAR\nVERSION:2.0\n{text}END:VCALENDAR\n"))
        .expect("it");
    let import =
        ["silence", "import", file.to_str().expect("a path"), "--school", "s1", "--class", "7B"];
    let count = || {
        let list = done(world, &["silence", "list", "--json"]);
        let list: Value = serde_json::from_str(&list).expect("JSON");
        list["silences"].as_array().map(Vec::len)
    };
    let before = count();
    let (code, tried) = ran(world, &[&import[..], &["--dry-run"]].concat());
    let first =
        "\"Simning 7B\": class 7B of school s1, 2099-05-04 09:00 to 10:00 (Europe/Stockholm)";
    let second =
        "\"Simning 7B\": class 7B of school s1, 2099-05-06 to 2099-05-07 (Europe/Stockholm)";
    let again = "weekly.ics:3: it comes again; not taken; write `upprop silence add --school s1 --class 7B --from 2";
    let days = " --weekdays mon,tue --between 08:00-10:00 --reason TEXT`";
    for words in [first, second, again, days, "Nothing was added. Silences that would be: 2"] {
        assert!(code == 1 && tried.contains(words), "{words} is not in\n{code} {tried}");
    }
    assert!(tried.contains("events that are over: 1."), "{tried}");
    assert_eq!(count(), before, "{tried}");

    let (code, said) = ran(world, &import);
    assert!(code == 1 && said.contains(first) && said.contains("Silences: 2;"), "{code} {said}");
    assert_eq!(count(), before.map(|before| before + 2));
    let back = said.split("`upprop silence remove ").nth(1).and_then(|rest| rest.split('`').next());
    let ids: Vec<&str> = back.expect("how to take it back").split(' ').collect();
    let removed = done(world, &[&["silence", "remove"], &ids[..]].concat());
    assert_eq!((ids.len(), removed.matches("Removed: class 7B").count()), (2, 2), "{removed}");
    assert_eq!(count(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_that_cannot_be_meant_is_refused_in_words() {
    let mut world = Setup::default().start().await;
    let add = ["silence", "add", "--reason", "trip"];
    let refused = |world: &World, more: &[&str], words: &str| {
        let (code, said) = ran(world, &[&add[..], more].concat());
        assert!(code == 1 && said.contains(words), "{more:?}: {code} {said}");
    };
    let times = ["--from", "2099-01-01", "--to", "2099-01-02"];
    let at = |more: &[&'static str]| [&times[..], more].concat();
    refused(&world, &at(&["--school", "s9"]), "there are: s1");
    refused(&world, &at(&["--school", "s1", "--class", "7C"]), "it has: 7B");
    refused(&world, &at(&["--school", "s1", "--pupil", "nobody"]), "no pupil of that id");
    refused(&world, &at(&["--school", "s1", "--weekdays", "mån"]), "write mon, tue");
    refused(&world, &at(&["--school", "s1", "--between", "8"]), "08:00-10:00");
    let back = ["--school", "s1", "--from", "2099-01-02", "--to", "2099-01-01"];
    refused(&world, &back, "before it begins");
    let long_ago = ["--school", "s1", "--from", "2020-01-01", "--to", "2020-01-02"];
    refused(&world, &long_ago, "is past");
    // A Saturday.
    let never =
        ["--school", "s1", "--from", "2099-12-05", "--to", "2099-12-05", "--weekdays", "mon"];
    refused(&world, &never, "it would never hold");
    for bad in ["", "12"] {
        let (code, said) = ran(&world, &["silence", "remove", bad]);
        assert!(code == 2 && said.contains("twelve digits"), "{code} {said}");
    }
    let (code, said) = ran(&world, &["silence", "remove", "0123456789ab"]);
    assert!(code == 1 && said.contains("upprop silence list"), "{code} {said}");
    assert!(done(&world, &["silence", "list"]).contains("No silence"));

    // Of a calendar file: what is not understood is told, and what is over is not taken.
    let file = world.folder.path().join("trips.ics");
    let event = |more: &str| format!("BEGIN:VEVENT\nSUMMARY:Skolresa\n{more}\nEND:VEVENT\n");
    let events = [
        "DTSTART;VALUE=DATE:20990504\nDTEND;VALUE=DATE:20990506",
        "DTSTART;VALUE=DATE:20200504",
        "DTSTART;TZID=Narnia:20990504T090000\nDURATION:PT1H",
    ];
    let events: String = events.map(event).concat();
    std::fs::write(&file, format!("BEGIN:VCALENDAR\nVERSION:2.0\n{events}END:VCALENDAR\n"))
        .expect("it");
    let import = ["silence", "import", file.to_str().expect("a path"), "--school", "s1"];
    for _ in 0..2 {
        let (code, said) = ran(&world, &import);
        assert!(code == 1 && said.contains("trips.ics:12: its TZID"), "{code} {said}");
        assert!(said.contains("Silences: 1; events that are over: 1"), "{said}");
    }
    what_comes_again_is_not_dropped_and_an_import_can_be_tried_and_taken_back(&world);
    let list = done(&world, &["silence", "list", "--json"]);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!(list["silences"].as_array().map(Vec::len), Some(1), "{list}");

    // Without a daemon it is the same, but that nobody knows the directory.
    assert_eq!(world.stop(), Some(0));
    refused(&world, &at(&["--school", "s9"]), "there are: s1");
    silence(&world, &["--class", "7B"]);
    world.start().await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    world.accept(&world.marked("hemlig", "l1", "unexcused", 5)).await;
    assert_eq!(world.messages(1).await[0].to, TEAM);
    let out = world.folder.path().join("out.json");
    let out = out.to_str().expect("a path");
    silence(&world, &["--pupil", "alva"]);
    done(&world, &["export", "alva", "--school", "s1", "--out", out]);
    assert!(std::fs::read_to_string(out).expect("a file").contains(REASON));
    done(&world, &["forget", "alva", "--school", "s1", "--yes"]);
    let list = done(&world, &["silence", "list"]);
    assert!(list.contains("class 7B") && !list.contains("alva"), "{list}");
}
