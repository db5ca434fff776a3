//! What may go wrong between a source and the core, and whom nobody may be told of because of it.

use super::*;
use crate::store::rows::NoticeSaid;

#[tokio::test]
async fn a_notice_that_is_changed_suppresses_all_the_time() {
    let mut stage = Stage::with(&[Way::Listing], |there| {
        there.absences.push(absence("n1", -60, 300, -5));
    })
    .await;
    stage.round().await;
    stage.now(|there| there.rows.push(row("r1", "p", "l1", MISSING, 1)));
    stage.round().await;
    stage.now(|there| there.absences[0] = absence("n1", -60, 200, 2));
    assert_eq!(stage.round().await.notices, 1);
    assert_eq!(stage.said().await, [], "nothing was ever to be said");
    let notices: Vec<NoticeSaid> = stage.rows(tables::NOTICES_SAID).await;
    assert_eq!((notices.len(), notices[0].former.len()), (1, 0));
    // The former span is taken back all the same.
    stage.now(|there| there.absences[0] = absence("n1", -60, -30, 3));
    stage.round().await;
    assert_eq!(stage.said().await.len(), 1);
}
