//! How calls home are spread: no more than so many fall due in one hour, as far as the day allows. Pure.

use jiff::{SignedDuration, Timestamp};

use super::duty::Hours;

/// An hour, in seconds.
const HOUR: i64 = 3_600;

/// Where a call falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The hour it is counted in, by its start.
    pub hour: Timestamp,
    /// When it is due.
    pub due_at: Timestamp,
}

/// The hour in which something counts that is due at an instant: one due at ten belongs to the hour before.
pub fn hour_of(due: Timestamp) -> Timestamp {
    let second = due.as_second().saturating_sub(1).div_euclid(HOUR) * HOUR;
    Timestamp::from_second(second).unwrap_or(due)
}

/// The hours in which a call may fall due, the first choice first: its own, then later ones of the same day, then
/// earlier ones, the latest first. Never after the school's day, and never in an hour that is over.
pub fn slots(due: Timestamp, hours: &Hours<'_>, now: Timestamp) -> Vec<Slot> {
    let own = Slot { hour: hour_of(due), due_at: due };
    let (ends, first) = (hours.ends(hours.day_of(due)), hour_of(now.max(own_day(due, hours))));
    let slot = |start: Timestamp| {
        let end = start.saturating_add(SignedDuration::from_secs(HOUR)).unwrap_or(Timestamp::MAX);
        Slot { hour: start, due_at: end.min(ends) }
    };
    let mut all = vec![own];
    let mut next = own.hour;
    while let Ok(start) = next.checked_add(SignedDuration::from_secs(HOUR))
        && start < ends
    {
        all.push(slot(start));
        next = start;
    }
    let mut before = own.hour;
    while let Ok(start) = before.checked_sub(SignedDuration::from_secs(HOUR))
        && start > first
    {
        all.push(slot(start));
        before = start;
    }
    all
}

/// When the first lesson of the day of an instant may begin: nobody phones in the night before.
fn own_day(due: Timestamp, hours: &Hours<'_>) -> Timestamp {
    let day = hours.day_of(due);
    let morning = jiff::civil::Time::constant(8, 0, 0, 0);
    hours.zone.to_timestamp(day.to_datetime(morning)).unwrap_or(due)
}

/// The first of them that has room; none: the day is full.
pub fn choose(slots: &[Slot], count: impl Fn(Timestamp) -> u32, cap: u32) -> Option<Slot> {
    slots.iter().find(|slot| count(slot.hour) < cap).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::civil::Time;
    use jiff::tz::TimeZone;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn calls_of_a_day_are_spread_over_its_hours_and_never_past_its_end() {
        let zone = TimeZone::get("Europe/Stockholm").expect("zone");
        let hours = Hours { zone: &zone, calendar: None, day_ends: Time::constant(16, 0, 0, 0) };
        // 09:10 and 16:00 in Stockholm.
        let (now, due) = (at("2026-11-23T08:10:00Z"), at("2026-11-23T15:00:00Z"));
        let slots = slots(due, &hours, now);
        let mut counts: BTreeMap<Timestamp, u32> = BTreeMap::new();
        let (mut full, mut dues) = (0, Vec::new());
        for _ in 0..20 {
            let count = |hour| counts.get(&hour).copied().unwrap_or_default();
            let slot = choose(&slots, count, 3);
            full += usize::from(slot.is_none());
            let slot = slot.unwrap_or(slots[0]);
            *counts.entry(slot.hour).or_default() += 1;
            dues.push(slot.due_at);
        }
        assert_eq!(&dues[..3], [due; 3]);
        assert_eq!(dues[3], at("2026-11-23T14:00:00Z"));
        assert!(dues.iter().all(|at| now < *at && *at <= due), "{dues:?}");
        // Six whole hours after the one that goes on: 10 to 16.
        assert_eq!(full, 2);
    }

    #[test]
    fn a_call_due_in_some_hours_moves_later_first() {
        let zone = TimeZone::get("Europe/Stockholm").expect("zone");
        let hours = Hours { zone: &zone, calendar: None, day_ends: Time::constant(15, 30, 0, 0) };
        let (now, due) = (at("2026-11-23T08:10:00Z"), at("2026-11-23T12:20:00Z"));
        let all = slots(due, &hours, now);
        let dues: Vec<String> = all.iter().map(|slot| slot.due_at.to_string()).collect();
        assert_eq!(
            dues,
            [
                "2026-11-23T12:20:00Z",
                "2026-11-23T14:00:00Z",
                "2026-11-23T14:30:00Z",
                "2026-11-23T12:00:00Z",
                "2026-11-23T11:00:00Z",
                "2026-11-23T10:00:00Z",
            ]
        );
        assert_eq!(hour_of(at("2026-11-23T12:00:00Z")), at("2026-11-23T11:00:00Z"));
    }
}
