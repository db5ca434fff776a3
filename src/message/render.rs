//! From facts to finished texts. Every value is cleaned before a template sees it, and every text is
//! tidied after; may not choose languages, recipients or templates' contents.

use minijinja::context;
use minijinja::value::{Serde, Value};

use super::clean::{self, MAIL_NAME, MAIL_SUBJECT, SMS_NAME};
use super::direction::{self, Direction};
use super::engine::{self, Failure};
use super::facts::{GuardianFacts, PersonMissed, TeamCase};
use super::sms::{self, Parts};
use super::{Templates, catalogue, team};
use crate::directory::SubjectIdentity;
use crate::model::{Channel, Locale, Purpose};

/// A text message ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsText {
    /// Folded.
    pub text: String,
    /// What it costs.
    pub parts: Parts,
}

/// The three texts of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailText {
    /// One line.
    pub subject: String,
    /// The plain part.
    pub text: String,
    /// The HTML part, equal in content.
    pub html: String,
}

/// Why a text could not be made. Holds no value of the facts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// No template is made for this.
    #[error("there is no template for {0}; the message was given a purpose it cannot have")]
    NoTemplate(String),
    /// A text without it would mislead.
    #[error("{0} is empty; correct it in the directory or the school's settings")]
    Missing(&'static str),
    /// The template failed on these facts though it passed on the samples.
    #[error("template {file}{}: {what}; correct the template and load it again", place(*line))]
    Template {
        /// The template's name.
        file: String,
        /// Counted from 1.
        line: Option<usize>,
        /// The class of the error.
        what: String,
    },
    /// More parts than the school pays for, however short the name.
    #[error(
        "a text by {file} takes {parts} parts even with a shortened name, and `max-parts` is \
         {max_parts}; shorten the template or the school's name, or raise `max-parts`"
    )]
    TooLong {
        /// The template's name.
        file: String,
        /// What it takes.
        parts: u32,
        /// What it may take.
        max_parts: u32,
    },
}

/// Longest list of lessons' starts, in characters: more of them than a day has.
const LIST: usize = 720;

fn place(line: Option<usize>) -> String {
    line.map(|line| format!(", line {line}")).unwrap_or_default()
}

impl From<Failure> for RenderError {
    fn from(failure: Failure) -> Self {
        Self::Template { file: failure.name, line: failure.line, what: failure.class }
    }
}

impl Templates {
    /// A guardian's or adult pupil's text message of at most `max_parts` parts; the name is shortened
    /// where the text would take more. A language that there is not is Swedish.
    ///
    /// # Errors
    /// See [`RenderError`]; the message can then not be sent before a person has corrected something.
    pub fn render_sms(
        &self,
        locale: &Locale,
        purpose: Purpose,
        facts: &GuardianFacts,
        max_parts: u32,
    ) -> Result<SmsText, RenderError> {
        let made = self.shortest_sms(&[locale], purpose, facts, max_parts)?;
        let parts = made.parts.parts;
        if parts > max_parts {
            let file = stem_name(self.pick(&[locale]), facts.stem(purpose));
            return Err(RenderError::TooLong { file, parts, max_parts });
        }
        Ok(made)
    }

    /// The text that fits with the least taken from the name, or else the shortest there is. In more
    /// than one language: one below the other, counted as a whole.
    pub(super) fn shortest_sms(
        &self,
        languages: &[&Locale],
        purpose: Purpose,
        facts: &GuardianFacts,
        max_parts: u32,
    ) -> Result<SmsText, RenderError> {
        let mut facts = checked(purpose, facts, SMS_NAME)?;
        let name = facts.pupil.clone();
        let mut made = None;
        for form in clean::shorter_names(&name) {
            if made.is_some() && form == facts.pupil {
                continue;
            }
            form.clone_into(&mut facts.pupil);
            if let [one] = &mut facts.people[..] {
                form.clone_into(&mut one.pupil);
            }
            let one = |locale: &&Locale| sms(self, self.pick(&[locale]), purpose, &facts);
            let text = languages.iter().map(one).collect::<Result<Vec<_>, _>>()?.join("\n\n");
            let parts = sms::count(&text);
            made = Some(SmsText { text, parts });
            if parts.parts <= max_parts {
                break;
            }
        }
        made.ok_or(RenderError::Missing("the pupil's given name"))
    }

    /// A guardian's or adult pupil's mail.
    ///
    /// # Errors
    /// As [`Templates::render_sms`].
    pub fn render_guardian_mail(
        &self,
        locale: &Locale,
        purpose: Purpose,
        facts: &GuardianFacts,
    ) -> Result<MailText, RenderError> {
        let facts = checked(purpose, facts, MAIL_NAME)?;
        Ok(guardian_mail(self, self.pick(&[locale]), purpose, &facts)?)
    }

