//! The zones that calendar files name: as IANA does, as Windows and Outlook do, or as a part of the file itself explains.

use std::collections::BTreeMap;

use icalendar::parser::unfold;
use jiff::tz::TimeZone;

use super::ics::is;

/// Windows' names of the zones of Europe, as Unicode CLDR has them (windowsZones, territory 001).
const WINDOWS: [(&str, &str); 16] = [
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Romance Standard Time", "Europe/Paris"),
    ("GMT Standard Time", "Europe/London"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("FLE Standard Time", "Europe/Kyiv"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("Kaliningrad Standard Time", "Europe/Kaliningrad"),
    ("Belarus Standard Time", "Europe/Minsk"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("UTC", "UTC"),
    ("Coordinated Universal Time", "UTC"),
    ("tzone://Microsoft/Utc", "UTC"),
];

/// Reads a TZID; `own`: what the file says of its own zones.
pub(super) fn zone(name: &str, own: &BTreeMap<String, String>) -> Option<TimeZone> {
    let name = unquoted(name);
    known(name).or_else(|| known(own.get(name)?))
}

fn known(name: &str) -> Option<TimeZone> {
    let name = unquoted(name);
    if let Some((_, zone)) = WINDOWS.iter().find(|(windows, _)| is(windows, name)) {
        return TimeZone::get(zone).ok();
    }
    if let Ok(zone) = TimeZone::get(name) {
        return Some(zone);
    }
    if name.starts_with('(') {
        return of_cities(name);
    }
    // "/citadel.org/20250101_1/Europe/Stockholm"
    let (before, city) = name.rsplit_once('/')?;
    let area = before.rsplit('/').next()?;
    TimeZone::get(&format!("{area}/{city}")).ok()
}

/// "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna": that of the first city that has one.
fn of_cities(name: &str) -> Option<TimeZone> {
    let (_, cities) = name.split_once(')')?;
    if is(cities.trim(), "Coordinated Universal Time") {
        return Some(TimeZone::UTC);
    }
    let city =
        |city: &str| TimeZone::get(&format!("Europe/{}", city.trim().replace(' ', "_"))).ok();
    cities.split(',').find_map(city)
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"').trim()
}

/// The zones that a file describes itself and says a known name of (`X-LIC-LOCATION`), by TZID.
pub(super) fn own_zones(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let (mut id, mut location, mut inside) = (None, None, false);
    for line in unfold(text).lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = name.split(';').next().unwrap_or(name).trim();
        if is(name, "BEGIN") && is(value.trim(), "VTIMEZONE") {
            (id, location, inside) = (None, None, true);
        } else if is(name, "END") && is(value.trim(), "VTIMEZONE") {
            inside = false;
            if let (Some(id), Some(location)) = (id.take(), location.take()) {
                found.insert(id, location);
            }
        } else if inside && is(name, "TZID") {
            id = Some(unquoted(value).to_owned());
        } else if inside && is(name, "X-LIC-LOCATION") {
            location = Some(unquoted(value).to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_windows_is_a_zone() {
        for (windows, iana) in WINDOWS {
            let zone = zone(windows, &BTreeMap::new()).expect(windows);
            assert_eq!(zone, TimeZone::get(iana).expect(iana), "{windows}");
        }
    }

    #[test]
    fn names_of_outlook_and_of_the_file_itself_are_understood() {
        let none = BTreeMap::new();
        let stockholm = TimeZone::get("Europe/Stockholm").expect("zone");
        let noon = jiff::civil::date(2026, 7, 1).at(12, 0, 0, 0);
        let at = |name: &str, own| {
            zone(name, own)
                .map(|zone| zone.to_ambiguous_timestamp(noon).compatible().expect("time"))
        };
        let right = Some(stockholm.to_ambiguous_timestamp(noon).compatible().expect("time"));
        for name in [
            "Europe/Stockholm",
            "\"W. Europe Standard Time\"",
            "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
            "(UTC+01:00) Brussels, Copenhagen, Madrid, Paris",
            "/citadel.org/20250101_1/Europe/Stockholm",
        ] {
            assert_eq!(at(name, &none), right, "{name}");
        }
        for name in ["Narnia", "Customized Time Zone", "(UTC+01:00) Narnia", "", "/", "Pacific"] {
            assert_eq!(at(name, &none), None, "{name}");
        }
        let own = own_zones(
            "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:Our\r\n  zone\r\nX-LIC-LOCATION:Europe/Stoc\r\n kholm\r\n\
             BEGIN:STANDARD\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nX-LIC-LOCATION:Narnia\r\nEND:VCALENDAR\r\n",
        );
        assert_eq!(at("Our zone", &own), right, "{own:?}");
    }
}
