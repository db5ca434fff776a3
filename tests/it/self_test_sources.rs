//! What the self-test says of a source is what `status` says of it; and whose configuration it tests.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::gateway::Gateway;
use crate::world::{Setup, upprop};

#[tokio::test(flavor = "multi_thread")]
async fn a_place_of_tokens_that_answers_with_a_page_has_its_own_remedy() {
    let page = Gateway::start(|_, _| (200, "<html>log in</html>".into())).await;
    let mut setup = Setup::default();
    let table = format!(
        "\n[ss12000.hub]\nurl = \"{0}/v2.0\"\nauth = \"oauth2-client-credentials\"\ntoken-url = \"{0}/token\"\n\
         client-id-file = \"secrets/hub\"\nclient-secret-file = \"secrets/hub\"\n\
         gives = [\"attendance\"]\nschools = {{ s1 = \"o\" }}\n",
        page.url()
    );
    setup.school.push_str(&table);
    let mut world = setup.prepare();
    let path = world.folder.path().join("secrets/hub");
    fs::write(&path, "client-0123456789abcdef").expect("secret");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
    let config = world.config();
    let config = config.to_str().expect("a path");
    let test = || tokio::task::block_in_place(|| upprop(&["self-test", config])).1;
    let alone = test();
    world.start().await;
    let by_daemon = test();
    for out in [&alone, &by_daemon] {
        let found = out.split("source hub: ").nth(1).unwrap_or_else(|| panic!("{out}"));
        assert!(found.contains("with a web page, not with a token"), "{out}");
        assert!(found.contains("→ check token-url; if it is right, ask the vendor"), "{out}");
    }
    let whose = format!("{config} was read only to find it");
    assert!(by_daemon.contains(&whose) && !alone.contains(&whose), "{by_daemon}{alone}");
    assert_eq!(world.stop(), Some(0));
}
