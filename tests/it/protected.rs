//! Pupils whose data are protected, or may be: nobody outside is told, and the one mail to the team
//! holds nothing that tells who it is about.

use crate::inlet::Kept;
use crate::world::{Setup, TEAM, World};

/// Everything the directory and the event say of the two pupils.
const TELLTALE: &[&str] = &[
    "hemlig",
    "okand",
    "okänd",
    " 7b",
    ">7b",
    "1740608",
    "1740609",
    "174 06 08",
    "174 06 09",
    "vuxen test",
    "l-secret",
    "slöjd",
    "björk",
    "bj=c3=b6rk",
    "2012-02-15",
];

async fn one_empty_mail(pupil: &str) {
    let mut world = Setup::default().start().await;
    let mut event = world.marked(pupil, "l-secret", "unexcused", 5);
    event["lesson"]["label"] = "Slöjd 7B".into();
    world.accept(&event).await;
    let all = world.messages(1).await;
    assert_eq!(all[0].to, TEAM);
    assert_eq!(all[0].attachments, []);
    let subject = all[0].subject.as_deref().unwrap_or_default();
    assert!(subject.starts_with("Kontrollera ärende i elevregistret ("), "{subject}");
    let raw = String::from_utf8_lossy(&all[0].raw).replace("=\r\n", "");
    for part in [raw.as_str(), subject, &all[0].text, &format!("{:?}", all[0].headers)] {
        let part = part.to_lowercase();
        for word in TELLTALE {
            assert!(!part.contains(word), "{word:?} stands in:\n{part}");
        }
    }
    // Whatever comes after: the lesson over, reported with a note, mended, missing again.
    let mut report = event.clone();
    let fields = report.as_object_mut().expect("an object");
    for name in ["mark", "recorded_at"] {
        fields.remove(name);
    }
    report["type"] = "lesson.report".into();
    report["id"] = world.event_id().into();
    report["reported_by"] = "t-1".into();
    report["note"] = "Hemlig sågs vid bussen".into();
    world.accept(&report).await;
    world.accept(&world.marked(pupil, "l-secret", "late", 5)).await;
    world.quiet(1).await;
    assert!(!world.log().contains("1740608") && !world.log().contains("Hemlig"), "{}", world.log());
    assert_eq!(world.stop(), Some(0));
    let kept = Kept::open(world.folder.path());
    let purposes: Vec<_> = kept
        .notifications()
        .await
        .into_iter()
        .filter(|n| n.pupil.as_str() == pupil)
        .map(|n| n.purpose.as_str())
        .collect();
    assert_eq!(purposes, ["staff-task"], "nothing waits to be sent either");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_pupil_is_named_nowhere() {
    one_empty_mail("hemlig").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_protection_counts_as_protection() {
    one_empty_mail("okand").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn protection_is_not_told_by_a_lesson_that_has_ended() {
    let world = Setup::default().start().await;
    world.accept(&world.marked("hemlig", "l1", "unexcused", 3700)).await;
    let all = world.messages(1).await;
    assert!(World::texts(&all).is_empty());
    assert_eq!((all[0].to.as_str(), all[0].attachments.len()), (TEAM, 0));
    world.quiet(1).await;
}
