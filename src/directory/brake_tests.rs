//! Tables of loads that are taken and held back.

use proptest::prelude::*;

use super::*;
use crate::directory::testing::{any_roster, pupil, roster, school};

fn pupils_of(at: &str, n: usize) -> Vec<Pupil> {
    (0..n).map(|i| pupil(at, &format!("{at}{i}"))).collect()
}

fn loaded(roster: Roster) -> Loaded {
    Loaded::new(roster, Vec::new(), true)
}

fn judged(old: &Roster, new: Roster) -> Vec<String> {
    match judge(old, &loaded(new), &BrakeRules::default(), None) {
        Ok(_) => Vec::new(),
        Err(refusal) => refusal.causes,
    }
}

/// The first so many pupils of 40 are marked.
fn marked(n: usize, protection: Protection) -> Vec<Pupil> {
    let mut pupils = pupils_of("a", 40);
    pupils.iter_mut().take(n).for_each(|p| p.protection = protection);
    pupils
}

#[test]
fn drops_are_held_back() {
    let both = |a: usize, b: usize| roster([pupils_of("a", a), pupils_of("b", b)].concat());
    for (old, new, places) in [
        ((100, 20), (100, 20), vec![]),
        ((100, 20), (200, 40), vec![]),
        // A fifth may go, of all and of each school.
        ((100, 20), (80, 16), vec![]),
        ((100, 20), (100, 15), vec!["at b"]),
        ((100, 20), (75, 20), vec!["in all", "at a"]),
        ((100, 20), (75, 15), vec!["in all", "at a", "at b"]),
        ((100, 20), (100, 0), vec!["at b"]),
        // A small school is judged within the whole only.
        ((100, 9), (100, 0), vec![]),
        ((3, 0), (2, 0), vec!["in all"]),
        ((0, 0), (5, 5), vec![]),
    ] {
        let told = judged(&both(old.0, old.1), both(new.0, new.1));
        // Each pupil who is gone takes a guardian along.
        for what in ["pupils are gone", "guardians can no longer be told"] {
            let mut causes = told.iter().filter(|t| t.contains(what));
            for place in &places {
                let cause = causes.next().unwrap_or_else(|| panic!("{old:?} {new:?} {told:?}"));
                assert!(cause.contains(&format!("{what} {place} (")), "{cause}");
            }
            assert_eq!(causes.next(), None, "{old:?} {new:?}");
        }
        assert_eq!(told.len(), 2 * places.len(), "{told:?}");
    }
}

#[test]
fn new_ids_for_everybody_are_held_back() {
    let renamed = roster((0..20).map(|i| pupil("a", &format!("new{i}"))));
    assert!(!judged(&roster(pupils_of("a", 20)), renamed).is_empty());
}

#[test]
fn contacts_that_vanish_are_held_back() {
    let old = roster(pupils_of("a", 20));
    let cases: [fn(&mut Roster); 4] = [
        |r| r.guardians.values_mut().take(5).for_each(|g| g.phone = None),
        |r| r.guardians.values_mut().take(5).for_each(|g| g.phone_is_mobile = false),
        |r| {
            let pupils = r.pupils.values_mut().flat_map(BTreeMap::values_mut);
            pupils.take(5).for_each(|p| p.guardians[0].may_receive = false);
        },
        |r| {
            let pupils = r.pupils.values_mut().flat_map(BTreeMap::values_mut);
            pupils.take(5).for_each(|p| p.guardians[0].deny = true);
        },
    ];
    for (at, case) in cases.into_iter().enumerate() {
        let mut new = old.clone();
        case(&mut new);
        let told = judged(&old, new);
        assert_eq!(told.len(), if at == 3 { 3 } else { 2 }, "{at} {told:?}");
        assert_eq!(told[0], "5 of 20 guardians can no longer be told in all (25 %, at most 20 %)");
        assert!(told[1].contains("at a"));
    }
    let mut four = old.clone();
    four.guardians.values_mut().take(4).for_each(|g| g.phone = None);
    assert_eq!(judged(&old, four), Vec::<String>::new());
}

#[test]
fn lost_marks_are_held_back() {
    for (before, after, taken) in [
        (1, 1, true),
        (1, 0, false),
        (2, 1, true),
        (2, 0, false),
        (10, 5, true),
        (10, 4, false),
        (20, 15, true),
        (20, 14, false),
        (0, 10, true),
    ] {
        let old = roster(marked(before, Protection::Protected));
        let told = judged(&old, roster(marked(after, Protection::Protected)));
        assert_eq!(told.is_empty(), taken, "{before} {after} {told:?}");
    }
    // A protected pupil who is gone, or of unknown protection, is not exposed.
    let old = roster(marked(4, Protection::Protected));
    assert!(judged(&old, roster(marked(4, Protection::Unknown))).is_empty());
    assert!(judged(&old, roster(marked(4, Protection::None).split_off(4))).is_empty());
}

#[test]
fn lost_denials_are_held_back() {
    let denied = |n: usize, deny: bool| {
        let mut roster = roster(pupils_of("a", 40));
        let pupils = roster.pupils.values_mut().flat_map(BTreeMap::values_mut);
        pupils.take(n).for_each(|p| p.guardians[0].deny = deny);
        roster
    };
    for (before, after, taken) in
        [(1, 1, true), (1, 0, false), (2, 1, true), (4, 1, false), (12, 7, true), (12, 6, false)]
    {
        let told = judged(&denied(before, true), denied(after, true));
        assert_eq!(told.is_empty(), taken, "{before} {after} {told:?}");
    }
    // Gone, or not entitled for another reason: nobody is told who was not.
    let mut gone = denied(4, false);
    let pupils = gone.pupils.values_mut().flat_map(BTreeMap::values_mut);
    pupils.take(4).for_each(|p| p.guardians[0].may_receive = false);
    assert!(judged(&denied(4, true), gone).is_empty());
}

