//! `[watch]`: when nothing comes of a source for so long that people must know.

use jiff::SignedDuration;
use jiff::civil::Time;

use super::reader::Reader;
use super::words;

/// When people are told that nothing comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// A source that is asked and has not answered for so long.
    pub unreachable_after: SignedDuration,
    /// So many lessons of the schedule that began and ended without a mark; none: never.
    pub silent_lessons: Option<u32>,
    /// Without a schedule: so long without a mark; none: never.
    pub silent_after: Option<SignedDuration>,
    /// Hours, by the school's clock, in which that is counted.
    pub hours: (Time, Time),
}

impl Watch {
    pub(super) fn read(reader: Reader<'_>) -> Self {
        let lessons = reader.integer("silent-lessons", 0..=10_000).unwrap_or(5);
        let after = reader.parsed(
            "silent-after",
            "a duration from 10m to 8h, as \"45m\", or \"off\"",
            |text| {
                if text == "off" {
                    return Ok(None);
                }
                let found = words::duration(text).map_err(|words::Misspelt(write)| write)?;
                let (least, most) = (SignedDuration::from_mins(10), SignedDuration::from_hours(8));
                if (least..=most).contains(&found) { Ok(Some(found)) } else { Err(None) }
            },
        );
        let watch = Self {
            unreachable_after: reader
                .duration("unreachable-after", "1m", "1d")
                .unwrap_or(SignedDuration::from_mins(5)),
            silent_lessons: (lessons > 0).then_some(lessons),
            silent_after: after.flatten(),
            hours: reader
                .parsed("watch-hours", "hours as \"08:00-16:00\"", hours)
                .unwrap_or((Time::constant(8, 0, 0, 0), Time::constant(16, 0, 0, 0))),
        };
        reader.finish();
        watch
    }
}

/// From, and to, which is later.
fn hours(text: &str) -> Result<(Time, Time), Option<String>> {
    let plain = text.replace(['–', '—'], "-").replace('.', ":").replace(' ', "");
    let (from, to) = plain.split_once('-').ok_or(None)?;
    let time = |text: &str| Time::strptime("%H:%M", text).map_err(|_| None);
    let (from, to) = (time(from)?, time(to)?);
    if from >= to {
        return Err(None);
    }
    let right = format!("{}-{}", from.strftime("%H:%M"), to.strftime("%H:%M"));
    if right == text { Ok((from, to)) } else { Err(Some(right)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_of_a_day() {
        let at = |h, m| Time::constant(h, m, 0, 0);
        assert_eq!(hours("08:00-16:30"), Ok((at(8, 0), at(16, 30))));
        assert_eq!(hours("8.00–16.30"), Err(Some("08:00-16:30".into())));
        for bad in ["16:00-08:00", "08:00-08:00", "08:00", "", "08:00-25:00"] {
            assert_eq!(hours(bad), Err(None), "{bad}");
        }
    }
}
