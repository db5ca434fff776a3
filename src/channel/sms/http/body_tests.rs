//! Bodies that are no form and no JSON document, and bodies that are not UTF-8.

use serde_json::json;

use super::{
    tests::{api, place},
    *,
};
use crate::{
    channel::sms::tests::{answer, message, now},
    model::PlainHttp,
};

#[test]
fn an_xml_body_escapes_and_carries_its_secrets() {
    let text = "<?xml version=\"1.0\"?>\n<sms user=\"u\" pw=\"{secret:api_secret}\"><to>{to}</to>\
        <text>{text}</text><dlr>{receipt-url}</dlr></sms>";
    let api = api(|s| {
        s.body = HttpBody::Xml(BodyMethod::Post, XmlTemplate::parse(text).unwrap());
        s.secret_fields = [("api_secret".to_owned(), "<\"hemligt\">".into())].into();
        s.reference = Some(place("<id>([0-9]+)</id>"));
    });
    assert_eq!(api.settings.check(), []);
    let request = api.submit(&SmsMessage { text: "Åsa <3 & \"Bo\"".into(), ..message() }).unwrap();
    assert_eq!(request.headers()["content-type"], "application/xml; charset=utf-8");
    let dlr = format!("https://u.example/receipts/p/s3cret?n={}", message().id);
    let expected = format!(
        "<?xml version=\"1.0\"?>\n<sms user=\"u\" pw=\"&lt;&quot;hemligt&quot;&gt;\">\
        <to>+46701740605</to><text>Åsa &lt;3 &amp; \"Bo\"</text><dlr>{dlr}</dlr></sms>"
    );
    assert_eq!(std::str::from_utf8(request.body()), Ok(expected.as_str()));
    let taken = api.outcome(&answer(200, "<?xml version='1.0'?><r><id>7</id></r>"), now());
    assert_eq!(taken, Outcome::Accepted { reference: Some("7".into()), parts: None });
}

#[test]
fn latin1_in_every_body() {
    let field = |name: &str| (name.to_owned(), Template::parse("{text}").unwrap());
    let xml = "<?xml version='1.0' encoding='ISO-8859-1'?><a b='{text}'/>";
    let post = BodyMethod::Post;
    for (body, expected) in [
        (HttpBody::Form(post, vec![field("m")]), b"m=%C5sa+Z".to_vec()),
        (
            HttpBody::Xml(post, XmlTemplate::parse(xml).unwrap()),
            [&xml.as_bytes()[..xml.len() - 9], b"\xc5sa Z'/>"].concat(),
        ),
        (
            HttpBody::Raw(post, RawTemplate::parse("å {text}", Escape::None).unwrap()),
            b"\xe5 \xc5sa Z".to_vec(),
        ),
        (
            HttpBody::Raw(post, RawTemplate::parse("{text}", Escape::Url).unwrap()),
            b"%C5sa%20Z".to_vec(),
        ),
        (HttpBody::Query(vec![field("m")]), Vec::new()),
    ] {
        let api = api(|s| {
            s.body = body;
            s.charset = Charset::Latin1;
            s.url = Address::parse("https://a.se/?u={text}", PlainHttp::LoopbackOnly).unwrap();
            s.secret_fields.clear();
        });
        let request = api.submit(&SmsMessage { text: "Åsa Ż".into(), ..message() }).unwrap();
        assert_eq!(request.body(), &expected);
        let query = request.uri().query().unwrap_or_default();
        assert!(query.starts_with("u=%C5sa%20Z"), "{query}");
        assert!(!expected.is_empty() || query.ends_with("&m=%C5sa+Z"), "{query}");
        let refused = api.submit(&SmsMessage { text: "Åsa Ж".into(), ..message() }).unwrap_err();
        let code = "not-in-charset".into();
        assert_eq!(refused, Outcome::RejectMessage { code, bad_contact: false });
    }
}