#[test]
fn temporary_guardians_who_become_permanent_are_held_back() {
    let ending = |n: usize| {
        let mut roster = roster(pupils_of("a", 40));
        let pupils = roster.pupils.values_mut().flat_map(BTreeMap::values_mut);
        for pupil in pupils.take(n) {
            pupil.guardians[0].receives.to = Some(jiff::civil::date(2026, 12, 1));
        }
        roster
    };
    for (before, after, taken) in
        [(0, 4, true), (1, 1, true), (1, 0, false), (4, 2, true), (4, 1, false), (12, 6, false)]
    {
        let told = judged(&ending(before), ending(after));
        assert_eq!(told.is_empty(), taken, "{before} {after} {told:?}");
    }
}

#[test]
fn staff_who_are_gone_are_held_back() {
    use crate::directory::Staff;
    use crate::model::{EmailAddress, StaffRole};
    let with = |n: usize| {
        let mut roster = roster(pupils_of("a", 20));
        for i in 0..n {
            let id = StaffId::new(format!("t{i}")).expect("id");
            let email = EmailAddress::new(format!("t{i}@example.se")).ok();
            let role = StaffRole::Mentor;
            let (school, name, phone, municipality) = (None, None, None, None);
            let row = Staff { id: id.clone(), school, role, municipality, name, email, phone };
            roster.staff.insert(id, row);
        }
        roster
    };
    assert!(judged(&with(10), with(8)).is_empty());
    assert_eq!(judged(&with(10), with(7)), ["3 of 10 addresses of staff are gone"]);
    assert_eq!(judged(&with(1), with(0)), ["1 of 1 addresses of staff are gone"]);
    assert!(judged(&with(0), with(3)).is_empty());
}

#[test]
fn a_load_held_back_says_whom_it_would_have_hidden() {
    let old = roster(marked(0, Protection::None));
    let mut new = roster(marked(2, Protection::Protected));
    let pupils = new.pupils.values_mut().flat_map(BTreeMap::values_mut);
    pupils.skip(2).take(9).for_each(|p| p.guardians[0].deny = true);
    let told = judged(&old, new);
    let last = told.last().expect("held back");
    assert!(last.contains("2 pupils whom it protects and 9 guardians whom it denies"), "{last}");
}

#[test]
fn a_lost_column_is_held_back() {
    let old = roster(pupils_of("a", 5));
    let unknown = || {
        let pupils = pupils_of("a", 5).into_iter();
        roster(pupils.map(|p| Pupil { protection: Protection::Unknown, ..p }))
    };
    let new = Loaded { had_protection_column: false, ..loaded(unknown()) };
    let refusal = judge(&old, &new, &BrakeRules::default(), None).expect_err("held back");
    assert!(refusal.causes[0].starts_with("the column protection is gone"));
    assert!(judge(&unknown(), &new, &BrakeRules::default(), None).is_ok());
    assert!(judge(&Roster::default(), &new, &BrakeRules::default(), None).is_ok());
    // The column is there, and suddenly holds nothing.
    let told = judged(&old, unknown());
    assert_eq!(told, ["5 of 5 pupils are of unknown protection in all, 0 of 5 before"]);
}

#[test]
fn a_confirmation_lets_one_content_through() {
    let old = roster(pupils_of("a", 20));
    let (new, other) = (loaded(roster(pupils_of("a", 5))), loaded(roster(pupils_of("a", 4))));
    let rules = BrakeRules::default();
    let refusal = judge(&old, &new, &rules, None).expect_err("held back");
    assert_eq!(refusal.digest, new.digest);
    assert!(judge(&old, &other, &rules, Some(&refusal.digest)).is_err());
    let change = judge(&old, &new, &rules, Some(&refusal.digest)).expect("confirmed");
    assert_eq!(change, Change { removed: 30, pupils: 5, guardians: 5, ..Change::default() });
    let open = BrakeRules { max_drop_pupils: 1.0, max_drop_contacts: 1.0 };
    assert!(judge(&old, &new, &open, None).is_ok());
}

#[test]
fn changes_are_counted() {
    let old = roster(pupils_of("a", 20));
    let mut new = roster(pupils_of("a", 21));
    let pupil = new.pupils.get_mut(&school("a")).and_then(|s| s.values_mut().next());
    pupil.expect("a pupil").given_name = "Åke".into();
    new.guardians.pop_last();
    let change = judge(&old, &loaded(new), &BrakeRules::default(), None).expect("taken");
    assert_eq!((change.added, change.changed), (2, 1), "{change:?}");
    assert_eq!((change.removed, change.pupils, change.guardians), (1, 21, 20), "{change:?}");
}

proptest! {
    #[test]
    fn the_same_again_is_never_held_back(roster in any_roster()) {
        let change = judge(&roster, &loaded(roster.clone()), &BrakeRules::default(), None);
        let change = change.expect("the same");
        prop_assert_eq!((change.added, change.removed, change.changed), (0, 0, 0));
    }

    #[test]
    fn the_first_is_never_held_back(roster in any_roster(), had: bool) {
        let new = Loaded { had_protection_column: had, ..loaded(roster) };
        prop_assert!(judge(&Roster::default(), &new, &BrakeRules::default(), None).is_ok());
    }
}
