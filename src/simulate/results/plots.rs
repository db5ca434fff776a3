//! The plots of the results, by the section that they stand in. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::words::{Language, Words, of as in_words};
use super::{Results, Run, names};
use crate::model::{Channel, Purpose};
use crate::report::{Kind, Number, Plot, Series};
use crate::simulate::Tally;

/// Upper ends of the pauses that are told apart, in whole minutes.
const PAUSES: [u32; 8] = [1, 2, 5, 10, 20, 30, 60, 240];

struct Making<'a> {
    results: &'a Results,
    language: Language,
}

/// Whom a message goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kinds {
    TextHome,
    MailHome,
    Staff,
}

/// The plots of each section, by its place.
pub(super) fn of(results: &Results, language: Language) -> Vec<(usize, Vec<Plot>)> {
    let making = Making { results, language };
    let Some(first) = results.runs.first() else { return Vec::new() };
    let tally = &first.tally;
    let mut ladder = Vec::new();
    for (at, run) in results.runs.iter().enumerate() {
        ladder.extend(making.steps(at, run));
        ladder.extend(making.duties(at, run));
    }
    vec![
        (0, vec![making.weeks(tally), making.hours(tally)]),
        (1, making.messages()),
        (2, vec![making.pauses()]),
        (3, vec![making.team()]),
        (4, ladder),
    ]
}

