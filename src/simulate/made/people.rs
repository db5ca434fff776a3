//! The people of a made-up school. Nobody is meant: names are the commonest, addresses are in `.example`, and numbers
//! go on behind a number that the Swedish authority keeps for fiction (PTS, 070-174 06 05 to 99), so that they are
//! nobody's however they are dialled.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::super::term::Term;
use super::CLASS;
use crate::directory::{Guardian, GuardianLink, Protection, Pupil, Roster, School, Staff};
use crate::model::{EmailAddress, GroupId, GuardianId, Locale, Phone, PupilId, StaffId, StaffRole};
use crate::sim::school::Chance;

/// Languages and how many of a hundred homes read them; the rest reads the school's.
const LANGUAGES: [(&str, usize); 9] = [
    ("ar", 7),
    ("so", 3),
    ("en", 4),
    ("fa", 2),
    ("ti", 1),
    ("ku", 2),
    ("pl", 2),
    ("fi", 2),
    ("uk", 1),
];

const NAMES: [&str; 24] = [
    "Alice", "Maja", "Vera", "Alma", "Selma", "Elsa", "Lilly", "Astrid", "Wilma", "Freja",
    "Olivia", "Ella", "Noah", "Hugo", "Liam", "William", "Elias", "Lucas", "Oliver", "Adam",
    "Matteo", "Frans", "Leo", "Sami",
];

/// A class.
pub(super) struct Class {
    /// As lessons name it.
    pub group: GroupId,
    /// Who teaches it.
    pub teacher: StaffId,
    /// Its pupils, by their place in [`People::pupils`].
    pub pupils: std::ops::Range<usize>,
}

/// The people of one school.
pub(super) struct People {
    pub roster: Roster,
    /// Ids and school years of its pupils, class by class.
    pub pupils: Vec<(PupilId, u8)>,
    pub classes: Vec<Class>,
}

fn language(chance: &mut Chance) -> Option<Locale> {
    let mut drawn = chance.below(100);
    for (language, share) in LANGUAGES {
        if drawn < share {
            return Locale::new(language).ok();
        }
        drawn -= share;
    }
    None
}

pub(super) fn people(
    seed: u64,
    number: usize,
    pupils: usize,
    school: &School,
    term: &Term,
) -> People {
    let mut chance = Chance::new(seed, &format!("people {number}"));
    let mut roster = Roster { loaded_at: Some(jiff::Timestamp::UNIX_EPOCH), ..Roster::default() };
    let (mut all, mut classes) = (Vec::new(), Vec::new());
    let count = pupils.div_ceil(CLASS).max(1);
    let mut of_school = std::collections::BTreeMap::new();
    let mut homes = 0;
    for class in 0..count {
        // Years in turn, so that a small school has young ones and old ones.
        let year = u8::try_from(class % 10).unwrap_or_default();
        let letter = char::from(b'A' + u8::try_from(class / 10 % 26).unwrap_or_default());
        let name = format!("{}{letter}", if year == 0 { "F".into() } else { year.to_string() });
        let teacher = StaffId::new(format!("{}-t{class}", school.id)).expect("a good id");
        roster.staff.insert(teacher.clone(), staff(&teacher, school, StaffRole::Teacher));
        let mentor = StaffId::new(format!("{}-m{class}", school.id)).expect("a good id");
        roster.staff.insert(mentor.clone(), staff(&mentor, school, StaffRole::Mentor));
        let group = GroupId::new(name.as_str()).expect("a good id");
        let first = all.len();
        let size = pupils / count + usize::from(class < pupils % count);
        for _ in 0..size {
            let id = PupilId::new(format!("{}-p{}", school.id, all.len())).expect("a good id");
            let guardians = home(&mut roster, &mut chance, number, &mut homes);
            let pupil = Pupil {
                id: id.clone(),
                school: school.id.clone(),
                class: Some(name.clone()),
                given_name: (*chance.pick(&NAMES)).into(),
                family_name: Some("Exempel".into()),
                birth_date: birth_date(&mut chance, year, term.days.first()),
                protection: match chance.below(1000) {
                    0..5 => Protection::Protected,
                    5..8 => Protection::Unknown,
                    _ => Protection::None,
                },
                mentor: Some(mentor.clone()),
                phone: None,
                phone_is_mobile: true,
                email: None,
                channel: None,
                language: None,
                groups: vec![group.clone()],
                year: Some(year),
                home_municipality: None,
                flagged: false,
                guardians,
            };
            of_school.insert(id.clone(), pupil);
            all.push((id, year));
        }
        classes.push(Class { group, teacher, pupils: first..all.len() });
    }
    for role in [StaffRole::StudentHealthTeam, StaffRole::Principal, StaffRole::HeadOfEducation] {
        let name = format!("{}-{role:?}", school.id).to_lowercase();
        let id = StaffId::new(name).expect("a good id");
        roster.staff.insert(id.clone(), staff(&id, school, role));
    }
    roster.pupils.insert(school.id.clone(), of_school);
    People { roster: roster.compact(), pupils: all, classes }
}

fn staff(id: &StaffId, school: &School, role: StaffRole) -> Staff {
    Staff {
        id: id.clone(),
        school: Some(school.id.clone()),
        role,
        municipality: None,
        name: None,
        email: EmailAddress::new(format!("{id}@skola.example")).ok(),
        phone: None,
    }
}

/// Born in the calendar year of those who begin that school year; a few are older than 18.
fn birth_date(chance: &mut Chance, year: u8, day: Date) -> Option<Date> {
    let autumn = if day.month() >= 7 { day.year() } else { day.year() - 1 };
    let age = if chance.per_mille(2) { 19 } else { 6 + i16::from(year) };
    let first = Date::new(autumn - age, 1, 1).ok()?;
    first.checked_add(chance.between(0, 364).days()).ok()
}

/// One or two at home, most of them with a telephone and an address.
fn home(
    roster: &mut Roster,
    chance: &mut Chance,
    number: usize,
    homes: &mut usize,
) -> Vec<GuardianLink> {
    let language = language(chance);
    let count = if chance.per_mille(850) { 2 } else { 1 };
    let unreachable = chance.per_mille(8);
    let mut links = Vec::new();
    for _ in 0..count {
        let at = *homes;
        *homes += 1;
        let id = GuardianId::new(format!("g{number}-{at}")).expect("a good id");
        // Thirteen digits and more: the first eleven are a number for fiction.
        let phone = format!("+467017406{:02}{:04}", 5 + number % 90, at % 10_000);
        let mails_only = chance.per_mille(30);
        let guardian = Guardian {
            id: id.clone(),
            name: None,
            phone: Phone::new(phone).ok().filter(|_| !unreachable && !mails_only),
            phone_is_mobile: true,
            email: EmailAddress::new(format!("{id}@hem.example"))
                .ok()
                .filter(|_| !unreachable && (mails_only || chance.per_mille(700))),
            channel: None,
            language: language.clone(),
            household: None,
        };
        roster.guardians.insert(id.clone(), guardian);
        links.push(GuardianLink::of(id, true, chance.per_mille(5)));
    }
    links
}
