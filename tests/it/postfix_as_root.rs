//! Debian's Postfix between upprop and a mailbox: what arrives is a mail that mail programs can
//! read and thread, and its refusals are understood. Needs root; see `tests/run`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use mail_parser::{HeaderName, Message, MessageParser, MimeHeaders as _};
use serde_json::{Value, json};
use upprop::env::{Clock as _, SystemClock};

use crate::faults::silent;
use crate::postfix::Postfix;
use crate::world::{Setup, TEAM, World};

const GUARDIAN: &str = "maj.g@hem.example";

async fn world(postfix: &Postfix) -> World {
    // A relay that starts its processes on a busy machine takes its time.
    let delivery = "settle = \"60s\"\nemail-retry = [\"1s\", \"2s\", \"3s\", \"5s\", \"5s\", \"5s\", \"5s\"]\n";
    Setup {
        faults: silent(),
        smtp: Some(postfix.address),
        patience: "30s",
        delivery: delivery.into(),
        ..Setup::default()
    }
    .family("bada", "070-174 06 20", "okand.bada@hem.example", "email")
    .family("brev", "", "okand.brev@hem.example", "email")
    .start()
    .await
}

/// Missing from a lesson that lasted the second before `end`.
fn ended(world: &World, lesson: &str, end: Timestamp) -> Value {
    world.marked_between("mail", lesson, "unexcused", end - SignedDuration::from_secs(1), end)
}

fn reported(world: &World, lesson: &Value, note: &str) -> Value {
    json!({
        "type": "lesson.report", "id": world.event_id(), "school": "s1", "pupil": "mail",
        "lesson": lesson["lesson"], "reported_by": "larare-1", "note": note,
    })
}

/// The whole text of a part, or nothing.
fn text(mail: &Message<'_>, html: bool) -> String {
    let body = if html { mail.body_html(0) } else { mail.body_text(0) };
    body.map(Cow::into_owned).unwrap_or_default()
}

fn header(mail: &Message<'_>, name: &str) -> String {
    mail.header_raw(HeaderName::parse(name.to_owned()).expect("a name"))
        .map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
        .unwrap_or_default()
}

/// What every mail to the team must be, whatever it says. Returns its case.json.
fn well_formed(mail: &Message<'_>) -> Value {
    assert_eq!(header(mail, "To"), TEAM);
    assert_eq!(header(mail, "Auto-Submitted"), "auto-generated");
    assert_eq!(header(mail, "Content-Language"), "sv");
    let from = mail.from().and_then(|from| from.first()).expect("a sender");
    assert_eq!(from.address(), Some("franvaro@skola.example"));
    assert_eq!(from.name(), Some("Frånvaro"));
    let subject = mail.subject().expect("a subject");
    for identity in ["Maj", "Test", "7B"] {
        assert!(!subject.contains(identity), "{subject}");
    }
    for html in [false, true] {
        let text = text(mail, html);
        for words in ["Maj Test", "7B", "Björkskolan", "Skickat automatiskt"] {
            assert!(text.contains(words), "{words} in:\n{text}");
        }
    }
    assert!(text(mail, true).contains("<html"), "{}", text(mail, true));
    let attachments: Vec<_> = mail.attachments().collect();
    assert_eq!(attachments.len(), 1);
    assert_eq!(attachments[0].attachment_name(), Some("case.json"));
    let kind = attachments[0].content_type().expect("a type");
    assert_eq!((kind.ctype(), kind.subtype()), ("application", Some("json")));
    let case: Value = serde_json::from_slice(attachments[0].contents()).expect("JSON");
    assert_eq!((&case["version"], &case["pupil"]), (&json!(1), &json!("mail")), "{case}");
    assert!(subject.contains(case["case"].as_str().expect("a case")), "{subject} {case}");
    case
}

