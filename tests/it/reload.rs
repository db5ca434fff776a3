//! A reload, by `upprop reload` or by SIGHUP: all of a new configuration with its texts, accounts, secrets and
//! directory is in force, or nothing of it; nothing is lost or doubled meanwhile.

use std::fs;

use jiff::SignedDuration;
use serde_json::{Value, json};
use upprop::env::{Clock as _, SystemClock};

use crate::load;
use crate::world::{DEADLINE, Setup, World, upprop, within};

/// Puts other words into the configuration's file.
fn edit(world: &World, changes: &[(&str, &str)]) {
    let mut text = fs::read_to_string(world.config()).expect("the configuration");
    for (from, to) in changes {
        assert!(text.contains(from), "{from:?} is not in:\n{text}");
        text = text.replace(from, to);
    }
    fs::write(world.config(), text).expect("written");
}

/// Runs `upprop reload`; its exit code, the document, what it said.
fn reload(world: &World) -> (i32, Value) {
    let config = world.config();
    let args = ["reload", "--json", "--config", config.to_str().expect("a path")];
    let (code, out, err) = tokio::task::block_in_place(|| upprop(&args));
    let document = serde_json::from_str(&out);
    (code, document.unwrap_or_else(|error| panic!("{error}: {out}\n{err}\n{}", world.log())))
}

