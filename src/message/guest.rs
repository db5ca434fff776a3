//! The text of a test to a guest of a school: it says that it is one, and nothing of anybody.

use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::clean::{self, SMS_NAME};
use super::engine::Failure;
use super::render::{self, MailText, RenderError, SmsText};
use super::sms;
use super::{Templates, direction, engine};
use crate::model::{Locale, Purpose};

/// The facts of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestFacts {
    /// The school's name.
    pub school: String,
    /// The number to ring, as shown.
    pub phone: String,
    /// When it was made, `10.42`, the school's zone.
    pub at: String,
}

impl TestFacts {
    /// Those that templates are tried on.
    pub(super) fn sample(school: &str, phone: &str) -> Self {
        Self { school: school.into(), phone: phone.into(), at: "10.42".into() }
    }

    fn checked(&self) -> Result<Self, RenderError> {
        let line = |text: &String| clean::line(text, SMS_NAME);
        let facts =
            Self { school: line(&self.school), phone: line(&self.phone), at: line(&self.at) };
        for (name, value) in
            [("the school's name", &facts.school), ("the school's number", &facts.phone)]
        {
            if value.is_empty() {
                return Err(RenderError::Missing(name));
            }
        }
        Ok(facts)
    }
}

impl Templates {
    /// A test as a text message of at most `max_parts` parts.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render_test_sms(
        &self,
        locale: &Locale,
        facts: &TestFacts,
        max_parts: u32,
    ) -> Result<SmsText, RenderError> {
        let made = self.test_sms(locale, facts)?;
        let parts = made.parts.parts;
        if parts > max_parts {
            let file = render::sms_name(self.pick(&[locale]), Purpose::Test);
            return Err(RenderError::TooLong { file, parts, max_parts });
        }
        Ok(made)
    }

    /// A test as a text message, however long.
    pub(super) fn test_sms(
        &self,
        locale: &Locale,
        facts: &TestFacts,
    ) -> Result<SmsText, RenderError> {
        let text = sms(self, self.pick(&[locale]), &facts.checked()?)?;
        let parts = sms::count(&text);
        Ok(SmsText { text, parts })
    }

    /// A test as a mail.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render_test_mail(
        &self,
        locale: &Locale,
        facts: &TestFacts,
    ) -> Result<MailText, RenderError> {
        Ok(mail(self, self.pick(&[locale]), &facts.checked()?)?)
    }
}

/// A text message from clean facts.
fn sms(templates: &Templates, locale: &Locale, facts: &TestFacts) -> Result<String, Failure> {
    let name = render::sms_name(locale, Purpose::Test);
    let facts = direction::test(facts, locale);
    let text = engine::render(&templates.env, &name, Value::from(Serde(facts)))?;
    render::required(name, render::tidy(&sms::fold(&text)))
}

/// A mail from clean facts.
fn mail(templates: &Templates, locale: &Locale, facts: &TestFacts) -> Result<MailText, Failure> {
    let facts = direction::test(facts, locale);
    render::mail(templates, locale, Purpose::Test.as_str(), &Value::from(Serde(facts)))
}

/// What is wrong with a language's templates of it, tried on a sample.
pub(super) fn faults(templates: &Templates, locale: &Locale) -> Vec<Failure> {
    let facts = TestFacts::sample("Björkskolan", "070-174 06 05");
    let text = sms(templates, locale, &facts).err();
    text.into_iter().chain(mail(templates, locale, &facts).err()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_says_that_it_is_a_test_and_of_which_school() {
        let templates = Templates::builtin();
        let facts = TestFacts::sample("Björkskolan", "070-174 06 05");
        for (tag, begins) in [("sv", "Test från Björkskolan"), ("en", "Test from Björkskolan")] {
            let locale = Locale::new(tag).expect("a tag");
            let text = templates.render_test_sms(&locale, &facts, 1).expect("one part");
            let mail = templates.render_test_mail(&locale, &facts).expect("a mail");
            for words in [&text.text, &mail.subject, &mail.text] {
                assert!(words.starts_with(begins), "{words}");
            }
            assert!(mail.html.contains(&format!("<p>{begins}")), "{}", mail.html);
            assert!(text.text.contains("070-174 06 05") && mail.text.contains("070-174 06 05"));
        }
    }

    #[test]
    fn a_school_without_a_name_is_told_and_so_is_a_text_too_long() {
        let templates = Templates::builtin();
        let sv = Locale::swedish();
        let unnamed = TestFacts::sample(" ", "070");
        assert_eq!(
            templates.render_test_mail(&sv, &unnamed),
            Err(RenderError::Missing("the school's name"))
        );
        let long = TestFacts::sample(&"Ж".repeat(90), "070");
        let error = templates.render_test_sms(&sv, &long, 1).expect_err("too long");
        assert!(error.to_string().contains("sms/sv/test.txt"), "{error}");
    }
}
