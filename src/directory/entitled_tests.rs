//! Tables of who may be told.

use jiff::civil::date;

use super::*;
use crate::directory::{GuardianLink, Period};
use crate::model::{PupilId, SchoolId};

pub(super) fn school() -> School {
    crate::directory::testing::settings()
}

fn guardian(id: &str, phone: Option<&str>, email: Option<&str>) -> Guardian {
    Guardian {
        id: GuardianId::new(id).expect("id"),
        name: None,
        phone: phone.map(|p| Phone::new(p).expect("phone")),
        phone_is_mobile: true,
        email: email.map(|e| EmailAddress::new(e).expect("email")),
        channel: None,
        language: None,
        household: None,
    }
}

fn link(id: &str, may_receive: bool, deny: bool) -> GuardianLink {
    GuardianLink::of(GuardianId::new(id).expect("id"), may_receive, deny)
}

fn pupil(links: Vec<GuardianLink>) -> Pupil {
    Pupil {
        id: PupilId::new("p").expect("id"),
        school: SchoolId::new("s").expect("id"),
        class: None,
        given_name: "Alva".into(),
        family_name: None,
        birth_date: Some(date(2013, 5, 4)),
        protection: Protection::None,
        mentor: None,
        phone: Some(Phone::new("+46701740699").expect("phone")),
        phone_is_mobile: true,
        email: None,
        channel: None,
        language: None,
        groups: Vec::new(),
        year: None,
        home_municipality: None,
        flagged: false,
        guardians: links,
    }
}

fn roster() -> Roster {
    let mut roster = Roster::default();
    for g in [
        guardian("g1", Some("+46701740605"), Some("a@example.se")),
        guardian("g2", Some("+46701740606"), None),
        guardian("same", Some("+46701740605"), None),
        guardian("none", None, None),
        Guardian { phone_is_mobile: false, ..guardian("land", Some("+46701740607"), None) },
        Guardian {
            channel: Some(Channel::Email),
            ..guardian("mail", Some("+46701740608"), Some("m@example.se"))
        },
    ] {
        roster.guardians.insert(g.id.clone(), g);
    }
    roster
}

const TODAY: Date = date(2026, 11, 23);

fn told(pupil: &Pupil) -> Vec<String> {
    match recipients(&school(), pupil, &roster(), TODAY, &Known::default()) {
        Entitled::Nobody(reason) => vec![format!("nobody: {reason}")],
        Entitled::Adult(c) => vec![format!("adult: {}", c[0].contact.is_ok())],
        Entitled::Guardians { candidates, refused } => candidates
            .iter()
            .map(|c| {
                let via = match &c.contact {
                    Ok(list) => list[0].channel().as_str().to_owned(),
                    Err(reason) => reason.as_str(),
                };
                format!("{} {via}", c.recipient.key())
            })
            .chain(refused.iter().map(|(id, reason)| format!("not {id}: {reason}")))
            .collect(),
    }
}

#[test]
fn protection_and_age_come_first() {
    let links = vec![link("g1", true, false)];
    let protected = Pupil { protection: Protection::Protected, ..pupil(links.clone()) };
    assert_eq!(told(&protected), ["nobody: protected"]);
    let unknown = Pupil { protection: Protection::Unknown, ..pupil(links.clone()) };
    assert_eq!(told(&unknown), ["nobody: protection-unknown"]);
    assert_eq!(told(&Pupil { birth_date: None, ..pupil(links.clone()) }), ["nobody: age-unknown"]);
    let adult = Pupil { birth_date: Some(date(2008, 11, 23)), ..pupil(links.clone()) };
    assert_eq!(told(&adult), ["adult: true"]);
    let day_before = Pupil { birth_date: Some(date(2008, 11, 24)), ..pupil(links) };
    assert_eq!(told(&day_before), ["guardian:g1 sms"]);
}

#[test]
fn denial_wins_over_everything() {
    assert_eq!(told(&pupil(vec![link("g1", true, true)])), ["nobody: no-entitled-guardian"]);
    assert_eq!(
        told(&pupil(vec![
            link("g1", true, false),
            link("g2", true, false),
            link("g1", true, true)
        ])),
        ["guardian:g2 sms", "not g1: not-entitled"]
    );
    // The number of a denied guardian is not used through somebody else either.
    assert_eq!(
        told(&pupil(vec![link("same", true, false), link("g1", false, true)])),
        ["guardian:same no-contact", "not g1: not-entitled"]
    );
    assert_eq!(told(&pupil(vec![link("g1", false, false)])), ["nobody: no-entitled-guardian"]);
    assert_eq!(told(&pupil(vec![link("gone", true, false)])), ["nobody: no-entitled-guardian"]);
}

