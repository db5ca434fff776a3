//! Timelines of consents, agreements and homes.

use std::collections::BTreeMap;

use super::*;
use crate::directory::Homes;
use crate::model::{AccordAbout, AccordEnd, Period, Reports};

fn accord(about: AccordAbout, days: Period) -> Accord {
    let (school, pupil) = (SchoolId::new("s").expect("id"), PupilId::new("p").expect("id"));
    Accord {
        id: Accord::id_of((&school, &pupil), &about, &days),
        school,
        pupil,
        about,
        days,
        recorded_by: "the mentor".into(),
        by: "uid 0".into(),
        since: at("08:00"),
        ended: None,
    }
}

fn consent(guardian: &str) -> Accord {
    let id = GuardianId::new(guardian).expect("id");
    accord(AccordAbout::Guardian(id), Period::default())
}

fn agreement(days: Period) -> Accord {
    accord(AccordAbout::Number(Phone::new("+46701740690").expect("phone")), days)
}

fn adult() -> Bench {
    Bench::new(Protection::None, Some(date(2008, 11, 23)))
}

#[test]
fn an_adults_guardian_is_told_only_with_a_consent_that_holds() {
    let last = |day: i8| Period { from: None, to: Some(date(2026, 11, day)) };
    let ended = Some(AccordEnd { at: at("08:10"), by: "uid 0".into() });
    for (accords, told) in [
        (vec![], vec!["absence pupil"]),
        (vec![consent("g2")], vec!["absence pupil", "absence guardian:g2"]),
        (
            vec![Accord { days: last(23), ..consent("g2") }],
            vec!["absence pupil", "absence guardian:g2"],
        ),
        (vec![Accord { days: last(22), ..consent("g2") }], vec!["absence pupil"]),
        (vec![Accord { ended, ..consent("g2") }], vec!["absence pupil"]),
        (vec![consent("stranger")], vec!["absence pupil"]),
        (vec![agreement(Period::default())], vec!["absence pupil"]),
    ] {
        let mut b = adult();
        b.accords = accords;
        let done = b.mark("08:21", Mark::Unexcused);
        let made: Vec<&str> =
            done.iter().map(String::as_str).filter(|d| !d.starts_with("suppress")).collect();
        assert_eq!(made, told, "{:?}", b.accords);
    }
}

#[test]
fn denial_beats_consent() {
    let mut b = adult();
    b.accords = vec![consent("g2")];
    let pupils = b.roster.pupils.values_mut().flat_map(BTreeMap::values_mut);
    for pupil in pupils {
        pupil.guardians[1].deny = true;
    }
    let made = b.mark("08:21", Mark::Unexcused);
    assert!(made.iter().all(|line| !line.contains("guardian:g2")), "{made:?}");
}

fn protected() -> Bench {
    let mut b = Bench::new(Protection::Protected, Some(date(2013, 5, 4)));
    b.accords = vec![agreement(Period::default())];
    b.school.people.neutral_sender_id = Some("Kontakt".into());
    b
}

fn rings(b: &mut Bench) -> bool {
    let made = b.mark("08:21", Mark::Unexcused);
    assert!(
        made.iter().any(|line| line.starts_with("staff-task")),
        "the duty is beside it: {made:?}"
    );
    assert!(made.iter().all(|line| !line.starts_with("absence")), "{made:?}");
    made.iter().any(|line| line == "ask-to-ring agreed")
}

type Change<'a> = &'a dyn Fn(&mut Bench);

