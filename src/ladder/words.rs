//! The words of a ladder's text: spans of days, shares, times, who, which lessons. Each is read as it is written below,
//! and a text that means one thing but is spelled another way is refused with the right spelling. Pure.

use jiff::civil::Time;

use super::plan::{Absent, Allowed, Span, Unit};
use crate::model::{StaffRole, did_you_mean};

/// What came of a word: its meaning, or what to write instead, where that can be told.
pub(super) type Word<T> = Result<T, Option<String>>;

/// Roles that a ladder may name, by the words it names them by.
pub(super) const ROLES: [(&str, StaffRole); 6] = [
    ("mentor", StaffRole::Mentor),
    ("attendance-team", StaffRole::AttendanceTeam),
    ("student-health-team", StaffRole::StudentHealthTeam),
    ("principal", StaffRole::Principal),
    ("head-of-education", StaffRole::HeadOfEducation),
    ("home-municipality", StaffRole::HomeMunicipality),
];

/// What people call them otherwise.
const ALSO: [(&str, &str); 14] = [
    ("team", "attendance-team"),
    ("närvaroteam", "attendance-team"),
    ("närvaroteamet", "attendance-team"),
    ("health-team", "student-health-team"),
    ("elevhälsoteam", "student-health-team"),
    ("elevhälsoteamet", "student-health-team"),
    ("elevhälsan", "student-health-team"),
    ("eht", "student-health-team"),
    ("rektor", "principal"),
    ("headteacher", "principal"),
    ("skolchef", "head-of-education"),
    ("huvudman", "head-of-education"),
    ("hemkommun", "home-municipality"),
    ("klasslärare", "mentor"),
];

/// Words for those whom nothing is sent by itself (law.md §2: people report, each on their own duty).
const SOCIAL: [&str; 7] = [
    "social-services",
    "social services",
    "socialtjänst",
    "socialtjänsten",
    "socialnämnden",
    "soc",
    "social-board",
];

/// Whether a word means the social services.
pub(super) fn is_social(word: &str) -> bool {
    SOCIAL.contains(&word.to_lowercase().as_str())
}

/// A role.
pub(super) fn role(word: &str) -> Word<StaffRole> {
    if let Some((_, role)) = ROLES.iter().find(|(name, _)| *name == word) {
        return Ok(*role);
    }
    let lower = word.to_lowercase().replace(['_', ' '], "-");
    let also = ALSO.iter().find(|(name, _)| *name == lower).map(|(_, right)| *right);
    Err(also
        .or_else(|| did_you_mean(&lower, ROLES.iter().map(|(name, _)| *name)))
        .map(str::to_owned))
}

/// The word of a role.
pub(super) fn role_word(role: StaffRole) -> &'static str {
    ROLES.iter().find(|(_, own)| *own == role).map_or("", |(name, _)| name)
}

/// Kinds of lessons.
pub(super) const ABSENT: [(&str, Absent); 5] = [
    ("excused", Absent::Excused),
    ("unexcused", Absent::Unexcused),
    ("any", Absent::Any),
    ("late", Absent::Late),
    ("left-early", Absent::LeftEarly),
];

/// What is counted.
pub(super) const UNITS: [(&str, Unit); 4] = [
    ("lesson", Unit::Lesson),
    ("half-day", Unit::HalfDay),
    ("day", Unit::Day),
    ("occasion", Unit::Occasion),
];

/// One of a few words.
pub(super) fn one_of<T: Copy>(word: &str, known: &[(&str, T)]) -> Word<T> {
    let found = known.iter().find(|(name, _)| *name == word);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| did_you_mean(word, known.iter().map(|(name, _)| *name)).map(str::to_owned))
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Minute,
    Hour,
    Day,
    SchoolDay,
    Week,
}

