//! The part of `upprop check` that is about texts: every template rendered with sample data for every
//! school, and SMS parts counted with the longest names.

use crate::config::{Config, Problem, Report, Severity};
use crate::directory::School;
use crate::message::{Templates, preview};

/// What is wrong with templates, and with the texts that schools make from them.
pub fn problems(report: &Report, config: &Config) -> Vec<Problem> {
    let templates = match Templates::load(config.templates.as_deref()) {
        Ok(templates) => templates,
        Err(found) => {
            return found
                .into_iter()
                .map(|p| {
                    let mut problem =
                        Problem::of_file(&p.file, Severity::Error, p.message).with_remedy(p.remedy);
                    (problem.line, problem.key) = (p.line, "templates".into());
                    problem
                })
                .collect();
        }
    };
    // Of a school without name or number it has been said that they are missing.
    let whole = |school: &&School| !school.name.is_empty() && !school.phone.is_empty();
    let schools = config.schools.values().filter(whole);
    schools.flat_map(|school| texts(report, &templates, school)).collect()
}

fn texts(report: &Report, templates: &Templates, school: &School) -> Vec<Problem> {
    let table = format!("schools.{}", school.id);
    let tables = [table.as_str(), "defaults"];
    let at = |severity, key, message: String, remedy: String| {
        report.places.problem(severity, &tables, key, message, remedy)
    };
    let previews = match preview::previews(templates, &school.name, &school.phone, school.max_parts)
    {
        Ok(previews) => previews,
        Err(error) => {
            let remedy = "write a name with letters in it".to_owned();
            return vec![at(Severity::Error, "name", error.to_string(), remedy)];
        }
    };
    let mut problems: Vec<Problem> = preview::too_long(&previews, school.max_parts)
        .iter()
        .map(|long| {
            let message = format!("school {}: {long}", school.id);
            at(Severity::Error, "max-parts", message, long.remedy())
        })
        .collect();
    let most = previews.iter().filter(|p| p.ordinary).map(|p| p.parts.parts).max();
    let message = format!(
        "school {}: {} texts in {} languages rendered; with an ordinary name they take at most {} SMS part(s)",
        school.id,
        previews.len(),
        templates.locales().count(),
        most.unwrap_or(0)
    );
    let mut note = at(Severity::Note, "", message, String::new());
    (note.key, note.remedy) = (table.clone(), None);
    problems.push(note);
    problems
}
