//! Where secrets and people could leak: the process's own pages in /proc, the libraries' words at
//! their most talkative, and what is said of a configuration with secrets in the wrong place.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::inlet::{amend, send_signed};
use crate::world::{API_TOKEN, SIGNING, Setup, TOKEN, upprop};

/// What would let somebody in, or names somebody.
fn nothing_of(said: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!said.contains(secret), "{secret:?} in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_libraries_say_nothing_however_much_is_asked_of_them() {
    let extra = "[log]\nfilter = \"trace,hyper=trace,reqwest=trace,rustls=trace,h2=trace\"\n";
    let mut setup = Setup { extra: extra.into(), ..Setup::default() };
    setup.mail.push_str("username = \"upprop-user\"\npassword-file = \"secrets/password\"\n");
    let mut world = setup.start().await;
    let body = world.marked("nils", "l1", "unexcused", 5).to_string();
    assert_eq!(send_signed(&world, SIGNING, "msg_1", 0, &body).await.status, 202);
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    world.messages(2).await;
    world.logged("outcome=\"accepted\"", 2).await;
    assert_eq!(world.stop(), Some(0));
    // Below info, only the rooms' own words come through.
    let theirs = |line: &&str| line.contains("TRACE") || line.contains("DEBUG");
    for line in world.log().lines().filter(theirs) {
        assert!(line.contains(" upprop::"), "{line}");
    }
    let basic = STANDARD.encode("u-test:p-test");
    let plain = STANDARD.encode("\0upprop-user\0p-test");
    let key = SIGNING.trim_start_matches("whsec_");
    nothing_of(
        &world.log(),
        &[
            TOKEN,
            API_TOKEN,
            key,
            &basic,
            &plain,
            "p-test",
            "receipt-secret",
            "46701740607",
            "Nils",
            "maj.g@",
            "registrerad",
            "Bearer",
            "v1,",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_shows_no_secret_to_others_on_the_machine() {
    let world = Setup::default().start().await;
    let config = world.config().display().to_string();
    let mine = |entry: fs::DirEntry| {
        let folder = entry.path();
        let line = fs::read_to_string(folder.join("cmdline")).ok()?;
        (line.contains("run\0") && line.contains(&config)).then_some((folder, line))
    };
    let mut all = fs::read_dir("/proc").expect("processes").flatten();
    let (folder, line) = all.find_map(mine).expect("the daemon");
    let environment = fs::read(folder.join("environ")).expect("its own user may look");
    let said = format!("{line}{}", String::from_utf8_lossy(&environment));
    nothing_of(&said, &[TOKEN, API_TOKEN, SIGNING, "p-test", "receipt-secret"]);
}

#[tokio::test]
async fn a_secret_in_the_wrong_place_is_told_of_and_not_repeated() {
    const SECRET: &str = "hunter2-hunter2-hunter2";
    let key = "whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==";
    for (from, to) in [
        ("bearer-file = \"secrets/token\"", format!("bearer = \"{SECRET}\"")),
        ("bearer-file = \"secrets/token\"", format!("bearer-token = \"{SECRET}\"")),
        ("bearer-file = \"secrets/token\"", format!("basic-password = \"{SECRET}\"")),
        ("bearer-file = \"secrets/token\"", format!("bearer-file = [[\"{SECRET}\"]]")),
        ("bearer-file = \"secrets/token\"", format!("bearer-file = \"{SECRET}")),
        ("signature-secret-file = \"secrets/signing\"", format!("signature-secret = \"{key}\"")),
        (
            "signature-secret-file = \"secrets/signing\"",
            format!("signature-secret-file = \"{key}\""),
        ),
        ("password-file = \"secrets/password\"", format!("password = \"{SECRET}\"")),
        ("password-file = \"secrets/password\"", format!("password-file = \" {SECRET}\"")),
        ("username-file = \"secrets/user\"", format!("api-key = \"{SECRET}\"")),
        ("[mail]\n", format!("[mail]\npassword = \"{SECRET}\"\n")),
    ] {
        let world = Setup::default().prepare();
        amend(&world, from, &to);
        for command in ["check", "run"] {
            let (code, out, err) = upprop(&[command, &world.config().display().to_string()]);
            let said = format!("{out}{err}");
            assert_eq!(code, 78, "{to}: {said}");
            nothing_of(&said, &[SECRET, "hunter2", &key[6..]]);
        }
    }
}
