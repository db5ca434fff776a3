//! The report of a week of the ladder: mailed to the team and the principal at its time by the real daemon, once, and shown by
//! `upprop report ladder` at any time; small counts of pupils are in none.

use std::fs;

use serde_json::Value;
use upprop::calendar::is_weekend;
use upprop::env::{Clock as _, SystemClock};
use upprop::model::WeekName;

use crate::duties::{LADDER, done, duties};
use crate::programmes::{now, year};
use crate::world::{Setup, TEAM, upprop};

const PRINCIPAL: &str = "rektor@skola.example";

#[tokio::test(flavor = "multi_thread")]
async fn the_team_and_the_principal_read_of_the_week_and_anybody_may_ask_for_it() {
    let year = year();
    let (time, at) = year.minute_after(20);
    let setup = Setup {
        extra: format!("{}[ladders]\nfiles = [\"ladder.toml\"]\n", year.table()),
        school: format!(
            "calendar = \"year\"\ntime-zone = \"{}\"\nladder = [\"trappan\"]\nladder-report-at = \"{time}\"\n",
            year.zone
        ),
        ..Setup::default()
    };
    let mut world = setup.prepare();
    fs::write(world.folder.path().join("ladder.toml"), LADDER).expect("a ladder");
    let staff = format!("id,school,role,name,email,phone\nr,s1,principal,,{PRINCIPAL},\n");
    fs::write(world.folder.path().join("directory/staff.csv"), staff).expect("staff");
    world.start().await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    assert!(now() < at, "the daemon was slow: {}", world.log());
    // Two guardians, and the team's duty.
    world.messages(3).await;
    let [duty] = &duties(&world, &[])[..] else { panic!("one duty") };
    let number = duty["number"].as_str().expect("a number").to_owned();

    SystemClock::new().sleep_until(at).await;
    // On a weekend there is no first school day.
    let reports = if is_weekend(year.today) { 0 } else { 2 };
    let all = world.messages(3 + reports).await;
    let is = |subject: &str| subject.starts_with("Handlingsplanen vecka");
    let found: Vec<_> = all.iter().filter(|m| m.subject.as_deref().is_some_and(is)).collect();
    let mut to: Vec<&str> = found.iter().map(|mail| mail.to.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, [PRINCIPAL, TEAM][..reports], "{}", world.shown());
    for mail in found {
        let subject = mail.subject.clone().unwrap_or_default();
        assert!(subject.ends_with(": 1 uppgift kvar, 0 inte gjorda i tid"), "{subject}");
        // What came today is told of next week.
        for part in ["Nådda: 0", "Elever: <5", "Nya: 0", "Kvar: 1", "Samtal hem: 1"] {
            assert!(mail.text.contains(part), "{part} in {}", mail.text);
        }
        for secret in ["Alva", "alva", "7B", "070"] {
            assert!(!mail.text.contains(secret), "{secret} in {}", mail.text);
        }
    }
    // Not again when it starts again.
    world.logged("purpose=\"ladder-report\"", reports).await;
    world.kill();
    world.start().await;

    let week = WeekName::of(year.today);
    let asked = ["report", "ladder", "--school", "s1", "--week", &week.to_string()];
    let said = done(&world, &[&asked[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&said).expect("JSON");
    let [report] = &json["reports"].as_array().expect("reports")[..] else { panic!("{json:#}") };
    assert_eq!(
        (&report["from"], &report["to"]),
        (&week.monday().to_string().into(), &week.sunday().to_string().into())
    );
    let step = &report["counts"]["steps"][0];
    assert_eq!((step["reached"].as_u64(), step["taken-back"].as_u64()), (Some(1), Some(0)));
    assert_eq!((step["pupils"].as_u64(), report["counts"]["made"].as_u64()), (Some(1), Some(1)));
    assert_eq!(report["counts"]["owners"]["attendance-team"]["open"].as_u64(), Some(1), "{json:#}");
    let shown = done(&world, &[&asked[..], &["--language", "sv"]].concat());
    assert!(
        shown.contains("<5") && shown.contains("samtal hem") && !shown.contains("alva"),
        "{shown}"
    );
    done(&world, &["duty", "done", &number]);
    let before = done(&world, &["report", "ladder"]);
    let last = WeekName::of(week.monday().yesterday().expect("a day"));
    assert!(before.contains(&format!("– {}", last.sunday())), "{before}");
    let config = world.config();
    let config = config.to_str().expect("a path");
    for (args, words) in
        [(&["--school", "s9"][..], "there are: s1"), (&["--week", "2026-48"], "write 2026-W48")]
    {
        let all = [&["report", "ladder"], args, &["--config", config]].concat();
        let (code, _, err) = upprop(&all);
        assert!(code != 0 && err.contains(words), "{args:?}: {code} {err}");
    }
    world.quiet(3 + reports + 1).await;
}
