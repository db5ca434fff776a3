//! What the texts of a school will look like and cost, before anybody gets one: every text template
//! in every language and case, with an ordinary name and the longest there can be.

use std::collections::BTreeSet;

use super::clean::SMS_NAME;
use super::guest::TestFacts;
use super::sms::Parts;
use super::{RenderError, Templates, Wording, notice, render, samples};
use crate::directory::{School, Translations};
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
    /// The parts of what is sent: less than the whole where that does not fit and something else does.
    pub sent: u32,
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
    /// The language.
    pub locale: Locale,
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

/// What the texts of one template take in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// `absence`.
    pub what: String,
    /// Parts with an ordinary name, least and most.
    pub ordinary: (u32, u32),
    /// Parts of the longest there can be.
    pub longest: u32,
}

/// Every text template × language × case × name, with a school's own name, number and cap on parts:
/// the name is shortened as it would be at sending, and the school's language stands below where the
/// school has chosen so.
///
/// # Errors
/// When the school's name or number is empty; the templates themselves were tried at load.
pub fn previews(
    templates: &Templates,
    school: &School,
    languages: &BTreeSet<Locale>,
) -> Result<Vec<Preview>, RenderError> {
    let (called, phone, max_parts) = (&school.name, &school.phone, school.max_parts);
    let schools = templates.wording(school, &school.locale).schools;
    let both = school.languages.translations == Translations::WithSchools;
    let longest = (LONG.repeat(SMS_NAME), OUTSIDE.repeat(SMS_NAME));
    let names =
        [(ORDINARY, "an ordinary name"), (&longest.0, A_LONG_NAME), (&longest.1, A_NAME_OUTSIDE)];
    let mut previews = Vec::new();
    for locale in languages.iter().filter(|locale| templates.has(locale)) {
        let made = templates.test_sms(locale, &TestFacts::sample(called, phone))?;
        previews.push(Preview {
            locale: locale.clone(),
            template: render::sms_name(locale, Purpose::Test),
            sample: Purpose::Test.as_str().into(),
            text: made.text,
            parts: made.parts,
            sent: made.parts.parts,
            ordinary: true,
        });
        let lessons = [("Ma 7B", "an ordinary lesson"), (&longest.0, "the longest lesson")];
        for (lesson, kind) in lessons.into_iter().filter(|_| templates.is_complete(locale)) {
            let purpose = Purpose::RegisterNudge;
            let facts = notice::sample_register(lesson, called);
            let made = templates.register_sms(locale, purpose, &facts, max_parts)?;
            previews.push(Preview {
                locale: locale.clone(),
                template: render::sms_name(locale, purpose),
                sample: format!("{}; {kind}", purpose.as_str()),
                text: made.text,
                parts: made.parts,
                sent: made.parts.parts,
                ordinary: lesson != longest.0,
            });
        }
        let wording = Wording {
            language: locale.clone(),
            schools: schools.clone(),
            both: both && *locale != schools,
            instead: None,
        };
        for (name, kind) in names {
            let digests = samples::digests(name, called, phone);
            for sample in samples::guardians(name, called, phone).into_iter().chain(digests) {
                let (purpose, facts) = (sample.purpose, &sample.facts);
                let made = templates.shortest_sms(&wording.whole(), purpose, facts, max_parts)?;
                let mut sent = made.parts.parts;
                if sent > max_parts {
                    let less = templates.worded_sms(&wording, purpose, facts, max_parts);
                    sent = less.map_or(sent, |(text, _)| text.parts.parts);
                }
                previews.push(Preview {
                    locale: locale.clone(),
                    template: render::stem_name(locale, facts.stem(purpose)),
                    sample: format!("{}; {kind}", sample.name),
                    text: made.text,
                    parts: made.parts,
                    sent,
                    ordinary: name == ORDINARY,
                });
            }
        }
    }
    Ok(previews)
}

