//! When the day's minutes are: by the wall clock, or from a moment on and faster. Pure.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The minute of the day at which the first lesson begins.
pub(super) const FIRST: i32 = 8 * 60;
/// A minute that lasts one.
pub(super) const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// How the day lies in time. Days other than today are always by the wall clock.
#[derive(Debug, Clone)]
pub(super) struct Times {
    pub(super) zone: TimeZone,
    pub(super) today: Date,
    /// When the first lesson of today begins, where not at eight.
    pub(super) begin: Option<Timestamp>,
    /// How long a minute of today lasts.
    pub(super) minute: SignedDuration,
}

impl Times {
    /// The instant of a minute of a day.
    pub(super) fn at(&self, day: Date, minute: i32) -> Timestamp {
        match self.begin.filter(|_| day == self.today) {
            Some(begin) => {
                let after = self.minute.saturating_mul(minute - FIRST);
                begin.saturating_add(after).unwrap_or(begin)
            }
            None => civil(&self.zone, day, minute),
        }
    }
}

/// The instant of a minute of a day by the wall clock; a minute that a change of the clock leaves out is
/// the next one there is.
fn civil(zone: &TimeZone, day: Date, minute: i32) -> Timestamp {
    let hour = i8::try_from(minute.div_euclid(60)).unwrap_or(23);
    let rest = i8::try_from(minute.rem_euclid(60)).unwrap_or(0);
    let at = day.at(hour.clamp(0, 23), rest, 0, 0);
    zone.to_timestamp(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_day_is_by_the_wall_clock_or_as_fast_as_asked() {
        let zone = TimeZone::get("Europe/Stockholm").expect("bundled");
        let today = date(2026, 11, 26);
        let mut times = Times { zone, today, begin: None, minute: MINUTE };
        assert_eq!(times.at(today, 490).to_string(), "2026-11-26T07:10:00Z");
        assert_eq!(times.at(date(2026, 7, 1), 490).to_string(), "2026-07-01T06:10:00Z");
        times.begin = Some("2026-11-26T20:00:00Z".parse().expect("time"));
        times.minute = SignedDuration::from_secs(1);
        assert_eq!(times.at(today, 490).to_string(), "2026-11-26T20:00:10Z");
        assert_eq!(times.at(date(2026, 11, 25), 490).to_string(), "2026-11-25T07:10:00Z");
    }
}
