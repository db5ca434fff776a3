//! The page of duties: what its link shows and takes, once; and what it shows no more when the duty is somebody else's,
//! over, or of a pupil who is protected by now.

use super::super::super::bench::pages;
use super::*;
use crate::delivery::case_page::Look;
use crate::delivery::duty_page::{OpenDuties, look};
use crate::intake::duty_words::{self, NewSaying, Written};
use crate::message::page_link::Page;

async fn of(b: &Bench, purpose: Purpose) -> Notification {
    let all: Vec<Notification> = rows(b, tables::NOTIFICATIONS).await;
    let mut all = all.into_iter().filter(|n| n.purpose == purpose);
    let n = all.next().expect("a message");
    assert!(all.next().is_none(), "one {purpose:?}");
    n
}

async fn looked(b: &Bench, id: &NotificationId) -> Look<OpenDuties> {
    let now = b.clock.now();
    look(&b.dispatcher.shared, &pages(), id, None, now).await.expect("the store")
}

async fn opened(b: &Bench, id: &NotificationId) -> Box<OpenDuties> {
    match looked(b, id).await {
        Look::Open(open) => open,
        other => panic!("{other:?}"),
    }
}

async fn record(b: &Bench, say: Say, by: &str, seen: &str) -> Written {
    let directory = b.directory.load_full();
    let school = directory.schools.values().next().expect("a school");
    let [row] = duties_of(b).await.try_into().expect("one duty");
    let new = NewSaying { say, by: by.into(), why: None, seen: seen.into() };
    let of = (directory.as_ref(), school);
    let now = b.clock.now();
    duty_words::record(b.kv.as_ref(), of, &row, &new, now).await.expect("the store")
}

async fn mailed(b: &mut Bench) -> NotificationId {
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    of(b, Purpose::Duty).await.id
}

const TEAM: &str = "staff:AttendanceTeam";

#[tokio::test]
async fn a_mail_of_a_duty_has_a_link_that_shows_it_and_only_such_a_mail_has() {
    let mut b = bench(people(ONE), |_| {});
    let id = mailed(&mut b).await;
    let links = pages().links;
    let n = of(&b, Purpose::Duty).await;
    let link = links.link(Page::Duty, &id, n.created_at);
    for (to, _, text) in mails(&b) {
        let text = text.replace(['\r', '\n'], " ");
        assert_eq!(text.contains(&link), to.starts_with("team"), "{to}: {text}");
        assert!(!text.contains("upprop duty done"), "{text}");
    }
    let open = opened(&b, &id).await;
    assert_eq!((open.by.as_str(), open.duties.len()), (TEAM, 1));
    let duty = &open.duties[0];
    let shown = &duty.shown;
    for (found, expected) in [
        (&shown.what, "Ring hem i dag."),
        (&shown.due, "2026-11-23 16.00"),
        (&shown.state, "open"),
        (&shown.place, "elevloggen"),
        (&shown.pupil, "Alva Hemlig"),
        (&shown.class, "7B"),
        (&shown.case, &open.case),
        (&shown.step, "Ogiltigt tillfälle"),
    ] {
        assert_eq!(found, expected);
    }
    let all = [Say::Take, Say::Done, Say::NoAnswer, Say::Documented, Say::NotNeeded];
    assert_eq!(duty.offered, all);
    // The mentor is told of the step and has nothing to do.
    let step = of(&b, Purpose::LadderStep).await;
    assert!(matches!(looked(&b, &step.id).await, Look::Gone));
    assert!(matches!(looked(&b, &NotificationId::of(&["x"])).await, Look::Gone));
    // Until contacts go, whatever the link says.
    let closes = n.created_at + pages().closes_after;
    b.set_to(closes - SignedDuration::from_secs(1));
    assert!(matches!(looked(&b, &id).await, Look::Open(_)));
    b.set_to(closes);
    assert!(matches!(looked(&b, &id).await, Look::Closed(_)));
}

#[tokio::test]
async fn what_is_said_on_a_page_is_written_once_and_only_by_whoever_has_seen_the_last() {
    for say in Say::ALL {
        let mut b = bench(people(ONE), |_| {});
        let id = mailed(&mut b).await;
        let seen = opened(&b, &id).await.duties[0].shown.seen.clone();
        b.set("09:00:00");
        assert_eq!(record(&b, say, TEAM, &seen).await, Written::Done, "{say:?}");
        b.set("09:01:00");
        assert_eq!(record(&b, say, TEAM, &seen).await, Written::Known, "{say:?}");
        for other in Say::ALL.into_iter().filter(|other| *other != say) {
            assert_eq!(record(&b, other, TEAM, &seen).await, Written::Stale, "{say:?} {other:?}");
        }
        // Somebody else's saying the same is another matter.
        let principal = "staff:Principal";
        assert_eq!(record(&b, say, principal, &seen).await, Written::Stale, "{say:?}");
        let open = opened(&b, &id).await;
        let shown = &open.duties[0].shown;
        assert_eq!(shown.events.len(), 2, "{:?}", shown.events);
        assert_eq!(
            (shown.events[0].by.as_str(), shown.events[1].by.as_str()),
            ("attendance-team", "")
        );
        assert_ne!(shown.seen, seen);
        assert!(!open.duties[0].offered.contains(&say) || say == Say::NoAnswer, "{say:?}");
    }
}

