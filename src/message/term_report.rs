//! The report of a term: its numbers as templates see them, and a page with plots that is attached to the mail and written
//! by `upprop report term`. Small counts are hidden here, so that none is shown anywhere.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use crate::model::{Locale, TermCounts, TermName};
use crate::report::{Kind, Number, Page, Plot, Section, Series, Table};

/// The name of the page in a mail.
pub const ATTACHMENT: &str = "term-report.html";
/// Upper ends of the pauses that are told apart, in whole minutes.
const PAUSES: [u32; 7] = [1, 2, 5, 10, 20, 60, 240];

/// A term in numbers, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TermFacts {
    /// The school's name.
    pub school: String,
    /// `2026-autumn`.
    pub term: String,
    /// Its first day, `2026-08-17`.
    pub from: String,
    /// Its last day.
    pub to: String,
    /// Lessons of a pupil missed with a valid reason; `<5` where there are few, as in all that follow.
    pub excused: String,
    /// The same without one.
    pub unexcused: String,
    /// Messages home of absence that left.
    pub alarms: String,
    /// Those that arrived.
    pub received: String,
    /// Those of which no report has come.
    pub unconfirmed: String,
    /// Those that did not arrive.
    pub not_received: String,
    /// Those that were put right later.
    pub corrected: String,
    /// Minutes within which half of them left; empty: none did.
    pub median: String,
    /// Minutes within which nine of ten left; empty: none did.
    pub most: String,
    /// What it is made from.
    #[serde(skip)]
    pub counts: TermCounts,
}

fn shown(count: u64) -> String {
    Number::of(count, false).to_string()
}

fn sum<K>(of: &BTreeMap<K, u64>) -> u64 {
    of.values().sum()
}

/// The least number of minutes within which so many per cent left.
fn within(minutes: &BTreeMap<u32, u64>, percent: u64) -> Option<u32> {
    let all = sum(minutes);
    let mut so_far = 0;
    minutes.iter().find_map(|(minute, count)| {
        so_far += count;
        (so_far * 100 >= all * percent).then_some(*minute)
    })
}

impl TermFacts {
    /// Of one school's term.
    pub fn new(school: &str, term: TermName, days: (Date, Date), counts: TermCounts) -> Self {
        let least = |percent| {
            within(&counts.minutes, percent).map(|minutes| minutes.to_string()).unwrap_or_default()
        };
        Self {
            school: school.to_owned(),
            term: term.to_string(),
            from: days.0.to_string(),
            to: days.1.to_string(),
            excused: shown(sum(&counts.excused_by_week)),
            unexcused: shown(sum(&counts.unexcused_by_week)),
            alarms: shown(sum(&counts.minutes)),
            received: shown(counts.received),
            unconfirmed: shown(counts.unconfirmed),
            not_received: shown(counts.not_received),
            corrected: shown(counts.corrected),
            median: least(50),
            most: least(90),
            counts,
        }
    }

    /// The page, in Swedish, or in English for all others.
    pub fn page(&self, locale: &Locale) -> Page {
        let words = Words { swedish: locale.as_str() == "sv" };
        let w = |sv: &str, en: &str| words.of(sv, en);
        let counts = &self.counts;
        let absence = Section {
            title: w("Frånvaro", "Absence"),
            lead: String::new(),
            table: table(&[
                (
                    w("Lektioner med giltig frånvaro", "Lessons missed with a valid reason"),
                    &self.excused,
                ),
                (
                    w("Lektioner med ogiltig frånvaro", "Lessons missed without one"),
                    &self.unexcused,
                ),
            ]),
            plots: vec![
                absence(
                    "weeks",
                    w("Frånvaro per vecka", "Absence by week"),
                    w("vecka", "week"),
                    &words,
                    (&counts.excused_by_week, &counts.unexcused_by_week),
                    |monday| monday.iso_week_date().week().to_string(),
                ),
                absence(
                    "hours",
                    w("Frånvaro efter lektionens timme", "Absence by the hour of the lesson"),
                    w("klockan", "hour of the day"),
                    &words,
                    (&counts.excused_by_hour, &counts.unexcused_by_hour),
                    |hour| format!("{hour:02}"),
                ),
            ],
        };
        let told = Section {
            title: w("Meddelanden hem om frånvaro", "Messages home of absence"),
            lead: String::new(),
            table: table(&[
                (w("Skickade", "Sent"), &self.alarms),
                (w("Kom fram", "Arrived"), &self.received),
                (w("Inte bekräftade", "Not confirmed"), &self.unconfirmed),
                (w("Kom inte fram", "Did not arrive"), &self.not_received),
                (w("Rättade efteråt", "Corrected afterwards"), &self.corrected),
                (w("Hälften skickades inom (minuter)", "Half left within (minutes)"), &self.median),
                (w("Nio av tio inom (minuter)", "Nine of ten within (minutes)"), &self.most),
            ]),
            plots: vec![self.pauses(&words), self.outcomes(&words)],
        };
        Page {
            language: w("sv", "en"),
            title: format!(
                "{} {}, {}",
                w("Terminsrapport", "Report of the term"),
                self.term,
                self.school
            ),
            lead: vec![format!("{} – {}", self.from, self.to)],
            sections: vec![absence, told],
            notes: (
                w("Att veta om siffrorna", "About these figures"),
                vec![
                    w(
                        "Antal under 5 visas som <5 och ritas som 2,5, så att ingen enskild elev kan kännas igen.",
                        "Counts below 5 are shown as <5 and drawn as 2.5, so that no single pupil can be recognised.",
                    ),
                    w(
                        "Elever med skyddade personuppgifter, och de som inte längre går på skolan, är inte med.",
                        "Pupils whose personal data are protected, and those who have left the school, are left out.",
                    ),
                ],
            ),
            figures: w("Siffrorna", "The figures"),
        }
    }

