//! Standard Webhooks from the wire to the store: who may push, for how long, and that the same
//! request again has the same answer and no other effect.

use crate::inlet::{Answer, Kept, amend, put_file, send, send_signed};
use crate::world::{SIGNING, Setup, World};

const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn event(world: &World, lesson: &str) -> String {
    world.marked("nils", lesson, "unexcused", 5).to_string()
}

fn refused(answer: &Answer) {
    assert_eq!((answer.status, answer.text.as_str()), (401, ""), "says nothing of why");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_request_is_taken_and_its_replay_is_answered_alike() {
    let mut world = Setup::default().start().await;
    let body = event(&world, "l1");
    let first = send_signed(&world, SIGNING, "msg_1", 0, &body).await;
    assert_eq!((first.status, first.counts()), (202, (1, 0, 0)));
    for ago in [0, 60] {
        let again = send_signed(&world, SIGNING, "msg_1", ago, &body).await;
        assert_eq!((again.status, again.counts()), (202, (0, 1, 0)));
    }
    // A request that was answered is not taken again, whatever stands in it.
    let forged = send_signed(&world, SIGNING, "msg_1", 0, &event(&world, "l2")).await;
    assert_eq!((forged.status, forged.counts()), (202, (0, 1, 0)));
    // The same event in another request is known by its own id.
    let resent = send_signed(&world, SIGNING, "msg_2", 0, &body).await;
    assert_eq!((resent.status, resent.counts()), (202, (0, 1, 0)));
    world.messages(1).await;
    world.kill();
    world.start().await;
    let later = send_signed(&world, SIGNING, "msg_1", 0, &body).await;
    assert_eq!((later.status, later.counts()), (202, (0, 1, 0)), "remembered after a crash");
    world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_may_be_mended_under_the_same_request_id() {
    let world = Setup::default().start().await;
    let bad = world.marked("nobody", "l1", "unexcused", 5).to_string();
    let first = send_signed(&world, SIGNING, "msg_1", 0, &bad).await;
    assert_eq!((first.status, first.counts()), (422, (0, 0, 1)));
    let mended = send_signed(&world, SIGNING, "msg_1", 0, &event(&world, "l1")).await;
    assert_eq!((mended.status, mended.counts()), (202, (1, 0, 0)));
    world.messages(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_late_comers_and_forgers_are_refused_without_a_word() {
    let mut world = Setup::default().start().await;
    let body = event(&world, "l1");
    refused(&send_signed(&world, OTHER, "msg_1", 0, &body).await);
    refused(&send_signed(&world, SIGNING, "msg_1", 301, &body).await);
    refused(&send_signed(&world, SIGNING, "msg_1", -301, &body).await);
    let json = ("content-type", "application/json");
    refused(&send(&world, "/hooks/src", &[json], body.clone()).await);
    let unsigned = [json, ("webhook-id", "msg_1"), ("webhook-timestamp", "1")];
    refused(&send(&world, "/hooks/src", &unsigned, body.clone()).await);
    let nonsense = [&unsigned[..], &[("webhook-signature", "v1,AAAA")]].concat();
    refused(&send(&world, "/hooks/src", &nonsense, body.clone()).await);
    // A good token does not make up for a bad signature.
    let token = format!("Bearer {}", crate::world::TOKEN);
    let both = [&nonsense[..], &[("authorization", token.as_str())]].concat();
    refused(&send(&world, "/hooks/src", &both, body).await);
    for why in ["wrong_signature", "stale", "early", "missing", "no_usable_signature"] {
        assert!(world.log().contains(why), "the operator is told {why}:\n{}", world.log());
    }
    world.quiet(0).await;
    assert_eq!(world.stop(), Some(0));
    let told = Kept::open(world.folder.path()).notifications().await;
    assert_eq!(told.len(), 1, "of the marker alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_are_good_while_one_is_changed_for_the_other() {
    let mut world = Setup::default().prepare();
    put_file(&world, "secrets/signing-new", OTHER);
    let one = "signature-secret-file = \"secrets/signing\"";
    let both = "signature-secret-file = [\"secrets/signing-new\", \"secrets/signing\"]";
    amend(&world, one, both);
    world.start().await;
    for (secret, id) in [(SIGNING, "msg_1"), (OTHER, "msg_2")] {
        let answer = send_signed(&world, secret, id, 0, &event(&world, id)).await;
        assert_eq!((answer.status, answer.counts()), (202, (1, 0, 0)), "{id}");
    }
    world.messages(2).await;
    assert_eq!(world.stop(), Some(0));
    amend(&world, both, "signature-secret-file = \"secrets/signing-new\"");
    world.start().await;
    refused(&send_signed(&world, SIGNING, "msg_3", 0, &event(&world, "l3")).await);
    world.quiet(2).await;
}
