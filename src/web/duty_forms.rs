//! What the form of a duty says: read, and what is wrong with each field told by a word that the template knows. Pure;
//! records nothing.

use serde::Deserialize;

use crate::intake::duty_words::LONGEST_WHY;
use crate::ladder::duty::Say;
use crate::message::clean;
use crate::message::duty_page::PageDuty;

/// Longest text of a field that is shown again.
const LONGEST_FIELD: usize = 4 * LONGEST_WHY;

/// A form as it comes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    /// Of which duty: its id.
    pub duty: String,
    /// Shows that a page of this link had it.
    #[serde(rename = "form")]
    pub seal: String,
    /// The state that the duty was in.
    pub state: String,
    /// What is said.
    pub say: String,
    /// Why, or a note.
    pub why: String,
}

/// Reads a form: what is said, and why.
///
/// # Errors
/// The duty as the page shows it, with what was typed and what is wrong with it.
pub fn read(form: &Form, shown: &PageDuty) -> Result<(Say, Option<String>), Box<PageDuty>> {
    let say = Say::parse(&form.say);
    let why = clean::line(&form.why, usize::MAX);
    let error_why = if why.chars().count() > LONGEST_WHY {
        "long"
    } else if say == Some(Say::NotNeeded) && why.is_empty() {
        "missing"
    } else {
        ""
    };
    match say {
        Some(say) if error_why.is_empty() => Ok((say, (!why.is_empty()).then_some(why))),
        _ => Err(Box::new(PageDuty {
            typed_say: clean::line(&form.say, LONGEST_FIELD),
            typed_why: clean::line(&form.why, LONGEST_FIELD),
            error_say: if say.is_none() { "missing".into() } else { String::new() },
            error_why: error_why.into(),
            ..shown.clone()
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(say: &str, why: &str) -> Form {
        Form { say: say.into(), why: why.into(), ..Form::default() }
    }

    #[test]
    fn what_is_said_is_one_of_five_and_that_it_need_not_be_done_has_a_reason() {
        let shown = PageDuty { number: "AB12CD3".into(), ..PageDuty::default() };
        let longest = "å".repeat(LONGEST_WHY);
        for (say, why, read_as) in [
            ("take", "", (Say::Take, None)),
            ("done", " a\r\nb ", (Say::Done, Some("a b"))),
            ("no-answer", "", (Say::NoAnswer, None)),
            ("documented", &longest, (Say::Documented, Some(&*longest))),
            ("not-needed", "hemma", (Say::NotNeeded, Some("hemma"))),
        ] {
            let (said, note) = read(&form(say, why), &shown).expect("a good form");
            assert_eq!((said, note.as_deref()), read_as);
        }
        let long = format!("{longest}x");
        for (say, why, errors) in [
            ("", "", ("missing", "")),
            ("sick", "", ("missing", "")),
            ("not-needed", " \n", ("", "missing")),
            ("done", &*long, ("", "long")),
            ("", &*long, ("missing", "long")),
        ] {
            let wrong = read(&form(say, why), &shown).expect_err("wrong");
            assert_eq!((&*wrong.error_say, &*wrong.error_why), errors, "{say} {why}");
            assert_eq!((&*wrong.typed_say, &*wrong.number), (say, "AB12CD3"));
        }
    }
}
