//! Requests to where no gateway is (SSRF): by an address in the configuration, by another way to write
//! it, by a redirect. Gateways of the inner network are called, over https.

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::gateway::{Gateway, world};
use crate::inlet::{amend, put_file};
use crate::world::{Setup, World, upprop};

/// Addresses that are refused, and a word of why.
const REFUSED: &[(&str, &str)] = &[
    // A cloud's metadata, in every dress.
    ("https://169.254.169.254/latest/meta-data", "link-local"),
    ("http://169.254.169.254", "link-local"),
    ("https://[::ffff:169.254.169.254]", "link-local"),
    ("https://[64:ff9b::a9fe:a9fe]", "link-local"),
    ("https://[fd00:ec2::254]", "link-local"),
    ("https://[fe80::1]", "link-local"),
    ("https://100.100.100.200", "link-local"),
    ("https://2852039166", "ends in a number"),
    ("https://0xA9FEA9FE", "ends in a number"),
    ("https://0251.0376.0251.0376", "ends in a number"),
    ("https://169.254.43518", "ends in a number"),
    ("https://169.254.169.254.", "ends in a number"),
    ("https://127.1", "ends in a number"),
    ("https://0.0.0.0", "link-local"),
    ("https://[::]", "link-local"),
    ("https://224.0.0.1", "link-local"),
    // What could be read on the way, whatever it looks like at first sight.
    ("http://10.1.2.3", "not https"),
    ("http://127.0.0.1.example.se", "not https"),
    ("http://localhost.example.se", "not https"),
    ("http://[::ffff:127.0.0.1]", "not https"),
    // Two readers may disagree on who is meant.
    ("https://sms.example.se@10.1.2.3", "expected"),
    ("https://user:secret@sms.example.se", "expected"),
    ("https://sms.example.se\\\\@10.1.2.3", "expected"),
    ("https://sms.example.se#@10.1.2.3", "expected"),
    ("https://%31%36%39.254.169.254", "expected"),
    ("https://１６９.254.169.254", "expected"),
    ("file:///etc/passwd", "expected"),
    ("gopher://127.0.0.1:25", "expected"),
    ("//127.0.0.1", "expected"),
];

/// Those of a municipality, by name or number.
const TAKEN: &[&str] = &[
    "https://sms.example.se",
    "https://sms.kommun.internal:8443/v2",
    "https://10.1.2.3",
    "https://192.168.1.1:8443",
    "https://[fd12:3456::1]",
    "http://127.0.0.1:8080",
    "http://[::1]:8080",
    "http://localhost:8080",
];

/// What `upprop check` says of a world that does not run.
fn checked(world: &World) -> (i32, String) {
    let (code, out, err) = upprop(&["check", &world.config().display().to_string()]);
    (code, format!("{out}{err}"))
}

const GATEWAY: &str = r#"[providers.gw]
kind = "http"
url = "URL"
auth = "oauth2-client-credentials"
token-url = "TOKEN"
client-id-file = "secrets/user"
client-secret-file = "secrets/password"
fields = { to = "{to}", text = "{text}", ref = "{id}" }
reference-at = "/id"
lookup-url = "LOOKUP/{id}"
lookup-pointer = "/id"
[sources.src]"#;

#[tokio::test]
async fn a_gateway_is_nowhere_that_no_gateway_is() {
    let world = Setup::default().prepare();
    let config = std::fs::read_to_string(world.config()).expect("the configuration");
    let elks = config.lines().find(|l| l.starts_with("url = ")).expect("an address").to_owned();
    let with = |own: &str, url: &str, token: &str, lookup: &str| {
        let gateway = GATEWAY.replace("URL", url).replace("TOKEN", token);
        let gateway = gateway.replace("LOOKUP", lookup).replace("{id}/{id}", "{id}");
        let text = config.replace(&elks, &format!("url = \"{own}\""));
        put_file(&world, "upprop.toml", text.replace("[sources.src]", &gateway));
        checked(&world)
    };
    for url in TAKEN {
        let (code, said) = with(url, url, url, url);
        assert!(code <= 1, "{url}: {said}");
    }
    for (url, why) in REFUSED {
        let (code, said) = with(url, url, url, url);
        assert_eq!(code, 78, "{url}: {said}");
        // `url` of both, and `token-url`; `lookup-url` says what is expected, and not what is wrong.
        let errors = || said.lines().filter(|line| line.contains(": error: "));
        let told = |key: &str| errors().filter(|line| line.contains(key)).count();
        assert_eq!((told("`url`"), told("`token-url`"), told("`lookup-url`")), (2, 1, 1), "{said}");
        assert!(said.matches(why).count() >= 3, "{url}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_a_gateway_sends_us_elsewhere() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/stolen", elsewhere.local_addr().expect("an address"));
    for status in [301, 302, 303, 307, 308] {
        let location = url.clone();
        // The body says it too, for those who look there.
        let gateway = Gateway::start(move |_, _| {
            (status, format!("{{\"location\":\"{location}\",\"next\":\"{location}\"}}"))
        })
        .await
        .with_header(&format!("location: {url}\r\nrefresh: 0; url={url}"));
        let table = "url = \"{url}/send\"\nauth = \"bearer\"\ntoken-file = \"secrets/gw\"\n\
             fields = { to = \"{to}\", text = \"{text}\" }\nreference-at = \"/id\"\n";
        let mut world = world(&gateway, table, &[("gw", "gateway-token-0123456789")]).await;
        world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
        gateway.asked(1, &world).await;
        world.logged(&format!("code=\"http-{status}\""), 1).await;
        assert_eq!(world.stop(), Some(0));
    }
    // Whoever had come would be in line before us.
    let own = tokio::net::TcpStream::connect(elsewhere.local_addr().expect("an address"));
    let mut own = own.await.expect("a connection");
    let (_, first) = elsewhere.accept().await.expect("a caller");
    assert_eq!(first, own.local_addr().expect("an address"), "nobody else has called");
    drop(elsewhere);
    let mut nothing = Vec::new();
    let _ = own.read_to_end(&mut nothing).await;
    assert_eq!(nothing, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_a_name_that_leads_elsewhere_gets_nothing() {
    // Who answers at the name's address has no certificate for it: no byte of the text is sent.
    let stranger = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = stranger.local_addr().expect("an address").port();
    let mut world = Setup::default().prepare();
    let config = std::fs::read_to_string(world.config()).expect("the configuration");
    let own = config.lines().find(|l| l.starts_with("url = ")).expect("an address").to_owned();
    amend(&world, &own, &format!("url = \"https://localhost:{port}\""));
    world.start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let heard = async {
        let (mut stream, _) = stranger.accept().await.expect("a caller");
        let mut hello = vec![0; 4096];
        let size = stream.read(&mut hello).await.expect("a greeting");
        hello.truncate(size);
        hello
    };
    let hello = crate::world::within("a greeting", heard).await;
    // A TLS handshake (RFC 8446 §5.1), which is all that comes without a certificate.
    assert_eq!(hello[..2], [0x16, 0x03]);
    let text = String::from_utf8_lossy(&hello);
    assert!(!text.contains("/a1/sms") && !text.contains("46701740607"), "{text}");
    world.logged("code=\"not-sent\"", 1).await;
    assert_eq!(world.stop(), Some(0));
}
