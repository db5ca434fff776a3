//! The link in an alert mail: opens a page of the case, takes what came of it once, and tells the mentor once. Opening it
//! changes nothing, however often; what is forged, cut, expired or gone opens nothing.

use jiff::SignedDuration;
use serde_json::Value;
use upprop::env::{Clock as _, SystemClock};
use upprop::message::page_link::Page;

use crate::inlet::send;
use crate::staff_pages::{
    MENTOR, SECRET, done, ended, fill, get, link, mentored, post, prepared, protect, record, shut,
    signed, storm, world,
};
use crate::world::{Setup, TEAM, World};

/// Has the team mailed about a pupil; the link, and how many messages have come.
async fn alerted(world: &World, pupil: &str, texts: usize) -> (String, usize) {
    world.accept(&ended(world, pupil, "l1")).await;
    let all = world.messages(texts + 1).await;
    let mail = all.iter().find(|m| m.to == TEAM).expect("the team's mail");
    (link(&mail.text), all.len())
}

fn case(world: &World, pupil: &str) -> Value {
    let zone = jiff::tz::TimeZone::get("Europe/Stockholm").expect("zone");
    // The day on which what `ended` makes began.
    let began = SystemClock::new().now() - SignedDuration::from_mins(41);
    let day = began.to_zoned_datetime(zone).date().to_string();
    let said = done(world, &["case", "show", pupil, &day, "--json"]);
    serde_json::from_str(&said).expect("JSON")
}

