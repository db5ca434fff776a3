//! Two pupils with one number: what became of one text says nothing about the other.

use upprop::sim::sink::{HttpFault, HttpRule};

use crate::world::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_only_a_report_settled_is_not_taken_for_its_siblings() {
    let mut setup = Setup { school: "grace = \"0s\"\n".into(), ..Setup::default() };
    // The provider keeps no texts, so its history tells two to one number apart by nothing.
    let guardian = "s1,g-alva-1,Vuxen Test,070-174 06 05,,sms,sv,yes,no";
    setup.guardians = vec![format!("alva,{guardian}"), format!("nils,{guardian}")];
    // The first is taken and its answer lost; the second is lost.
    setup.faults.http = vec![
        HttpRule::new(HttpFault::DropAfterStoring).next(1),
        HttpRule::new(HttpFault::DropBeforeStoring).next(1),
    ];
    let mut world = setup.start().await;
    world.accept(&world.marked("alva", "l1", "unexcused", 60)).await;
    let first = world.messages(1).await;
    world.sink.until(|all| all.iter().all(|text| text.receipts_posted > 0)).await;
    world.accept(&world.marked("nils", "l2", "unexcused", 60)).await;
    let both = world.messages(2).await;
    assert!(first[0].text.contains("Alva") && both[1].text.contains("Nils"));
    assert_eq!(world.stop(), Some(0));
    assert_eq!(world.sink.count(), 2);
}
