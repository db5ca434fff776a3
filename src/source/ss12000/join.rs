//! The rows of a source's directory → a directory for the brake: who is a pupil of which school today, in which
//! groups, with which mentor and guardians, and who works there. Pure. Closed on any doubt: what is not said of
//! protection is not known, and the strictest word that is said of somebody anywhere counts.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Date};

use super::known::Known;
use super::person;
use super::types::{
    AssignmentRoleType, DutyRole, EmailType, Enrolment, Group, GroupType, Person, Ref, RelationType,
};
use crate::directory::phone::PhoneRules;
use crate::directory::{
    Guardian, GuardianLink, Loaded, Place, Protection, Pupil, Roster, RosterProblem, Staff,
};
use crate::model::{GroupId, GuardianId, PupilId, SchoolId, StaffId, StaffRole};

/// A pupil whose name the source keeps to itself.
const NAMELESS: &str = "–";

/// What is wanted of a source's directory.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Our schools: each one's organisation there, by id or school unit code, and its zone.
    pub schools: BTreeMap<SchoolId, (String, TimeZone)>,
    /// What somebody must be to a pupil to be told about the pupil.
    pub relations: Vec<RelationType>,
    /// Which numbers are taken.
    pub phone: PhoneRules,
}

/// Which organisations are ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Units {
    /// The organisation of each school.
    pub heads: BTreeMap<SchoolId, CompactString>,
    /// Every organisation that is one of them, or below one.
    pub of: BTreeMap<CompactString, SchoolId>,
    /// Schools whose organisation is not among the source's.
    pub unknown: Vec<SchoolId>,
}

impl Units {
    /// Finds them.
    pub fn find(plan: &Plan, known: &Known) -> Self {
        let mut units = Self::default();
        for (school, (there, _)) in &plan.schools {
            let head = match &known.organisations {
                // What may not be read cannot be looked for: it is an id.
                None => Some(CompactString::from(there.as_str())),
                Some(all) if all.contains_key(there.as_str()) => Some(there.as_str().into()),
                Some(all) => all
                    .values()
                    .find(|unit| unit.school_unit_code.as_deref() == Some(there))
                    .map(|unit| unit.id.clone()),
            };
            match head {
                Some(head) => {
                    units.of.insert(head.clone(), school.clone());
                    units.heads.insert(school.clone(), head);
                }
                None => units.unknown.push(school.clone()),
            }
        }
        let heads = units.of.clone();
        for id in known.organisations.iter().flat_map(BTreeMap::keys) {
            if let Some(school) = above(id, known, &heads) {
                units.of.insert(id.clone(), school.clone());
            }
        }
        units
    }
}

/// The nearest school at or above an organisation.
fn above<'h>(
    id: &CompactString,
    known: &Known,
    heads: &'h BTreeMap<CompactString, SchoolId>,
) -> Option<&'h SchoolId> {
    /// More than any municipality has levels; a circle ends here.
    const LEVELS: usize = 16;
    let all = known.organisations.as_ref()?;
    let parent = |id: &&CompactString| all.get(*id)?.parent_organisation.as_ref().map(|p| &p.id);
    std::iter::successors(Some(id), parent).take(LEVELS).find_map(|id| heads.get(id))
}

/// What was odd, in numbers.
#[derive(Default)]
struct Odd {
    unnamed: u64,
    unread_numbers: u64,
    unread_addresses: u64,
    missing_guardians: u64,
    bad_ids: u64,
}

struct Join<'k> {
    plan: &'k Plan,
    known: &'k Known,
    units: &'k Units,
    now: Timestamp,
    markings: BTreeMap<&'k str, Protection>,
    groups_of: BTreeMap<&'k str, Vec<&'k Group>>,
    mentors_of: BTreeMap<&'k str, BTreeSet<&'k str>>,
    odd: Odd,
    said_protection: bool,
}

/// Joins them.
pub fn join(known: &Known, units: &Units, plan: &Plan, now: Timestamp) -> Loaded {
    let mut join = Join {
        plan,
        known,
        units,
        now,
        markings: BTreeMap::new(),
        groups_of: BTreeMap::new(),
        mentors_of: BTreeMap::new(),
        odd: Odd::default(),
        said_protection: false,
    };
    join.index();
    let mut roster = Roster { loaded_at: Some(now), ..Roster::default() };
    join.staff(&mut roster);
    for person in known.persons.values() {
        join.pupil(person, &mut roster);
    }
    let warnings = join.warnings();
    Loaded::new(roster, warnings, join.said_protection)
}

