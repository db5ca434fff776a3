//! Which way a text is written, and the marks that keep a value whole in a text of the other way
//! (Unicode UAX #9): without them a phone number in an Arabic text is shown with its groups turned
//! round. Pure; knows no templates.

use super::facts::{GuardianFacts, PersonMissed};
use super::guest::TestFacts;
use crate::model::Locale;

/// First strong isolate: what follows is laid out by itself, by its own first letter.
const FSI: char = '\u{2068}';
/// Pop directional isolate: the end of it.
const PDI: char = '\u{2069}';

/// The way a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From left to right.
    Ltr,
    /// From right to left.
    Rtl,
}

impl Direction {
    /// The way a language is written.
    pub fn of(locale: &Locale) -> Self {
        match locale.as_str() {
            "ar" | "ckb" | "dv" | "fa" | "he" | "prs" | "ps" | "sd" | "ug" | "ur" | "yi" => {
                Self::Rtl
            }
            _ => Self::Ltr,
        }
    }

    /// As HTML says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ltr => "ltr",
            Self::Rtl => "rtl",
        }
    }

    /// A value as it may stand in such a text: isolated where the ways could mix, and as it is
    /// elsewhere, since a mark takes the whole text out of the 7-bit alphabet.
    pub fn isolated(self, value: &str) -> String {
        let mixes = match self {
            Self::Ltr => value.chars().any(is_right_to_left),
            // Digits too: their groups would be shown from right to left.
            Self::Rtl => value.chars().any(|c| c.is_alphanumeric() && !is_right_to_left(c)),
        };
        if mixes { format!("{FSI}{value}{PDI}") } else { value.to_owned() }
    }
}

/// The blocks of scripts that are written from right to left (Unicode 16, `DerivedBidiClass`: those
/// whose unassigned code points are R or AL).
fn is_right_to_left(c: char) -> bool {
    matches!(
        c,
        '\u{590}'..='\u{8ff}'
            | '\u{fb1d}'..='\u{fdff}'
            | '\u{fe70}'..='\u{feff}'
            | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}'
    )
}

/// The facts of a guardian's message as a text in a language may show them. Cleaned and cut before:
/// a mark that is cut off would turn all that follows.
pub(super) fn guardian(facts: &GuardianFacts, locale: &Locale) -> GuardianFacts {
    let way = Direction::of(locale);
    // `yesterday` is a word of ours that templates compare with.
    let is_date = facts.day.starts_with(|c: char| c.is_ascii_digit());
    GuardianFacts {
        pupil: way.isolated(&facts.pupil),
        day: if is_date { way.isolated(&facts.day) } else { facts.day.clone() },
        school: way.isolated(&facts.school),
        phone: way.isolated(&facts.phone),
        people: facts
            .people
            .iter()
            .map(|one| PersonMissed {
                pupil: way.isolated(&one.pupil),
                times: way.isolated(&one.times),
            })
            .collect(),
        ..facts.clone()
    }
}

/// The same for a test.
pub(super) fn test(facts: &TestFacts, locale: &Locale) -> TestFacts {
    let way = Direction::of(locale);
    TestFacts {
        school: way.isolated(&facts.school),
        phone: way.isolated(&facts.phone),
        at: facts.at.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_could_mix_is_isolated() {
        for (way, value, isolated) in [
            (Direction::Ltr, "Åsa", false),
            (Direction::Ltr, "Željko-Лев ሰላም", false),
            (Direction::Ltr, "070-174 06 05", false),
            (Direction::Ltr, "نیلوفر", true),
            (Direction::Ltr, "דוד Ek", true),
            (Direction::Rtl, "نیلوفر", false),
            (Direction::Rtl, "می\u{200c}نا", false),
            (Direction::Rtl, "Åsa", true),
            (Direction::Rtl, "مدرسة Björk", true),
            (Direction::Rtl, "070-174 06 05", true),
            (Direction::Rtl, "2026-11-20", true),
        ] {
            let shown = way.isolated(value);
            let whole = format!("\u{2068}{value}\u{2069}");
            assert_eq!(shown, if isolated { whole } else { value.to_owned() }, "{way:?} {value}");
        }
    }

    #[test]
    fn languages_have_a_way() {
        for (tag, way) in
            [("ar", "rtl"), ("fa", "rtl"), ("ckb", "rtl"), ("ku", "ltr"), ("ti", "ltr")]
        {
            assert_eq!(Direction::of(&Locale::new(tag).expect("a tag")).as_str(), way, "{tag}");
        }
    }
}
