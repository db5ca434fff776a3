//! `OneRoster` 1.1, the CSV binding, as a directory: pupils and guardians are users, linked by `agentSourcedIds`; a
//! class of type `homeroom` is a pupil's class, and whoever teaches it the mentor. It has no word for protection:
//! unless a column of `users` says it, nobody is told about anybody.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::Kind;
use super::people::{Around, NoDirectory, Part, Read, each};
use super::values::Cells;
use crate::directory::Place;
use crate::directory::rows::{GuardianRow, PupilRow, StaffRow};
use crate::model::SchoolId;

/// Everything by `sourcedId`.
#[derive(Default)]
struct All {
    schools: BTreeMap<String, SchoolId>,
    /// Title and whether it is a homeroom.
    classes: BTreeMap<String, (String, bool)>,
    /// Classes of users, and as what.
    enrolled: BTreeMap<String, Vec<(String, String)>>,
    /// Teachers of classes.
    teachers: BTreeMap<String, BTreeSet<String>>,
    births: BTreeMap<String, String>,
    users: BTreeMap<String, User>,
}

struct User {
    place: Place,
    role: String,
    orgs: Vec<String>,
    agents: Vec<String>,
    given_name: String,
    family_name: String,
    email: Option<String>,
    phone: Option<String>,
    protection: Option<String>,
    grade: Option<String>,
}

fn text(row: Cells<'_>, column: &str) -> String {
    row.get(column).map(std::borrow::Cow::into_owned).unwrap_or_default()
}

fn some(row: Cells<'_>, column: &str) -> Option<String> {
    row.get(column).map(std::borrow::Cow::into_owned)
}

