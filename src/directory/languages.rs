//! What a school has chosen about languages, and which ones the readers in a roster have. Pure; which
//! texts there are is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Roster;
use crate::model::{Locale, SchoolId};

/// What stands below a text that is in another language than the school's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Translations {
    /// Nothing.
    #[default]
    Alone,
    /// The same in the school's language.
    WithSchools,
}

/// What one part of a text costs a school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// In ten-thousandths of the currency's unit.
    pub amount: u64,
    /// As it was written: `SEK`.
    pub currency: String,
}

impl Price {
    /// Digits after the point that can be told apart.
    const DIGITS: usize = 4;

    /// Takes an amount and a currency: `0.35 SEK`.
    ///
    /// # Errors
    /// With how to write it, if that is clear.
    pub fn new(text: &str) -> Result<Self, Option<String>> {
        let plain = text.replace(',', ".");
        let (amount, currency) = plain.split_once(' ').ok_or(None)?;
        let currency = currency.trim().to_ascii_uppercase();
        let (whole, rest) = amount.split_once('.').unwrap_or((amount, ""));
        let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        let good = (1..=4).contains(&whole.len()) && digits(whole);
        let good = good && rest.len() <= Self::DIGITS && digits(rest);
        let named = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
        let point = !amount.ends_with('.');
        if !(good && named && point) {
            return Err(None);
        }
        let amount = format!("{whole}{rest:0<4}").parse().map_err(|_| None)?;
        let price = Self { amount, currency };
        let well = plain == text && text.ends_with(&format!(" {}", price.currency));
        if well { Ok(price) } else { Err(Some(price.of(1))) }
    }

    /// What so many parts cost: `1.05 SEK`.
    pub fn of(&self, parts: u32) -> String {
        let sum = self.amount * u64::from(parts);
        let (whole, rest) = (sum / 10_000, format!("{:04}", sum % 10_000));
        // At least two digits, as prices are read.
        let rest = format!("{:0<2}", rest.trim_end_matches('0'));
        format!("{whole}.{rest} {}", self.currency)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.of(1))
    }
}

/// What a school has chosen about languages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LanguageRules {
    /// Whose texts somebody has read whose language it is, beside those that are reviewed already.
    pub reviewed: BTreeSet<Locale>,
    /// What stands below a translation.
    pub translations: Translations,
    /// What a part costs; none: not known.
    pub price: Option<Price>,
}

/// How many readers of each school have chosen which language: guardians who may be told, and pupils.
pub fn in_use(roster: &Roster) -> BTreeMap<SchoolId, BTreeMap<Locale, usize>> {
    let mut readers = BTreeMap::new();
    for (school, pupils) in &roster.pupils {
        let mut seen = BTreeSet::new();
        let of_school: &mut BTreeMap<Locale, usize> = readers.entry(school.clone()).or_default();
        for pupil in pupils.values() {
            let told = pupil.guardians.iter().filter(|l| l.may_receive && !l.deny);
            let fresh = told.filter(|l| seen.insert(&l.guardian));
            let guardians = fresh.filter_map(|l| roster.guardians.get(&l.guardian));
            let languages = guardians.filter_map(|g| g.language.as_ref()).chain(&pupil.language);
            for language in languages {
                *of_school.entry(language.clone()).or_default() += 1;
            }
        }
    }
    readers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Pupil, testing};

    fn pupils_of(roster: &mut Roster) -> impl Iterator<Item = &mut Pupil> {
        roster.pupils.values_mut().flat_map(BTreeMap::values_mut)
    }

    #[test]
    fn prices_are_exact() {
        let price = |text| Price::new(text).expect(text);
        for (text, parts, sum) in [
            ("0.35 SEK", 3, "1.05 SEK"),
            ("0.35 SEK", 1, "0.35 SEK"),
            ("0.4 SEK", 2, "0.80 SEK"),
            ("1 EUR", 4, "4.00 EUR"),
            ("0.0525 EUR", 3, "0.1575 EUR"),
        ] {
            assert_eq!(price(text).of(parts), sum, "{text}");
        }
        for (text, write) in [
            ("0,35 SEK", Some("0.35 SEK")),
            ("0.35 sek", Some("0.35 SEK")),
            ("0.35", None),
            ("SEK 0.35", None),
            ("0.35 kronor", None),
            (".35 SEK", None),
            ("1. SEK", None),
            ("-1 SEK", None),
            ("0.12345 SEK", None),
        ] {
            assert_eq!(Price::new(text), Err(write.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn readers_are_counted_once_a_school() {
        let tag = |text| Some(Locale::new(text).expect("a tag"));
        let mut siblings = [testing::pupil("a", "p1"), testing::pupil("a", "p2")];
        let guardians = siblings[0].guardians.clone();
        siblings[1].guardians = guardians;
        let mut roster = testing::roster(siblings);
        for guardian in roster.guardians.values_mut() {
            guardian.language = tag("fi");
        }
        let pupils = roster.pupils.get_mut(&testing::school("a")).expect("the school");
        pupils.values_mut().next().expect("a pupil").language = tag("sv");
        let found = in_use(&roster);
        let readers = &found[&testing::school("a")];
        let counts: Vec<_> = readers.iter().map(|(tag, count)| (tag.as_str(), *count)).collect();
        assert_eq!(counts, [("fi", 1), ("sv", 1)]);
        for link in pupils_of(&mut roster).flat_map(|pupil| &mut pupil.guardians) {
            link.deny = true;
        }
        assert_eq!(
            in_use(&roster)[&testing::school("a")].len(),
            1,
            "who is not told reads nothing"
        );
    }
}
