//! What is taken of what an operator types, and what is written of it.

use super::*;
use crate::delivery::testing::school;
use crate::directory::testing;
use crate::store::{MemoryStore, after_prefix};

fn now() -> Timestamp {
    "2026-11-26T14:00:00Z".parse().expect("time")
}

fn roster() -> Roster {
    let mut roster = Roster { loaded_at: Some(now()), ..Roster::default() };
    for (id, class) in [("p1", Some("7A")), ("p2", Some("7B")), ("p3", None)] {
        let mut pupil = testing::pupil("s", id);
        pupil.class = class.map(str::to_owned);
        roster.pupils.entry(pupil.school.clone()).or_default().insert(pupil.id.clone(), pupil);
    }
    roster
}

fn asked(from: &str, to: &str) -> Silence {
    Silence {
        school: school().id,
        class: None,
        pupil: None,
        from: from.into(),
        to: to.into(),
        weekdays: Vec::new(),
        between: None,
        reason: "trip to the museum".into(),
        unknown_ok: false,
    }
}

fn schools() -> BTreeMap<SchoolId, School> {
    [(school().id, school())].into()
}

async fn added(kv: &MemoryStore, asked: &Silence) -> Result<Silenced, String> {
    let made = add(kv, (&school(), &roster()), asked, "uid 7", now()).await;
    made.map_err(|error| error.to_string())
}

#[test]
fn times_are_the_schools_and_a_day_is_a_whole_one() {
    let zone = school().zone;
    for (from, to, found) in [
        ("2026-12-04", "2026-12-04", Ok(("2026-12-03T23:00:00Z", "2026-12-04T23:00:00Z"))),
        ("2026-12-04T09:00", "2026-12-05", Ok(("2026-12-04T08:00:00Z", "2026-12-05T23:00:00Z"))),
        (
            "2026-12-04T22:00",
            "2026-12-05T06:00",
            Ok(("2026-12-04T21:00:00Z", "2026-12-05T05:00:00Z")),
        ),
        (
            "2026-12-04T09:00:00+02:00",
            "2026-12-04T10:00",
            Ok(("2026-12-04T07:00:00Z", "2026-12-04T09:00:00Z")),
        ),
        // An hour is missing, and comes twice.
        (
            "2027-03-28T02:30",
            "2027-03-28T02:30",
            Ok(("2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z")),
        ),
        (
            "2027-10-31T02:15",
            "2027-10-31T02:30",
            Ok(("2027-10-31T00:15:00Z", "2027-10-31T01:30:00Z")),
        ),
        ("2026-12-05", "2026-12-04", Err("before it begins")),
        ("2026-12-04T10:00", "2026-12-04T10:00", Err("before it begins")),
        ("2026-11-20", "2026-11-25", Err("is past")),
        ("2026-12-04", "2028-12-04", Err("more than a year")),
        ("4 december", "2026-12-04", Err("is no time")),
        ("2026-12-04", "2026-13-01", Err("is no time")),
        ("09:00", "10:00", Err("is no time")),
    ] {
        let read = span(&asked(from, to), &zone, now());
        match found {
            Ok((from, to)) => {
                let at = |text: &str| text.parse::<Timestamp>().expect("time");
                assert_eq!(read, Ok((at(from), at(to))), "{from} {to}");
            }
            Err(words) => {
                assert!(read.as_ref().is_err_and(|e| e.contains(words)), "{from} {to} {read:?}");
            }
        }
    }
}