#[tokio::test]
async fn what_may_not_follow_is_refused_and_changes_nothing() {
    let mut b = bench(people(ONE), |_| {});
    let id = mailed(&mut b).await;
    let seen = async |b: &Bench| opened(b, &id).await.duties[0].shown.seen.clone();
    let first = seen(&b).await;
    assert_eq!(record(&b, Say::Done, TEAM, &first).await, Written::Done);
    let after = duties_of(&b).await;
    let now = seen(&b).await;
    for say in [Say::Take, Say::Done, Say::NoAnswer, Say::NotNeeded] {
        assert_eq!(record(&b, say, TEAM, &now).await, Written::Refused, "{say:?}");
    }
    assert_eq!(duties_of(&b).await, after);
    // Typed, by a name: the page tells that it was typed.
    say(&b, &after[0], Say::Documented).await;
    let open = opened(&b, &id).await;
    let shown = &open.duties[0].shown;
    assert_eq!(
        (shown.events[0].what.as_str(), shown.events[0].by.as_str()),
        ("documented", "operator")
    );
    assert!(!format!("{shown:?}").contains("anna") && open.duties[0].offered.is_empty());
}

#[tokio::test]
async fn a_duty_that_was_handed_over_is_on_the_page_of_whoever_has_it_now() {
    let mut b = bench(people(ONE), |_| {});
    let id = mailed(&mut b).await;
    let seen = opened(&b, &id).await.duties[0].shown.seen.clone();
    b.set("16:00:00");
    b.work().await;
    assert!(opened(&b, &id).await.duties.is_empty());
    assert_eq!(record(&b, Say::Done, TEAM, &seen).await, Written::Stale);
    let overdue = of(&b, Purpose::DutyOverdue).await;
    let open = opened(&b, &overdue.id).await;
    let shown = &open.duties[0].shown;
    assert_eq!((open.by.as_str(), shown.state.as_str()), ("staff:Principal", "overdue"));
    let event = &shown.events[0];
    assert_eq!((event.what.as_str(), event.to.as_str()), ("handed-over", "principal"));
    let mail = mails(&b).into_iter().find(|(to, ..)| to.starts_with("principal")).expect("a mail");
    assert!(mail.2.contains("https://u.example.se/duty/"), "{}", mail.2);
}

#[tokio::test]
async fn of_a_pupil_who_is_protected_by_now_or_gone_nothing_is_shown_or_taken() {
    for gone in [false, true] {
        let mut b = bench(people(ONE), |_| {});
        let id = mailed(&mut b).await;
        let open = opened(&b, &id).await;
        let directory = b.directory.load_full();
        let mut people = directory.roster.as_ref().clone();
        let pupils = people.pupils.get_mut(&school().id).expect("a school");
        if gone {
            pupils.clear();
        }
        for pupil in pupils.values_mut() {
            pupil.protection = Protection::Protected;
        }
        let schools = directory.schools.clone();
        b.directory.store(Arc::new(Directory { schools, roster: Arc::new(people) }));
        match looked(&b, &id).await {
            Look::Hidden(number) => assert_eq!(number, open.case),
            other => panic!("{other:?}"),
        }
        let before = duties_of(&b).await;
        let seen = &open.duties[0].shown.seen;
        assert_eq!(record(&b, Say::Done, TEAM, seen).await, Written::Hidden);
        assert_eq!(duties_of(&b).await, before);
    }
}

#[tokio::test]
async fn of_a_step_that_was_taken_back_nothing_can_be_said() {
    let mut b = bench(people(ONE), |_| {});
    let id = mailed(&mut b).await;
    b.set("09:00:00");
    b.mark("p", Mark::Excused).await;
    b.work().await;
    let open = opened(&b, &id).await;
    let shown = &open.duties[0].shown;
    assert_eq!((shown.state.as_str(), shown.taken_back), ("not-needed", true));
    assert!(open.duties[0].offered.is_empty(), "{:?}", open.duties[0].offered);
    assert_eq!(record(&b, Say::Done, TEAM, &shown.seen).await, Written::Refused);
}

