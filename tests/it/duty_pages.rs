//! The link in a mail of a duty: opens a page that shows it, takes what is said of it once, and tells those concerned.
//! Opening it changes nothing, however often; what is forged, cut, expired, gone or a case's opens nothing.

use std::fs;

use jiff::SignedDuration;
use upprop::message::page_link::Page;

use crate::duties::{self, LADDER, duties};
use crate::inlet::send;
use crate::staff_pages::{
    SECRET, done, ended, fill, get, hidden, link, post, prepared, protect, shut, signed, storm,
};
use crate::world::{Setup, TEAM, World};

/// A world with pages whose school follows a ladder.
async fn world(pages: &str) -> World {
    let setup = Setup {
        extra: "[ladders]\nfiles = [\"ladder.toml\"]\n".into(),
        school: "ladder = [\"trappan\"]\n".into(),
        ..Setup::default()
    };
    let mut world = prepared(setup, pages);
    fs::write(world.folder.path().join("ladder.toml"), LADDER).expect("a ladder");
    let file = world.folder.path().join("directory/staff.csv");
    let staff = fs::read_to_string(&file).expect("staff");
    let more =
        "r,s1,principal,,rektor@skola.example,\nh,s1,student-health-team,,halsa@skola.example,\n";
    fs::write(&file, staff + more).expect("staff");
    world.start().await;
    world
}

/// Has the team mailed a duty about a pupil; its link and number.
async fn mailed(world: &World, pupil: &str, texts: usize) -> (String, String) {
    world.accept(&world.marked(pupil, "l1", "unexcused", 5)).await;
    let all = world.messages(texts + 1).await;
    let mail = all.iter().find(|m| m.to == TEAM).expect("the team's mail");
    let [duty] = &duties(world, &[])[..] else { panic!("one duty") };
    let number = duty["number"].as_str().expect("a number").to_owned();
    assert!(mail.text.contains(&number) && !mail.text.contains("upprop duty"), "{}", mail.text);
    (link(&mail.text), number)
}

/// Fills in the form of the only duty of a page, and sends it.
async fn say(link: &str, page: &str, say: &str, why: &str) -> crate::inlet::Answer {
    let duty = hidden(page, "duty");
    fill(link, page, "duty", &[("duty", &duty), ("say", say), ("why", why)]).await
}

