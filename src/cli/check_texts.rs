//! The part of `upprop check` that is about texts: every template rendered with sample data for every
//! school, and SMS parts counted with the longest names.

use crate::app::{mail_settings, providers};
use crate::config::{Config, MailTransport, Problem, Severity};
use crate::message::{Templates, preview};

/// What is wrong with templates, texts, providers and the relay in a configuration without errors.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    match Templates::load(config.templates.as_deref()) {
        Ok(templates) => texts(config, &templates, &mut problems),
        Err(found) => problems.extend(found.into_iter().map(|p| {
            let mut problem = Problem::of_file(&p.file, Severity::Error, p.message.clone())
                .with_remedy(p.remedy.clone());
            problem.line = p.line;
            problem
        })),
    }
    if let Err(error) = providers(config) {
        problems.push(Problem::of_file("configuration", Severity::Error, error.to_string()));
    }
    if let Some(mail) = &config.mail
        && let MailTransport::Smtp(smtp) = &mail.transport
        && let Err(error) = mail_settings(smtp).check()
    {
        problems.push(Problem::of_file("[mail]", Severity::Error, error.to_string()));
    }
    problems
}

fn texts(config: &Config, templates: &Templates, problems: &mut Vec<Problem>) {
    for school in config.schools.values() {
        let place = format!("[schools.{}]", school.id);
        match preview::previews(templates, &school.name, &school.phone, school.max_parts) {
            Err(error) => {
                problems.push(Problem::of_file(&place, Severity::Error, error.to_string()));
            }
            Ok(previews) => {
                for long in preview::too_long(&previews, school.max_parts) {
                    problems.push(Problem::of_file(&place, Severity::Error, long.to_string()));
                }
                let most = previews.iter().filter(|p| p.ordinary).map(|p| p.parts.parts).max();
                let words = format!(
                    "{} texts in {} languages rendered; with an ordinary name they take at most {} SMS part(s)",
                    previews.len(),
                    templates.locales().count(),
                    most.unwrap_or(0)
                );
                problems.push(Problem::of_file(&place, Severity::Note, words));
            }
        }
    }
}
