//! On a day that is no school day nobody is told that a pupil is missing; the mark is kept, and a corrected calendar
//! holds from its reload on.

use std::fs;

use jiff::{Timestamp, ToSpan as _, civil::Date};

use crate::world::{Setup, TEAM, World, upprop};
use upprop::env::{Clock as _, SystemClock};

fn day(ahead: i64) -> Date {
    let zone = jiff::tz::TimeZone::get("Europe/Stockholm").expect("zone");
    let now: Timestamp = SystemClock::new().now();
    now.to_zoned_datetime(zone).date() + ahead.days()
}

fn run(world: &World, args: &[&str]) -> (i32, String) {
    let config = world.config();
    let (code, out, err) =
        upprop(&[args, &["--config", config.to_str().expect("a path")]].concat());
    (code, out + &err)
}

/// Puts other days into the configuration, and has it read.
fn reload(world: &World, from: &str, to: &str) -> (i32, String) {
    let text = fs::read_to_string(world.config()).expect("the configuration");
    assert!(text.contains(from), "{text}");
    fs::write(world.config(), text.replace(from, to)).expect("written");
    tokio::task::block_in_place(|| run(world, &["reload"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_closed_day_nobody_is_told_and_from_the_corrected_calendar_on_everybody_is() {
    let closed = format!("closed = [\"{}..{}\"]\n", day(-1), day(1));
    let setup = Setup {
        extra: format!("[calendars.year]\n{closed}"),
        school: "calendar = \"year\"\n".into(),
        ..Setup::default()
    };
    let world = setup.start().await;
    // Its lesson is over: the team would be told too.
    world.accept(&world.marked("alva", "l1", "unexcused", 3700)).await;
    // What says nothing of a pupil leaves: nothing stands before it any more.
    world.accept(&world.marked("hemlig", "l1", "unexcused", 5)).await;
    assert_eq!(world.messages(1).await[0].to, TEAM, "{}", world.shown());
    let (_, why) = run(&world, &["why", "alva"]);
    assert!(run(&world, &["status"]).1.contains("NO SCHOOL DAY"));
    assert!(why.contains("no school day") && why.contains("unexcused"), "{why}");
    let named = format!(
        "No school that day, by the calendar in force: calendar year: `closed` has {}..{}",
        day(-1),
        day(1)
    );
    assert!(why.contains(&named), "{named} is not in\n{why}");

    let (code, said) = reload(&world, &closed, "closed = [\"2026-13-01\"]\n");
    assert!(code == 78 && said.contains("closed"), "{code} {said}");
    world.accept(&world.marked("alva", "l2", "unexcused", 5)).await;
    world.accept(&world.marked("hemlig", "l2", "unexcused", 5)).await;
    world.messages(2).await;
    let (code, said) = reload(&world, "closed = [\"2026-13-01\"]\n", "closed = [\"2020-01-01\"]\n");
    assert_eq!(code, 0, "{said}");
    // What was left out stays so; what is marked now is told.
    world.accept(&world.marked("alva", "l3", "unexcused", 5)).await;
    world.messages(4).await;
    world.quiet(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn days_come_from_a_calendar_file_and_check_tells_what_is_not_understood() {
    let setup = Setup {
        extra: "[calendars.year]\nfiles = [\"year.ics\"]\n".into(),
        school: "calendar = \"year\"\n".into(),
        ..Setup::default()
    };
    let mut world = setup.prepare();
    let event = |summary: &str, from: Date, to: Date, more: &str| {
        let (from, to) = (from.strftime("%Y%m%d"), to.strftime("%Y%m%d"));
        format!(
            "BEGIN:VEVENT\r\nUID:{summary}\r\nDTSTAMP:20260801T000000Z\r\nSUMMARY:{summary}\r\n\
             DTSTART;VALUE=DATE:{from}\r\nDTEND;VALUE=DATE:{to}\r\n{more}END:VEVENT\r\n"
        )
    };
    let file = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//SV\r\n{}{}{}{}END:VCALENDAR\r\n",
        event("Höstlov", day(-1), day(2), ""),
        event("Studiedag", day(40), day(41), "RRULE:FREQ=MONTHLY\r\n"),
        event("Skolfoto", day(50), day(51), ""),
        event("Studiedag 9C med Olov", day(60), day(61), ""),
    );
    fs::write(world.folder.path().join("year.ics"), &file).expect("a file");
    world.start().await;
    world.accept(&world.marked("alva", "l1", "unexcused", 3700)).await;
    world.accept(&world.marked("hemlig", "l1", "unexcused", 5)).await;
    assert_eq!(world.messages(1).await[0].to, TEAM, "{}", world.shown());

    let config = world.config();
    let (_, out, err) = upprop(&["check", config.to_str().expect("a path")]);
    let said = out + &err;
    let closed = format!("year.ics on {}..{} (line 4), {} (line 11)", day(-1), day(1), day(40));
    let today = format!("there is no school today, {}, by calendar year", day(0));
    let class = format!("an all-day event of {} has a word of `closed-words`", day(60));
    for words in [
        "year.ics:11:1: warning",
        "comes again (RRULE)",
        "year.ics:19:1: note",
        "closed-words",
        "year.ics:26:1: warning",
        class.as_str(),
        closed.as_str(),
        today.as_str(),
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert!(!said.contains("Olov") && !said.contains("9C"), "{said}");
    let (_, why) = run(&world, &["why", "alva"]);
    assert!(why.contains("year.ics line 4, "), "{why}");
    // A file that is gone is an error, and the former days hold.
    fs::remove_file(world.folder.path().join("year.ics")).expect("removed");
    let (code, said) = tokio::task::block_in_place(|| run(&world, &["reload"]));
    assert!(code == 78 && said.contains("year.ics cannot be read"), "{code} {said}");
    world.accept(&world.marked("alva", "l2", "unexcused", 5)).await;
    world.accept(&world.marked("hemlig", "l2", "unexcused", 5)).await;
    world.messages(2).await;
}
