//! The part of `upprop check` that is about languages: which ones the readers have, what is sent to those
//! whose language cannot be used, and what each text takes and costs. The same of a directory for `upprop
//! directory check`. Counts of readers only, nothing of anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::check_texts;
use crate::app;
use crate::config::{Config, Problem, Report, Severity};
use crate::directory::languages::in_use;
use crate::directory::{Mode, Price, School, load};
use crate::env::Clock as _;
use crate::env::clock::SystemClock;
use crate::message::preview::{self, Preview, Size};
use crate::message::{Instead, Templates};
use crate::model::{Locale, SchoolId};

/// How many readers have chosen which language.
pub type Readers = BTreeMap<Locale, usize>;

/// Something about a school's languages.
pub struct Remark {
    /// How much it matters.
    pub severity: Severity,
    /// The school's key that it is about.
    pub key: &'static str,
    /// What is so.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// What is to be said of each school; `all`: the sizes of texts in every language, not only in those in use.
pub fn problems(report: &Report, config: &Config, all: bool) -> Vec<Problem> {
    // What is wrong with templates is said elsewhere.
    let Ok(templates) = Templates::load(config.templates.as_deref()) else { return Vec::new() };
    let readers = readers(config);
    let nobody = Readers::new();
    let mut problems = Vec::new();
    for school in config.schools.values() {
        let own = readers.as_ref().map(|readers| readers.get(&school.id).unwrap_or(&nobody));
        let tables = [format!("schools.{}", school.id), "defaults".to_owned()];
        let tables = tables.each_ref().map(String::as_str);
        for r in remarks(&templates, school, own) {
            problems.push(report.places.problem(r.severity, &tables, r.key, r.message, r.remedy));
        }
        if school.name.is_empty() || school.phone.is_empty() {
            continue;
        }
        let shown = shown(&templates, school, own, all);
        let Ok(previews) = preview::previews(&templates, school, &shown) else { continue };
        // Of the languages that every school is tried in it is told with its other texts.
        let tried = check_texts::always(&templates, school);
        let others: Vec<Preview> =
            previews.iter().filter(|p| !tried.contains(&p.locale)).cloned().collect();
        problems.extend(check_texts::too_long(report, &templates, school, &others));
        for locale in &shown {
            let sizes = preview::sizes(&previews, locale);
            let words: Vec<String> =
                sizes.iter().map(|size| sized(size, school.languages.price.as_ref())).collect();
            let message = format!("school {}, texts in {locale}: {}", school.id, words.join("; "));
            let mut note = report.places.problem(Severity::Note, &tables, "", message, "");
            (note.key, note.remedy) = (tables[0].to_owned(), None);
            problems.push(note);
        }
    }
    problems
}

/// The languages of the readers, as far as a folder of the directory tells; none: there is none, or it
/// cannot be used, which `upprop directory check` tells more about.
fn readers(config: &Config) -> Option<BTreeMap<SchoolId, Readers>> {
    let folder = config.directory.folder.as_ref()?;
    let ids = config.schools.keys().cloned().collect();
    let settings = app::directory_settings(config);
    let files = load::Gathered::from_folder(folder).ok()?;
    let loaded = files.load(&ids, &settings.phone, SystemClock::new().now()).ok()?;
    Some(in_use(&loaded.roster))
}

fn shown(
    templates: &Templates,
    school: &School,
    readers: Option<&Readers>,
    all: bool,
) -> BTreeSet<Locale> {
    let in_use = readers.into_iter().flat_map(Readers::keys);
    let wanted = in_use.chain(&school.languages.reviewed).filter(|l| templates.has(l)).cloned();
    let mut shown: BTreeSet<Locale> = wanted.collect();
    shown.insert(templates.wording(school, &school.locale).schools);
    if all {
        shown.extend(templates.locales().cloned());
    }
    shown
}

/// What is to be known about a school's languages, by those of its readers; none: not known.
pub fn remarks(templates: &Templates, school: &School, readers: Option<&Readers>) -> Vec<Remark> {
    let (id, own) = (&school.id, templates.wording(school, &school.locale));
    let instead = &own.schools;
    let mut remarks = Vec::new();
    let mut add = |severity, key, message, remedy| {
        remarks.push(Remark { severity, key, message, remedy });
    };
    let (wrong, read) = (Severity::Warning, "reviewed-languages");
    let review = |locale: &Locale| {
        format!(
            "have somebody whose language it is read templates/sms/{locale} and templates/email/{locale}, \
             then write reviewed-languages = [\"{locale}\"]"
        )
    };
    let texts = |locale: &Locale| {
        format!("correct the language, or add texts in {locale} to a folder of `templates`")
    };
    match own.instead {
        Some(Instead::NoTexts) => {
            let message = format!(
                "school {id} writes in {}, in which there are no texts: it writes in {instead}",
                school.locale
            );
            add(wrong, "language", message, texts(&school.locale));
        }
        Some(Instead::NotReviewed) => {
            let message = format!(
                "school {id} is live and writes in {}, whose texts no native reader has reviewed: it writes in {instead}",
                school.locale
            );
            add(wrong, read, message, review(&school.locale));
        }
        None => {}
    }
    let live = School { mode: Mode::Live, ..school.clone() };
    for (locale, count) in readers.into_iter().flatten().filter(|(l, _)| **l != school.locale) {
        let who = if *count == 1 { "1 reader has".into() } else { format!("{count} readers have") };
        let Err(why) = templates.may_use(&live, locale) else { continue };
        match why {
            Instead::NoTexts => {
                let message = format!(
                    "school {id}: {who} the language {locale}, in which there are no texts, and is written to in {instead}"
                );
                add(wrong, "language", message, texts(locale));
            }
            Instead::NotReviewed if school.mode == Mode::Live => {
                let message = format!(
                    "school {id} is live: {who} the language {locale}, whose texts no native reader has reviewed, and \
                     is written to in {instead}"
                );
                add(wrong, read, message, review(locale));
            }
            Instead::NotReviewed => {
                let message = format!(
                    "school {id}: {who} the language {locale}, whose texts no native reader has reviewed: they are used \
                     in {} mode, and {instead} when the school is live",
                    school.mode.as_str()
                );
                add(Severity::Note, read, message, review(locale));
            }
        }
    }
    let unread: Vec<&str> = templates
        .locales()
        .filter(|locale| templates.may_use(school, locale).is_err())
        .map(Locale::as_str)
        .collect();
    if readers.is_none() && !unread.is_empty() {
        let message = format!(
            "school {id} is live, and no native reader has reviewed the texts in {}: whoever has one of these \
             languages is written to in {instead}",
            unread.join(", ")
        );
        let remedy = "have the texts read, then name their languages in `reviewed-languages`";
        add(Severity::Note, read, message, remedy.to_owned());
    }
    for locale in school.languages.reviewed.iter().filter(|locale| !templates.has(locale)) {
        let message = format!("school {id}: there are no texts in {locale} that could be reviewed");
        add(wrong, read, message, texts(locale));
    }
    remarks
}

/// `absence 1-2 parts, 3 with the longest name (0.35 SEK to 1.05 SEK)`.
fn sized(size: &Size, price: Option<&Price>) -> String {
    let (least, most) = size.ordinary;
    let mut words = if least == most {
        format!("{} {least} part{}", size.what, if least == 1 { "" } else { "s" })
    } else {
        format!("{} {least}-{most} parts", size.what)
    };
    if size.longest > most {
        let _ = write!(words, ", {} with the longest name", size.longest);
    }
    if let Some(price) = price {
        let dearest = most.max(size.longest);
        let cost = if least == dearest {
            price.of(least)
        } else {
            format!("{} to {}", price.of(least), price.of(dearest))
        };
        let _ = write!(words, " ({cost})");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_with_what_they_cost() {
        let size = |ordinary, longest| Size { what: "absence".into(), ordinary, longest };
        let price = Price::new("0.35 SEK").expect("a price");
        for (size, price, words) in [
            (size((1, 1), 1), None, "absence 1 part"),
            (size((2, 2), 2), Some(&price), "absence 2 parts (0.70 SEK)"),
            (
                size((1, 2), 3),
                Some(&price),
                "absence 1-2 parts, 3 with the longest name (0.35 SEK to 1.05 SEK)",
            ),
        ] {
            assert_eq!(sized(&size, price), words);
        }
    }
}
