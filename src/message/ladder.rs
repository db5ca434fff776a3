//! Facts of mails about steps of a ladder and duties. A pointer: which step, what is to be done, by when and where it is
//! documented. No day of absence has a place here, nor a reason, nor what is documented.

use serde::Serialize;

use crate::model::StaffRole;

/// What a mail about a step is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LadderFacts {
    /// The school's name.
    pub school: String,
    /// The case number.
    pub case: String,
    /// Initials or name, and class, where the school wants them in mail; else empty.
    pub who: String,
    /// Nothing may be said: all else but `school`, `case`, `numbers` and `ended` is empty.
    pub hidden: bool,
    /// What duties are called by of which no more may be said; else empty.
    pub numbers: Vec<String>,
    /// What the ladder is called.
    pub ladder: String,
    /// The day from which its version is in force, `2026-08-01`.
    pub version: String,
    /// What the step is called.
    pub step: String,
    /// What the recipient is told.
    pub told: Vec<String>,
    /// The recipient's duties.
    pub duties: Vec<DutyFacts>,
    /// Roles in which nobody is registered, so that the recipient gets it instead.
    pub instead: Vec<String>,
    /// More calls fall due in an hour than the school wants.
    pub full: bool,
    /// How many duties ended since the pupil has left.
    pub ended: usize,
    /// Where they are shown and ticked; empty: there is no such page.
    pub link: String,
}

/// One duty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DutyFacts {
    /// What people call it by.
    pub number: String,
    /// What is to be done.
    pub what: String,
    /// The day by which where it is not today, `2026-11-24`; else empty.
    pub day: String,
    /// The time by which, `16.00`, the school's zone.
    pub time: String,
    /// Where it is documented; empty: it leaves nothing in writing.
    pub place: String,
    /// It was not done in time, nor in that of whoever it was handed over to.
    pub overdue: bool,
    /// It is done.
    pub done: bool,
    /// The role that had it before; empty: nobody.
    pub from: String,
    /// It was put back from a backup: it may be done already.
    pub restored: bool,
}

impl LadderFacts {
    /// Notes a role in which nobody is registered.
    pub fn missing(&mut self, instead: bool, role: StaffRole) {
        let role = role.as_str().to_owned();
        if instead && !self.instead.contains(&role) {
            self.instead.push(role);
        }
    }
}

/// A mail about a step, as templates are tried on it.
pub(super) fn sample() -> LadderFacts {
    LadderFacts {
        school: "Björkskolan".into(),
        case: "K7QM2XP".into(),
        who: String::new(),
        hidden: false,
        numbers: Vec::new(),
        ladder: "Handlingsplanen".into(),
        version: "2026-08-01".into(),
        step: "Tredje tillfället".into(),
        told: vec!["Eleven har varit borta tre gånger".into()],
        duties: vec![DutyFacts {
            number: "AB12CD3".into(),
            what: "Ring hem".into(),
            day: String::new(),
            time: "16.00".into(),
            place: "elevloggen".into(),
            ..DutyFacts::default()
        }],
        instead: Vec::new(),
        full: false,
        ended: 0,
        link: String::new(),
    }
}

/// Mails of every kind.
pub(super) fn samples() -> Vec<LadderFacts> {
    let first = sample();
    let duty = first.duties[0].clone();
    let overdue = DutyFacts {
        number: "XY98ZW7".into(),
        what: "Tala med eleven".into(),
        day: "2026-11-24".into(),
        place: String::new(),
        overdue: true,
        from: StaffRole::Mentor.as_str().into(),
        restored: true,
        ..duty.clone()
    };
    let done = DutyFacts { done: true, ..duty };
    let roles = [
        StaffRole::Mentor,
        StaffRole::AttendanceTeam,
        StaffRole::StudentHealthTeam,
        StaffRole::Principal,
        StaffRole::HeadOfEducation,
        StaffRole::HomeMunicipality,
        StaffRole::Teacher,
        StaffRole::Operations,
        StaffRole::Office,
    ];
    let full = LadderFacts {
        who: "A.E., 7B".into(),
        told: Vec::new(),
        duties: vec![done, overdue],
        instead: roles.iter().map(|role| role.as_str().to_owned()).collect(),
        full: true,
        ended: 1,
        ..first.clone()
    };
    let bare = LadderFacts { duties: Vec::new(), ended: 2, ..first.clone() };
    let linked = LadderFacts { link: "https://upprop.example.se/duty/x".into(), ..first.clone() };
    let hidden = LadderFacts {
        school: first.school.clone(),
        case: first.case.clone(),
        hidden: true,
        numbers: vec!["AB12CD3".into()],
        ended: 3,
        ..LadderFacts::default()
    };
    vec![first, full, bare, linked, hidden]
}
