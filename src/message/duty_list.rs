//! The list of what somebody has left to do, as templates see it. A pointer, as mails about steps are: no day of absence has
//! a place here, nor a reason. Duties about protected pupils are counted and have no case.

use serde::Serialize;

use crate::model::StaffRole;

/// The facts of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DutyListFacts {
    /// The school's name.
    pub school: String,
    /// The day, `2026-11-24`.
    pub date: String,
    /// Duties, those first that are left for longest.
    pub duties: Vec<LeftFacts>,
    /// How many more there are than are told of.
    pub more: usize,
    /// How many there are of which a mail may say nothing.
    pub unnamed: usize,
    /// Roles in which nobody is registered, so that the recipient gets it instead.
    pub instead: Vec<String>,
    /// All of it is so old that the list comes once a week.
    pub weekly: bool,
    /// The command by which they are listed.
    pub command: String,
    /// The page on which they are worked on; empty: there is none.
    pub link: String,
}

/// A duty that is left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LeftFacts {
    /// The case number.
    pub case: String,
    /// Initials or name, and class, where the school wants them in mail; else empty.
    pub who: String,
    /// What people call it by.
    pub number: String,
    /// What is to be done.
    pub what: String,
    /// The day since which it is overdue, or done, `2026-11-23`.
    pub since: String,
    /// Where it is documented; empty: it leaves nothing in writing.
    pub place: String,
    /// It is done, and not documented; else it is overdue.
    pub undocumented: bool,
    /// It was put back from a backup: it may be done already.
    pub restored: bool,
}

impl DutyListFacts {
    /// Notes a role in which nobody is registered.
    pub fn missing(&mut self, instead: bool, role: StaffRole) {
        let role = role.as_str().to_owned();
        if instead && !self.instead.contains(&role) {
            self.instead.push(role);
        }
    }
}

/// Lists, as templates are tried on them.
pub(super) fn samples() -> Vec<DutyListFacts> {
    let overdue = LeftFacts {
        case: "K7QM2XP".into(),
        who: String::new(),
        number: "AB12CD3".into(),
        what: "Ring hem".into(),
        since: "2026-11-23".into(),
        place: "elevloggen".into(),
        undocumented: false,
        restored: false,
    };
    let done = LeftFacts {
        who: "A.E., 7B".into(),
        number: "XY98ZW7".into(),
        undocumented: true,
        restored: true,
        ..overdue.clone()
    };
    let bare = LeftFacts { place: String::new(), ..overdue.clone() };
    let one = DutyListFacts {
        school: "Björkskolan".into(),
        date: "2026-11-24".into(),
        duties: vec![overdue.clone()],
        command: "upprop duty list --school bjork --overdue".into(),
        ..DutyListFacts::default()
    };
    let full = DutyListFacts {
        duties: vec![overdue, done, bare],
        more: 3,
        unnamed: 2,
        instead: vec![StaffRole::Mentor.as_str().into()],
        weekly: true,
        link: "https://upprop.example.se/duty/x".into(),
        ..one.clone()
    };
    let hidden = DutyListFacts { duties: Vec::new(), unnamed: 1, ..one.clone() };
    vec![one, full, hidden]
}

#[cfg(test)]
mod tests {
    use super::super::Templates;
    use super::super::notice::NoticeFacts;
    use super::*;
    use crate::model::{Locale, Purpose};

    fn made(tag: &str, facts: DutyListFacts) -> (String, String) {
        let locale = Locale::new(tag).expect("a tag");
        let facts = NoticeFacts::DutyList(facts);
        let mail = Templates::builtin().render_notice_mail(&locale, Purpose::DutyList, &facts);
        let mail = mail.expect("a mail");
        (mail.subject, mail.text.replace("\r\n", "\n"))
    }

    #[test]
    fn a_list_says_what_is_left_since_when_and_where_it_is_documented() {
        let [one, full, hidden] = &samples()[..] else { panic!("three") };
        let (subject, text) = made("sv", one.clone());
        assert_eq!(subject, "Kvar att göra 2026-11-24: 1 uppgift");
        for words in [
            "Ärende: K7QM2XP\nAtt göra: Ring hem\nInte gjort i tid: sedan 2026-11-23\n",
            "Dokumenteras i: elevloggen\nNummer: AB12CD3\n",
            "upprop duty done NUMMER",
            "\n\nSkickat automatiskt",
        ] {
            assert!(text.contains(words), "{words:?} is not in\n{text}");
        }
        for words in ["Elev:", "en gång i veckan", "Ytterligare", "får inte nämnas", "Ingen är"]
        {
            assert!(!text.contains(words), "{words:?} is in\n{text}");
        }
        let (subject, text) = made("en", full.clone());
        assert_eq!(subject, "Left to do 2026-11-24: 8 duties");
        for words in [
            "Pupil: A.E., 7B\nTo do: Ring hem\nDone, not documented: since 2026-11-23\n",
            "3 more are in upprop.",
            "2 more may not be told of here.",
            "upprop duty list --school bjork --overdue",
            "once a week",
            "Nobody is registered as mentor.",
            "restored from a backup",
        ] {
            assert!(text.contains(words), "{words:?} is not in\n{text}");
        }
        let (_, text) = made("sv", hidden.clone());
        assert!(text.contains("1 till får inte nämnas här") && !text.contains("NUMMER"), "{text}");
        for tag in ["sv", "en"] {
            for facts in samples() {
                let (_, text) = made(tag, facts);
                assert!(!text.contains("\n\n\n"), "{text}");
            }
        }
    }
}
