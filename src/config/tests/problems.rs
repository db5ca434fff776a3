//! Every kind of problem, each made by one change to a file that is right.

use super::Severity::{Error, Note, Warning};
use super::*;

/// Replaces a line of [`GOOD`] and gives all problems back, one a line.
fn broken(from: &str, to: &str) -> (Report, String) {
    assert!(GOOD.contains(from), "{from}");
    let report = read(&GOOD.replacen(from, to, 1));
    let text = report.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    (report, text)
}

/// A text of [`GOOD`], what stands there instead, and what is then said of it.
const PROBLEMS: &[(&str, &str, Severity, &str)] = &[
    (
        "bearer-file",
        "bearer-fil",
        Error,
        "upprop.toml:12:1: error: unknown key `bearer-fil` in [sources.trial]; did you mean `bearer-file`?",
    ),
    (
        "[sources.trial]",
        "[server]\ncontrol = \"/run/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n[sources.trial]",
        Error,
        "write a path of at most 107 bytes as `control` of [server]",
    ),
    ("bearer-file = \"token\"", "", Error, "the source has no secret"),
    (
        "bearer-file = \"token\"",
        "bearer = \"hush\"",
        Error,
        "write `bearer-file = \"…\"` with the file's name, and change the secret",
    ),
    (
        "password-file = \"p\"",
        "password = \"hush\"",
        Error,
        "`password` in [providers.elks]: a secret may not stand in this file",
    ),
    ("[sources.trial]", "[source.trial]", Error, "did you mean `sources`?"),
    ("[sources.trial]", "[sources.Trial]", Error, "cannot be the name of a source"),
    (
        "bearer-file = \"token\"",
        "bearer-file = \"token\"\nschools = [\"bjark\"]",
        Error,
        "write \"bjork\"",
    ),
    (
        "bearer-file = \"token\"",
        "bearer-file = \"token\"\nrate = \"90 per minute\"",
        Error,
        "`rate` is \"90 per minute\", expected a rate as \"90/min\" or \"10/min, burst 3\", or \"off\"; write \"90/min\"",
    ),
    (
        "bearer-file = \"token\"",
        "bearer-file = \"token\"\nrate = \"9/min, burst 30\"",
        Warning,
        "lets 30 come at once",
    ),
    (
        "bearer-file = \"token\"",
        "bearer-file = \"token\"\nbasic-user = \"a\"",
        Error,
        "without `basic-password-file`",
    ),
    ("bearer-file = \"token\"", "bearer-file = []", Error, "names 0 files"),
    ("name = \"Björkskolan\"", "", Error, "no `name` in [schools.bjork]; add name = "),
    ("mode = \"live\"", "mode = \"lve\"", Error, "write \"live\""),
    ("mode = \"live\"", "mode = true", Error, "`mode` is true, expected one of"),
    ("mode = \"live\"", "mode = \"shadow\"", Note, "shadow mode"),
    ("mode = \"live\"", "mode = \"guests\"", Warning, "and has none"),
    (
        "mode = \"live\"",
        "mode = \"guests\"\nguests = [\"070-174 06 05\"]",
        Error,
        "`guests` is a value, expected numbers",
    ),
    ("sms-provider = \"elks\"", "", Error, "has no provider for its texts"),
    (
        "sms-provider = \"elks\"",
        "sms-provider = \"elk\"",
        Error,
        "which is not in this file; did you mean \"elks\"?",
    ),
    ("team-email = \"narvaro@example.se\"", "", Error, "has no `team-email`"),
    ("phone = \"08-123 45 67\"", "", Error, "upprop.toml:13:1: error: school bjork has no `phone`"),
    (
        "phone = \"08-123 45 67\"",
        "sender-id = \"+46701740605\"",
        Error,
        "has no `phone`, the number that every text asks guardians to ring",
    ),
    ("phone = \"08-123 45 67\"", "sender-id = \"Björkskolan\"", Error, "write \"Bjorkskolan\""),
    (
        "phone = \"08-123 45 67\"",
        "time-zone = \"Europe/Stokholm\"",
        Error,
        "write \"Europe/Stockholm\"",
    ),
    ("phone = \"08-123 45 67\"", "grace = \"20 minutes\"", Error, "write \"20m\""),
    ("phone = \"08-123 45 67\"", "grace = 20", Error, "`grace` is 20, expected a duration"),
    ("phone = \"08-123 45 67\"", "grace = \"9d\"", Error, "expected a duration from 0s to 1d"),
    ("phone = \"08-123 45 67\"", "max-parts = 0", Error, "expected a whole number 1–10"),
    ("public-url = \"https://upprop.example.se\"", "", Warning, "no `public-url`"),
    (
        "public-url = \"https://upprop.example.se\"",
        "public-url = \"http://upprop.example.se\"",
        Warning,
        "without TLS",
    ),
    ("receipt-secret-file = \"r\"", "", Warning, "delivery reports are not taken"),
    ("receipt-secret-file = \"r\"", "url = \"http://api.example.se\"", Error, "`url` is not https"),
    ("receipt-secret-file = \"r\"", "rate = \"200/min\"", Warning, "queues in silence"),
    (
        "receipt-secret-file = \"r\"",
        "rate = [\"10/s\", \"200/min\"]",
        Warning,
        "10/s and 200/min is above 46elks' usual 100 a minute",
    ),
    ("receipt-secret-file = \"r\"", "rate = []", Error, "`rate` has 0 rates, expected 1–4"),
    (
        "receipt-secret-file = \"r\"",
        "rate = [\"10/s\", \"90 a minute\"]",
        Error,
        "or a list of rates; write \"90/min\"",
    ),
    (
        "receipt-secret-file = \"r\"",
        "rate = [\"10/s\", \"9/min, burst 20\"]",
        Warning,
        "lets 20 come at once",
    ),
    (
        "[mail]",
        "[http]
timeout = \"2m\"
[mail]",
        Error,
        "a message could go twice",
    ),
    ("kind = \"46elks\"", "kind = \"46elk\"", Error, "write \"46elks\""),
    (
        "kind = \"46elks\"",
        "kind = \"http\"",
        Error,
        "no `fields` in [providers.elks]; add fields = ",
    ),
    (
        "host = \"relay.example.se\"",
        "host = \"relay.example.se\"\ntls = \"none\"",
        Warning,
        "can be read on the way",
    ),
    (
        "host = \"relay.example.se\"",
        "host = \"relay.example.se\"\nport = 465",
        Warning,
        "usually goes with tls = \"implicit\"",
    ),
    ("host = \"relay.example.se\"", "", Error, "no `host` in [mail]"),
    ("[mail]", "mail = 3\n[log]", Error, "`mail` is a value, expected a table"),
    ("[mail]", "[store]\nlow-water = \"512MB\"\n[mail]", Error, "write \"512 MiB\""),
    ("[mail]", "[directory]\nmax-drop-pupils = \"0.2\"\n[mail]", Error, "write \"20%\""),
    ("[mail]", "[server]\nlisten = \"0.0.0.0:8750\"\n[mail]", Warning, "other machines reach"),
    ("[mail]", "[server]\nlisten = \"localhost:8750\"\n[mail]", Error, "write \"127.0.0.1:8750\""),
    ("[mail]", "[log]\nfilter = \"upprop=loud\"\n[mail]", Error, "expected a log filter"),
    ("[mail]", "[delivery]\nsms-retry = []\n[mail]", Warning, "given up"),
    ("[mail]", "[mail", Error, "not TOML"),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}\", b = \"{txt}\" }",
        Error,
        "holds the unknown {txt}; did you mean {text}?",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}\" }",
        Error,
        "no text in `fields` holds {text}",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\", b = 3 }",
        Error,
        "`b` is 3, expected a text",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nbody = \"json\"",
        Error,
        "no `json` in [providers.elks]; add json = ",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nbody = \"json\"\njson = { a = \"{to}\", b = [1, { c = \"{text\" }] }",
        Error,
        "lone brace",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nretry-codes = [\"1\"]",
        Error,
        "`retry-codes` without `code-at`",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nsuccess-at = \"/ok\"",
        Error,
        "`success-at` and `success-values` go together",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nreference-at = \"a.b\"",
        Error,
        "write \"/a/b\"",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nlookup-url = \"https://a.se/\"\nlookup-pointer = \"/a\"",
        Error,
        "with {id} in its path or query",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nauth-user = 1",
        Error,
        "unknown key `auth-user`",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\njson = { a = \"{to}\" }",
        Warning,
        "`json` does nothing with body = \"form\"; remove it",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nbody = \"query\"\nmethod = \"PUT\"",
        Warning,
        "`method` does nothing with body = \"query\"",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nbody = \"json\"\njson = { a = \"{to}{text}\" }",
        Warning,
        "`fields` does nothing with body = \"json\"",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\n",
        Warning,
        "`username-file` does nothing with auth = \"none\"",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nencoding-gsm = \"0\"",
        Warning,
        "`encoding-gsm` does nothing where no text",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}{receipt-url}\" }",
        Warning,
        "no `receipt-status` says how to read them",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nreceipt-time = \"at\"",
        Error,
        "`receipt-time` without `receipt-status`",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nreceipt-ack-body = \"OK\"",
        Error,
        "`receipt-ack-body` without `receipt-status`",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nidempotency-header = \"Content-Type\"",
        Error,
        "a header that is not the request's own",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se/{txt}\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }",
        Error,
        "`url` holds the unknown {txt}; did you mean {text}?",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se/{text}\"\nauth = \"none\"\nfields = { a = \"{to}\" }",
        Error,
        "`url` holds {text} in its path",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se?n={to}\"\nauth = \"none\"\nfields = { a = \"{from}\" }",
        Error,
        "no text in `fields` holds {text}, nor does `url`",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nreference-at = \"2\"",
        Error,
        "says what stands between fields; add answer-delimiter = \";\"",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nreference-at = \"(a\"",
        Error,
        "is not a regular expression: unclosed group",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nreference-at = \"(a)(b)\"",
        Error,
        "it has 2 groups",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nreference-at = \"/a\"\nanswer-delimiter = \";\"",
        Warning,
        "`answer-delimiter` does nothing where no place is the number of a field",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nbody = \"xml\"\nxml = \"<a>{to}{text}\"",
        Error,
        "`xml` is no XML document at its line 1: <a> is not closed",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nbody = \"xml\"\nxml = \"<a>{to}{txt}</a>\"",
        Error,
        "a text in `xml` holds the unknown {txt}; did you mean {text}?",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nbody = \"xml\"",
        Error,
        "no `xml` in [providers.elks]; add xml = ",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nbody = \"raw\"\nraw = \"{to}{text}\"\ncontent-type = \"a/b\"",
        Error,
        "no `escape` in [providers.elks]",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nbody = \"raw\"\nraw = \"{to}{text}\"\nescape = \"none\"",
        Error,
        "no `content-type` in [providers.elks]",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nbody = \"raw\"\nraw = \"{to}{text}\"\nescape = \"none\"\ncontent-type = \"text\"",
        Error,
        "expected a media type",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nauth = \"none\"\nfields = { a = \"{to}{text}\" }\nescape = \"json\"",
        Warning,
        "`escape` does nothing with body = \"form\"",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nfields = { a = \"{to}{text}\" }\nauth = \"oauth2-client-credentials\"\nclient-id-file = \"a\"\nclient-secret-file = \"b\"",
        Error,
        "no `token-url` in [providers.elks]",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nfields = { a = \"{to}{text}\" }\nauth = \"oauth2-client-credentials\"\ntoken-url = \"https://a.se/t\"\nclient-secret-file = \"b\"",
        Error,
        "no `client-id-file` in [providers.elks]",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nfields = { a = \"{to}{text}\" }\nauth = \"oauth2-client-credentials\"\ntoken-url = \"http://a.se/t\"\nclient-id-file = \"a\"\nclient-secret-file = \"b\"",
        Error,
        "`token-url` is not https",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nfields = { a = \"{to}{text}\" }\nauth = \"none\"\nscope = \"a\"",
        Warning,
        "`scope` does nothing with auth = \"none\"",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nfields = { a = \"{to}{text}\" }\nauth = \"none\"\nclient-key-file = \"a\"",
        Error,
        "`client-certificate-file` and `client-key-file` go together",
    ),
    (
        "kind = \"46elks\"",
        "kind = \"http\"\nurl = \"https://sms.example.se\"\nfields = { a = \"{to}{text}\" }\nauth = \"none\"\nclient-secret = \"hush\"",
        Error,
        "write `client-secret-file = \"…\"` with the file's name",
    ),
    (
        "[mail]",
        "[http]\nproxy = \"http://proxy.example.se\"\n[mail]",
        Error,
        "write \"http://proxy.example.se:8080\"",
    ),
];

#[test]
fn every_kind_of_problem() {
    for &(from, to, severity, say) in PROBLEMS {
        let (report, text) = broken(from, to);
        assert!(
            report.problems.iter().any(|p| p.severity == severity && p.to_string().contains(say)),
            "{to:?} should say {say:?}, says:\n{text}"
        );
        assert_eq!(report.config.is_none(), report.count(Severity::Error) > 0, "{text}");
        assert!(!text.contains("hush") && !text.contains("070-174"), "{text}");
        assert!(!to.contains("mode = \"lve\"") || !text.contains("shadow mode"), "{text}");
        // Nothing without a place and a remedy.
        for problem in &report.problems {
            let remedy = problem.remedy.as_deref().unwrap_or_default();
            assert!(problem.line.is_some() && !remedy.is_empty(), "{problem:?}");
        }
    }
}

#[test]
fn a_slow_window_makes_up_for_a_fast_one() {
    let (report, text) = broken(
        "receipt-secret-file = \"r\"",
        "receipt-secret-file = \"r\"\nrate = [\"10/s\", \"90/min\"]",
    );
    assert_eq!(report.problems, [], "{text}");
    let rates = &report.config.expect("good").providers.pop_first().expect("one").1.rates;
    let texts: Vec<_> = rates.iter().copied().map(words::rate_text).collect();
    assert_eq!(texts, ["10/s", "90/min"]);
}
