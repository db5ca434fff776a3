//! Three gateways as operators write them, from the file's text to the bytes of a request; what only
//! the whole shows to be wrong; and the example that ships.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::channel::sms::http::{BodyMethod, HttpApi, NumberFormat};
use crate::channel::sms::{SmsApi as _, SmsMessage};
use crate::config::{Loader, ProviderKind, Secrets};
use crate::model::{NotificationId, Outcome, Phone};

/// Form, Basic, reports by our id in their address.
const FORM: &str = r#"
kind = "http"
url = "https://sms.example.se/v1/send?version=2"
auth = "basic"
username-file = "./user"
password-file = "./password"
fields = { to = "{to}", from = "{from}", text = "{text}", dlr = "{receipt-url}", coding = "{encoding}" }
number-format = "double-zero"
encoding-gsm = "0"
encoding-unicode = "8"
reference-at = "/messages/0/id"
parts-at = "/messages/0/parts"
receipt-status = "status"
receipt-delivered = ["DELIVRD"]
receipt-undelivered = ["UNDELIV", "EXPIRED"]
receipt-ack-body = "OK"
"#;

/// JSON, a header with a scheme, look-up by our id, an idempotency header.
const JSON: &str = r#"
kind = "http"
url = "https://api.example.se/sms/3/messages"
method = "PUT"
auth = "header"
header-name = "Authorization"
token-file = "./app-key"
body = "json"
json = { to = ["{to}"], sender = "{from}", content = { text = "{text}", flash = false }, ttl = "{expires-seconds}", until = "{expires-at}", ref = "{id}", webhook = "{receipt-url}" }
secret-field-files = { account = "./account" }
idempotency-header = "Idempotency-Key"
number-format = "digits"
success-status = "202"
reference-at = "/id"
code-at = "/error/code"
bad-number-codes = ["E7"]
config-codes = ["E1", "E2"]
retry-codes = ["E9"]
permanent-codes = ["E4"]
lookup-url = "https://api.example.se/sms/3/messages?ref={id}"
lookup-pointer = "/results/0/id"
receipt-id = "/ref"
receipt-reference = "/id"
receipt-status = "/state"
receipt-time = "/at"
receipt-sent = ["sent"]
receipt-delivered = ["delivered"]
receipt-undelivered = ["failed"]
"#;

/// A GET with all of it in the address, success told by a value.
const QUERY: &str = r#"
kind = "http"
url = "https://sms.example.se/cgi-bin/send"
auth = "none"
body = "query"
fields = { msisdn = "{to}", orig = "{from}", msg = "{text}" }
secret-field-files = { key = "./account" }
number-format = "national"
success-at = "/result"
success-values = ["0", "queued"]
"#;

/// A form with secrets in it, an answer of fields (providers.md §6, Sergel).
const FIELDS: &str = r#"
kind = "http"
url = "https://sms.example.se/sergel"
auth = "none"
fields = { Destination = "{to}", Source = "{from}", Userdata = "{text}", Async = "true" }
secret-field-files = { Username = "./user", Password = "./password" }
answer-delimiter = ";"
success-at = "0"
success-values = ["1005"]
reference-at = "2"
code-at = "0"
config-codes = ["106"]
"#;

fn config(table: &str) -> config::Report {
    let folder = tempfile::tempdir().expect("folder");
    for (name, secret) in [
        ("user", "ekskolan"),
        ("password", "hem:ligt"),
        ("app-key", "App 0123abcd"),
        ("token", "0123abcd"),
        ("account", "k&y"),
        ("colon", "a:b"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, secret).expect("write");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
    }
    let loader = Loader {
        credentials_dir: None,
        base_dir: folder.path().to_owned(),
        secrets: Secrets::Required,
    };
    config::load_text("upprop.toml", &format!("[providers.gateway]{table}"), &loader)
}

fn read(table: &str) -> Result<HttpSettings, GatewayProblem> {
    let report = config(table);
    let providers = report.config.unwrap_or_else(|| panic!("{:#?}", report.problems)).providers;
    match &providers.values().next().expect("one").kind {
        ProviderKind::Http(http) => gateway(http),
        ProviderKind::Elks(_) => panic!("not a gateway"),
    }
}

fn at() -> Timestamp {
    "2026-10-06T08:15:00Z".parse().expect("time")
}

