//! Who may be told about a pupil at this moment, and how to reach them. Pure, and closed on any
//! doubt: protection or age that is not known means nobody.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::homes;
use super::{Guardian, Homes, Nudge, Protection, Pupil, Roster, School};
use crate::model::{
    Accord, Address, Channel, EmailAddress, GuardianId, Locale, Phone, Reason, Recipient, StaffId,
    StaffRole, accord,
};

/// Age from which a pupil is told instead of the guardians (föräldrabalken 9 kap. 1 §: under 18 is a
/// minor; skollagen 1 kap. 10 §).
const OF_AGE: i16 = 18;

/// Somebody who may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub recipient: Recipient,
    /// Where, the preferred channel first; else why nowhere.
    pub contact: Result<Vec<Address>, Reason>,
    /// In which language.
    pub language: Locale,
}

/// Who may be told about a pupil.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entitled {
    /// Nobody, and why.
    Nobody(Reason),
    /// These guardians.
    Guardians {
        /// In the directory's order.
        candidates: Vec<Candidate>,
        /// Guardians who may not, and why.
        refused: Vec<(GuardianId, Reason)>,
    },
    /// The pupil, who is of age, and then the guardians who may be told because the pupil consents.
    Adult(Vec<Candidate>),
}

/// What is stored of a pupil that bears on who is told.
#[derive(Debug, Clone, Default)]
pub struct Known<'a> {
    /// What was agreed.
    pub accords: &'a [Accord],
    /// Guardians who could not be reached with what they are to be told.
    pub unreached: BTreeSet<GuardianId>,
    /// Everybody of a home may be told, whatever the school has chosen.
    pub whole_homes: bool,
}

impl<'a> Known<'a> {
    /// Nothing but what was agreed.
    pub fn of(accords: &'a [Accord]) -> Self {
        Self { accords, ..Self::default() }
    }
}

/// Decides who may be told on a day in the school's zone.
pub fn recipients(
    school: &School,
    pupil: &Pupil,
    roster: &Roster,
    today: Date,
    known: &Known<'_>,
) -> Entitled {
    match pupil.protection {
        Protection::Protected => return Entitled::Nobody(Reason::Protected),
        Protection::Unknown => return Entitled::Nobody(Reason::ProtectionUnknown),
        Protection::None => {}
    }
    let Some(birth) = pupil.birth_date else { return Entitled::Nobody(Reason::AgeUnknown) };
    if is_of_age(birth, today) {
        return Entitled::Adult(adult(school, pupil, roster, today, known));
    }
    guardians(school, pupil, roster, today, known)
}

/// Those of a pupil's guardians whom a person may ring, where a machine may not choose.
pub fn guardians_to_ring(
    school: &School,
    pupil: &Pupil,
    roster: &Roster,
    today: Date,
) -> Vec<Candidate> {
    let known = Known { whole_homes: true, ..Known::default() };
    match guardians(school, pupil, roster, today, &known) {
        Entitled::Guardians { candidates, .. } => candidates,
        Entitled::Nobody(_) | Entitled::Adult(_) => Vec::new(),
    }
}

/// An adult pupil, and the guardians to whom the pupil consents. The pupil at addresses that are not a guardian's as well: a parent's number that was once
/// written down as the child's would tell the parent, which a school may not do of its own accord
/// (Skolverket, quoted at elevhalsan.se/expertsvar/informera-franvaro-till-vardnadshavare-myndig-elev).
fn adult(
    school: &School,
    pupil: &Pupil,
    roster: &Roster,
    today: Date,
    known: &Known<'_>,
) -> Vec<Candidate> {
    let of_guardians = addresses_of(pupil.guardians.iter().map(|l| &l.guardian), roster);
    let (phone, email) = (pupil.phone.as_ref(), pupil.email.as_ref());
    let mut list = contact(phone, pupil.phone_is_mobile, email, pupil.channel);
    list.retain(|a| !of_guardians.contains(a));
    let own = Candidate {
        recipient: Recipient::Pupil,
        contact: if list.is_empty() { Err(Reason::NoContact) } else { Ok(list) },
        language: pupil.language.clone().unwrap_or_else(|| school.locale.clone()),
    };
    let mut candidates = vec![own];
    let told = |id: &GuardianId| accord::consents(known.accords, id, today);
    if pupil.guardians.iter().any(|link| told(&link.guardian)) {
        let mut consented = pupil.clone();
        consented.guardians.retain(|link| told(&link.guardian) || link.is_denied(today));
        // An address that somebody has too to whom there is no consent tells that one.
        let others = pupil.guardians.iter().map(|l| &l.guardian).filter(|id| !told(id));
        let closed = addresses_of(others, roster);
        if let Entitled::Guardians { candidates: told, .. } =
            guardians(school, &consented, roster, today, known)
        {
            candidates.extend(told.into_iter().map(|mut candidate| {
                if let Ok(list) = &mut candidate.contact {
                    list.retain(|address| !closed.contains(address));
                }
                let is_empty = candidate.contact.as_ref().is_ok_and(Vec::is_empty);
                if is_empty {
                    candidate.contact = Err(Reason::NoContact);
                }
                candidate
            }));
        }
    }
    candidates
}

