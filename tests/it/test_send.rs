//! `upprop test send`: one message over the whole path to a guest, which says that it is a test; refused with
//! words where it could not leave, and told with what to do where it fails.

use crate::faults::{http, silent};
use crate::inlet::{Kept, amend};
use crate::world::{Setup, TEAM, World, upprop};
use upprop::model::Purpose;
use upprop::sim::sink::Faults;

const GUESTS: &str = "guests = [\"+46701740605\", \"rektor@skola.example\", \"+46701740692\"]\n";

fn guests(mode: &'static str, faults: Faults) -> Setup {
    Setup { mode, school: GUESTS.into(), faults, ..Setup::default() }
}

/// Runs a command and gives its exit code and what it printed.
fn ran(world: &World, args: &[&str]) -> (i32, String) {
    let config = world.config();
    let all = [args, &["--config", config.to_str().expect("a path")]].concat();
    let (code, out, err) = upprop(&all);
    (code, out + &err)
}

fn sent(world: &World, to: &str) -> (i32, String) {
    ran(world, &["test", "send", "--to", to])
}

/// The id that a test printed.
fn id(said: &str) -> &str {
    said.split_whitespace().nth(1).expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_gets_a_test_by_either_channel_and_nobody_else_anything() {
    for mode in ["guests", "live"] {
        let mut world = guests(mode, Faults::default()).start().await;
        let (code, said) = sent(&world, "070-174 06 05");
        assert_eq!(code, 0, "{said}");
        // The states between two looks are not seen.
        assert!(said.contains("test ") && said.contains("  delivered"), "{said}");
        let text = &world.messages(1).await[0];
        assert!(
            text.to == "+46701740605" && text.text.starts_with("Test från Björkskolan"),
            "{text:?}"
        );
        let (code, told) = sent(&world, "rektor@skola.example");
        assert!(code == 0 && told.contains("  accepted"), "{told}");
        let mail = &world.messages(2).await[1];
        assert_eq!(
            (mail.to.as_str(), mail.subject.as_deref()),
            ("rektor@skola.example", Some("Test från Björkskolan"))
        );
        assert!(
            !mail.text.contains("elev-") && !mail.headers.values().any(|v| v.contains(TEAM))
                || mail.to != TEAM
        );

        let (code, shown) = ran(&world, &["message", "show", id(&said)]);
        assert!(
            code == 0
                && shown.contains("about no pupil")
                && shown.contains("test to guest by sms: DELIVERED"),
            "{shown}"
        );
        let (code, why) = ran(&world, &["why", "upprop-test"]);
        assert!(code == 0 && why.contains("operator test uid") && why.contains(id(&told)), "{why}");
        let (_, status) = ran(&world, &["status"]);
        assert!(status.contains("0 gone"), "a test is no message about a pupil: {status}");

        let (code, said) = sent(&world, "+46701740606");
        assert!(code == 1 && said.contains("guest of no school; add it to `guests`"), "{said}");
        assert_eq!(world.stop(), Some(0));
        assert_eq!(world.sink.count(), 2, "{}", world.shown());
        let (code, said) = sent(&world, "+46701740605");
        assert!(code == 69 && said.contains("needs the running daemon"), "{code} {said}");
        let kept = Kept::open(world.folder.path()).notifications().await;
        assert!(kept.len() == 2 && kept.iter().all(|n| n.purpose == Purpose::Test), "{kept:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_sends_not_even_a_test() {
    let mut world = guests("shadow", silent()).start().await;
    let (code, said) = sent(&world, "+46701740605");
    assert!(code == 1 && said.contains("write mode = \"guests\""), "{code} {said}");
    assert_eq!(world.stop(), Some(0));
    assert_eq!(world.sink.count(), 0);
    assert!(Kept::open(world.folder.path()).notifications().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_was_made_before_a_shadow_is_called_back() {
    // Away, so that it waits.
    let mut world = guests("guests", http(&["503"])).start().await;
    let (code, said) = ran(&world, &["test", "send", "--to", "+46701740605", "--wait", "1s"]);
    assert!(code == 1 && said.contains("waiting") && said.contains("http-503"), "{code} {said}");
    assert_eq!(world.stop(), Some(0));
    amend(&world, "mode = \"guests\"", "mode = \"shadow\"");
    world.sink.set_faults(silent());
    world.start().await;
    world.logged("test not sent", 1).await;
    let (_, shown) = ran(&world, &["message", "show", id(&said)]);
    assert!(shown.contains("CANCELLED: the school is in shadow mode"), "{shown}");
    assert_eq!(world.stop(), Some(0));
    assert_eq!(world.sink.count(), 0, "{}", world.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_is_refused_says_so_and_makes_nothing_of_it() {
    let mut world = guests("live", silent()).start().await;
    let (code, said) = sent(&world, "+46701740692");
    assert!(code == 1 && said.contains("upprop: the provider refuses it"), "{code} {said}");
    // Neither a mail in its place nor a task for staff.
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    assert_eq!(world.stop(), Some(0));
    let kept = Kept::open(world.folder.path()).notifications().await;
    assert_eq!(kept.len(), 2, "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_s_limit_holds_for_tests_too() {
    let setup = Setup { recipient_rate: "1/h", ..guests("guests", silent()) };
    let mut world = setup.start().await;
    assert_eq!(ran(&world, &["test", "send", "--to", "+46701740605", "--wait", "0s"]).0, 1);
    world.messages(1).await;
    let (code, said) = ran(&world, &["test", "send", "--to", "+46701740605", "--wait", "2s"]);
    assert!(code == 1 && said.contains("recipient-rate"), "{code} {said}");
    assert_eq!(world.stop(), Some(0));
    assert_eq!(world.sink.count(), 1, "{}", world.shown());
}
