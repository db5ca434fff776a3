//! The directory from a school system by SS 12000, as those see it who are told: the real daemon beside a school
//! that serves it, well and badly.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use tokio_util::task::TaskTracker;
use upprop::env::{Clock as _, SystemClock};
use upprop::sim::school::{Act, Marking, PupilCard, Quirks, School, SchoolSettings};

use crate::world::{Setup, TEAM, World, soon, upprop, within};

const PUPILS: usize = 60;

fn school(quirks: Quirks) -> School {
    let settings =
        SchoolSettings { pupils: PUPILS, timetable: false, quirks, ..SchoolSettings::default() };
    let (clock, tracker) = (Arc::new(SystemClock::new()), TaskTracker::new());
    School::start(settings, clock, &tracker).expect("a school")
}

fn act(school: &School, act: Act) {
    school.act(act).expect("it can be done");
}

/// A minor who is not protected, left with one guardian, who has this number.
fn family(school: &School, nth: usize, number: &str) -> PupilCard {
    let is_minor = |card: &&PupilCard| {
        card.birth.is_some_and(|birth| birth > jiff::civil::date(2012, 1, 1))
            && card.marking == Marking::Ingen
            && !card.guardians.is_empty()
    };
    let pupil = school.pupils().iter().filter(is_minor).nth(nth).expect("a pupil").clone();
    for guardian in &pupil.guardians[1..] {
        let (pupil, guardian) = (pupil.id.to_string(), guardian.id.to_string());
        act(school, Act::Part { pupil, guardian });
    }
    reached(school, &pupil, number);
    pupil
}

/// The pupil's guardian has this number from now on.
fn reached(school: &School, pupil: &PupilCard, number: &str) {
    let person = pupil.guardians[0].id.to_string();
    act(school, Act::Contact { person, phones: vec![number.into()], emails: Vec::new() });
}

/// A world whose directory comes from the school; `keys` are more lines of its table.
fn world(school: &School, keys: &str) -> World {
    let world = Setup::default().prepare();
    let secrets = world.folder.path().join("secrets");
    for (name, text) in [("client-id", "upprop"), ("client-secret", "fake-school-secret")] {
        let path = secrets.join(name);
        std::fs::write(&path, text).expect("secret");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode");
    }
    let there = school.pupils()[0].school.expect("a school unit");
    let text = std::fs::read_to_string(world.config()).expect("config");
    let text = text.replace("[directory]\nfolder = \"directory\"\npoll = \"1s\"\n", "");
    let text = format!(
        "{text}\n[ss12000.hub]\nurl = \"{}\"\nauth = \"oauth2-client-credentials\"\n\
         token-url = \"{}\"\nclient-id-file = \"secrets/client-id\"\n\
         client-secret-file = \"secrets/client-secret\"\ngives = [\"directory\"]\n\
         schools = {{ s1 = \"{there}\" }}\ndirectory-poll = \"1s\"\n{keys}",
        school.url(),
        school.token_url(),
    );
    std::fs::write(world.config(), text).expect("config");
    world
}

/// What `upprop status` prints.
fn shown(world: &World) -> String {
    upprop(&["status", "--config", world.config().to_str().expect("a path")]).1
}

async fn in_force(world: &World, times: usize) {
    world.logged("directory in force", times).await;
}

