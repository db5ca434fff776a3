//! What the forms of a case's page say: read, and what is wrong with each field told by a word that the template knows. Pure;
//! records nothing.

use jiff::civil::Date;
use serde::Deserialize;

use crate::delivery::case_page::Open;
use crate::intake::case_words::LONGEST_NOTE;
use crate::message::clean;
use crate::message::page::{Filled, PageChoice};
use crate::model::{CaseWhat, GuardianId, Reports};

/// Longest text of a field that is shown again.
const LONGEST_FIELD: usize = 4 * LONGEST_NOTE;

/// Both forms as they come.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    /// `word` or `agreement`.
    pub act: String,
    /// Shows that a page of this link had it.
    #[serde(rename = "form")]
    pub seal: String,
    /// The state that the page was in.
    pub state: String,
    /// What came of the case.
    pub what: String,
    /// A note.
    pub note: String,
    /// How the home is told.
    pub how: String,
    /// Whom that is about.
    pub to: String,
    /// Until when.
    pub until: String,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// To record this, with a note.
    Word(CaseWhat, Option<String>),
    /// To record that this was agreed, with whom, until when.
    Agreement(Reports, Option<GuardianId>, Date),
}

/// Reads a form that was filled in for an open case.
///
/// # Errors
/// What is wrong with each field, and what was typed.
pub fn read(
    form: &Form,
    open: &Open,
    days: (Date, Date),
) -> Result<Asked, (Box<Filled>, Box<Filled>)> {
    read_with(form, &open.choices, days)
}

fn read_with(
    form: &Form,
    choices: &[PageChoice],
    (first, last): (Date, Date),
) -> Result<Asked, (Box<Filled>, Box<Filled>)> {
    let mut errors = Filled::default();
    let asked = if form.act == "agreement" {
        agreement(form, choices, (first, last), &mut errors)
    } else {
        word(form, &mut errors)
    };
    asked.ok_or_else(|| {
        let again = |text: &str| clean::line(text, LONGEST_FIELD);
        let typed = Filled {
            what: again(&form.what),
            note: again(&form.note),
            how: again(&form.how),
            to: again(&form.to),
            until: again(&form.until),
        };
        (Box::new(errors), Box::new(typed))
    })
}

fn word(form: &Form, errors: &mut Filled) -> Option<Asked> {
    let what = CaseWhat::parse(&form.what);
    let note = clean::line(&form.note, usize::MAX);
    if what.is_none() {
        errors.what = "missing".into();
    }
    if note.chars().count() > LONGEST_NOTE {
        errors.note = "long".into();
    } else if what == Some(CaseWhat::Note) && note.is_empty() {
        errors.note = "missing".into();
    }
    let note = (!note.is_empty()).then_some(note);
    errors.note.is_empty().then_some(Asked::Word(what?, note))
}

fn agreement(
    form: &Form,
    choices: &[PageChoice],
    (first, last): (Date, Date),
    errors: &mut Filled,
) -> Option<Asked> {
    let how = Reports::parse(&form.how);
    if how.is_none() {
        errors.how = "missing".into();
    }
    // What the page shows is cleaned.
    let chosen = |choice: &&PageChoice| clean::line(&choice.value, LONGEST_FIELD) == form.to;
    let to = match choices.iter().find(chosen) {
        _ if form.to.is_empty() => None,
        Some(choice) => GuardianId::new(choice.value.clone()).ok(),
        None => {
            errors.to = "unknown".into();
            None
        }
    };
    let until = form.until.trim();
    let day = until.parse::<Date>().ok();
    errors.until = match day {
        _ if until.is_empty() => "missing".into(),
        None => "wrong".into(),
        Some(day) if day < first || day > last => "range".into(),
        Some(_) => String::new(),
    };
    let is_good = errors.to.is_empty() && errors.until.is_empty();
    is_good.then_some(Asked::Agreement(how?, to, day?))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn asked(form: &Form) -> Result<Asked, Filled> {
        let choices = [PageChoice { value: "g-1".into(), name: "Bo".into() }];
        let days = (date(2026, 11, 26), date(2027, 6, 14));
        read_with(form, &choices, days).map_err(|(errors, typed)| {
            assert_eq!(typed.what, form.what, "what was chosen is chosen still");
            *errors
        })
    }

    fn word(what: &str, note: &str) -> Form {
        let (act, what, note) = ("word".into(), what.into(), note.into());
        Form { act, what, note, ..Form::default() }
    }

    fn agreement(how: &str, to: &str, until: &str) -> Form {
        let (act, how) = ("agreement".into(), how.into());
        Form { act, how, to: to.into(), until: until.into(), ..Form::default() }
    }

    #[test]
    fn a_word_is_one_of_five_with_a_note_that_is_not_too_long() {
        let reached =
            |note: Option<&str>| Ok(Asked::Word(CaseWhat::Reached, note.map(str::to_owned)));
        let longest = "å".repeat(LONGEST_NOTE);
        assert_eq!(asked(&word("reached", "")), reached(None));
        assert_eq!(asked(&word("reached", " a\r\nb ")), reached(Some("a b")));
        assert_eq!(asked(&word("reached", &longest)), reached(Some(&longest)));
        let wrong = |form: &Form| {
            let errors = asked(form).expect_err("wrong");
            (errors.what, errors.note)
        };
        let of = |what: &str, note: &str| (what.to_owned(), note.to_owned());
        assert_eq!(wrong(&word("", "")), of("missing", ""));
        assert_eq!(wrong(&word("sick", "")), of("missing", ""));
        assert_eq!(wrong(&word("note", " \n")), of("", "missing"));
        assert_eq!(wrong(&word("reached", &format!("{longest}x"))), of("", "long"));
        assert_eq!(wrong(&word("", &format!("{longest}x"))), of("missing", "long"));
        assert_eq!(wrong(&Form::default()), of("missing", ""));
    }

    #[test]
    fn an_agreement_is_with_somebody_who_is_told_and_ends() {
        let guardian = GuardianId::new("g-1").expect("an id");
        let good = asked(&agreement("line-a-day", "g-1", "2026-12-18"));
        let day = date(2026, 12, 18);
        assert_eq!(good, Ok(Asked::Agreement(Reports::LineADay, Some(guardian), day)));
        let good = asked(&agreement("phone-first", "", " 2027-06-14 "));
        let day = date(2027, 6, 14);
        assert_eq!(good, Ok(Asked::Agreement(Reports::PhoneFirst, None, day)));
        for (how, to, until, errors) in [
            ("", "", "", ["missing", "", "missing"]),
            ("line-a-day", "g-2", "2026-12-18", ["", "unknown", ""]),
            ("line-a-day", "", "2026-11-25", ["", "", "range"]),
            ("line-a-day", "", "2027-06-15", ["", "", "range"]),
            ("line-a-day", "", "18/12", ["", "", "wrong"]),
            ("every day", "", "2026-12-18", ["missing", "", ""]),
        ] {
            let found = asked(&agreement(how, to, until)).expect_err("wrong");
            assert_eq!([found.how, found.to, found.until], errors.map(str::to_owned));
        }
    }
}
