//! One cell at a time: from its text to a value of the model, or words on why not. The words never repeat the
//! text. Pure.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::columns::Reading;
use super::records::Fields;
use super::settings::Meaning;
use crate::directory::{Directory, School};
use crate::model::{IdError, SchoolId};
use crate::source::webhook::MAX_AHEAD;

/// Years that a file may speak of: software writes 0001, 1895, 1970 or 9999 when it means "not set".
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2100;
/// Longest label, in characters.
pub(super) const MAX_LABEL: usize = 200;
/// Most minutes of a lesson.
pub(super) const MAX_MINUTES: u32 = 1440;

const DATE_TIMES: [&str; 6] = [
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y%m%d %H:%M",
    "%Y%m%d %H%M",
];
const DATES: [&str; 2] = ["%Y-%m-%d", "%Y%m%d"];
const TIMES: [&str; 4] = ["%H:%M:%S", "%H:%M", "%H.%M", "%H%M"];

/// What is wrong with one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// In which column.
    pub column: Option<String>,
    /// What, in words that continue "the cell …" or "the row …".
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Bad {
    /// About the row as a whole.
    pub fn row(what: &str, remedy: &str) -> Self {
        Self { column: None, what: what.into(), remedy: remedy.into() }
    }

    /// About one of our columns.
    pub fn at(column: &str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { column: Some(column.into()), what: what.into(), remedy: remedy.into() }
    }
}

/// What a row is read against.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Schools and people.
    pub directory: &'a Directory,
    /// Which schools the folder may speak of; none: all.
    pub schools: Option<&'a BTreeSet<SchoolId>>,
    /// What words mean.
    pub meaning: &'a Meaning,
    /// Now.
    pub now: Timestamp,
}

/// A row under its columns.
#[derive(Clone, Copy)]
pub struct Cells<'a> {
    /// Where the columns are.
    pub reading: &'a Reading,
    /// What stands in them.
    pub fields: &'a Fields,
}

