//! 46elks' own rules: the request, its refusals, its history, its reports.

use http::header::DATE;
use jiff::SignedDuration;

use super::*;
use crate::channel::sms::tests::{answer, elks_settings, message, now, query};

fn elks(keep_text: bool) -> Elks {
    Elks::new(ElksSettings { keep_text, ..elks_settings() })
}

#[test]
fn the_request_is_the_documented_one() {
    let request = elks(false).submit(&message()).unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "https://api.46elks.com/a1/sms");
    assert_eq!(request.headers()["authorization"], "Basic dTEyMzpoZW1saWd0");
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(
        request.body(),
        "from=Ekskolan&to=%2B46701740605\
         &message=%C3%85sa+saknas+%26+%C3%A4r+inte+anm%C3%A4ld+%3D+50%25+%7Bto%7D\
         &whendelivered=https%3A%2F%2Fu.example%2Freceipts%2Fp%2Fs3cret%3Fn%3D\
         ca978112ca1bbdcafac231b39a23dc4d&dontlog=message"
            .replace("ca978112ca1bbdcafac231b39a23dc4d", message().id.as_str())
            .as_str()
    );
    let kept = elks(true).submit(&message()).unwrap().into_body();
    assert!(!String::from_utf8_lossy(&kept).contains("dontlog"));
}

