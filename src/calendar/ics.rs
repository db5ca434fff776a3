//! Closed days from a calendar file (iCalendar, RFC 5545). What is not understood is told, not passed over: each
//! finding with its line.

use icalendar::parser::{Component, Property, read_components, unfold};
use jiff::ToSpan as _;
use jiff::civil::Date;

use super::Days;
use super::words::{Says, says};

/// Words by which, alone or as the end of a longer word, an event is known as a break, a study day or a holiday, unless
/// others are given.
pub const CLOSED_WORDS: [&str; 9] = [
    "lov",
    "lovdag",
    "lovdagar",
    "studiedag",
    "studiedagar",
    "stängt",
    "stängd",
    "helgdag",
    "kompetensutvecklingsdag",
];

/// Longest calendar file, in bytes.
pub const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// How deep parts may be in each other; an alarm of an event of a calendar is three.
const DEEPEST: usize = 16;

/// Lines of a finding about several.
const LINES: usize = 5;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// A day may be a school day or not, and nobody can tell.
    Error,
    /// Something in the file is left out.
    Warning,
    /// Worth knowing.
    Note,
}

/// Something in a calendar file that its owner should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Line of the file, from 1; none: the whole file.
    pub line: Option<usize>,
    /// How much it matters.
    pub weight: Weight,
    /// What was found.
    pub words: String,
    /// What to do.
    pub remedy: String,
}

/// Closed days of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// The days.
    pub days: Days,
    /// Line of the file on which the event begins, from 1.
    pub line: usize,
}

/// What a calendar file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// Closed days, in the order of the file.
    pub closed: Vec<Closed>,
    /// What its owner should know of.
    pub findings: Vec<Finding>,
}

impl Read {
    fn find(&mut self, line: Option<usize>, weight: Weight, words: &str, remedy: &str) {
        self.findings.push(Finding { line, weight, words: words.into(), remedy: remedy.into() });
    }
}

/// Reads a calendar file. An all-day event is closed days where its summary says so by one of `words` and nothing else, or
/// is one of them, or `words` has [`super::words::ALL`]; one that was cancelled is not there. Where it says more, and may
/// not mean the whole school, it closes nothing: where there is no school nobody is marked, so that is the safe side.
pub fn read(text: &str, words: &[String]) -> Read {
    let mut read = Read::default();
    let (mut timed, mut other) = (Vec::new(), Vec::new());
    let shown = each(text, |event, line| {
        one(event, line, words, &mut read, (&mut timed, &mut other));
    });
    if let Err(fault) = shown {
        return Read { closed: Vec::new(), findings: vec![fault] };
    }
    if !timed.is_empty() {
        let words = format!("events with a time of day close no day: {}", lines(&timed));
        read.find(Some(timed[0]), Weight::Note, &words, "leave them, or make them all-day events");
    }
    if !other.is_empty() {
        let words = format!(
            "all-day events whose summary has none of `closed-words` close no day: {}",
            lines(&other)
        );
        read.find(
            Some(other[0]),
            Weight::Note,
            &words,
            "add their word to `closed-words` if they do",
        );
    }
    read
}

