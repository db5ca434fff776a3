//! Tables of findings.

use jiff::civil::date;
use jiff::{SignedDuration, tz::TimeZone};

use super::*;
use crate::directory::testing::{guardian, pupil, roster, school};
use crate::directory::{Mode, Staff, SubjectIdentity};
use crate::model::{EmailAddress, Locale, StaffId};

const TODAY: Date = date(2026, 11, 23);

fn settings(id: &str) -> School {
    School {
        id: school(id),
        name: "Björkskolan".into(),
        mode: Mode::Live,
        gone_live: None,
        zone: TimeZone::get("Europe/Stockholm").expect("zone"),
        locale: Locale::swedish(),
        team_email: EmailAddress::new("team@example.se").ok(),
        phone: "070-174 06 05".into(),
        sender_id: "Bjorkskolan".into(),
        grace: SignedDuration::ZERO,
        correction_settle: SignedDuration::ZERO,
        guests: BTreeSet::new(),
        quiet_hours: None,
        stale_after: SignedDuration::from_hours(24),
        sms_provider: None,
        sms_rate: None,
        operations_email: None,
        registers: crate::directory::RegisterRules::default(),
        daily: crate::directory::DailyLists::default(),
        time: crate::directory::TimeRules::default(),
        subject_identity: SubjectIdentity::None,
        volume: crate::directory::VolumeRules::off(),
        fatigue: crate::directory::Fatigue::default(),
        max_parts: 3,
        languages: crate::directory::LanguageRules::default(),
        calendar: None,
        mutes_marking_guardian: false,
        people: crate::directory::PeopleRules::default(),
        ladders: crate::directory::LadderRules::default(),
        programmes: crate::directory::ProgrammeRules::default(),
    }
}

fn staff(id: &str, role: StaffRole, email: Option<&str>) -> Staff {
    Staff {
        id: StaffId::new(id).expect("id"),
        school: None,
        role,
        municipality: None,
        name: None,
        email: email.and_then(|e| EmailAddress::new(e).ok()),
        phone: None,
    }
}

fn found(roster: &Roster) -> Vec<(FindingKind, Vec<String>)> {
    let schools = [(school("a"), settings("a"))].into();
    audit(roster, &schools, TODAY)
        .into_iter()
        .map(|f| (f.kind, f.pupils.iter().map(ToString::to_string).collect()))
        .collect()
}

fn of(kind: FindingKind) -> Vec<(FindingKind, Vec<String>)> {
    vec![(kind, vec!["p".to_owned()])]
}

#[test]
fn a_good_roster_has_no_findings() {
    assert_eq!(found(&roster([pupil("a", "p"), pupil("a", "q")])), []);
    assert_eq!(report(&[]), "Nothing to put right.\n");
}

#[test]
fn pupils_nobody_can_be_told_about() {
    let changes: [fn(&mut Pupil, &mut Guardian); 4] = [
        |p, _| p.guardians.clear(),
        |p, _| p.guardians[0].may_receive = false,
        |p, _| p.guardians[0].deny = true,
        |_, g| g.phone = None,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut pupil = pupil("a", "p");
        let mut roster = roster([pupil.clone()]);
        let guardian = roster.guardians.values_mut().next().expect("one");
        change(&mut pupil, guardian);
        for (protection, expected) in [
            (Protection::None, of(FindingKind::Unreachable)),
            // Nobody is to be told about this one.
            (Protection::Protected, vec![]),
        ] {
            pupil.protection = protection;
            let one = roster.pupils.get_mut(&pupil.school).expect("school");
            one.insert(pupil.id.clone(), pupil.clone());
            assert_eq!(found(&roster), expected, "{at}");
        }
    }
}

#[test]
fn what_the_pupil_s_row_lacks() {
    let base = || pupil("a", "p");
    let mut adult = Pupil { birth_date: Some(date(2008, 11, 23)), ..base() };
    adult.phone = guardian("x", 699).phone;
    for (pupil, kinds) in [
        (Pupil { protection: Protection::Unknown, ..base() }, vec![FindingKind::ProtectionUnknown]),
        (Pupil { birth_date: None, ..base() }, vec![FindingKind::BirthDateMissing]),
        (adult.clone(), vec![FindingKind::OfAgeWithGuardians]),
        (Pupil { guardians: vec![], ..adult.clone() }, vec![]),
        (Pupil { guardians: vec![], phone: None, ..adult.clone() }, vec![FindingKind::Unreachable]),
        (
            Pupil { phone_is_mobile: false, ..adult },
            vec![FindingKind::Unreachable, FindingKind::OfAgeWithGuardians],
        ),
    ] {
        let told: Vec<_> = found(&roster([pupil])).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(told, kinds);
    }
}

