//! Sending suspended by an operator: nothing leaves meanwhile, what is still news leaves once afterwards,
//! and no row is rewritten for it.

use super::bench::{Bench, at, roster};
use super::*;
use crate::delivery::suspension::{Scope, Suspension};

/// Suspends from now until then, or with none resumes.
async fn suspend(b: &Bench, scope: &str, until: Option<&str>) {
    let scope: Scope = scope.parse().expect("a scope");
    let mut unit = Unit::new(b.kv.as_ref());
    let row = Suspension::row(&scope);
    match until {
        None => unit.delete(row),
        Some(until) => {
            let (reason, by) = ("maintenance".into(), "uid 0".into());
            let (since, until) = (b.clock.now(), at(until));
            unit.write(row, &Suspension { scope, reason, by, since, until });
        }
    }
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
}

#[tokio::test]
async fn what_waited_leaves_once_when_a_suspension_ends() {
    for (scope, texts, mails) in
        [("all", 0, 0), ("school:s", 0, 0), ("channel:sms", 0, 1), ("channel:email", 1, 0)]
    {
        for resumed in [true, false] {
            let mut b = Bench::new(None, roster(ONE));
            suspend(&b, scope, Some("09:31:00")).await;
            b.mark("p", Mark::Unexcused).await;
            b.work().await;
            let waiting = b.notifications().await;
            // The lesson ends, and the team is to be told.
            b.set("09:20:00");
            b.work().await;
            assert_eq!((b.texts(), b.mail.sent().len()), (texts, mails), "{scope}");
            let still = b.notifications().await;
            let first = still.iter().find(|n| n.id == waiting[0].id);
            if texts == 0 {
                assert_eq!(first, waiting.first(), "its row is left as it is");
            }
            b.set("09:30:59");
            let next = b.work().await;
            assert!(next <= at("09:31:00"), "{scope}: it looks again when that ends: {next}");
            if resumed {
                suspend(&b, scope, None).await;
            } else {
                b.set("09:31:00");
            }
            b.work().await;
            assert_eq!((b.texts(), b.mail.sent().len()), (1, 1), "{scope} {resumed}");
            b.set("09:40:00");
            b.work().await;
            assert_eq!((b.texts(), b.mail.sent().len()), (1, 1), "{scope} {resumed}");
        }
    }
}

#[tokio::test]
async fn another_scope_keeps_nothing_back() {
    let mut b = Bench::new(None, roster(ONE));
    suspend(&b, "school:t", Some("12:00:00")).await;
    suspend(&b, "channel:email", Some("12:00:00")).await;
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    assert_eq!(b.texts(), 1);
}

#[tokio::test]
async fn what_is_no_longer_so_is_not_sent_afterwards() {
    let mut b = Bench::new(None, roster(ONE));
    suspend(&b, "all", Some("12:00:00")).await;
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.set("08:40:00");
    b.mark("p", Mark::Present).await;
    b.set("12:00:00");
    b.work().await;
    assert_eq!((b.texts(), b.mail.sent().len()), (0, 0));
    let states: Vec<State> = b.notifications().await.iter().map(|n| n.state).collect();
    assert_eq!(states, [State::Cancelled]);
}

#[tokio::test]
async fn what_is_past_its_deadline_expires_afterwards() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    let n = b.notifications().await.remove(0);
    let mut unit = Unit::new(b.kv.as_ref());
    unit.write(tables::notification(&n.id), &Notification { deadline: at("10:00:00"), ..n });
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    suspend(&b, "channel:sms", Some("10:00:01")).await;
    b.work().await;
    b.set("10:00:01");
    b.work().await;
    assert_eq!(b.texts(), 0);
    let n = b.notifications().await.into_iter().find(|n| n.purpose == Purpose::Absence);
    let n = n.expect("it");
    assert_eq!((n.state, n.state_reason), (State::Expired, Some(Reason::Expired)));
}

#[tokio::test]
async fn a_correction_waits_too_and_goes_once() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    suspend(&b, "school:s", Some("12:00:00")).await;
    b.set("08:30:00");
    b.mark("p", Mark::Present).await;
    b.work().await;
    assert_eq!(b.texts(), 1);
    suspend(&b, "school:s", None).await;
    b.work().await;
    assert_eq!(b.texts(), 2);
}

/// Written while the claim of a message is being made, whose commit then does not hold.
#[tokio::test]
async fn a_suspension_beside_a_claim_wins() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    let slow = Arc::new(Notify::new());
    *b.kv.slow.lock().expect("slow") = Some(slow.clone());
    let claim = b.dispatcher.pass();
    let suspended = async {
        // The claim has read what it needs, and waits with its commit.
        tokio::task::yield_now().await;
        *b.kv.slow.lock().expect("slow") = None;
        suspend(&b, "all", Some("12:00:00")).await;
        slow.notify_one();
    };
    let (pass, ()) = futures_util::future::join(claim, suspended).await;
    pass.expect("pass");
    b.work().await;
    assert_eq!(b.texts(), 0);
    assert!(b.notifications().await.iter().all(|n| n.state == State::Waiting));
}
