//! Pages for staff: one case, with what came of it and two forms, and pages of a few words for links that open nothing. Makes
//! the values that templates see, and what is served; decides nothing. The page of duties is `duty_page`'s.

use std::collections::BTreeSet;

use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;
use serde_json::Value as Json;

use super::direction::Direction;
use super::engine::{self, Failure};
use super::facts::TeamCase;
use super::render::{RenderError, required};
use super::{Templates, catalogue, duty_page, samples, team};
use crate::directory::SubjectIdentity;
use crate::model::{CaseWhat, Locale, Reports};

/// The style of all pages: what is served as `case.css`.
pub const STYLE: &str = include_str!("../../templates/web/case.css");

/// One word that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageWord {
    /// When, by the school's clock, `2026-11-23 10.31`.
    pub at: String,
    /// Whose link it was: `team`, or another role's word; `operator`: it was typed.
    pub by: String,
    /// As `CaseWhat`.
    pub what: String,
    /// What was written beside it; empty: nothing, or no longer kept.
    pub note: String,
    /// What the mentor hears: `told`, `waits`, `not-told`, `no-mentor`, `no-news`.
    pub mentor: String,
}

/// One agreement that is in force, or will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageAgreement {
    /// As `Reports`.
    pub how: String,
    /// With whom; empty: everybody at home.
    pub name: String,
    /// The last day, `2026-12-18`; empty: none.
    pub until: String,
}

/// Somebody who can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageChoice {
    /// What the form sends.
    pub value: String,
    /// The name.
    pub name: String,
}

/// What a form was filled in with, and what is wrong with it: a word for each field, empty where nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filled {
    /// What came of the case.
    pub what: String,
    /// The note.
    pub note: String,
    /// How the home is told.
    pub how: String,
    /// Whom it is about.
    pub to: String,
    /// Until when.
    pub until: String,
}

/// Everything that the page of a case is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageFacts {
    /// The case, as in the mail.
    #[serde(skip)]
    pub case: TeamCase,
    /// What was recorded, the last first.
    pub words: Vec<PageWord>,
    /// What was agreed.
    pub agreements: Vec<PageAgreement>,
    /// With whom something can be agreed by name.
    pub choices: Vec<PageChoice>,
    /// What both forms carry.
    pub form: String,
    /// The state that they were shown in.
    pub state: String,
    /// What was just done: `word`, `agreement`, or nothing.
    pub done: String,
    /// What is wrong with what was sent.
    pub errors: Filled,
    /// What was sent.
    pub typed: Filled,
    /// The first day that an agreement may end on, `2026-11-23`.
    pub first_day: String,
    /// The last one.
    pub last_day: String,
    /// Longest note, in characters.
    pub longest_note: usize,
}

/// What a page of a few words says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MessageFacts {
    /// `unknown`, `expired`, `deleted`, `closed`, `hidden`, `stale`, `broken`, `large`, `busy` or `fast`.
    pub what: String,
    /// The number of the case; empty: not known, or not told.
    pub case: String,
}

/// The words of [`MessageFacts::what`].
const MESSAGES: [&str; 10] = [
    "unknown", "expired", "deleted", "closed", "hidden", "stale", "broken", "large", "busy", "fast",
];

impl Templates {
    /// The page of a case, as HTML.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render_case_page(
        &self,
        locale: &Locale,
        facts: &PageFacts,
    ) -> Result<String, RenderError> {
        Ok(page(self, self.pick_for_staff(&[locale]), "case.html", values(facts))?)
    }

    /// A page of a few words, as HTML.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render_message_page(
        &self,
        locale: &Locale,
        facts: &MessageFacts,
    ) -> Result<String, RenderError> {
        let values = team::cleaned(serde_json::to_value(facts).unwrap_or_default());
        Ok(page(self, self.pick_for_staff(&[locale]), "message.html", values)?)
    }
}

/// The case's own fields beside the page's, cleaned.
fn values(facts: &PageFacts) -> Json {
    let mut values = team::values(&facts.case, SubjectIdentity::None);
    let own = team::cleaned(serde_json::to_value(facts).unwrap_or_default());
    if let (Json::Object(all), Json::Object(own)) = (&mut values, own) {
        all.extend(own);
    }
    values
}

/// What the page's template may ask for.
pub(super) fn variables() -> BTreeSet<String> {
    catalogue::fields(&values(&sample()))
}

pub(super) fn page(
    templates: &Templates,
    locale: &Locale,
    file: &str,
    facts: Json,
) -> Result<String, Failure> {
    let name = format!("{}/{locale}/{file}", catalogue::WEB);
    let facts = Value::from(Serde(facts));
    let direction = Direction::of(locale).as_str();
    let values = context! { locale => locale.as_str(), direction => direction, ..facts };
    let text = engine::render(&templates.env, &name, values)?;
    required(name, text)
}

/// A page with everything on it, as templates are tried on it.
fn sample() -> PageFacts {
    let word = |what: CaseWhat, mentor: &str| PageWord {
        at: "2026-11-23 10.31".into(),
        by: "team".into(),
        what: what.as_str().into(),
        note: "Ringer igen kl 14.".into(),
        mentor: mentor.into(),
    };
    let told = ["told", "waits", "not-told", "no-mentor", "no-news"];
    let agreement = |how: Reports| PageAgreement {
        how: how.as_str().into(),
        name: "Bo Ek".into(),
        until: "2026-12-18".into(),
    };
    PageFacts {
        case: samples::team_case(),
        words: CaseWhat::ALL.into_iter().zip(told).map(|(what, told)| word(what, told)).collect(),
        agreements: Reports::ALL.into_iter().map(agreement).collect(),
        choices: vec![PageChoice { value: "g-1".into(), name: "Bo Ek".into() }],
        form: "f".into(),
        state: "s".into(),
        done: "word".into(),
        errors: Filled::default(),
        typed: Filled { what: "reached".into(), ..Filled::default() },
        first_day: "2026-11-23".into(),
        last_day: "2027-06-11".into(),
        longest_note: 500,
    }
}

