//! The events of a calendar file as times that an operator could have typed: for silences that a school keeps in its
//! calendar.

use std::collections::BTreeMap;

use icalendar::parser::Component;
use jiff::Span;
use jiff::civil::DateTime;

use super::again::{Again, again};
use super::ics::{self, days, each, is, property, value};
use super::zones::{own_zones, zone};
use crate::model::unseen::is_out_of_line;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Line of the file on which it begins, from 1.
    pub line: usize,
    /// What it is called, on one line; empty: nothing.
    pub summary: String,
    /// From when: a day, a local time without an offset, or RFC 3339.
    pub from: String,
    /// Until when; a day is the last one.
    pub to: String,
    /// Its hours by the clock of its own zone, as `08:00-10:00`; none: whole days, more than one day, or times in UTC.
    pub hours: Option<String>,
    /// How it comes again, where this is its first time only.
    pub again: Option<Again>,
}

/// What a calendar file has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// Its events, in its order.
    pub events: Vec<Event>,
    /// Of each that is not understood its line, and why.
    pub faults: Vec<(usize, &'static str)>,
}

/// Reads the events of a file that were not cancelled.
///
/// # Errors
/// In words, where it is no calendar file.
pub fn read(text: &str) -> Result<Read, String> {
    let Read { mut events, mut faults } = Read::default();
    let zones = own_zones(text);
    each(text, |event, line| match one(event, line, &zones) {
        Ok(event) => events.push(event),
        Err(fault) => faults.push((line, fault)),
    })
    .map_err(|fault| format!("{}; {}", fault.words, fault.remedy))?;
    Ok(Read { events, faults })
}

/// What the file says of its own zones, by their names.
type Zones = BTreeMap<String, String>;

