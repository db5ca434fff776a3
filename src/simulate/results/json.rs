//! The results as JSON: the same figures and plots as on the page, by stable names. Pure.

use serde_json::{Map, Value, json};

use super::words::{Language, of as in_words};
use super::{Results, plots, words};

/// Counts when a field changes or goes.
const VERSION: u8 = 1;

pub(super) fn of(results: &Results) -> Value {
    let about = &results.about;
    let runs: Vec<Value> = results
        .runs
        .iter()
        .zip(results.figures())
        .map(|(run, sections)| {
            let figures: Map<String, Value> = sections
                .into_iter()
                .flat_map(|(_, figures)| figures)
                .map(|figure| (figure.key, figure.value.json()))
                .collect();
            json!({"name": run.name, "figures": figures})
        })
        .collect();
    let mut series = Map::new();
    for plot in plots::of(results, Language::En).into_iter().flat_map(|(_, plots)| plots) {
        let values: Map<String, Value> = plot
            .series
            .iter()
            .map(|one| (one.name.clone(), one.values.iter().map(|number| number.json()).collect()))
            .collect();
        series.insert(
            plot.id.clone(),
            json!({
                "title": plot.title, "x": plot.x_title, "y": plot.y_title, "labels": plot.labels,
                "values": values,
            }),
        );
    }
    let notes: Vec<&str> =
        words::CHANGED.iter().map(|words| in_words(*words, Language::En)).collect();
    json!({
        "version": VERSION,
        "data": about.data,
        "term": about.term,
        "seed": about.seed,
        "undelivered": f64::from(about.undelivered) / 10_000.0,
        "currency": about.price.as_ref().map(|price| price.currency.clone()),
        "exact": about.exact,
        "runs": runs,
        "series": series,
        "notes": notes,
        "remarks": about.remarks,
    })
}