#[tokio::test(flavor = "multi_thread")]
async fn alert_update_and_correction_are_one_conversation_that_parses() {
    let postfix = Postfix::start(&[TEAM, GUARDIAN]);
    let world = world(&postfix).await;
    // Two lessons of one day: the teacher adds to one, and takes the other back.
    let end = SystemClock::new().now() - SignedDuration::from_secs(1);
    let first = ended(&world, "l1", end);
    world.accept(&first).await;
    postfix.mailbox(TEAM, 1).await;
    world.accept(&reported(&world, &first, "Sågs vid bussen.")).await;
    postfix.mailbox(TEAM, 2).await;
    let second = ended(&world, "l2", end);
    world.accept(&second).await;
    postfix.mailbox(TEAM, 3).await;
    let mut present = second.clone();
    present["id"] = json!(world.event_id());
    present["mark"] = json!("present");
    present["recorded_at"] = json!(SystemClock::new().now().to_string());
    world.accept(&present).await;

    let raw = postfix.mailbox(TEAM, 4).await;
    let mails: Vec<_> =
        raw.iter().map(|raw| MessageParser::default().parse(raw).expect("a mail")).collect();
    let cases: Vec<_> = mails.iter().map(well_formed).collect();
    let kinds: Vec<_> = cases.iter().map(|case| case["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["team-alert", "team-update", "team-alert", "correction"]);
    let numbers: BTreeSet<_> = cases.iter().map(|case| case["case"].to_string()).collect();
    assert_eq!(numbers.len(), 1, "one case a pupil and day: {numbers:?}");
    assert!(text(&mails[1], false).contains("Sågs vid bussen."), "{}", text(&mails[1], false));

    let ids: BTreeSet<_> = mails.iter().map(|mail| header(mail, "Message-ID")).collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    assert!(ids.iter().all(|id| id.ends_with("@skola.example>")), "{ids:?}");
    let threads: BTreeSet<_> = mails.iter().map(|mail| header(mail, "References")).collect();
    assert_eq!(threads.len(), 1, "one thread: {threads:?}");
    assert!(threads.iter().all(|thread| !thread.is_empty() && !ids.contains(thread)));
    for mail in &mails {
        assert_eq!(header(mail, "In-Reply-To"), header(mail, "References"));
    }

    // The guardian's conversation is another one, and holds no attachment.
    let raw = postfix.mailbox(GUARDIAN, 3).await;
    for raw in &raw {
        let mail = MessageParser::default().parse(raw).expect("a mail");
        assert_eq!(mail.attachment_count(), 0);
        let thread = header(&mail, "References");
        assert!(!thread.is_empty() && !threads.contains(&thread), "{thread}");
        assert!(text(&mail, false).contains("Maj"), "{}", text(&mail, false));
    }
    assert_eq!(world.sink.count(), 0, "{}", world.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_mailbox_is_tried_again_until_it_takes_the_mail() {
    let postfix = Postfix::start(&[TEAM, GUARDIAN]);
    postfix.answer(GUARDIAN, Some("450 4.2.0 Mailbox busy"));
    let world = world(&postfix).await;
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    world.logged("code=\"450-4.2.0\"", 2).await;
    postfix.answer(GUARDIAN, None);
    postfix.mailbox(GUARDIAN, 1).await;
    world.logged("outcome=\"accepted\"", 1).await;
    assert_eq!(world.lines("outcome=\"accepted\""), 1, "{}", world.log());
    world.quiet(0).await;
    postfix.mailbox(GUARDIAN, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_mailbox_is_marked_and_the_next_lesson_goes_another_way() {
    let postfix = Postfix::start(&[TEAM, GUARDIAN]);
    let world = world(&postfix).await;
    let refused = |address: &str| postfix.lines(&format!("550 5.1.1 <{address}>"));
    for (lesson, n) in [("l1", 1), ("l2", 2)] {
        // One guardian has a telephone, the other nothing else: a text, and a task for staff.
        world.accept(&world.marked("bada", lesson, "unexcused", 5)).await;
        world.accept(&world.marked("brev", lesson, "unexcused", 5)).await;
        let texts = World::texts(&world.messages(n).await);
        assert!(texts.iter().all(|(to, _)| to == "+46701740620"), "{}", world.shown());
        let staff = postfix.mailbox(TEAM, n).await;
        let mail = MessageParser::default().parse(&staff[n - 1]).expect("a mail");
        assert!(
            mail.subject().is_some_and(|s| s.starts_with("Ingen nådd")),
            "{:?}",
            mail.subject()
        );
    }
    assert_eq!(refused("okand.bada@hem.example"), 1, "{}", postfix.log());
    assert_eq!(refused("okand.brev@hem.example"), 1, "{}", postfix.log());
    world.quiet(2).await;
}