    /// A mail to the attendance team. `identity` says how much the subject may tell of the pupil;
    /// for a protected or unknown pupil neither subject nor body tells anything, whatever the case
    /// holds.
    ///
    /// # Errors
    /// As [`Templates::render_sms`].
    pub fn render_team_mail(
        &self,
        locale: &Locale,
        case: &TeamCase,
        identity: SubjectIdentity,
    ) -> Result<MailText, RenderError> {
        if team::stem(case).is_none() {
            return Err(RenderError::NoTemplate(format!("a case of kind {:?}", case.kind)));
        }
        Ok(team_mail(self, self.pick_for_staff(&[locale]), case, identity)?)
    }
}

/// The facts with every value cleaned, when they suffice for a text.
fn checked(
    purpose: Purpose,
    facts: &GuardianFacts,
    longest: usize,
) -> Result<GuardianFacts, RenderError> {
    if !matches!(purpose, Purpose::Absence | Purpose::Correction) {
        return Err(RenderError::NoTemplate(format!("{} to a guardian", purpose.as_str())));
    }
    let line = |text: &String| clean::line(text, longest);
    let facts = GuardianFacts {
        pupil: line(&facts.pupil),
        start: line(&facts.start),
        day: line(&facts.day),
        correction: line(&facts.correction),
        arrived: line(&facts.arrived),
        school: line(&facts.school),
        phone: line(&facts.phone),
        people: facts
            .people
            .iter()
            .map(|one| PersonMissed {
                pupil: line(&one.pupil),
                times: clean::line(&one.times, LIST),
            })
            .collect(),
        ..facts.clone()
    };
    if facts.people.iter().any(|one| one.pupil.is_empty() || one.times.is_empty()) {
        return Err(RenderError::Missing("a name or a time in a list of lessons"));
    }
    for (name, value) in [
        ("the pupil's given name", &facts.pupil),
        ("the lesson's start", &facts.start),
        ("the school's name", &facts.school),
        ("the school's number", &facts.phone),
    ] {
        if value.is_empty() {
            return Err(RenderError::Missing(name));
        }
    }
    if purpose == Purpose::Correction && facts.correction.is_empty() {
        return Err(RenderError::Missing("the kind of correction"));
    }
    Ok(facts)
}

/// A text message from clean facts.
pub(super) fn sms(
    templates: &Templates,
    locale: &Locale,
    purpose: Purpose,
    facts: &GuardianFacts,
) -> Result<String, Failure> {
    let name = stem_name(locale, facts.stem(purpose));
    let facts = direction::guardian(facts, locale);
    let text = engine::render(&templates.env, &name, Value::from(Serde(facts)))?;
    required(name, tidy(&sms::fold(&text)))
}

/// The name of a text's template.
pub(super) fn sms_name(locale: &Locale, purpose: Purpose) -> String {
    stem_name(locale, purpose.as_str())
}

/// The name of the template of a text by its stem.
pub(super) fn stem_name(locale: &Locale, stem: &str) -> String {
    catalogue::name(Channel::Sms, locale, &format!("{stem}.txt"))
}

/// A guardian's mail from clean facts.
pub(super) fn guardian_mail(
    templates: &Templates,
    locale: &Locale,
    purpose: Purpose,
    facts: &GuardianFacts,
) -> Result<MailText, Failure> {
    let stem = facts.stem(purpose);
    let facts = direction::guardian(facts, locale);
    mail(templates, locale, stem, &Value::from(Serde(facts)))
}

/// The team's mail; the case is cleaned here.
pub(super) fn team_mail(
    templates: &Templates,
    locale: &Locale,
    case: &TeamCase,
    identity: SubjectIdentity,
) -> Result<MailText, Failure> {
    let stem = team::stem(case).unwrap_or(Purpose::StaffTask.as_str());
    mail(templates, locale, stem, &Value::from(Serde(team::values(case, identity))))
}

pub(super) fn mail(
    templates: &Templates,
    locale: &Locale,
    stem: &str,
    facts: &Value,
) -> Result<MailText, Failure> {
    let values = context! {
        locale => locale.as_str(),
        direction => Direction::of(locale).as_str(),
        ..facts.clone()
    };
    let part = |ending: &str| {
        let name = catalogue::name(Channel::Email, locale, &format!("{stem}.{ending}"));
        let text = engine::render(&templates.env, &name, values.clone())?;
        required(name, tidy(&text))
    };
    let subject = part("subject.txt")?;
    if subject.contains('\n') {
        let what = "the subject is more than one line".to_owned();
        let name = catalogue::name(Channel::Email, locale, &format!("{stem}.subject.txt"));
        return Err(Failure { name, line: None, class: what.clone(), detail: what });
    }
    Ok(MailText {
        subject: clean::line(&subject, MAIL_SUBJECT),
        text: part("txt")? + "\n",
        html: part("html")? + "\n",
    })
}

pub(super) fn required(name: String, text: String) -> Result<String, Failure> {
    if text.is_empty() {
        let what = "the text is empty".to_owned();
        return Err(Failure { name, line: None, class: what.clone(), detail: what });
    }
    Ok(text)
}

/// No white space at the ends of lines or of the text, and no more than one empty line in a row.
pub(super) fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        out.push_str(line);
    }
    out
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