#[tokio::test]
async fn each_duty_of_a_page_has_a_form_of_its_own_and_those_of_others_are_not_on_it() {
    let more = r#"
[[step.duty]]
id = "write"
owner = "attendance-team"
do = { sv = "Skriv hem.", en = "Write home." }
due = "2 school days"

[[step.duty]]
id = "meet"
owner = "mentor"
do = { sv = "Tala med eleven.", en = "Talk with the pupil." }
due = "2 school days"

[[step]]
id = "two-days""#;
    let text = LADDER.replace("\n[[step]]\nid = \"two-days\"", more);
    let mut b = bench(people(ONE), |s| {
        s.ladders.versions = vec![Arc::new(read(&text).expect("a good ladder").ladder)];
    });
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    let all: Vec<Notification> = rows(&b, tables::NOTIFICATIONS).await;
    let of = |key: &str| {
        let is = |n: &&Notification| n.purpose == Purpose::Duty && n.recipient.key() == key;
        all.iter().find(is).map(|n| n.id.clone()).expect("a mail of a duty")
    };
    let whats = |open: &OpenDuties| -> Vec<String> {
        open.duties.iter().map(|duty| duty.shown.what.clone()).collect()
    };
    let open = opened(&b, &of(TEAM)).await;
    assert_eq!(whats(&open), ["Ring hem i dag.", "Skriv hem."]);
    assert_ne!(open.duties[0].shown.seen, open.duties[1].shown.seen);
    // Neither a call nor documented: fewer words fit.
    assert_eq!(open.duties[1].offered, [Say::Take, Say::Done, Say::NotNeeded]);
    let mentor = opened(&b, &of("member:mentor")).await;
    assert_eq!(whats(&mentor), ["Tala med eleven."]);
    // What is said of one leaves the form of the other good.
    let directory = b.directory.load_full();
    let school = directory.schools.values().next().expect("a school");
    for duty in &open.duties {
        let seen = duty.shown.seen.clone();
        let new = NewSaying { say: Say::Done, by: TEAM.into(), why: None, seen };
        let (of, now) = ((directory.as_ref(), school), b.clock.now());
        let written = duty_words::record(b.kv.as_ref(), of, &duty.row, &new, now).await;
        assert_eq!(written.expect("the store"), Written::Done);
    }
    let states = |open: &OpenDuties| -> Vec<String> {
        open.duties.iter().map(|duty| duty.shown.state.clone()).collect()
    };
    assert_eq!(states(&*opened(&b, &of(TEAM)).await), ["done", "done"]);
    assert_eq!(states(&*opened(&b, &of("member:mentor")).await), ["open"]);
}

#[tokio::test]
async fn the_page_of_a_list_has_all_that_its_recipient_has_left_and_what_was_done_of_it_since() {
    const TWO: &[Family<'_>] = &[
        ("p", Protection::None, &[("g1", 605)]),
        ("q", Protection::None, &[("g2", 606)]),
        ("hidden", Protection::Protected, &[("g4", 608)]),
    ];
    let mut b = bench(people(TWO), |_| {});
    crate::delivery::daily::begin(&b.dispatcher.shared).await.expect("begun");
    for pupil in ["p", "q", "hidden"] {
        b.mark(pupil, Mark::Unexcused).await;
    }
    b.work().await;
    // Handed over to the principal, whose time is over too by the morning after next.
    for time in ["2026-11-23T15:00:00Z", "2026-11-24T07:00:00Z", "2026-11-25T07:00:00Z"] {
        b.set_to(time.parse().expect("time"));
        b.work().await;
    }
    let list = of(&b, Purpose::DutyList).await;
    let mail = mails(&b).into_iter().find(|(_, subject, _)| subject.starts_with("Kvar att göra"));
    let (to, _, text) = mail.expect("a list");
    let link = pages().links.link(Page::Duty, &list.id, list.created_at);
    assert!(
        to.starts_with("principal") && text.replace("\r\n", " ").contains(&link),
        "{to} {text}"
    );
    let seen = |open: &OpenDuties| -> Vec<(bool, String, bool)> {
        let one = |duty: &crate::delivery::duty_page::OpenDuty| {
            let shown = &duty.shown;
            (shown.hidden, shown.state.clone(), shown.case.is_empty() || !shown.number.is_empty())
        };
        let mut all: Vec<_> = open.duties.iter().map(one).collect();
        all.sort();
        all
    };
    let open = opened(&b, &list.id).await;
    let overdue = (false, "overdue".to_owned(), true);
    let hidden = (true, String::new(), true);
    assert_eq!(seen(&open), [overdue.clone(), overdue.clone(), hidden.clone()]);
    assert!(open.case.is_empty() && open.by == "staff:Principal");
    for duty in open.duties.iter().filter(|duty| duty.shown.hidden) {
        assert!(duty.offered.is_empty() && duty.shown.pupil.is_empty(), "{duty:?}");
    }
    // Not needed any more: it stays on the page that told of it, so that the same form is known again.
    let directory = b.directory.load_full();
    let school = directory.schools.values().next().expect("a school");
    let duty = open.duties.iter().find(|duty| !duty.shown.hidden).expect("one");
    let (say, seen_then) = (Say::NotNeeded, duty.shown.seen.clone());
    let new = NewSaying { say, by: open.by.clone(), why: Some("x".into()), seen: seen_then };
    for expected in [Written::Done, Written::Known] {
        let (of, now) = ((directory.as_ref(), school), b.clock.now());
        let written = duty_words::record(b.kv.as_ref(), of, &duty.row, &new, now).await;
        assert_eq!(written.expect("the store"), expected);
    }
    let over = (false, "not-needed".to_owned(), true);
    assert_eq!(seen(&*opened(&b, &list.id).await), [over, overdue, hidden]);
}