#[test]
fn numbers_that_take_no_texts() {
    let mut roster = roster([pupil("a", "p"), pupil("a", "q")]);
    let land = roster.guardians.values_mut().next().expect("one");
    land.phone_is_mobile = false;
    land.email = EmailAddress::new("a@example.se").ok();
    assert_eq!(found(&roster), of(FindingKind::NotMobile));
}

#[test]
fn one_number_on_many_pupils() {
    let same = |n: usize| {
        let mut roster = roster((0..n).map(|i| pupil("a", &format!("p{i}"))));
        roster.guardians.values_mut().for_each(|g| g.phone = guardian("x", 699).phone);
        roster
    };
    assert_eq!(found(&same(4)), []);
    let told = found(&same(5));
    assert_eq!((told[0].0, told[0].1.len(), told.len()), (FindingKind::SharedNumber, 5, 1));
}

#[test]
fn classes_and_teams() {
    let member = |class: &str, id: &str, mentor: Option<&str>| Pupil {
        class: Some(class.into()),
        mentor: mentor.map(|m| StaffId::new(m).expect("id")),
        ..pupil("a", id)
    };
    let mut roster = roster([
        member("7A", "p1", None),
        member("7A", "p2", Some("m")),
        member("7B", "p3", Some("gone")),
        member("7B", "p4", Some("mute")),
    ]);
    for member in [
        staff("m", StaffRole::Mentor, Some("m@example.se")),
        staff("mute", StaffRole::Mentor, None),
    ] {
        roster.staff.insert(member.id.clone(), member);
    }
    let told = found(&roster);
    assert_eq!(told, [(FindingKind::ClassWithoutMentor, vec!["p3".to_owned(), "p4".to_owned()])]);
    let without = School { team_email: None, ..settings("a") };
    let schools: BTreeMap<_, _> = [(school("a"), without)].into();
    let kinds = |r: &Roster| audit(r, &schools, TODAY).iter().map(|f| f.kind).collect::<Vec<_>>();
    let wanted = [FindingKind::ClassWithoutMentor, FindingKind::NoTeamAddress];
    assert_eq!(kinds(&roster), wanted);
    let team = staff("team", StaffRole::AttendanceTeam, Some("team@example.se"));
    roster.staff.insert(team.id.clone(), team);
    assert_eq!(kinds(&roster), wanted[..1]);
}

#[test]
fn a_report_counts_first_and_lists_ten() {
    let many = (0..12).map(|i| Pupil { birth_date: None, ..pupil("a", &format!("p{i:02}")) });
    let mut roster = roster(many);
    let one = Pupil { class: Some("7A".into()), ..pupil("a", "q") };
    roster.guardians.insert(one.guardians[0].guardian.clone(), guardian("g-q", 699));
    roster.pupils.get_mut(&school("a")).expect("school").insert(one.id.clone(), one);
    let schools = [(school("a"), School { team_email: None, ..settings("a") })].into();
    assert_eq!(
        report(&audit(&roster, &schools, TODAY)),
        "    12 pupils   no date of birth
     1 pupil    class without mentor
     1 school   no attendance team address

a, no date of birth
  export the date of birth
  p00, p01, p02, p03, p04, p05, p06, p07, p08, p09 and 2 more

a, class without mentor, class 7A
  set mentors with an address for the class
  q

a, no attendance team address
  add a row of role attendance-team to staff, or the address to the configuration
"
    );
}

#[test]
fn a_second_inbox_of_the_team_is_told_of() {
    let team = |id: &str, at: Option<&str>, email| Staff {
        school: at.map(school),
        ..staff(id, StaffRole::AttendanceTeam, Some(email))
    };
    let found_with = |rows: Vec<Staff>| {
        let mut roster = roster([pupil("a", "p")]);
        roster.staff.extend(rows.into_iter().map(|s| (s.id.clone(), s)));
        found(&roster).iter().any(|(kind, _)| *kind == FindingKind::SeveralTeamAddresses)
    };
    let same = team("t1", Some("a"), "Team@example.se");
    assert!(!found_with(vec![same.clone()]));
    assert!(!found_with(vec![same.clone(), team("t2", None, "all@example.se")]));
    assert!(!found_with(vec![same.clone(), team("t2", Some("b"), "b@example.se")]));
    assert!(found_with(vec![same, team("t2", Some("a"), "anna@example.se")]));
    assert!(found_with(vec![team("t2", None, "all@example.se")]), "team-email is not used");
}

#[test]
fn civic_numbers_as_ids_are_found_and_not_shown() {
    let one = |id: &str| {
        let schools = [(school("a"), settings("a"))].into();
        let found = audit(&roster([pupil("a", id)]), &schools, TODAY);
        let civic = found.iter().find(|f| f.kind == FindingKind::CivicNumbers).cloned();
        civic.map(|finding| finding.pupils.len())
    };
    assert_eq!(one("196408233234"), Some(0));
    assert_eq!(one("4f6c0d1e"), None);
}