/// A whole number and what it counts.
fn amount(text: &str) -> Option<(u32, Of)> {
    let plain = text.trim().to_lowercase().replace(['-', '_'], " ");
    let end = plain.find(|c: char| !c.is_ascii_digit()).unwrap_or(plain.len());
    let number = plain[..end].parse::<u32>().ok()?;
    let of = match plain[end..].trim() {
        "min" | "minute" | "minutes" | "minuter" => Of::Minute,
        "h" | "hour" | "hours" | "timme" | "timmar" => Of::Hour,
        "day" | "days" | "d" | "dag" | "dagar" | "calendar days" => Of::Day,
        "school day" | "school days" | "skoldag" | "skoldagar" => Of::SchoolDay,
        "week" | "weeks" | "vecka" | "veckor" => Of::Week,
        _ => return None,
    };
    Some((number, of))
}

/// `1 day`, `3 days`.
pub(super) fn many(number: u32, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// What is spelled as `right` is good; else `right` is what to write.
fn spelled<T>(text: &str, right: String, value: T) -> Word<T> {
    if text == right { Ok(value) } else { Err(Some(right)) }
}

/// Calendar days: `"14 days"`.
pub(super) fn days(text: &str) -> Word<u16> {
    let (number, of) = amount(text).ok_or(None)?;
    let days = match of {
        Of::Day => number,
        Of::Week => number.saturating_mul(7),
        _ => return Err(None),
    };
    let days = u16::try_from(days).map_err(|_| None)?;
    spelled(text, many(days.into(), "day"), days)
}

/// School days: `"5 school days"`.
pub(super) fn school_days(text: &str) -> Word<u16> {
    let (number, of) = amount(text).ok_or(None)?;
    let days = match of {
        // A week of school is five days of it, not seven.
        Of::Week => number.saturating_mul(5),
        Of::SchoolDay | Of::Day => number,
        _ => return Err(None),
    };
    let days = u16::try_from(days).map_err(|_| None)?;
    spelled(text, many(days.into(), "school day"), days)
}

/// Minutes of lessons: `"10 h"` or `"90 min"`.
pub(super) fn minutes(text: &str) -> Word<u32> {
    let (number, of) = amount(text).ok_or(None)?;
    let minutes = match of {
        Of::Minute => number,
        Of::Hour => number.checked_mul(60).ok_or(None)?,
        _ => return Err(None),
    };
    spelled(text, minutes_text(minutes), minutes)
}

/// What [`minutes`] reads.
pub(super) fn minutes_text(minutes: u32) -> String {
    if minutes.is_multiple_of(60) {
        format!("{} h", minutes / 60)
    } else {
        format!("{minutes} min")
    }
}

/// Thousandths: `"20 %"`, `"12.5 %"`.
pub(super) fn share(text: &str) -> Word<u16> {
    let lower = text.trim().to_lowercase();
    let number = ["%", "per cent", "percent", "procent"].iter().find_map(|w| lower.strip_suffix(w));
    let number = number.ok_or(None)?.trim().replace(',', ".");
    let (whole, part) = number.split_once('.').unwrap_or((&number, "0"));
    let whole: u16 = whole.parse().map_err(|_| None)?;
    let part: u16 = part.parse().ok().filter(|part| *part < 10).ok_or(None)?;
    let thousandths =
        whole.checked_mul(10).and_then(|whole| whole.checked_add(part)).ok_or(None)?;
    spelled(text, share_text(thousandths), thousandths)
}

/// What [`share`] reads.
pub(super) fn share_text(thousandths: u16) -> String {
    match thousandths % 10 {
        0 => format!("{} %", thousandths / 10),
        part => format!("{}.{part} %", thousandths / 10),
    }
}

/// Over which days: `"day"`, `"28 days"`, `"term"`, `"school-year"`, `"since STEP"`.
pub(super) fn span(text: &str) -> Word<Span> {
    match text {
        "day" => return Ok(Span::Day),
        "term" => return Ok(Span::Term),
        "school-year" => return Ok(Span::SchoolYear),
        _ => {}
    }
    if let Some(step) = text.strip_prefix("since ") {
        return if is_name(step) { Ok(Span::Since(step.to_owned())) } else { Err(None) };
    }
    match days(text) {
        Ok(1) => Err(Some("day".into())),
        Ok(days) => Ok(Span::Days(days)),
        Err(Some(right)) if right == "1 day" => Err(Some("day".into())),
        Err(Some(right)) => Err(Some(right)),
        Err(None) => {
            let plain = text.to_lowercase().replace([' ', '_'], "-");
            Err(did_you_mean(&plain, ["day", "term", "school-year"]).map(str::to_owned))
        }
    }
}

/// By when: `"same day"`, `"24 hours"`, `"2 school days"`.
pub(super) fn allowed(text: &str) -> Word<Allowed> {
    if text == "same day" {
        return Ok(Allowed::SameDay);
    }
    let lower = text.to_lowercase().replace(['-', '_'], " ");
    if ["same day", "the same day", "same school day", "samma dag"].contains(&lower.trim()) {
        return Err(Some("same day".into()));
    }
    let (number, of) = amount(text).ok_or(None)?;
    let number = u16::try_from(number).map_err(|_| None)?;
    match of {
        Of::Hour => spelled(text, many(number.into(), "hour"), Allowed::Hours(number)),
        Of::SchoolDay if number == 0 => Err(Some("same day".into())),
        Of::SchoolDay => {
            spelled(text, many(number.into(), "school day"), Allowed::SchoolDays(number))
        }
        // Nobody works on all of the days of a calendar; what was meant cannot be told.
        Of::Day | Of::Week | Of::Minute => Err(None),
    }
}

/// What [`allowed`] reads.
pub(super) fn allowed_text(allowed: Allowed) -> String {
    match allowed {
        Allowed::SameDay => "same day".into(),
        Allowed::Hours(hours) => many(hours.into(), "hour"),
        Allowed::SchoolDays(days) => many(days.into(), "school day"),
    }
}

/// A range of small whole numbers, both ends included: `"7..9"`.
pub(super) fn range(text: &str) -> Word<(u8, u8)> {
    let plain = text.replace(['–', '—', '-'], "..").replace(' ', "");
    let (from, to) = plain.split_once("..").unwrap_or((&plain, &plain));
    let number = |text: &str| text.parse::<u8>().map_err(|_| None);
    let (from, to) = (number(from)?, number(to)?);
    spelled(text, format!("{from}..{to}"), (from, to))
}

/// A time of the school's clock: `"08.20"`.
pub(super) fn time(text: &str) -> Word<Time> {
    let plain = text.trim().replace(':', ".");
    let (hour, minute) = plain.split_once('.').ok_or(None)?;
    let number = |text: &str| text.parse::<i8>().map_err(|_| None);
    let time = Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| None)?;
    spelled(text, time.strftime("%H.%M").to_string(), time)
}

