//! A command whose output nobody reads any more, as `upprop config show | head -3`, ends without a word.

use std::process::{Command, Stdio};

use crate::world::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn output_that_nobody_reads_is_no_panic() {
    let world = Setup::default().start().await;
    let config = world.config();
    let config = config.to_str().expect("a path");
    for args in [
        &["config", "show", config][..],
        &["status", "--config", config],
        &["store", "check", "--config", config],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let child = Command::new(env!("CARGO_BIN_EXE_upprop"))
            .args(args)
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let ended = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), said.as_ref()), (Some(141), ""), "{args:?}");
    }
}