/// What texts in a language take, by template.
pub fn sizes(previews: &[Preview], locale: &Locale) -> Vec<Size> {
    let mut sizes: Vec<Size> = Vec::new();
    for preview in previews.iter().filter(|preview| preview.locale == *locale) {
        let file = preview.template.rsplit('/').next().unwrap_or_default();
        let what = file.trim_end_matches(".txt");
        let parts = preview.sent;
        let at = sizes.iter().position(|size| size.what == what).unwrap_or_else(|| {
            sizes.push(Size { what: what.into(), ordinary: (u32::MAX, 0), longest: 0 });
            sizes.len() - 1
        });
        let size = &mut sizes[at];
        size.longest = size.longest.max(parts);
        if preview.ordinary {
            size.ordinary = (size.ordinary.0.min(parts), size.ordinary.1.max(parts));
        }
    }
    sizes
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
            locale: preview.locale.clone(),
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

    fn school(name: &str, max_parts: u32) -> School {
        School {
            name: name.into(),
            phone: PHONE.into(),
            max_parts,
            ..crate::directory::testing::settings()
        }
    }

    fn tags(tags: &[&str]) -> BTreeSet<Locale> {
        tags.iter().map(|tag| Locale::new(tag).expect("a tag")).collect()
    }

    fn built_in(name: &str, max_parts: u32) -> Vec<Preview> {
        let languages = tags(&["sv", "en"]);
        previews(&Templates::builtin(), &school(name, max_parts), &languages).expect("texts")
    }

    #[test]
    fn every_template_language_case_and_name_is_tried() {
        let previews = built_in("Björkskolan", 3);
        let cases = samples::guardians(ORDINARY, "Björkskolan", PHONE).len()
            + samples::digests(ORDINARY, "Björkskolan", PHONE).len();
        assert_eq!(previews.len(), 2 * (cases * 3 + 3));
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
        let templates = Templates::builtin();
        let all: BTreeSet<Locale> = templates.locales().cloned().collect();
        for name in ["Björkskolan", "Internationella skolan Almby"] {
            let previews = previews(&templates, &school(name, 3), &all).expect("texts");
            assert_eq!(too_long(&previews, 3), [], "{name}");
        }
    }

    #[test]
    fn sizes_are_those_of_the_texts_and_of_both_languages_where_both_are_sent() {
        let templates = Templates::builtin();
        let mut school = school("Björkskolan", 9);
        let of = |school: &School, tag| {
            let previews = previews(&templates, school, &tags(&[tag])).expect("texts");
            let sizes = sizes(&previews, &Locale::new(tag).expect("a tag"));
            let names: Vec<&str> = sizes.iter().map(|size| size.what.as_str()).collect();
            (names.join(" "), sizes.iter().find(|s| s.what == "absence").expect("it").clone())
        };
        let (names, alone) = of(&school, "ar");
        assert_eq!(names, "test absence correction absence-digest");
        assert!(alone.ordinary.0 >= 2 && alone.longest > alone.ordinary.1, "{alone:?}");
        assert_eq!(of(&school, "sv").0, "test register-nudge absence correction absence-digest");
        school.languages.translations = Translations::WithSchools;
        let (_, both) = of(&school, "ar");
        assert!(both.ordinary.0 > alone.ordinary.1, "{both:?}");
        school.max_parts = 3;
        let (_, less) = of(&school, "ar");
        assert_eq!(less.ordinary, alone.ordinary, "what does not fit is not paid for");
    }

    #[test]
    fn what_is_over_the_limit_is_told_once_a_template() {
        let found = too_long(&built_in("Björkskolan", 1), 1);
        let templates: BTreeSet<_> = found.iter().map(|text| text.template.as_str()).collect();
        assert_eq!((templates.len(), found.len()), (6, 6), "{found:?}");
        let first = &found[0];
        assert!(first.to_string().contains("takes 3 parts"), "{first}");
        assert!(first.to_string().contains("`max-parts` is 1"), "{first}");
        assert!(first.remedy().starts_with("write max-parts = 3 or more"), "{}", first.remedy());
        let wordy = "Björkskolans grundskola med fritidshem och anpassad skola";
        let found = too_long(&built_in(wordy, 3), 3);
        assert!(found[0].sample.ends_with(A_NAME_OUTSIDE), "{found:?}");
        assert_eq!(too_long(&built_in(wordy, 4), 4), []);
        assert_eq!(
            previews(&Templates::builtin(), &school("", 3), &tags(&["sv"])),
            Err(RenderError::Missing("the school's name"))
        );
    }
}
