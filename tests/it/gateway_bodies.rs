//! Bodies in XML and in formats of a gateway's own: a pupil's name that holds their syntax does not
//! change it, and secrets stand where the operator put them and nowhere in the log.

use crate::gateway::{Gateway, world, world_of};
use crate::world::Setup;

const XML: &str = r#"
url = "{url}/xml"
auth = "none"
body = "xml"
xml = '''
<?xml version="1.0"?>
<sms pw="{secret:pw}"><to>{to}</to><text><![CDATA[{text}]]></text><note n="{from}">{id}</note></sms>
'''
content-type = "text/xml"
secret-field-files = { pw = "secrets/gateway-pw" }
success-at = "<status>([A-Z]+)</status>"
success-values = ["OK"]
"#;

const RAW: &str = r#"
url = "{url}/raw"
auth = "none"
body = "raw"
raw = '{{"to": "{to}", "text": "{text}", "key": "{secret:pw}"}}'
escape = "json"
content-type = "application/vnd.gateway+json"
secret-field-files = { pw = "secrets/gateway-pw" }
reference-at = "^ID: ([0-9]+)$"
"#;

const PASSWORD: &str = "g4te<&\"way";

#[tokio::test(flavor = "multi_thread")]
async fn a_document_stays_one_whatever_a_name_holds() {
    let gateway = Gateway::start(|_, _| (200, "<r>\n<status>OK</status>\n</r>".into())).await;
    let mut setup = Setup::default().family("odd", "070-174 06 20", "odd@hem.example", "sms");
    setup.pupils.last_mut().expect("just added").1 = "Bo]]>&<b>".into();
    let world = world_of(setup, &gateway, XML, &[("gateway-pw", PASSWORD)]).await;
    world.accept(&world.marked("odd", "l1", "unexcused", 5)).await;
    let asked = &gateway.asked(1, &world).await[0];
    world.logged("outcome=\"accepted\"", 1).await;
    assert_eq!(
        (asked.line.as_str(), asked.header("content-type")),
        ("POST /xml HTTP/1.1", "text/xml")
    );
    let body = asked.text();
    assert!(body.starts_with(
        "<?xml version=\"1.0\"?>\n<sms pw=\"g4te&lt;&amp;&quot;way\"><to>+46701740620</to><text><![CDATA["
    ));
    assert!(body.contains("Bo]]]]>&gt;<![CDATA[&<b]]>&gt;<![CDATA[ är inte"), "{body}");
    assert!(body.ends_with("</note></sms>"), "{body}");
    assert!(!world.log().contains("g4te"), "no secret is logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_format_of_its_own_is_escaped_as_the_operator_says() {
    let gateway = Gateway::start(|_, _| (200, "ID: 7".into())).await;
    let world = world(&gateway, RAW, &[("gateway-pw", PASSWORD)]).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let asked = &gateway.asked(1, &world).await[0];
    world.logged("outcome=\"accepted\"", 1).await;
    assert_eq!(asked.header("content-type"), "application/vnd.gateway+json");
    let body: serde_json::Value = serde_json::from_slice(&asked.body).expect("JSON");
    assert_eq!((body["to"].as_str(), body["key"].as_str()), (Some("+46701740607"), Some(PASSWORD)));
}
