//! Who a text message says it is from, by the rules that hold in Sweden. Pure.

use std::fmt;

use crate::model::Phone;

/// A sender that the networks will carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SenderId {
    /// Letters and digits. Nobody can answer it, so the text must say where to call.
    Text(String),
    /// A number that can be answered.
    Number(Phone),
}

impl SenderId {
    /// As providers take it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Number(phone) => phone.expose(),
        }
    }

    /// Whether a guardian can answer it.
    pub fn can_be_answered(&self) -> bool {
        matches!(self, Self::Number(_))
    }
}

/// The school's own sender, which is public: printed in full.
impl fmt::Display for SenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text cannot be a sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SenderIdError {
    /// Three to eleven characters, by GSM 03.40's eleven and the vendors' three.
    #[error("has {0} characters; a sender has 3 to 11")]
    Length(usize),
    /// Swedish letters are filtered by many networks.
    #[error("has the letter {letter:?}; write it without dots and rings, as {instead:?}")]
    Swedish {
        /// The letter.
        letter: char,
        /// The whole sender, rewritten.
        instead: String,
    },
    /// Spaces and full stops are dropped by some handsets; others drop the whole message.
    #[error("has the character {0:?}; only A to Z, a to z and 0 to 9 arrive everywhere")]
    Character(char),
    /// It would be taken for a number.
    #[error("starts with a digit; start with a letter, or give a whole number, as +46701740605")]
    Digit,
    /// A `+` and then no number.
    #[error("starts as a number but is none; write it as +46701740605")]
    Number,
}

/// Takes a sender from configuration: 3 to 11 of `A-Z a-z 0-9`, not starting with a digit, or a number
/// in E.164 form. Source: <https://46elks.com/kb/text-sender-id>.
///
/// # Errors
/// See [`SenderIdError`].
pub fn sender_id(text: &str) -> Result<SenderId, SenderIdError> {
    if text.starts_with('+') {
        return Phone::new(text).map(SenderId::Number).map_err(|_| SenderIdError::Number);
    }
    if let Some(letter) = text.chars().find(|c| plain(*c).is_some()) {
        let instead = text.chars().map(|c| plain(c).unwrap_or(c)).collect();
        return Err(SenderIdError::Swedish { letter, instead });
    }
    if let Some(bad) = text.chars().find(|c| !c.is_ascii_alphanumeric()) {
        return Err(SenderIdError::Character(bad));
    }
    if !(3..=11).contains(&text.len()) {
        return Err(SenderIdError::Length(text.len()));
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(SenderIdError::Digit);
    }
    Ok(SenderId::Text(text.into()))
}

fn plain(letter: char) -> Option<char> {
    Some(match letter {
        'å' | 'ä' => 'a',
        'ö' => 'o',
        'Å' | 'Ä' => 'A',
        'Ö' => 'O',
        'é' => 'e',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_a_sender() {
        use SenderIdError::{Character, Digit, Length, Number};
        for (text, expected) in [
            ("Ekskolan", Ok(())),
            ("Abc", Ok(())),
            ("Skola123456", Ok(())),
            ("+46701740605", Ok(())),
            ("Ab", Err(Length(2))),
            ("", Err(Length(0))),
            ("Skola1234567", Err(Length(12))),
            ("Ek skolan", Err(Character(' '))),
            ("Ek.skolan", Err(Character('.'))),
            ("Школа", Err(Character('Ш'))),
            ("Ek\r\nX", Err(Character('\r'))),
            ("1skolan", Err(Digit)),
            ("0701740605", Err(Digit)),
            ("+0701740605", Err(Number)),
            ("+46", Err(Number)),
        ] {
            assert_eq!(sender_id(text).map(|_| ()), expected, "{text:?}");
        }
        assert_eq!(
            sender_id("Älvsjöskol"),
            Err(SenderIdError::Swedish { letter: 'Ä', instead: "Alvsjoskol".into() })
        );
    }

    #[test]
    fn only_a_number_can_be_answered() {
        assert!(sender_id("+46701740605").unwrap().can_be_answered());
        assert!(!sender_id("Ekskolan").unwrap().can_be_answered());
    }
}
