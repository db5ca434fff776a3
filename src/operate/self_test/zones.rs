//! Checks of time zones: both changes of the clock, this year and the next, against the rule of the European Union
//! where it holds, and against the system's own tables where they are there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;

use super::Line;
use crate::model::{SchoolId, local_date};

/// Where the system keeps its tables.
const SYSTEM: &str = "/usr/share/zoneinfo";
/// More changes than two years have anywhere.
const MOST: usize = 64;
/// Zones of the European Union for which the rule is known here by heart, by their hour of change.
const RULED: [&str; 1] = ["Europe/Stockholm"];

/// One line for each zone.
pub fn all(zones: &[(SchoolId, TimeZone)], now: Timestamp) -> Vec<Line> {
    let mut by_name: BTreeMap<&str, (&TimeZone, BTreeSet<&str>)> = BTreeMap::new();
    for (school, zone) in zones {
        let name = zone.iana_name().unwrap_or("UTC");
        by_name.entry(name).or_insert((zone, BTreeSet::new())).1.insert(school.as_str());
    }
    let year = local_date(now, &TimeZone::UTC).year();
    let lines = by_name.into_iter().map(|(name, (zone, schools))| {
        let schools = schools.into_iter().collect::<Vec<_>>().join(", ");
        one(&format!("zone {name} ({schools})"), name, zone, year, Path::new(SYSTEM))
    });
    lines.collect()
}

fn one(check: &str, name: &str, zone: &TimeZone, year: i16, system: &Path) -> Line {
    const REMEDY: &str =
        "update the system's tzdata and upprop; until then, quiet hours may be an hour off";
    let mut words = Vec::new();
    if RULED.contains(&name) {
        let wrong = [year, year + 1].into_iter().find_map(|year| fault(zone, year));
        if let Some(wrong) = wrong {
            return Line::failed(check, wrong, REMEDY);
        }
        words.push(format!("both changes of the clock are right in {year} and {}", year + 1));
    }
    match std::fs::read(system.join(name)).ok().map(|data| TimeZone::tzif(name, &data)) {
        None => words.push("the system has no table to compare with".into()),
        Some(Err(_)) => {
            words.push("the system's table cannot be read, so it was not compared".into());
        }
        Some(Ok(other)) if changes(zone, year) == changes(&other, year) => {
            words.push("as in the system's table".into());
        }
        Some(Ok(_)) => {
            return Line::failed(check, "it is not as in the system's table", REMEDY);
        }
    }
    Line::ok(check, words.join("; "))
}

/// What is wrong with the changes of a year: the last Sundays of March and October, at 01:00 UTC (directive
/// 2000/84/EC).
fn fault(zone: &TimeZone, year: i16) -> Option<String> {
    let (spring, autumn) = (last_sunday(year, 3)?, last_sunday(year, 10)?);
    let never = zone.to_ambiguous_timestamp(spring.at(2, 30, 0, 0));
    let twice = zone.to_ambiguous_timestamp(autumn.at(2, 30, 0, 0));
    if !matches!(never.offset(), jiff::tz::AmbiguousOffset::Gap { .. }) {
        return Some(format!("{spring} 02:30 should not exist, and does"));
    }
    if !matches!(twice.offset(), jiff::tz::AmbiguousOffset::Fold { .. }) {
        return Some(format!("{autumn} 02:30 should come twice, and does not"));
    }
    None
}

fn last_sunday(year: i16, month: i8) -> Option<Date> {
    date(year, month, 1).nth_weekday_of_month(-1, Weekday::Sunday).ok()
}

/// Every change from a year's beginning to the end of the next, with the offset after it.
fn changes(zone: &TimeZone, year: i16) -> Vec<(Timestamp, i32)> {
    let begin = |year: i16| date(year, 1, 1).at(0, 0, 0, 0).to_zoned_datetime(TimeZone::UTC);
    let (Ok(from), Ok(to)) = (begin(year), begin(year + 2)) else { return Vec::new() };
    zone.following(from.timestamp())
        .take_while(|change| change.timestamp() < to.timestamp())
        // A table without changes may tell of none for ever.
        .take(MOST)
        .map(|change| (change.timestamp(), change.offset().seconds()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::self_test::Finding;

    #[test]
    fn the_last_sundays() {
        for (year, month, day) in
            [(2026, 10, 25), (2027, 3, 28), (2026, 3, 29), (2027, 10, 31), (2024, 3, 31)]
        {
            assert_eq!(last_sunday(year, month), Some(date(year, month, day)));
        }
    }

    #[test]
    fn stockholm_is_right_and_one_that_does_not_change_is_not() {
        let stockholm = TimeZone::get("Europe/Stockholm").expect("zone");
        for year in [2026, 2027] {
            assert_eq!(fault(&stockholm, year), None);
        }
        let fixed = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(
            fault(&fixed, 2026).as_deref(),
            Some("2026-03-29 02:30 should not exist, and does")
        );
        assert_eq!(changes(&stockholm, 2026).len(), 4);
    }

    #[test]
    fn the_systems_table_is_compared() {
        let stockholm = TimeZone::get("Europe/Stockholm").expect("zone");
        let folder = tempfile::tempdir().expect("folder");
        let told = |system: &Path| one("zone", "Europe/Stockholm", &stockholm, 2026, system);
        let without = told(folder.path());
        assert_eq!(without.finding, Finding::Ok);
        assert!(without.words.contains("no table"), "{without:?}");
        // A table that never changes: TZif version 1 with one type, UTC.
        let mut table = b"TZif\0".to_vec();
        table.extend([0; 15]);
        for count in [0_u32, 0, 0, 0, 1, 4] {
            table.extend(count.to_be_bytes());
        }
        table.extend([0; 6]);
        table.extend(b"UTC\0");
        std::fs::create_dir(folder.path().join("Europe")).expect("folder");
        std::fs::write(folder.path().join("Europe/Stockholm"), table).expect("written");
        let other = told(folder.path());
        assert_eq!(other.finding, Finding::Failed, "{other:?}");
    }
}