/// Whether somebody born on `birth` is 18 on `today`. Born on 29 February: on 1 March where the year
/// has no 29 February, so that guardians are not dropped a day early.
pub fn is_of_age(birth: Date, today: Date) -> bool {
    let years = today.year() - birth.year();
    let had_birthday = (today.month(), today.day()) >= (birth.month(), birth.day());
    years > OF_AGE || (years == OF_AGE && had_birthday)
}

fn guardians(
    school: &School,
    pupil: &Pupil,
    roster: &Roster,
    today: Date,
    known: &Known<'_>,
) -> Entitled {
    let mut refused: Vec<(GuardianId, Reason)> = Vec::new();
    let mut entitled: Vec<(&Guardian, Vec<Address>)> = Vec::new();
    // A denial wins over every other row about the same person, in whatever order they stand.
    let denied = denied_on(pupil, today);
    let denied_addresses = addresses_of(denied.iter().copied(), roster);
    for link in &pupil.guardians {
        let id = &link.guardian;
        let known = entitled.iter().any(|(g, _)| g.id == *id);
        if known || refused.iter().any(|(other, _)| other == id) {
            continue;
        }
        let guardian = roster.guardians.get(id);
        let Some(guardian) = guardian.filter(|_| link.is_open(today) && !denied.contains(id))
        else {
            refused.push((id.clone(), Reason::NotEntitled));
            continue;
        };
        let mut list = reach(guardian);
        list.retain(|a| !denied_addresses.contains(a));
        entitled.push((guardian, list));
    }
    let contacts = share_out(entitled.iter().map(|(_, list)| list.as_slice()));
    let mut candidates = Vec::new();
    for ((guardian, _), contact) in entitled.iter().zip(contacts) {
        if contact == Err(Reason::AlreadyTold) {
            refused.push((guardian.id.clone(), Reason::AlreadyTold));
            continue;
        }
        candidates.push(Candidate {
            recipient: Recipient::Guardian(guardian.id.clone()),
            contact,
            language: guardian.language.clone().unwrap_or_else(|| school.locale.clone()),
        });
    }
    if candidates.is_empty() {
        return Entitled::Nobody(Reason::NoEntitledGuardian);
    }
    if school.people.homes == Homes::Merged && !known.whole_homes {
        refused.extend(homes::merge(&mut candidates, roster, &known.unreached));
    }
    Entitled::Guardians { candidates, refused }
}

/// Who must not be told on a day, in whatever row that stands.
fn denied_on(pupil: &Pupil, today: Date) -> BTreeSet<&GuardianId> {
    pupil.guardians.iter().filter(|l| l.is_denied(today)).map(|l| &l.guardian).collect()
}

/// Every number and address of those who must not be told on a day.
pub fn denied_addresses(pupil: &Pupil, roster: &Roster, today: Date) -> BTreeSet<Address> {
    addresses_of(denied_on(pupil, today).into_iter(), roster)
}

/// Gives every address to one guardian only, so that nobody's number takes one event twice, not
/// even when a message falls back to the other channel.
///
/// What is used first is given out before what is only fallen back on: one parent's spare address
/// must not count as having told the other parent, who has no other. Whoever is left without any
/// because others have them all is told through them.
fn share_out<'a>(lists: impl Iterator<Item = &'a [Address]>) -> Vec<Result<Vec<Address>, Reason>> {
    let mut given: BTreeSet<&Address> = BTreeSet::new();
    let mut shares: Vec<(&[Address], Result<&Address, Reason>)> = Vec::new();
    for list in lists {
        let first = list.iter().find(|a| !given.contains(a));
        given.extend(first);
        let none = if list.is_empty() { Reason::NoContact } else { Reason::AlreadyTold };
        shares.push((list, first.ok_or(none)));
    }
    let mut with_fallbacks = Vec::new();
    for (list, first) in shares {
        let spare = |first: &Address| {
            let rest = list.iter().filter(|a| given.insert(a)).cloned();
            [first.clone()].into_iter().chain(rest).collect()
        };
        with_fallbacks.push(first.map(spare));
    }
    with_fallbacks
}

/// Every number and address of these guardians, landlines included.
fn addresses_of<'a>(
    guardians: impl Iterator<Item = &'a GuardianId>,
    roster: &Roster,
) -> BTreeSet<Address> {
    guardians
        .filter_map(|id| roster.guardians.get(id))
        .flat_map(|g| addresses(g.phone.as_ref(), true, g.email.as_ref()))
        .collect()
}