#[test]
fn answers_of_its_own() {
    let reject = |bad_contact| Outcome::RejectMessage { code: "http-400".into(), bad_contact };
    let channel = |code: &str| Outcome::RejectChannel { code: code.into() };
    let doubt = || Outcome::InDoubt { code: "answer-unreadable".into() };
    let taken = r#"{"id":"s70df59406a1b4643b96f3f91e0bfb7b0","status":"created","parts":2,
        "direction":"outgoing","from":"Ekskolan","to":"+46701740605","cost":7000}"#;
    for (status, body, expected) in [
        (
            200,
            taken,
            Outcome::Accepted {
                reference: Some("s70df59406a1b4643b96f3f91e0bfb7b0".into()),
                parts: Some(2),
            },
        ),
        (200, r#"{"estimated_cost":3500,"parts":1}"#, doubt()),
        (
            200,
            r#"{"id":"s1","status":"failed"}"#,
            Outcome::RejectMessage { code: "status-failed".into(), bad_contact: false },
        ),
        (400, r#"Invalid "to" number"#, reject(true)),
        (400, "Parameter to is not valid", reject(true)),
        (400, "Missing key to", reject(false)),
        (400, "Invalid phone number", reject(false)),
        (400, "Text is too long to be valid", reject(false)),
        (400, r#"Invalid "from" or "to""#, reject(false)),
        (400, r#"Invalid "from""#, channel("http-400-from")),
        (403, "Not enough credits", channel("http-403")),
        (401, "API access requires Basic HTTP authentication.", channel("http-401")),
    ] {
        assert_eq!(elks(false).outcome(&answer(status, body), now()), expected, "{status} {body}");
    }
}

#[test]
fn history_is_asked_for_the_day_before_the_attempt_and_all_since() {
    let request = elks(false).lookup(&query()).unwrap();
    assert_eq!(request.method(), "GET");
    assert_eq!(
        request.uri(),
        "https://api.46elks.com/a1/sms?to=%2B46701740605\
         &end=2026-10-05T08%3A15%3A00.000000&limit=100"
    );
    assert!(request.headers()["authorization"].is_sensitive());
}

/// A page of history, with the clock of 46elks so many seconds ahead of ours.
fn page(rows: &[serde_json::Value], ahead: i64) -> Result<Response<Bytes>, WireError> {
    let date = now() + SignedDuration::from_secs(ahead);
    let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut page = answer(200, &serde_json::json!({ "data": rows }).to_string())?;
    page.headers_mut().insert(DATE, date.parse().unwrap());
    Ok(page)
}

/// A row of history: id, seconds after the attempt, changes.
fn row(id: &str, seconds: i64, changes: &[(&str, &str)]) -> serde_json::Value {
    let at = now() + SignedDuration::from_secs(seconds);
    let mut row = serde_json::json!({
        "id": id, "direction": "outgoing", "from": "Ekskolan", "to": "+46701740605",
        "created": at.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string(), "status": "sent",
    });
    for (key, value) in changes {
        row[*key] = (*value).into();
    }
    row
}

#[test]
fn history_says_found_only_when_it_must_be_ours() {
    let text = message().text;
    let ours = [("message", text.as_str())];
    let other = [("message", "Björn saknas")];
    let found = |id: &str| Lookup::Found { reference: id.into() };
    let unclear = |code: &str| Lookup::Inconclusive { code: code.into() };
    for (what, keep_text, rows, expected) in [
        ("nothing", false, vec![], Lookup::NotFound),
        ("ours", false, vec![row("s1", 1, &[])], found("s1")),
        ("two", false, vec![row("s1", 1, &[]), row("s2", 2, &[])], unclear("history-unclear")),
        ("one is known", false, vec![row("s1", 1, &[]), row("known", 2, &[])], found("s1")),
        ("only the known", false, vec![row("known", 2, &[])], Lookup::NotFound),
        ("before", false, vec![row("s1", -61, &[])], unclear("history-outside-window")),
        ("a day before", false, vec![row("s1", -86_401, &[])], Lookup::NotFound),
        ("a little before", false, vec![row("s1", -59, &[])], found("s1")),
        ("long after", false, vec![row("s1", 181, &[])], unclear("history-outside-window")),
        ("and another after", false, vec![row("s1", 1, &[]), row("s2", 181, &[])], found("s1")),
        ("known before", false, vec![row("known", -3_600, &[])], Lookup::NotFound),
        ("another's before", false, vec![row("s1", -3_600, &other)], Lookup::NotFound),
        ("other text before", true, vec![row("s1", -3_600, &other)], Lookup::NotFound),
        (
            "our text before",
            true,
            vec![row("s1", -3_600, &ours)],
            unclear("history-outside-window"),
        ),
        ("text lost before", true, vec![row("s1", -3_600, &[])], unclear("history-outside-window")),
        ("another number", false, vec![row("s1", 1, &[("to", "+46701740606")])], Lookup::NotFound),
        ("incoming", false, vec![row("s1", 1, &[("direction", "incoming")])], Lookup::NotFound),
        ("unreadable time", false, vec![row("s1", 1, &[("created", "soon")])], found("s1")),
        (
            "zoned time",
            false,
            vec![row("s1", 1, &[("created", "2026-10-06T08:15:01Z")])],
            found("s1"),
        ),
        ("another system's", false, vec![row("s1", 1, &other)], Lookup::NotFound),
        ("ours and another's", false, vec![row("s1", 1, &other), row("s2", 1, &[])], found("s2")),
        ("by text", true, vec![row("s1", 1, &ours), row("s2", 1, &other)], found("s1")),
        (
            "text twice",
            true,
            vec![row("s1", 1, &ours), row("s2", 1, &ours)],
            unclear("history-unclear"),
        ),
        ("other text", true, vec![row("s1", 1, &other)], unclear("history-other-text")),
        ("text lost", true, vec![row("s1", 1, &[])], unclear("history-unclear")),
    ] {
        let query = LookupQuery { known: vec!["known".into()], ..query() };
        let finding = elks(keep_text).looked_up(&query, &page(&rows, 0), now());
        assert_eq!(finding, expected, "{what}");
    }
}

#[test]
fn nothing_counts_as_not_sent_by_a_wrong_clock() {
    const HOUR: i64 = 3_600;
    let found = || Lookup::Found { reference: "s1".into() };
    let unclear = |code: &str| Lookup::Inconclusive { code: code.into() };
    let outside = || unclear("history-outside-window");
    let ours = |seconds| vec![row("s1", seconds, &[])];
    // By how many seconds theirs is ahead of ours when the answer comes.
    for (what, ahead, rows, expected) in [
        ("in step, nothing", 0, vec![], Lookup::NotFound),
        ("a little ahead, nothing", 30, vec![], Lookup::NotFound),
        ("a little behind, nothing", -30, vec![], Lookup::NotFound),
        ("ahead, nothing", 31, vec![], unclear("clocks-differ")),
        ("behind, nothing", -31, vec![], unclear("clocks-differ")),
        ("days ahead, nothing", 100 * HOUR, vec![], unclear("clocks-differ")),
        ("days behind, nothing", -100 * HOUR, vec![], unclear("clocks-differ")),
        ("an hour ahead, ours", HOUR, ours(HOUR + 1), found()),
        ("an hour behind, ours", -HOUR, ours(-HOUR + 1), found()),
        ("ahead since the attempt, ours", HOUR, ours(1), outside()),
        ("behind since the attempt, ours", -HOUR, ours(1), outside()),
        ("ahead at the attempt only, ours", 0, ours(HOUR), outside()),
        ("behind at the attempt only, ours", 0, ours(-HOUR), outside()),
        ("days ahead at the attempt only, ours", 0, ours(100 * HOUR), outside()),
        (
            "one where each clock would have it",
            HOUR,
            vec![row("s1", HOUR, &[]), row("s2", 0, &[])],
            outside(),
        ),
        (
            "another system's where ours would be",
            HOUR,
            vec![row("s2", HOUR, &[("message", "Biblioteket")])],
            unclear("clocks-differ"),
        ),
    ] {
        let finding = elks(false).looked_up(&query(), &page(&rows, ahead), now());
        assert_eq!(finding, expected, "{what}");
    }
}

#[test]
fn nothing_counts_as_not_sent_without_the_time_of_the_answer() {
    for (what, date) in [("none", None), ("unreadable", Some("today"))] {
        for (rows, expected) in [
            (vec![row("s1", 1, &[])], Lookup::Found { reference: "s1".into() }),
            (vec![], Lookup::Inconclusive { code: "history-undated".into() }),
        ] {
            let mut page = page(&rows, 0).unwrap();
            page.headers_mut().remove(DATE);
            if let Some(date) = date {
                page.headers_mut().insert(DATE, date.parse().unwrap());
            }
            assert_eq!(elks(false).looked_up(&query(), &Ok(page), now()), expected, "{what}");
        }
    }
}

#[test]
fn texts_are_compared_by_their_digest_and_only_where_they_are_kept() {
    assert!(elks(true).tells_texts_apart() && !elks(false).tells_texts_apart());
    let text = message().text;
    let other_digest = Some(crate::channel::sms::text_sha256("Björn saknas"));
    let digest = query().text_sha256;
    let found = || Lookup::Found { reference: "s1".into() };
    let unclear = || Lookup::Inconclusive { code: "history-other-text".into() };
    for (keep_text, stored, asked, expected) in [
        (true, Some(text.as_str()), digest.clone(), found()),
        (true, Some(text.as_str()), digest.as_ref().map(|d| d.to_uppercase()), found()),
        (true, Some(text.as_str()), other_digest.clone(), unclear()),
        (true, Some("Åsa  saknas"), digest.clone(), unclear()),
        (true, Some(text.as_str()), None, unclear()),
        (false, None, digest, found()),
        (false, None, other_digest, found()),
        (false, None, None, found()),
    ] {
        let changes: Vec<_> = stored.map(|text| ("message", text)).into_iter().collect();
        let query = LookupQuery { text_sha256: asked.clone(), ..query() };
        let page = page(&[row("s1", 1, &changes)], 0);
        let finding = elks(keep_text).looked_up(&query, &page, now());
        assert_eq!(finding, expected, "{stored:?} {asked:?}");
    }
}

#[test]
fn a_history_that_cannot_be_read_whole_decides_nothing() {
    let with_next =
        |next: &str| serde_json::json!({ "data": [row("s1", 1, &[])], "next": next }).to_string();
    let cases = [
        (answer(200, &with_next("2026-10-05T08:15:30")), "history-more-pages"),
        (answer(200, &with_next("later")), "history-more-pages"),
        (answer(200, "<html>"), "history-unreadable"),
        (answer(200, r#"{"data":[{"id":"s1"}]}"#), "history-unreadable"),
        (answer(200, "[]"), "history-unreadable"),
        (answer(404, ""), "http-404"),
        (answer(401, ""), "http-401"),
        (answer(503, ""), "http-503"),
        (Err(WireError::NotSent("refused".into())), "no-answer"),
        (Err(WireError::Unknown("timed out".into())), "no-answer"),
    ];
    for (answer, code) in cases {
        let expected = Lookup::Inconclusive { code: code.into() };
        assert_eq!(elks(false).looked_up(&query(), &answer, now()), expected, "{answer:?}");
    }
    let past = answer(200, &with_next("2026-10-05T08:00:00.000000"));
    let finding = elks(false).looked_up(&query(), &past, now());
    assert_eq!(finding, Lookup::Found { reference: "s1".into() });
}

#[test]
fn reports() {
    let ours = message().id;
    let own = format!("n={ours}");
    let read = |query: &str, body: &str| elks(false).receipts(Some(query), None, body.as_bytes());
    let receipt = |notification, status, at: Option<&str>| {
        Ok(vec![Receipt {
            notification,
            reference: Some("s1".into()),
            status,
            at: at.map(|at| at.parse().unwrap()),
        }])
    };
    assert_eq!(
        read(&own, "id=s1&status=delivered&delivered=2026-10-06T08%3A16%3A02.117000"),
        receipt(Some(ours.clone()), ReceiptStatus::Delivered, Some("2026-10-06T08:16:02.117Z"))
    );
    assert_eq!(read(&own, "id=s1&status=sent"), receipt(Some(ours), ReceiptStatus::Sent, None));
    assert_eq!(read("", "id=s1&status=failed"), receipt(None, ReceiptStatus::Undelivered, None));
    for body in
        ["", "id=s1", "status=sent", "id=&status=sent", "id=s1&status=eaten", "\u{0}\u{1}", "{}"]
    {
        let error = read(&own, body).unwrap_err();
        assert!(!error.contains("eaten"), "a callback's words are not repeated: {error}");
    }
}
