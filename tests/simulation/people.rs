//! Who is who in a made-up world: schools, pupils and guardians, each version of the directory, and who may
//! be told by each, by rules written down a second time and more simply than in the house.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::chance::Chance;

/// The principal of all schools.
const PRINCIPAL: &str = "rektor@skola.example";
/// Pupils of each school.
const PUPILS: usize = 6;

/// How a school is set up.
pub struct School {
    pub id: &'static str,
    pub mode: &'static str,
    pub grace_secs: u64,
    /// How long a mark must have stood before what was told is put right.
    pub settle_secs: u64,
    /// Minutes of the wall clock's day, from and to.
    pub quiet: Option<(u64, u64)>,
    /// Texts an hour, and at once.
    pub rate: Option<(u64, u64)>,
    pub guests: BTreeSet<String>,
    /// What it has chosen about further lessons, siblings and a day's cap.
    pub fatigue: &'static str,
    /// Whether it follows a ladder.
    pub has_ladder: bool,
}

/// How somebody is reached.
#[derive(Clone, Default)]
pub struct Contact {
    pub phone: Option<String>,
    pub email: Option<String>,
    /// Which of two comes first.
    prefers_mail: bool,
}

impl Contact {
    fn addresses(&self) -> Vec<String> {
        self.phone.iter().chain(&self.email).cloned().collect()
    }

    fn write(&self, row: &mut Value) {
        // As people type it.
        row["phone"] = self.phone.as_ref().map(|p| p.replacen("+46", "0", 1)).into();
        row["email"] = self.email.clone().into();
        row["channel"] = if self.prefers_mail { "email" } else { "sms" }.into();
    }
}

/// A pupil as a version of the directory has it.
#[derive(Clone)]
pub struct Pupil {
    pub school: usize,
    /// `none`, `protected`, `unknown`.
    pub protection: &'static str,
    born: Date,
    own: Contact,
    /// Guardians, and whether each is denied.
    guardians: BTreeMap<String, bool>,
}

/// One version of the directory.
#[derive(Clone)]
pub struct Roster {
    pub pupils: BTreeMap<String, Pupil>,
    guardians: BTreeMap<String, Contact>,
}

fn number(n: usize) -> String {
    format!("+4670174{:04}", 600 + n)
}

/// The name of a pupil; nothing else in a message looks like it.
pub fn name(pupil: &str) -> String {
    format!("Qv{}x", pupil.replace('-', ""))
}

fn years_before(day: Date, years: i16) -> Date {
    Date::new(day.year() - years, day.month(), day.day()).expect("a day")
}

impl Roster {
    /// The first version; `first` is the first of the days to come.
    pub fn new(c: &Chance, schools: &[School], first: Date) -> Self {
        let tomorrow = first.tomorrow().expect("a day");
        let mut roster = Self { pupils: BTreeMap::new(), guardians: BTreeMap::new() };
        for (at, school) in schools.iter().enumerate() {
            for i in 0..PUPILS {
                let everybody = at * PUPILS + i;
                let protection = match i {
                    0 => "protected",
                    1 if c.percent(50) => "unknown",
                    _ => "none",
                };
                let born = match i {
                    2 => years_before(first, 20),
                    // Comes of age on the second day.
                    3 if c.percent(50) => years_before(tomorrow, 18),
                    _ => years_before(first, 12),
                };
                let mut guardians = BTreeMap::new();
                for parent in 0..=c.roll(0..=1) {
                    // The last pupil has the guardians of the one before: siblings.
                    let owner = if i == PUPILS - 1 { everybody - 1 } else { everybody };
                    let id = format!("g{owner}-{parent}");
                    let n = owner * 2 + usize::try_from(parent).expect("small");
                    let kind = c.roll(0..=9);
                    roster.guardians.entry(id.clone()).or_insert_with(|| Contact {
                        phone: (kind != 0).then(|| number(n + 5)),
                        email: (kind <= 4).then(|| format!("{id}@hem.example")),
                        prefers_mail: kind <= 2,
                    });
                    guardians.insert(id, false);
                }
                let own = Contact { phone: Some(number(60 + everybody)), ..Contact::default() };
                let pupil = Pupil { school: at, protection, born, own, guardians };
                roster.pupils.insert(format!("{}-{i}", school.id), pupil);
            }
        }
        roster
    }