#[test]
fn days_and_hours_are_read() {
    let days =
        |texts: &[&str]| weekdays(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
    assert_eq!(days(&["tue,mon", "Fri"]), Ok(vec![1, 2, 5]));
    assert_eq!(days(&[]), Ok(vec![]));
    assert!(days(&["mån"]).is_err_and(|e| e.contains("write mon, tue")));
    let at = |hour| Time::constant(hour, 0, 0, 0);
    assert_eq!(hours("08:00-10:00"), Ok((at(8), at(10))));
    assert_eq!(hours("22.00 – 06.00"), Ok((at(22), at(6))));
    for bad in ["08:00", "08:00-08:00", "8-25", ""] {
        assert!(hours(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn whoever_is_unknown_is_refused_with_what_there_is() {
    let kv = MemoryStore::new();
    let of = |class: Option<&str>, pupil: Option<&str>| Silence {
        class: class.map(Into::into),
        pupil: pupil.map(|id| PupilId::new(id).expect("id")),
        ..asked("2026-12-04", "2026-12-05")
    };
    let error = added(&kv, &of(Some("7C"), None)).await.expect_err("no such class");
    assert!(error.contains("it has: 7A, 7B;") && error.contains("--unknown-ok"), "{error}");
    let error = added(&kv, &of(None, Some("p9"))).await.expect_err("no such pupil");
    assert!(error.contains("no pupil of that id") && !error.contains("p9"), "{error}");
    assert!(added(&kv, &of(Some("7A"), Some("p1"))).await.is_err(), "both");
    let long = "x".repeat(501);
    for bad in ["", "a\nb", &long] {
        let asked = Silence { reason: bad.into(), ..of(None, None) };
        assert!(added(&kv, &asked).await.is_err(), "{bad:?}");
    }
    assert!(list(&kv, &schools(), None, now()).await.expect("rows").silences.is_empty());
    for (asked, pupils) in [
        (of(Some("7B"), None), 1),
        (of(None, Some("p3")), 1),
        (of(None, None), 3),
        (Silence { unknown_ok: true, ..of(Some("7C"), None) }, 0),
    ] {
        assert_eq!(added(&kv, &asked).await.expect("made").pupils, Some(pupils), "{asked:?}");
    }
    // Where nobody has loaded the directory, nothing is known.
    let (school, nobody, asked) = (school(), Roster::default(), of(Some("9Z"), None));
    let unknown = add(&kv, (&school, &nobody), &asked, "uid 7", now()).await;
    assert_eq!(unknown.expect("made").pupils, None);
}

#[tokio::test]
async fn the_same_again_is_the_same_and_what_is_removed_is_gone() {
    let kv = MemoryStore::new();
    let trip = asked("2026-12-04", "2026-12-05");
    let first = added(&kv, &trip).await.expect("made");
    let again = Silence { reason: "another reason".into(), ..trip.clone() };
    assert_eq!(added(&kv, &again).await.expect("made").silence.id, first.silence.id);
    let other = Silence { weekdays: vec!["fri".into()], ..trip };
    let other = added(&kv, &other).await.expect("made").silence;
    assert_ne!(other.id, first.silence.id);
    let all = list(&kv, &schools(), None, now()).await.expect("rows");
    assert_eq!((all.silences.len(), all.ended), (2, 0));
    assert!(all.silences.iter().any(|one| one.reason == "another reason" && one.by == "uid 7"));
    let elsewhere = SchoolId::new("t").expect("id");
    assert!(
        list(&kv, &schools(), Some(&elsewhere), now()).await.expect("rows").silences.is_empty()
    );
    let later = "2026-12-06T00:00:00Z".parse().expect("time");
    assert_eq!(list(&kv, &schools(), None, later).await.expect("rows").ended, 2);

    assert!(remove(&kv, &schools(), "000000000000", "uid 7", now()).await.is_err());
    let gone = remove(&kv, &schools(), &first.silence.id, "uid 7", now()).await.expect("removed");
    assert_eq!(gone.silence.id, first.silence.id);
    assert!(remove(&kv, &schools(), &first.silence.id, "uid 7", now()).await.is_err(), "once");
    // Who did it and when is kept, and not about which pupil, or why.
    let of_one = Silence {
        pupil: PupilId::new("p1").ok(),
        reason: "of p1".into(),
        ..asked("2026-12-04", "2026-12-05")
    };
    let of_one = added(&kv, &of_one).await.expect("made");
    let lines = kv.scan(tables::OPERATOR_ACTS, &after_prefix(tables::OPERATOR_ACTS), 9).await;
    let acts = lines.expect("rows").into_iter();
    let acts: Vec<OperatorAct> =
        acts.map(|(_, value)| ledger::decode(&value).expect("a line")).collect();
    let of = |id: &str| {
        let its = acts.iter().filter(|act| act.scope == format!("silence:{id}"));
        let mut its: Vec<(&str, &str)> =
            its.map(|act| (act.act.as_str(), act.reason.as_str())).collect();
        its.sort_unstable();
        its
    };
    assert!(acts.iter().all(|act| act.by == "uid 7"), "{acts:?}");
    assert_eq!(of(&of_one.silence.id), [("silence", "")]);
    let reason = "another reason";
    assert_eq!(of(&first.silence.id), [("silence", reason), ("silence-removed", reason)]);
}

#[tokio::test]
async fn what_would_never_hold_is_refused_and_what_is_tried_out_is_not_kept() {
    let kv = MemoryStore::new();
    // A Saturday.
    let never = Silence { weekdays: vec!["mon".into()], ..asked("2026-12-05", "2026-12-05") };
    let error = added(&kv, &never).await.expect_err("never");
    assert!(error.contains("never hold: none of its days of the week"), "{error}");
    let hidden = Silence { reason: "a\u{202e}b".into(), ..asked("2026-12-05", "2026-12-05") };
    let error = added(&kv, &hidden).await.expect_err("hidden");
    assert!(error.contains("cannot be seen"), "{error}");
    let trip = asked("2026-12-04", "2026-12-05");
    let of_it = (&school(), &roster());
    let tried = try_out(&kv, of_it, &trip, "uid 7", now()).await.expect("good");
    assert!(!tried.known && tried.pupils == Some(3) && tried.zone == "Europe/Stockholm");
    assert!(list(&kv, &schools(), None, now()).await.expect("rows").silences.is_empty());
    assert_eq!(added(&kv, &trip).await.expect("made").silence, tried.silence);
    assert!(try_out(&kv, of_it, &trip, "uid 7", now()).await.expect("good").known);
    assert!(try_out(&kv, of_it, &never, "uid 7", now()).await.is_err());
}

#[tokio::test]
async fn a_change_beside_a_decision_undoes_it() {
    let kv = MemoryStore::new();
    let pupil = PupilId::new("p1").expect("id");
    for step in 0..2 {
        let mut decision = Unit::new(&kv);
        let of =
            exclusions::of_pupil(&mut decision, &school().id, (&pupil, Some("7A")), now()).await;
        assert_eq!(of.expect("rows").len(), step);
        decision.write(b"zz/".to_vec(), &1);
        let asked = Silence {
            class: Some("7A".into()),
            ..asked("2026-12-04", &format!("2026-12-0{}", 5 + step))
        };
        added(&kv, &asked).await.expect("made");
        assert_eq!(decision.commit().await.expect("commit"), Commit::Conflict);
    }
}

#[tokio::test]
async fn of_thousands_a_decision_reads_those_of_its_pupil() {
    let kv = MemoryStore::new();
    for number in 0..3_000 {
        let id = PupilId::new(format!("q{number}")).expect("id");
        let asked =
            Silence { pupil: Some(id), unknown_ok: true, ..asked("2026-12-04", "2026-12-05") };
        added(&kv, &asked).await.expect("made");
    }
    let mut unit = Unit::new(&kv);
    let of = |id: &str| PupilId::new(id).expect("id");
    for (id, count) in [("q17", 1), ("q1", 1), ("p1", 0)] {
        let found = exclusions::of_pupil(&mut unit, &school().id, (&of(id), None), now()).await;
        assert_eq!(found.expect("rows").len(), count, "{id}");
    }
    // Of one target there is a limit, so that a decision stays small.
    let mut last = Ok(());
    for day in 0..=MOST {
        let to = now() + SignedDuration::from_hours(i64::try_from(day).expect("small") + 1);
        last = added(&kv, &asked("2026-11-26", &to.to_string())).await.map(|_| ());
    }
    assert!(last.is_err_and(|error| error.contains("more are not taken")));
}

#[tokio::test]
async fn who_is_silenced_at_a_lesson_is_not_waited_for_in_its_register() {
    let kv = MemoryStore::new();
    let (school, roster) = (school(), roster());
    let lesson = |start: &str| {
        let start: Timestamp = start.parse().expect("time");
        let id = crate::model::LessonId::new("l").expect("id");
        crate::model::Lesson { id, start, end: start + SignedDuration::from_mins(60), label: None }
    };
    let who = async |start: &str| {
        let unit = Unit::new(&kv);
        let pupils = roster.pupils[&school.id].values();
        let found = exclusions::silenced_at(&unit, &school, pupils, &lesson(start)).await;
        found.expect("rows").iter().map(PupilId::to_string).collect::<Vec<_>>()
    };
    assert_eq!(who("2026-12-04T09:00:00Z").await, [""; 0]);
    let trip = Silence { class: Some("7B".into()), ..asked("2026-12-04", "2026-12-04") };
    added(&kv, &trip).await.expect("made");
    let id = PupilId::new("p3").expect("id");
    let alone = Silence { pupil: Some(id), ..asked("2026-12-04", "2026-12-05") };
    added(&kv, &alone).await.expect("made");
    assert_eq!(who("2026-12-04T09:00:00Z").await, ["p2", "p3"]);
    assert_eq!(who("2026-12-05T09:00:00Z").await, ["p3"]);
    added(&kv, &asked("2026-12-05T09:30", "2026-12-05T12:00")).await.expect("made");
    assert_eq!(who("2026-12-05T09:00:00Z").await, ["p1", "p2", "p3"]);
}
