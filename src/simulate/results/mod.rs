//! What a simulation found, for people and for programs: one list of figures and plots, from which the table, the
//! page and the JSON are made, so that they say the same. One configuration, or two side by side. Pure.

mod figures;
mod json;
mod names;
mod plots;
mod words;

use crate::report::{Page, Section, Table};

pub use figures::Money;
pub use words::Language;

use super::Tally;
use figures::{Figure, Value};
use words::{Words, of};

/// What is told with the results.
#[derive(Debug, Clone)]
pub struct About {
    /// Where the data come from, in words.
    pub data: String,
    /// The term, or the days.
    pub term: String,
    /// The seed of what chance there is.
    pub seed: u64,
    /// How many of ten thousand texts are not delivered.
    pub undelivered: u32,
    /// What a part of a text costs.
    pub price: Option<Money>,
    /// Counts are told whatever they are.
    pub exact: bool,
    /// What was read that could not be taken, and the like, in words.
    pub remarks: Vec<String>,
}

/// One configuration and what came of it.
#[derive(Debug, Clone)]
pub struct Run {
    /// What it is called.
    pub name: String,
    /// The counts.
    pub tally: Tally,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Results {
    /// What is told with it.
    pub about: About,
    /// One configuration or two.
    pub runs: Vec<Run>,
}

impl Results {
    /// As one JSON object. Fields may be added; `version` counts when one changes or goes.
    pub fn json(&self) -> serde_json::Value {
        json::of(self)
    }

    /// As a page.
    pub fn page(&self, language: Language) -> Page {
        let word = |words: Words| of(words, language).to_owned();
        let mut sections = self.tables(language);
        for (at, plots) in plots::of(self, language) {
            if let Some(section) = sections.get_mut(at) {
                section.plots = plots;
            }
        }
        let about = &self.about;
        let lead = vec![
            format!("{}: {}.", word(words::DATA), about.data),
            format!(
                "{}: {}. {}: {}. {}: {}.{:02} %.",
                word(words::TERM),
                about.term,
                word(words::SEED),
                about.seed,
                word(words::UNDELIVERED),
                about.undelivered / 100,
                about.undelivered % 100
            ),
        ];
        let small = (!about.exact).then(|| word(words::SMALL));
        let changed = words::CHANGED.iter().map(|words| word(*words));
        let notes = small.into_iter().chain(changed).chain(about.remarks.iter().cloned()).collect();
        Page {
            language: language.as_str().into(),
            title: word(words::TITLE),
            lead,
            sections,
            notes: (word(words::NOTES), notes),
            figures: word(words::FIGURES),
        }
    }

    /// The figures of every run, in order, by section.
    fn figures(&self) -> Vec<Vec<(Words, Vec<Figure>)>> {
        self.runs.iter().map(|run| figures::of(&run.tally, &self.about)).collect()
    }

    fn tables(&self, language: Language) -> Vec<Section> {
        let runs = self.figures();
        let Some(first) = runs.first() else { return Vec::new() };
        let mut head = vec![String::new()];
        head.extend(self.runs.iter().map(|run| run.name.clone()));
        if let [_, _] = self.runs.as_slice() {
            head.push(of(words::DIFFERENCE, language).to_owned());
        }
        let section = |(at, (title, _)): (usize, &(Words, Vec<Figure>))| {
            let keys = keys(&runs, at);
            let rows = keys.into_iter().map(|figure| {
                let values: Vec<Value> =
                    runs.iter().map(|run| value(run, at, &figure.key)).collect();
                let mut row = vec![of_figure(figure, language)];
                row.extend(values.iter().map(|value| value.shown(language)));
                if let [one, other] = values.as_slice() {
                    row.push(one.difference(other, language));
                }
                row
            });
            Section {
                title: of(*title, language).to_owned(),
                lead: String::new(),
                table: Table { head: head.clone(), rows: rows.collect() },
                plots: Vec::new(),
            }
        };
        first.iter().enumerate().map(section).collect()
    }
}

fn of_figure(figure: &Figure, language: Language) -> String {
    let [sv, en] = &figure.more;
    format!("{}{}", of(figure.words, language), of((sv, en), language))
}

/// The figures of a section that any run has, in order: those that only a later one has, before the next that both have.
fn keys(runs: &[Vec<(Words, Vec<Figure>)>], at: usize) -> Vec<&Figure> {
    let mut all: Vec<&Figure> = Vec::new();
    for (_, figures) in runs.iter().filter_map(|run| run.get(at)) {
        let mut new: Vec<&Figure> = Vec::new();
        for figure in figures {
            match all.iter().position(|known| known.key == figure.key) {
                Some(place) => drop(all.splice(place..place, new.drain(..))),
                None => new.push(figure),
            }
        }
        all.append(&mut new);
    }
    all
}

fn value(run: &[(Words, Vec<Figure>)], at: usize, key: &str) -> Value {
    let found = run.get(at).and_then(|(_, figures)| figures.iter().find(|f| f.key == key));
    found.map_or(Value::Nothing, |figure| figure.value.clone())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
