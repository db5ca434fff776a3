//! Rosters for the tests of this room.

use jiff::civil::date;
use proptest::prelude::*;

use super::{Guardian, GuardianLink, Protection, Pupil, Roster, Staff};
use crate::model::{
    Channel, EmailAddress, GuardianId, Locale, Phone, PupilId, SchoolId, StaffId, StaffRole,
};

/// A school's id.
pub fn school(id: &str) -> SchoolId {
    SchoolId::new(id).expect("id")
}

/// A pupil with one guardian, `g-` and the pupil's id, who may be told.
/// A live school with no team and no quiet hours.
pub fn settings() -> super::School {
    super::School {
        id: SchoolId::new("s").expect("id"),
        name: "Björkskolan".into(),
        mode: super::Mode::Live,
        gone_live: None,
        zone: jiff::tz::TimeZone::get("Europe/Stockholm").expect("zone"),
        locale: crate::model::Locale::swedish(),
        team_email: None,
        phone: "070-174 06 05".into(),
        sender_id: "Bjorkskolan".into(),
        grace: jiff::SignedDuration::ZERO,
        correction_settle: jiff::SignedDuration::ZERO,
        guests: std::collections::BTreeSet::new(),
        quiet_hours: None,
        stale_after: jiff::SignedDuration::from_hours(24),
        sms_provider: None,
        sms_rate: None,
        operations_email: None,
        registers: crate::directory::RegisterRules::default(),
        daily: crate::directory::DailyLists::default(),
        time: crate::directory::TimeRules::default(),
        subject_identity: super::SubjectIdentity::None,
        volume: super::VolumeRules::off(),
        fatigue: super::Fatigue::default(),
        max_parts: 3,
        languages: crate::directory::LanguageRules::default(),
        calendar: None,
        mutes_marking_guardian: false,
        people: crate::directory::PeopleRules::default(),
        ladders: crate::directory::LadderRules::default(),
        programmes: crate::directory::ProgrammeRules::default(),
    }
}

pub fn pupil(at: &str, id: &str) -> Pupil {
    Pupil {
        id: PupilId::new(id).expect("id"),
        school: school(at),
        class: None,
        given_name: "Alva".into(),
        family_name: None,
        birth_date: Some(date(2013, 5, 4)),
        protection: Protection::None,
        mentor: None,
        phone: None,
        phone_is_mobile: true,
        email: None,
        channel: None,
        language: None,
        groups: Vec::new(),
        year: None,
        home_municipality: None,
        flagged: false,
        guardians: vec![GuardianLink::of(
            GuardianId::new(format!("g-{id}")).expect("id"),
            true,
            false,
        )],
    }
}

/// A guardian with the fictional number that ends in `last`.
pub fn guardian(id: &str, last: u16) -> Guardian {
    Guardian {
        id: GuardianId::new(id).expect("id"),
        name: None,
        phone: Some(Phone::new(format!("+46701740{last}")).expect("phone")),
        phone_is_mobile: true,
        email: None,
        channel: None,
        language: None,
        household: None,
    }
}

/// These pupils, each with a guardian.
pub fn roster(pupils: impl IntoIterator<Item = Pupil>) -> Roster {
    let mut roster = Roster::default();
    for (last, pupil) in (605..).zip(pupils) {
        for link in &pupil.guardians {
            let person = guardian(link.guardian.as_str(), 605 + (last - 605) % 95);
            roster.guardians.insert(link.guardian.clone(), person);
        }
        let school = roster.pupils.entry(pupil.school.clone()).or_default();
        school.insert(pupil.id.clone(), pupil);
    }
    roster
}

prop_compose! {
    fn any_phone()(last in proptest::option::of(605..=699u16)) -> Option<Phone> {
        last.map(|last| Phone::new(format!("+46701740{last}")).expect("phone"))
    }
}

fn any_protection() -> impl Strategy<Value = Protection> {
    prop_oneof![
        5 => Just(Protection::None),
        1 => Just(Protection::Protected),
        1 => Just(Protection::Unknown),
    ]
}

prop_compose! {
    fn any_pupil()(
        (at, id) in ("[ab]", "[a-z0-9\"/å-]{1,6}"),
        given_name in "[A-Zåäö\"\\\\{}<>]{1,20}",
        class in proptest::option::of("[1-9][A-C]"),
        born in proptest::option::of(2007..2020i16),
        protection in any_protection(),
        phone in any_phone(),
        phone_is_mobile: bool,
        mentor in proptest::option::of("m[0-3]"),
        links in proptest::collection::vec(("g[0-9]", any::<bool>(), any::<bool>()), 0..4),
    ) -> Pupil {
        Pupil {
            given_name,
            class,
            birth_date: born.map(|year| date(year, 2, 28)),
            protection,
            phone,
            phone_is_mobile,
            email: EmailAddress::new("a@example.se").ok(),
            channel: Some(Channel::Email),
            language: Some(Locale::swedish()),
            mentor: mentor.map(|id| StaffId::new(id).expect("id")),
            guardians: links
                .into_iter()
                .map(|(id, may_receive, deny)| {
                    GuardianLink::of(GuardianId::new(id).expect("id"), may_receive, deny)
                })
                .collect(),
            ..pupil(&at, &id)
        }
    }
}

prop_compose! {
    /// Any roster; references need not be good.
    pub fn any_roster()(
        pupils in proptest::collection::vec(any_pupil(), 0..30),
        guardians in proptest::collection::vec(("g[0-9]", any_phone(), any::<bool>()), 0..10),
        staff in proptest::collection::vec(("m[0-3]", any::<bool>()), 0..4),
    ) -> Roster {
        let mut roster = Roster::default();
        for pupil in pupils {
            let school = roster.pupils.entry(pupil.school.clone()).or_default();
            school.insert(pupil.id.clone(), pupil);
        }
        for (id, phone, phone_is_mobile) in guardians {
            let person = Guardian { phone, phone_is_mobile, ..guardian(&id, 605) };
            roster.guardians.insert(person.id.clone(), person);
        }
        for (id, everywhere) in staff {
            let id = StaffId::new(id).expect("id");
            let at = (!everywhere).then(|| school("a"));
            let (role, email) = (StaffRole::Mentor, EmailAddress::new("m@example.se").ok());
            let (name, phone, municipality) = (None, None, None);
            let member = Staff { id: id.clone(), school: at, role, municipality, name, email, phone };
            roster.staff.insert(id, member);
        }
        roster
    }
}
