//! Commands that need no secret run from a shell, where the unit's credentials are not to be had.

use std::fs;

use crate::world::{Setup, upprop};

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_secret_asks_for_none() {
    let mut world = Setup::default().start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    assert_eq!(world.stop(), Some(0));
    // The same configuration as a unit would have it, with names of credentials.
    let text = fs::read_to_string(world.config()).expect("text").replace("\"secrets/", "\"");
    fs::write(world.config(), text).expect("written");
    let config = world.config().display().to_string();

    let (code, out, err) = upprop(&["directory", "check", "--config", &config]);
    assert_eq!((code, err.as_str()), (1, ""), "findings alone: {out}");
    let (code, out, err) = upprop(&["store", "rebuild", &config]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("The store was made again"), "{out}");
    // The daemon does need them.
    let (code, _, err) = upprop(&["run", &config]);
    assert_eq!(code, 78, "{err}");
    assert!(err.contains("$CREDENTIALS_DIRECTORY is not set"), "{err}");
}