    /// The next version: something happens to somebody. Says what.
    pub fn changed(&self, c: &Chance) -> (Self, &'static str) {
        let mut next = self.clone();
        let ids: Vec<String> = self.pupils.keys().cloned().collect();
        let pupil = next.pupils.get_mut(c.pick(&ids)).expect("a pupil");
        let denied = pupil.guardians.values().copied().next().unwrap_or(false);
        let guardian = pupil.guardians.keys().next().expect("one").clone();
        let what = match c.roll(0..=5) {
            0 | 1 => {
                let was = std::mem::replace(&mut pupil.protection, "protected");
                if was == "none" { CHANGES[0] } else { CHANGES[4] }
            }
            2 if pupil.protection != "none" => {
                pupil.protection = "none";
                CHANGES[1]
            }
            2 | 3 => {
                pupil.guardians.insert(guardian, !denied);
                CHANGES[2]
            }
            _ => {
                let contact = next.guardians.get_mut(&guardian).expect("a guardian");
                contact.phone = Some(number(usize::try_from(c.roll(84..=99)).expect("small")));
                CHANGES[3]
            }
        };
        // All of them at once: more than the gateway takes unasked.
        if what == CHANGES[1] && c.percent(50) {
            for pupil in next.pupils.values_mut() {
                pupil.protection = if pupil.protection == "unknown" { "unknown" } else { "none" };
            }
        }
        (next, what)
    }

    /// The body of a load.
    pub fn body(&self, schools: &[School]) -> Value {
        let mut rows = Vec::new();
        let mut links = Vec::new();
        for (id, pupil) in &self.pupils {
            let school = schools[pupil.school].id;
            let mut row = json!({
                "id": id, "school": school, "given-name": name(id),
                "birth-date": pupil.born.to_string(), "protection": pupil.protection,
            });
            pupil.own.write(&mut row);
            rows.push(row);
            for (guardian, denied) in &pupil.guardians {
                let mut link = json!({
                    "pupil": id, "school": school, "guardian": guardian,
                    "may-receive": true, "deny": denied,
                });
                self.guardians[guardian].write(&mut link);
                links.push(link);
            }
        }
        let principal = json!({"id": "rektor", "role": "principal", "email": PRINCIPAL});
        json!({"pupils": rows, "guardians": links, "staff": [principal]})
    }

    /// Who may be told about a pupil on a day, as `Recipient::key` names them, and where.
    pub fn may_hear(&self, pupil: &str, on: Date) -> Vec<(String, Vec<String>)> {
        let pupil = &self.pupils[pupil];
        if pupil.protection != "none" {
            return Vec::new();
        }
        if pupil.born <= years_before(on, 18) {
            return vec![("pupil".into(), pupil.own.addresses())];
        }
        let told = pupil.guardians.iter().filter(|(_, denied)| !**denied);
        told.map(|(id, _)| (format!("guardian:{id}"), self.guardians[id].addresses())).collect()
    }

    /// Whether a pupil is the same in another version, guardians and all.
    pub fn is_same(&self, pupil: &str, other: &Self, on: &[Date]) -> bool {
        on.iter().all(|day| self.may_hear(pupil, *day) == other.may_hear(pupil, *day))
    }

    /// All addresses of guardians.
    pub fn addresses(&self) -> Vec<String> {
        self.guardians.values().flat_map(Contact::addresses).collect()
    }
}

/// What happens to people while the daemon runs.
pub const CHANGES: &[&str] = &[
    "pupil becomes protected",
    "pupil is protected no longer",
    "guardian is denied, or allowed again",
    "guardian gets another number",
    "pupil stays protected",
];

/// What a school may choose about further lessons, siblings and a day's cap. What it leaves to the team alone is told to
/// nobody at home, and is looked at in the table of scenarios.
pub const FATIGUE: [&str; 6] = [
    "",
    "further-lessons = \"end-of-day\"\n",
    "siblings = \"merged\"\nsiblings-gather = \"40s\"\n",
    "further-lessons = \"end-of-day\"\nend-of-day-at = \"12:00\"\nsiblings = \"merged\"\n",
    "most-a-day = 2\nend-of-day-at = \"14:30\"\n",
    "further-lessons = \"short\"\nmost-a-day = 2\nsiblings = \"merged\"\n",
];

/// The schools of a world.
pub fn schools(c: &Chance) -> Vec<School> {
    let quiet = [None, Some((21 * 60, 7 * 60)), Some((22 * 60, 2 * 60 + 30))];
    let school = |id, mode| School {
        id,
        mode,
        grace_secs: *c.pick(&[0, 0, 90]),
        settle_secs: *c.pick(&[0, 20, 60]),
        quiet: *c.pick(&quiet),
        rate: *c.pick(&[None, Some((40, 2))]),
        guests: BTreeSet::new(),
        fatigue: "",
        has_ladder: false,
    };
    vec![
        school("live", "live"),
        school("other", "live"),
        school("guests", "guests"),
        school("shadow", "shadow"),
    ]
}