fn words(case: &Value) -> Vec<String> {
    let words = case["words"].as_array().expect("words");
    words.iter().map(|word| word["what"].as_str().expect("a word").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_a_case_is_recorded_by_its_link_and_the_mentor_told_once() {
    let world = world().await;
    let (link, n) = alerted(&world, "alva", 2).await;
    let page = get(&link).await;
    assert_eq!(page.status, 200, "{}", page.text);
    for words in ["Alva Test", "7B", "Vuxen Test", "tel:+46701740605", "Lena Alm", "lang=\"sv\""] {
        assert!(page.text.contains(words), "{words} is not in\n{}", page.text);
    }
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex, nofollow"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(page.headers[name], value, "{name}");
    }
    let policy = page.headers["content-security-policy"].to_str().expect("ASCII");
    for part in
        ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(part) && !policy.contains("unsafe"), "{policy}");
    }
    assert!(get(&format!("{link}?lang=en")).await.text.contains("Record what came of it"));
    assert_eq!(
        send(&world, "GET /case.css", &[], "").await.headers["content-type"],
        "text/css; charset=utf-8"
    );

    // The same form twice at once, and once more after that.
    let fields = [("what", "reached"), ("note", "Ringer igen kl 14.")];
    let (one, two) = tokio::join!(
        fill(&link, &page.text, "word", &fields),
        fill(&link, &page.text, "word", &fields)
    );
    let three = fill(&link, &page.text, "word", &fields).await;
    for answer in [one, two, three] {
        assert_eq!(
            (answer.status, answer.headers["location"].to_str().ok()),
            (303, Some("?done=word"))
        );
    }
    let all = world.messages(n + 1).await;
    let mail = all.last().expect("a mail");
    assert_eq!(mail.to, MENTOR);
    assert!(
        mail.subject.as_deref().is_some_and(|s| s.starts_with("Återkoppling: 1 elev, ärende ")),
        "{mail:?}"
    );
    assert!(
        mail.text.contains("har talat med hemmet") && mail.text.contains("Alva Test"),
        "{}",
        mail.text
    );
    assert!(!mail.text.contains("Ringer igen") && !mail.text.contains("/case/"), "{}", mail.text);
    assert_eq!(words(&case(&world, "alva")), ["reached"]);
    let shown = get(&format!("{link}?done=word")).await.text;
    for words in [
        "Det är registrerat.",
        "Ringer igen kl 14.",
        "genom närvaroteamets länk",
        "Mentorn har fått besked.",
    ] {
        assert!(shown.contains(words), "{words} is not in\n{shown}");
    }
    let why = done(&world, &["why", "alva"]);
    assert!(why.contains("case reached by staff:AttendanceTeam"), "{why}");
    assert!(why.contains("case-feedback") && !why.contains("Ringer igen"), "{why}");

    // The old page again, with something else: somebody must look first.
    let stale = fill(&link, &page.text, "word", &[("what", "no-answer"), ("note", "")]).await;
    assert_eq!(stale.status, 409, "{}", stale.text);
    // A note is no news; another outcome is; the same one is not.
    assert_eq!(record(&link, "note", "Mormor hämtar.").await.status, 303);
    assert_eq!(record(&link, "wrong-mark", "").await.status, 303);
    let all = world.messages(n + 2).await;
    assert!(
        all.last().expect("a mail").text.contains("Rätta den i skolans system."),
        "{}",
        world.shown()
    );
    assert_eq!(record(&link, "wrong-mark", "igen").await.status, 303);
    assert_eq!(words(&case(&world, "alva")), ["reached", "note", "wrong-mark", "wrong-mark"]);
    world.quiet(n + 2).await;
    assert!(
        !world.log().contains("Ringer igen") && !world.log().contains("/case/"),
        "{}",
        world.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_openings_change_nothing() {
    let world = world().await;
    let (link, n) = alerted(&world, "alva", 2).await;
    // What the mails' outcomes still write.
    world.logged("outcome=\"accepted\"", n).await;
    storm(&world, &link, "alva").await;
    assert!(words(&case(&world, "alva")).is_empty());
    world.quiet(n).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forged_cut_expired_or_gone_opens_nothing_and_takes_nothing() {
    let mut world = prepared(Setup::default(), "links-for = \"1h\"");
    world.start().await;
    let (good, n) = alerted(&world, "alva", 2).await;
    let (head_part, token) = good.rsplit_once('/').expect("a token");
    let at = |token: &str| format!("{head_part}/{token}");
    let flipped = if token.starts_with("AQ") {
        token.replacen("AQ", "AR", 1)
    } else {
        format!("B{}", &token[1..])
    };
    let why = done(&world, &["why", "alva", "--json"]);
    // Signed by somebody who has another secret; and of a page of another kind.
    let of = |secret: &str, page: Page, id: &str, minutes: i64| {
        signed(&world, secret, page, id, SignedDuration::from_mins(minutes))
    };
    let unknown = of("another secret, as long as the first", Page::Case, "x", 0);
    let duty = of(SECRET, Page::Duty, "x", 0).replace("/duty/", "/case/");
    let mut bodies = std::collections::BTreeSet::new();
    for forged in [at(&flipped), at(&token[..40]), at("x"), at(&format!("{token}A")), unknown, duty]
    {
        for answer in
            [get(&forged).await, post(&forged, &[("act", "word"), ("what", "reached")]).await]
        {
            assert_eq!(answer.status, 404, "{forged}: {}", answer.text);
            bodies.insert(answer.text);
        }
    }
    assert_eq!(bodies.len(), 1, "one answer for all that is not ours");
    let expired = get(&of(SECRET, Page::Case, "x", 61)).await;
    assert_eq!(expired.status, 410);
    assert!(expired.text.contains("Länken gäller inte längre"), "{}", expired.text);
    let gone = get(&of(SECRET, Page::Case, "a message that is gone", 0)).await;
    assert_eq!(gone.status, 410);
    assert!(gone.text.contains("Ärendet finns inte kvar"), "{}", gone.text);

    // What a form lacks is said beside its fields; one that was not shown by this link is none.
    let page = get(&good).await;
    let bare =
        post(&good, &[("act", "word"), ("what", "reached"), ("form", "x"), ("state", "y")]).await;
    assert_eq!(bare.status, 400, "{}", bare.text);
    let empty = fill(&good, &page.text, "word", &[]).await;
    assert_eq!(empty.status, 422);
    assert!(
        empty.text.contains("Välj vad som hände.") && empty.text.contains("aria-invalid"),
        "{}",
        empty.text
    );
    let long = "å".repeat(501);
    let long = fill(&good, &page.text, "word", &[("what", "reached"), ("note", &long)]).await;
    assert!(long.status == 422 && long.text.contains("för lång"), "{} {}", long.status, long.text);
    let huge = "a".repeat(20_000);
    let huge = fill(&good, &page.text, "word", &[("what", "reached"), ("note", &huge)]).await;
    assert_eq!(huge.status, 413);
    assert!(words(&case(&world, "alva")).is_empty() && why.contains("team-alert"));

    // Erased: the link opens nothing any more.
    world.logged("outcome=\"accepted\"", n).await;
    done(&world, &["forget", "alva", "--school", "s1", "--yes"]);
    let gone = get(&good).await;
    assert_eq!(gone.status, 410, "{}", gone.text);
    assert!(!gone.text.contains("Alva"), "{}", gone.text);
    world.quiet(n).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_pages_there_are_none_and_cases_are_worked_on_by_hand() {
    let world = Setup::default().start().await;
    world.accept(&ended(&world, "alva", "l1")).await;
    let all = world.messages(3).await;
    let mail = all.iter().find(|m| m.to == TEAM).expect("a mail");
    assert!(!mail.text.contains("/case/"), "{}", mail.text);
    for path in ["GET /case/AQAA", "/case/AQAA", "GET /case.css"] {
        assert_eq!(send(&world, path, &[], "").await.status, 404, "{path}");
    }
    let config = world.config();
    let (_, said, _) = crate::world::upprop(&["check", config.to_str().expect("a path")]);
    assert!(said.contains("no [pages]"), "{said}");
    let number = case(&world, "alva")["number"].as_str().expect("a number").to_owned();
    assert!(mail.subject.as_deref().is_some_and(|s| s.ends_with(&number)), "{mail:?}");
    let shown = done(
        &world,
        &["case", "record", &number, "--what", "explained", "--note", "hos tandläkaren"],
    );
    assert!(
        shown.contains("explained, with a note, by uid ") && shown.contains("no mentor"),
        "{shown}"
    );
    assert!(!shown.contains("tandläkaren"), "{shown}");
    let export = done(&world, &["export", "alva", "--school", "s1"]);
    assert!(export.contains("hos tandläkaren"), "{export}");
    world.quiet(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_pupil_who_is_protected_by_now_a_link_shows_the_number_and_takes_nothing() {
    let mut world = prepared(Setup::default(), "");
    mentored(&world, "");
    world.start().await;
    let (link, n) = alerted(&world, "alva", 2).await;
    let page = get(&link).await;
    let number = case(&world, "alva")["number"].as_str().expect("a number").to_owned();
    protect(&world, "alva");
    let hidden = shut(&link).await;
    assert_eq!(hidden.status, 409);
    assert!(hidden.text.contains(&number), "{}", hidden.text);
    for secret in ["Alva", "7B", "+4670", "Lena"] {
        assert!(!hidden.text.contains(secret), "{secret}: {}", hidden.text);
    }
    let taken = fill(&link, &page.text, "word", &[("what", "reached"), ("note", "")]).await;
    assert_eq!(taken.status, 409);
    assert!(words(&case(&world, "alva")).is_empty());
    world.quiet(n).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_agreed_on_the_page_is_followed_shown_and_ended() {
    let world = world().await;
    let (link, n) = alerted(&world, "alva", 2).await;
    let page = get(&link).await;
    assert!(page.text.contains("<option value=\"g-alva-1\">"), "{}", page.text);
    let until =
        page.text.split("max=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a day");
    let fields = [("how", "phone-first"), ("to", ""), ("until", until)];
    for _ in 0..2 {
        let taken = fill(&link, &page.text, "agreement", &fields).await;
        assert_eq!(
            (taken.status, taken.headers["location"].to_str().ok()),
            (303, Some("?done=agreement"))
        );
    }
    let wrong = [("how", "phone-first"), ("to", "g-nils"), ("until", "2020-01-01")];
    let page = get(&link).await;
    assert!(page.text.contains("närvaroteamet ringer"), "{}", page.text);
    let refused = fill(&link, &page.text, "agreement", &wrong).await;
    assert!(
        refused.status == 422 && refused.text.contains("Välj någon i listan."),
        "{}",
        refused.text
    );

    // No text, and the team at once, though the lesson goes on.
    world.accept(&world.marked("alva", "l2", "unexcused", 5)).await;
    let all = world.messages(n + 1).await;
    let mail = all.last().expect("a mail");
    assert!(mail.to == TEAM && mail.text.contains("Ring hem nu"), "{}", world.shown());
    let list = done(&world, &["agreement", "list"]);
    assert!(list.contains("everybody at home is phoned first") && list.contains(until), "{list}");
    let id = list.split_whitespace().next().expect("an id");
    done(&world, &["agreement", "end", id]);
    world.accept(&world.marked("alva", "l3", "unexcused", 5)).await;
    let all = world.messages(n + 3).await;
    assert!(all[n + 1..].iter().all(|m| m.to.starts_with("+467")), "{}", world.shown());
    assert!(done(&world, &["why", "alva"]).contains("phone-first by staff:AttendanceTeam"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_a_week_is_chosen_on_the_page_which_says_that_the_team_phones() {
    let world = world().await;
    let (link, n) = alerted(&world, "alva", 2).await;
    let page = get(&link).await;
    let says = "En rad i veckan: ett meddelande om veckans frånvaro på dess sista skoldag; närvaroteamet ringer samma dag";
    assert!(page.text.contains(says), "{}", page.text);
    let until =
        page.text.split("max=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a day");
    let fields = [("how", "line-a-week"), ("to", ""), ("until", until)];
    assert_eq!(fill(&link, &page.text, "agreement", &fields).await.status, 303);
    world.accept(&world.marked("alva", "l2", "unexcused", 5)).await;
    let all = world.messages(n + 1).await;
    let mail = all.last().expect("a mail");
    assert!(mail.to == TEAM && mail.text.contains("Ring hem nu"), "{}", world.shown());
    let why = done(&world, &["why", "alva"]);
    assert!(why.contains("told with all of the week on its last school day"), "{why}");
    let list = done(&world, &["agreement", "list"]);
    assert!(list.contains("is phoned the same day, and told of the week"), "{list}");
    world.quiet(n + 1).await;
}
