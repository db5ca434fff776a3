//! What is taken of what an operator types about a pupil, and what is written of it.

use super::*;
use crate::delivery::testing::school;
use crate::directory::testing;
use crate::store::MemoryStore;

fn now() -> Timestamp {
    "2026-11-26T14:00:00Z".parse().expect("time")
}

fn id(text: &str) -> PupilId {
    PupilId::new(text).expect("id")
}

/// An adult, a minor, and one who is protected.
fn roster() -> Roster {
    let birth = |text: &str| text.parse().ok();
    let mut roster = testing::roster([
        Pupil { birth_date: birth("2008-11-26"), ..testing::pupil("s", "adult") },
        Pupil { birth_date: birth("2008-11-27"), ..testing::pupil("s", "minor") },
        Pupil { protection: Protection::Protected, ..testing::pupil("s", "hidden") },
    ]);
    roster.loaded_at = Some(now());
    roster
}

fn neutral() -> School {
    let mut school = school();
    school.people.neutral_sender_id = Some("Kontakt".into());
    school
}

fn consent_of(pupil: &str, guardian: &str) -> NewAccord {
    NewAccord {
        school: school().id,
        pupil: id(pupil),
        guardian: Some(GuardianId::new(guardian).expect("id")),
        phone: None,
        recorded_by: "the mentor".into(),
        from: None,
        to: None,
    }
}

fn agreement_of(pupil: &str, phone: &str) -> NewAccord {
    NewAccord { guardian: None, phone: Some(phone.into()), ..consent_of(pupil, "g") }
}

async fn added(kv: &MemoryStore, asked: &NewAccord) -> Result<Accord, String> {
    let made = add(kv, (&neutral(), &roster()), asked, "uid 7", now()).await;
    made.map(|made| made.accord).map_err(|error| error.to_string())
}

#[tokio::test]
async fn consents_are_of_adults_and_to_guardians_who_may_be_told() {
    let kv = MemoryStore::new();
    let day = |from: &str, to: &str| {
        let text = |day: &str| Some(day.to_owned());
        NewAccord { from: text(from), to: text(to), ..consent_of("adult", "g-adult") }
    };
    for (asked, words) in [
        (consent_of("nobody", "g-adult"), "no pupil of that id"),
        (consent_of("minor", "g-minor"), "not of age on 2026-11-26"),
        (consent_of("adult", "g-minor"), "no guardian of that id"),
        (day("", "2026-11-25"), "is past"),
        (day("2026-12-02", "2026-12-01"), "before its first"),
        (day("i morgon", ""), "--from is not a date"),
        (NewAccord { recorded_by: " ".into(), ..day("", "") }, "one line"),
        (NewAccord { phone: Some("070".into()), ..day("", "") }, "one of the two"),
    ] {
        let error = added(&kv, &asked).await.expect_err(words);
        assert!(error.contains(words), "{words}: {error}");
    }
    let mut closed = roster();
    closed.pupils.values_mut().flatten().for_each(|(_, p)| p.guardians[0].deny = true);
    let asked = consent_of("adult", "g-adult");
    let refused = add(&kv, (&neutral(), &closed), &asked, "uid 7", now()).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("may not be told")));
    let nobody = Roster::default();
    assert!(add(&kv, (&neutral(), &nobody), &asked, "uid 7", now()).await.is_err());
    assert!(list(&kv, "consent", None, now()).await.expect("rows").accords.is_empty());

    let made = added(&kv, &asked).await.expect("made");
    assert_eq!((made.by.as_str(), made.since, made.ended.clone()), ("uid 7", now(), None));
    assert_eq!(added(&kv, &asked).await.expect("made").id, made.id, "the same again is the same");
    let all = list(&kv, "consent", Some(&school().id), now()).await.expect("rows");
    assert_eq!((all.accords.len(), all.over), (1, 0));
    assert!(list(&kv, "agreement", None, now()).await.expect("rows").accords.is_empty());
    let wrong = end(&kv, "agreement", &made.id, "uid 7", now()).await;
    assert!(wrong.is_err_and(|error| error.to_string().contains("no agreement has that id")));
    let over = end(&kv, "consent", &made.id, "uid 8", now()).await.expect("ended").accord;
    assert!(over.ended.is_some() && !over.holds(local_date(now(), &school().zone)));
    let all = list(&kv, "consent", None, now()).await.expect("rows");
    assert_eq!((all.accords.len(), all.over), (0, 1));
    // Entered anew it holds anew.
    assert_eq!(added(&kv, &asked).await.expect("made").ended, None);
}

#[tokio::test]
async fn agreements_are_of_protected_pupils_and_never_to_somebody_who_is_denied() {
    let kv = MemoryStore::new();
    for (asked, words) in [
        (agreement_of("adult", "070-174 06 90"), "does not say that the pupil is protected"),
        (agreement_of("hidden", "08-12 34"), "number"),
        (agreement_of("hidden", "08-465 004 25"), "not a mobile"),
    ] {
        let error = added(&kv, &asked).await.expect_err(words);
        assert!(error.contains(words) && !error.contains("465"), "{words}: {error}");
    }
    let asked = agreement_of("hidden", "070-174 06 07");
    let plain = add(&kv, (&school(), &roster()), &asked, "uid 7", now()).await;
    assert!(plain.is_err_and(|error| error.to_string().contains("neutral-sender-id")));
    let mut denied = roster();
    denied.pupils.values_mut().flatten().for_each(|(_, p)| p.guardians[0].deny = true);
    let refused = add(&kv, (&neutral(), &denied), &asked, "uid 7", now()).await;
    let words = refused.expect_err("the number of a denied guardian").to_string();
    assert!(words.contains("must not be told"), "{words}");
    let made = added(&kv, &asked).await.expect("made");
    assert_eq!(made.about, AccordAbout::Number(Phone::new("+46701740607").expect("phone")));
    let mut acts = String::new();
    ledger::each(&kv, tables::OPERATOR_ACTS, |_, value| {
        acts += &String::from_utf8_lossy(value);
    })
    .await
    .expect("rows");
    assert!(
        acts.contains("accord:") && !acts.contains("hidden") && !acts.contains("4670"),
        "{acts}"
    );
}
