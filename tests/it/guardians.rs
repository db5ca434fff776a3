//! Who is told of an absence, in which words, and that it is once.

use std::collections::BTreeMap;

use crate::inlet::{Kept, put_file};
use crate::world::{Setup, TEAM, World};

#[tokio::test(flavor = "multi_thread")]
async fn each_guardian_once_in_their_own_language() {
    let world = Setup::default().start().await;
    let event = world.marked("alva", "l1", "unexcused", 5);
    world.accept(&event).await;
    let all = world.messages(2).await;
    let texts: BTreeMap<_, _> = World::texts(&all).into_iter().collect();
    let swedish = &texts["+46701740605"];
    let english = &texts["+46701740606"];
    assert!(swedish.starts_with("Hej! Alva är inte registrerad som närvarande kl "), "{swedish}");
    assert!(swedish.ends_with("Ring 070-174 06 89. Björkskolan"), "{swedish}");
    assert!(english.starts_with("Hello! Alva is not registered as present at "), "{english}");
    for text in [swedish, english] {
        assert!(!text.contains("Test") && !text.contains("7B"), "no more than needed: {text}");
    }
    // The same event, and the same news under another id.
    let (status, answer) = world.post(&event).await;
    assert_eq!((status, answer["duplicate"].as_u64()), (202, Some(1)));
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    world.quiet(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_lessons_of_one_day_are_told_one_by_one() {
    let world = Setup::default().start().await;
    let lessons: serde_json::Value =
        (1..=3).map(|i| world.marked("alva", &format!("l{i}"), "unexcused", 5)).collect();
    world.accept(&lessons).await;
    let mut texts = BTreeMap::new();
    for (to, _) in World::texts(&world.messages(6).await) {
        *texts.entry(to).or_insert(0) += 1;
    }
    let three_each = [("+46701740605".to_owned(), 3), ("+46701740606".to_owned(), 3)];
    assert_eq!(texts, three_each.into());
    // One of them mended: corrected to both, the others stand.
    world.accept(&world.marked("alva", "l2", "present", 5)).await;
    world.quiet(8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_where_mail_is_preferred() {
    let world = Setup::default().start().await;
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    let all = world.messages(1).await;
    assert_eq!(all[0].to, "maj.g@hem.example");
    let subject = all[0].subject.as_deref();
    assert_eq!(subject, Some("Meddelande om närvaro från skolan"), "no name outside the mail");
    assert!(all[0].text.contains("Maj"), "{}", all[0].text);
    assert_eq!(all[0].attachments, [], "nothing for machines in a guardian's mail");
    world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_may_be_told_the_team_is() {
    let mut world = Setup::default().start().await;
    world.accept(&world.marked("ensam", "l1", "unexcused", 5)).await;
    let all = world.messages(1).await;
    assert_eq!(all[0].to, TEAM);
    let subject = all[0].subject.as_deref().unwrap_or_default();
    assert!(subject.starts_with("Ingen nådd: 1 elev, ärende "), "{subject}");
    assert!(all[0].text.contains("Ingen vårdnadshavare som får meddelas är registrerad."));
    assert!(!all[0].text.contains("174 06 10"), "who is denied is not to be rung");
    world.accept(&world.marked("ensam", "l1", "unexcused", 5)).await;
    world.quiet(1).await;
    assert_eq!(world.stop(), Some(0));
    let trail = Kept::open(world.folder.path()).trail("s1", "ensam").await;
    let [first, again] = trail.as_slice() else { panic!("two lines: {trail:?}") };
    assert_eq!(
        first,
        "marked unexcused: suppress no-entitled-guardian, \
         notify staff:AttendanceTeam no-entitled-guardian"
    );
    assert!(again.contains("keep staff:AttendanceTeam already-told"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pupil_of_age_is_told_instead() {
    let mut world = Setup::default().prepare();
    let pupils = "id,school,given-name,birth-date,protection,phone,email,channel,language\n\
                  vuxen,s1,Vera,2004-02-15,none,070-174 06 12,,sms,sv\n\
                  egen,s1,Egon,2004-02-15,none,070-174 06 11,,sms,sv\n\
                  nils,s1,Nils,2012-01-15,none,,,,\n";
    let guardians = "pupil,school,guardian,phone,may-receive\n\
                     vuxen,s1,g-vuxen,070-174 06 11,yes\n\
                     egen,s1,g-vuxen,070-174 06 11,yes\n\
                     nils,s1,g-nils,070-174 06 07,yes\n";
    put_file(&world, "directory/pupils.csv", pupils);
    put_file(&world, "directory/guardians.csv", guardians);
    world.start().await;
    world.accept(&world.marked("vuxen", "l1", "unexcused", 5)).await;
    let texts = World::texts(&world.messages(1).await);
    assert_eq!(texts[0].0, "+46701740612");
    assert!(texts[0].1.starts_with("Hej Vera! Du är registrerad som frånvarande"), "{texts:?}");
    world.accept(&world.marked("vuxen", "l1", "present", 5)).await;
    let texts = World::texts(&world.messages(2).await);
    assert_eq!(texts[1].0, "+46701740612");
    assert!(texts[1].1.starts_with("Rättelse: du var närvarande"), "{texts:?}");
    // A number that is the parent's is not the pupil's own: the team is told, not the parent.
    world.accept(&world.marked("egen", "l1", "unexcused", 5)).await;
    let all = world.messages(3).await;
    assert_eq!(all[2].to, TEAM);
    world.quiet(3).await;
}
