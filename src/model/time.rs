//! Human time: dates and clock times in a school's zone. Everything else is UTC.

use std::fmt;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// The calendar day of an instant in the school's zone.
pub fn local_date(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned_datetime(zone.clone()).date()
}

/// A clock time as people in Sweden write it: `08.20`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock24 {
    hour: i8,
    minute: i8,
}

impl Clock24 {
    /// The wall clock of an instant in the school's zone.
    pub fn of(at: Timestamp, zone: &TimeZone) -> Self {
        let local = at.to_zoned_datetime(zone.clone());
        Self { hour: local.hour(), minute: local.minute() }
    }
}

impl fmt::Display for Clock24 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}.{:02}", self.hour, self.minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clock_changes_of_2026_and_2027() {
        let zone = TimeZone::get("Europe/Stockholm").expect("zone");
        for (utc, clock, date) in [
            ("2026-10-25T00:30:00Z", "02.30", "2026-10-25"),
            ("2026-10-25T01:30:00Z", "02.30", "2026-10-25"),
            ("2027-03-28T00:59:00Z", "01.59", "2027-03-28"),
            ("2027-03-28T01:00:00Z", "03.00", "2027-03-28"),
            ("2026-11-22T23:00:00Z", "00.00", "2026-11-23"),
        ] {
            let at: Timestamp = utc.parse().expect("instant");
            assert_eq!(Clock24::of(at, &zone).to_string(), clock, "{utc}");
            assert_eq!(local_date(at, &zone).to_string(), date, "{utc}");
        }
    }
}
