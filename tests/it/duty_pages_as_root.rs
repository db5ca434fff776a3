//! The main job of a school with a ladder as a person meets it: an alert and a duty through Debian's Postfix, their links
//! opened in headless Chromium on a screen as wide as a telephone's with scripts off, what came of the case recorded, the
//! mentor told, the duty closed by that and documented on its own page; and what axe-core says of every kind of page in
//! both languages. Needs root for Postfix; see `tests/run`.

use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, ToSpan as _};
use upprop::env::{Clock as _, SystemClock};
use upprop::message::page_link::Page;

use crate::browser::Browser;
use crate::case_pages_as_root::slow;
use crate::postfix::Postfix;
use crate::staff_pages::{
    MENTOR, SECRET, done, ended, link, prepared, protect, shut, signed, text,
};
use crate::world::{Setup, TEAM, World};

const GUARDIAN: &str = "maj.g@hem.example";

/// Today at the school.
fn today() -> Date {
    let zone = jiff::tz::TimeZone::get("Europe/Stockholm").expect("zone");
    SystemClock::new().now().to_zoned_datetime(zone).date()
}

/// A school that follows the municipality's plan, and keeps contacts for a week.
async fn world(postfix: &Postfix, closed: &str) -> World {
    // The plan counts by terms.
    let (first, last) = (today() - 60.days(), today() + 60.days());
    let term = format!("[calendars.year]\nterms = [\"{first}..{last}\"]\nclosed = [{closed}]\n");
    let ladders = "[ladders]\nfiles = [\"plan\"]\n[retention]\ncontacts = \"7d\"\n";
    let setup = Setup {
        extra: format!("{term}{ladders}"),
        school: "calendar = \"year\"\nladder = [\"plan\"]\n".into(),
        ..slow(postfix)
    };
    let mut world = prepared(setup, "links-for = \"7d\"");
    world.start().await;
    world
}

