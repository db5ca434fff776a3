//! One person as the source has it → what is needed of the person: protection, day of birth, the number and the
//! address to use. Pure.

use jiff::{Timestamp, civil::Date};

use super::types::{
    Email, EmailType, Person, PersonStatus, PhoneNumber, PhoneType, Ref, SecurityMarking,
};
use crate::directory::phone::{self, PhoneKind, PhoneRules};
use crate::directory::{Protection, field};
use crate::model::{EmailAddress, Phone};

/// What a word says of protection; nothing, and a word nobody knows, say that it is not known.
pub(super) fn protection(marking: Option<&SecurityMarking>) -> Protection {
    match marking {
        Some(SecurityMarking::None) => Protection::None,
        Some(SecurityMarking::Marked | SecurityMarking::ProtectedRegistration) => {
            Protection::Protected
        }
        Some(SecurityMarking::Other(_)) | None => Protection::Unknown,
    }
}

/// Whether what refers to a person says that there is protection, or may be. One that says nothing of it does not.
pub(super) fn says_protected(person: &Ref) -> bool {
    let marking = person.security_marking.as_ref();
    marking.is_some_and(|marking| protection(Some(marking)) != Protection::None)
}

/// The stricter of two.
pub(super) fn stricter(one: Protection, other: Protection) -> Protection {
    let rank = |protection| match protection {
        Protection::None => 0,
        Protection::Unknown => 1,
        Protection::Protected => 2,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// Whether the person has died.
pub(super) fn is_dead(person: &Person) -> bool {
    person.person_status == Some(PersonStatus::Dead)
}

/// Whether the person has died or left the country.
pub(super) fn is_gone(person: &Person) -> bool {
    is_dead(person) || person.person_status == Some(PersonStatus::Emigrated)
}

/// The day of birth: as it is written, else from a Swedish number. None where neither can be true.
pub(super) fn birth_date(person: &Person, now: Timestamp) -> Option<Date> {
    let plausible = |date: Date| field::birth_date(&date.to_string(), now).ok();
    if let Some(date) = person.birth_date {
        return plausible(date);
    }
    let civic = person.civic_no.as_ref()?;
    if civic.nationality.as_deref().is_some_and(|n| !n.eq_ignore_ascii_case("SE")) {
        return None;
    }
    plausible(of_civic(civic.value.as_deref()?, now)?)
}

/// The day of birth in a personal identity number, a coordination number (day + 60), or one with letters after
/// the day (`20130101TF01`): with the century, or without, where a plus says 100 years and more.
fn of_civic(text: &str, now: Timestamp) -> Option<Date> {
    let text = text.trim();
    let rest: String = text.chars().filter(|c| !matches!(c, '-' | '+' | ' ')).collect();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let (year, month_day) = match (rest.len(), digits.len()) {
        (12, 8..) | (8, 8) => (digits[..4].parse::<i16>().ok()?, &digits[4..8]),
        (10, 6..) | (6, 6) => {
            let today = jiff::tz::TimeZone::UTC.to_datetime(now).date();
            let short = digits[..2].parse::<i16>().ok()?;
            let year = today.year() - (today.year() - short).rem_euclid(100);
            (if text.contains('+') { year - 100 } else { year }, &digits[2..6])
        }
        _ => return None,
    };
    let month = month_day[..2].parse::<i8>().ok()?;
    let day = month_day[2..].parse::<i8>().ok()?;
    Date::new(year, month, if day > 60 { day - 60 } else { day }).ok()
}

/// The number to use, and whether it takes texts: the first mobile, those that say so first; else one to ring.
pub(super) fn number<'p>(
    numbers: impl Iterator<Item = &'p PhoneNumber>,
    rules: &PhoneRules,
    unread: &mut u64,
) -> Option<(Phone, bool)> {
    let mut numbers: Vec<&PhoneNumber> = numbers.collect();
    numbers.sort_by_key(|number| number.mobile == Some(false));
    let mut to_ring = None;
    for text in numbers.into_iter().filter_map(|number| number.value.as_deref()) {
        match phone::normalise(text, rules) {
            Ok(read) if read.kind == PhoneKind::Mobile => return Some((read.phone, true)),
            Ok(read) => to_ring = to_ring.or(Some(read.phone)),
            Err(_) => *unread += 1,
        }
    }
    to_ring.map(|phone| (phone, false))
}

/// Numbers at work: those of staff that a school may use.
pub(super) fn at_work(numbers: &[PhoneNumber]) -> impl Iterator<Item = &PhoneNumber> {
    numbers.iter().filter(|number| number.kind == Some(PhoneType::Work))
}

/// The address to use: of the kinds in this order, then of any other but `never`.
pub(super) fn address(
    emails: &[Email],
    first: &[EmailType],
    never: &[EmailType],
    unread: &mut u64,
) -> Option<EmailAddress> {
    let rank = |email: &Email| {
        let kind = email.kind.as_ref();
        let known = kind.and_then(|kind| first.iter().position(|wanted| wanted == kind));
        known.unwrap_or(first.len())
    };
    let allowed = |email: &&Email| email.kind.as_ref().is_none_or(|kind| !never.contains(kind));
    let mut sorted: Vec<&Email> = emails.iter().filter(allowed).collect();
    sorted.sort_by_key(|email| rank(email));
    for text in sorted.into_iter().filter_map(|email| email.value.as_deref()) {
        match EmailAddress::new(text.trim().trim_start_matches("mailto:")) {
            Ok(address) => return Some(address),
            Err(_) => *unread += 1,
        }
    }
    None
}

/// A name in one harmless line.
pub(super) fn name(text: Option<&str>) -> Option<String> {
    text.map(|text| field::name(text).0).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T07:00:00Z".parse().expect("time")
    }

    fn person(mut fields: Value) -> Person {
        fields["id"] = json!("p");
        serde_json::from_value(fields).expect("a person")
    }

    #[test]
    fn the_day_of_birth_in_all_that_is_written() {
        for (fields, expected) in [
            (json!({ "birthDate": "2013-05-04" }), Some("2013-05-04")),
            (json!({ "birthDate": "2013-05-04T00:00:00+02:00" }), Some("2013-05-04")),
            (json!({ "birthDate": "1895-01-01" }), None),
            (json!({ "birthDate": "2031-01-01" }), None),
            (json!({ "civicNo": { "value": "201305041234" } }), Some("2013-05-04")),
            (json!({ "civicNo": { "value": "20130504-1234" } }), Some("2013-05-04")),
            (json!({ "civicNo": { "value": "130504-1234" } }), Some("2013-05-04")),
            (json!({ "civicNo": { "value": "1305041234" } }), Some("2013-05-04")),
            (json!({ "civicNo": { "value": "20130564-1234" } }), Some("2013-05-04")),
            (json!({ "civicNo": { "value": "20130504TF01" } }), Some("2013-05-04")),
            (json!({ "civicNo": { "value": "130504TF01" } }), Some("2013-05-04")),
            (json!({ "civicNo": { "value": "20130504" } }), Some("2013-05-04")),
            (json!({ "civicNo": { "value": "990504-1234" } }), Some("1999-05-04")),
            (json!({ "civicNo": { "value": "990504+1234" } }), None),
            (json!({ "civicNo": { "value": "20131304-1234" } }), None),
            (json!({ "civicNo": { "value": "okänt" } }), None),
            (json!({ "civicNo": { "value": "åäö504-1234" } }), None),
            (json!({ "civicNo": { "value": "01017012345", "nationality": "NO" } }), None),
            (json!({ "civicNo": null }), None),
        ] {
            let found = birth_date(&person(fields.clone()), now());
            assert_eq!(found.map(|date| date.to_string()).as_deref(), expected, "{fields}");
        }
    }

    #[test]
    fn the_number_that_takes_texts_comes_first() {
        let rules = PhoneRules::default();
        for (numbers, expected, unread) in [
            (
                json!([{ "value": "08-123 456 78", "mobile": false }, { "value": "070-174 06 05" }]),
                Some(("+46701740605", true)),
                0,
            ),
            (
                json!([{ "value": "08-123 456 78", "type": "Hem", "mobile": true }, { "value": "+46701740606" }]),
                Some(("+46701740606", true)),
                0,
            ),
            (
                json!([{ "value": "070-174 06 05", "mobile": false }, { "value": "070-174 06 06", "mobile": true }]),
                Some(("+46701740606", true)),
                0,
            ),
            (
                json!([{ "value": "08-123 456 78", "mobile": null }]),
                Some(("+46812345678", false)),
                0,
            ),
            (json!([{ "value": "ring mormor" }, { "value": null }]), None, 1),
            (json!([]), None, 0),
        ] {
            let person = person(json!({ "phoneNumbers": numbers }));
            let mut bad = 0;
            let found = number(person.phone_numbers.iter(), &rules, &mut bad);
            let found = found.as_ref().map(|(phone, mobile)| (phone.expose(), *mobile));
            assert_eq!((found, bad), (expected, unread), "{numbers}");
        }
    }

    #[test]
    fn the_address_of_the_right_kind_comes_first() {
        let person = person(json!({ "emails": [
            { "value": "ingen adress", "type": "Privat" },
            { "value": "jobb@example.se", "type": "Arbete övrigt" },
            { "value": " hem@example.se ", "type": "privat" },
            { "value": "skola@example.se", "type": "Skola personal" } ] }));
        let mut unread = 0;
        let of = |first: &[EmailType], never: &[EmailType], unread: &mut u64| {
            address(&person.emails, first, never, unread).map(|a| a.expose().to_owned())
        };
        let private = of(&[EmailType::Private], &[], &mut unread);
        assert_eq!((private.as_deref(), unread), (Some("hem@example.se"), 1));
        let staff = of(&[EmailType::SchoolStaff], &[EmailType::Private], &mut unread);
        assert_eq!(staff.as_deref(), Some("skola@example.se"));
        let other = of(&[], &[EmailType::Private, EmailType::SchoolStaff], &mut unread);
        assert_eq!(other.as_deref(), Some("jobb@example.se"));
    }
}
