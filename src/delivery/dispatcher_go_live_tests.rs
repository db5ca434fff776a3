//! A school that an operator has taken live: each claim asks whether that still stands.

use super::bench::{Bench, roster, school};
use super::*;
use crate::directory::go_live::GoneLive;

#[tokio::test]
async fn a_claim_beside_a_step_back_is_the_guests_again() {
    for stands in [true, false] {
        let mut b = Bench::new(None, roster(ONE));
        let row = GoneLive { at: b.clock.now(), by: "uid 0".into() };
        let raised = School { gone_live: Some(row.clone()), ..school() };
        let mut unit = Unit::new(b.kv.as_ref());
        if stands {
            unit.write(tables::gone_live(&raised.id), &row);
        }
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        // The row is gone, and what is in force has not been changed yet.
        let roster = b.directory.load().roster.clone();
        let schools = Arc::new([(raised.id.clone(), raised)].into());
        b.directory.store(Arc::new(Directory { schools, roster }));
        b.mark("p", Mark::Unexcused).await;
        b.work().await;
        assert_eq!(b.texts(), usize::from(stands));
        let n = b.notifications().await.remove(0);
        let kept_back = (n.state == State::Cancelled).then_some(n.state_reason).flatten();
        assert_eq!(kept_back, (!stands).then_some(Reason::NotAGuest), "{n:?}");
    }
}