#[test]
fn guardians_are_told_on_their_days_alone() {
    let days = |from: Option<Date>, to: Option<Date>| Period { from, to };
    let (before, after) = (date(2026, 11, 22), date(2026, 11, 24));
    let told_with = |receives: Period, deny: bool, denied: Period| {
        told(&pupil(vec![GuardianLink { deny, receives, denied, ..link("g1", true, false) }]))
    };
    let (open, closed) = (["guardian:g1 sms"], ["nobody: no-entitled-guardian"]);
    let always = Period::default();
    for (receives, deny, denied, expected) in [
        (days(Some(TODAY), Some(TODAY)), false, always, open),
        (days(Some(before), None), false, always, open),
        (days(Some(after), None), false, always, closed),
        (days(None, Some(before)), false, always, closed),
        (always, true, always, closed),
        (always, true, days(None, Some(TODAY)), closed),
        (always, true, days(Some(TODAY), None), closed),
        (always, true, days(None, Some(before)), open),
        (always, true, days(Some(after), None), open),
        (days(None, Some(before)), true, days(None, Some(before)), closed),
    ] {
        assert_eq!(told_with(receives, deny, denied), expected, "{receives:?} {deny} {denied:?}");
    }
}

#[test]
fn channels_and_shared_numbers() {
    assert_eq!(
        told(&pupil(vec![
            link("g1", true, false),
            link("same", true, false),
            link("mail", true, false),
            link("none", true, false),
            link("land", true, false),
        ])),
        [
            "guardian:g1 sms",
            "guardian:mail email",
            "guardian:none no-contact",
            "guardian:land no-contact",
            "not same: already-told",
        ]
    );
}

/// Each candidate with the channels left to it, in order.
fn ways(guardians: &[Guardian]) -> Vec<String> {
    let links = guardians.iter().map(|g| link(g.id.as_str(), true, false)).collect();
    let mut roster = Roster::default();
    roster.guardians.extend(guardians.iter().map(|g| (g.id.clone(), g.clone())));
    match recipients(&school(), &pupil(links), &roster, TODAY, &Known::default()) {
        Entitled::Guardians { candidates, refused } => candidates
            .iter()
            .map(|c| {
                let list = c.contact.iter().flatten().map(|a| a.channel().as_str());
                format!("{} {}", c.recipient.key(), list.collect::<Vec<_>>().join(", "))
            })
            .chain(refused.iter().map(|(id, reason)| format!("not {id}: {reason}")))
            .collect(),
        other => vec![format!("{other:?}")],
    }
}

const ONE: Option<&str> = Some("+46701740605");
const TWO: Option<&str> = Some("+46701740606");
const FAMILY: Option<&str> = Some("family@example.se");
const OWN: Option<&str> = Some("own@example.se");

#[test]
fn a_spare_address_tells_nobody_else() {
    // The mother is texted, so the family's mail is the only thing that tells the father.
    assert_eq!(
        ways(&[guardian("m", ONE, FAMILY), guardian("f", None, FAMILY)]),
        ["guardian:m sms", "guardian:f email"]
    );
    assert_eq!(
        ways(&[guardian("f", None, FAMILY), guardian("m", ONE, FAMILY)]),
        ["guardian:f email", "guardian:m sms"]
    );
    // A shared number does not silence somebody with an address of their own.
    assert_eq!(
        ways(&[guardian("m", ONE, None), guardian("f", ONE, OWN)]),
        ["guardian:m sms", "guardian:f email"]
    );
}

#[test]
fn falling_back_tells_no_number_twice() {
    let mail = Guardian { channel: Some(Channel::Email), ..guardian("f", ONE, OWN) };
    assert_eq!(ways(&[guardian("m", ONE, None), mail]), ["guardian:m sms", "guardian:f email"]);
    assert_eq!(
        ways(&[guardian("m", ONE, FAMILY), guardian("f", TWO, FAMILY)]),
        ["guardian:m sms, email", "guardian:f sms"]
    );
    assert_eq!(
        ways(&[guardian("m", None, FAMILY), guardian("f", None, FAMILY)]),
        ["guardian:m email", "not f: already-told"]
    );
}