fn list(row: Cells<'_>, column: &str) -> Vec<String> {
    let text = text(row, column);
    text.split([',', '|']).map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

fn is_gone(row: Cells<'_>) -> bool {
    row.get("status").is_some_and(|status| status.eq_ignore_ascii_case("tobedeleted"))
}

/// Reads the files together.
pub(super) fn read(parts: &[Part], around: &Around) -> Result<Read, NoDirectory> {
    let (mut read, mut all) = (Read::default(), All::default());
    for part in parts {
        let had_protection = each(part, around, &mut read, |place, row| {
            if !is_gone(row) {
                all.take(part.kind, place, row, around);
            }
            Ok(())
        })?;
        read.rows.had_protection_column |= had_protection && part.kind == Kind::Users;
    }
    read.rows.pupils_incomplete = !read.problems.is_empty();
    let pupils: Vec<_> = all.users.iter().filter(|(_, user)| user.role == "student").collect();
    for (id, user) in pupils {
        let school = user.orgs.iter().find_map(|org| all.schools.get(org));
        let Some(school) = school else {
            read.passed_over += 1;
            continue;
        };
        let (class, mentor, groups) = all.class_of(id);
        let pupil = PupilRow {
            id: id.clone(),
            school: school.to_string(),
            given_name: user.given_name.clone(),
            family_name: Some(user.family_name.clone()),
            class,
            mentor,
            birth_date: all.births.get(id).cloned(),
            protection: user.protection.clone(),
            phone: user.phone.clone(),
            email: user.email.clone(),
            groups,
            year: user.grade.clone(),
            ..PupilRow::default()
        };
        read.rows.pupils.push((user.place, pupil));
        for (guardian, who) in all.guardians_of(id, user) {
            let row = GuardianRow {
                pupil: id.clone(),
                school: school.to_string(),
                guardian: guardian.clone(),
                name: Some(format!("{} {}", who.given_name, who.family_name)),
                phone: who.phone.clone(),
                email: who.email.clone(),
                // A relative answers for nobody.
                may_receive: if who.role == "relative" { "no" } else { "yes" }.into(),
                ..GuardianRow::default()
            };
            read.rows.guardians.push((who.place, row));
        }
    }
    let mentors: BTreeSet<&String> =
        read.rows.pupils.iter().filter_map(|(_, pupil)| pupil.mentor.as_ref()).collect();
    let teachers = all.users.iter().filter(|(_, user)| user.role == "teacher");
    for (id, user) in teachers {
        let Some(school) = user.orgs.iter().find_map(|org| all.schools.get(org)) else { continue };
        let row = StaffRow {
            id: id.clone(),
            school: Some(school.to_string()),
            role: if mentors.contains(id) { "mentor" } else { "teacher" }.into(),
            name: Some(format!("{} {}", user.given_name, user.family_name)),
            email: user.email.clone(),
            phone: user.phone.clone(),
            municipality: None,
        };
        read.rows.staff.push((user.place, row));
    }
    Ok(read)
}

impl All {
    fn take(&mut self, kind: Kind, place: Place, row: Cells<'_>, around: &Around) {
        let id = text(row, "sourcedId");
        match kind {
            Kind::Orgs => {
                let names = [some(row, "name"), some(row, "identifier"), Some(id.clone())];
                let called = |name: &String| {
                    let called = around.settings.meaning.schools.get(&name.to_lowercase()).cloned();
                    called.or_else(|| SchoolId::new(name.as_str()).ok())
                };
                let allowed = around.settings.schools.as_ref().unwrap_or(&around.schools);
                let mut found = names.iter().flatten().filter_map(called);
                if let Some(school) = found.find(|school| allowed.contains(school)) {
                    self.schools.insert(id, school);
                }
            }
            Kind::Classes => {
                let is_homeroom = text(row, "classType").eq_ignore_ascii_case("homeroom");
                self.classes.insert(id, (text(row, "title"), is_homeroom));
            }
            Kind::Enrollments => {
                let (class, user) = (text(row, "classSourcedId"), text(row, "userSourcedId"));
                let role = text(row, "role").to_lowercase();
                if role == "teacher" {
                    self.teachers.entry(class.clone()).or_default().insert(user.clone());
                }
                self.enrolled.entry(user).or_default().push((class, role));
            }
            Kind::Demographics => {
                if let Some(birth) = some(row, "birthDate") {
                    self.births.insert(id, birth);
                }
            }
            _ => {
                let user = User {
                    place,
                    role: text(row, "role").to_lowercase(),
                    orgs: list(row, "orgSourcedIds"),
                    agents: list(row, "agentSourcedIds"),
                    given_name: text(row, "givenName"),
                    family_name: text(row, "familyName"),
                    email: some(row, "email"),
                    phone: some(row, "sms").or_else(|| some(row, "phone")),
                    protection: some(row, "protection"),
                    grade: list(row, "grades").into_iter().next(),
                };
                self.users.insert(id, user);
            }
        }
    }

    /// A pupil's class, its first teacher, and all groups.
    fn class_of(&self, pupil: &str) -> (Option<String>, Option<String>, Vec<String>) {
        let mut class = (None, None);
        let mut groups = Vec::new();
        for (id, role) in self.enrolled.get(pupil).into_iter().flatten() {
            if role != "student" {
                continue;
            }
            groups.push(id.clone());
            if let Some((title, true)) = self.classes.get(id) {
                let teacher = self.teachers.get(id).and_then(BTreeSet::first);
                let teacher = teacher.filter(|id| self.users.contains_key(*id)).cloned();
                class = (Some(title.clone()), teacher);
            }
        }
        (class.0, class.1, groups)
    }

    /// Those whom the pupil names, and those who name the pupil.
    fn guardians_of<'a>(&'a self, pupil: &str, user: &'a User) -> BTreeMap<&'a String, &'a User> {
        let is_guardian =
            |user: &User| matches!(user.role.as_str(), "guardian" | "parent" | "relative");
        let named = user.agents.iter().filter_map(|id| self.users.get_key_value(id));
        let naming = self
            .users
            .iter()
            .filter(|(_, who)| is_guardian(who) && who.agents.iter().any(|id| id == pupil));
        named.chain(naming).filter(|(_, who)| is_guardian(who)).collect()
    }
}
