//! The small values of the wire: instants, labels, notes, minutes. Each refuses what it does not
//! mean while it is being read, in words that never repeat the value.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de};

use crate::model;

/// First and last year an event may speak of, as written: software writes 0001, 1601, 1899, 1970
/// or 9999 when it means "not set".
const YEARS: std::ops::RangeInclusive<u16> = 2000..=2100;

/// Longest lesson label, in Unicode scalar values.
pub const MAX_LABEL_CHARS: usize = 200;
/// Longest note, in Unicode scalar values.
pub const MAX_NOTE_CHARS: usize = 500;
/// Most minutes in a lesson: lessons end within a day.
pub const MAX_MINUTES: u32 = 1440;

/// An instant with its offset from UTC, as in `2026-11-23T08:20:00+01:00` (RFC 3339 section 5.6).
/// Years 2000 to 2100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(
    with = "String",
    extend(
        "format" = "date-time",
        "maxLength" = 64,
        "pattern" = r"^(20[0-9]{2}|2100)-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
    )
)]
pub struct Instant(pub Timestamp);

impl Instant {
    /// Reads RFC 3339 and nothing looser: no blank for the `T`, no zone name, no missing offset.
    ///
    /// # Errors
    /// In words, without the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        const SHAPE: &str = "is not an RFC 3339 time; write it as 2026-11-23T08:20:00+01:00";
        let bytes = text.as_bytes();
        if bytes.len() < 19 || bytes.len() > 64 || !fits(&bytes[..19], b"0000-00-00T00:00:00") {
            return Err(SHAPE.to_owned());
        }
        let year = bytes[..4].iter().fold(0u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
        if !YEARS.contains(&year) {
            return Err(format!(
                "the year {year:04} cannot be right (a value that was never set?); years {} to {} \
                 are taken",
                YEARS.start(),
                YEARS.end()
            ));
        }
        let mut rest = &bytes[19..];
        if let [b'.', fraction @ ..] = rest {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return Err(SHAPE.to_owned());
            }
            rest = &fraction[digits..];
        }
        match rest {
            [] => return Err("no offset; write 2026-11-23T08:20:00+01:00".to_owned()),
            b"Z" | b"z" => {}
            offset
                if fits(offset, b"+00:00")
                    && offset[1..3] <= b"23"[..]
                    && offset[4..] <= b"59"[..] => {}
            _ => return Err(SHAPE.to_owned()),
        }
        // jiff keeps nanoseconds and refuses more digits than nine; what is finer is dropped.
        let digits_end = bytes.len() - rest.len();
        let head = &text[..digits_end.min(29)];
        let tail = &text[digits_end..];
        format!("{head}{tail}")
            .parse()
            .map(Self)
            .map_err(|_| "is a date or time of day that does not exist".to_owned())
    }
}

/// Whether a text has the shape of a pattern, in which `0` is any digit, `T` either case and `+`
/// either sign.
fn fits(text: &[u8], pattern: &[u8]) -> bool {
    text.len() == pattern.len()
        && text.iter().zip(pattern).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b't'),
            b'+' => matches!(byte, b'+' | b'-'),
            _ => byte == shape,
        })
}

/// A name for staff, such as `Ma 7B`: at most 200 characters on one line. Never sent to guardians.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(with = "String", extend("maxLength" = 200, "pattern" = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
pub struct Label(String);

impl Label {
    fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > MAX_LABEL_CHARS {
            return Err(format!("is longer than {MAX_LABEL_CHARS} characters"));
        }
        if text.chars().any(char::is_control) {
            return Err("holds a control character or a line break".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, or nothing when it is blank.
    pub fn into_text(self) -> Option<String> {
        Some(self.0).filter(|text| !text.trim().is_empty())
    }
}

/// What the teacher adds: at most 500 characters. Goes to the attendance team by e-mail and nowhere
/// else. Write no health information and nothing about other pupils.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(
    with = "String",
    extend("maxLength" = 500, "pattern" = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")
)]
pub struct Note(String);

impl Note {
    fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > MAX_NOTE_CHARS {
            return Err(format!("is longer than {MAX_NOTE_CHARS} characters"));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
            return Err("holds a control character other than a tab or a line break".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, or nothing when it is blank.
    pub fn into_text(self) -> Option<String> {
        Some(self.0).filter(|text| !text.trim().is_empty())
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Note({} characters)", self.0.chars().count())
    }
}

/// A whole number of minutes, 0 to 1440.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(with = "u32", extend("minimum" = 0, "maximum" = 1440))]
pub struct MinuteCount(u32);

/// Minutes as the source counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Minutes {
    /// Minutes missed.
    pub absent: MinuteCount,
    /// Minutes planned.
    pub scheduled: MinuteCount,
}

impl From<Minutes> for model::Minutes {
    fn from(wire: Minutes) -> Self {
        Self { absent: wire.absent.0, scheduled: wire.scheduled.0 }
    }
}

/// Reads a JSON string through a `parse` that explains itself.
macro_rules! from_text {
    ($name:ident, $expected:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                        $name::parse(text).map_err(E::custom)
                    }
                }
                from.deserialize_str(Text)
            }
        }
    };
}

from_text!(Instant, "an RFC 3339 time such as \"2026-11-23T08:20:00+01:00\"");
from_text!(Label, "a string of at most 200 characters");
from_text!(Note, "a string of at most 500 characters");

