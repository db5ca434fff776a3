//! Made-up pupils, guardians and staff for a trial: the same number gives the same people. Names
//! are no names, and numbers are those reserved for fiction, so that nobody is ever meant.

use std::io::Write;

use jiff::{Span, civil::Date};

/// Most pupils a trial has.
pub const MOST_PUPILS: u32 = 1_000_000;

/// Consonants and vowels, all in GSM-7; f, k and p are left out, as they make rude words.
const CONSONANTS: [char; 12] = ['b', 'd', 'g', 'h', 'j', 'l', 'm', 'n', 'r', 's', 't', 'v'];
const VOWELS: [char; 9] = ['a', 'e', 'i', 'o', 'u', 'y', 'å', 'ä', 'ö'];
const SYLLABLES: u32 = 108;
/// Names of two syllables, and of three.
const SHORT: u32 = SYLLABLES * SYLLABLES;
const LONG: u32 = SHORT * SYLLABLES;

/// Numbers reserved for fiction by PTS: 070-174 06 05 to 070-174 06 99.
const FIRST_PHONE: u64 = 46_701_740_605;
/// The last ten of the reserved numbers misbehave on purpose in `upprop sink`.
const PHONES: u32 = 85;

const TREES: [&str; 12] =
    ["Al", "Ask", "Björk", "Bok", "Ek", "En", "Gran", "Hassel", "Lind", "Lönn", "Rönn", "Sälg"];

/// The given name of the pupil with this number, from 0: unique below [`MOST_PUPILS`].
pub fn given_name(number: u32) -> String {
    // A step without a common factor with the size visits every name once, in no visible order.
    let (syllables, mut code) = if number < SHORT {
        (2, u64::from(number) * 7_919 % u64::from(SHORT))
    } else {
        (3, u64::from(number - SHORT) * 700_001 % u64::from(LONG))
    };
    let mut name = String::new();
    for _ in 0..syllables {
        let (consonant, vowel) = ((code % 12) as usize, (code / 12 % 9) as usize);
        let consonant = CONSONANTS[consonant];
        name.push(if name.is_empty() { consonant.to_ascii_uppercase() } else { consonant });
        name.push(VOWELS[vowel]);
        code /= u64::from(SYLLABLES);
    }
    name
}

/// The id of the pupil with this number, from 0.
pub fn pupil_id(number: u32) -> String {
    format!("p-{:06}", number + 1)
}

fn phone(number: u32) -> String {
    format!("+{}", FIRST_PHONE + u64::from(number % PHONES))
}

/// Years of age on the day of the trial: 8–15.
fn age(number: u32) -> u32 {
    8 + number % 8
}

fn birth_date(number: u32, today: Date) -> Date {
    let days = i32::try_from(number % 360).unwrap_or(0);
    let years = i32::try_from(age(number)).unwrap_or(8);
    today.saturating_sub(Span::new().years(years).days(days))
}

/// Writes `pupils.csv`.
///
/// # Errors
/// When it cannot be written.
pub fn write_pupils(
    out: impl Write,
    school: &str,
    pupils: u32,
    today: Date,
) -> Result<(), csv::Error> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record([
        "id",
        "school",
        "class",
        "given-name",
        "family-name",
        "birth-date",
        "protection",
        "mentor",
    ])?;
    for number in 0..pupils {
        let class = format!("{}{}", age(number) - 6, ["A", "B", "C"][(number / 8 % 3) as usize]);
        let tree = TREES[(number % 12) as usize];
        let birth = birth_date(number, today).to_string();
        out.write_record([
            pupil_id(number).as_str(),
            school,
            &class,
            &given_name(number),
            tree,
            &birth,
            "none",
            "s-mentor",
        ])?;
    }
    out.flush()?;
    Ok(())
}

/// Writes `guardians.csv`: one for each pupil, who reads texts.
///
/// # Errors
/// When it cannot be written.
pub fn write_guardians(out: impl Write, school: &str, pupils: u32) -> Result<(), csv::Error> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record([
        "pupil",
        "school",
        "guardian",
        "name",
        "phone",
        "email",
        "channel",
        "language",
        "may-receive",
        "deny",
    ])?;
    for number in 0..pupils {
        let guardian = format!("g-{:06}", number + 1);
        let name = format!("Vuxen {}", TREES[(number % 12) as usize]);
        out.write_record([
            pupil_id(number).as_str(),
            school,
            &guardian,
            &name,
            &phone(number),
            "",
            "sms",
            "sv",
            "true",
            "false",
        ])?;
    }
    out.flush()?;
    Ok(())
}

/// Writes `staff.csv`: a mentor, and the attendance team.
///
/// # Errors
/// When it cannot be written.
pub fn write_staff(out: impl Write, school: &str, team_email: &str) -> Result<(), csv::Error> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record(["id", "school", "role", "name", "email", "phone"])?;
    out.write_record(["s-mentor", school, "mentor", "Mentor Alm", "mentor@skola.example", ""])?;
    out.write_record(["s-team", school, "attendance-team", "Närvaroteamet", team_email, ""])?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_names_are_the_same() {
        let names: BTreeSet<String> = (0..MOST_PUPILS).map(given_name).collect();
        assert_eq!(names.len(), MOST_PUPILS as usize);
        assert!(names.iter().all(|name| (4..=6).contains(&name.chars().count())));
    }

    #[test]
    fn all_are_between_8_and_15_on_the_day() {
        for today in ["2026-11-23", "2028-02-29", "2027-03-01"] {
            let today: Date = today.parse().expect("date");
            for number in 0..2_880 {
                let birth = birth_date(number, today);
                let exact = birth.until((jiff::Unit::Year, today)).expect("span").get_years();
                assert!((8..=15).contains(&exact), "{number}: {birth} {exact}");
            }
        }
    }

    #[test]
    fn numbers_stay_within_those_reserved_for_fiction() {
        assert_eq!(phone(0), "+46701740605");
        assert_eq!(phone(84), "+46701740689");
        assert_eq!(phone(85), "+46701740605");
    }
}
