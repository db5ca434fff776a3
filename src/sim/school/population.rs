//! Who is at the school, before any of it is written as SS 12000 has it: given by hand, or made up from a
//! seed. Pure.

use jiff::Span;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::chance::Chance;
use super::names::{self, Phones};
use super::rows::{Marking, Number, Relation};

/// Pupils in a class.
const CLASS_SIZE: usize = 25;

/// A municipality and all its schools.
#[derive(Debug, Clone, Default)]
pub struct Population {
    /// Its name.
    pub municipality: String,
    /// Its schools.
    pub schools: Vec<SchoolPlan>,
    /// Guardians; pupils name them by place.
    pub guardians: Vec<GuardianPlan>,
}

/// One school unit.
#[derive(Debug, Clone, Default)]
pub struct SchoolPlan {
    /// Its name.
    pub name: String,
    /// Whether it is an upper secondary school.
    pub upper: bool,
    /// Its classes.
    pub classes: Vec<ClassPlan>,
}

/// One class.
#[derive(Debug, Clone, Default)]
pub struct ClassPlan {
    /// Its name, as `7B`.
    pub name: String,
    /// School year.
    pub year: u8,
    /// The mentor.
    pub mentor: StaffPlan,
    /// Its pupils.
    pub pupils: Vec<PupilPlan>,
}

/// One member of staff.
#[derive(Debug, Clone, Default)]
pub struct StaffPlan {
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// Address at work.
    pub email: String,
    /// Number at work.
    pub phone: Option<String>,
}

/// One pupil.
#[derive(Debug, Clone)]
pub struct PupilPlan {
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// Date of birth.
    pub birth: Date,
    /// Protection.
    pub marking: Marking,
    /// Own address, of those who are of age.
    pub email: Option<String>,
    /// Who answers, by place in [`Population::guardians`].
    pub guardians: Vec<(usize, Relation)>,
}

/// One guardian.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GuardianPlan {
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// Numbers, as typed.
    pub phones: Vec<String>,
    /// Addresses.
    pub emails: Vec<String>,
    /// Protection.
    #[serde(default)]
    pub marking: Marking,
}

impl Population {
    /// Makes one up: `pupils` of them in `schools` schools, the same for the same seed and day.
    pub fn made_up(pupils: usize, schools: usize, seed: u64, today: Date) -> Self {
        let mut made = Made {
            chance: Chance::new(seed, "people"),
            phones: Phones::of_guardians(),
            work: Phones::of_staff(),
            today,
            guardians: Vec::new(),
            pupils: 0,
        };
        let schools = schools.max(1);
        let all = (0..schools)
            .map(|number| {
                let size = pupils / schools + usize::from(number < pupils % schools);
                made.school(number, size)
            })
            .collect();
        Self { municipality: "Granby kommun".into(), schools: all, guardians: made.guardians }
    }
}

struct Made {
    chance: Chance,
    phones: Phones,
    work: Phones,
    today: Date,
    guardians: Vec<GuardianPlan>,
    pupils: usize,
}

impl Made {
    fn school(&mut self, number: usize, size: usize) -> SchoolPlan {
        let upper = number % 3 == 2;
        let names = ["Björk", "Ek", "Lind", "Gran", "Ask", "Rönn", "Tall", "Lönn", "Alm", "Sälg"];
        let round = number / names.len();
        let suffix = if upper { "gymnasiet" } else { "skolan" };
        let district = ["", " Norra", " Södra", " Östra", " Västra"];
        let extra = match district.get(round) {
            Some(district) => (*district).to_owned(),
            None => format!(" {}", round + 1),
        };
        let name = format!("{}{suffix}{extra}", names[number % names.len()]);
        let mut classes = Vec::new();
        let mut left = size;
        while left > 0 {
            let here = left.min(CLASS_SIZE);
            left -= here;
            classes.push(self.class(classes.len(), here, upper));
        }
        SchoolPlan { name, upper, classes }
    }

    fn class(&mut self, number: usize, size: usize, upper: bool) -> ClassPlan {
        let year = u8::try_from(number % 3).unwrap_or(0) + if upper { 1 } else { 7 };
        let letter = |n: usize| char::from(b'A' + u8::try_from(n % 26).unwrap_or(0));
        let name = match number / 3 {
            parallel if upper => format!("NA{year}{}", suffix(parallel, letter)),
            parallel => format!("{year}{}", suffix(parallel, letter)),
        };
        let (given, family) = (names::given(&mut self.chance), names::family(&mut self.chance));
        let email = format!(
            "{}.{}.{}@skola.example",
            names::plain(&given),
            names::plain(&family),
            names::plain(&name)
        );
        let phone = self.work.take().map(|number| number.value);
        let mentor = StaffPlan { given, family, email, phone };
        let pupils = (0..size).map(|_| self.pupil(year, upper)).collect();
        ClassPlan { name, year, mentor, pupils }
    }

