//! `upprop go-live` takes a school from its guests to everybody at once, through restarts, reloads and directory
//! loads; nothing that guests mode kept back leaves for it, and configuration has the last word.

use serde_json::Value;

use crate::faults::silent;
use crate::inlet::{amend, put_file};
use crate::world::{Setup, World, upprop};

fn guests() -> Setup {
    Setup {
        mode: "guests",
        school: "guests = [\"+46701740606\"]\n".into(),
        faults: silent(),
        extra: "[log]\nfilter = \"info,upprop=debug\"\n".into(),
        ..Setup::default()
    }
}

/// Runs a command and gives its exit code and what it printed.
fn ran(world: &World, args: &[&str]) -> (i32, String) {
    let config = world.config();
    let all = [args, &["--config", config.to_str().expect("a path")]].concat();
    let (code, out, err) = upprop(&all);
    (code, out + &err)
}

fn refused(world: &World, args: &[&str], words: &str) {
    let (code, said) = ran(world, args);
    assert!(code == 1 && said.contains(words), "{args:?}: {code} {said}");
}

fn done(world: &World, args: &[&str]) -> String {
    let (code, said) = ran(world, args);
    assert_eq!(code, 0, "{args:?}\n{said}");
    said
}

/// The mode in force, and what configuration says.
fn modes(world: &World) -> (String, String) {
    let document: Value = serde_json::from_str(&done(world, &["status", "--json"])).expect("JSON");
    let of = |key: &str| document["schools"][0][key].as_str().expect("a word").to_owned();
    (of("mode"), of("configured"))
}

fn are(mode: &str, configured: &str) -> (String, String) {
    (mode.into(), configured.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_goes_live_at_once_and_nothing_old_leaves_for_it() {
    let mut world = guests().start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.logged("reason=not-a-guest", 1).await;
    refused(&world, &["go-live", "s1", "--yes"], "NO  guest-stage: no guest has got a message");
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    assert_eq!(world.messages(1).await[0].to, "+46701740606");
    world.logged("reason=not-a-guest", 2).await;
    let suspended = ["suspend", "--channel", "email", "--reason", "x", "--for", "1h", "--yes"];
    done(&world, &suspended);
    refused(&world, &["go-live", "s1", "--yes"], "NO  suspension: sending is suspended");
    done(&world, &["resume", "--channel", "email"]);
    let (code, said) = ran(&world, &["go-live", "s1"]);
    assert!(code == 2 && said.contains("--yes"), "nobody is there to be asked: {said}");
    for words in ["ok  guest-stage: messages that guests have got: 1", "kept back (2 messages)"] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(modes(&world), are("guests", "guests"));

    done(&world, &["go-live", "s1", "--yes"]);
    assert_eq!(modes(&world), are("live", "guests"));
    // The same marks again: those who were kept from them before are not told now.
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    world.quiet(1).await;

    // A load of the directory, a crash and a reload change nothing about it.
    let loads = world.lines("directory in force");
    let staff = "id,school,role,name,email,phone\nt,s1,mentor,Test,mentor@skola.example,\n";
    put_file(&world, "directory/staff.csv", staff);
    world.logged("directory in force", loads + 1).await;
    assert_eq!(modes(&world), are("live", "guests"));
    world.kill();
    world.start().await;
    assert_eq!(modes(&world), are("live", "guests"));
    done(&world, &["reload"]);
    let status = done(&world, &["status"]);
    assert!(status.contains("by uid") && status.contains("configuration says guests"), "{status}");
    world.quiet(2).await;
    refused(&world, &["go-live", "s1", "--yes"], "NO  mode: it has gone live already");

    done(&world, &["go-live", "s1", "--back", "--yes"]);
    assert_eq!(modes(&world), are("guests", "guests"));
    world.accept(&world.marked("nils", "l2", "unexcused", 5)).await;
    world.logged("reason=not-a-guest", 3).await;
    world.kill();
    world.start().await;
    assert_eq!(modes(&world), are("guests", "guests"));
    world.accept(&world.marked("alva", "l2", "unexcused", 5)).await;
    assert_eq!(world.messages(4).await[3].to, "+46701740606");
    let why = done(&world, &["why", "nils"]);
    assert!(why.contains("go-live school:s1 by uid") && why.contains("back-to-guests"), "{why}");
    assert_eq!(world.stop(), Some(0));
    assert_eq!(world.sink.count(), 4, "{}", world.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_has_the_last_word_and_is_not_forgotten() {
    let mut world = guests().start().await;
    done(&world, &["go-live", "s1", "--without-guest-stage", "--yes"]);
    assert_eq!(modes(&world), are("live", "guests"));
    amend(&world, "mode = \"guests\"", "mode = \"shadow\"");
    done(&world, &["reload"]);
    assert_eq!(modes(&world), are("shadow", "shadow"));
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.logged("reason=shadow-mode", 1).await;
    refused(&world, &["go-live", "s1", "--yes"], "configuration says shadow");
    // Another guest stage begins with guests.
    amend(&world, "mode = \"shadow\"", "mode = \"guests\"");
    done(&world, &["reload"]);
    assert_eq!(modes(&world), are("guests", "guests"));

    // The same through restarts.
    done(&world, &["go-live", "s1", "--without-guest-stage", "--yes"]);
    assert_eq!(world.stop(), Some(0));
    assert_eq!(modes(&world), are("live", "guests"), "from the store alone");
    for (from, to) in [("guests", "shadow"), ("shadow", "guests")] {
        amend(&world, &format!("mode = \"{from}\""), &format!("mode = \"{to}\""));
        world.start().await;
        assert_eq!(modes(&world), are(to, to));
        assert_eq!(world.stop(), Some(0));
    }
    let why = done(&world, &["why", "nils"]);
    assert!(why.contains("go-live-withdrawn") && why.contains("without a guest stage"), "{why}");
    assert_eq!(world.sink.count(), 0, "{}", world.shown());
    let (code, said) = ran(&world, &["go-live", "s1", "--yes"]);
    assert!(code == 69 && said.contains("needs the running daemon"), "{code} {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_live_by_configuration_is_changed_there() {
    let world = Setup { faults: silent(), ..Setup::default() }.start().await;
    refused(&world, &["go-live", "s1", "--yes"], "configuration says live");
    refused(&world, &["go-live", "s1", "--back", "--yes"], "is where to change it");
    refused(&world, &["go-live", "s2", "--yes"], "there are: s1");
    assert_eq!(modes(&world), are("live", "live"));
    world.quiet(0).await;
}
