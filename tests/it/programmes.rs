//! A preventive programme at the real daemon: the team and the mentor of a class are reminded once, through a restart too;
//! sessions are recorded over the control socket, and what cannot be meant is refused.

use std::fs;

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::Value;

use crate::world::{Setup, TEAM, World, upprop};
use upprop::calendar::{Calendar, Days, is_weekend};
use upprop::env::{Clock as _, SystemClock};

const MENTOR: &str = "kim@skola.example";

pub fn now() -> Timestamp {
    SystemClock::new().now()
}

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

/// A zone by whose clock it is about noon, so that the day does not end meanwhile.
fn zone() -> (String, TimeZone) {
    let hour = now().to_zoned_datetime(TimeZone::UTC).hour();
    let ahead = 12 - hour;
    // The signs of these names are the other way round.
    let name = if ahead == 0 { "Etc/GMT".to_owned() } else { format!("Etc/GMT{:+}", -ahead) };
    let zone = TimeZone::get(&name).expect("a zone");
    (name, zone)
}

/// A school year around today, in which today is the first school day of its week; on a weekend no day of it is.
pub struct Year {
    /// The zone's name.
    pub zone: String,
    /// Today, in that zone.
    pub today: Date,
    /// The school's days.
    pub calendar: Calendar,
}

impl Year {
    /// `[calendars.year]`, as it is written.
    pub fn table(&self) -> String {
        let list = |days: &[Days]| {
            days.iter().map(|days| format!("\"{days}\"")).collect::<Vec<_>>().join(", ")
        };
        let Calendar { terms, closed, .. } = &self.calendar;
        format!("[calendars.year]\nterms = [{}]\nclosed = [{}]\n", list(terms), list(closed))
    }

    /// The next whole minute that is at least so many seconds ahead: as the school's clock shows it, and when it is.
    pub fn minute_after(&self, seconds: i64) -> (String, Timestamp) {
        let zone = TimeZone::get(&self.zone).expect("a zone");
        let local =
            (now() + SignedDuration::from_secs(seconds + 60)).to_zoned_datetime(zone.clone());
        let time = Time::new(local.hour(), local.minute(), 0, 0).expect("a time");
        let at = zone.to_zoned_datetime(self.today.to_datetime(time)).expect("a time").timestamp();
        (time.strftime("%H:%M").to_string(), at)
    }
}

pub fn year() -> Year {
    let (name, zone) = zone();
    let today = now().to_zoned_datetime(zone).date();
    let days = |from: Date, to: Date| Days::new(from, to).expect("days");
    let monday = today - i64::from(today.weekday().to_monday_zero_offset()).days();
    let is_later = monday < today && !is_weekend(today);
    let closed = is_later.then(|| days(monday, today - 1.day()));
    let calendar = Calendar {
        terms: vec![days(today - 28.days(), today + 28.days())],
        closed: closed.into_iter().collect(),
        ..Calendar::default()
    };
    Year { zone: name, today, calendar }
}

/// Two sessions: one that has been overdue since the last list, one that is to be held next week.
fn programme(week: u32) -> String {
    let words = |sv: &str, en: &str| format!("{{ sv = \"{sv}\", en = \"{en}\" }}");
    let session = |number: u32, week: u32| {
        let (title, text) = (words("Sömn", "Sleep"), words("Prata.", "Talk."));
        format!("[sessions.{number}]\nweek = {week}\ntitle = {title}\ntext = {text}\n")
    };
    format!(
        "id = \"p\"\nname = \"PRO\"\nversion = \"1\"\neffective = \"2020-01-01\"\ngrades = [7]\n{}{}",
        session(1, week - 2),
        session(2, week + 1)
    )
}

/// A school with the programme, and when it is to be reminded.
async fn started(year: &Year, week: u32) -> (World, Timestamp) {
    // Before it the daemon is certainly there.
    let (time, at) = year.minute_after(8);
    let setup = Setup {
        extra: format!("{}[programmes]\nfiles = [\"./p.toml\"]\n", year.table()),
        school: format!(
            "calendar = \"year\"\ntime-zone = \"{}\"\nprogramme-reminder-at = \"{time}\"\n",
            year.zone
        ),
        ..Setup::default()
    };
    let mut world = setup.prepare();
    let folder = world.folder.path();
    fs::write(folder.join("p.toml"), programme(week)).expect("written");
    let directory = folder.join("directory");
    let pupils = "id,school,class,given-name,birth-date,protection,mentor,year\n\
                  nils,s1,7B,Nils,2012-01-15,none,kim,7\nalva,s1,7B,Alva,2013-05-04,none,kim,7\n\
                  hemlig,s1,7S,Hemlig,2013-05-04,protected,kim,7\n";
    fs::write(directory.join("pupils.csv"), pupils).expect("written");
    let staff = format!("id,school,role,name,email,phone\nkim,s1,mentor,Kim Holm,{MENTOR},\n");
    fs::write(directory.join("staff.csv"), staff).expect("written");
    let guardians = directory.join("guardians.csv");
    let text = fs::read_to_string(&guardians).expect("guardians");
    let known = |line: &&str| ["pupil,", "nils,", "alva,"].iter().any(|id| line.starts_with(id));
    let text: Vec<&str> = text.lines().filter(known).collect();
    fs::write(&guardians, text.join("\n") + "\n").expect("written");
    world.start().await;
    (world, at)
}