#[test]
fn an_adult_is_not_told_at_a_guardians_address() {
    let of_age = |phone: &str| Pupil {
        birth_date: Some(date(2008, 11, 23)),
        phone: Some(Phone::new(phone).expect("phone")),
        ..pupil(vec![link("g1", false, false), link("land", true, true)])
    };
    assert_eq!(told(&of_age("+46701740699")), ["adult: true"]);
    assert_eq!(told(&of_age("+46701740605")), ["adult: false"]);
    assert_eq!(told(&of_age("+46701740607")), ["adult: false"]);
    let own_mail = Pupil {
        email: Some(EmailAddress::new("p@example.se").expect("email")),
        ..of_age("+46701740605")
    };
    assert_eq!(told(&own_mail), ["adult: true"]);
}

#[test]
fn leap_day_birthdays() {
    let born = date(2008, 2, 29);
    for (today, of_age) in [
        (date(2026, 2, 28), false),
        (date(2026, 3, 1), true),
        (date(2026, 2, 27), false),
        (date(2027, 1, 1), true),
    ] {
        assert_eq!(is_of_age(born, today), of_age, "{today}");
    }
    assert!(is_of_age(date(2008, 11, 23), date(2026, 11, 23)));
    assert!(!is_of_age(date(2008, 11, 24), date(2026, 11, 23)));
}

#[test]
fn who_is_told_something_of_a_ladder_goes_by_the_role_and_the_pupil() {
    let school = School { team_email: EmailAddress::new("team@example.se").ok(), ..school() };
    let mut roster = roster();
    let staff = |id: &str, role, at: Option<&str>| crate::directory::Staff {
        id: StaffId::new(id).expect("id"),
        school: None,
        role,
        municipality: at.map(Into::into),
        name: None,
        email: EmailAddress::new(format!("{id}@example.se")).ok(),
        phone: None,
    };
    for one in [
        staff("m", StaffRole::Mentor, None),
        staff("r", StaffRole::Principal, None),
        staff("solna", StaffRole::HomeMunicipality, Some("0184")),
        staff("nacka", StaffRole::HomeMunicipality, Some("0182")),
    ] {
        roster.staff.insert(one.id.clone(), one);
    }
    let open = Pupil { mentor: StaffId::new("m").ok(), ..pupil(Vec::new()) };
    let from = |code: &str| Pupil { home_municipality: Some(code.into()), ..open.clone() };
    let no_mentor = Pupil { mentor: StaffId::new("gone").ok(), ..open.clone() };
    let mentor = Recipient::Member(StaffId::new("m").expect("id"));
    let role = Recipient::Staff;
    let (team, head) = (role(StaffRole::AttendanceTeam), role(StaffRole::Principal));
    let home = role(StaffRole::HomeMunicipality);
    for (pupil, hidden, asked, expected) in [
        (Some(&open), false, StaffRole::Mentor, Some((&mentor, false))),
        (Some(&no_mentor), false, StaffRole::Mentor, Some((&team, true))),
        (Some(&open), false, StaffRole::StudentHealthTeam, Some((&team, true))),
        (Some(&open), false, StaffRole::AttendanceTeam, Some((&team, false))),
        (Some(&open), false, StaffRole::Principal, Some((&head, false))),
        // Who lives here has no other municipality, and of another one nobody need be registered.
        (Some(&open), false, StaffRole::HomeMunicipality, None),
        (Some(&from("0182")), false, StaffRole::HomeMunicipality, Some((&home, false))),
        (Some(&from("0186")), false, StaffRole::HomeMunicipality, Some((&team, true))),
        // Of somebody hidden, or not known at all, the principal alone.
        (Some(&open), true, StaffRole::Mentor, Some((&head, false))),
        (Some(&from("0182")), true, StaffRole::HomeMunicipality, Some((&head, false))),
        (None, false, StaffRole::AttendanceTeam, Some((&head, false))),
    ] {
        let found = in_role(&school, pupil, &roster, hidden, asked);
        let found = found.as_ref().map(|found| (&found.recipient, found.instead));
        assert_eq!(found, expected, "{asked:?} {hidden}");
    }
    let mail = super::staff(&school, Some(&from("0182")), &roster, StaffRole::HomeMunicipality);
    assert_eq!(mail, EmailAddress::new("nacka@example.se").ok());
}
