//! What the texts of a school will look like and cost, before anybody gets one: every text template
//! in every language and case, with an ordinary name and the longest there can be.

use std::collections::BTreeSet;

use super::clean::SMS_NAME;
use super::guest::TestFacts;
use super::sms::Parts;
use super::{RenderError, Templates, notice, render, samples};
use crate::model::{Locale, Purpose};

/// A name as most are.
const ORDINARY: &str = "Alva";
/// A letter of the longest name that travels in the 7-bit alphabet.
const LONG: &str = "a";
/// A letter outside it, as wide as one can be: with one in the name, less than half as much fits a
/// part.
const OUTSIDE: &str = "\u{10400}";
const A_LONG_NAME: &str = "the longest name of GSM-7 letters";
const A_NAME_OUTSIDE: &str = "the longest name outside GSM-7";

/// One text as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The language.
    pub locale: Locale,
    /// The template's name: `sms/sv/absence.txt`.
    pub template: String,
    /// What is special about it, and the kind of name: `absence, further; an ordinary name`.
    pub sample: String,
    /// The text.
    pub text: String,
    /// Its size.
    pub parts: Parts,
    /// Made with the ordinary name.
    pub ordinary: bool,
}

/// A text that takes more parts than the school allows, whatever is left of the name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{template} ({sample}) takes {} parts ({} units, {}), and `max-parts` is {max_parts}",
    parts.parts, parts.units, parts.encoding.as_str()
)]
pub struct TooLong {
    /// The template's name.
    pub template: String,
    /// As in [`Preview`].
    pub sample: String,
    /// Its size.
    pub parts: Parts,
    /// The school's limit.
    pub max_parts: u32,
}

impl TooLong {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        let parts = self.parts.parts;
        format!("write max-parts = {parts} or more, or shorten the template or the school's name")
    }
}

/// Every text template × language × case × name, with a school's own name, number and cap on parts:
/// the name is shortened as it would be at sending.
///
/// # Errors
/// When the school's name or number is empty; the templates themselves were tried at load.
pub fn previews(
    templates: &Templates,
    school: &str,
    phone: &str,
    max_parts: u32,
) -> Result<Vec<Preview>, RenderError> {
    let longest = (LONG.repeat(SMS_NAME), OUTSIDE.repeat(SMS_NAME));
    let names =
        [(ORDINARY, "an ordinary name"), (&longest.0, A_LONG_NAME), (&longest.1, A_NAME_OUTSIDE)];
    let mut previews = Vec::new();
    for locale in templates.locales() {
        let made = templates.test_sms(locale, &TestFacts::sample(school, phone))?;
        previews.push(Preview {
            locale: locale.clone(),
            template: render::sms_name(locale, Purpose::Test),
            sample: Purpose::Test.as_str().into(),
            text: made.text,
            parts: made.parts,
            ordinary: true,
        });
        for (lesson, kind) in [("Ma 7B", "an ordinary lesson"), (&longest.0, "the longest lesson")]
        {
            let purpose = Purpose::RegisterNudge;
            let facts = notice::sample_register(lesson, school);
            let made = templates.register_sms(locale, purpose, &facts, max_parts)?;
            previews.push(Preview {
                locale: locale.clone(),
                template: render::sms_name(locale, purpose),
                sample: format!("{}; {kind}", purpose.as_str()),
                text: made.text,
                parts: made.parts,
                ordinary: lesson != longest.0,
            });
        }
        for (name, kind) in names {
            for sample in samples::guardians(name, school, phone) {
                let made =
                    templates.shortest_sms(locale, sample.purpose, &sample.facts, max_parts)?;
                previews.push(Preview {
                    locale: locale.clone(),
                    template: render::sms_name(locale, sample.purpose),
                    sample: format!("{}; {kind}", sample.name),
                    text: made.text,
                    parts: made.parts,
                    ordinary: name == ORDINARY,
                });
            }
        }
    }
    Ok(previews)
}

/// The texts over the limit: of each template the longest, and the longest first.
pub fn too_long(previews: &[Preview], max_parts: u32) -> Vec<TooLong> {
    let mut over: Vec<&Preview> =
        previews.iter().filter(|preview| preview.parts.parts > max_parts).collect();
    over.sort_by_key(|preview| std::cmp::Reverse((preview.parts.parts, preview.parts.units)));
    let mut seen = BTreeSet::new();
    over.retain(|preview| seen.insert(&preview.template));
    over.into_iter()
        .map(|preview| TooLong {
            template: preview.template.clone(),
            sample: preview.sample.clone(),
            parts: preview.parts,
            max_parts,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::sms::Encoding;

    const PHONE: &str = "070-174 06 05";

    fn built_in(school: &str, max_parts: u32) -> Vec<Preview> {
        previews(&Templates::builtin(), school, PHONE, max_parts).expect("texts")
    }

    #[test]
    fn every_template_language_case_and_name_is_tried() {
        let previews = built_in("Björkskolan", 3);
        let cases = samples::guardians(ORDINARY, "Björkskolan", PHONE).len();
        assert_eq!(previews.len(), Templates::builtin().locales().count() * (cases * 3 + 3));
        for sample in [
            "test",
            "absence, adult, earlier day, further, renewed, registered late; an ordinary name",
            "absence, earlier day, further, registered late; the longest name of GSM-7 letters",
            "correction, yesterday, arrived, time known; the longest name outside GSM-7",
        ] {
            assert_eq!(previews.iter().filter(|p| p.sample == sample).count(), 2, "{sample}");
        }
        let longest = previews.iter().find(|p| p.sample.contains("absence; the longest name of"));
        let longest = longest.expect("a preview");
        assert_eq!(longest.parts.encoding, Encoding::Gsm7);
        assert!(longest.text.contains(&LONG.repeat(SMS_NAME)), "{}", longest.text);
    }

    #[test]
    fn the_built_in_texts_keep_to_the_usual_limit() {
        for school in ["Björkskolan", "Internationella skolan Almby"] {
            assert_eq!(too_long(&built_in(school, 3), 3), [], "{school}");
        }
    }

    #[test]
    fn what_is_over_the_limit_is_told_once_a_template() {
        let found = too_long(&built_in("Björkskolan", 1), 1);
        let templates: BTreeSet<_> = found.iter().map(|text| text.template.as_str()).collect();
        assert_eq!((templates.len(), found.len()), (4, 4), "{found:?}");
        let first = &found[0];
        assert!(first.to_string().contains("takes 3 parts"), "{first}");
        assert!(first.to_string().contains("`max-parts` is 1"), "{first}");
        assert!(first.remedy().starts_with("write max-parts = 3 or more"), "{}", first.remedy());
        let wordy = "Björkskolans grundskola med fritidshem och anpassad skola";
        let found = too_long(&built_in(wordy, 3), 3);
        assert!(found[0].sample.ends_with(A_NAME_OUTSIDE), "{found:?}");
        assert_eq!(too_long(&built_in(wordy, 4), 4), []);
        assert_eq!(
            previews(&Templates::builtin(), "", PHONE, 3),
            Err(RenderError::Missing("the school's name"))
        );
    }
}