/// Whether a text is a name: lower-case letters a–z, digits and `-`, up to 40, a letter first.
pub(super) fn is_name(text: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.len() <= 40 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(good)
}

/// A name, and what a name near to it would be.
pub(super) fn name(text: &str) -> Word<String> {
    if is_name(text) {
        return Ok(text.to_owned());
    }
    let plain =
        text.to_lowercase().replace([' ', '_'], "-").replace(['å', 'ä'], "a").replace('ö', "o");
    Err(is_name(&plain).then_some(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right<T>(text: &str) -> Word<T> {
        Err(Some(text.to_owned()))
    }

    #[test]
    fn spans_of_time_are_read_as_they_are_written() {
        assert_eq!(days("14 days"), Ok(14));
        assert_eq!(days("1 day"), Ok(1));
        assert_eq!(days("2 weeks"), right("14 days"));
        assert_eq!(days("14 dagar"), right("14 days"));
        assert_eq!(days("5 school days"), Err(None));
        assert_eq!(days("99999 days"), Err(None));
        assert_eq!(school_days("5 school days"), Ok(5));
        assert_eq!(school_days("1 week"), right("5 school days"));
        assert_eq!(school_days("5 days"), right("5 school days"));
        assert_eq!(minutes("10 h"), Ok(600));
        assert_eq!(minutes("10 hours"), right("10 h"));
        assert_eq!(minutes("90 min"), Ok(90));
        assert_eq!(minutes("120 min"), right("2 h"));
        assert_eq!(minutes("10"), Err(None));
        assert_eq!(allowed("same day"), Ok(Allowed::SameDay));
        assert_eq!(allowed("0 school days"), right("same day"));
        assert_eq!(allowed("24 hours"), Ok(Allowed::Hours(24)));
        assert_eq!(allowed("24h"), right("24 hours"));
        assert_eq!(allowed("2 school days"), Ok(Allowed::SchoolDays(2)));
        assert_eq!(allowed("2 days"), Err(None));
    }

    #[test]
    fn windows_and_shares() {
        assert_eq!(span("term"), Ok(Span::Term));
        assert_eq!(span("school year"), right("school-year"));
        assert_eq!(span("4 weeks"), right("28 days"));
        assert_eq!(span("1 day"), right("day"));
        assert_eq!(span("28 days"), Ok(Span::Days(28)));
        assert_eq!(span("since long"), Ok(Span::Since("long".into())));
        assert_eq!(span("since Long"), Err(None));
        assert_eq!(span("lifetime"), Err(None));
        assert_eq!(share("20 %"), Ok(200));
        assert_eq!(share("12.5 %"), Ok(125));
        assert_eq!(share("20%"), right("20 %"));
        assert_eq!(share("12,5 procent"), right("12.5 %"));
        assert_eq!(share("100 %"), Ok(1000));
        assert_eq!(share("0.2"), Err(None));
        assert_eq!(share("12.55 %"), Err(None));
        assert_eq!(range("7..9"), Ok((7, 9)));
        assert_eq!(range("7-9"), right("7..9"));
        assert_eq!(range("7"), right("7..7"));
        assert_eq!(range("F..9"), Err(None));
        assert_eq!(time("08.20"), Ok(Time::constant(8, 20, 0, 0)));
        assert_eq!(time("8:20"), right("08.20"));
        assert_eq!(time("24.20"), Err(None));
    }

    #[test]
    fn roles_are_known_by_one_word_and_found_by_many() {
        assert_eq!(role("mentor"), Ok(StaffRole::Mentor));
        assert_eq!(role("rektor"), right("principal"));
        assert_eq!(role("EHT"), right("student-health-team"));
        assert_eq!(role("health team"), right("student-health-team"));
        assert_eq!(role("principle"), right("principal"));
        assert_eq!(role("teacher"), Err(None));
        assert!(is_social("Socialtjänsten") && !is_social("mentor"));
        for (word, own) in ROLES {
            assert_eq!(role_word(own), word);
        }
    }

    #[test]
    fn names_are_plain() {
        assert_eq!(name("third-excused"), Ok("third-excused".into()));
        assert_eq!(name("Third excused"), right("third-excused"));
        assert_eq!(name("Över en vecka"), right("over-en-vecka"));
        assert_eq!(name("3rd"), Err(None));
        assert_eq!(name(""), Err(None));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(number in 0_u16..2000) {
            let n = u32::from(number);
            proptest::prop_assert_eq!(days(&many(n, "day")), Ok(number));
            proptest::prop_assert_eq!(school_days(&many(n, "school day")), Ok(number));
            proptest::prop_assert_eq!(share(&share_text(number)), Ok(number));
            proptest::prop_assert_eq!(minutes(&minutes_text(n)), Ok(n));
            let due = if number == 0 { Allowed::SameDay } else { Allowed::SchoolDays(number) };
            proptest::prop_assert_eq!(allowed(&allowed_text(due)), Ok(due));
        }

        #[test]
        fn a_right_spelling_is_right(text in "[0-9]{1,3} ?(h|min|days?|weeks?|school days|vecka|%|procent)") {
            if let Err(Some(right)) = days(&text) { proptest::prop_assert!(days(&right).is_ok(), "{}", right); }
            if let Err(Some(right)) = school_days(&text) { proptest::prop_assert!(school_days(&right).is_ok(), "{}", right); }
            if let Err(Some(right)) = minutes(&text) { proptest::prop_assert!(minutes(&right).is_ok(), "{}", right); }
            if let Err(Some(right)) = share(&text) { proptest::prop_assert!(share(&right).is_ok(), "{}", right); }
            if let Err(Some(right)) = allowed(&text) { proptest::prop_assert!(allowed(&right).is_ok(), "{}", right); }
            if let Err(Some(right)) = span(&text) { proptest::prop_assert!(span(&right).is_ok(), "{}", right); }
        }
    }
}