fn message() -> SmsMessage {
    SmsMessage {
        id: NotificationId::of(&["a"]),
        sender: "Ekskolan".into(),
        to: Phone::new("+46701740605").expect("number"),
        text: "Åsa & {to}".into(),
        unicode: true,
        receipt_url: Some("https://u.example/receipts/gateway/s3cret".into()),
        at: at(),
        expires_at: "2026-10-06T10:15:00Z".parse().expect("time"),
    }
}

#[allow(clippy::unnecessary_wraps, reason = "it stands for what the wire gives")]
fn answer(
    status: u16,
    body: &str,
) -> Result<http::Response<bytes::Bytes>, crate::model::WireError> {
    Ok(http::Response::builder().status(status).body(body.to_owned().into()).expect("answer"))
}

#[test]
fn a_form() {
    let settings = read(FORM).expect("good");
    let ack = &settings.receipts.as_ref().expect("receipts").ack;
    assert_eq!((ack.status, ack.body.as_str()), (200, "OK"));
    let api = HttpApi::new(settings);
    assert!(!api.tells_texts_apart());
    let request = api.submit(&message()).expect("carried");
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "https://sms.example.se/v1/send?version=2");
    // "ekskolan:hem:ligt"
    assert_eq!(request.headers()["authorization"], "Basic ZWtza29sYW46aGVtOmxpZ3Q=");
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    let expected = "coding=8&dlr=https%3A%2F%2Fu.example%2Freceipts%2Fgateway%2Fs3cret%3Fn%3D{id}\
        &from=Ekskolan&text=%C3%85sa+%26+%7Bto%7D&to=0046701740605";
    let expected = expected.replace("{id}", message().id.as_str());
    assert_eq!(request.body(), expected.as_bytes());
    let taken = api.outcome(&answer(200, r#"{"messages":[{"id":7,"parts":2}]}"#), at());
    assert_eq!(taken, Outcome::Accepted { reference: Some("7".into()), parts: Some(2) });
    let report = api.receipts(None, None, format!("n={}&status=EXPIRED", message().id).as_bytes());
    assert!(report.is_err(), "our id comes in the address");
    let own = format!("n={}", message().id);
    let report = api.receipts(Some(&own), None, b"status=EXPIRED").expect("report");
    assert_eq!(report[0].status, ReceiptStatus::Undelivered);
}

#[test]
fn a_document() {
    let api = HttpApi::new(read(JSON).expect("good"));
    assert!(api.tells_texts_apart());
    let request = api.submit(&message()).expect("carried");
    assert_eq!((request.method().as_str(), request.uri().path()), ("PUT", "/sms/3/messages"));
    assert_eq!(request.headers()["authorization"], "App 0123abcd");
    assert_eq!(request.headers()["idempotency-key"], message().id.as_str());
    let id = message().id;
    let expected = json!({
        "to": ["46701740605"], "sender": "Ekskolan", "ttl": 7200, "ref": id.as_str(),
        "content": { "text": "Åsa & {to}", "flash": false }, "until": "2026-10-06T10:15:00Z",
        "webhook": format!("https://u.example/receipts/gateway/s3cret?n={id}"), "account": "k&y",
    });
    assert_eq!(request.body(), expected.to_string().as_bytes());
    let outcome = |status, body: &str| api.outcome(&answer(status, body), at()).class();
    for (status, body, class) in [
        (202, r#"{"id":"x"}"#, "accepted"),
        (200, r#"{"id":"x"}"#, "in-doubt"),
        (400, r#"{"error":{"code":"E7"}}"#, "reject-message"),
        (400, r#"{"error":{"code":"E4"}}"#, "reject-message"),
        (400, r#"{"error":{"code":"E2"}}"#, "reject-channel"),
        (400, r#"{"error":{"code":"E9"}}"#, "retry"),
        (404, "<html>", "reject-channel"),
    ] {
        assert_eq!(outcome(status, body), class, "{status} {body}");
    }
    let report = json!({ "ref": id.as_str(), "id": "x", "state": "delivered", "at": "2026-10-06T08:16:00Z" });
    let report = api.receipts(None, Some("application/json"), report.to_string().as_bytes());
    let report = &report.expect("report")[0];
    assert_eq!((report.notification.as_ref(), report.reference.as_deref()), (Some(&id), Some("x")));
    assert_eq!(report.at, "2026-10-06T08:16:00Z".parse().ok());
}

#[test]
fn a_query() {
    let api = HttpApi::new(read(QUERY).expect("good"));
    let request = api.submit(&message()).expect("carried");
    assert_eq!(request.method(), "GET");
    let expected = "https://sms.example.se/cgi-bin/send?msg=%C3%85sa+%26+%7Bto%7D\
        &msisdn=0701740605&orig=Ekskolan&key=k%26y";
    assert_eq!(request.uri(), expected);
    assert!(request.body().is_empty() && request.headers().is_empty());
    assert_eq!(api.outcome(&answer(200, r#"{"result":0}"#), at()).class(), "accepted");
    assert_eq!(api.outcome(&answer(200, r#"{"result":12}"#), at()).class(), "in-doubt");
}

/// Everything in the address, nothing in `fields`.
const ADDRESS: &str = r#"
kind = "http"
url = "https://sms.example.se/{from}/to/{to}?m={text}&dlr={receipt-url}"
auth = "none"
body = "query"
reference-at = "/id"
receipt-status = "status"
receipt-delivered = ["ok"]
"#;

#[test]
fn what_the_wire_adds_is_kept_by_the_wire() {
    let auth = "auth = \"oauth2-client-credentials\"\ntoken-url = \"https://id.example.se/token\"\n\
        client-id-file = \"./user\"\nclient-secret-file = \"./password\"\nscope = \"sms\"\n";
    let table = QUERY.replace("auth = \"none\"\n", auth);
    let config = config(&table).config.expect("good");
    let doors = crate::app::wire_settings(&config).accounts;
    let (account, door) = doors.first_key_value().expect("one account");
    let token = door.token.as_ref().expect("a token");
    assert_eq!((account.as_str(), token.scope.as_deref()), ("gateway", Some("sms")));
    assert!(!format!("{doors:?} {config:?}").contains("ligt"), "secrets print nowhere");
    let api = &crate::app::providers(&config).expect("good")[account].api;
    let request = api.submit(&message()).expect("carried");
    assert_eq!(request.extensions().get(), Some(&crate::model::OnBehalfOf(account.clone())));

    let plain = super::super::wire_settings(&self::config(QUERY).config.expect("good"));
    assert!(plain.accounts.is_empty(), "others are sent as they are");
}

#[test]
fn an_address_with_placeholders() {
    let api = HttpApi::new(read(ADDRESS).expect("good"));
    let request = api.submit(&message()).expect("carried");
    let dlr =
        format!("https%3A%2F%2Fu.example%2Freceipts%2Fgateway%2Fs3cret%3Fn%3D{}", message().id);
    let expected = "https://sms.example.se/Ekskolan/to/%2B46701740605\
        ?m=%C3%85sa%20%26%20%7Bto%7D&dlr=";
    assert_eq!(request.uri().to_string(), format!("{expected}{dlr}"));
    let silent = api.submit(&SmsMessage { receipt_url: None, ..message() }).expect("carried");
    assert_eq!(silent.uri().query(), Some("m=%C3%85sa%20%26%20%7Bto%7D"));
}

/// A document with the account in it, and an answer in XML.
const XML: &str = r#"
kind = "http"
url = "https://xml.example.se/"
auth = "none"
body = "xml"
xml = '''
<?xml version="1.0"?>
<SESSION><CLIENT>ekskolan</CLIENT><PW>{secret:pw}</PW><MSG><TEXT>{text}</TEXT><RCV>{to}</RCV></MSG></SESSION>
'''
content-type = "text/xml"
secret-field-files = { pw = "./account" }
number-format = "digits"
success-at = "<STATUS>([A-Z]+)</STATUS>"
success-values = ["OK"]
"#;

/// A format of the gateway's own.
const RAW: &str = r#"
kind = "http"
url = "https://raw.example.se/"
auth = "none"
body = "raw"
raw = "{to}|{secret:key}|{text}"
escape = "url"
content-type = "text/plain"
secret-field-files = { key = "./account" }
reference-at = "^ID: ([0-9]+)$"
"#;

#[test]
fn documents_and_other_formats() {
    let api = HttpApi::new(read(XML).expect("good"));
    let request = api.submit(&message()).expect("carried");
    assert_eq!(request.headers()["content-type"], "text/xml");
    let expected = "<?xml version=\"1.0\"?>\n<SESSION><CLIENT>ekskolan</CLIENT><PW>k&amp;y</PW><MSG>\
        <TEXT>Åsa &amp; {to}</TEXT><RCV>46701740605</RCV></MSG></SESSION>";
    assert_eq!(request.body(), expected.as_bytes());
    let said = |status: &str| format!("<?xml version='1.0'?>\n<S><STATUS>{status}</STATUS></S>");
    assert_eq!(api.outcome(&answer(200, &said("OK")), at()).class(), "accepted");
    assert_eq!(api.outcome(&answer(200, &said("FAIL")), at()).class(), "in-doubt");

    let request = HttpApi::new(read(RAW).expect("good")).submit(&message()).expect("carried");
    assert_eq!(request.body(), "%2B46701740605|k%26y|%C3%85sa%20%26%20%7Bto%7D".as_bytes());
}

#[test]
fn an_answer_of_fields() {
    let api = HttpApi::new(read(FIELDS).expect("good"));
    let taken = api.outcome(&answer(200, "1005;Queued;m-1\r\n"), at());
    assert_eq!(taken, Outcome::Accepted { reference: Some("m-1".into()), parts: None });
    assert_eq!(api.outcome(&answer(200, "106;No access;"), at()).class(), "reject-channel");
    assert_eq!(api.outcome(&answer(200, "1;Unknown;"), at()).class(), "in-doubt");
}

#[test]
fn what_only_the_whole_shows() {
    for (table, from, to, key) in [
        (XML, "content-type", "charset = \"iso-8859-1\"\ncontent-type", "content-type"),
        (JSON, "secret-field", "charset = \"iso-8859-1\"\nsecret-field", "charset"),
        (XML, "{secret:pw}", "{secret:pass}", "xml"),
        (XML, "{secret:pw}", "", "secret-field-files"),
        (RAW, "escape = \"url\"", "escape = \"json\"", "raw"),
        (FIELDS, "success-at = \"0\"\nsuccess-values = [\"1005\"]\n", "", "reference-at"),
        (FORM, "reference-at = \"/messages/0/id\"\n", "", "reference-at"),
        (FORM, "dlr = \"{receipt-url}\", ", "", "receipt-status"),
        (FORM, "[\"DELIVRD\"]", "[\"EXPIRED\"]", "receipt-undelivered"),
        (
            FORM,
            "receipt-ack-body",
            "receipt-ack-status = 204\nreceipt-ack-body",
            "receipt-ack-body",
        ),
        (FORM, "receipt-status", "receipt-id = \"ref\"\nreceipt-status", "receipt-id"),
        (
            FORM,
            "number-format",
            "idempotency-header = \"authorization\"\nnumber-format",
            "idempotency-header",
        ),
        (
            FORM,
            "number-format",
            "secret-field-files = { to = \"./user\" }\nnumber-format",
            "secret-field-files",
        ),
        (JSON, "ref = \"{id}\", ", "", "lookup-url"),
        (JSON, "[\"E9\"]", "[\"E9\", \"E7\"]", "code-at"),
        (JSON, "{ account =", "{ ttl =", "secret-field-files"),
        (QUERY, "[\"0\", \"queued\"]", "[]", "success-values"),
        (QUERY, "success-at", "code-at = \"/result\"\nsuccess-at", "code-at"),
        (
            QUERY,
            "success-at",
            "code-at = \"/result\"\nretry-codes = [\"0\"]\nsuccess-at",
            "success-values",
        ),
    ] {
        assert!(table.contains(from), "{from}");
        let GatewayProblem(faults) = read(&table.replacen(from, to, 1)).expect_err(to);
        assert!(faults.iter().any(|fault| fault.key == key), "{to:?}: {faults:?}");
        let known = config::SHIPPED.lines().any(|line| line.starts_with(&format!("#{key} = ")));
        assert!(known, "{key} is the operator's word");
        assert!(faults.iter().all(|f| !f.message.is_empty() && !f.remedy.is_empty()), "{faults:?}");
    }
}

#[test]
fn all_faults_come_at_once() {
    let kind = config(QUERY).config.expect("good").providers.pop_first().expect("one").1.kind;
    let ProviderKind::Http(good) = kind else { panic!("not a gateway") };
    let bad = config::HttpProvider {
        url: "https://sms.example.se/{text}".into(),
        auth: config::HttpAuth::Header { name: "Host".into(), value: "å".into() },
        body: config::HttpBody::Form(
            [("a".into(), "{txt}".into()), ("b".into(), "{".into())].into(),
        ),
        idempotency_header: Some("a b".into()),
        success_test: Some(("ok".into(), vec![])),
        reference_at: Some("id".into()),
        parts_at: Some("/~".into()),
        lookup: Some(config::HttpLookup { url: "https://a.se".into(), pointer: String::new() }),
        ..*good
    };
    let problem = gateway(&bad).expect_err("bad");
    let keys: Vec<_> = problem.0.iter().map(|fault| fault.key).collect();
    assert_eq!(
        keys,
        [
            "url",
            "header-name",
            "token-file",
            "fields",
            "fields",
            "idempotency-header",
            "success-at",
            "reference-at",
            "parts-at",
            "lookup-url",
            "lookup-pointer",
        ]
    );
    assert_eq!(problem.to_string().lines().count(), keys.len());
    let first = "`url`: holds {text} in its path, where it cannot stand; put it into the query or the body; \
        write https://…";
    assert!(problem.to_string().starts_with(first), "{problem}");
}

#[test]
fn every_account_is_told_of_and_a_good_one_knows_its_answer() {
    let good = format!(
        "{FORM}[providers.elks]\nkind = \"46elks\"\nusername-file = \"./user\"\npassword-file = \"./password\"\n"
    );
    let accounts = crate::app::providers(&config(&good).config.expect("good")).expect("good");
    let acks: Vec<_> =
        accounts.values().map(|a| (a.id.as_str(), a.ack.status, a.ack.body.as_str())).collect();
    assert_eq!(acks, [("elks", 204, ""), ("gateway", 200, "OK")]);

    let unproven = QUERY.split("success-at").next().expect("start");
    let silent = FORM.replace("reference-at = \"/messages/0/id\"\n", "");
    let text = format!("{silent}[providers.other]{unproven}");
    let error = crate::app::providers(&config(&text).config.expect("each key is good"));
    let found = error.err().expect("two faults");
    let tables: Vec<_> = found.iter().map(|refusal| refusal.table.as_str()).collect();
    assert_eq!(tables, ["providers.gateway", "providers.other"], "{found:?}");
}

#[test]
fn a_name_that_basic_cannot_carry() {
    let report = config(&FORM.replace("./user", "./colon"));
    let said: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
    assert!(
        report.config.is_none() && said.iter().any(|p| p.contains("holds a colon")),
        "{said:?}"
    );
}

#[test]
fn a_scheme_stands_in_a_header_but_not_in_a_bearer_token() {
    let bearer =
        JSON.replace("header-name = \"Authorization\"\n", "").replace("\"header\"", "\"bearer\"");
    assert!(config(&bearer).config.is_none());
    let settings = read(&bearer.replace("./app-key", "./token")).expect("good");
    let request = HttpApi::new(settings).submit(&message()).expect("carried");
    assert_eq!(request.headers()["authorization"], "Bearer 0123abcd");
}

#[test]
fn the_example_that_ships_is_a_gateway() {
    let from = config::SHIPPED.find("#[providers.gateway]").expect("example");
    let text: String = config::SHIPPED[from..]
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')))
        .map(|line| line.replace("\"gateway-", "\"./gateway-") + "\n")
        .collect();
    let loader = Loader { credentials_dir: None, base_dir: "/".into(), secrets: Secrets::Skipped };
    let text = format!("[providers.gateway]\n{text}");
    let report = config::load_text("upprop.toml", &text, &loader);
    let config = report.config.unwrap_or_else(|| panic!("{:#?}", report.problems));
    let ProviderKind::Http(http) = &config.providers.values().next().expect("one").kind else {
        panic!("not a gateway")
    };
    let settings = gateway(http).expect("good");
    assert!(matches!(settings.body, HttpBody::Json(BodyMethod::Post, _)));
    assert_eq!(settings.number, NumberFormat::Plus);
}
