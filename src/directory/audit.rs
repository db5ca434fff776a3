//! What in the directory keeps people from being told, for the school to put right. Pure; ids and
//! counts only, no names, numbers or addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::civil::Date;

use super::entitled::{self, is_of_age};
use super::{Guardian, GuardianLink, Protection, Pupil, Roster, School};
use crate::model::{EmailAddress, Phone, PupilId, SchoolId, StaffRole, looks_civic};

/// More pupils than this on one number is rather a school's or a social worker's than a family's.
const FAMILY: usize = 4;
/// How many ids are listed per finding.
const LISTED: usize = 10;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// Nobody can be told about them.
    Unreachable,
    /// Nothing is known of their protection, so nobody is told.
    ProtectionUnknown,
    /// Without a date of birth nobody is told.
    BirthDateMissing,
    /// A guardian's number takes no texts.
    NotMobile,
    /// The same number for many pupils.
    SharedNumber,
    /// They are of age, and guardians are still set.
    OfAgeWithGuardians,
    /// Nobody in the class has a mentor who can be told.
    ClassWithoutMentor,
    /// There is no address for the attendance team.
    NoTeamAddress,
    /// There are several addresses for the attendance team, and one is used.
    SeveralTeamAddresses,
    /// Pupils' ids look like civic numbers.
    CivicNumbers,
}

impl FindingKind {
    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "nobody can be told",
            Self::ProtectionUnknown => "protection unknown",
            Self::BirthDateMissing => "no date of birth",
            Self::NotMobile => "guardian's number takes no texts",
            Self::SharedNumber => "one number for many pupils",
            Self::OfAgeWithGuardians => "of age, guardians still set",
            Self::ClassWithoutMentor => "class without mentor",
            Self::NoTeamAddress => "no attendance team address",
            Self::SeveralTeamAddresses => "several attendance team addresses",
            Self::CivicNumbers => "civic numbers as ids",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "give a guardian who may receive, or the pupil of age, a mobile number or an address"
            }
            Self::ProtectionUnknown => "export protection for them as none or protected",
            Self::BirthDateMissing => "export the date of birth",
            Self::NotMobile => "ask the guardian for a mobile number",
            Self::SharedNumber => "check whose number it is",
            Self::OfAgeWithGuardians => {
                "nothing is sent to the guardians; remove them, or check the date of birth"
            }
            Self::ClassWithoutMentor => "set mentors with an address for the class",
            Self::SeveralTeamAddresses => {
                "only the first row of staff by id is mailed, before team-email of the configuration; \
                 keep one shared inbox"
            }
            Self::CivicNumbers => {
                "ids stand in rows, commands and answers: export an id of the school system's own, as a GUID"
            }
            Self::NoTeamAddress => {
                "add a row of role attendance-team to staff, or the address to the configuration"
            }
        }
    }
}

/// One thing to put right at one school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// Where.
    pub school: SchoolId,
    /// In which class, when it is about one.
    pub class: Option<String>,
    /// Whom it is about; none when it is about the school.
    pub pupils: Vec<PupilId>,
    /// What to do.
    pub remedy: &'static str,
}

impl Finding {
    fn new(kind: FindingKind, school: &SchoolId, pupils: Vec<PupilId>) -> Self {
        Self { kind, school: school.clone(), class: None, pupils, remedy: kind.remedy() }
    }
}

/// Looks through a roster, on a day in the schools' zone.
pub fn audit(roster: &Roster, schools: &BTreeMap<SchoolId, School>, today: Date) -> Vec<Finding> {
    let mut findings = Vec::new();
    let crowded = crowded_numbers(roster, today);
    for (school, pupils) in &roster.pupils {
        let mut add = |kind: FindingKind, wanted: &dyn Fn(&Pupil) -> bool| {
            let found: Vec<PupilId> =
                pupils.values().filter(|p| wanted(p)).map(|p| p.id.clone()).collect();
            if !found.is_empty() {
                findings.push(Finding::new(kind, school, found));
            }
        };
        let of_age = |p: &Pupil| p.birth_date.is_some_and(|birth| is_of_age(birth, today));
        let any = |p: &Pupil, wanted: &dyn Fn(&Guardian) -> bool| {
            told(p, today).filter_map(|l| roster.guardians.get(&l.guardian)).any(wanted)
        };
        let number = |g: &Guardian| g.phone.as_ref().is_some_and(|n| crowded.contains(n));
        add(FindingKind::Unreachable, &|p| {
            let own = p.email.is_some() || (p.phone.is_some() && p.phone_is_mobile);
            let reached = if of_age(p) { own } else { any(p, &Guardian::is_reachable) };
            p.protection != Protection::Protected && !reached
        });
        add(FindingKind::ProtectionUnknown, &|p| p.protection == Protection::Unknown);
        add(FindingKind::BirthDateMissing, &|p| p.birth_date.is_none());
        add(FindingKind::NotMobile, &|p| any(p, &|g| g.phone.is_some() && !g.phone_is_mobile));
        add(FindingKind::SharedNumber, &|p| any(p, &number));
        add(FindingKind::OfAgeWithGuardians, &|p| of_age(p) && !p.guardians.is_empty());
        if pupils.keys().any(|id| looks_civic(id.as_str())) {
            // Which they are is not shown.
            findings.push(Finding::new(FindingKind::CivicNumbers, school, Vec::new()));
        }
        findings.extend(classes_without_mentor(roster, school, pupils));
    }
    for school in schools.values() {
        if entitled::staff(school, None, roster, StaffRole::AttendanceTeam).is_none() {
            findings.push(Finding::new(FindingKind::NoTeamAddress, &school.id, Vec::new()));
        }
        if team_addresses(roster, school) > 1 {
            findings.push(Finding::new(FindingKind::SeveralTeamAddresses, &school.id, Vec::new()));
        }
    }
    findings.sort_by(|a, b| (a.kind, &a.school, &a.class).cmp(&(b.kind, &b.school, &b.class)));
    findings
}