/// Whether a span of days, both ends in it, holds a day.
fn holds(start: Option<Date>, end: Option<Date>, day: Date) -> bool {
    start.is_none_or(|start| start <= day) && end.is_none_or(|end| day <= end)
}

impl<'k> Join<'k> {
    fn today(&self, school: &SchoolId) -> Date {
        let zone = self.plan.schools.get(school).map_or(TimeZone::UTC, |(_, zone)| zone.clone());
        zone.to_datetime(self.now).date()
    }

    fn school_of(&self, at: Option<&Ref>) -> Option<&'k SchoolId> {
        self.units.of.get(&at?.id)
    }

    /// Gathers what is said of somebody in other places than in the row.
    fn index(&mut self) {
        let known = self.known;
        for group in known.groups.values() {
            let today = match self.school_of(group.organisation.as_ref()) {
                Some(school) => self.today(school),
                None => continue,
            };
            let active = holds(group.start_date, group.end_date, today);
            for membership in &group.group_memberships {
                let Some(person) = &membership.person else { continue };
                self.seen(person);
                if active && holds(membership.start_date, membership.end_date, today) {
                    self.groups_of.entry(&person.id).or_default().push(group);
                }
            }
            for role in &group.embedded.assignment_roles {
                let is_mentor = role.assignment_role_type == Some(AssignmentRoleType::Mentor);
                if let Some(duty) = role.duty.as_ref().filter(|_| is_mentor)
                    && holds(role.start_date, role.end_date, today)
                {
                    self.mentors_of.entry(&group.id).or_default().insert(&duty.id);
                }
            }
        }
        for duty in known.duties.values() {
            if let Some(person) = &duty.person {
                self.seen(person);
            }
            let Some(school) = self.school_of(duty.duty_at.as_ref()) else { continue };
            let today = self.today(school);
            for role in &duty.assignment_roles {
                let is_mentor = role.assignment_role_type == Some(AssignmentRoleType::Mentor);
                if let Some(group) = role.group.as_ref().filter(|_| is_mentor)
                    && holds(role.start_date, role.end_date, today)
                {
                    self.mentors_of.entry(&group.id).or_default().insert(&duty.id);
                }
            }
        }
        for person in known.persons.values() {
            for responsible in &person.responsibles {
                if let Some(who) = &responsible.person {
                    self.seen(who);
                }
            }
        }
    }

    /// Somebody was named. Nothing, and `Ingen`, say no more there than the person's own row does.
    fn seen(&mut self, who: &'k Ref) {
        if who.security_marking.is_some() {
            let said = person::protection(who.security_marking.as_ref());
            let known = self.markings.entry(&who.id).or_insert(Protection::None);
            *known = person::stricter(*known, said);
        }
    }

    fn protection(&self, who: &Person) -> Protection {
        let own = person::protection(who.security_marking.as_ref());
        let elsewhere = self.markings.get(who.id.as_str()).copied();
        person::stricter(own, elsewhere.unwrap_or(Protection::None))
    }

    /// The row of a pupil at each school of ours where the person is one today.
    fn pupil(&mut self, who: &'k Person, roster: &mut Roster) {
        if person::is_gone(who) {
            return;
        }
        let mut at: BTreeMap<&SchoolId, &Enrolment> = BTreeMap::new();
        for enrolment in &who.enrolments {
            let Some(school) = self.school_of(enrolment.enroled_at.as_ref()) else { continue };
            let today = self.today(school);
            if enrolment.cancelled != Some(true)
                && holds(enrolment.start_date, enrolment.end_date, today)
            {
                // Of several at one school, that which began last.
                let last = at.entry(school).or_insert(enrolment);
                if enrolment.start_date > last.start_date {
                    *last = enrolment;
                }
            }
        }
        if at.is_empty() {
            return;
        }
        let Ok(id) = PupilId::new(who.id.clone()) else {
            self.odd.bad_ids += 1;
            return;
        };
        self.said_protection |= who.security_marking.is_some();
        let mut protection = self.protection(who);
        let given_name = person::name(who.given_name.as_deref()).unwrap_or_else(|| {
            self.odd.unnamed += 1;
            // A name that is kept back may be kept back for a reason.
            protection = person::stricter(protection, Protection::Unknown);
            NAMELESS.to_owned()
        });
        let guardians = self.guardians(who, roster);
        let own = [EmailType::Private, EmailType::SchoolPupil];
        let odd = &mut self.odd;
        let phone =
            person::number(who.phone_numbers.iter(), &self.plan.phone, &mut odd.unread_numbers);
        let email = person::address(&who.emails, &own, &[], &mut odd.unread_addresses);
        for (school, enrolment) in at {
            let mut groups: Vec<&Group> =
                self.groups_of.get(who.id.as_str()).cloned().unwrap_or_default();
            groups.retain(|group| self.school_of(group.organisation.as_ref()) == Some(school));
            let pupil = Pupil {
                id: id.clone(),
                school: school.clone(),
                class: class(&groups),
                given_name: given_name.clone(),
                family_name: person::name(who.family_name.as_deref()),
                birth_date: person::birth_date(who, self.now),
                protection,
                mentor: self.mentor(&groups, roster),
                phone: phone.as_ref().map(|(phone, _)| phone.clone()),
                phone_is_mobile: phone.as_ref().is_none_or(|(_, mobile)| *mobile),
                email: email.clone(),
                channel: None,
                language: None,
                groups: ids(&groups),
                year: year(enrolment),
                home_municipality: None,
                flagged: false,
                guardians: guardians.clone(),
            };
            roster.pupils.entry(school.clone()).or_default().insert(id.clone(), pupil);
        }
    }

    /// Who answers for a pupil, each put into the roster. One who is protected, or has died, is not written to,
    /// and no address of theirs is kept.
    fn guardians(&mut self, pupil: &'k Person, roster: &mut Roster) -> Vec<GuardianLink> {
        let mut links: Vec<GuardianLink> = Vec::new();
        for responsible in &pupil.responsibles {
            let wanted = responsible.relation_type.as_ref();
            if !wanted.is_some_and(|relation| self.plan.relations.contains(relation)) {
                continue;
            }
            let who = responsible.person.as_ref();
            let who = who.and_then(|who| self.known.persons.get(&who.id));
            let Some(who) = who else {
                self.odd.missing_guardians += 1;
                continue;
            };
            let Ok(id) = GuardianId::new(who.id.clone()) else {
                self.odd.bad_ids += 1;
                continue;
            };
            let may_receive =
                self.protection(who) != Protection::Protected && !person::is_dead(who);
            if !roster.guardians.contains_key(&id) {
                let guardian = self.guardian(id.clone(), who, may_receive);
                roster.guardians.insert(id.clone(), guardian);
            }
            if !links.iter().any(|link| link.guardian == id) {
                links.push(GuardianLink::of(id, may_receive, false));
            }
        }
        links
    }

    fn guardian(&mut self, id: GuardianId, who: &Person, may_receive: bool) -> Guardian {
        let odd = &mut self.odd;
        let (phone, email) = if may_receive {
            let first = [EmailType::Private, EmailType::OtherWork];
            let never = [EmailType::SchoolPupil];
            (
                person::number(who.phone_numbers.iter(), &self.plan.phone, &mut odd.unread_numbers),
                person::address(&who.emails, &first, &never, &mut odd.unread_addresses),
            )
        } else {
            (None, None)
        };
        let names = [who.given_name.as_deref(), who.family_name.as_deref()];
        let name = names.into_iter().filter_map(person::name).collect::<Vec<_>>().join(" ");
        Guardian {
            id,
            name: Some(name).filter(|name| !name.is_empty()),
            phone_is_mobile: phone.as_ref().is_none_or(|(_, mobile)| *mobile),
            phone: phone.map(|(phone, _)| phone),
            email,
            channel: None,
            language: None,
            household: None,
        }
    }

    /// The mentor of a pupil in these groups: of a mentor's group before a class, one who can be reached first.
    fn mentor(&self, groups: &[&Group], roster: &Roster) -> Option<StaffId> {
        let kinds = [GroupType::Mentor, GroupType::Class];
        let of = |kind: &GroupType| {
            let groups = groups.iter().filter(|group| group.group_type.as_ref() == Some(kind));
            let duties =
                groups.filter_map(|group| self.mentors_of.get(group.id.as_str())).flatten();
            let staff = duties.filter_map(|duty| StaffId::new(*duty).ok());
            staff.filter(|id| roster.staff.contains_key(id)).collect::<Vec<_>>()
        };
        let all: Vec<StaffId> = kinds.iter().flat_map(of).collect();
        let reached = |id: &&StaffId| roster.staff.get(*id).is_some_and(|s| s.email.is_some());
        all.iter().find(reached).or(all.first()).cloned()
    }

    /// Everybody who works at our schools today, each under the id of the duty: lessons name teachers by it.
    fn staff(&mut self, roster: &mut Roster) {
        for duty in self.known.duties.values() {
            let Some(school) = self.school_of(duty.duty_at.as_ref()) else { continue };
            let who = duty.person.as_ref().and_then(|who| self.known.persons.get(&who.id));
            let Some(who) = who.filter(|who| !person::is_dead(who)) else { continue };
            if !holds(duty.start_date, duty.end_date, self.today(school)) {
                continue;
            }
            let Ok(id) = StaffId::new(duty.id.clone()) else {
                self.odd.bad_ids += 1;
                continue;
            };
            let protected = self.protection(who) == Protection::Protected;
            let first = [EmailType::SchoolStaff, EmailType::OtherWork];
            let never = [EmailType::Private, EmailType::SchoolPupil];
            let odd = &mut self.odd;
            let email = person::address(&who.emails, &first, &never, &mut odd.unread_addresses);
            let numbers = person::at_work(&who.phone_numbers);
            let phone = person::number(numbers, &self.plan.phone, &mut odd.unread_numbers);
            let names = [who.given_name.as_deref(), who.family_name.as_deref()];
            let name = names.into_iter().filter_map(person::name).collect::<Vec<_>>().join(" ");
            let staff = Staff {
                id: id.clone(),
                school: Some(school.clone()),
                role: match duty.duty_role {
                    Some(DutyRole::Principal) => StaffRole::Principal,
                    _ => StaffRole::Teacher,
                },
                municipality: None,
                name: Some(name).filter(|name| !name.is_empty()),
                email,
                phone: phone.filter(|(_, mobile)| *mobile && !protected).map(|(phone, _)| phone),
            };
            roster.staff.insert(id, staff);
        }
    }

    fn warnings(&self) -> Vec<RosterProblem> {
        let odd = &self.odd;
        let no_protection = u64::from(!self.said_protection);
        [
            (
                no_protection,
                "nothing says who is protected, so nobody is told about any pupil".to_owned(),
                "ask the vendor to send securityMarking to this client",
            ),
            (
                odd.unnamed,
                format!("{} pupils have no name, so nobody is told about them", odd.unnamed),
                "ask the vendor whether names are kept back, and why",
            ),
            (
                odd.missing_guardians,
                format!("{} guardians are named and cannot be read", odd.missing_guardians),
                "ask the vendor whether this client may read guardians",
            ),
            (
                odd.unread_numbers,
                format!("{} numbers cannot be read", odd.unread_numbers),
                "have them corrected in the school system, as 070-174 06 05",
            ),
            (
                odd.unread_addresses,
                format!("{} e-mail addresses cannot be read", odd.unread_addresses),
                "have them corrected in the school system",
            ),
            (
                odd.bad_ids,
                format!("{} people have an id that cannot be used", odd.bad_ids),
                "show this to the vendor",
            ),
        ]
        .into_iter()
        .filter(|(times, ..)| *times > 0)
        .map(|(_, what, remedy)| RosterProblem::at(Place::Whole, what, remedy))
        .collect()
    }
}

/// The name of the class: of several, that which began last.
fn class(groups: &[&Group]) -> Option<String> {
    let classes = groups.iter().filter(|group| group.group_type == Some(GroupType::Class));
    let last = classes.max_by(|a, b| (a.start_date, &a.id).cmp(&(b.start_date, &b.id)))?;
    person::name(last.display_name.as_deref())
}

fn ids(groups: &[&Group]) -> Vec<GroupId> {
    let mut ids: Vec<GroupId> =
        groups.iter().filter_map(|group| GroupId::new(group.id.clone()).ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The school year, in the school forms that count from 0 to 10.
fn year(enrolment: &Enrolment) -> Option<u8> {
    const FORMS: [&str; 6] = ["FKLASS", "GR", "GRS", "TR", "SP", "SAM"];
    let form = enrolment.school_type.as_deref();
    let counts = form.is_none_or(|form| FORMS.iter().any(|f| f.eq_ignore_ascii_case(form)));
    let year = u8::try_from(enrolment.school_year?).ok()?;
    (counts && year <= 10).then_some(year)
}

#[cfg(test)]
#[path = "join_tests.rs"]
mod tests;