#[test]
fn a_protected_pupils_number_is_asked_to_ring_only_as_agreed() {
    assert!(rings(&mut protected()));
    let over = Period { from: None, to: Some(date(2026, 11, 22)) };
    let ended = Some(AccordEnd { at: at("08:10"), by: "uid 0".into() });
    let cases: [(&str, Change<'_>); 7] = [
        ("nothing agreed", &|b| b.accords.clear()),
        ("it is over", &|b| b.accords[0].days = over),
        ("it was ended", &|b| b.accords[0].ended.clone_from(&ended)),
        ("a consent is no agreement", &|b| b.accords = vec![consent("g1")]),
        ("no neutral sender", &|b| b.school.people.neutral_sender_id = None),
        ("rung already", &|b| b.rung = true),
        ("the number of a denied guardian", &|b| {
            let id = GuardianId::new("g1").expect("id");
            let of_denied = b.roster.guardians.get_mut(&id).expect("g1");
            of_denied.phone = Some(Phone::new("+46701740690").expect("phone"));
            let pupils = b.roster.pupils.values_mut().flat_map(BTreeMap::values_mut);
            pupils.for_each(|pupil| pupil.guardians[0].deny = true);
        }),
    ];
    for (why, change) in cases {
        let mut b = protected();
        change(&mut b);
        assert!(!rings(&mut b), "{why}");
    }
}

#[test]
fn unknown_protection_is_not_lifted_by_an_agreement() {
    let mut b = Bench::new(Protection::Unknown, Some(date(2013, 5, 4)));
    b.accords = vec![agreement(Period::default())];
    b.school.people.neutral_sender_id = Some("Kontakt".into());
    assert!(!rings(&mut b));
    // Nor what a source alone says.
    let mut b = Bench::new(Protection::None, Some(date(2013, 5, 4)));
    b.accords = vec![agreement(Period::default())];
    b.school.people.neutral_sender_id = Some("Kontakt".into());
    b.protected = true;
    assert!(!rings(&mut b));
}

#[test]
fn what_asks_to_ring_is_called_back_and_never_corrected() {
    let mut b = protected();
    assert!(rings(&mut b));
    let there = b.mark("08:22", Mark::Present);
    assert!(there.iter().any(|line| line == "cancel ask-to-ring agreed: present"), "{there:?}");
    let mut b = protected();
    assert!(rings(&mut b));
    b.send_all(State::Accepted);
    let there = b.mark("08:40", Mark::Present);
    assert!(there.iter().all(|line| !line.starts_with("correction")), "{there:?}");
    let again = b.mark("08:50", Mark::Unexcused);
    assert!(again.iter().all(|line| !line.starts_with("ask-to-ring")), "once a day: {again:?}");
}

#[test]
fn one_of_a_home_is_told_for_both_and_the_next_where_that_fails() {
    let mut b = Bench::minor();
    for guardian in b.roster.guardians.values_mut() {
        guardian.household = Some("north".into());
    }
    assert_eq!(b.mark("08:21", Mark::Unexcused).len(), 2, "separate is what is usual");
    let mut b = Bench { told: Vec::new(), ..b };
    b.school.people.homes = Homes::Merged;
    let told = b.mark("08:22", Mark::Unexcused);
    assert_eq!(told, ["absence guardian:g1", "suppress: home-told"]);
    b.send_all(State::Undelivered);
    let situation_told = b.mark("08:23", Mark::Unexcused);
    assert!(situation_told.contains(&"absence guardian:g2".to_owned()), "{situation_told:?}");
    // Two homes are told each.
    let mut b = Bench::minor();
    b.school.people.homes = Homes::Merged;
    for (home, guardian) in ["north", "south"].into_iter().zip(b.roster.guardians.values_mut()) {
        guardian.household = Some(home.into());
    }
    assert_eq!(b.mark("08:21", Mark::Unexcused), ["absence guardian:g1", "absence guardian:g2"]);
}

fn reports(how: Reports, to: Option<&str>) -> Accord {
    let to = to.map(|id| GuardianId::new(id).expect("id"));
    let days = Period { from: None, to: Some(date(2026, 12, 18)) };
    accord(AccordAbout::Reports { how, to }, days)
}

#[test]
fn who_is_phoned_first_is_not_written_to_and_the_team_hears_of_it_when_the_home_would() {
    let team = "team-alert staff:AttendanceTeam";
    for (to, told) in [
        (None, vec![team]),
        (Some("g2"), vec!["absence guardian:g1", team]),
        (Some("stranger"), vec!["absence guardian:g1", "absence guardian:g2", team]),
    ] {
        let mut b = Bench::minor();
        b.school.grace = SignedDuration::from_mins(5);
        b.accords = vec![reports(Reports::PhoneFirst, to)];
        let done = b.mark("08:21", Mark::Unexcused);
        let made: Vec<&str> =
            done.iter().map(String::as_str).filter(|d| !d.starts_with("suppress")).collect();
        assert_eq!(made, told, "{to:?}");
        let alert = b.told.iter().find(|n| n.purpose == Purpose::TeamAlert).expect("an alert");
        assert_eq!((alert.reason, alert.due_at), (Reason::PhoneFirst, at("08:26")), "{to:?}");
        b.now = at("09:20");
        let again = b.decide();
        assert!(again.iter().all(|line| line.starts_with("suppress")), "once: {again:?}");
        let back = b.mark("09:21", Mark::Present);
        assert!(back.iter().any(|line| *line == format!("cancel {team}: present")), "{back:?}");
    }
}

#[test]
fn what_waited_for_a_home_that_is_phoned_first_from_now_on_is_called_back() {
    let mut b = Bench::minor();
    b.mark("08:21", Mark::Unexcused);
    b.accords = vec![reports(Reports::PhoneFirst, None)];
    b.now = at("08:30");
    let done = b.decide();
    let called_back = done.iter().filter(|line| line.starts_with("cancel absence")).count();
    assert_eq!(called_back, 2, "{done:?}");
    b.accords[0].ended = Some(AccordEnd { at: at("08:31"), by: "uid 0".into() });
    b.now = at("08:31");
    let done = b.decide();
    assert_eq!(done.iter().filter(|line| line.starts_with("absence")).count(), 0, "{done:?}");
}

#[test]
fn the_other_agreements_change_nothing_of_the_first_notice() {
    for how in [Reports::EveryLesson, Reports::LineADay] {
        let mut b = Bench::minor();
        b.accords = vec![reports(how, None)];
        let told = ["absence guardian:g1", "absence guardian:g2"];
        assert_eq!(b.mark("08:21", Mark::Unexcused), told, "{how:?}");
    }
}

#[test]
fn a_protected_pupils_home_is_not_phoned_first_by_name() {
    let mut b = Bench::new(Protection::Protected, Some(date(2013, 5, 4)));
    b.accords = vec![reports(Reports::PhoneFirst, None)];
    let made = b.mark("08:21", Mark::Unexcused);
    assert!(made.iter().all(|line| !line.starts_with("team-alert")), "{made:?}");
    assert!(made.iter().any(|line| line.starts_with("staff-task protected")), "{made:?}");
}
