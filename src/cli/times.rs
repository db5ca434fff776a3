//! Times as people read them: by the clock of whoever asks, to the second, with the zone's name. Documents keep
//! UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-11-26 08:20:05 CET`.
pub fn local(at: Timestamp) -> impl std::fmt::Display {
    at.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}