/// How many different addresses a school's attendance team has in configuration and in staff; rows for
/// all schools count where the school has none of its own.
fn team_addresses(roster: &Roster, school: &School) -> usize {
    let of = |wanted: Option<&SchoolId>| -> BTreeSet<&EmailAddress> {
        let team = roster
            .staff
            .values()
            .filter(|s| s.role == StaffRole::AttendanceTeam && s.school.as_ref() == wanted);
        team.filter_map(|s| s.email.as_ref()).collect()
    };
    let mut addresses = of(Some(&school.id));
    if addresses.is_empty() {
        addresses = of(None);
    }
    addresses.extend(&school.team_email);
    addresses.len()
}

/// Guardians who may be told on a day.
fn told(pupil: &Pupil, today: Date) -> impl Iterator<Item = &GuardianLink> {
    pupil.guardians.iter().filter(move |l| l.is_open(today))
}

/// Numbers of guardians who may be told about more than [`FAMILY`] pupils.
fn crowded_numbers(roster: &Roster, today: Date) -> BTreeSet<&Phone> {
    let mut pupils: BTreeMap<&Phone, BTreeSet<(&SchoolId, &PupilId)>> = BTreeMap::new();
    for pupil in roster.pupils.values().flat_map(BTreeMap::values) {
        for link in told(pupil, today) {
            let phone = roster.guardians.get(&link.guardian).and_then(|g| g.phone.as_ref());
            if let Some(phone) = phone {
                pupils.entry(phone).or_default().insert((&pupil.school, &pupil.id));
            }
        }
    }
    pupils.into_iter().filter(|(_, p)| p.len() > FAMILY).map(|(phone, _)| phone).collect()
}

fn classes_without_mentor(
    roster: &Roster,
    school: &SchoolId,
    pupils: &BTreeMap<PupilId, Pupil>,
) -> Vec<Finding> {
    let mut classes: BTreeMap<&str, Vec<&Pupil>> = BTreeMap::new();
    for pupil in pupils.values() {
        if let Some(class) = &pupil.class {
            classes.entry(class).or_default().push(pupil);
        }
    }
    let has_mentor = |pupil: &&Pupil| {
        let mentor = pupil.mentor.as_ref().and_then(|id| roster.staff.get(id));
        mentor.is_some_and(|m| m.email.is_some())
    };
    let without = classes.into_iter().filter(|(_, pupils)| !pupils.iter().any(has_mentor));
    without
        .map(|(class, pupils)| {
            let ids = pupils.iter().map(|p| p.id.clone()).collect();
            let finding = Finding::new(FindingKind::ClassWithoutMentor, school, ids);
            Finding { class: Some(class.to_owned()), ..finding }
        })
        .collect()
}

/// Findings as text for a terminal: counts first, then each with its remedy and the first ids.
pub fn report(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "Nothing to put right.\n".into();
    }
    let mut counts: BTreeMap<FindingKind, (usize, usize)> = BTreeMap::new();
    for finding in findings {
        let (times, pupils) = counts.entry(finding.kind).or_default();
        *times += 1;
        *pupils += finding.pupils.len();
    }
    let mut text = String::new();
    for (kind, (times, pupils)) in counts {
        let words = kind.words();
        let (count, noun) = if pupils == 0 { (times, "school") } else { (pupils, "pupil") };
        let noun = if count == 1 { noun.to_owned() } else { format!("{noun}s") };
        let _ = writeln!(text, "{count:>6} {noun:<8} {words}");
    }
    for finding in findings {
        let _ = write!(text, "\n{}, {}", finding.school, finding.kind.words());
        if let Some(class) = &finding.class {
            let _ = write!(text, ", class {class}");
        }
        let _ = write!(text, "\n  {}\n", finding.remedy);
        let ids: Vec<&str> = finding.pupils.iter().take(LISTED).map(PupilId::as_str).collect();
        if !ids.is_empty() {
            let rest = finding.pupils.len() - ids.len();
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            let _ = writeln!(text, "  {}{more}", ids.join(", "));
        }
    }
    text
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
