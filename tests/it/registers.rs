//! Registers that are not taken, with a schedule from files: the teacher is asked once, the team is told at the
//! lesson's end and once more when the register comes after all, through a kill in between; nobody hears of lessons
//! that are taken, cancelled or empty, and no guardian of any.

use std::fmt::Write as _;
use std::fs;

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::Value;
use upprop::env::{Clock as _, SystemClock};

use crate::world::{DEADLINE, Setup, TEAM, World, soon, upprop};

const TEACHER: &str = "+46701740650";

fn told(world: &World, args: &[&str], code: i32) -> String {
    let config = world.config();
    let all = [args, &["--config", config.to_str().expect("a path")]].concat();
    let (found, out, err) = upprop(&all);
    assert_eq!((found, err.as_str()), (code, ""), "{args:?}\n{out}");
    out
}

/// A class of young pupils, one of them protected, and a teacher.
fn people(world: &World) {
    let dir = world.folder.path().join("directory");
    let pupils = fs::read_to_string(dir.join("pupils.csv")).expect("pupils");
    let mut young = String::new();
    for (at, line) in pupils.lines().enumerate() {
        let more = if at == 0 { ",groups,year" } else { ",grp-7b,2" };
        let _ = writeln!(young, "{line}{more}");
    }
    fs::write(dir.join("pupils.csv"), young).expect("pupils");
    let staff = format!("id,school,role,name,email,phone\nt1,s1,teacher,Kim Holm,,{TEACHER}\n");
    fs::write(dir.join("staff.csv"), staff).expect("staff");
}

fn plan(world: &World, lessons: &[(&str, &str, bool)], start: Timestamp, end: Timestamp) {
    let mut text = String::from("lesson,start,end,groups,label,teachers,cancelled\n");
    for (id, groups, cancelled) in lessons {
        let cancelled = if *cancelled { "yes" } else { "no" };
        let _ = writeln!(text, "{id},{start},{end},{groups},Ma 2A,t1,{cancelled}");
    }
    let folder = world.folder.path().join("files");
    fs::write(folder.join("schedule.part"), text).expect("a file");
    fs::rename(folder.join("schedule.part"), folder.join("schedule.csv")).expect("in its place");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untaken_register_is_asked_for_and_told_of_once_through_a_kill() {
    let extra =
        "[drop.filer]\nfolder = \"files\"\ngives = [\"schedule\"]\npoll = \"1s\"\nstill = \"1s\"\n";
    let school = "register-after = \"1s\"\n".to_owned();
    let mut world = Setup { extra: extra.into(), school, ..Setup::default() }.prepare();
    people(&world);
    fs::create_dir_all(world.folder.path().join("files")).expect("folder");
    world.start().await;
    let now = SystemClock::new().now();
    let second = SignedDuration::from_secs(1);
    // Far enough for a busy machine to have read the file before.
    let (start, end) = (now + second * 20, now + second * 32);
    let lessons = [
        ("untaken", "grp-7b", false),
        ("taken", "grp-7b", false),
        ("cancelled", "grp-7b", true),
        ("empty", "grp-none", false),
    ];
    plan(&world, &lessons, start, end);
    world.logged("schedule.csv", 1).await;
    world.accept(&world.marked_between("nils", "taken", "present", start, end)).await;

    let all = world.messages(1).await;
    let texts = World::texts(&all);
    assert_eq!(texts[0].0, TEACHER);
    assert!(texts[0].1.contains("Ma 2A"), "{texts:?}");
    world.kill();
    world.start().await;
    let all = world.messages(2).await;
    let mails = World::mails(&all);
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, TEAM));
    let why = told(&world, &["why", "--lesson", "untaken"], 0);
    for words in [
        "notify member:t1: the lesson goes on and its register is not taken",
        "notify staff:AttendanceTeam: the lesson is over and its register was not taken",
        "not taken when the lesson was over",
        "ACCEPTED",
    ] {
        assert!(why.contains(words), "{words:?} is not in:\n{why}");
    }
    world.accept(&world.marked_between("nils", "untaken", "present", start, end)).await;
    let all = world.messages(3).await;
    assert_eq!(World::mails(&all).len(), 2, "{}", world.shown());
    world.accept(&world.marked_between("alva", "untaken", "present", start, end)).await;
    world.quiet(3).await;
    let shown = world.shown();
    for name in ["Hemlig", "Nora"] {
        assert!(!shown.contains(name), "{name} is named:\n{shown}");
    }

    let taken = told(&world, &["why", "--lesson", "taken"], 0);
    assert!(taken.contains("taken in time"), "{taken}");
    assert!(told(&world, &["why", "--lesson", "cancelled"], 0).contains("cancelled"));
    let empty = told(&world, &["why", "--lesson", "empty"], 0);
    assert!(empty.contains("no pupil is to come to the lesson"), "{empty}");
    assert!(
        told(&world, &["why", "--lesson", "none"], 1).contains("Nothing is known of lesson none")
    );
    let status: Value =
        serde_json::from_str(&told(&world, &["status", "--json"], 0)).expect("JSON");
    let registers = &status["schools"][0]["registers"];
    assert_eq!((&registers["in-time"], &registers["untaken"]), (&1.into(), &1.into()), "{status}");
    let statistics = told(&world, &["statistics"], 0);
    assert!(statistics.contains("50 %  registers taken in time"), "{statistics}");
}