/// How the sessions of 7B stand, the only class that is shown.
fn stands(world: &World) -> Vec<String> {
    let said = done(world, &["programme", "list", "--school", "s1", "--json"]);
    let all: Value = serde_json::from_str(&said).expect("JSON");
    let classes = all["schools"][0]["classes"].as_array().expect("classes").clone();
    let [class] = &classes[..] else { panic!("{all}") };
    assert_eq!(class["class"], "7B");
    let sessions = class["sessions"].as_array().expect("sessions");
    sessions.iter().map(|one| one["stand"].as_str().expect("a word").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_are_reminded_once_and_record_what_was_held() {
    let year = year();
    let terms = year.calendar.named_terms();
    let week = *terms[0].week_of(year.today).expect("a week");
    let (mut world, at) = started(&year, week.number).await;
    assert!(now() < at, "the daemon was slow: {}", world.log());
    let config = world.config();
    let (code, said, err) = upprop(&["check", config.to_str().expect("a path")]);
    let runs =
        format!("school s1 runs PRO (version 1) in {} in classes of grade 7: 1 by", terms[0].name);
    assert!(code < 2 && said.contains(&runs), "{runs} is not in\n{code} {said}{err}");

    SystemClock::new().sleep_until(at).await;
    // On a weekend there is no first school day.
    let reminded = if is_weekend(year.today) { 0 } else { 2 };
    let mails = world.messages(reminded).await;
    for mail in &mails {
        let (subject, text) = (mail.subject.clone().unwrap_or_default(), &mail.text);
        assert_eq!(subject, "Förebyggande program i 7B: 1 pass på gång, 1 utan anteckning");
        assert!(text.contains("PRO, pass 2 av 2: Sömn") && text.contains("Yttre tecken"), "{text}");
        let is_teams = mail.to == TEAM;
        assert_eq!(text.contains("upprop programme held s1 7B"), is_teams, "{text}");
        assert!(is_teams || mail.to == MENTOR, "{}", world.shown());
    }
    // Not again when it starts again. What nobody knows of yet would be.
    world.logged("purpose=\"programme-reminder\"", reminded).await;
    world.kill();
    world.start().await;
    world.quiet(reminded).await;

    assert_eq!(stands(&world), ["overdue", "planned"]);
    let day = year.today.to_string();
    let said = done(&world, &["programme", "held", "s1", "7B", "1"]);
    assert!(said.contains(&format!("p 1 (Sömn): held {day}")), "{said}");
    let to = next_school_day(&year);
    let said = done(&world, &["programme", "move", "s1", "7B", "2", "--to", &to]);
    assert!(said.contains(&format!("p 2 (Sömn): moved to {to}")), "{said}");
    assert_eq!(stands(&world), ["held", "moved"]);
    for (args, words) in [
        (&["held", "s9", "7B", "1"][..], "there are: s1"),
        (&["held", "s1", "7S", "1"], "it is run in: 7B"),
        (&["held", "s1", "7B", "3"], "it has: p 1, p 2"),
        (&["move", "s1", "7B", "1", "--to", "2099-01-01"], "is in no term"),
        (&["held", "s1", "7B", "2", "--on", "2099-01-01"], "is to come"),
    ] {
        let (code, said) = ran(&world, &[&["programme"], args].concat());
        assert!(code == 1 && said.contains(words), "{args:?}: {code} {said}");
    }
    // It is kept, and can be taken back without a daemon too.
    assert_eq!(world.stop(), Some(0));
    assert_eq!(stands(&world), ["held", "moved"]);
    done(&world, &["programme", "undo", "s1", "7B", "1"]);
    done(&world, &["store", "check"]);
    world.start().await;
    assert_eq!(stands(&world), ["overdue", "moved"]);
    let list = done(&world, &["programme", "list"]);
    assert!(list.contains("  7B (1 mentor)\n") && list.contains("NOT RECORDED AS HELD"), "{list}");
    assert!(!list.contains("7S"), "{list}");
    world.quiet(reminded + 1).await;
}

/// A school day to come of the term.
fn next_school_day(year: &Year) -> String {
    let days = std::iter::successors(Some(year.today + 7.days()), |day| day.tomorrow().ok());
    let is_one = |day: &Date| !is_weekend(*day) && year.calendar.is_school_day(*day);
    days.take(7).find(is_one).expect("a school day").to_string()
}
