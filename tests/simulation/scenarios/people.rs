//! The people of a scenario, as its sentences describe them.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::script::Read;

/// The school, where nothing else is said.
pub const SCHOOL: &str = "skolan";

/// A pupil.
#[derive(Debug, Clone)]
pub struct Pupil {
    /// As scenarios call the pupil; also the id.
    pub name: String,
    /// What the directory has as the given name.
    pub given: String,
    pub born: Option<Date>,
    /// By their ids.
    pub schools: Vec<String>,
    pub class: String,
    pub protection: &'static str,
    pub guardians: Vec<String>,
    pub own: Contact,
    /// Guardians who must not be told of this pupil.
    pub denied: Vec<String>,
    /// Of what school year.
    pub year: Option<u8>,
    /// The mentor: somebody who teaches at the school.
    pub mentor: Option<String>,
    /// First and last days, by the guardian and the columns they stand in.
    pub days: BTreeMap<(String, &'static str), String>,
}

/// How somebody is reached.
#[derive(Debug, Clone, Default)]
pub struct Contact {
    pub phone: Option<String>,
    pub email: Option<String>,
    pub prefers_mail: bool,
    pub language: Option<String>,
    /// Also teaches at the school, as `t-NAME`.
    pub teaches: bool,
    /// The school's principal, as `t-NAME`.
    pub principal: bool,
    pub household: Option<String>,
}

fn number(at: usize) -> String {
    format!("+4670174{:04}", 600 + at)
}

/// One of a class of whom nothing is said but how many there are; somebody at home reads mail.
pub fn one_of_many(class: &str, n: usize) -> (Pupil, Contact) {
    let name = format!("{class}-{n:02}");
    let email = Some(format!("{}@hem.example", name.to_lowercase()));
    let pupil = Pupil {
        guardians: vec![format!("home of {name}")],
        class: class.to_owned(),
        given: name.clone(),
        name,
        schools: vec![SCHOOL.into()],
        born: Some(Date::constant(2013, 5, 1)),
        protection: "none",
        own: Contact::default(),
        denied: Vec::new(),
        year: None,
        mentor: None,
        days: BTreeMap::new(),
    };
    (pupil, Contact { email, ..Contact::default() })
}

/// Understands what is said of a guardian.
pub fn guardian(
    text: &str,
    at: usize,
    others: &BTreeMap<String, Contact>,
) -> Read<(String, Contact)> {
    let mut parts = text.split(", ");
    let name = parts.next().unwrap_or_default().to_owned();
    let mut contact = Contact::default();
    let mail = format!("{}@hem.example", name.to_lowercase());
    for part in parts {
        match part {
            "text" => contact.phone = Some(number(at)),
            "mail" => contact.email = Some(mail.clone()),
            "mail before text" => {
                contact = Contact {
                    phone: Some(number(at)),
                    email: Some(mail.clone()),
                    prefers_mail: true,
                    ..contact
                };
            }
            "text before mail" => {
                contact.phone = Some(number(at));
                contact.email = Some(mail.clone());
            }
            "no address" => {}
            "teaches at the school" => contact.teaches = true,
            "is the principal" => contact.principal = true,
            _ => {
                if let Some(language) = part.strip_prefix("reads ") {
                    contact.language = Some(language.into());
                } else if let Some(home) = part.strip_prefix("home ") {
                    contact.household = Some(home.into());
                } else if let Some(other) = part.strip_prefix("the number of ") {
                    let other = others.get(other).ok_or_else(|| format!("{other} comes later"))?;
                    contact.phone.clone_from(&other.phone);
                } else {
                    return Err(format!("{text:?}: {part:?} says nothing of a guardian"));
                }
            }
        }
    }
    Ok((name, contact))
}

/// Understands what is said of a pupil.
pub fn pupil(text: &str, at: usize) -> Read<Pupil> {
    let mut parts = text.split(", ");
    let name = parts.next().unwrap_or_default().to_owned();
    let mut pupil = Pupil {
        given: name.clone(),
        name,
        schools: vec![SCHOOL.into()],
        born: Some(Date::constant(2013, 5, 1)),
        class: "8A".into(),
        protection: "none",
        guardians: Vec::new(),
        own: Contact::default(),
        denied: Vec::new(),
        year: None,
        mentor: None,
        days: BTreeMap::new(),
    };
    for part in parts {
        match part {
            "protected" => pupil.protection = "protected",
            "protection unknown" => pupil.protection = "unknown",
            "no birth date" => pupil.born = None,
            "no guardians" => pupil.guardians.clear(),
            "own text" => pupil.own.phone = Some(number(300 + at)),
            _ => {
                if let Some(born) = part.strip_prefix("born ") {
                    let born = born.parse().map_err(|_| format!("{born:?} is no date"))?;
                    pupil.born = Some(born);
                } else if let Some(given) = part.strip_prefix("named ") {
                    pupil.given = given.into();
                } else if let Some(school) = part.strip_prefix("also at ") {
                    pupil.schools.push(school.to_lowercase());
                } else if let Some(class) = part.strip_prefix("class ") {
                    pupil.class = class.into();
                } else if let Some(year) = part.strip_prefix("year ") {
                    let year = year.parse().map_err(|_| format!("{year:?} is no year"))?;
                    pupil.year = Some(year);
                } else if let Some(mentor) = part.strip_prefix("mentor ") {
                    pupil.mentor = Some(mentor.into());
                } else if let Some(names) = part.strip_prefix("guardians ") {
                    pupil.guardians = names.split(" and ").map(str::to_owned).collect();
                } else if let Some(name) = part.strip_prefix("guardian ") {
                    pupil.guardians = vec![name.to_owned()];
                } else if let Some(name) = part.strip_prefix("denied ") {
                    let (name, last) = name.split_once(" until ").unwrap_or((name, ""));
                    pupil.denied.push(name.to_owned());
                    pupil.days.insert((name.to_owned(), "deny-to"), last.to_owned());
                } else if let Some((name, last)) = part.split_once(" until ") {
                    pupil.days.insert((name.to_owned(), "to"), last.to_owned());
                } else if let Some((name, first)) = part.split_once(" from ") {
                    pupil.days.insert((name.to_owned(), "from"), first.to_owned());
                } else {
                    return Err(format!("{text:?}: {part:?} says nothing of a pupil"));
                }
            }
        }
    }
    Ok(pupil)
}