/// Shows each event of a calendar file that was not cancelled, with its line.
pub(super) fn each(text: &str, mut show: impl FnMut(&Component<'_>, usize)) -> Result<(), Finding> {
    let fault = |words: &str| Finding {
        line: None,
        weight: Weight::Error,
        words: words.into(),
        remedy: "export the calendar anew, as iCalendar (.ics)".into(),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let begins: Vec<usize> = (1..)
        .zip(text.lines())
        .filter(|(_, line)| is(line.trim(), "BEGIN:VEVENT"))
        .map(|(number, _)| number)
        .collect();
    let unfolded = unfold(text);
    if is_too_deep(&unfolded) {
        return Err(fault("is no calendar file that can be read"));
    }
    // The parser's own words quote the file.
    let roots = read_components(&unfolded)
        .map_err(|_| fault("is cut short, or no calendar file that can be read"))?;
    let mut events = Vec::new();
    for root in &roots {
        gather(root, &mut events);
    }
    // What the parser does not understand it leaves.
    if events.len() != begins.len() || !roots.iter().any(|root| is(root.name.as_str(), CALENDAR)) {
        return Err(fault("is cut short, or no calendar file"));
    }
    for (event, line) in events.into_iter().zip(begins) {
        if !value(event, "STATUS").is_some_and(|status| is(status, "CANCELLED")) {
            show(event, line);
        }
    }
    Ok(())
}

const CALENDAR: &str = "VCALENDAR";

pub(super) fn is(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Whether its parts are one in the other deeper than any calendar's, which the parser would follow.
fn is_too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    text.lines().any(|line| {
        let starts = |word: &str| line.get(..word.len()).is_some_and(|start| is(start, word));
        if starts("BEGIN:") {
            depth += 1;
        } else if starts("END:") {
            depth = depth.saturating_sub(1);
        }
        depth > DEEPEST
    })
}

/// The events of a component, in the order of the file.
fn gather<'a, 'b>(component: &'b Component<'a>, events: &mut Vec<&'b Component<'a>>) {
    if is(component.name.as_str(), "VEVENT") {
        events.push(component);
        return;
    }
    for inner in &component.components {
        gather(inner, events);
    }
}

fn lines(all: &[usize]) -> String {
    let some: Vec<String> = all.iter().take(LINES).map(usize::to_string).collect();
    let more =
        if all.len() > LINES { format!(" and {} more", all.len() - LINES) } else { String::new() };
    let line = if all.len() == 1 { "line" } else { "lines" };
    format!("{line} {}{more}", some.join(", "))
}

pub(super) fn property<'a, 'b>(event: &'b Component<'a>, name: &str) -> Option<&'b Property<'a>> {
    event.properties.iter().find(|property| is(property.name.as_str(), name))
}

pub(super) fn value<'b>(event: &'b Component<'_>, name: &str) -> Option<&'b str> {
    property(event, name).map(|property| property.val.as_str().trim())
}

/// What to do about a summary that says more.
const MEANT: &str = "if it does, write its days in `closed`, rename the event, or list its whole summary in `closed-words`; if not, \
                     `upprop silence add` is for one class";

/// Reads one event.
fn one(
    event: &Component<'_>,
    line: usize,
    words: &[String],
    read: &mut Read,
    (timed, other): (&mut Vec<usize>, &mut Vec<usize>),
) {
    let at = Some(line);
    let Some(start) = value(event, "DTSTART") else {
        read.find(at, Weight::Error, "an event without DTSTART", "give it a day, or remove it");
        return;
    };
    if start.contains('T') {
        timed.push(line);
        return;
    }
    match says(value(event, "SUMMARY").unwrap_or_default(), words) {
        Says::Closed => {}
        Says::More => {
            let of = days(event, start).map(|days| format!(" of {days}")).unwrap_or_default();
            let words = format!(
                "an all-day event{of} has a word of `closed-words` in its summary and something more, so it closes no \
                 day: it may not mean the whole school"
            );
            read.find(at, Weight::Warning, &words, MEANT);
            return;
        }
        Says::Nothing => {
            other.push(line);
            return;
        }
    }
    match days(event, start) {
        Ok(days) => read.closed.push(Closed { days, line }),
        Err(fault) => {
            read.find(
                at,
                Weight::Error,
                fault,
                "correct its days in the calendar, and export anew",
            );
            return;
        }
    }
    if let Some(name) = repeats(event) {
        let words =
            format!("a closed day that comes again ({name}): only its first time is understood");
        read.find(at, Weight::Warning, &words, "write the other days in `closed`");
    }
}

/// By which property an event comes again.
pub(super) fn repeats(event: &Component<'_>) -> Option<&'static str> {
    ["RRULE", "RDATE", "EXRULE"].into_iter().find(|name| property(event, name).is_some())
}

/// The days of an all-day event; DTEND is the first day after it.
pub(super) fn days(event: &Component<'_>, start: &str) -> Result<Days, &'static str> {
    let from = date(start).ok_or("an all-day event whose DTSTART is no day")?;
    let after = match (value(event, "DTEND"), value(event, "DURATION")) {
        (Some(end), _) => date(end).ok_or("an all-day event whose DTEND is no day")?,
        (None, Some(length)) => {
            let days = length_in_days(length)
                .ok_or("an all-day event whose DURATION is not in whole days or weeks")?;
            from.checked_add(days.days()).map_err(|_| "an all-day event that never ends")?
        }
        (None, None) => from.tomorrow().map_err(|_| "an all-day event that never ends")?,
    };
    // Some programs write the day itself where it is one day only.
    let last = if after == from { Ok(from) } else { after.yesterday() };
    last.ok()
        .and_then(|last| Days::new(from, last))
        .ok_or("an all-day event that ends before it begins, or lasts more than a year")
}

/// `20261026`.
pub(super) fn date(text: &str) -> Option<Date> {
    let good = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    good.then(|| Date::strptime("%Y%m%d", text).ok()).flatten()
}

/// `P5D` or `P1W`.
fn length_in_days(text: &str) -> Option<i64> {
    let text = text.strip_prefix('+').unwrap_or(text).strip_prefix('P')?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|n| (1..=366).contains(n))?;
    match unit {
        "D" => Some(number),
        "W" => Some(number * 7),
        _ => None,
    }
}

#[cfg(test)]
#[path = "ics_tests.rs"]
mod tests;
