//! The main job as a person meets it: an alert through Debian's Postfix, its link opened in headless Chromium on a screen
//! as wide as a telephone's with scripts off, what came of the case recorded, the mentor told once; and what axe-core says
//! of every page. Needs root for Postfix; see `tests/run`.

use crate::browser::Browser;
use crate::faults::silent;
use crate::postfix::Postfix;
use crate::staff_pages::{MENTOR, ended, link, prepared, text};
use crate::world::{Setup, TEAM, World};

const GUARDIAN: &str = "maj.g@hem.example";

async fn world(postfix: &Postfix) -> World {
    let mut world = prepared(slow(postfix), "");
    world.start().await;
    world
}

/// A world that mails through a relay, which takes its time to start its processes on a busy machine.
pub fn slow(postfix: &Postfix) -> Setup {
    let delivery = "settle = \"60s\"\nemail-retry = [\"1s\", \"2s\", \"3s\", \"5s\", \"5s\", \"5s\", \"5s\"]\n";
    Setup {
        faults: silent(),
        smtp: Some(postfix.address),
        patience: "30s",
        delivery: delivery.into(),
        ..Setup::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_answered_from_the_inbox_and_the_mentor_hears_of_it_once() {
    let postfix = Postfix::start(&[TEAM, GUARDIAN, MENTOR]);
    let world = world(&postfix).await;
    world.accept(&ended(&world, "mail", "l1")).await;
    let mails = postfix.mailbox(TEAM, 1).await;
    let link = link(&text(&mails[0]));

    let mut browser = Browser::start().await;
    browser.open(&link).await;
    assert_eq!(browser.eval("document.querySelector('h1').textContent").await, "Maj Test, 7B");
    let styled =
        browser.eval("getComputedStyle(document.querySelector('main button')).color").await;
    assert_eq!(styled, "rgb(255, 255, 255)", "the style is served and let in");
    browser.is_good("the case").await;
    // By the keyboard alone: what has the focus can be seen.
    browser.eval("document.querySelector('#what-reached').focus()").await;
    let seen = browser.eval("document.activeElement.matches(':focus-visible')").await;
    assert_eq!(seen, true);

    // Sent as it is, it says what is missing; then it is taken.
    browser.follow("form[aria-labelledby=record] button").await;
    let wrong = browser.eval("document.querySelector('#what-error').textContent").await;
    assert_eq!(wrong, "Välj vad som hände.");
    browser.is_good("the case with an error").await;
    browser.click("label[for=what-reached]").await;
    browser.click("#note").await;
    browser.type_text("Talade med mamma, kommer efter lunch.").await;
    browser.follow("form[aria-labelledby=record] button").await;
    let said = browser.eval("document.querySelector('[role=status]').textContent").await;
    assert_eq!(said, "Det är registrerat.");
    let shown = browser.eval("document.querySelector('main').innerText").await;
    let shown = shown.as_str().expect("a text");
    assert!(shown.contains("Talade med mamma") && shown.contains("Talat med hemmet"), "{shown}");
    browser.is_good("the case with a word").await;
    // Loaded again, it is not sent again.
    let here = browser.eval("location.href").await;
    browser.open(here.as_str().expect("an address")).await;

    let mentor = postfix.mailbox(MENTOR, 1).await;
    let told = text(&mentor[0]);
    assert!(told.contains("Maj Test") && told.contains("har talat med hemmet"), "{told}");
    assert!(!told.contains("mamma"), "{told}");

    browser.follow("a[hreflang=en]").await;
    assert_eq!(browser.eval("document.documentElement.lang").await, "en");
    browser.is_good("the case in English").await;
    // What was agreed.
    browser.click("label[for=how-line-a-day]").await;
    browser.follow("form[aria-labelledby=agree] button").await;
    assert_eq!(
        browser.eval("document.querySelector('#until-error').textContent").await,
        "Choose a day."
    );
    browser.is_good("the agreement with an error").await;

    // Pages of a few words.
    let forged = format!("{}A", &link[..link.len() - 2]);
    browser.open(&forged).await;
    let said = browser.eval("document.querySelector('h1').textContent").await;
    assert_eq!(said, "Länken öppnar inget");
    browser.is_good("a link that opens nothing").await;

    // One mail to the mentor, whatever was opened since.
    world.accept(&ended(&world, "mail", "l2")).await;
    postfix.mailbox(TEAM, 2).await;
    postfix.mailbox(MENTOR, 1).await;
}
