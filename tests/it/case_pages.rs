//! The link in an alert mail: opens a page of the case, takes what came of it once, and tells the mentor once. Opening it
//! changes nothing, however often; what is forged, cut, expired or gone opens nothing.

use serde_json::Value;
use upprop::env::{Clock as _, SystemClock};

use crate::inlet::send;
use crate::metrics::scrape;
use crate::staff_pages::{
    MENTOR, SECRET, done, ended, fill, get, head, link, mentored, post, prepared, record, world,
};
use crate::world::{Setup, TEAM, World, soon, within};

/// Has the team mailed about a pupil; the link, and how many messages have come.
async fn alerted(world: &World, pupil: &str, texts: usize) -> (String, usize) {
    world.accept(&ended(world, pupil, "l1")).await;
    let all = world.messages(texts + 1).await;
    let mail = all.iter().find(|m| m.to == TEAM).expect("the team's mail");
    (link(&mail.text), all.len())
}

fn case(world: &World, pupil: &str) -> Value {
    let zone = jiff::tz::TimeZone::get("Europe/Stockholm").expect("zone");
    let today = SystemClock::new().now().to_zoned_datetime(zone).date().to_string();
    let said = done(world, &["case", "show", pupil, &today, "--json"]);
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
    let counted = async || {
        let text = scrape(&world).await;
        let of = |line: &&str| {
            line.starts_with("upprop_store_commit_seconds_count")
                || line.starts_with("upprop_decisions")
        };
        text.lines().filter(of).map(str::to_owned).collect::<Vec<_>>()
    };
    let export = || {
        let text = done(&world, &["export", "alva", "--school", "s1"]);
        let mut all: Value = serde_json::from_str(&text).expect("JSON");
        all["made-at"] = Value::Null;
        all
    };
    // What the mails' outcomes still write.
    world.logged("outcome=\"accepted\"", n).await;
    let (before, rows) = (counted().await, export());
    assert!(before.iter().any(|line| line.contains("commit")), "{before:?}");
    let mut opened = tokio::task::JoinSet::new();
    for i in 0..200 {
        let link = link.clone();
        opened.spawn(async move {
            let answer = if i % 4 == 0 { head(&link).await } else { get(&link).await };
            answer.status
        });
        if i % 20 == 19 {
            while let Some(status) = opened.join_next().await {
                assert_eq!(status.expect("an answer"), 200);
            }
        }
    }
    assert_eq!(counted().await, before, "a look is no commit");
    assert_eq!(export(), rows);
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
    // Signed by somebody who has another secret, of this message and of none.
    let id = done(&world, &["why", "alva", "--json"]);
    let id: Value = serde_json::from_str(&id).expect("JSON");
    let alert = id.to_string();
    let of = |secret: &str, id: &str, ago: i64| {
        let secret = secrecy::SecretString::from(secret.to_owned());
        let links = upprop::message::case_link::CaseLinks::new(
            head_part.trim_end_matches("/case"),
            &secret,
            jiff::SignedDuration::from_hours(1),
        );
        let made = SystemClock::new().now() - jiff::SignedDuration::from_mins(ago);
        links.link(&upprop::model::NotificationId::of(&[id]), made)
    };
    let unknown = of("another secret, as long as the first", "x", 0);
    let mut bodies = std::collections::BTreeSet::new();
    for forged in [at(&flipped), at(&token[..40]), at("x"), at(&format!("{token}A")), unknown] {
        for answer in
            [get(&forged).await, post(&forged, &[("act", "word"), ("what", "reached")]).await]
        {
            assert_eq!(answer.status, 404, "{forged}: {}", answer.text);
            bodies.insert(answer.text);
        }
    }
    assert_eq!(bodies.len(), 1, "one answer for all that is not ours");
    let expired = get(&of(SECRET, "x", 61)).await;
    assert_eq!(expired.status, 410);
    assert!(expired.text.contains("Länken gäller inte längre"), "{}", expired.text);
    let gone = get(&of(SECRET, "a message that is gone", 0)).await;
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
    assert!(words(&case(&world, "alva")).is_empty() && alert.contains("team-alert"));

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
    let file = world.folder.path().join("directory/pupils.csv");
    let pupils = std::fs::read_to_string(&file).expect("pupils");
    let row = "alva,s1,7B,Alva,Test,2013-05-04,none,";
    assert!(pupils.contains(row), "{pupils}");
    std::fs::write(&file, pupils.replace(row, &row.replace("none", "protected"))).expect("pupils");
    let clock = SystemClock::new();
    let hidden = within("the directory to be in force", async {
        loop {
            let page = get(&link).await;
            if page.status != 200 {
                return page;
            }
            clock.sleep_until(soon(&clock)).await;
        }
    })
    .await;
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