/// Pages of every kind.
fn samples() -> Vec<PageFacts> {
    let full = sample();
    let operator = PageWord { by: "operator".into(), note: String::new(), ..full.words[0].clone() };
    let wrong = |field: &dyn Fn(&mut Filled, &str), words: &[&str]| -> Vec<PageFacts> {
        let one = |word: &&str| {
            let mut facts = PageFacts { done: String::new(), ..full.clone() };
            field(&mut facts.errors, word);
            facts
        };
        words.iter().map(one).collect()
    };
    let mut all = vec![
        full.clone(),
        PageFacts { done: "agreement".into(), words: vec![operator], ..full.clone() },
        PageFacts {
            case: TeamCase { of_age: true, age_unknown: true, ..full.case.clone() },
            words: Vec::new(),
            agreements: Vec::new(),
            choices: Vec::new(),
            done: String::new(),
            typed: Filled::default(),
            ..full.clone()
        },
        PageFacts {
            case: TeamCase {
                pupil_name: String::new(),
                class: String::new(),
                mentor: String::new(),
                lessons: Vec::new(),
                guardians: Vec::new(),
                ..full.case.clone()
            },
            ..full.clone()
        },
    ];
    all.extend(wrong(&|f, w| f.what = w.into(), &["missing"]));
    all.extend(wrong(&|f, w| f.note = w.into(), &["missing", "long"]));
    all.extend(wrong(&|f, w| f.how = w.into(), &["missing"]));
    all.extend(wrong(&|f, w| f.to = w.into(), &["unknown"]));
    all.extend(wrong(&|f, w| f.until = w.into(), &["missing", "wrong", "range"]));
    all
}

/// What is wrong with a language's templates of pages, tried on samples.
pub(super) fn faults(templates: &Templates, locale: &Locale) -> Vec<Failure> {
    let cases = samples().into_iter().map(|facts| ("case.html", values(&facts)));
    let duties = duty_page::samples().into_iter();
    let duties = duties.map(|facts| ("duty.html", duty_page::values(&facts)));
    let messages = MESSAGES.into_iter().flat_map(|what| ["", "K7QM2XP"].map(|case| (what, case)));
    let messages = messages.map(|(what, case)| {
        let facts = MessageFacts { what: what.into(), case: case.into() };
        ("message.html", serde_json::to_value(facts).unwrap_or_default())
    });
    cases
        .chain(duties)
        .chain(messages)
        .filter_map(|(file, facts)| page(templates, locale, file, facts).err())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locales() -> [Locale; 2] {
        ["sv", "en"].map(|tag| Locale::new(tag).expect("a tag"))
    }

    #[test]
    fn a_page_has_its_language_its_labels_and_no_script_or_style_of_its_own() {
        let templates = Templates::builtin();
        for locale in locales() {
            for facts in samples() {
                let html = templates.render_case_page(&locale, &facts).expect("a page");
                assert!(html.contains(&format!("<html lang=\"{locale}\"")), "{html}");
                for foreign in ["<script", "style=", "<style", "onclick", "src=", "http:", "https:"]
                {
                    assert!(!html.contains(foreign), "{foreign}: {html}");
                }
                assert_eq!(html.matches("<h1").count(), 1, "{html}");
                assert_eq!(html.matches("<form").count(), 2, "{html}");
                // Each field has a label of its own.
                let ids = html.split("<input ").chain(html.split("<select ")).skip(1);
                let shown = ids.filter(|field| !field.contains("type=\"hidden\""));
                for field in shown.filter_map(|field| field.split("id=\"").nth(1)) {
                    let id = field.split('"').next().unwrap_or_default();
                    assert!(html.contains(&format!("for=\"{id}\"")), "{id}: {html}");
                }
            }
        }
    }

    #[test]
    fn what_came_from_outside_is_no_markup() {
        let templates = Templates::builtin();
        let mut facts = sample();
        facts.words[0].note = "<b>\" onfocus=x".into();
        facts.case.pupil_name = "<i>Alva".into();
        facts.typed.note = "</textarea><script>".into();
        facts.choices[0].name = "\"><script>".into();
        for locale in locales() {
            let html = templates.render_case_page(&locale, &facts).expect("a page");
            for markup in ["<b>", "<i>Alva", "</textarea><", "<script", "\" onfocus"] {
                assert!(!html.contains(markup), "{markup}: {html}");
            }
        }
    }

    #[test]
    fn whoever_must_not_be_told_has_no_number_and_the_others_can_be_rung_by_a_touch() {
        let templates = Templates::builtin();
        let mut facts = sample();
        facts.case.guardians[0].phone = "+46701740605".into();
        for locale in locales() {
            let html = templates.render_case_page(&locale, &facts).expect("a page");
            assert!(html.contains("href=\"tel:+46701740605\""), "{html}");
            assert!(html.contains("Cleo Ek") && !html.contains("070-174 06 07"), "{html}");
        }
    }

    #[test]
    fn each_page_of_a_few_words_says_something_else_in_each_language() {
        let templates = Templates::builtin();
        let mut seen = BTreeSet::new();
        for locale in locales() {
            for what in MESSAGES {
                let facts = MessageFacts { what: what.into(), case: "K7QM2XP".into() };
                let html = templates.render_message_page(&locale, &facts).expect("a page");
                assert!(seen.insert(html), "{what} {locale}");
            }
        }
    }
}