fn states(world: &World) -> Vec<String> {
    let state_of = |duty: &serde_json::Value| duty["state"].as_str().expect("a state").to_owned();
    duties(world, &["--all"]).iter().map(state_of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duty_is_taken_done_and_documented_by_its_link_each_once() {
    let world = world("").await;
    let (link, number) = mailed(&world, "alva", 2).await;
    assert!(link.contains("/duty/"), "{link}");
    let page = get(&link).await;
    assert_eq!(page.status, 200, "{}", page.text);
    for words in ["Alva Test", "7B", "Ring hem.", "elevloggen", "Trappan", &number, "att göra"] {
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
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let english = get(&format!("{link}?lang=en")).await.text;
    for words in ["To be done by the plan", "Phone home.", "the pupil log", "We take it on"] {
        assert!(english.contains(words), "{words} is not in\n{english}");
    }

    // The same form twice at once, and once more after that.
    let (one, two) = tokio::join!(
        say(&link, &page.text, "take", "Ringer kl 14."),
        say(&link, &page.text, "take", "Ringer kl 14.")
    );
    let three = say(&link, &page.text, "take", "Ringer kl 14.").await;
    for answer in [one, two, three] {
        assert_eq!(
            (answer.status, answer.headers["location"].to_str().ok()),
            (303, Some("?done=duty")),
            "{}",
            answer.text
        );
    }
    let shown = done(&world, &["duty", "show", &number]);
    assert_eq!(shown.matches("taken on, by staff:AttendanceTeam").count(), 1, "{shown}");
    let page_then = page.text;
    let page = get(&format!("{link}?done=duty")).await.text;
    for words in ["Det är registrerat.", "genom en länk till närvaroteam", "Ringer kl 14."] {
        assert!(page.contains(words), "{words} is not in\n{page}");
    }
    // The old page again, with something else: shown as it is now, and nothing is taken.
    let stale = say(&link, &page_then, "not-needed", "hemma").await;
    assert_eq!(stale.status, 409, "{}", stale.text);
    for words in ["Något har registrerats under tiden", "någon har tagit på sig det", &number] {
        assert!(stale.text.contains(words), "{words} is not in\n{}", stale.text);
    }
    // A call without answer leaves it open, and can be said again.
    for _ in 0..2 {
        let page = get(&link).await.text;
        assert_eq!(say(&link, &page, "no-answer", "").await.status, 303);
    }
    assert_eq!(states(&world), ["taken"]);
    let page = get(&link).await.text;
    assert_eq!(say(&link, &page, "done", "").await.status, 303);
    assert_eq!(states(&world), ["done"]);
    // Over: what may not follow says so, whatever is sent, and changes nothing.
    let page = get(&link).await.text;
    assert!(page.contains("documented-") && !page.contains("not-needed-"), "{page}");
    let refused = say(&link, &page, "not-needed", "hemma").await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.text.contains("det går inte längre"), "{}", refused.text);
    assert_eq!(states(&world), ["done"]);
    assert_eq!(say(&link, &page, "documented", "").await.status, 303);
    let all = world.messages(4).await;
    assert_eq!(all.last().expect("a mail").to, "halsa@skola.example");
    let page = get(&link).await.text;
    assert!(page.contains("elevloggen: dokumenterat 20") && !page.contains("<form"), "{page}");
    let why = done(&world, &["why", "alva"]);
    assert!(why.contains("duty ") && !why.contains("Ringer kl"), "{why}");
    let log = world.log();
    assert!(!log.contains("Ringer kl") && !log.contains("/duty/"), "{log}");
    done(&world, &["store", "check"]);
    world.quiet(4 + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_openings_of_a_duty_change_nothing() {
    let world = world("").await;
    let (link, _) = mailed(&world, "alva", 2).await;
    // What the mails' outcomes still write.
    world.logged("outcome=\"accepted\"", 3).await;
    storm(&world, &link, "alva").await;
    assert_eq!(states(&world), ["open"]);
    world.quiet(3 + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forged_expired_gone_or_of_a_case_opens_no_duty_and_takes_nothing() {
    let world = world("links-for = \"1h\"").await;
    // A lesson that is over: the team has a mail of the case, and one of the duty.
    world.accept(&ended(&world, "alva", "l1")).await;
    let all = world.messages(4).await;
    let links: Vec<String> = all.iter().filter(|m| m.to == TEAM).map(|m| link(&m.text)).collect();
    let of = |page: &str| links.iter().find(|link| link.contains(page)).expect("a link").clone();
    let (case, duty) = (of("/case/"), of("/duty/"));
    assert_eq!((get(&case).await.status, get(&duty).await.status), (200, 200));
    let (head, token) = duty.rsplit_once('/').expect("a token");
    let now = SignedDuration::ZERO;
    let mut bodies = std::collections::BTreeSet::new();
    for forged in [
        case.replace("/case/", "/duty/"),
        duty.replace("/duty/", "/case/"),
        format!("{head}/B{}", &token[1..]),
        format!("{head}/{}", &token[..40]),
        format!("{head}/x"),
        signed(&world, "another secret, as long as the first", Page::Duty, "x", now),
    ] {
        for answer in [get(&forged).await, post(&forged, &[("say", "done")]).await] {
            assert_eq!(answer.status, 404, "{forged}: {}", answer.text);
            bodies.insert(answer.text);
        }
    }
    assert_eq!(bodies.len(), 1, "one answer for all that is not ours");
    let expired =
        get(&signed(&world, SECRET, Page::Duty, "x", SignedDuration::from_mins(61))).await;
    assert_eq!(expired.status, 410);
    assert!(expired.text.contains("Länken gäller inte längre"), "{}", expired.text);
    let gone = get(&signed(&world, SECRET, Page::Duty, "a message that is gone", now)).await;
    assert_eq!(gone.status, 410);

    // A form that no page of this link had; what one lacks is said beside its fields.
    let page = get(&duty).await.text;
    let id = hidden(&page, "duty");
    let fields = [("duty", &*id), ("say", "done"), ("form", "x"), ("state", "y")];
    assert_eq!(post(&duty, &fields).await.status, 400);
    let other = "0".repeat(32);
    let elsewhere = fill(&duty, &page, "duty", &[("duty", &other), ("say", "done")]).await;
    assert_eq!(elsewhere.status, 400, "{}", elsewhere.text);
    for (what, why, words) in [
        ("", "", "Välj vad som gäller."),
        ("not-needed", " ", "Skriv varför det inte behöver göras."),
        ("done", &*"å".repeat(201), "Det är för långt"),
    ] {
        let wrong = say(&duty, &page, what, why).await;
        assert_eq!(wrong.status, 422, "{}", wrong.text);
        assert!(
            wrong.text.contains(words) && wrong.text.contains("aria-invalid"),
            "{}",
            wrong.text
        );
    }
    assert_eq!(say(&duty, &page, "done", &"a".repeat(20_000)).await.status, 413);
    assert_eq!(states(&world), ["open"]);

    // Need not be done, and why; then erased: the link opens nothing any more.
    assert_eq!(say(&duty, &page, "not-needed", "hemma hela dagen").await.status, 303);
    assert_eq!(states(&world), ["not-needed"]);
    assert!(get(&duty).await.text.contains("hemma hela dagen"));
    world.logged("outcome=\"accepted\"", 4).await;
    done(&world, &["forget", "alva", "--school", "s1", "--yes"]);
    let gone = get(&duty).await;
    assert_eq!(gone.status, 410, "{}", gone.text);
    assert!(!gone.text.contains("Alva"), "{}", gone.text);
    world.quiet(4 + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_pupil_who_is_protected_by_now_a_duty_shows_the_number_and_takes_nothing() {
    let world = world("").await;
    let (link, _) = mailed(&world, "alva", 2).await;
    let page = get(&link).await.text;
    protect(&world, "alva");
    let hidden = shut(&link).await;
    assert_eq!(hidden.status, 409);
    assert!(hidden.text.contains("Kontrollera ärendet i elevregistret"), "{}", hidden.text);
    for secret in ["Alva", "7B", "Ring hem", "elevloggen", "Trappan"] {
        assert!(!hidden.text.contains(secret), "{secret}: {}", hidden.text);
    }
    let taken = say(&link, &page, "done", "").await;
    assert_eq!(taken.status, 409, "{}", taken.text);
    assert_eq!(states(&world), ["open"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_pages_a_mail_of_a_duty_names_the_command() {
    let world = duties::world("").await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    let all = world.messages(3).await;
    let mail = all.iter().find(|m| m.to == TEAM).expect("a mail");
    assert!(mail.text.contains("upprop duty done") && !mail.text.contains("http"), "{}", mail.text);
    assert_eq!(send(&world, "GET /duty/AQAA", &[], "").await.status, 404);
    world.quiet(3 + 1).await;
}