fn one(event: &Component<'_>, line: usize, zones: &Zones) -> Result<Event, &'static str> {
    let start = value(event, "DTSTART").ok_or("it has no DTSTART")?;
    let (from, to, first, hours) = if start.contains('T') {
        times(event, zones)?
    } else {
        let days = days(event, start)?;
        (days.first().to_string(), days.last().to_string(), days.first(), None)
    };
    let summary = value(event, "SUMMARY").unwrap_or_default().replace("\\n", " ").replace('\\', "");
    // A line that was not folded as it should is one with the next to the parser.
    let summary = summary.replace(is_out_of_line, " ").trim().to_owned();
    Ok(Event { line, summary, from, to, hours, again: again(event, first) })
}

type Times = (String, String, jiff::civil::Date, Option<String>);

fn times(event: &Component<'_>, zones: &Zones) -> Result<Times, &'static str> {
    const NO_END: &str = "it has neither an end nor a length that is understood";
    let start = Stamp::of(event, "DTSTART").ok_or(NO_TIME)?;
    let end = match (Stamp::of(event, "DTEND"), value(event, "DURATION")) {
        (Some(end), _) => end,
        (None, Some(length)) => {
            let length: Span = length.parse().map_err(|_| NO_END)?;
            let at = start.at.checked_add(length).map_err(|_| NO_END)?;
            Stamp { at, ..start.clone() }
        }
        (None, None) if property(event, "DTEND").is_some() => return Err(NO_TIME),
        (None, None) => return Err(NO_END),
    };
    let first = start.at.date();
    let within = end.at > start.at && end.at.date() <= first.tomorrow().unwrap_or(first);
    let local = !start.utc && !end.utc && start.zone == end.zone;
    let hours = (within && local && end.at.duration_since(start.at).as_hours() < 24)
        .then(|| format!("{}-{}", start.at.strftime("%H:%M"), end.at.strftime("%H:%M")));
    Ok((start.typed(zones)?, end.typed(zones)?, first, hours))
}

const NO_TIME: &str = "it has a time that is not understood";

/// A time as the file has it.
#[derive(Clone)]
struct Stamp {
    at: DateTime,
    utc: bool,
    zone: Option<String>,
}

impl Stamp {
    fn of(event: &Component<'_>, name: &str) -> Option<Self> {
        let property = property(event, name)?;
        let zone = property.params.iter().find(|param| is(param.key.as_str(), "TZID"));
        let mut zone =
            zone.and_then(|param| param.val.as_ref()).map(|zone| zone.as_str().to_owned());
        let mut text = property.val.as_str().trim();
        // A name with a colon in it that stands without quotation marks.
        if let (Some(zone), Some((rest, time))) = (&mut zone, text.rsplit_once(':')) {
            *zone = format!("{zone}:{rest}");
            text = time;
        }
        let plain = text.trim_end_matches(['Z', 'z']);
        Some(Self { at: local(plain)?, utc: plain.len() < text.len(), zone })
    }

    /// As it may be typed: with its offset where the file gives a zone, else by the school's clock.
    fn typed(&self, zones: &Zones) -> Result<String, &'static str> {
        if self.utc {
            return Ok(format!("{}Z", self.at));
        }
        let Some(name) = &self.zone else { return Ok(self.at.to_string()) };
        let zone = zone(name, zones).ok_or(
            "its TZID is no zone that is known, as Europe/Stockholm; set the calendar's time zone and export it anew, or \
             write the silence with `upprop silence add`",
        )?;
        let at = zone.to_ambiguous_zoned_datetime(self.at).compatible().map_err(|_| NO_TIME)?;
        Ok(at.timestamp().to_string())
    }
}

/// `20261204T090000`.
fn local(text: &str) -> Option<DateTime> {
    let (day, time) = text.split_once(['T', 't'])?;
    let digits = time.len() == 6 && time.bytes().all(|b| b.is_ascii_digit());
    let day = ics::date(day)?;
    let time = digits.then(|| jiff::civil::Time::strptime("%H%M%S", time).ok()).flatten()?;
    Some(day.to_datetime(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_times_that_could_be_typed() {
        let event = |lines: &str| format!("BEGIN:VEVENT\nUID:1\n{lines}\nEND:VEVENT\n");
        let all = [
            "SUMMARY:Skolresa 7B\\, Gotland\nDTSTART;VALUE=DATE:20261204\nDTEND;VALUE=DATE:20261206",
            "SUMMARY:Museum\nDTSTART:20261204T080000Z\nDTEND:20261204T110000Z",
            "SUMMARY:Friluftsdag\nDTSTART:20261204T090000\nDURATION:PT5H30M",
            "SUMMARY:Bad\nDTSTART;TZID=Europe/Stockholm:20261204T090000\nDTEND;TZID=Europe/Stockholm:20261204T100000",
            "DTSTART;TZID=Europe/Stockholm:20261204T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY",
            "SUMMARY:Inställt\nDTSTART;VALUE=DATE:20261207\nSTATUS:CANCELLED",
            "SUMMARY:Var?\nDTSTART;TZID=Narnia:20261204T090000\nDURATION:PT1H",
            "SUMMARY:Hur länge?\nDTSTART:20261204T090000",
            "SUMMARY:a\u{202e}b\nDTSTART;TZID=W. Europe Standard Time:20261204T090000\nDURATION:PT1H",
            "DTSTART;TZID=\"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna\":20261204T090000\nDURATION:PT1H",
            "DTSTART;TZID=(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna:20261204T090000\nDURATION:PT1H",
            "DTSTART;TZID=Vår:20261204T090000\nDTEND;TZID=Vår:20261204T100000",
        ];
        let text: String = all.iter().map(|lines| event(lines)).collect();
        let own = "BEGIN:VTIMEZONE\nTZID:Vår\nX-LIC-LOCATION:Europe/Stockholm\nEND:VTIMEZONE\n";
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{own}{text}END:VCALENDAR\n");
        let Read { events, faults } = read(&text).expect("a file");
        let told: Vec<_> = events
            .iter()
            .map(|e| (e.summary.as_str(), e.from.as_str(), e.to.as_str(), e.again.is_some()))
            .collect();
        let hours: Vec<_> = events.iter().map(|e| e.hours.as_deref()).collect();
        assert_eq!(hours[..4], [None, None, Some("09:00-14:30"), Some("09:00-10:00")]);
        assert_eq!(
            told,
            [
                ("Skolresa 7B, Gotland", "2026-12-04", "2026-12-05", false),
                ("Museum", "2026-12-04T08:00:00Z", "2026-12-04T11:00:00Z", false),
                ("Friluftsdag", "2026-12-04T09:00:00", "2026-12-04T14:30:00", false),
                ("Bad", "2026-12-04T08:00:00Z", "2026-12-04T09:00:00Z", false),
                ("", "2026-12-04T08:00:00Z", "2026-12-04T09:00:00Z", true),
                ("a b", "2026-12-04T08:00:00Z", "2026-12-04T09:00:00Z", false),
                ("", "2026-12-04T08:00:00Z", "2026-12-04T09:00:00Z", false),
                ("", "2026-12-04T08:00:00Z", "2026-12-04T09:00:00Z", false),
                ("", "2026-12-04T08:00:00Z", "2026-12-04T09:00:00Z", false),
            ]
        );
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].1.contains("TZID") && faults[1].1.contains("neither an end"));
        assert!(read("hello").is_err());
    }
}
