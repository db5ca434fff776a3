//! A gateway that wants its facts in the address: each is encoded for its place there, whatever the
//! names of pupils hold.

use crate::gateway::{Gateway, world};

const ADDRESS: &str = r#"
url = "{url}/{from}/to/{to}?m={text}&ref={id}&dlr={receipt-url}"
auth = "none"
body = "query"
number-format = "plus"
reference-at = "^ID: ([0-9]+)$"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn path_and_query_are_encoded() {
    let gateway = Gateway::start(|n, _| (200, format!("ID: {n}"))).await;
    let world = world(&gateway, ADDRESS, &[]).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let asked = &gateway.asked(1, &world).await[0];
    world.logged("outcome=\"accepted\"", 1).await;
    let target = asked.line.split(' ').nth(1).expect("a target");
    let (path, query) = target.split_once('?').expect("a query");
    assert_eq!(path, "/Bjorkskolan/to/%2B46701740607");
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).expect("pairs");
    let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["m", "ref"], "there is no receipt secret, and so no receipt address");
    assert!(pairs[0].1.contains("Nils är inte registrerad"), "{pairs:?}");
    assert!(asked.line.starts_with("GET ") && asked.body.is_empty());
    assert!(!world.log().contains("0701740607") && !world.log().contains("46701740607"));
}