/// Waits until the trail of a lesson's register says `words` so many times.
async fn said(world: &World, lesson: &str, words: &str, times: usize) {
    let clock = SystemClock::new();
    let met = async {
        loop {
            let config = world.config();
            let config = config.to_str().expect("a path");
            let (_, out, _) = upprop(&["why", "--lesson", lesson, "--config", config]);
            if out.matches(words).count() >= times {
                return;
            }
            clock.sleep_until(soon(&clock)).await;
        }
    };
    let met = tokio::time::timeout(DEADLINE, met).await;
    assert!(met.is_ok(), "waited for {times} times {words:?}:\n{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_register_is_asked_for_on_a_closed_day_or_of_a_class_that_is_on_a_trip() {
    let zone = jiff::tz::TimeZone::get("Europe/Stockholm").expect("zone");
    let today = SystemClock::new().now().to_zoned_datetime(zone).date();
    let (from, to) = (today - 1.day(), today + 1.day());
    for (closed, words, times) in [
        (format!("{from}..{to}"), "no school day", 1),
        // At the time to begin it and at the end.
        ("2020-01-01".to_owned(), "no pupil is to come to the lesson", 2),
    ] {
        let extra = format!(
            "[drop.filer]\nfolder = \"files\"\ngives = [\"schedule\"]\npoll = \"1s\"\nstill = \"1s\"\n\
             [calendars.year]\nclosed = [\"{closed}\"]\n"
        );
        let school = "register-after = \"1s\"\ncalendar = \"year\"\n".to_owned();
        let mut world = Setup { school, extra, ..Setup::default() }.prepare();
        people(&world);
        fs::create_dir_all(world.folder.path().join("files")).expect("folder");
        world.start().await;
        if times == 2 {
            let (from, to) = (from.to_string(), to.to_string());
            let add = ["silence", "add", "--school", "s1", "--class", "7B", "--reason", "museum"];
            told(&world, &[&add[..], &["--from", &from, "--to", &to]].concat(), 0);
        }
        let now = SystemClock::new().now();
        let second = SignedDuration::from_secs(1);
        let (start, end) = (now + second * 15, now + second * 18);
        plan(&world, &[("untaken", "grp-7b", false)], start, end);
        said(&world, "untaken", words, times).await;
        world.accept(&world.marked("hemlig", "l1", "unexcused", 5)).await;
        // The duty about the protected pupil alone.
        world.messages(1).await;
    }
}
