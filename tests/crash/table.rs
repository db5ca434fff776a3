//! The crash table: how often what was done, and what came of it. A line is printed when its test is
//! done; the whole when all are that make one.

use std::fmt;
use std::sync::Mutex;

use crate::load::say;
use crate::reckoning::Reckoning;

/// How many lines a whole run makes.
const LINES: usize = 7;

/// How many kills to do.
pub fn kills() -> u64 {
    number("UPPROP_KILLS", 20)
}

/// How many crashes of the machine of each kind to do.
pub fn os_crashes() -> u64 {
    number("UPPROP_OS_CRASHES", 10)
}

fn number(name: &str, otherwise: u64) -> u64 {
    let Ok(text) = std::env::var(name) else { return otherwise };
    text.parse().ok().filter(|n| *n > 0).unwrap_or_else(|| panic!("{name} is a number above 0"))
}

/// One line.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// What was done.
    pub what: String,
    /// How often.
    pub times: u64,
    /// How often the store was opened afterwards, and how often it was not.
    pub opened: u64,
    pub refused: u64,
    /// Commits or events.
    pub acknowledged: usize,
    /// Events; none: commits, which tell nobody.
    pub told: Option<usize>,
    pub lost: usize,
    pub doubled: usize,
    pub in_doubt: usize,
    /// Anything else worth a word.
    pub note: String,
}

impl Line {
    /// A line with what a reckoning found.
    pub fn of(what: impl Into<String>, times: u64, opened: u64, reckoning: &Reckoning) -> Self {
        Self {
            what: what.into(),
            times,
            opened,
            acknowledged: reckoning.acknowledged,
            told: Some(reckoning.told),
            lost: reckoning.lost.len() + reckoning.forgotten.len(),
            doubled: reckoning.doubled.len() + reckoning.unexplained.len(),
            in_doubt: reckoning.in_doubt,
            ..Self::default()
        }
    }

    /// Says it, and the whole table when it is the last.
    pub fn add(self) {
        static LINES_SO_FAR: Mutex<Vec<Line>> = Mutex::new(Vec::new());
        say(format_args!("crash: {self}"));
        let mut lines = LINES_SO_FAR.lock().expect("no test panics with it");
        lines.push(self);
        if lines.len() == LINES {
            lines.sort_by(|a, b| a.what.cmp(&b.what));
            say(format_args!("\n{Head}"));
            for line in lines.iter() {
                say(line);
            }
        }
    }
}

struct Head;

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<58} {:>5} {:>7} {:>7} {:>13} {:>7} {:>5} {:>7} {:>8}",
            "what",
            "times",
            "opened",
            "refused",
            "acknowledged",
            "told",
            "lost",
            "doubled",
            "in doubt"
        )
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.told.map_or_else(|| "-".into(), |told| told.to_string());
        write!(
            f,
            "{:<58} {:>5} {:>7} {:>7} {:>13} {told:>7} {:>5} {:>7} {:>8}",
            self.what,
            self.times,
            self.opened,
            self.refused,
            self.acknowledged,
            self.lost,
            self.doubled,
            self.in_doubt,
        )?;
        if self.note.is_empty() { Ok(()) } else { write!(f, "  {}", self.note) }
    }
}