/// Where a guardian is reached, the first choice first, whatever they may be told.
pub fn reach(g: &Guardian) -> Vec<Address> {
    contact(g.phone.as_ref(), g.phone_is_mobile, g.email.as_ref(), g.channel)
}

fn addresses(
    phone: Option<&Phone>,
    is_mobile: bool,
    email: Option<&EmailAddress>,
) -> impl Iterator<Item = Address> {
    let phone = phone.filter(|_| is_mobile).cloned().map(Address::Phone);
    phone.into_iter().chain(email.cloned().map(Address::Email))
}

/// Text before mail unless mail is preferred: a text is read within minutes.
fn contact(
    phone: Option<&Phone>,
    is_mobile: bool,
    email: Option<&EmailAddress>,
    preferred: Option<Channel>,
) -> Vec<Address> {
    let mut list: Vec<Address> = addresses(phone, is_mobile, email).collect();
    if preferred == Some(Channel::Email) {
        list.sort_by_key(|a| a.channel() != Channel::Email);
    }
    list
}

/// The mail address of a member of staff in a role, for one pupil and school: the pupil's own
/// mentor; else a row of the school, a row for all schools, and for the attendance team the
/// address in configuration.
pub fn staff(
    school: &School,
    pupil: Option<&Pupil>,
    roster: &Roster,
    role: StaffRole,
) -> Option<EmailAddress> {
    if role == StaffRole::Mentor {
        let mentor = pupil.and_then(|p| p.mentor.as_ref());
        return mentor.and_then(|id| roster.staff.get(id)).and_then(|s| s.email.clone());
    }
    // Each teacher is told of their own lessons: see [`member`].
    if role == StaffRole::Teacher {
        return None;
    }
    let home = pupil.and_then(|pupil| pupil.home_municipality.as_ref());
    let is_meant = |s: &&super::Staff| {
        // Each municipality has its own.
        role != StaffRole::HomeMunicipality || (home.is_some() && s.municipality.as_ref() == home)
    };
    let of = |wanted: Option<&crate::model::SchoolId>| {
        roster
            .staff
            .values()
            .filter(is_meant)
            .find(|s| s.role == role && s.school.as_ref() == wanted && s.email.is_some())
            .and_then(|s| s.email.clone())
    };
    let configured = match role {
        StaffRole::AttendanceTeam => school.team_email.clone(),
        StaffRole::Operations => school.operations_email.clone(),
        StaffRole::Office => school.daily.office_email.clone(),
        _ => None,
    };
    let found = of(Some(&school.id)).or_else(|| of(None)).or(configured);
    // A school without an office of its own has a team.
    match role {
        StaffRole::Office => {
            found.or_else(|| staff(school, pupil, roster, StaffRole::AttendanceTeam))
        }
        _ => found,
    }
}

/// Who is told something of a ladder in a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InRole {
    /// Who.
    pub recipient: Recipient,
    /// The attendance team, since nobody is registered in the role.
    pub instead: bool,
}

/// Who is told something of a ladder in a role, about one pupil. Of a pupil who is `hidden`, protected or perhaps so,
/// the principal alone; else where nobody is registered the team. None: there is nobody to be told, since the pupil
/// lives in the school's own municipality.
pub fn in_role(
    school: &School,
    pupil: Option<&Pupil>,
    roster: &Roster,
    hidden: bool,
    role: StaffRole,
) -> Option<InRole> {
    let whom = |role| InRole { recipient: Recipient::Staff(role), instead: false };
    let Some(pupil) = pupil.filter(|_| !hidden) else { return Some(whom(StaffRole::Principal)) };
    if role == StaffRole::HomeMunicipality && pupil.home_municipality.is_none() {
        return None;
    }
    if staff(school, Some(pupil), roster, role).is_none() && role != StaffRole::AttendanceTeam {
        return Some(InRole { instead: true, ..whom(StaffRole::AttendanceTeam) });
    }
    Some(match (role, &pupil.mentor) {
        (StaffRole::Mentor, Some(id)) => {
            InRole { recipient: Recipient::Member(id.clone()), instead: false }
        }
        _ => whom(role),
    })
}

/// Where one member of staff is reached, the first choice first.
pub fn member(roster: &Roster, id: &StaffId, nudge: Nudge) -> Vec<Address> {
    let Some(staff) = roster.staff.get(id) else { return Vec::new() };
    let first = match nudge {
        Nudge::Sms => Channel::Sms,
        Nudge::Email => Channel::Email,
        Nudge::Off => return Vec::new(),
    };
    contact(staff.phone.as_ref(), true, staff.email.as_ref(), Some(first))
}

#[cfg(test)]
#[path = "entitled_properties.rs"]
mod properties;
#[cfg(test)]
#[path = "entitled_tests.rs"]
mod tests;
