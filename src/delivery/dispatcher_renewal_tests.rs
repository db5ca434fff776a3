//! Another configuration under a dispatcher that is at work.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

impl Bench {
    /// What is in force, once more.
    fn renewed(&self) -> Arc<Shared> {
        let now = &self.dispatcher.shared;
        let (env, templates) = (now.env.clone(), now.templates.clone());
        let (providers, mail) = (now.providers.clone(), now.mail.clone());
        Arc::new(now.renewed(env, templates, providers, mail, now.settings.clone()))
    }

    /// Hands it over as the loop does between two turns.
    async fn renew(&mut self) {
        let handover = self.dispatcher.handover().clone();
        let next = self.renewed();
        let stored = troubles(&next).await.expect("the store is well");
        let change = handover.change(next, stored, || {});
        let taken = async {
            loop {
                if let Some(next) = handover.take() {
                    return next;
                }
                tokio::task::yield_now().await;
            }
        };
        let (changed, next) = tokio::join!(change, taken);
        assert!(changed);
        self.dispatcher.shared = next;
    }
}

#[tokio::test]
async fn a_stopped_account_is_tried_at_once_and_a_limit_asked_again() {
    let mut b = Bench::new(None, roster(ONE));
    b.answer(401, "");
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    assert_eq!(b.texts(), 1, "the first try was refused");
    b.set("08:21:30");
    b.work().await;
    assert_eq!(b.texts(), 1, "for five minutes nothing is tried");
    let account = b.notifications().await[0].attempts[0].account.clone();
    let shut = Some(at("12:00:00"));
    b.dispatcher.shared.gate(&account, |gate| gate.limited_until = shut);
    b.dispatcher.shared.under_way.shut_school(school().id, at("12:00:00"));
    b.renew().await;
    b.work().await;
    assert_eq!(b.texts(), 2, "somebody may have mended it");
    assert_eq!(b.notifications().await[0].state, State::Accepted);
}

#[tokio::test]
async fn what_is_on_the_wire_stays_there_under_another_configuration() {
    let mut b = Bench::new(None, roster(ONE));
    let id = NotificationId::of(&["x"]);
    let account = ProviderId::new("mail").expect("id");
    b.dispatcher.shared.under_way.depart(&id, &account);
    b.renew().await;
    assert!(b.dispatcher.shared.under_way.is_on_the_wire(&id));
    assert!(b.dispatcher.shared.is_busy(&account));
}

#[tokio::test]
async fn the_loop_changes_between_two_turns_and_not_once_it_has_ended() {
    let b = Bench::new(None, roster(ONE));
    b.clock.sleeps();
    let (stop, ran) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let change = |shared| {
        let (ran, handover) = (ran.clone(), b.dispatcher.handover().clone());
        async move {
            let along = move || {
                ran.fetch_add(1, Ordering::SeqCst);
            };
            handover.change(shared, Vec::new(), along).await
        }
    };
    let run = b.dispatcher.run(stop.clone(), || {});
    let changing = async {
        assert!(change(b.renewed()).await);
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(run, changing);
    ended.expect("no failure");
    assert!(!change(b.renewed()).await, "nobody is left to take it");
    assert_eq!(ran.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_waits_outlives_a_school_that_is_gone_for_a_while() {
    let mut b = Bench::new(None, roster(ONE));
    b.mark("p", Mark::Unexcused).await;
    let there = b.directory.load_full();
    let gone = Directory { schools: Arc::default(), roster: there.roster.clone() };
    b.directory.store(Arc::new(gone));
    b.work().await;
    let waits = b.notifications().await.remove(0);
    assert_eq!((b.texts(), waits.state), (0, State::Waiting));
    assert_eq!(waits.state_reason, Some(Reason::UnknownSchool));
    b.set("09:20:00");
    b.work().await;
    assert_eq!(b.notifications().await.len(), 1, "nothing is decided without the school");
    b.directory.store(there);
    b.set("09:26:00");
    b.work().await;
    b.work().await;
    assert_eq!((b.texts(), b.mail.sent().len()), (1, 1), "the guardian and the team are told");
}
