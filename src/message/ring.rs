//! The text to the home of a protected pupil, where that was agreed on. Fixed: what stands in a template could be changed
//! to name somebody, and this may name nobody and nothing. No time, no school, no pupil, no reason.

use super::clean::{self, SMS_NAME};
use super::render::{RenderError, SmsText};
use super::sms;
use crate::model::Locale;

/// Makes the text, in Swedish unless the school's language is English.
///
/// # Errors
/// [`RenderError::Missing`] without a number to ring.
pub fn text(language: &Locale, phone: &str) -> Result<SmsText, RenderError> {
    let phone = clean::line(phone, SMS_NAME);
    if phone.is_empty() {
        return Err(RenderError::Missing("the school's number"));
    }
    let text = match language.as_str().split('-').next() {
        Some("en") => format!("Hello! Please ring {phone}"),
        _ => format!("Hej! Ring {phone}"),
    };
    let text = sms::fold(&text);
    let parts = sms::count(&text);
    Ok(SmsText { text, parts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_to_ring_and_nothing_else() {
        let made = |language: &str, phone: &str| {
            text(&Locale::new(language).expect("a language"), phone).map(|made| made.text)
        };
        assert_eq!(made("sv", "070-174 06 05").ok().as_deref(), Some("Hej! Ring 070-174 06 05"));
        assert_eq!(made("fi", "070-174 06 05").ok().as_deref(), Some("Hej! Ring 070-174 06 05"));
        assert_eq!(made("en-GB", "112").ok().as_deref(), Some("Hello! Please ring 112"));
        assert!(made("sv", " ").is_err());
    }
}
