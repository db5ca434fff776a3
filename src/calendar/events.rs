//! The events of a calendar file as times that an operator could have typed: for silences that a school keeps in its
//! calendar.

use icalendar::parser::Component;
use jiff::Span;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::ics::{self, days, each, is, property, repeats, value};

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
    /// It comes again, and this is its first time.
    pub repeats: bool,
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
    each(text, |event, line| match one(event, line) {
        Ok(event) => events.push(event),
        Err(fault) => faults.push((line, fault)),
    })
    .map_err(|fault| format!("{}; {}", fault.words, fault.remedy))?;
    Ok(Read { events, faults })
}

fn one(event: &Component<'_>, line: usize) -> Result<Event, &'static str> {
    let start = value(event, "DTSTART").ok_or("it has no DTSTART")?;
    let (from, to) = if start.contains('T') {
        times(event, start)?
    } else {
        let days = days(event, start)?;
        (days.first().to_string(), days.last().to_string())
    };
    let summary = value(event, "SUMMARY").unwrap_or_default().replace("\\n", " ").replace('\\', "");
    // A line that was not folded as it should is one with the next to the parser.
    let summary = summary.replace(char::is_control, " ");
    Ok(Event { line, summary, from, to, repeats: repeats(event).is_some() })
}

fn times(event: &Component<'_>, start: &str) -> Result<(String, String), &'static str> {
    const NO_END: &str = "it has neither an end nor a length that is understood";
    let from = moment(event, "DTSTART", start)?;
    let to = match (value(event, "DTEND"), value(event, "DURATION")) {
        (Some(end), _) => moment(event, "DTEND", end)?,
        (None, Some(length)) => {
            let length: Span = length.parse().map_err(|_| NO_END)?;
            let plain = start.trim_end_matches(['Z', 'z']);
            let end = local(plain).and_then(|at| at.checked_add(length).ok()).ok_or(NO_END)?;
            let zulu = if plain.len() < start.len() { "Z" } else { "" };
            moment(event, "DTSTART", &format!("{}{zulu}", end.strftime("%Y%m%dT%H%M%S")))?
        }
        (None, None) => return Err(NO_END),
    };
    Ok((from, to))
}

/// A time as it may be typed: with its offset where the file gives a zone, else by the school's clock.
fn moment(event: &Component<'_>, name: &str, text: &str) -> Result<String, &'static str> {
    const NO_TIME: &str = "it has a time that is not understood";
    if let Some(plain) = text.strip_suffix(['Z', 'z']) {
        return local(plain).map(|at| format!("{at}Z")).ok_or(NO_TIME);
    }
    let at = local(text).ok_or(NO_TIME)?;
    let params = property(event, name).map(|property| property.params.iter());
    let zone = params.into_iter().flatten().find(|param| is(param.key.as_str(), "TZID"));
    let Some(zone) = zone.and_then(|param| param.val.as_ref()) else { return Ok(at.to_string()) };
    let zone = TimeZone::get(zone.as_str().trim_matches('"'))
        .map_err(|_| "its TZID is no zone that is known, as Europe/Stockholm")?;
    let at = zone.to_ambiguous_zoned_datetime(at).compatible().map_err(|_| NO_TIME)?;
    Ok(at.timestamp().to_string())
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
        ];
        let text: String = all.iter().map(|lines| event(lines)).collect();
        let Read { events, faults } =
            read(&format!("BEGIN:VCALENDAR\nVERSION:2.0\n{text}END:VCALENDAR\n")).expect("a file");
        let told: Vec<_> = events
            .iter()
            .map(|e| (e.summary.as_str(), e.from.as_str(), e.to.as_str(), e.repeats))
            .collect();
        assert_eq!(
            told,
            [
                ("Skolresa 7B, Gotland", "2026-12-04", "2026-12-05", false),
                ("Museum", "2026-12-04T08:00:00Z", "2026-12-04T11:00:00Z", false),
                ("Friluftsdag", "2026-12-04T09:00:00", "2026-12-04T14:30:00", false),
                ("Bad", "2026-12-04T08:00:00Z", "2026-12-04T09:00:00Z", false),
                ("", "2026-12-04T08:00:00Z", "2026-12-04T09:00:00Z", true),
            ]
        );
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].1.contains("TZID") && faults[1].1.contains("neither an end"));
        assert!(read("hello").is_err());
    }
}
