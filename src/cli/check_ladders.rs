//! The part of `upprop check` that is about ladders: the examples beside each are lived through, and for each school it is
//! told which ladders it follows, and from when.

use super::ladder::examples::Tried;
use crate::config::{Config, Problem, Report, Severity};
use crate::directory::School;

/// What is wrong with ladders that can be read.
pub fn problems(config: &Config) -> Vec<Problem> {
    let files = config.ladders.files.iter();
    files.flat_map(|file| Tried::of(&file.plan).problems(&file.shown)).collect()
}

/// What each school follows.
pub fn followed(report: &Report, config: &Config) -> Vec<Problem> {
    let told = |school: &School| {
        let rules = &school.ladders;
        let mut versions: Vec<_> = rules.versions.iter().collect();
        versions.sort_by(|a, b| (&a.name, a.from).cmp(&(&b.name, b.from)));
        let each = versions.iter().map(|ladder| {
            let from = rules.since.map_or(ladder.from, |since| since.max(ladder.from));
            let until = rules.until(ladder).filter(|until| *until > from);
            let until = until.map_or(String::new(), |until| format!(" until {until}"));
            format!("{} of {} from {from}{until}", ladder.name, ladder.from)
        });
        let each: Vec<String> = each.collect();
        (!each.is_empty()).then(|| {
            let table = format!("schools.{}", school.id);
            let message = format!("school {} follows {}", school.id, each.join(", "));
            let remedy = "read it with `upprop ladder show`";
            let tables = [table.as_str(), "defaults"];
            report.places.problem(Severity::Note, &tables, "ladder", message, remedy)
        })
    };
    config.schools.values().filter_map(told).collect()
}
