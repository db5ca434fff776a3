//! `upprop check` and `upprop run` agree: what the daemon could not be built from is told by both with
//! its place and remedy, beside all other errors, and the daemon does not start (78).

use std::fs;

use serde_json::Value;

use crate::inlet::{amend, put_file};
use crate::world::{Setup, World, upprop};

/// A gateway of which each key is good and the whole is not: nothing proves that it took a text, and
/// the look-up is by an id that is never sent.
const GATEWAY: &str = r#"
[providers.gateway]
kind = "http"
url = "https://sms.example.se/send"
auth = "none"
fields = { to = "{to}", text = "{text}" }
lookup-url = "https://sms.example.se/messages/{id}"
lookup-pointer = "/id"
"#;

fn checked(world: &World) -> (i32, Vec<Value>) {
    let (code, out, err) = upprop(&["check", "--json", &world.config().display().to_string()]);
    assert_eq!(err, "");
    let json: Value = serde_json::from_str(&out).expect("JSON");
    (code, json["problems"].as_array().expect("problems").clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_told_at_once_with_place_and_remedy() {
    let world = Setup { school: GATEWAY.into(), ..Setup::default() }.prepare();
    amend(&world, "public-url", "templates = \"own\"\npublic-url");
    fs::create_dir_all(world.folder.path().join("own/sms/sv")).expect("a folder");
    put_file(&world, "own/sms/sv/absence.txt", "{{ pupil }}\n{{ pupli }}");
    amend(&world, "[http]\n", "[http]\nca-file = \"gone.pem\"\n");
    amend(&world, "[mail]\n", "[mail]\nca-file = \"gone.pem\"\n");
    amend(&world, "tls = \"none\"\n", "tls = \"starttls\"\n");
    amend(&world, "[store]\n", "[store]\nsize = 1\nlow-water = 3\n");
    amend(&world, "low-water = \"64 MiB\"\n", "");
    let (code, problems) = checked(&world);
    assert_eq!(code, 78);
    let text = fs::read_to_string(world.config()).expect("text");
    let line_of = |words: &str| text.lines().position(|l| l.contains(words)).map(|at| at + 1);
    let errors: Vec<&Value> = problems.iter().filter(|p| p["severity"] == "error").collect();
    for problem in &errors {
        assert!(problem["line"].is_u64() && problem["remedy"].is_string(), "{problem}");
    }
    let mut found: Vec<_> =
        errors.iter().map(|p| (p["key"].as_str(), p["line"].as_u64())).collect();
    found.sort_unstable();
    let size = line_of("size = 1").map(|line| line as u64);
    let at = |words| line_of(words).map(|line| line as u64);
    let mut expected = vec![
        (Some("store.size"), size),
        (Some("store.low-water"), at("low-water = 3")),
        (Some("http.ca-file"), at("[http]").map(|line| line + 1)),
        (Some("mail.ca-file"), at("[mail]").map(|line| line + 1)),
        (Some("providers.gateway.reference-at"), at("[providers.gateway]")),
        (Some("providers.gateway.lookup-url"), at("lookup-url")),
        (Some("templates"), Some(2)),
    ];
    expected.sort_unstable();
    assert_eq!(found, expected, "{errors:#?}");
    let file = |key: &str| {
        let problem = errors.iter().find(|p| p["key"] == key).expect(key);
        problem["file"].as_str().expect("a file").to_owned()
    };
    assert_eq!(file("http.ca-file"), world.config().display().to_string());
    assert!(file("templates").ends_with("own/sms/sv/absence.txt"), "{}", file("templates"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_on_parts_that_a_text_exceeds_is_told_at_its_key() {
    let world = Setup { school: "max-parts = 2\n".into(), ..Setup::default() }.prepare();
    let (code, problems) = checked(&world);
    assert_eq!(code, 78, "{problems:#?}");
    let text = fs::read_to_string(world.config()).expect("text");
    let line = text.lines().position(|line| line == "max-parts = 2").expect("a line") + 1;
    let found: Vec<&Value> = problems.iter().filter(|p| p["severity"] == "error").collect();
    assert!(!found.is_empty());
    for problem in found {
        assert_eq!(
            (problem["key"].as_str(), problem["line"].as_u64()),
            (Some("schools.s1.max-parts"), Some(line as u64))
        );
        let remedy = problem["remedy"].as_str().unwrap_or_default();
        assert!(remedy.starts_with("write max-parts = "), "{problem}");
    }
    amend(&world, "max-parts = 2", "max-parts = 3");
    let (code, problems) = checked(&world);
    assert!(code <= 1, "{problems:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_check_refuses_does_not_start_and_says_so() {
    let basic = "basic-user = \"skola\"\nbasic-password-file = \"secrets/basic\"\n";
    let bearer = "bearer-file = \"secrets/token\"\n";
    let cases = [
        ("[http]\n", "[http]\nca-file = \"gone.pem\"\n", "ca-file"),
        ("[http]\n", "[http]\nca-file = \"secrets/token\"\n", "ca-file"),
        ("tls = \"none\"\n", "ca-file = \"secrets/token\"\n", "ca-file"),
        ("[mail]\n", "[mail]\ntransport = \"file\"\nfolder = \"secrets/token/out\"\n", "folder"),
        (bearer, basic, "basic-password-file"),
        ("\"secrets/signing\"", "\"secrets/surplus\"", "signature-secret-file"),
        ("phone = \"070-174 06 89\"\n", "", "phone"),
    ];
    for (from, to, key) in cases {
        let world = Setup::default().prepare();
        put_file(&world, "secrets/basic", "åäöåäöåä");
        put_file(&world, "secrets/surplus", format!("{}==", crate::world::SIGNING));
        amend(&world, from, to);
        let (code, problems) = checked(&world);
        assert_eq!(code, 78, "{to}: {problems:#?}");
        let told = problems.iter().any(|p| {
            p["severity"] == "error" && p["key"].as_str().is_some_and(|found| found.ends_with(key))
        });
        assert!(told, "{to}: {problems:#?}");
        let (code, _, err) = upprop(&["run", &world.config().display().to_string()]);
        assert_eq!(code, 78, "{to}: {err}");
        assert!(err.contains(key) && err.contains("upprop check"), "{err}");
        assert!(!world.folder.path().join("state").exists(), "nothing was touched");
    }
}
