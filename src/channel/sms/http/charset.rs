//! In which bytes a text is written. Pure. A text that a charset cannot carry is folded to its plain
//! kin where a reader still reads the same words; where that cannot be, it is not sent at all: question
//! marks in place of a name would tell a guardian nothing.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// How texts are made into bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// UTF-8 (RFC 3629), which carries everything.
    #[default]
    Utf8,
    /// ISO-8859-1: U+0000 to U+00FF, one byte each.
    Latin1,
}

impl Charset {
    /// Its name in a media type (IANA character sets), in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Latin1 => "iso-8859-1",
        }
    }

    /// Whether it has every character.
    pub(super) fn carries(self, text: &str) -> bool {
        self == Self::Utf8 || text.chars().all(|c| u8::try_from(c).is_ok())
    }

    /// The text as it can be carried; none when a character has no plain kin.
    pub(super) fn fold(self, text: &str) -> Option<String> {
        if self.carries(text) {
            return Some(text.to_owned());
        }
        let mut out = String::with_capacity(text.len());
        for c in text.nfc() {
            match plain(c) {
                _ if u8::try_from(c).is_ok() => out.push(c),
                Some(instead) => out.push_str(instead),
                None => {
                    let kin: String =
                        [c].into_iter().nfkd().filter(|c| !is_combining_mark(*c)).collect();
                    if kin.is_empty() || !self.carries(&kin) {
                        return None;
                    }
                    out.push_str(&kin);
                }
            }
        }
        Some(out)
    }

    /// The bytes of a text that it carries; what it does not is a question mark.
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Latin1 => text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(),
        }
    }
}

/// What is written for a character that does not come apart into letter and accent.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ł' => "l",
        'Ł' => "L",
        'đ' => "d",
        'Đ' => "D",
        'ħ' => "h",
        'Ħ' => "H",
        'ı' => "i",
        'œ' => "oe",
        'Œ' => "OE",
        'ŧ' => "t",
        'Ŧ' => "T",
        'ŋ' => "n",
        'Ŋ' => "N",
        'ẞ' => "SS",
        '€' => "EUR",
        '\u{2010}'..='\u{2015}' | '\u{2022}' | '\u{2212}' => "-",
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{02bc}' => "'",
        '\u{201c}'..='\u{201f}' | '\u{2033}' => "\"",
        // Marks of direction, which are not seen, and mean nothing to letters written left to right.
        '\u{200e}' | '\u{200f}' | '\u{2066}'..='\u{2069}' => "",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_that_latin1_carries_or_not() {
        for (text, expected) in [
            ("Åsa är inte här, é ü ÿ £ §", Some("Åsa är inte här, é ü ÿ £ §")),
            ("Łukasz Żółć, Jiří, Đorđe, Işıl", Some("Lukasz Zólc, Jirí, Dorde, Isil")),
            ("A\u{30a}sa", Some("Åsa")),
            ("10 € – ’ja’ … №", Some("10 EUR - 'ja' ... No")),
            ("\u{2068}Åsa\u{2069}", Some("Åsa")),
            ("Олена", None),
            ("نور", None),
            ("Άννα", None),
            ("Åsa 🙂", None),
        ] {
            assert_eq!(Charset::Latin1.fold(text).as_deref(), expected, "{text}");
            assert_eq!(Charset::Utf8.fold(text).as_deref(), Some(text));
        }
        assert_eq!(Charset::Latin1.encode("Åä"), [0xc5, 0xe4]);
        assert_eq!(Charset::Utf8.encode("Å"), "Å".as_bytes());
    }

    proptest! {
        #[test]
        fn what_is_folded_is_carried_and_stays_so(text in any::<String>()) {
            if let Some(folded) = Charset::Latin1.fold(&text) {
                prop_assert!(Charset::Latin1.carries(&folded));
                prop_assert_eq!(Charset::Latin1.fold(&folded), Some(folded.clone()));
                prop_assert_eq!(Charset::Latin1.encode(&folded).len(), folded.chars().count());
            }
        }
    }
}