    fn pupil(&mut self, year: u8, upper: bool) -> PupilPlan {
        let number = self.pupils;
        self.pupils += 1;
        let (given, family) = (names::given(&mut self.chance), names::family(&mut self.chance));
        let years = i64::from(year) + if upper { 15 } else { 6 };
        // One pupil in the first class is of age, whatever the school.
        let years = if number == 17 { 18 } else { years };
        let days = self.chance.between(1, 360);
        let birth = self.today.saturating_sub(Span::new().years(years).days(days));
        let marking = match number {
            3 => Marking::Sekretessmarkering,
            11 => Marking::Skyddad,
            _ if self.chance.per_mille(4) => Marking::Sekretessmarkering,
            _ if self.chance.per_mille(3) => Marking::Skyddad,
            _ => Marking::Ingen,
        };
        let of_age = birth <= self.today.saturating_sub(Span::new().years(18));
        let email = of_age.then(|| names::mail(&given, &family, 900_000 + number));
        let guardians = self.guardians_of(number, &family);
        PupilPlan { given, family, birth, marking, email, guardians }
    }

    fn guardians_of(&mut self, number: usize, family: &str) -> Vec<(usize, Relation)> {
        // Siblings, sometimes: with the guardian who was made last.
        if number > 20 && self.chance.per_mille(80) {
            return vec![(self.guardians.len() - 1, Relation::Guardian)];
        }
        let relations: &[Relation] = match number {
            5 => &[Relation::Trustee],
            6 => &[Relation::Guardian, Relation::Other],
            7 => &[Relation::Guardian, Relation::Named],
            _ if self.chance.per_mille(10) => &[Relation::Trustee],
            _ if self.chance.per_mille(15) => &[Relation::Other],
            _ if self.chance.per_mille(600) => &[Relation::Guardian, Relation::Guardian],
            _ => &[Relation::Guardian],
        };
        relations.iter().map(|relation| (self.guardian(family), *relation)).collect()
    }

    fn guardian(&mut self, family: &str) -> usize {
        let place = self.guardians.len();
        let given = names::given(&mut self.chance);
        let other = names::family(&mut self.chance);
        let family = if self.chance.per_mille(700) { family.to_owned() } else { other };
        let mail = names::mail(&given, &family, place);
        let nobody = place > 20 && self.chance.per_mille(20);
        let phone = if place % 4 == 3 { None } else { self.phones.take() };
        let phones: Vec<String> = phone.into_iter().map(|Number { value, .. }| value).collect();
        let mailed = phones.is_empty() || self.chance.per_mille(300);
        let emails = if mailed && !nobody { vec![mail] } else { Vec::new() };
        let marking = Marking::Ingen;
        self.guardians.push(GuardianPlan { given, family, phones, emails, marking });
        place
    }
}

/// The letter of a parallel class; with a number behind the last of the alphabet.
fn suffix(parallel: usize, letter: impl Fn(usize) -> char) -> String {
    match parallel / 26 {
        0 => letter(parallel).to_string(),
        round => format!("{}{}", letter(parallel), round + 1),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_people_and_every_kind_of_them() {
        let of = |seed| Population::made_up(120, 3, seed, date(2026, 11, 26));
        let made = of(1);
        assert_eq!(format!("{made:?}"), format!("{:?}", of(1)));
        assert_ne!(format!("{made:?}"), format!("{:?}", of(2)));
        let pupils: Vec<_> =
            made.schools.iter().flat_map(|s| &s.classes).flat_map(|c| &c.pupils).collect();
        assert_eq!(pupils.len(), 120);
        for marking in [Marking::Ingen, Marking::Sekretessmarkering, Marking::Skyddad] {
            assert!(pupils.iter().any(|p| p.marking == marking), "{marking:?}");
        }
        let relations: Vec<_> = pupils.iter().flat_map(|p| &p.guardians).map(|g| g.1).collect();
        for relation in [Relation::Guardian, Relation::Other, Relation::Trustee, Relation::Named] {
            assert!(relations.contains(&relation), "{relation:?}");
        }
        assert!(pupils.iter().any(|p| p.email.is_some()), "somebody is of age");
        assert!(made.schools.iter().any(|s| s.upper));
        assert!(pupils.iter().all(|p| p.guardians.iter().all(|g| g.0 < made.guardians.len())));
    }
}