#[test]
fn latin1_has_no_place_for_what_is_not_in_it() {
    let faults = |change: fn(&mut HttpSettings)| {
        let latin = |s: &mut HttpSettings| {
            s.charset = Charset::Latin1;
            change(s);
        };
        api(latin).settings.check()
    };
    let not = |name: &str| vec![Contradiction::NotInCharset(name.into())];
    assert_eq!(faults(|_| ()), []);
    assert_eq!(faults(|s| s.encoding.gsm = "Ж".into()), not("{encoding}"));
    let secret = |s: &mut HttpSettings| {
        s.secret_fields = [("key".to_owned(), "€".into())].into();
    };
    assert_eq!(faults(secret), not("key"));
    let json = |s: &mut HttpSettings| {
        let document = json!({ "a": "{to}{text}" });
        s.body = HttpBody::Json(BodyMethod::Post, JsonTemplate::parse(&document).unwrap());
    };
    assert_eq!(faults(json), [Contradiction::JsonCharset]);
    let xml = |s: &mut HttpSettings| {
        s.secret_fields.clear();
        let document = XmlTemplate::parse("<a b='Ж'>{to}{text}</a>").unwrap();
        s.body = HttpBody::Xml(BodyMethod::Post, document);
        s.content_type = Some(ContentType::parse("text/xml").unwrap());
    };
    assert_eq!(faults(xml), [vec![Contradiction::CharsetUnsaid], not("the body")].concat());
}

#[test]
fn one_body_is_in_one_charset() {
    for (text, kind, expected) in [
        ("<a>{to}{text}</a>", "text/xml", vec![]),
        ("<?xml version='1.0'?><a b='c d'>{to} {text}</a>", "text/xml; charset=utf-8", vec![]),
        (
            "<?xml version='1.0' encoding='UTF-8'?><a>{to}{text}</a>",
            "text/xml; charset=UTF-8",
            vec![],
        ),
        (
            "<?xml version='1.0' encoding='iso-8859-1'?><a>{to}{text}</a>",
            "text/xml; charset=\"utf-16\"",
            vec![
                Contradiction::Charset("iso-8859-1".into()),
                Contradiction::Charset("utf-16".into()),
            ],
        ),
    ] {
        let api = api(|s| {
            s.body = HttpBody::Xml(BodyMethod::Post, XmlTemplate::parse(text).unwrap());
            s.content_type = Some(ContentType::parse(kind).unwrap());
            s.secret_fields.clear();
        });
        assert_eq!(api.settings.check(), expected, "{text} {kind}");
    }
}

#[test]
fn a_latin1_document_may_declare_itself_and_hold_spaces() {
    for declaration in ["<?xml version='1.0' encoding='ISO-8859-1'?>", ""] {
        let api = api(|s| {
            s.charset = Charset::Latin1;
            let text = format!("{declaration}<a b='c d'> {{to}} {{text}} </a>");
            s.body = HttpBody::Xml(BodyMethod::Post, XmlTemplate::parse(&text).unwrap());
            s.secret_fields.clear();
        });
        assert_eq!(api.settings.check(), [], "{declaration}");
    }
}

#[test]
fn a_raw_body_is_what_the_operator_says() {
    let raw = |text: &str, escape, change: fn(&mut HttpSettings)| {
        api(|s| {
            s.body = HttpBody::Raw(BodyMethod::Post, RawTemplate::parse(text, escape).unwrap());
            s.content_type = Some(ContentType::parse("application/vnd.sms+json").unwrap());
            s.secret_fields.clear();
            change(s);
        })
    };
    let json = "{{\"to\": {to}, \"text\": \"{text}\", \"ttl\": {expires-seconds}}}";
    let digits = |s: &mut HttpSettings| s.number = NumberFormat::Digits;
    let api = raw(json, Escape::Json, digits);
    assert_eq!(api.settings.check(), []);
    let request = api.submit(&SmsMessage { text: "\"},{\"".into(), ..message() }).unwrap();
    assert_eq!(request.headers()["content-type"], "application/vnd.sms+json");
    assert_eq!(
        serde_json::from_slice::<Value>(request.body()).unwrap(),
        json!({ "to": 46_701_740_605_u64, "text": "\"},{\"", "ttl": 7200 })
    );

    let faults = |text: &str, escape, change| raw(text, escape, change).settings.check();
    let open = json.replace("\"{text}\"", "{text}");
    assert_eq!(faults(&open, Escape::Json, digits), [Contradiction::NotJson]);
    assert_eq!(
        faults(json, Escape::Json, |_| ()),
        [Contradiction::NotJson],
        "a plus begins no number"
    );
    let named = |s: &mut HttpSettings| drop(s.secret_fields.insert("b".into(), "x".into()));
    assert_eq!(
        faults("{to}{text}{secret:a}", Escape::None, named),
        [Contradiction::SecretUnknown("a".into()), Contradiction::SecretUnused("b".into())]
    );
    for text in ["", "text", "text/", "text/xml\nx: y", "te xt/xml", "text/åäö"] {
        assert!(ContentType::parse(text).is_err(), "{text:?}");
    }
}
