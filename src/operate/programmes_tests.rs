//! What is taken of what staff record, what is written of it, and how it shows.

use std::sync::Arc;

use super::*;
use crate::directory::{ProgrammeRules, testing};
use crate::programme::Programme;
use crate::programme::testing::{programme, year};
use crate::store::{MemoryStore, after_prefix};
use jiff::civil::date;

fn now() -> Timestamp {
    "2026-09-23T08:00:00Z".parse().expect("time")
}

fn school(all: Vec<Programme>) -> School {
    let runs = all.into_iter().map(Arc::new).collect();
    School {
        calendar: Some(Arc::new(year())),
        programmes: ProgrammeRules { runs, ..ProgrammeRules::default() },
        ..testing::settings()
    }
}

/// Weeks 4 to 6 of the term: the last days are 11, 18 and 25 September.
fn usual() -> School {
    school(vec![programme(&[4], &[4, 5, 6])])
}

fn roster() -> Roster {
    let mut roster = Roster { loaded_at: Some(now()), ..Roster::default() };
    for (id, class, year) in [("p1", "4A", 4), ("p2", "4B", 4), ("p3", "9A", 9)] {
        let mut pupil = testing::pupil("s", id);
        (pupil.class, pupil.year) = (Some(class.to_owned()), Some(year));
        roster.pupils.entry(pupil.school.clone()).or_default().insert(pupil.id.clone(), pupil);
    }
    roster
}

fn asked(act: Act, session: u32, day: Option<Date>) -> Asked {
    let (class, programme, term) = ("4A".into(), None, None);
    Asked { act, school: usual().id, class, session, programme, day, term }
}

async fn done(kv: &MemoryStore, school: &School, asked: &Asked) -> Result<Recorded, String> {
    let made = record(kv, (school, &roster()), asked, "uid 7", now()).await;
    made.map_err(|error| error.to_string())
}

/// How the sessions of 4A stand.
async fn stands(kv: &MemoryStore, school: &School) -> Vec<(u32, Stand)> {
    let directory = Directory {
        schools: Arc::new([(school.id.clone(), school.clone())].into()),
        roster: Arc::new(roster()),
    };
    let all = overview(kv, &directory, (None, None), now()).await.expect("an overview");
    let at = &all.schools[0];
    let names: Vec<&str> = at.classes.iter().map(|class| class.class.as_str()).collect();
    assert_eq!(names, ["4A", "4B"]);
    at.classes[0].sessions.iter().map(|one| (one.number, one.stand)).collect()
}

