//! What was found, beside what it is held against, and the table of all of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::stats::median;

/// What a ratio should keep to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// Shown for itself.
    Shown,
}

/// One line of a round.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was measured.
    pub what: String,
    /// The figure, in `unit`.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it is held against, in the same unit: the ceiling of the same round, or a fixed bound.
    pub against: Option<f64>,
    /// What `value` ÷ `against` should keep to.
    pub goal: Goal,
}

impl Finding {
    /// A figure held against a ceiling.
    pub fn new(
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        against: f64,
        goal: Goal,
    ) -> Self {
        Self { what: what.into(), value, unit, against: Some(against), goal }
    }

    /// A figure that is only shown.
    pub fn shown(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, against: None, goal: Goal::Shown }
    }

    /// A figure that a fixed bound of its unit must not be exceeded by.
    pub fn at_most(what: impl Into<String>, value: f64, unit: &'static str, bound: f64) -> Self {
        Self::new(what, value, unit, bound, Goal::AtMost(1.0))
    }
}

/// All rounds.
#[derive(Debug, Default)]
pub struct Table {
    order: Vec<String>,
    rows: BTreeMap<String, Vec<Finding>>,
}

impl Table {
    /// Adds what a round gave.
    pub fn add(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            if !self.rows.contains_key(&finding.what) {
                self.order.push(finding.what.clone());
            }
            self.rows.entry(finding.what.clone()).or_default().push(finding);
        }
    }

    /// Medians over the rounds, and how many goals are missed.
    pub fn show(&self) -> (String, usize) {
        let mut text = String::new();
        let mut missed = 0;
        let _ = writeln!(
            text,
            "{:<58} {:>12} {:<8} {:>12} {:>7}  {:<9} rounds",
            "median of all rounds", "found", "", "against", "ratio", "goal"
        );
        for what in &self.order {
            let all = &self.rows[what];
            let value = median(all.iter().map(|f| f.value).collect());
            let _ = write!(text, "{what:<58} {:>12} {:<8}", figure(value), all[0].unit);
            let ratios: Vec<f64> = all.iter().filter_map(|f| Some(f.value / f.against?)).collect();
            if ratios.is_empty() {
                let _ = writeln!(text, " {:>12} {:>7}  {:<9} {}", "", "", "", all.len());
                continue;
            }
            let against = median(all.iter().filter_map(|f| f.against).collect());
            let ratio = median(ratios);
            let (goal, met) = match all[0].goal {
                Goal::AtLeast(bound) => (format!("≥ {bound}"), ratio >= bound),
                Goal::AtMost(bound) => (format!("≤ {bound}"), ratio <= bound),
                Goal::Shown => (String::new(), true),
            };
            missed += usize::from(!met);
            let mark = if met { "" } else { "  MISSED" };
            let _ = writeln!(
                text,
                " {:>12} {ratio:>7.2}  {goal:<9} {}{mark}",
                figure(against),
                all.len()
            );
        }
        (text, missed)
    }
}

/// Three digits that matter.
fn figure(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
