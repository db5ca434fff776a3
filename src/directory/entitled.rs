//! Who may be told about a pupil at this moment, and how to reach them. Pure, and closed on any
//! doubt: protection or age that is not known means nobody.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{Guardian, Protection, Pupil, Roster, School};
use crate::model::{
    Address, Channel, EmailAddress, GuardianId, Locale, Phone, Reason, Recipient, StaffRole,
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
    /// The pupil, who is of age.
    Adult(Candidate),
}

/// Decides who may be told on a day in the school's zone.
pub fn recipients(school: &School, pupil: &Pupil, roster: &Roster, today: Date) -> Entitled {
    match pupil.protection {
        Protection::Protected => return Entitled::Nobody(Reason::Protected),
        Protection::Unknown => return Entitled::Nobody(Reason::ProtectionUnknown),
        Protection::None => {}
    }
    let Some(birth) = pupil.birth_date else { return Entitled::Nobody(Reason::AgeUnknown) };
    if is_of_age(birth, today) {
        return Entitled::Adult(Candidate {
            recipient: Recipient::Pupil,
            contact: contact(
                pupil.phone.as_ref(),
                pupil.phone_is_mobile,
                pupil.email.as_ref(),
                pupil.channel,
            ),
            language: pupil.language.clone().unwrap_or_else(|| school.locale.clone()),
        });
    }
    guardians(school, pupil, roster)
}

/// Whether somebody born on `birth` is 18 on `today`. Born on 29 February: on 1 March where the year
/// has no 29 February, so that guardians are not dropped a day early.
pub fn is_of_age(birth: Date, today: Date) -> bool {
    let years = today.year() - birth.year();
    let had_birthday = (today.month(), today.day()) >= (birth.month(), birth.day());
    years > OF_AGE || (years == OF_AGE && had_birthday)
}

fn guardians(school: &School, pupil: &Pupil, roster: &Roster) -> Entitled {
    let mut refused = Vec::new();
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut used: BTreeSet<Address> = BTreeSet::new();
    // A denial wins over every other row about the same person, in whatever order they stand.
    let denied: BTreeSet<&GuardianId> =
        pupil.guardians.iter().filter(|l| l.deny).map(|l| &l.guardian).collect();
    let denied_addresses: BTreeSet<Address> = denied
        .iter()
        .filter_map(|id| roster.guardians.get(*id))
        .flat_map(|g| addresses(g.phone.as_ref(), true, g.email.as_ref()))
        .collect();
    for link in &pupil.guardians {
        let id = &link.guardian;
        let known = candidates.iter().any(|c| c.recipient == Recipient::Guardian(id.clone()));
        if known || refused.iter().any(|(other, _)| other == id) {
            continue;
        }
        let guardian = roster.guardians.get(id);
        let Some(guardian) = guardian.filter(|_| link.may_receive && !denied.contains(id)) else {
            refused.push((id.clone(), Reason::NotEntitled));
            continue;
        };
        let reachable = reach(guardian).map(|list| {
            list.into_iter().filter(|a| !denied_addresses.contains(a)).collect::<Vec<_>>()
        });
        let contact = match reachable {
            Ok(list) if list.is_empty() => Err(Reason::NoContact),
            // One message per number or address and event: the first guardian in the list has it.
            Ok(list) if used.contains(&list[0]) => {
                refused.push((id.clone(), Reason::AlreadyTold));
                continue;
            }
            other => other,
        };
        used.extend(contact.iter().flatten().cloned());
        candidates.push(Candidate {
            recipient: Recipient::Guardian(id.clone()),
            contact,
            language: guardian.language.clone().unwrap_or_else(|| school.locale.clone()),
        });
    }
    if candidates.is_empty() {
        return Entitled::Nobody(Reason::NoEntitledGuardian);
    }
    Entitled::Guardians { candidates, refused }
}

fn reach(g: &Guardian) -> Result<Vec<Address>, Reason> {
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
) -> Result<Vec<Address>, Reason> {
    let mut list: Vec<Address> = addresses(phone, is_mobile, email).collect();
    if preferred == Some(Channel::Email) {
        list.sort_by_key(|a| a.channel() != Channel::Email);
    }
    if list.is_empty() { Err(Reason::NoContact) } else { Ok(list) }
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
    let of = |wanted: Option<&crate::model::SchoolId>| {
        roster
            .staff
            .values()
            .find(|s| s.role == role && s.school.as_ref() == wanted && s.email.is_some())
            .and_then(|s| s.email.clone())
    };
    let configured = match role {
        StaffRole::AttendanceTeam => school.team_email.clone(),
        _ => None,
    };
    of(Some(&school.id)).or_else(|| of(None)).or(configured)
}

#[cfg(test)]
#[path = "entitled_tests.rs"]
mod tests;
