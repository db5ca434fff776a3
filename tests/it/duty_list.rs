//! Duties that nobody does, at the real daemon: each is told of when it is made and when it is overdue, and from then on they
//! stand in one list of their owner's, which comes once a morning, through a restart too.

use std::fs;

use jiff::SignedDuration;
use upprop::calendar::is_weekend;
use upprop::env::{Clock as _, SystemClock};

use crate::duties::{LADDER, done, duties};
use crate::programmes::{now, year};
use crate::world::Setup;

const MENTOR: &str = "kim@skola.example";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_overdue_is_in_one_list_of_the_morning() {
    let year = year();
    // The day is over when the marks are certainly in, and the list is made a minute later.
    let (over, over_at) = year.minute_after(12);
    let (list, list_at) = year.minute_after(72);
    assert_eq!(list_at.duration_since(over_at), SignedDuration::from_mins(1));
    let setup = Setup {
        extra: format!("{}[ladders]\nfiles = [\"ladder.toml\"]\n", year.table()),
        school: format!(
            "calendar = \"year\"\ntime-zone = \"{}\"\nladder = [\"trappan\"]\nday-ends = \"{over}\"\n\
             duty-list-at = \"{list}\"\nladder-mail = \"initials\"\n",
            year.zone
        ),
        ..Setup::default()
    };
    let mut world = setup.prepare();
    let folder = world.folder.path();
    let ladder = LADDER
        .replace("owner = \"attendance-team\"", "owner = \"mentor\"")
        .replace("due = \"2 school days\"", "due = \"same day\"")
        .replace("done = \"home-reached\"\nif-not-done = \"principal\"\n", "");
    fs::write(folder.join("ladder.toml"), ladder).expect("a ladder");
    let directory = folder.join("directory");
    let pupils = fs::read_to_string(directory.join("pupils.csv")).expect("pupils");
    // The last column is the mentor.
    let pupils: Vec<String> = pupils
        .lines()
        .map(|line| if line.ends_with(',') { format!("{line}kim") } else { line.to_owned() })
        .collect();
    fs::write(directory.join("pupils.csv"), pupils.join("\n") + "\n").expect("pupils");
    let staff = format!("id,school,role,name,email,phone\nkim,s1,mentor,Kim Holm,{MENTOR},\n");
    fs::write(directory.join("staff.csv"), staff).expect("staff");
    world.start().await;
    for pupil in ["alva", "nils"] {
        world.accept(&world.marked(pupil, "l1", "unexcused", 5)).await;
    }
    assert!(now() < over_at, "the daemon was slow: {}", world.log());
    // Three at home, and two duties.
    let made = 5;
    let to_mentor = |all: &[std::sync::Arc<upprop::sim::sink::Received>], words: &str| {
        let is = |m: &&std::sync::Arc<upprop::sim::sink::Received>| {
            m.to == MENTOR && m.subject.as_deref().unwrap_or_default().starts_with(words)
        };
        all.iter().filter(is).cloned().collect::<Vec<_>>()
    };
    let all = world.messages(made).await;
    assert_eq!(to_mentor(&all, "Att göra").len(), 2, "{}", world.shown());

    // On a weekend they are due on Monday.
    let (late, lists) = if is_weekend(year.today) { (0, 0) } else { (2, 1) };
    SystemClock::new().sleep_until(over_at).await;
    let all = world.messages(made + late).await;
    assert_eq!(to_mentor(&all, "Inte gjort i tid").len(), late, "{}", world.shown());
    SystemClock::new().sleep_until(list_at).await;
    let all = world.messages(made + late + lists).await;
    let found = to_mentor(&all, "Kvar att göra");
    assert_eq!(found.len(), lists, "{}", world.shown());
    for mail in &found {
        let today = year.today.to_string();
        let subject = format!("Kvar att göra {today}: 2 uppgifter");
        assert_eq!(mail.subject.as_deref(), Some(subject.as_str()));
        for duty in duties(&world, &["--overdue"]) {
            let number = duty["number"].as_str().expect("a number");
            assert!(mail.text.contains(number), "{number} in {}", mail.text);
        }
        for part in ["A.T., 7B", "N.T., 7B", "Ring hem.", "elevloggen", &format!("sedan {today}")] {
            assert!(mail.text.contains(part), "{part} in {}", mail.text);
        }
        assert!(!mail.text.contains("Alva") && !mail.text.contains("Nils"), "{}", mail.text);
    }
    // Not again when it starts again.
    world.logged("purpose=\"duty-list\"", lists).await;
    world.kill();
    world.start().await;
    let before = made + late + lists;
    // The marker is somebody's duty too, and the day is over: it is due on the next.
    world.quiet(before + 1).await;
    done(&world, &["store", "check"]);
}
