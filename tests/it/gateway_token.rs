//! A gateway that is entered by a token (OAuth 2.0 client credentials): one token serves many texts, a
//! withdrawn one is replaced and the text still comes once, wrong credentials stop the account with its
//! texts waiting, and no secret is in the log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::gateway::{Asked, Gateway, world};
use crate::world::World;

const TABLE: &str = r#"
url = "{url}/send"
auth = "oauth2-client-credentials"
token-url = "{url}/token"
client-id-file = "secrets/client-id"
client-secret-file = "secrets/client-secret"
scope = "sms:send"
fields = { to = "{to}", text = "{text}" }
reference-at = "^ID: ([0-9]+)$"
"#;

const SECRETS: [(&str, &str); 2] = [("client-id", "skola-1"), ("client-secret", "hush-hush-0123")];

fn is_token(asked: &Asked) -> bool {
    asked.line.starts_with("POST /token ")
}

fn no_secret_is_logged(world: &World) {
    let log = world.log();
    for secret in ["hush-hush", "tok-", "Bearer", "c2tvbGEtMTpodXNo"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_token_is_replaced_and_the_text_comes_once() {
    // Withdrawn: the token that was the good one until now.
    let good = Arc::new(Mutex::new(1));
    let current = good.clone();
    let gateway = Gateway::start(move |n, asked| {
        let good = *current.lock().expect("kept");
        match asked.header("authorization") {
            _ if is_token(asked) => (
                200,
                format!(
                    r#"{{"access_token":"tok-{good}","token_type":"bearer","expires_in":3600}}"#
                ),
            ),
            own if own == format!("Bearer tok-{good}") => (200, format!("ID: {n}")),
            _ => (401, String::new()),
        }
    })
    .await;
    let world = world(&gateway, TABLE, &SECRETS).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.logged("outcome=\"accepted\"", 1).await;
    let asked = gateway.asked(2, &world).await;
    assert!(is_token(&asked[0]));
    assert_eq!(asked[0].text(), "grant_type=client_credentials&scope=sms%3Asend");

    *good.lock().expect("kept") = 2;
    world.accept(&world.marked("nils", "l2", "unexcused", 5)).await;
    world.logged("outcome=\"accepted\"", 2).await;
    let asked = gateway.asked(5, &world).await;
    let told: Vec<_> = asked.iter().map(|a| a.header("authorization")).collect();
    let basic = told[0];
    assert_eq!(told, [basic, "Bearer tok-1", "Bearer tok-1", basic, "Bearer tok-2"]);
    assert_eq!(world.lines("outcome="), 2, "no attempt failed: {}", world.log());
    no_secret_is_logged(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_stop_the_account_and_nothing_is_sent() {
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = mended.clone();
    let gateway = Gateway::start(move |n, asked| {
        if !is_token(asked) {
            (200, format!("ID: {n}"))
        } else if is_mended.load(Ordering::SeqCst) {
            (200, r#"{"access_token":"tok-1","token_type":"Bearer"}"#.into())
        } else {
            (401, r#"{"error":"invalid_client","error_description":"hush-hush"}"#.into())
        }
    })
    .await;
    let mut world = world(&gateway, TABLE, &SECRETS).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.logged("outcome=\"reject-channel\" code=\"not-let-in\"", 1).await;
    world.logged("the token endpoint says 401 invalid_client", 1).await;
    assert!(gateway.seen().iter().all(is_token), "{:?}", gateway.seen());

    mended.store(true, Ordering::SeqCst);
    world.kill();
    world.start().await;
    world.logged("outcome=\"accepted\"", 1).await;
    let texts = gateway.seen().iter().filter(|asked| !is_token(asked)).count();
    assert_eq!(texts, 1, "{:?}", gateway.seen());
    no_secret_is_logged(&world);
}
