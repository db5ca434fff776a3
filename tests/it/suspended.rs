//! `upprop suspend` keeps everything of its scope back, through a restart too, and says so; at its end or at
//! `upprop resume` what is still news leaves once.

use serde_json::Value;

use crate::faults::silent;
use crate::world::{DEADLINE, Setup, World, soon, upprop};
use upprop::env::{Clock as _, SystemClock};

/// Runs a command and gives its exit code and what it printed.
fn ran(world: &World, args: &[&str]) -> (i32, String) {
    let config = world.config();
    let all = [args, &["--config", config.to_str().expect("a path")]].concat();
    let (code, out, err) = upprop(&all);
    (code, out + &err)
}

fn done(world: &World, args: &[&str]) -> String {
    let (code, said) = ran(world, args);
    assert_eq!(code, 0, "{args:?}\n{said}");
    said
}

fn document(world: &World, args: &[&str]) -> Value {
    serde_json::from_str(&done(world, &[args, &["--json"]].concat())).expect("JSON")
}

/// Waits until the queue counts so many messages that are suspended: the dispatcher has had them before it.
async fn suspended(world: &World, n: u64) {
    let clock = SystemClock::new();
    let met = async {
        loop {
            let queue = document(world, &["queue"]);
            let lanes = queue["lanes"].as_array().expect("lanes");
            let count = |lane: &Value| lane["reasons"]["suspended"].as_u64().unwrap_or_default();
            if lanes.iter().map(count).sum::<u64>() == n {
                return;
            }
            clock.sleep_until(soon(&clock)).await;
        }
    };
    let met = tokio::time::timeout(DEADLINE, met).await;
    assert!(met.is_ok(), "waited for {n} that are suspended: {}", done(world, &["queue"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_while_everything_is_suspended_and_all_of_it_once_afterwards() {
    let mut world = Setup { faults: silent(), ..Setup::default() }.start().await;
    // Told before; its correction is to wait.
    world.accept(&world.marked("mail", "l0", "unexcused", 5)).await;
    world.messages(1).await;
    let all = ["suspend", "--all", "--reason", "gateway maintenance", "--for", "2h"];
    let (code, said) = ran(&world, &all);
    assert!(code == 2 && said.contains("--yes"), "nobody is there to be asked: {code} {said}");
    let said = done(&world, &[&all[..], &["--yes"]].concat());
    assert!(said.contains("Suspended until") && said.contains("upprop resume --all"), "{said}");

    world.accept(&world.marked("mail", "l0", "present", 5)).await;
    world.accept(&world.marked("alva", "l1", "unexcused", 3700)).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    // Nils is there after all: that text never leaves.
    world.accept(&world.marked("nils", "l1", "present", 5)).await;
    // The correction, two guardians and the team.
    suspended(&world, 4).await;
    world.kill();
    world.start().await;
    suspended(&world, 4).await;
    world.accept(&world.marked("hemlig", "l1", "unexcused", 5)).await;
    suspended(&world, 5).await;

    let status = done(&world, &["status"]);
    let why = done(&world, &["why", "alva"]);
    for (what, words) in [(&status, "SUSPENDED: every school"), (&why, "suspend all by uid")] {
        assert!(what.contains(words) && what.contains("gateway maintenance"), "{what}");
    }
    assert!(why.contains("an operator has suspended sending"), "{why}");
    let suspension = &document(&world, &["status"])["suspensions"][0];
    assert_eq!(
        (&suspension["scope"], &suspension["reason"]),
        (&"all".into(), &"gateway maintenance".into())
    );
    assert!(suspension["by"].as_str().is_some_and(|by| by.starts_with("uid ")), "{suspension}");
    let other = ran(&world, &["resume", "--channel", "sms"]);
    assert!(other.0 == 1 && other.1.contains("what is: all"), "{other:?}");
    assert_eq!(world.sink.count(), 1, "nothing left meanwhile:\n{}", world.shown());

    done(&world, &["resume", "--all"]);
    let messages = world.messages(6).await;
    let mut to: Vec<&str> = messages[1..].iter().map(|m| m.to.as_str()).collect();
    to.sort_unstable();
    let expected = [
        "+46701740605",
        "+46701740606",
        "maj.g@hem.example",
        "team@skola.example",
        "team@skola.example",
    ];
    assert_eq!(to, expected);
    world.quiet(6).await;
    assert!(!done(&world, &["status"]).contains("SUSPENDED"));
    assert!(done(&world, &["why", "alva"]).contains("resume all by uid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_suspended_alone_and_ends_by_itself() {
    let world = Setup { faults: silent(), ..Setup::default() }.start().await;
    let sms = ["suspend", "--channel", "sms", "--reason", "number change", "--yes"];
    done(&world, &[&sms[..], &["--for", "3s"]].concat());
    let (code, said) = ran(&world, &[&sms[..], &["--until", "2020-01-01T07:00"]].concat());
    assert!(code == 1 && said.contains("is past"), "{code} {said}");
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    let messages = world.messages(2).await;
    let ended: jiff::Timestamp = {
        let why = document(&world, &["why", "nils"]);
        let act = &why["days"][0]["schools"][0]["acts"][0];
        act["until"].as_str().expect("an end").parse().expect("a time")
    };
    let text = messages.iter().find(|m| m.to == "+46701740607").expect("a text");
    assert!(text.received_at >= ended, "it left before {ended}: {text:?}");
    world.quiet(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_school_is_suspended_from_a_daemon_that_does_not_run() {
    let extra = "[schools.s2]\nname = \"Grannskolan\"\nmode = \"live\"\nteam-email = \"granne@skola.example\"\n\
                 phone = \"070-174 06 88\"\nsms-provider = \"elks\"\nquiet-hours = \"off\"\n";
    let setup = Setup { faults: silent(), extra: extra.into(), ..Setup::default() };
    let mut world = setup.start().await;
    assert_eq!(world.stop(), Some(0));
    let school = ["suspend", "--reason", "wrong numbers", "--for", "1d", "--yes", "--school"];
    let (code, said) = ran(&world, &[&school[..], &["s3"]].concat());
    assert!(code == 1 && said.contains("there are: s1, s2"), "{code} {said}");
    done(&world, &[&school[..], &["s2"]].concat());
    world.start().await;
    let status = done(&world, &["status"]);
    assert!(
        status.contains("SUSPENDED: school s2") && status.contains("wrong numbers"),
        "{status}"
    );
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    done(&world, &["resume", "--school", "s2"]);
    let (code, said) =
        ran(&world, &["suspend", "--all", "--school", "s2", "--reason", "x", "--for", "1h"]);
    assert_eq!(code, 2, "one of the two: {said}");
}
