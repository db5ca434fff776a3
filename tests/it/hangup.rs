//! SIGHUP, which `systemctl reload` and a closed terminal send, ends nothing: the log says that a new
//! configuration needs a restart, and the daemon goes on.

use crate::world::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_is_told_and_ends_nothing() {
    let mut world = Setup::default().start().await;
    world.signal("HUP");
    world.logged("takes effect after a restart", 1).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    world.signal("HUP");
    world.logged("takes effect after a restart", 2).await;
    assert_eq!(world.stop(), Some(0), "{}", world.log());
}
