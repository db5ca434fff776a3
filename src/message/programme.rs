//! Reminders of sessions of preventive programmes as templates see them. They have no place for a pupil.

use serde::Serialize;

/// The facts of a reminder to the staff of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProgrammeFacts {
    /// The school's name.
    pub school: String,
    /// The class.
    pub class: String,
    /// To be held soon, in order.
    pub coming: Vec<SessionFacts>,
    /// Should have been held, and nothing says that they were.
    pub overdue: Vec<SessionFacts>,
    /// Whether it is the team that reads it, else a mentor of the class.
    pub for_team: bool,
    /// Names of the mentors who get the same; empty: none does.
    pub mentors: String,
    /// The command by which a session is recorded, but for its number.
    pub command: String,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionFacts {
    /// The programme's name.
    pub programme: String,
    /// Its number in it.
    pub number: u32,
    /// How many the programme has.
    pub of: usize,
    /// What it is about.
    pub title: String,
    /// What those who hold it need to know.
    pub text: String,
    /// By which day it is to be held, `2026-11-20`.
    pub due: String,
    /// The week of the year that this day is in (ISO 8601).
    pub week: i8,
    /// Whether it was moved there.
    pub moved: bool,
}

/// Reminders, as templates are tried on them.
pub(super) fn samples() -> Vec<ProgrammeFacts> {
    let session = |number, moved| SessionFacts {
        programme: "7TJUGO".into(),
        number,
        of: 5,
        title: "Sömn, vanor och morgnar".into(),
        text: "Tala om vad sömn gör med orken. Kom överens om en sak att pröva.".into(),
        due: "2026-11-20".into(),
        week: 47,
        moved,
    };
    let full = ProgrammeFacts {
        school: "Björkskolan".into(),
        class: "4A".into(),
        coming: vec![session(3, false), session(4, true)],
        overdue: vec![session(1, true), session(2, false)],
        for_team: true,
        mentors: "Kim Holm, Lo Ek".into(),
        command: "upprop programme held bjork 4A".into(),
    };
    let mentors = ProgrammeFacts { for_team: false, overdue: Vec::new(), ..full.clone() };
    let nobody = ProgrammeFacts { mentors: String::new(), coming: Vec::new(), ..full.clone() };
    vec![full, mentors, nobody]
}

#[cfg(test)]
mod tests {
    use super::super::Templates;
    use super::super::notice::NoticeFacts;
    use super::*;
    use crate::model::{Locale, Purpose};

    fn made(tag: &str, facts: ProgrammeFacts) -> (String, String) {
        let locale = Locale::new(tag).expect("a tag");
        let facts = NoticeFacts::Programme(facts);
        let templates = Templates::builtin();
        let mail = templates.render_notice_mail(&locale, Purpose::ProgrammeReminder, &facts);
        let mail = mail.expect("a mail");
        (mail.subject, mail.text.replace("\r\n", "\n"))
    }

    #[test]
    fn a_reminder_says_what_is_to_be_done_by_whom_and_what_to_look_for() {
        let [full, mentors, nobody] = &samples()[..] else { panic!("three") };
        let (subject, text) = made("sv", full.clone());
        assert_eq!(subject, "Förebyggande program i 4A: 2 pass på gång, 2 utan anteckning");
        for words in [
            "7TJUGO, pass 3 av 5: Sömn, vanor och morgnar\nHålls senast 2026-11-20, vecka 47\nTala om",
            "Hålls senast 2026-11-20, vecka 47, flyttat hit\n",
            "Skulle ha hållits senast 2026-11-20",
            "Mentor: Kim Holm, Lo Ek\n",
            "upprop programme held bjork 4A, följt av",
            "Yttre tecken: sena ankomster",
            "Inre tecken: oro",
            "Lyssna först",
            "\n\nSkickat automatiskt",
        ] {
            assert!(text.contains(words), "{words:?} is not in\n{text}");
        }
        let (subject, text) = made("en", mentors.clone());
        assert_eq!(subject, "Preventive programme in 4A: 2 coming up");
        assert!(text.contains("Tell the attendance team") && !text.contains("Kim Holm"), "{text}");
        assert!(!text.contains("Not recorded") && text.contains("Outer signs: late"), "{text}");
        let (subject, text) = made("en", nobody.clone());
        assert_eq!(subject, "Preventive programme in 4A: 2 not recorded");
        assert!(text.contains("No mentor has got this") && !text.contains("Coming up"), "{text}");
        for tag in ["sv", "en"] {
            for facts in samples() {
                let (_, text) = made(tag, facts);
                assert!(!text.contains("\n\n\n"), "{text}");
            }
        }
    }
}