impl<'a> Cells<'a> {
    /// What stands in a column; nothing where it is empty.
    pub(super) fn get(&self, column: &str) -> Option<Cow<'a, str>> {
        self.reading.get(self.fields, column)
    }

    /// What must stand in a column.
    pub(super) fn required(&self, column: &str) -> Result<Cow<'a, str>, Bad> {
        self.get(column).ok_or_else(|| Bad::at(column, "is empty", "fill it in"))
    }

    /// An id that must be there.
    pub(super) fn id<T>(
        &self,
        column: &str,
        make: fn(&str) -> Result<T, IdError>,
    ) -> Result<T, Bad> {
        make(&self.required(column)?).map_err(|error| bad_id(column, &error))
    }

    /// An id, if there is one.
    pub(super) fn maybe_id<T>(
        &self,
        column: &str,
        make: fn(&str) -> Result<T, IdError>,
    ) -> Result<Option<T>, Bad> {
        let id = self.get(column).map(|text| make(&text));
        id.transpose().map_err(|error| bad_id(column, &error))
    }

    /// Ids with `|` or a comma between, in order and each once.
    pub(super) fn ids<T: Ord>(
        &self,
        column: &str,
        make: fn(&str) -> Result<T, IdError>,
    ) -> Result<Vec<T>, Bad> {
        let text = self.get(column).unwrap_or_default();
        let parts = text.split(['|', ',']).map(str::trim).filter(|part| !part.is_empty());
        let all: Result<BTreeSet<T>, _> = parts.map(make).collect();
        all.map(|all| all.into_iter().collect()).map_err(|error| bad_id(column, &error))
    }

    /// Yes or no; none where it is empty.
    pub(super) fn truth(&self, column: &str) -> Result<Option<bool>, Bad> {
        let Some(text) = self.get(column) else { return Ok(None) };
        match text.to_lowercase().as_str() {
            "yes" | "ja" | "true" | "sant" | "1" => Ok(Some(true)),
            "no" | "nej" | "false" | "falskt" | "0" => Ok(Some(false)),
            _ => Err(Bad::at(column, "is neither yes nor no", "write yes or no")),
        }
    }

    /// A whole number of minutes; none where it is empty.
    pub(super) fn minutes(&self, column: &str) -> Result<Option<u32>, Bad> {
        let Some(text) = self.get(column) else { return Ok(None) };
        let whole = text.split_once(['.', ',']).map_or(&*text, |(whole, rest)| {
            if rest.bytes().all(|b| b == b'0') { whole } else { "" }
        });
        if let Some(minutes) = whole.parse::<u32>().ok().filter(|n| *n <= MAX_MINUTES) {
            return Ok(Some(minutes));
        }
        let what = format!("is not a whole number of minutes from 0 to {MAX_MINUTES}");
        Err(Bad::at(column, what, "correct it in the source"))
    }

    /// The school: by its id or by what the files call it; where none is named, the only one there is.
    pub(super) fn school<'d>(&self, context: Context<'d>) -> Result<&'d School, Bad> {
        let all = &context.directory.schools;
        let Some(text) = self.get("school") else {
            let mut named: Box<dyn Iterator<Item = &SchoolId>> = match context.schools {
                Some(some) => Box::new(some.iter()),
                None => Box::new(all.keys()),
            };
            return match (named.next().and_then(|only| all.get(only)), named.next()) {
                (Some(only), None) => Ok(only),
                _ => Err(Bad::at("school", "is empty", "name the school, as several may be meant")),
            };
        };
        let id = match context.meaning.schools.get(&text.to_lowercase()) {
            Some(id) => id.clone(),
            None => SchoolId::new(&*text).map_err(|error| bad_id("school", &error))?,
        };
        let Some(school) = all.get(&id) else {
            let remedy = "correct it, add the school to the configuration, or say in school-names what it is called";
            return Err(Bad::at("school", "is not a school in the configuration", remedy));
        };
        if context.schools.is_some_and(|some| !some.contains(&id)) {
            let remedy = "correct it, or add the school to `schools` of this folder";
            return Err(Bad::at("school", "is a school that this folder may not speak of", remedy));
        }
        Ok(school)
    }

    /// A day, if there is one.
    pub(super) fn date(&self, column: &str, context: Context<'_>) -> Result<Option<Date>, Bad> {
        let Some(text) = self.get(column) else { return Ok(None) };
        date(&text, &context.meaning.times).map(Some).map_err(|what| bad_time(column, what))
    }

    /// A moment, if there is one: with an offset, or by the school's clock, on the day in `date` where the cell
    /// has none.
    pub(super) fn moment(
        &self,
        column: &str,
        on: Option<Date>,
        zone: &TimeZone,
        context: Context<'_>,
    ) -> Result<Option<Timestamp>, Bad> {
        let Some(text) = self.get(column) else { return Ok(None) };
        moment(&text, on, zone, &context.meaning.times)
            .map(Some)
            .map_err(|what| bad_time(column, what))
    }

    /// When something was recorded, if the row says so: not in the future, or it would beat every later one.
    pub(super) fn recorded(
        &self,
        column: &str,
        zone: &TimeZone,
        context: Context<'_>,
    ) -> Result<Option<Timestamp>, Bad> {
        let at = self.moment(column, None, zone, context)?;
        if at.is_some_and(|at| at.duration_since(context.now) > MAX_AHEAD) {
            let what = "is more than 10 minutes ahead of this server's clock";
            return Err(Bad::at(column, what, "check the source's clock and its time zone"));
        }
        Ok(at)
    }

    /// A name for staff, if there is one.
    pub(super) fn label(&self, column: &str) -> Result<Option<String>, Bad> {
        let Some(text) = self.get(column) else { return Ok(None) };
        if text.chars().count() > MAX_LABEL || text.chars().any(char::is_control) {
            let what =
                format!("is longer than {MAX_LABEL} characters, or holds a control character");
            return Err(Bad::at(column, what, "shorten it"));
        }
        Ok(Some(text.into_owned()))
    }
}

fn bad_id(column: &str, error: &IdError) -> Bad {
    Bad::at(column, error.to_string(), "give an id of 1 to 128 bytes")
}

fn bad_time(column: &str, what: &'static str) -> Bad {
    let remedy =
        "write it as 2026-11-23 08:20 or 2026-11-23T08:20:00+01:00, or say its form in `times`";
    Bad::at(column, what, remedy)
}

