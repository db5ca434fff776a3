//! What the texts of a school will look like and cost, before anybody gets one: every text template
//! in every language, with an ordinary name, a long one and one that the 7-bit alphabet lacks.

use super::sms::Parts;
use super::{RenderError, Templates, samples};
use crate::model::Locale;

/// A name as most are.
const ORDINARY: &str = "Alva";
/// A long given name, 30 characters.
const LONGEST: &str = "Anna-Alexandra Maria-Kristinas";
/// A name with a letter outside the 7-bit alphabet, so that less than half as much fits a part.
const OUTSIDE: &str = "Željko-Matija";

/// One text as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The language.
    pub locale: Locale,
    /// The template's name: `sms/sv/absence.txt`.
    pub template: String,
    /// What is special about it, and the name used: `absence, further; Alva`.
    pub sample: String,
    /// The text.
    pub text: String,
    /// Its size.
    pub parts: Parts,
    /// Made with the ordinary name.
    pub ordinary: bool,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Only a long or unusual name takes the text over the limit.
    Warning,
    /// Any name does.
    Error,
}

/// A text that takes more parts than the school allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{template} ({sample}) takes {} parts ({} units, {}), and the limit is {max_parts}; shorten the \
     template or the school's name, or raise max_parts",
    parts.parts, parts.units, parts.encoding.as_str()
)]
pub struct TooLong {
    /// How bad it is.
    pub severity: Severity,
    /// The template's name.
    pub template: String,
    /// As in [`Preview`].
    pub sample: String,
    /// Its size.
    pub parts: Parts,
    /// The school's limit.
    pub max_parts: u32,
}

/// Every text template × language × kind × name, with a school's own name and number.
///
/// # Errors
/// When the school's name or number is empty; the templates themselves were tried at load.
pub fn previews(
    templates: &Templates,
    school: &str,
    phone: &str,
) -> Result<Vec<Preview>, RenderError> {
    let mut previews = Vec::new();
    for locale in templates.locales() {
        for name in [ORDINARY, LONGEST, OUTSIDE] {
            for sample in samples::guardians(name, school, phone) {
                if !sample.ordinary {
                    continue;
                }
                let made = templates.render_sms(locale, sample.purpose, &sample.facts)?;
                previews.push(Preview {
                    locale: locale.clone(),
                    template: format!("sms/{locale}/{}.txt", sample.purpose.as_str()),
                    sample: format!("{}; {name}", sample.name),
                    text: made.text,
                    parts: made.parts,
                    ordinary: name == ORDINARY,
                });
            }
        }
    }
    Ok(previews)
}

/// The texts over a limit, the worst first.
pub fn too_long(previews: &[Preview], max_parts: u32) -> Vec<TooLong> {
    let mut found: Vec<TooLong> = previews
        .iter()
        .filter(|preview| preview.parts.parts > max_parts)
        .map(|preview| TooLong {
            severity: if preview.ordinary { Severity::Error } else { Severity::Warning },
            template: preview.template.clone(),
            sample: preview.sample.clone(),
            parts: preview.parts,
            max_parts,
        })
        .collect();
    found.sort_by_key(|text| {
        (std::cmp::Reverse(text.severity), std::cmp::Reverse(text.parts.units))
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::sms::Encoding;

    #[test]
    fn every_template_language_and_name_is_shown() {
        let previews = previews(&Templates::builtin(), "Björkskolan", "070-174 06 05").unwrap();
        for template in [
            "sms/sv/absence.txt",
            "sms/sv/correction.txt",
            "sms/en/absence.txt",
            "sms/en/correction.txt",
        ] {
            for name in [ORDINARY, LONGEST, OUTSIDE] {
                let count = previews
                    .iter()
                    .filter(|p| p.template == template && p.sample.ends_with(name))
                    .count();
                assert!(count >= 4, "{template} {name} {count}");
            }
        }
        let outside = previews.iter().find(|p| p.sample == "absence; Željko-Matija").unwrap();
        assert_eq!((outside.parts.encoding, outside.parts.parts), (Encoding::Ucs2, 3));
        assert_eq!(too_long(&previews, 3), []);
    }

    #[test]
    fn what_is_over_the_limit_is_told() {
        let ours = previews(&Templates::builtin(), "Björkskolan", "070-174 06 05").unwrap();
        let found = too_long(&ours, 1);
        assert!(!found.is_empty());
        assert!(found.iter().all(|text| text.severity == Severity::Warning), "{found:?}");

        let wordy = "Björkskolans grundskola med fritidshem och anpassad skola";
        let found = too_long(&previews(&Templates::builtin(), wordy, "070-174 06 05").unwrap(), 1);
        assert_eq!(found[0].severity, Severity::Error);
        assert!(found[0].to_string().contains("takes 2 parts"), "{}", found[0]);
        assert_eq!(
            previews(&Templates::builtin(), "", "070-174 06 05"),
            Err(RenderError::Missing("the school's name"))
        );
    }
}
