//! Phone numbers as people write them, made E.164. Pure; never guesses: what cannot be read without
//! doubt is an error with words, and a number no text should go to is told apart from a mobile.
//!
//! Swedish rules: Google's libphonenumber metadata for SE and the PTS numbering plan: mobiles are
//! `7[023689]` and seven digits; 74 pagers, 75 personal, 77 shared cost, 10 company-wide, 20 free,
//! 90/93/94/99 premium.

use std::collections::BTreeSet;

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat, PhoneNumberType};
use unicode_normalization::UnicodeNormalization as _;

use crate::model::Phone;

/// Country calling code of Sweden (ITU-T E.164 list of assigned codes).
const SWEDEN: u16 = 46;
/// The Nordic countries with the Faroes and Greenland, the rest of the EU and EEA, Ukraine and
/// the United Kingdom.
const DEFAULT_COUNTRIES: [u16; 34] = [
    45, 46, 47, 298, 299, 354, 358, // Nordic
    30, 31, 32, 33, 34, 36, 39, 40, 43, 48, 49, 351, 352, 353, 356, 357, 359, 370, 371, 372, 385,
    386, 420, 421, 423, // EU and EEA
    44, 380, // United Kingdom, Ukraine
];
/// Fewest digits a part of a field must have to be taken for a number of its own.
const NUMBER_DIGITS: usize = 6;
/// ITU-T E.164 §6.2.1.
const MAX_DIGITS: usize = 15;

/// Which countries' numbers are taken: a list, against toll fraud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneRules {
    /// Country calling codes, without `+`.
    pub countries: BTreeSet<u16>,
}

impl Default for PhoneRules {
    fn default() -> Self {
        Self { countries: DEFAULT_COUNTRIES.into_iter().collect() }
    }
}

/// What may be done with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneKind {
    /// Takes texts.
    Mobile,
    /// Takes calls only.
    FixedLine,
    /// Pager, premium, shared cost, company-wide and the like: never texted.
    Other,
}

/// A number that was read, with what was assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalised {
    /// The number.
    pub phone: Phone,
    /// What it can be used for.
    pub kind: PhoneKind,
    /// What was assumed in reading it.
    pub warning: Option<PhoneWarning>,
}

/// An assumption the source should be cleaned of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneWarning {
    /// `46701740605`.
    #[error("has a country code without +; it was read as if the + were there")]
    PlusMissing,
    /// `701740605`.
    #[error("lacks its first 0 (a spreadsheet drops it); it was read as Swedish")]
    ZeroMissing,
    /// `+460701740605`.
    #[error("has a 0 after the country code; the 0 was dropped")]
    TrunkZero,
}

/// Why a number cannot be read. Holds nothing of the number itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Nothing but separators.
    #[error("is empty")]
    Empty,
    /// More than one number.
    #[error("holds two numbers")]
    TwoNumbers,
    /// An extension behind a switchboard.
    #[error("has an extension")]
    Extension,
    /// Letters.
    #[error("holds letters")]
    Letters,
    /// A sign numbers are not written with.
    #[error("holds a sign that no number is written with")]
    Sign,
    /// Neither `0…` nor `+…`.
    #[error("starts with neither 0 nor a country code")]
    NoPrefix,
    /// Not a number in use in its country.
    #[error("is not a complete number of its country")]
    Invalid,
    /// Country code not in [`PhoneRules`].
    #[error("has the country code {0}, which is not in the list of countries texts may go to")]
    Country(u16),
}

impl PhoneError {
    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::TwoNumbers => "keep one number, the mobile",
            Self::Extension => "give a number that is reached without an extension",
            Self::Country(_) => "correct the number, or add the country to the configuration",
            Self::Empty | Self::Letters | Self::Sign | Self::NoPrefix | Self::Invalid => {
                "write it as 070-174 06 05 or +46701740605"
            }
        }
    }
}

/// Reads a number as a person wrote it.
///
/// # Errors
/// When it is not one whole number of a country in the rules.
pub fn normalise(raw: &str, rules: &PhoneRules) -> Result<Normalised, PhoneError> {
    let text = plain(raw);
    one_number(&text)?;
    let text = if text.starts_with('+') || text.starts_with("00") {
        text.replacen("(0)", "", 1)
    } else {
        text
    };
    let plus = text.starts_with('+');
    let digits = digits(&text)?;
    let (international, mut warning) = international(&digits, plus)?;
    if international.len() > MAX_DIGITS {
        return Err(PhoneError::Invalid);
    }
    let number =
        PhoneNumber::parse(format!("+{international}"), None).map_err(|_| PhoneError::Invalid)?;
    let country = u16::try_from(number.country_code).map_err(|_| PhoneError::Invalid)?;
    if !rules.countries.contains(&country) {
        return Err(PhoneError::Country(country));
    }
    if !number.is_valid() {
        return Err(PhoneError::Invalid);
    }
    let written = number.format_as(PhoneNumberFormat::E164).into_owned();
    if written[1..] != international {
        warning = Some(PhoneWarning::TrunkZero);
    }
    let kind = kind(&number, country, &written);
    let phone = Phone::new(written).map_err(|_| PhoneError::Invalid)?;
    Ok(Normalised { phone, kind, warning })
}