#[tokio::test]
async fn a_session_is_held_moved_and_both_are_taken_back() {
    let (kv, school) = (MemoryStore::default(), usual());
    let open = [(1, Stand::Overdue), (2, Stand::Planned), (3, Stand::Planned)];
    assert_eq!(stands(&kv, &school).await, open);
    let held = asked(Act::Held, 1, Some(date(2026, 9, 10)));
    assert!(!done(&kv, &school, &held).await.expect("recorded").known);
    assert!(done(&kv, &school, &held).await.expect("recorded").known, "the same again");
    let moved = asked(Act::Move, 3, Some(date(2026, 9, 30)));
    let made = done(&kv, &school, &moved).await.expect("recorded");
    assert_eq!(
        (made.session.stand, made.session.moved_to),
        (Stand::Moved, Some(date(2026, 9, 30)))
    );
    // Today, where no day is said.
    let made = done(&kv, &school, &asked(Act::Held, 3, None)).await.expect("recorded");
    assert_eq!(made.session.held, Some(date(2026, 9, 23)));
    let all = [(1, Stand::Held), (2, Stand::Planned), (3, Stand::Held)];
    assert_eq!(stands(&kv, &school).await, all);
    let undo = asked(Act::Undo, 3, None);
    assert_eq!(done(&kv, &school, &undo).await.expect("undone").session.stand, Stand::Moved);
    assert_eq!(done(&kv, &school, &undo).await.expect("undone").session.stand, Stand::Planned);
    let why = done(&kv, &school, &undo).await.expect_err("nothing left");
    assert_eq!(why, "nothing is recorded of it");
    done(&kv, &school, &asked(Act::Undo, 1, None)).await.expect("undone");
    assert_eq!(stands(&kv, &school).await, open);
    let rows = kv.scan(tables::SESSIONS, &after_prefix(tables::SESSIONS), 9).await.expect("rows");
    assert!(rows.is_empty(), "of what is taken back no row stays");
    let acts = tables::OPERATOR_ACTS;
    let lines = kv.scan(acts, &after_prefix(acts), 99).await.expect("rows");
    let lines: Vec<OperatorAct> =
        lines.iter().map(|(_, value)| ledger::decode(value).expect("a line")).collect();
    let scope = "programme:s/2026-autumn/7tjugo/4A/3";
    assert!(lines.iter().any(|line| line.scope == scope && line.by == "uid 7"), "{lines:?}");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_in_words() {
    let (kv, school) = (MemoryStore::default(), usual());
    done(&kv, &school, &asked(Act::Held, 2, None)).await.expect("recorded");
    let on = |act, session, month, day| asked(act, session, Some(date(2026, month, day)));
    for (one, words) in [
        (on(Act::Held, 1, 9, 24), "2026-09-24 is to come"),
        (on(Act::Held, 1, 8, 1), "is in no term"),
        (asked(Act::Move, 1, None), "--to"),
        (on(Act::Move, 1, 9, 22), "2026-09-22 is past"),
        (on(Act::Move, 1, 10, 27), "there is no school on 2026-10-27"),
        (on(Act::Move, 1, 9, 26), "there is no school on 2026-09-26"),
        (on(Act::Move, 2, 9, 30), "it was held on 2026-09-23"),
        (asked(Act::Held, 9, None), "it has: 7tjugo 1, 7tjugo 2, 7tjugo 3"),
        (Asked { class: "4C".into(), ..asked(Act::Held, 1, None) }, "it is run in: 4A, 4B"),
        (Asked { class: "9A".into(), ..asked(Act::Held, 1, None) }, "it is run in: 4A, 4B"),
        (Asked { class: " ".into(), ..asked(Act::Held, 1, None) }, "1 to 128 bytes"),
        (Asked { programme: Some("other".into()), ..asked(Act::Held, 1, None) }, "no such session"),
        (
            Asked {
                term: TermName::try_from("2030-spring".to_owned()).ok(),
                ..asked(Act::Undo, 1, None)
            },
            "has no term 2030-spring",
        ),
    ] {
        let why = done(&kv, &school, &one).await.expect_err(words);
        assert!(why.contains(words), "{words} is not in {why}");
    }
    let none = School { programmes: ProgrammeRules::default(), ..school.clone() };
    let why = done(&kv, &none, &asked(Act::Held, 1, None)).await.expect_err("none is run");
    assert!(why.contains("runs no programme"), "{why}");
    let other = Programme { id: "other".into(), ..programme(&[4], &[4]) };
    let two = self::school(vec![programme(&[4], &[4, 5, 6]), other]);
    let why = done(&kv, &two, &asked(Act::Held, 1, None)).await.expect_err("which");
    assert!(why.contains("--programme 7tjugo or --programme other"), "{why}");
    let named = Asked { programme: Some("other".into()), ..asked(Act::Held, 1, None) };
    assert_eq!(done(&kv, &two, &named).await.expect("recorded").programme, "other");
}

#[tokio::test]
async fn without_a_directory_a_class_is_taken_as_it_is_named() {
    let (kv, school) = (MemoryStore::default(), usual());
    let asked = Asked { class: "4X".into(), ..asked(Act::Held, 1, None) };
    let made = record(&kv, (&school, &Roster::default()), &asked, "uid 0", now()).await;
    assert!(made.expect("recorded").class_unseen);
}
