//! The mail to a mentor about what the attendance team has recorded of a case. No note and no reason for an absence can
//! reach it: its facts have no place for one.

use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::engine::Failure;
use super::render::{self, MailText, RenderError};
use super::{Templates, team};
use crate::directory::SubjectIdentity;
use crate::model::{CaseWhat, Locale, Purpose};

/// The facts of one word on a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedbackFacts {
    /// The number of the case.
    pub case: String,
    /// The school's name.
    pub school_name: String,
    /// Full name.
    pub pupil_name: String,
    /// Class; empty: not known.
    pub class: String,
    /// The day, `2026-11-23`, in the school's zone.
    pub date: String,
    /// `reached`, `no-answer`, `explained` or `wrong-mark`.
    pub outcome: String,
    /// The subject's word for the pupil; filled in where it is rendered.
    pub who: String,
}

impl Templates {
    /// A mentor's mail; `identity` says how much its subject may tell of the pupil.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render_feedback(
        &self,
        locale: &Locale,
        facts: &FeedbackFacts,
        identity: SubjectIdentity,
    ) -> Result<MailText, RenderError> {
        for (name, value) in
            [("the pupil's name", &facts.pupil_name), ("the outcome", &facts.outcome)]
        {
            if value.trim().is_empty() {
                return Err(RenderError::Missing(name));
            }
        }
        Ok(mail(self, self.pick_for_staff(&[locale]), facts, identity)?)
    }
}

fn mail(
    templates: &Templates,
    locale: &Locale,
    facts: &FeedbackFacts,
    identity: SubjectIdentity,
) -> Result<MailText, Failure> {
    let who = team::named(&facts.pupil_name, &facts.class, identity);
    let facts = FeedbackFacts { who, ..facts.clone() };
    let facts = team::cleaned(serde_json::to_value(facts).unwrap_or_default());
    render::mail(templates, locale, Purpose::CaseFeedback.as_str(), &Value::from(Serde(facts)))
}

/// One, as templates are tried on it.
pub(super) fn sample() -> FeedbackFacts {
    FeedbackFacts {
        case: "K7QM2XP".into(),
        school_name: "Björkskolan".into(),
        pupil_name: "Alva Ek".into(),
        class: "7B".into(),
        date: "2026-11-23".into(),
        outcome: CaseWhat::Reached.as_str().into(),
        who: String::new(),
    }
}

/// Each that there can be.
fn samples() -> Vec<FeedbackFacts> {
    let outcomes = CaseWhat::ALL.into_iter().filter(|what| what.is_outcome());
    let of = |what: CaseWhat| FeedbackFacts { outcome: what.as_str().into(), ..sample() };
    outcomes.map(of).chain([FeedbackFacts { class: String::new(), ..sample() }]).collect()
}

/// What is wrong with a language's templates of it, tried on samples.
pub(super) fn faults(templates: &Templates, locale: &Locale) -> Vec<Failure> {
    let tried = samples().into_iter();
    tried.filter_map(|facts| mail(templates, locale, &facts, SubjectIdentity::Name).err()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_own_words_and_no_subject_names_anybody() {
        let templates = Templates::builtin();
        for tag in ["sv", "en"] {
            let locale = Locale::new(tag).expect("a tag");
            let mut seen = std::collections::BTreeSet::new();
            for facts in samples() {
                let made = |identity| {
                    templates.render_feedback(&locale, &facts, identity).expect("a mail")
                };
                let mail = made(SubjectIdentity::None);
                assert!(!mail.subject.contains("Alva") && !mail.subject.contains("7B"), "{mail:?}");
                assert!(mail.subject.contains("K7QM2XP"), "{mail:?}");
                assert!(mail.text.contains("Alva Ek") && mail.html.contains("Alva Ek"), "{mail:?}");
                assert!(made(SubjectIdentity::Name).subject.contains("Alva Ek"), "{mail:?}");
                if !facts.class.is_empty() {
                    assert!(seen.insert(mail.text.clone()), "the same words: {mail:?}");
                }
            }
            assert_eq!(seen.len(), 4);
            let nameless = FeedbackFacts { pupil_name: " ".into(), ..sample() };
            let none = templates.render_feedback(&locale, &nameless, SubjectIdentity::None);
            assert!(none.is_err());
        }
    }
}