const NO_TIME: &str = "is not a time in any form that is known";
const NO_YEAR: &str = "has a year that cannot be right: a value that was never set?";

/// A day.
///
/// # Errors
/// In words.
pub fn date(text: &str, forms: &[String]) -> Result<Date, &'static str> {
    let forms = forms.iter().map(String::as_str).chain(DATES);
    let found = forms.filter_map(|form| Date::strptime(form, text).ok()).next();
    let found = found.ok_or("is not a day in any form that is known")?;
    if YEARS.contains(&found.year()) { Ok(found) } else { Err(NO_YEAR) }
}

/// A moment.
///
/// # Errors
/// In words.
pub fn moment(
    text: &str,
    on: Option<Date>,
    zone: &TimeZone,
    forms: &[String],
) -> Result<Timestamp, &'static str> {
    let in_years = |at: Timestamp| {
        let year = at.to_zoned_datetime(TimeZone::UTC).date().year();
        if YEARS.contains(&year) { Ok(at) } else { Err(NO_YEAR) }
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        return in_years(at);
    }
    let own = || forms.iter().map(String::as_str);
    let whole = own().chain(DATE_TIMES).find_map(|form| DateTime::strptime(form, text).ok());
    let civil = match (whole, on) {
        (Some(civil), _) => civil,
        (None, Some(day)) => {
            let time = own().chain(TIMES).find_map(|form| Time::strptime(form, text).ok());
            day.to_datetime(time.ok_or(NO_TIME)?)
        }
        (None, None) => return Err(NO_TIME),
    };
    let at = zone.to_ambiguous_zoned_datetime(civil).compatible().map_err(|_| NO_TIME)?;
    in_years(at.timestamp())
}

/// The start of a day by the school's clock.
pub fn midnight(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let civil = day.to_datetime(Time::midnight());
    Some(zone.to_ambiguous_zoned_datetime(civil).compatible().ok()?.timestamp())
}

/// So many minutes later.
pub fn later(at: Timestamp, minutes: u32) -> Timestamp {
    at.saturating_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_people_and_machines_write_them() {
        let zone = TimeZone::get("Europe/Stockholm").expect("zone");
        let day = jiff::civil::date(2026, 11, 23);
        let forms = ["%d/%m/%Y kl %H:%M".to_owned(), "%d.%m.%Y".into(), "%Hh%M".into()];
        for (text, on, utc) in [
            ("2026-11-23T08:20:00+01:00", None, "2026-11-23T07:20:00Z"),
            ("2026-11-23T07:20:00Z", None, "2026-11-23T07:20:00Z"),
            ("2026-11-23 08:20", None, "2026-11-23T07:20:00Z"),
            ("2026-11-23T08:20:30", None, "2026-11-23T07:20:30Z"),
            ("20261123 0820", None, "2026-11-23T07:20:00Z"),
            ("23/11/2026 kl 08:20", None, "2026-11-23T07:20:00Z"),
            ("08:20", Some(day), "2026-11-23T07:20:00Z"),
            ("08.20", Some(day), "2026-11-23T07:20:00Z"),
            ("0820", Some(day), "2026-11-23T07:20:00Z"),
            ("08h20", Some(day), "2026-11-23T07:20:00Z"),
            ("2026-06-01 08:20", Some(day), "2026-06-01T06:20:00Z"),
        ] {
            assert_eq!(moment(text, on, &zone, &forms), Ok(utc.parse().expect("time")), "{text}");
        }
        for (text, on) in [
            ("08:20", None),
            ("igår", Some(day)),
            ("1895-01-01 08:20", None),
            ("0001-01-01T00:00:00Z", None),
            ("2026-02-30 08:20", None),
            ("24:20", Some(day)),
        ] {
            assert!(moment(text, on, &zone, &forms).is_err(), "{text}");
        }
        assert_eq!(date("23.11.2026", &forms), Ok(day));
        assert_eq!(date("20261123", &[]), Ok(day));
        assert!(date("1895-01-01", &[]).is_err() && date("2026-13-01", &[]).is_err());
    }
}