async fn absent(world: &World, pupil: &PupilCard, lesson: &str) {
    world.accept(&world.marked(pupil.id.to_string().as_str(), lesson, "unexcused", 5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guardians_are_told_at_the_numbers_that_the_school_system_has_now() {
    let school = school(Quirks::default());
    let (one, two) = (family(&school, 0, "070-174 06 05"), family(&school, 1, "08-123 456 78"));
    let mut world = world(&school, "page-size = 7\n");
    world.start().await;
    in_force(&world, 1).await;
    absent(&world, &one, "l1").await;
    let told = world.messages(1).await;
    assert_eq!(told[0].to, "+46701740605");

    // The guardian's own row moves, and the pupil's does not.
    reached(&school, &one, "+46 70 174 06 06");
    in_force(&world, 2).await;
    absent(&world, &one, "l2").await;
    assert_eq!(world.messages(2).await[1].to, "+46701740606");

    // Who is protected from now on is not written about, whoever asks.
    let (person, marking) = (one.id.to_string(), Marking::Sekretessmarkering);
    act(&school, Act::Protect { person, marking });
    in_force(&world, 3).await;
    absent(&world, &one, "l3").await;
    reached(&school, &two, "070-174 06 07");
    in_force(&world, 4).await;
    absent(&world, &two, "l4").await;
    let all = world.messages(4).await;
    let texts: Vec<_> = World::texts(&all).into_iter().map(|(to, _)| to).collect();
    let expected = ["+46701740605", "+46701740606", "+46701740607"];
    assert_eq!(texts, expected, "none of the third lesson");
    let mails = World::mails(&all);
    assert_eq!(mails[0].to, TEAM, "who is asked to ring instead");

    // Who has left is no pupil.
    act(&school, Act::Remove { person: two.id.to_string() });
    in_force(&world, 5).await;
    let (status, answer) =
        world.post(&world.marked(&two.id.to_string(), "l5", "unexcused", 5)).await;
    assert_ne!(status, 202, "{answer}");
    assert_eq!(world.lines("something is wrong with the source"), 0, "{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn persons_who_can_only_be_looked_up_are() {
    let school = school("skola24".parse().expect("quirks"));
    let pupil = family(&school, 0, "070-174 06 05");
    let mut world = world(&school, "vendor = \"skola24\"\nlookup-size = 20\n");
    world.start().await;
    in_force(&world, 1).await;
    absent(&world, &pupil, "l1").await;
    assert_eq!(world.messages(1).await[0].to, "+46701740605");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_said_of_protection_nobody_is_told() {
    let school = school(Quirks { no_marking: true, ..Quirks::default() });
    let pupil = family(&school, 0, "070-174 06 05");
    let mut world = world(&school, "");
    world.start().await;
    in_force(&world, 1).await;
    absent(&world, &pupil, "l1").await;
    let config = world.config();
    let (_, out, err) =
        upprop(&["why", &pupil.id.to_string(), "--config", config.to_str().expect("a path")]);
    assert!(out.contains("protection"), "{out}{err}");
    // Said now: the one pupil of whom it is said is told about.
    school.set_quirks(Quirks::default());
    let (person, marking) = (pupil.id.to_string(), Marking::Ingen);
    act(&school, Act::Protect { person, marking });
    in_force(&world, 2).await;
    absent(&world, &pupil, "l2").await;
    let all = world.messages(2).await;
    assert_eq!(World::mails(&all)[0].to, TEAM, "of the first lesson the team alone is told");
    assert_eq!(World::texts(&all)[0].0, "+46701740605");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_the_pupils_gone_is_held_back_until_an_operator_says_that_it_is_right() {
    let school = school(Quirks::default());
    let mut world = world(&school, "");
    world.start().await;
    in_force(&world, 1).await;
    world.kill();
    act(&school, Act::LosePupils { percent: 50 });
    world.start().await;
    world.logged("directory load refused", 1).await;
    let config = world.config();
    let config = config.to_str().expect("a path");
    let (code, out, err) = upprop(&["directory", "confirm", "--config", config]);
    assert_eq!(code, 1, "{out}{err}");
    let digest = out.trim().rsplit(' ').next().expect("a digest").to_owned();
    let (_, status, _) = upprop(&["status", "--config", config]);
    assert!(status.contains(&digest), "{status}");
    let lost = (0..PUPILS).map(|n| school.pupils()[n].id.to_string());
    let mut refused = Vec::new();
    for pupil in lost.take(3) {
        refused.push(world.post(&world.marked(&pupil, "l1", "present", 5)).await.0);
    }
    assert!(refused.iter().all(|status| *status == 202), "all are known yet: {refused:?}");

    let (code, _, err) = upprop(&["directory", "confirm", &digest, "--config", config]);
    assert_eq!(code, 2, "nobody can be asked here: {err}");
    let wrong = digest.replace(|c: char| c.is_ascii_digit(), "f");
    let (code, _, err) = upprop(&["directory", "confirm", &wrong, "--yes", "--config", config]);
    assert_eq!(code, 1, "{err}");
    let (code, out, err) = upprop(&["directory", "confirm", &digest, "--yes", "--config", config]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("30 pupils"), "{out}");
    let (code, out, _) = upprop(&["directory", "confirm", "--config", config]);
    assert_eq!((code, out.contains("No directory")), (0, true), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_and_the_daemon_goes_on() {
    let html = Quirks { html_token: true, ..Quirks::default() };
    let endless = Quirks { endless_token: true, ..Quirks::default() };
    let school = school(html);
    let pupil = family(&school, 0, "070-174 06 05");
    let mut world = world(&school, "page-size = 7\n");
    world.start().await;
    world.logged("answers with a web page, not with a token", 1).await;
    let status = shown(&world);
    let told = [
        "hub",
        "WRONG (token): the token endpoint answers with a web page, not with a token",
        "→ check token-url; if it is right, ask the vendor whether tokens are handed out",
    ];
    assert!(told.iter().all(|words| status.contains(words)), "{status}");
    school.set_quirks(endless);
    world.kill();
    world.start().await;
    world.logged("do not end: it gave the same pageToken twice", 1).await;
    assert_eq!(world.lines("directory in force"), 0, "nothing of half a reading");
    let status = shown(&world);
    let told = [
        "hub",
        "WRONG (paging): the pages of /organisations do not end: it gave the same pageToken twice",
        "→ what is cut short is not taken as whole, and what is in force stays so; show this to the vendor",
    ];
    assert!(told.iter().all(|words| status.contains(words)), "{status}");
    school.set_quirks(Quirks::default());
    world.kill();
    world.start().await;
    in_force(&world, 1).await;
    absent(&world, &pupil, "l1").await;
    assert_eq!(world.messages(1).await[0].to, "+46701740605");
    let clock = SystemClock::new();
    within("a moment", clock.sleep_until(soon(&clock))).await;
    assert_eq!(world.stop(), Some(0), "{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_has_what_has_changed_read_at_once() {
    let school = school(Quirks::default());
    let pupil = family(&school, 0, "070-174 06 05");
    let calls = "subscriptions = true\ncallback-secret-file = \"secrets/call\"\n";
    let mut world = world(&school, calls);
    let text = std::fs::read_to_string(world.config()).expect("config");
    let text = text.replace("directory-poll = \"1s\"", "directory-poll = \"1h\"");
    std::fs::write(world.config(), text).expect("config");
    let path = world.folder.path().join("secrets/call");
    std::fs::write(&path, crate::hub::CALL).expect("secret");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode");
    world.start().await;
    in_force(&world, 1).await;
    world.logged("the source calls when something has changed", 1).await;
    reached(&school, &pupil, "070-174 06 06");
    // An hour would be the usual pace.
    in_force(&world, 2).await;
    absent(&world, &pupil, "l1").await;
    assert_eq!(world.messages(1).await[0].to, "+46701740606");
    // However often it calls.
    let clock = SystemClock::new();
    let asked = || {
        let all = school.asked();
        all.get("GET /persons").map_or(0, |by_status| by_status.values().sum::<u64>())
    };
    let (before, began) = (asked(), clock.now());
    let url = format!("http://{}/hooks/hub/{}", world.address, crate::hub::CALL);
    for _ in 0..200 {
        let body = "{\"modifiedEntites\": [\"Person\"]}";
        let sent = world.client().post(&url).body(body).send();
        assert_eq!(within("an answer", sent).await.expect("an answer").status(), 200);
    }
    reached(&school, &pupil, "070-174 06 07");
    in_force(&world, 3).await;
    let took = clock.now().duration_since(began).as_secs().unsigned_abs();
    let more = asked() - before;
    // Three questions and their pages at each reading, of which there is one in ten seconds.
    assert!(more <= (took / 10 + 2) * 12, "asked {more} times in {took} s");
}

/// A server whose certificate has expired; its address.
#[expect(clippy::disallowed_methods, reason = "a test's server is no part of the daemon")]
fn expired() -> String {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
    use rustls::{ServerConfig, ServerConnection, Stream};
    upprop::env::wire::install_crypto();
    let certificate = CertificateDer::from_pem_file(fixture("expired.pem")).expect("PEM");
    let key = PrivateKeyDer::from_pem_file(fixture("expired.key")).expect("PEM");
    let config = ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).expect("a pair"));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut tls = ServerConnection::new(config.clone()).expect("TLS");
            // Whoever looks at the certificate goes away.
            let _ = std::io::Read::read(&mut Stream::new(&mut tls, &mut stream), &mut [0; 64]);
        }
    });
    format!("https://localhost:{port}/v2.0")
}

fn fixture(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/env/fixtures").join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_has_expired_is_shown_with_what_to_do() {
    let school = school(Quirks::default());
    let mut world = world(&school, "");
    let text = std::fs::read_to_string(world.config()).expect("config");
    let authority = fixture("expired-ca.pem");
    let url = format!("url = \"{}\"\nca-file = \"{}\"", expired(), authority.display());
    let text = text.replace(&format!("url = \"{}\"", school.url()), &url);
    std::fs::write(world.config(), text).expect("config");
    world.start().await;
    world.logged("something is wrong with the source", 1).await;
    let status = shown(&world);
    let told =
        ["hub", "WRONG (certificate): ", "→ a certificate has expired: theirs, which the vendor"];
    assert!(told.iter().all(|words| status.contains(words)), "{status}");
}
