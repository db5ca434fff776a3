//! A budget that is used up is no silence: `status` says what waits for it, until when, and what to do.

use crate::hub::Hub;
use crate::world::upprop;

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_long_for_its_budget_is_shown() {
    let lines = "schedule-poll = \"1s\"\nbudgets = { calendarEvents = \"1/h\" }\n";
    let mut hub = Hub::start("", 1, lines).await;
    let config = hub.world.config();
    let config = config.to_str().expect("a path");
    hub.world.logged("waits for its budget", 1).await;
    let out = tokio::task::block_in_place(|| upprop(&["status", "--config", config])).1;
    assert!(out.contains("WRONG (budget)"), "{out}");
    assert!(out.contains("/calendarEvents waits for its budget: it may not be asked for before "));
    assert!(out.contains("→ raise `budgets` as far as the vendor lets"), "{out}");
    assert_eq!(hub.world.stop(), Some(0));
}
