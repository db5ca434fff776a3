//! The people of a scenario as they are at a moment of it, and as the directory is told of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::people::{Contact, Pupil, SCHOOL};

/// The people as they are at the moment.
pub struct People {
    pub pupils: Vec<Pupil>,
    pub guardians: BTreeMap<String, Contact>,
}

fn write(contact: &Contact, row: &mut Value) {
    row["phone"] = contact.phone.clone().into();
    row["email"] = contact.email.clone().into();
    row["channel"] = if contact.prefers_mail { "email" } else { "sms" }.into();
    row["language"] = contact.language.clone().into();
}

impl People {
    /// What the directory is told of them.
    pub fn body(&self) -> Value {
        let (mut pupils, mut guardians) = (Vec::new(), Vec::new());
        let at_each = |pupil: &Pupil| {
            pupil.schools.iter().map(|s| (pupil.clone(), s.clone())).collect::<Vec<_>>()
        };
        for (pupil, school) in self.pupils.iter().flat_map(at_each) {
            let mut row = json!({
                "id": pupil.name, "school": school, "given-name": pupil.given,
                "class": pupil.class, "protection": pupil.protection,
                "birth-date": pupil.born.map(|born| born.to_string()), "year": pupil.year,
                "mentor": pupil.mentor.as_ref().map(|name| format!("t-{name}")),
            });
            write(&pupil.own, &mut row);
            pupils.push(row);
            for guardian in &pupil.guardians {
                let mut row = json!({
                    "pupil": pupil.name, "school": school, "guardian": guardian, "name": guardian,
                    "may-receive": true, "deny": pupil.denied.contains(guardian),
                });
                let contact = &self.guardians[guardian];
                write(contact, &mut row);
                row["household"] = contact.household.clone().into();
                for ((_, column), day) in pupil.days.iter().filter(|((of, _), _)| of == guardian) {
                    row[*column] = day.clone().into();
                }
                guardians.push(row);
            }
        }
        let teach = self.guardians.iter().filter(|(_, who)| who.teaches || who.principal);
        let staff: Vec<Value> = teach
            .map(|(name, contact)| {
                let role = if contact.principal { "principal" } else { "teacher" };
                json!({
                    "id": format!("t-{name}"), "school": SCHOOL, "role": role, "name": name,
                    "phone": contact.phone, "email": contact.email,
                })
            })
            .collect();
        json!({"pupils": pupils, "guardians": guardians, "staff": staff})
    }

    /// Whose an address is; of one that two have, the first.
    pub fn names(&self, names: &mut BTreeMap<String, String>) {
        let own = self.pupils.iter().map(|pupil| (&pupil.name, &pupil.own));
        for (name, contact) in self.guardians.iter().chain(own) {
            for address in contact.phone.iter().chain(&contact.email) {
                names.entry(address.clone()).or_insert_with(|| name.clone());
            }
        }
    }

    pub fn pupil(&mut self, name: &str) -> &mut Pupil {
        self.pupils.iter_mut().find(|pupil| pupil.name == name).expect("a pupil")
    }
}
