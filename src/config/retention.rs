//! `[retention]`: how long what is kept, and when what is gone leaves the disk.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};

use super::reader::Reader;

/// How long each kind of data is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Addresses, and what teachers wrote.
    pub contacts: SignedDuration,
    /// What was heard, decided and sent, by ids.
    pub evidence: SignedDuration,
    /// Numbers about nobody.
    pub counters: SignedDuration,
    /// The folder whose backups are removed when they are old.
    pub backups: PathBuf,
    /// How long they are kept.
    pub backups_keep: SignedDuration,
    /// When store and journal are written anew; none: only when an operator says so.
    pub compact: Option<Compaction>,
}

/// When a compaction is due, by the clock of the first school's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compaction {
    /// On which day; none: every day.
    pub day: Option<Weekday>,
    /// At which time.
    pub at: Time,
}

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

fn compaction(text: &str) -> Result<Option<Compaction>, Option<String>> {
    if text == "off" {
        return Ok(None);
    }
    let (day, time) = text.split_once(' ').ok_or(None)?;
    let day = match day {
        "daily" => None,
        word => Some(DAYS.iter().find(|(name, _)| *name == word).ok_or(None)?.1),
    };
    let is_clock = time.len() == 5 && time.as_bytes()[2] == b':';
    let at = time.parse().ok().filter(|_| is_clock).ok_or(None)?;
    Ok(Some(Compaction { day, at }))
}

impl Retention {
    /// `store`: the store's folder, where backups are unless told otherwise.
    pub(super) fn read(reader: Reader<'_>, store: &Path) -> Self {
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        let clock =
            |key, least, default| reader.duration(key, least, "3660d").unwrap_or(days(default));
        let sunday = Compaction { day: Some(Weekday::Sunday), at: Time::constant(3, 30, 0, 0) };
        let retention = Self {
            contacts: clock("contacts", "7d", 30),
            evidence: clock("evidence", "60d", 330),
            counters: clock("counters", "60d", 1100),
            backups: reader.path("backups").unwrap_or_else(|| store.join("backups")),
            backups_keep: clock("backups-keep", "1d", 30),
            compact: reader
                .parsed(
                    "compact",
                    "a day and a time, as \"sunday 03:30\" or \"daily 03:30\", or \"off\"",
                    compaction,
                )
                .unwrap_or(Some(sunday)),
        };
        if retention.evidence < retention.contacts {
            reader.warn(
                "evidence",
                "`evidence` is shorter than `contacts`, which go with it then",
                "write a longer one",
            );
        }
        reader.finish();
        retention
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_and_a_time_are_read_and_slips_are_not_guessed() {
        let at = |text| compaction(text).expect("good");
        let three = Time::constant(3, 5, 0, 0);
        assert_eq!(at("daily 03:05"), Some(Compaction { day: None, at: three }));
        let monday = Compaction { day: Some(Weekday::Monday), at: three };
        assert_eq!(at("monday 03:05"), Some(monday));
        assert_eq!(at("off"), None);
        for bad in
            ["03:05", "mon 03:05", "monday 3:05", "monday 25:00", "monday", "", "monday 03:05:00"]
        {
            assert_eq!(compaction(bad), Err(None), "{bad}");
        }
    }
}