/// The link of one kind of page in the team's mails.
fn link_of(mails: &[Vec<u8>], page: &str) -> String {
    let texts: Vec<String> = mails.iter().map(|mail| text(mail)).collect();
    let found = texts.iter().find(|text| text.contains(page));
    link(found.unwrap_or_else(|| panic!("no {page} in {texts:?}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_was_reached_by_the_alerts_link_closes_the_duty_of_the_plan_as_root() {
    let postfix = Postfix::start(&[TEAM, GUARDIAN, MENTOR]);
    let world = world(&postfix, "").await;
    world.accept(&ended(&world, "mail", "l1")).await;
    let mails = postfix.mailbox(TEAM, 2).await;
    let (case, duty) = (link_of(&mails, "/case/"), link_of(&mails, "/duty/"));
    let open = done(&world, &["duty", "list"]);
    assert!(open.contains("open") && open.contains("Ring hem samma dag."), "{open}");
    let number = open.split_whitespace().next().expect("a number").to_owned();

    // The duty before anything has come of it.
    let mut browser = Browser::start().await;
    browser.is_good_in_both(&duty, "an open duty").await;
    browser.open(&duty).await;
    let says = browser.says().await;
    for words in ["Maj Test, 7B", "Ring hem samma dag.", "att göra", &number] {
        assert!(says.contains(words), "{words} is not in {says}");
    }
    // Sent as it is, it says what is missing.
    browser.follow("form button").await;
    let wrong = browser.eval("document.querySelector('.error').textContent").await;
    assert_eq!(wrong, "Välj vad som gäller.");
    browser.is_good("a duty with an error").await;

    // The alert is answered: the home was reached.
    browser.is_good_in_both(&case, "the case").await;
    browser.open(&case).await;
    browser.click("label[for=what-reached]").await;
    browser.follow("form[aria-labelledby=record] button").await;
    let said = browser.eval("document.querySelector('[role=status]').textContent").await;
    assert_eq!(said, "Det är registrerat.");
    browser.is_good("the case with a word").await;
    let mentor = postfix.mailbox(MENTOR, 1).await;
    assert!(text(&mentor[0]).contains("har talat med hemmet"), "{}", text(&mentor[0]));

    // By that the duty is done, as the list and its page say.
    assert_eq!(done(&world, &["duty", "list"]), "No such duty.\n");
    let all = done(&world, &["duty", "list", "--all"]);
    assert!(all.contains(&number) && all.contains("done"), "{all}");
    browser.open(&duty).await;
    let says = browser.says().await;
    for words in ["gjort", "Gjort", "genom en länk till närvaroteam"] {
        assert!(says.contains(words), "{words} is not in {says}");
    }
    let offered = browser.eval("document.querySelectorAll('input[type=radio]').length").await;
    assert_eq!(offered, 1, "only that it is documented is left to be said");
    browser.is_good_in_both(&duty, "a duty that is done").await;

    // It is documented: those concerned are told.
    browser.open(&duty).await;
    browser.click(&format!("label[for=documented-{number}]")).await;
    browser.follow("form button").await;
    let said = browser.eval("document.querySelector('[role=status]').textContent").await;
    assert_eq!(said, "Det är registrerat.");
    let mentor = postfix.mailbox(MENTOR, 2).await;
    let told = text(&mentor[1]);
    assert!(told.contains("Dokumentationen finns nu.") && !told.contains("Maj"), "{told}");
    browser.is_good_in_both(&duty, "a duty that is documented").await;
    let shown = done(&world, &["duty", "show", &number]);
    assert!(shown.contains("; documented"), "{shown}");
    assert_eq!(shown.matches("staff:AttendanceTeam").count(), 2, "each once: {shown}");
    postfix.mailbox(TEAM, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_show_nothing_are_good_too_as_root() {
    let postfix = Postfix::start(&[TEAM, GUARDIAN, MENTOR]);
    // A break of more than a week, and a lesson of the last day before it, of which somebody hears today: that is a task
    // for the team, of which what could be shown is kept no longer.
    let closed = format!("\"{}..{}\"", today() - 8.days(), today() - 1.days());
    let world = world(&postfix, &closed).await;
    let weekend = |day: &Date| matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let day = (9..=11).map(|back: i64| today() - back.days()).find(|day| !weekend(day));
    let start = day.expect("a day of school").at(9, 0, 0, 0).in_tz("Europe/Stockholm");
    let start = start.expect("a time").timestamp();
    let end = start + SignedDuration::from_mins(40);
    world.accept(&world.marked_between("nils", "old", "unexcused", start, end)).await;
    postfix.mailbox(TEAM, 1).await;
    // Of today, also just after midnight.
    let end = SystemClock::new().now() - SignedDuration::from_secs(1);
    let start = end - SignedDuration::from_secs(10);
    world.accept(&world.marked_between("mail", "l1", "unexcused", start, end)).await;
    let mails = postfix.mailbox(TEAM, 3).await;
    // The first is of the duty about the lesson before the break.
    let (case, duty) = (link_of(&mails, "/case/"), link_of(&mails[1..], "/duty/"));

    let mut browser = Browser::start().await;
    let hour = SignedDuration::from_hours(2);
    let none = SignedDuration::ZERO;
    for page in [Page::Case, Page::Duty] {
        let expired = signed(&world, SECRET, page, "x", hour);
        browser.is_good_in_both(&expired, "an expired link").await;
        assert!(browser.says().await.contains("no longer good"), "{}", browser.says().await);
        let deleted = signed(&world, SECRET, page, "x", none);
        browser.is_good_in_both(&deleted, "a deleted case").await;
        let forged = signed(&world, "another secret, as long as the first", page, "x", none);
        browser.is_good_in_both(&forged, "a link that opens nothing").await;
    }
    protect(&world, "mail");
    for (link, what) in [(&case, "a protected case"), (&duty, "a protected duty")] {
        assert_eq!(shut(link).await.status, 409);
        browser.is_good_in_both(link, what).await;
        assert!(!browser.says().await.contains("Maj"), "{}", browser.says().await);
    }
    // A task about a late mark waits a minute for others.
    let mails = postfix.mailbox(TEAM, 4).await;
    let closed = link_of(&mails[3..], "/case/");
    browser.is_good_in_both(&closed, "a closed case").await;
    browser.open(&closed).await;
    assert!(browser.says().await.contains("är avslutat"), "{}", browser.says().await);
}