impl Making<'_> {
    fn word(&self, words: Words) -> String {
        in_words(words, self.language).to_owned()
    }

    fn number(&self, count: Option<&u64>) -> Number {
        Number::of(count.copied().unwrap_or_default(), self.results.about.exact)
    }

    /// A title that names the run, where there are two.
    fn title(&self, words: Words, run: &Run) -> String {
        let title = self.word(words);
        if self.results.runs.len() < 2 { title } else { format!("{title}: {}", run.name) }
    }

    fn series<K: Ord>(
        &self,
        name: String,
        keys: &BTreeSet<K>,
        counts: &BTreeMap<K, u64>,
    ) -> Series {
        Series { name, values: keys.iter().map(|key| self.number(counts.get(key))).collect() }
    }

    fn weeks(&self, tally: &Tally) -> Plot {
        let weeks: BTreeSet<Date> =
            tally.excused.keys().chain(tally.unexcused.keys()).copied().collect();
        let series = vec![
            self.series(self.word(("giltig", "with a valid reason")), &weeks, &tally.excused),
            self.series(self.word(("ogiltig", "without")), &weeks, &tally.unexcused),
        ];
        Plot {
            id: "weeks".into(),
            title: self.word(("Frånvaro per vecka", "Absence by week")),
            x_title: self.word(("vecka", "week")),
            y_title: self.word(("lektioner, summa av elever", "lessons, pupils added up")),
            labels: weeks.iter().copied().map(week).collect(),
            series,
            kind: Kind::Stacked,
        }
    }

    fn hours(&self, tally: &Tally) -> Plot {
        let hours: BTreeSet<i8> =
            tally.excused_by_hour.keys().chain(tally.unexcused_by_hour.keys()).copied().collect();
        let series = vec![
            self.series(
                self.word(("giltig", "with a valid reason")),
                &hours,
                &tally.excused_by_hour,
            ),
            self.series(self.word(("ogiltig", "without")), &hours, &tally.unexcused_by_hour),
        ];
        Plot {
            id: "hours".into(),
            title: self
                .word(("Frånvaro efter lektionens timme", "Absence by the hour of the lesson")),
            x_title: self.word(("klockan", "hour of the day")),
            y_title: self.word(("lektioner, summa av elever", "lessons, pupils added up")),
            labels: hours.iter().map(|hour| format!("{hour:02}")).collect(),
            series,
            kind: Kind::Bars,
        }
    }

    fn messages(&self) -> Vec<Plot> {
        let days: BTreeSet<Date> = self
            .results
            .runs
            .iter()
            .flat_map(|run| run.tally.sent.keys().map(|(day, ..)| *day))
            .collect();
        let of = |(at, run): (usize, &Run)| {
            let mut counts: BTreeMap<Kinds, BTreeMap<Date, u64>> = BTreeMap::new();
            for ((day, purpose, channel), count) in &run.tally.sent {
                let kind = kind(*purpose, *channel);
                *counts.entry(kind).or_default().entry(*day).or_default() += count;
            }
            let series = [
                (Kinds::TextHome, ("sms hem", "texts home")),
                (Kinds::MailHome, ("mejl hem", "mails home")),
                (Kinds::Staff, ("till personal", "to staff")),
            ];
            let nothing = BTreeMap::new();
            let series = series.into_iter().map(|(kind, words)| {
                self.series(self.word(words), &days, counts.get(&kind).unwrap_or(&nothing))
            });
            Plot {
                id: format!("messages-{at}"),
                title: self.title(("Meddelanden per dag", "Messages by day"), run),
                x_title: self.word(("dag", "day")),
                y_title: self.word(("meddelanden", "messages")),
                labels: days.iter().map(|day| day.strftime("%-d/%-m").to_string()).collect(),
                series: series.collect(),
                kind: Kind::Stacked,
            }
        };
        self.results.runs.iter().enumerate().map(of).collect()
    }

    fn pauses(&self) -> Plot {
        let bucket =
            |minutes: u32| PAUSES.iter().position(|end| minutes < *end).unwrap_or(PAUSES.len());
        let of = |run: &Run| {
            let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
            for (minutes, count) in &run.tally.delay {
                *counts.entry(bucket(*minutes)).or_default() += count;
            }
            let keys: BTreeSet<usize> = (0..=PAUSES.len()).collect();
            self.series(run.name.clone(), &keys, &counts)
        };
        let mut labels: Vec<String> = PAUSES.iter().map(|end| format!("<{end}")).collect();
        labels.push(format!("{}+", PAUSES[PAUSES.len() - 1]));
        Plot {
            id: "pauses".into(),
            title: self.word(("Från registrering till sändning", "From the mark to the sending")),
            x_title: self.word(("minuter", "minutes")),
            y_title: self.word(("larm hem", "alarms home")),
            labels,
            series: self.results.runs.iter().map(of).collect(),
            kind: Kind::Bars,
        }
    }

    fn team(&self) -> Plot {
        let hours: BTreeSet<i8> = self
            .results
            .runs
            .iter()
            .flat_map(|run| run.tally.team.keys().map(|(_, hour)| *hour))
            .collect();
        let of = |run: &Run| {
            let mut counts: BTreeMap<i8, u64> = BTreeMap::new();
            for ((_, hour), count) in &run.tally.team {
                *counts.entry(*hour).or_default() += count;
            }
            self.series(run.name.clone(), &hours, &counts)
        };
        Plot {
            id: "team".into(),
            title: self.word((
                "Ärenden till närvaroteamen efter timme",
                "Cases for the attendance teams by hour",
            )),
            x_title: self.word(("klockan", "hour of the day")),
            y_title: self.word(("ärenden under terminen", "cases in the term")),
            labels: hours.iter().map(|hour| format!("{hour:02}")).collect(),
            series: self.results.runs.iter().map(of).collect(),
            kind: Kind::Bars,
        }
    }

    fn steps(&self, at: usize, run: &Run) -> Option<Plot> {
        let mut by_step: BTreeMap<String, BTreeMap<Date, u64>> = BTreeMap::new();
        for ((step, week), count) in &run.tally.steps {
            let name = format!("{}/{}", step.ladder, step.step);
            *by_step.entry(name).or_default().entry(*week).or_default() += count;
        }
        let title = self.title(("Steg som nåddes, per vecka", "Steps reached, by week"), run);
        self.by_week(format!("steps-{at}"), title, ("steg", "steps"), by_step)
    }

    fn duties(&self, at: usize, run: &Run) -> Option<Plot> {
        let mut by_role: BTreeMap<String, BTreeMap<Date, u64>> = BTreeMap::new();
        for ((role, week), count) in &run.tally.duties {
            let role = in_words(names::role(*role), self.language).to_owned();
            *by_role.entry(role).or_default().entry(*week).or_default() += count;
        }
        let title =
            self.title(("Åtgärder som ska göras, per vecka", "Duties that fall due, by week"), run);
        self.by_week(format!("duties-{at}"), title, ("åtgärder", "duties"), by_role)
    }

    fn by_week(
        &self,
        id: String,
        title: String,
        y: Words,
        counts: BTreeMap<String, BTreeMap<Date, u64>>,
    ) -> Option<Plot> {
        let weeks: BTreeSet<Date> = counts.values().flat_map(BTreeMap::keys).copied().collect();
        (!weeks.is_empty()).then(|| Plot {
            id,
            title,
            x_title: self.word(("vecka", "week")),
            y_title: self.word(y),
            labels: weeks.iter().copied().map(week).collect(),
            series: counts.into_iter().map(|(name, of)| self.series(name, &weeks, &of)).collect(),
            kind: Kind::Stacked,
        })
    }
}

/// The number of a Monday's week, as Swedish schools count (ISO 8601).
fn week(monday: Date) -> String {
    monday.iso_week_date().week().to_string()
}

fn kind(purpose: Purpose, channel: Channel) -> Kinds {
    let is_home = matches!(purpose, Purpose::Absence | Purpose::Correction | Purpose::AskToRing);
    match (is_home, channel) {
        (true, Channel::Sms) => Kinds::TextHome,
        (true, Channel::Email) => Kinds::MailHome,
        (false, _) => Kinds::Staff,
    }
}
