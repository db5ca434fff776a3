//! How an event of a calendar file comes again, as far as an operator could say it of a silence: on some days of the week,
//! until a day. What is more than that is for people to read.

use std::collections::BTreeSet;

use icalendar::parser::Component;
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use super::ics::{date, property, repeats, value};

/// Most times that are counted off.
const TIMES: usize = 1_000;

/// How an event comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// Every week on these days, 1 for Monday to 7; none: otherwise.
    pub weekdays: Option<Vec<i8>>,
    /// The last day on which it may come; none: that is not said.
    pub last: Option<Date>,
    /// Some of its times are left out.
    pub exceptions: bool,
}

/// How an event comes again that begins on a day; none: it comes once.
pub(super) fn again(event: &Component<'_>, first: Date) -> Option<Again> {
    let by = repeats(event)?;
    let exceptions = property(event, "EXDATE").is_some() || property(event, "EXRULE").is_some();
    let other = Again { weekdays: None, last: None, exceptions };
    let rule =
        value(event, "RRULE").filter(|_| by == "RRULE" && property(event, "RDATE").is_none());
    let Some(rule) = rule else { return Some(other) };
    let part = |name: &str| {
        rule.split(';').find_map(|part| {
            let (key, value) = part.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_ascii_uppercase())
        })
    };
    let until = part("UNTIL").and_then(|until| date(until.get(..8)?));
    let every = part("INTERVAL").is_none_or(|interval| interval == "1");
    let odd = ["BYMONTH", "BYSETPOS", "BYWEEKNO", "BYMONTHDAY", "BYYEARDAY", "BYHOUR"];
    let plain = every && odd.into_iter().all(|name| part(name).is_none());
    let freq = part("FREQ").unwrap_or_default();
    let days = match (part("BYDAY"), freq.as_str()) {
        (Some(days), "WEEKLY" | "DAILY") => days.split(',').map(weekday).collect(),
        (None, "WEEKLY") => Some([first.weekday().to_monday_one_offset()].into()),
        (None, "DAILY") => Some((1..=7).collect::<BTreeSet<i8>>()),
        _ => None,
    };
    let Some(days) = days.filter(|days: &BTreeSet<i8>| plain && !days.is_empty()) else {
        return Some(Again { last: until, ..other });
    };
    let count = part("COUNT").and_then(|count| count.parse::<usize>().ok());
    let counted = count.and_then(|count| last_of(first, &days, count));
    Some(Again { weekdays: Some(days.into_iter().collect()), last: until.or(counted), exceptions })
}

/// The day of the last of so many times.
fn last_of(first: Date, days: &BTreeSet<i8>, count: usize) -> Option<Date> {
    let all = std::iter::successors(Some(first), |day| day.checked_add(1.day()).ok());
    let is_one = |day: &Date| days.contains(&day.weekday().to_monday_one_offset());
    (1..=TIMES).contains(&count).then(|| all.filter(is_one).nth(count - 1)).flatten()
}

/// `MO`; not `1MO`, which is the first of a month.
fn weekday(text: &str) -> Option<i8> {
    let names = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let index = names.iter().position(|name| *name == text.trim())?;
    let day = Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok()?;
    Some(day.to_monday_one_offset())
}

#[cfg(test)]
mod tests {
    use super::*;
    use icalendar::parser::{read_components, unfold};

    fn of(lines: &str) -> Option<Again> {
        let text = unfold(&format!("BEGIN:VEVENT\nUID:1\n{lines}\nEND:VEVENT\n"));
        let events = read_components(&text).expect("an event");
        again(&events[0], jiff::civil::date(2026, 11, 2))
    }

    #[test]
    fn what_comes_every_week_is_days_of_the_week_until_a_day() {
        let day = |text: &str| text.parse::<Date>().ok();
        for (lines, weekdays, last) in [
            ("RRULE:FREQ=WEEKLY", Some(vec![1]), None),
            (
                "RRULE:FREQ=WEEKLY;BYDAY=TU,MO;UNTIL=20261218T225959Z",
                Some(vec![1, 2]),
                day("2026-12-18"),
            ),
            ("RRULE:FREQ=WEEKLY;INTERVAL=1;COUNT=3;WKST=MO", Some(vec![1]), day("2026-11-16")),
            ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3", Some(vec![1, 3]), day("2026-11-09")),
            ("RRULE:FREQ=DAILY;UNTIL=20261106", Some((1..=7).collect()), day("2026-11-06")),
            ("RRULE:FREQ=DAILY;BYDAY=FR", Some(vec![5]), None),
            ("RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20261106", None, day("2026-11-06")),
            ("RRULE:FREQ=MONTHLY;BYDAY=1MO", None, None),
            ("RRULE:FREQ=WEEKLY;BYDAY=XX", None, None),
            ("RRULE:", None, None),
            ("RDATE:20261109", None, None),
        ] {
            let found = of(lines).expect(lines);
            assert_eq!((found.weekdays, found.last), (weekdays, last), "{lines}");
        }
        assert_eq!(of("SUMMARY:Once"), None);
        assert!(of("RRULE:FREQ=WEEKLY\nEXDATE:20261109").is_some_and(|again| again.exceptions));
    }
}
