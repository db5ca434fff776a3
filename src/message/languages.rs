//! In which language one reader is written to, and what takes its place where it cannot be: what nobody
//! has read whose language it is goes to nobody of a school that is live, and a translation that does
//! not fit never keeps a reader from being told. Pure; may not choose recipients.

use super::direction::Direction;
use super::facts::GuardianFacts;
use super::{MailText, RenderError, SmsText, Templates};
use crate::directory::{Mode, School, Translations};
use crate::model::{Locale, Purpose};

/// Why a reader is not written to in the language that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// There are no texts in it.
    NoTexts,
    /// The school is live, and no native reader has reviewed them.
    NotReviewed,
}

/// The languages of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// What the reader gets.
    pub language: Locale,
    /// What takes its place where it does not fit, and may stand below it: the school's language, or
    /// Swedish where that cannot be used.
    pub schools: Locale,
    /// Whether the school's stands below a translation.
    pub both: bool,
    /// Why it is not what was asked for.
    pub instead: Option<Instead>,
}

impl Wording {
    /// All its languages, one below the other.
    pub(super) fn whole(&self) -> Vec<&Locale> {
        let below = Some(&self.schools).filter(|_| self.both);
        [&self.language].into_iter().chain(below).collect()
    }

    /// What is tried in order. The last is the school's language alone.
    fn tries(&self) -> [Vec<&Locale>; 3] {
        [self.whole(), vec![&self.language], vec![&self.schools]]
    }
}

impl Templates {
    /// Whether those at home may be written to in a language.
    ///
    /// # Errors
    /// Why not.
    pub fn may_use(&self, school: &School, locale: &Locale) -> Result<(), Instead> {
        if !self.has(locale) {
            return Err(Instead::NoTexts);
        }
        let read = self.is_reviewed(locale) || school.languages.reviewed.contains(locale);
        if school.mode == Mode::Live && !read { Err(Instead::NotReviewed) } else { Ok(()) }
    }

    /// The languages of a text to somebody who has asked for one.
    pub fn wording(&self, school: &School, asked: &Locale) -> Wording {
        let own = self.may_use(school, &school.locale);
        let schools = if own.is_ok() { school.locale.clone() } else { Locale::swedish() };
        let instead = self.may_use(school, asked).err();
        let language = if instead.is_some() { schools.clone() } else { asked.clone() };
        let below = school.languages.translations == Translations::WithSchools;
        Wording { both: below && language != schools, language, schools, instead }
    }

    /// A guardian's or adult pupil's text message of at most `max_parts` parts, and its languages. Where
    /// both languages do not fit, the translation goes alone; where that does not fit either, or cannot
    /// be made, the school's does.
    ///
    /// # Errors
    /// What the school's own fails by: see [`RenderError`].
    pub fn worded_sms(
        &self,
        wording: &Wording,
        purpose: Purpose,
        facts: &GuardianFacts,
        max_parts: u32,
    ) -> Result<(SmsText, Vec<Locale>), RenderError> {
        for languages in wording.tries() {
            let made = self.shortest_sms(&languages, purpose, facts, max_parts);
            if let Some(text) = made.ok().filter(|text| text.parts.parts <= max_parts) {
                return Ok((text, languages.into_iter().cloned().collect()));
            }
        }
        let text = self.render_sms(&wording.schools, purpose, facts, max_parts)?;
        Ok((text, vec![wording.schools.clone()]))
    }

    /// A guardian's or adult pupil's mail, and its languages.
    ///
    /// # Errors
    /// As [`Templates::worded_sms`].
    pub fn worded_mail(
        &self,
        wording: &Wording,
        purpose: Purpose,
        facts: &GuardianFacts,
    ) -> Result<(MailText, Vec<Locale>), RenderError> {
        let schools = || self.render_guardian_mail(&wording.schools, purpose, facts);
        if wording.language == wording.schools {
            return Ok((schools()?, vec![wording.schools.clone()]));
        }
        let Ok(first) = self.render_guardian_mail(&wording.language, purpose, facts) else {
            return Ok((schools()?, vec![wording.schools.clone()]));
        };
        let second = if wording.both { schools().ok() } else { None };
        match second.and_then(|second| below(&first, &second, &wording.schools)) {
            Some(both) => Ok((both, vec![wording.language.clone(), wording.schools.clone()])),
            None => Ok((first, vec![wording.language.clone()])),
        }
    }
}

/// One mail below the other; none: the second's page is not HTML as ours is.
fn below(first: &MailText, second: &MailText, locale: &Locale) -> Option<MailText> {
    let (_, after_head) = second.html.split_once("<body")?;
    let (_, inside) = after_head.split_once('>')?;
    let (body, _) = inside.rsplit_once("</body>")?;
    let (above, end) = first.html.rsplit_once("</body>")?;
    let way = Direction::of(locale).as_str();
    Some(MailText {
        subject: format!("{} / {}", first.subject, second.subject),
        text: format!("{}\n* * *\n\n{}", first.text, second.text),
        html: format!(
            "{above}<hr>\n<div lang=\"{locale}\" dir=\"{way}\">\n{}\n</div>\n</body>{end}",
            body.trim()
        ),
    })
}

#[cfg(test)]
#[path = "languages_tests.rs"]
mod tests;
