//! The part of `upprop check` that is about texts: every template rendered with sample data for every
//! school, and SMS parts counted with the longest names.

use std::collections::BTreeSet;

use crate::config::{Config, Problem, Report, Severity};
use crate::directory::School;
use crate::message::Templates;
use crate::message::preview::{self, Preview};
use crate::model::Locale;

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

/// The languages that a school's texts are tried in, whoever its readers are: its own, and those that
/// staff are written to in.
pub fn always(templates: &Templates, school: &School) -> BTreeSet<Locale> {
    let staffs = templates.locales().filter(|locale| templates.is_complete(locale)).cloned();
    staffs.chain([templates.wording(school, &school.locale).schools]).collect()
}

/// The texts that take more parts than the school allows. In the school's own language nobody can be
/// told by them: an error. In another one something else is sent: a warning.
pub fn too_long(
    report: &Report,
    templates: &Templates,
    school: &School,
    previews: &[Preview],
) -> Vec<Problem> {
    let table = format!("schools.{}", school.id);
    let own = templates.wording(school, &school.locale).schools;
    let told = |long: &preview::TooLong| {
        let (severity, instead) = if long.locale == own {
            (Severity::Error, String::new())
        } else {
            (
                Severity::Warning,
                format!("; where it does not fit, less is sent, at last {own} alone"),
            )
        };
        let message = format!("school {}: {long}{instead}", school.id);
        let tables = [table.as_str(), "defaults"];
        report.places.problem(severity, &tables, "max-parts", message, long.remedy())
    };
    preview::too_long(previews, school.max_parts).iter().map(told).collect()
}

fn texts(report: &Report, templates: &Templates, school: &School) -> Vec<Problem> {
    let table = format!("schools.{}", school.id);
    let tables = [table.as_str(), "defaults"];
    let at = |severity, key, message: String, remedy: String| {
        report.places.problem(severity, &tables, key, message, remedy)
    };
    let languages = always(templates, school);
    let previews = match preview::previews(templates, school, &languages) {
        Ok(previews) => previews,
        Err(error) => {
            let remedy = "write a name with letters in it".to_owned();
            return vec![at(Severity::Error, "name", error.to_string(), remedy)];
        }
    };
    let mut problems = too_long(report, templates, school, &previews);
    let most = previews.iter().filter(|p| p.ordinary).map(|p| p.parts.parts).max();
    let message = format!(
        "school {}: {} texts in {} languages rendered; with an ordinary name they take at most {} SMS part(s)",
        school.id,
        previews.len(),
        languages.len(),
        most.unwrap_or(0)
    );
    let mut note = at(Severity::Note, "", message, String::new());
    (note.key, note.remedy) = (table.clone(), None);
    problems.push(note);
    problems
}