/// Reads a word of a closed set from a string and nothing else: serde by itself would also take the
/// object `{"late": null}` for `"late"`.
pub(super) fn word<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: de::Deserializer<'de>,
    T: Deserialize<'de>,
{
    let text = String::deserialize(from)?;
    T::deserialize(de::IntoDeserializer::<D::Error>::into_deserializer(text))
}

impl<'de> Deserialize<'de> for MinuteCount {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Count;
        impl de::Visitor<'_> for Count {
            type Value = MinuteCount;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from 0 to {MAX_MINUTES}")
            }
            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Self::Value, E> {
                u32::try_from(count)
                    .ok()
                    .filter(|count| *count <= MAX_MINUTES)
                    .map(MinuteCount)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(count), &self))
            }
            // JSON has one kind of number: 40.0 is as whole as 40 (JSON Schema validation 6.1.1).
            fn visit_f64<E: de::Error>(self, count: f64) -> Result<Self::Value, E> {
                (0..=MAX_MINUTES)
                    .find(|whole| f64::from(*whole).total_cmp(&count).is_eq())
                    .map(MinuteCount)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Float(count), &self))
            }
        }
        from.deserialize_any(Count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_as_rfc_3339_writes_them() {
        for (text, utc) in [
            ("2026-11-23T08:20:00+01:00", "2026-11-23T07:20:00Z"),
            ("2026-11-23t07:20:00z", "2026-11-23T07:20:00Z"),
            ("2026-11-23T07:20:00-00:00", "2026-11-23T07:20:00Z"),
            ("2026-11-23T08:20:00.1234567+01:00", "2026-11-23T07:20:00.1234567Z"),
            ("2026-11-23T08:20:00.123456789012+01:00", "2026-11-23T07:20:00.123456789Z"),
            ("2000-01-01T00:00:00+02:00", "1999-12-31T22:00:00Z"),
            ("2024-02-29T12:00:00+23:59", "2024-02-28T12:01:00Z"),
        ] {
            assert_eq!(Instant::parse(text).map(|at| at.0), Ok(utc.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn instants_that_are_refused_say_why() {
        for (text, words) in [
            ("2026-11-23T08:20:00", "no offset"),
            ("2026-11-23T08:20:00.000", "no offset"),
            ("0001-01-01T00:00:00", "never set"),
            ("1999-12-31T23:59:59Z", "the year 1999"),
            ("2101-01-01T00:00:00Z", "the year 2101"),
            ("9999-12-31T23:59:59Z", "the year 9999"),
            ("2026-11-23 08:20:00+01:00", "RFC 3339"),
            ("2026-11-23T08:20+01:00", "RFC 3339"),
            ("2026-11-23T08:20:00.+01:00", "RFC 3339"),
            ("2026-11-23T08:20:00+0100", "RFC 3339"),
            ("2026-11-23T08:20:00+01", "RFC 3339"),
            ("2026-11-23T08:20:00+24:00", "RFC 3339"),
            ("2026-11-23T08:20:00+01:60", "RFC 3339"),
            ("2026-11-23T08:20:00+01:00[Europe/Stockholm]", "RFC 3339"),
            ("20261123T082000Z", "RFC 3339"),
            ("+002026-11-23T08:20:00Z", "RFC 3339"),
            ("2026-11-23", "RFC 3339"),
            ("", "RFC 3339"),
            ("2026-02-30T08:20:00+01:00", "does not exist"),
            ("2026-11-23T24:00:00+01:00", "does not exist"),
            ("2026-13-01T08:20:00+01:00", "does not exist"),
        ] {
            let error = Instant::parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn minutes_are_whole_and_within_a_day() {
        for (json, good) in [
            ("0", true),
            ("40", true),
            ("40.0", true),
            ("1440", true),
            ("1441", false),
            ("40.5", false),
            ("-1", false),
            ("1e99", false),
            ("\"40\"", false),
        ] {
            assert_eq!(serde_json::from_str::<MinuteCount>(json).is_ok(), good, "{json}");
        }
    }

    #[test]
    fn lengths_count_characters_and_not_bytes() {
        assert!(Note::parse(&"å".repeat(500)).is_ok());
        assert!(Note::parse(&"å".repeat(501)).is_err());
        assert!(Label::parse(&"😀".repeat(200)).is_ok());
        assert!(Label::parse(&"a".repeat(201)).is_err());
        assert!(Label::parse("a\r\nBcc: b").is_err());
        assert!(Note::parse("two\nlines").is_ok());
        assert!(Note::parse("a\0b").is_err());
        assert!(!format!("{:?}", Note::parse("secret").unwrap()).contains("secret"));
    }

    proptest! {
        #[test]
        fn every_instant_survives_being_written_with_an_offset(
            seconds in 946_771_200i64..4_133_894_400, minutes in -1439i64..1440,
        ) {
            let at = Timestamp::from_second(seconds).unwrap();
            let local = Timestamp::from_second(seconds + minutes * 60).unwrap().to_string();
            let sign = if minutes < 0 { '-' } else { '+' };
            let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
            let text = format!("{}{sign}{hours:02}:{rest:02}", local.trim_end_matches('Z'));
            prop_assert_eq!(Instant::parse(&text).map(|at| at.0), Ok(at), "{}", text);
        }

        #[test]
        fn no_text_panics(text in ".{0,70}") {
            let _ = Instant::parse(&text);
        }
    }
}
