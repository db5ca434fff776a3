//! The report of a school day as templates see it. Protected pupils are counted here and have no name.

use serde::Serialize;

/// The facts of a school day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayReportFacts {
    /// The school's name.
    pub school: String,
    /// The day, `2026-11-20`.
    pub date: String,
    /// Pupils who were missing without a valid reason, by class and name.
    pub people: Vec<Missing>,
    /// How many more there are than are named.
    pub more: usize,
    /// How many there are of whom a mail may say nothing; they are in no other number here.
    pub unnamed: usize,
    /// How many pupils there are, the unnamed aside.
    pub pupils: usize,
    /// How many lessons they were missing from.
    pub lessons: usize,
    /// Of how many pupils somebody at home has the message.
    pub reached: usize,
    /// Of how many a message is sent and not confirmed.
    pub unconfirmed: usize,
    /// Of how many nobody is known to have been told.
    pub not_reached: usize,
}

impl DayReportFacts {
    /// Whether nobody was missing.
    pub fn is_nothing(&self) -> bool {
        self.people.is_empty() && self.unnamed == 0
    }
}

/// One pupil.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Given and family name.
    pub name: String,
    /// Class; empty: not known.
    pub class: String,
    /// The lessons, by their start.
    pub lessons: Vec<MissedLesson>,
    /// How those at home were told, the first told first; empty: nobody was.
    pub told: Vec<ToldHome>,
    /// What the team has recorded last of the case; none: nothing.
    pub phoned: Option<Phoned>,
}

/// What came of phoning home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Phoned {
    /// When it was recorded, `10.05`, the school's zone.
    pub at: String,
    /// `reached`, `no-answer`, `explained` or `wrong-mark`.
    pub what: String,
}

/// One lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissedLesson {
    /// `08.20`, the school's zone.
    pub start: String,
    /// `09.20`, the school's zone.
    pub end: String,
    /// What it is called; empty: nothing.
    pub label: String,
}

/// One way by which somebody at home was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldHome {
    /// `sms` or `email`.
    pub channel: String,
    /// When, `08.24`, the school's zone; empty: not yet.
    pub at: String,
    /// How far it has come, in the words of the event format.
    pub told: String,
}

/// Reports, as templates are tried on them.
pub(super) fn samples() -> Vec<DayReportFacts> {
    let lesson = |start: &str, label: &str| MissedLesson {
        start: start.into(),
        end: "09.20".into(),
        label: label.into(),
    };
    let told = |channel: &str, at: &str, told: &str| ToldHome {
        channel: channel.into(),
        at: at.into(),
        told: told.into(),
    };
    let one = Missing {
        name: "Alva Ek".into(),
        class: "7B".into(),
        lessons: vec![lesson("08.20", "Ma 7B"), lesson("10.10", "")],
        told: vec![told("sms", "08.24", "delivered"), told("email", "", "waiting")],
        phoned: None,
    };
    let other = Missing {
        class: String::new(),
        told: Vec::new(),
        phoned: Some(Phoned { at: "10.05".into(), what: "no-answer".into() }),
        ..one.clone()
    };
    let full = DayReportFacts {
        school: "Björkskolan".into(),
        date: "2026-11-20".into(),
        people: vec![one, other],
        more: 3,
        unnamed: 2,
        pupils: 5,
        lessons: 11,
        reached: 1,
        unconfirmed: 2,
        not_reached: 2,
    };
    let hidden = DayReportFacts {
        people: Vec::new(),
        more: 0,
        unnamed: 1,
        pupils: 0,
        lessons: 0,
        reached: 0,
        unconfirmed: 0,
        not_reached: 0,
        ..full.clone()
    };
    let short = DayReportFacts {
        people: full.people[..1].to_vec(),
        more: 0,
        unnamed: 0,
        pupils: 1,
        ..full.clone()
    };
    vec![full, hidden, short]
}

#[cfg(test)]
mod tests {
    use super::super::Templates;
    use super::super::notice::NoticeFacts;
    use super::*;
    use crate::model::{Locale, Purpose};

    #[test]
    fn each_pupil_has_lessons_and_what_was_told_and_a_call_is_named_where_one_is_known() {
        let templates = Templates::builtin();
        for (facts, tag, has, has_not) in [
            (
                &samples()[0],
                "sv",
                vec![
                    "Alva Ek, 7B\nLektioner: kl 08.20-09.20 Ma 7B, kl 10.10-09.20\n",
                    "Hem: SMS kl 08.24 (meddelandet har kommit fram), e-post (meddelandet är inte skickat än)\n",
                    "Hem: ingen meddelad\nRingt: 10.05 (inget svar)\n",
                    "5 elever, 11 lektioner.",
                    "\n\nSkickat automatiskt",
                ],
                "\n\n\n",
            ),
            (
                &samples()[2],
                "en",
                vec![
                    "Home: text 08.24 (the message has arrived)",
                    "Phoned: not phoned\n",
                    "1 pupil, 11 lessons.",
                ],
                "Kim",
            ),
            (&samples()[1], "sv", vec!["1 till får inte nämnas"], "Lektioner"),
        ] {
            let locale = Locale::new(tag).expect("a tag");
            let facts = NoticeFacts::DayReport(facts.clone());
            let mail = templates.render_notice_mail(&locale, Purpose::DayReport, &facts);
            let text = mail.expect("a mail").text.replace("\r\n", "\n");
            for words in has {
                assert!(text.contains(words), "{words:?} is not in\n{text}");
            }
            assert!(!text.contains(has_not), "{has_not:?} is in\n{text}");
        }
    }
}