fn lines(of: &Value) -> Vec<&str> {
    of.as_array().expect("a list").iter().map(|line| line.as_str().expect("a text")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn schools_texts_accounts_secrets_and_directory_are_in_force_together() {
    let mut world = Setup::default().start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let before = world.messages(1).await;
    assert!(!before[0].text.contains("OMLADDAD"), "{}", world.shown());

    let folder = world.folder.path();
    fs::create_dir_all(folder.join("own/sms/sv")).expect("a folder");
    fs::write(
        folder.join("own/sms/sv/absence.txt"),
        "OMLADDAD {{ pupil }} {{ phone }} {{ school }}",
    )
    .expect("a template");
    fs::write(folder.join("secrets/token"), "another-token-0123456789abcdef-012345").expect("one");
    let pupils = fs::read_to_string(folder.join("directory/pupils.csv")).expect("pupils");
    let guardians = fs::read_to_string(folder.join("directory/guardians.csv")).expect("guardians");
    edit(
        &world,
        &[
            ("[store]\n", "templates = \"own\"\n[store]\n"),
            ("[server]\n", "[server]\nmax-connections = 99\n"),
            (
                "[defaults]\n",
                "[providers.other]\nkind = \"46elks\"\nurl = \"URL\"\nusername-file = \"secrets/user\"\n\
                 password-file = \"secrets/password\"\n[defaults]\n",
            ),
            ("URL", &world.sink.url()),
            (
                "[schools.s1]\n",
                "[schools.s2]\nname = \"Alskolan\"\nmode = \"live\"\nteam-email = \
                 \"al@skola.example\"\nphone = \"070-174 06 88\"\nsender-id = \"Alskolan\"\nquiet-hours = \"off\"\n\
                 sms-provider = \"other\"\n[schools.s1]\n",
            ),
        ],
    );
    // The new school's people can only be read with the new configuration.
    fs::write(
        folder.join("directory/pupils.csv"),
        format!("{pupils}siv,s2,7A,Siv,Test,2012-03-04,none,\n"),
    )
    .expect("pupils");
    fs::write(
        folder.join("directory/guardians.csv"),
        format!("{guardians}siv,s2,g-siv,Vuxen Test,070-174 06 33,,sms,sv,yes,no\n"),
    )
    .expect("guardians");
    let (code, document) = reload(&world);
    assert_eq!((code, &document["in-force"]), (0, &json!(true)), "{document}");
    let taken = lines(&document["taken"]);
    for line in ["templates: changed", "provider other: added", "school s2: added"] {
        assert!(taken.contains(&line), "{line:?} is not in {taken:?}");
    }
    assert_eq!(lines(&document["need-restart"]), ["[server] max-connections"]);
    world.logged("stay as they were until a restart", 1).await;

    let event = world.marked("nils", "l2", "unexcused", 5).to_string();
    let (status, _) = world.post_as("src", crate::world::TOKEN, event.clone()).await;
    assert_eq!(status, 401, "the former secret is good for nothing");
    let mut siv = world.marked("siv", "l3", "unexcused", 5);
    siv["school"] = json!("s2");
    for event in [event, siv.to_string()] {
        let (status, answer) =
            world.post_as("src", "another-token-0123456789abcdef-012345", event).await;
        assert_eq!(status, 202, "{answer}");
    }
    let all = world.messages(3).await;
    let mut new: Vec<_> = World::texts(&all[1..]);
    new.sort();
    let text = |words: &str| format!("OMLADDAD {words}");
    assert_eq!(
        new,
        [
            ("+46701740607".to_owned(), text("Nils 070-174 06 89 Björkskolan")),
            ("+46701740633".to_owned(), text("Siv 070-174 06 88 Alskolan")),
        ]
    );
    // And so it is after a restart.
    assert_eq!(world.stop(), Some(0));
    world.start().await;
    assert_eq!(world.sink.count(), 3, "{}", world.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_errors_are_told_at_once_and_the_former_configuration_goes_on() {
    let world = Setup::default().start().await;
    let good = fs::read_to_string(world.config()).expect("the configuration");
    edit(
        &world,
        &[
            ("low-water = \"64 MiB\"", "low-water = \"64 Mib\""),
            ("poll = \"1s\"", "poll = \"often\""),
            ("settle = \"3s\"", "settle = \"3\"\nconcurrency = 0"),
            ("tls = \"none\"", "tls = \"perhaps\""),
            ("kind = \"46elks\"", "kind = \"46elks\"\nno-such-key = 1"),
            ("grace = \"0s\"", "grace = \"-1s\""),
            ("mode = \"live\"", "mode = \"alive\""),
            ("team-email = \"team@skola.example\"", "team-email = \"team\""),
            ("quiet-hours = \"off\"", "quiet-hours = \"night\""),
            ("sms-provider = \"elks\"", "sms-provider = \"elk\""),
        ],
    );
    let (code, document) = reload(&world);
    assert_eq!((code, &document["in-force"]), (78, &json!(false)), "{document}");
    let problems = lines(&document["problems"]);
    assert!(problems.len() >= 10, "{problems:#?}");
    world.logged("the reload was refused", 1).await;
    let told = "still answers, whatever the file says";
    let config = world.config();
    let (code, out, err) = upprop(&["status", "--config", config.to_str().expect("a path")]);
    assert_eq!(code, 0, "{told}: {out}\n{err}");

    // By SIGHUP too.
    world.signal("HUP");
    world.logged("the reload was refused", 2).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    fs::write(&config, good).expect("written");
    world.signal("HUP");
    world.logged("the configuration was reloaded", 1).await;
    let metrics = world.client().get(format!("http://{}/metrics", world.address)).send().await;
    let metrics = metrics.expect("an answer").text().await.expect("a text");
    for line in [
        "upprop_reloads_total{outcome=\"refused\"} 2",
        "upprop_reloads_total{outcome=\"taken\"} 1",
        "upprop_last_reload_ok 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in:\n{metrics}");
    }
    world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_text_or_directory_or_a_missing_secret_leaves_all_as_it_was() {
    let world = Setup::default().start().await;
    let folder = world.folder.path();
    let good = fs::read_to_string(world.config()).expect("the configuration");
    fs::create_dir_all(folder.join("own/sms/sv")).expect("a folder");
    fs::write(folder.join("own/sms/sv/absence.txt"), "{{ pupil ").expect("a template");
    edit(
        &world,
        &[("070-174 06 89", "070-174 06 66"), ("[store]\n", "templates = \"own\"\n[store]\n")],
    );
    let refused = |part: &str| {
        let (code, document) = reload(&world);
        assert_eq!((code, &document["in-force"]), (78, &json!(false)), "{document}");
        let problems = lines(&document["problems"]).join("\n");
        assert!(problems.contains(part), "{part:?} is not in:\n{problems}");
    };
    refused("absence.txt");

    fs::write(folder.join("own/sms/sv/absence.txt"), "{{ pupil }} {{ phone }}").expect("one");
    fs::create_dir(folder.join("other")).expect("a folder");
    fs::copy(folder.join("directory/pupils.csv"), folder.join("other/pupils.csv")).expect("pupils");
    edit(&world, &[("folder = \"directory\"", "folder = \"other\"")]);
    refused("guardians.csv");

    edit(&world, &[("folder = \"other\"", "folder = \"directory\"")]);
    fs::remove_file(folder.join("secrets/password")).expect("gone");
    refused("password");

    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let all = world.messages(1).await;
    assert!(all[0].text.contains("070-174 06 89"), "{}", world.shown());
    fs::write(world.config(), good).expect("written");
    world.quiet(1).await;
}

/// How many events come while it is reloaded again and again, and how many in a second.
const EVENTS: usize = 1_000;
const EVERY: SignedDuration = SignedDuration::from_millis(5);

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_events_a_second_are_told_once_each_whatever_is_reloaded() {
    let mut setup = Setup::default();
    load::enrol(&mut setup, EVENTS);
    let world = setup.start().await;
    let good = fs::read_to_string(world.config()).expect("the configuration");
    let clock = SystemClock::new();
    let began = clock.now();
    let sending = async {
        let mut under_way = tokio::task::JoinSet::new();
        for i in 0..EVENTS {
            let event = world.marked(&format!("q{i}"), "lesson", "unexcused", 5);
            let request = world
                .client()
                .post(format!("http://{}/hooks/src", world.address))
                .bearer_auth(crate::world::TOKEN)
                .header("content-type", "application/json")
                .body(event.to_string());
            under_way.spawn(async move { request.send().await.map(|a| a.status().as_u16()) });
            let number = i32::try_from(i + 1).expect("a small number");
            clock.sleep_until(began + EVERY * number).await;
        }
        let mut statuses = Vec::new();
        while let Some(answered) = under_way.join_next().await {
            statuses.push(answered.expect("no panic").expect("an answer"));
        }
        statuses
    };
    let reloading = async {
        let mut reloads = 0;
        while clock.now() < began + EVERY * i32::try_from(EVENTS).expect("a small number") {
            let (phone, other) = (format!("070-174 06 {}", 20 + reloads % 60), reloads % 3 == 2);
            let broken = if other { "mode = \"alive\"" } else { "mode = \"live\"" };
            let text = good.replace("070-174 06 89", &phone).replace("mode = \"live\"", broken);
            fs::write(world.config(), text).expect("written");
            let (code, document) = reload(&world);
            assert_eq!(code, if other { 78 } else { 0 }, "{document}");
            reloads += 1;
        }
        reloads
    };
    let both = async { tokio::join!(sending, reloading) };
    let (statuses, reloads) = tokio::time::timeout(DEADLINE * 2, both).await.expect("in time");
    assert!(statuses.iter().all(|status| *status == 202), "{statuses:?}");
    assert!(reloads >= 3, "{reloads} reloads");
    load::say(format!("{EVENTS} events, {reloads} reloads"));
    let all = world.messages(EVENTS).await;
    let mut told: Vec<_> = all.iter().map(|m| (m.to.clone(), m.text.clone())).collect();
    let names: std::collections::BTreeSet<_> = (0..EVENTS)
        .filter(|i| told.iter().any(|(_, text)| text.contains(&load::name(*i))))
        .collect();
    assert_eq!(names.len(), EVENTS, "each pupil's guardian was told");
    told.sort();
    told.dedup();
    assert_eq!(told.len(), EVENTS, "nobody was told twice");
    within("quiet", world.quiet(EVENTS)).await;
}