/// Compatibility forms and digits of other scripts made plain, invisible characters and `tel:`
/// (RFC 3966) taken away.
fn plain(raw: &str) -> String {
    let text: String = raw.nfkc().filter(|c| !is_invisible(*c)).map(ascii_digit).collect();
    let text = text.trim().to_lowercase();
    text.strip_prefix("tel:").map(|rest| rest.trim().to_owned()).unwrap_or(text)
}

/// Marks that come along when a number is copied from a phone or a web page.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Arabic-Indic, Extended Arabic-Indic, N'Ko, Devanagari, Bengali, Gurmukhi, Gujarati, Tamil, Thai,
/// Tibetan, Myanmar and Khmer digits (Unicode category Nd).
fn ascii_digit(c: char) -> char {
    const ZEROS: [u32; 12] =
        [0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xbe6, 0xe50, 0xf20, 0x1040, 0x17e0];
    let of = |zero: &u32| u32::from(c).checked_sub(*zero).filter(|d| *d < 10);
    ZEROS.iter().find_map(of).and_then(|d| char::from_digit(d, 10)).unwrap_or(c)
}

fn count(part: &str) -> usize {
    part.chars().filter(char::is_ascii_digit).count()
}

/// Refuses two numbers, extensions and letters, in this order: `070… eller 073…` has letters too.
fn one_number(text: &str) -> Result<(), PhoneError> {
    let mut split = text.to_owned();
    for word in [" eller ", " och ", " or ", " and ", "\r", "\n"] {
        split = split.replace(word, ";");
    }
    let listed = split.split(['/', ',', ';', '|', '&']).filter(|p| count(p) >= NUMBER_DIGITS);
    let signs = split.split('+').filter(|p| count(p) >= NUMBER_DIGITS);
    let mut words = text.split_whitespace().skip(1);
    let side_by_side = count(text.split_whitespace().next().unwrap_or_default()) > NUMBER_DIGITS
        && words.any(|w| w.starts_with(['0', '+']) && count(w) > NUMBER_DIGITS);
    if listed.count() > 1 || signs.count() > 1 || side_by_side {
        return Err(PhoneError::TwoNumbers);
    }
    let extension = |mark: &str| {
        text.split_once(mark).is_some_and(|(a, b)| count(a) >= NUMBER_DIGITS && count(b) > 0)
    };
    if ["ext", "ankn", "x", "#", "vxl"].into_iter().any(extension) {
        return Err(PhoneError::Extension);
    }
    if text.chars().any(char::is_alphabetic) {
        return Err(PhoneError::Letters);
    }
    Ok(())
}

/// The digits alone; anything that is not a separator is refused.
fn digits(text: &str) -> Result<String, PhoneError> {
    let mut digits = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if at == 0 => {}
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '/' | '.' | '(' | ')' => {}
            c if c.is_whitespace() => {}
            _ => return Err(PhoneError::Sign),
        }
    }
    if digits.is_empty() { Err(PhoneError::Empty) } else { Ok(digits) }
}

/// Country code and number.
fn international(digits: &str, plus: bool) -> Result<(String, Option<PhoneWarning>), PhoneError> {
    if plus {
        return Ok((digits.to_owned(), None));
    }
    if let Some(rest) = digits.strip_prefix("00") {
        return Ok((rest.to_owned(), None));
    }
    if let Some(rest) = digits.strip_prefix('0') {
        return Ok((format!("{SWEDEN}{rest}"), None));
    }
    match digits.len() {
        11 if digits.starts_with("46") => Ok((digits.to_owned(), Some(PhoneWarning::PlusMissing))),
        9 if digits.starts_with('7') => {
            Ok((format!("{SWEDEN}{digits}"), Some(PhoneWarning::ZeroMissing)))
        }
        _ => Err(PhoneError::NoPrefix),
    }
}

fn kind(number: &PhoneNumber, country: u16, written: &str) -> PhoneKind {
    match number.get_type() {
        PhoneNumberType::Mobile if country == SWEDEN && !is_swedish_mobile(written) => {
            PhoneKind::Other
        }
        PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile => PhoneKind::Mobile,
        PhoneNumberType::FixedLine => PhoneKind::FixedLine,
        _ => PhoneKind::Other,
    }
}

fn is_swedish_mobile(e164: &str) -> bool {
    e164.strip_prefix("+467")
        .is_some_and(|rest| rest.len() == 8 && rest.starts_with(['0', '2', '3', '6', '8', '9']))
}

#[cfg(test)]
#[path = "phone_tests.rs"]
mod tests;