    fn pauses(&self, words: &Words) -> Plot {
        let mut counts = [0_u64; PAUSES.len() + 1];
        for (minutes, count) in &self.counts.minutes {
            counts[PAUSES.iter().position(|end| minutes < end).unwrap_or(PAUSES.len())] += count;
        }
        let mut labels: Vec<String> = PAUSES.iter().map(|end| format!("<{end}")).collect();
        labels.push(format!("{}+", PAUSES[PAUSES.len() - 1]));
        Plot {
            id: "pauses".into(),
            title: words.of("Från registrering till meddelande", "From the mark to the message"),
            x_title: words.of("minuter", "minutes"),
            y_title: words.of("meddelanden", "messages"),
            labels,
            series: vec![Series {
                name: words.of("meddelanden", "messages"),
                values: counts.into_iter().map(|count| Number::of(count, false)).collect(),
            }],
            kind: Kind::Bars,
        }
    }

    fn outcomes(&self, words: &Words) -> Plot {
        let all = [
            (words.of("kom fram", "arrived"), self.counts.received),
            (words.of("inte bekräftade", "not confirmed"), self.counts.unconfirmed),
            (words.of("kom inte fram", "did not arrive"), self.counts.not_received),
            (words.of("rättade", "corrected"), self.counts.corrected),
        ];
        Plot {
            id: "outcomes".into(),
            title: words.of("Vad det blev av dem", "What became of them"),
            x_title: words.of("utfall", "outcome"),
            y_title: words.of("meddelanden", "messages"),
            labels: all.iter().map(|(name, _)| name.clone()).collect(),
            series: vec![Series {
                name: words.of("meddelanden", "messages"),
                values: all.iter().map(|(_, count)| Number::of(*count, false)).collect(),
            }],
            kind: Kind::Bars,
        }
    }
}

struct Words {
    swedish: bool,
}

impl Words {
    fn of(&self, sv: &str, en: &str) -> String {
        if self.swedish { sv.to_owned() } else { en.to_owned() }
    }
}

fn table(rows: &[(String, &String)]) -> Table {
    Table {
        head: vec![String::new(), String::new()],
        rows: rows.iter().map(|(name, value)| vec![name.clone(), (*value).clone()]).collect(),
    }
}

fn absence<K: Ord>(
    id: &str,
    title: String,
    x_title: String,
    words: &Words,
    (excused, unexcused): (&BTreeMap<K, u64>, &BTreeMap<K, u64>),
    label: impl Fn(&K) -> String,
) -> Plot {
    let keys: BTreeSet<&K> = excused.keys().chain(unexcused.keys()).collect();
    let series = |name: String, counts: &BTreeMap<K, u64>| Series {
        name,
        values: keys
            .iter()
            .map(|key| Number::of(counts.get(*key).copied().unwrap_or_default(), false))
            .collect(),
    };
    Plot {
        id: id.into(),
        title,
        x_title,
        y_title: words.of("lektioner, summa av elever", "lessons, pupils added up"),
        series: vec![
            series(words.of("giltig", "with a valid reason"), excused),
            series(words.of("ogiltig", "without one"), unexcused),
        ],
        labels: keys.iter().map(|key| label(key)).collect(),
        kind: Kind::Stacked,
    }
}

/// A term, as templates are tried on it.
pub(super) fn sample() -> TermFacts {
    let day = |month, day| Date::constant(2026, month, day);
    let counts = TermCounts {
        excused_by_week: [(day(9, 7), 120), (day(9, 14), 141)].into(),
        unexcused_by_week: [(day(9, 7), 12), (day(9, 14), 3)].into(),
        excused_by_hour: [(8, 130), (9, 131)].into(),
        unexcused_by_hour: [(8, 8), (9, 7)].into(),
        minutes: [(0, 18), (12, 9)].into(),
        received: 24,
        unconfirmed: 2,
        not_received: 1,
        corrected: 6,
    };
    TermFacts::new("Björkskolan", TermName::of(day(9, 7)), (day(8, 17), day(12, 18)), counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_small_count_is_told_anywhere() {
        let facts = sample();
        assert_eq!((facts.unconfirmed.as_str(), facts.not_received.as_str()), ("<5", "<5"));
        assert_eq!((facts.median.as_str(), facts.most.as_str()), ("0", "12"));
        for tag in ["sv", "en"] {
            let html = facts.page(&Locale::new(tag).expect("a tag")).html();
            assert!(html.contains("<svg") && html.contains("&lt;5"), "{html}");
            for count in ["<td>1</td>", "<td>2</td>", "<td>3</td>"] {
                assert!(!html.contains(count), "{count} in {html}");
            }
        }
        let swedish = facts.page(&Locale::swedish());
        assert_eq!(swedish.title, "Terminsrapport 2026-autumn, Björkskolan");
    }
}
