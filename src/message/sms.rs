//! What a text costs on the air: folding of typographic punctuation, the encoding a text needs, and
//! the parts it takes. Pure; never changes a letter, for a name is the bearer's own.

use unicode_normalization::UnicodeNormalization as _;

/// Septets in a message that stands alone (3GPP TS 23.040 §9.2.3.16).
const GSM7_ALONE: u32 = 160;
/// Septets in each part of a longer one: six octets go to the concatenation header.
const GSM7_PART: u32 = 153;
/// UTF-16 units in a message that stands alone.
const UCS2_ALONE: u32 = 70;
/// UTF-16 units in each part of a longer one.
const UCS2_PART: u32 = 67;

/// How the characters travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// The 7-bit default alphabet with its extension (3GPP TS 23.038 §6.2.1).
    Gsm7,
    /// UTF-16, for everything else: less than half as many characters a part.
    Ucs2,
}

impl Encoding {
    /// The name people know it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        }
    }
}

/// The size of a text on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// How it travels.
    pub encoding: Encoding,
    /// Septets or UTF-16 units in all, concatenation headers aside.
    pub units: u32,
    /// Messages that are paid for; 1 or more.
    pub parts: u32,
}

/// Takes a text to the form that is sent: NFC, typographic dashes, quotation marks, ellipses, bullets
/// and spaces as their plain kin, no control characters but the line feed. Letters stay as they are.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // What is dropped goes first: it may stand between a letter and its accent.
    for c in text.chars().filter(|c| !is_dropped(*c)).nfc() {
        match c {
            '\u{2010}'..='\u{2015}' | '\u{2022}' | '\u{2212}' => out.push('-'),
            '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2035}' | '`' | '\u{b4}' => out.push('\''),
            '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{2036}' | '\u{ab}' | '\u{bb}' => {
                out.push('"');
            }
            '\u{2026}' => out.push_str("..."),
            '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
                out.push(' ');
            }
            other => out.push(other),
        }
    }
    out
}

/// Control characters other than line feed and tab, and what is never seen: soft hyphen, zero-width
/// space, word joiner, byte order mark.
fn is_dropped(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

/// Counts as a provider does: parts are filled one character after the other, so a two-septet
/// character or a surrogate pair that does not fit opens the next part.
pub fn count(text: &str) -> Parts {
    let septets: Option<Vec<u32>> = text.chars().map(septets).collect();
    let (encoding, sizes, alone, part) = if let Some(sizes) = septets {
        (Encoding::Gsm7, sizes, GSM7_ALONE, GSM7_PART)
    } else {
        let sizes = text.chars().map(|c| if c.len_utf16() == 1 { 1 } else { 2 }).collect();
        (Encoding::Ucs2, sizes, UCS2_ALONE, UCS2_PART)
    };
    let units = sizes.iter().sum();
    Parts { encoding, units, parts: if units <= alone { 1 } else { fill(&sizes, part) } }
}

/// How many parts of `room` units the characters take, none of them split.
fn fill(sizes: &[u32], room: u32) -> u32 {
    let mut parts = 1;
    let mut used = 0;
    for size in sizes {
        if used + size > room {
            parts += 1;
            used = 0;
        }
        used += size;
    }
    parts
}

/// Septets a character takes; none: it is not in the alphabet.
fn septets(c: char) -> Option<u32> {
    match c {
        '\n'
        | '\r'
        | ' '..='Z'
        | 'a'..='z'
        | '_'
        | '£'
        | '¤'
        | '¥'
        | '§'
        | '¡'
        | '¿'
        | 'Ä'
        | 'Å'
        | 'Æ'
        | 'Ç'
        | 'É'
        | 'Ñ'
        | 'Ö'
        | 'Ø'
        | 'Ü'
        | 'ß'
        | 'à'
        | 'ä'
        | 'å'
        | 'æ'
        | 'è'
        | 'é'
        | 'ì'
        | 'ñ'
        | 'ò'
        | 'ö'
        | 'ø'
        | 'ù'
        | 'ü'
        | 'Γ'
        | 'Δ'
        | 'Θ'
        | 'Λ'
        | 'Ξ'
        | 'Π'
        | 'Σ'
        | 'Φ'
        | 'Ψ'
        | 'Ω' => Some(1),
        '\u{c}' | '^' | '{' | '}' | '\\' | '[' | '~' | ']' | '|' | '€' => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The table of 3GPP TS 23.038 §6.2.1 in code order, eight columns of sixteen; ␛ is the escape.
    const TABLE: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ␛ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                         ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    const EXTENSION: &str = "\u{c}^{}\\[~]|€";

    #[test]
    fn the_alphabet_is_the_standards() {
        assert_eq!(TABLE.chars().count(), 128);
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            let expected = if c == '␛' {
                None
            } else if TABLE.contains(c) {
                Some(1)
            } else if EXTENSION.contains(c) {
                Some(2)
            } else {
                None
            };
            assert_eq!(septets(c), expected, "{c:?}");
        }
    }

    #[test]
    fn sizes_of_known_texts() {
        for (text, units) in [
            (
                "Hej! Alva är inte på lektionen kl 08.20 och vi saknar frånvaroanmälan. Vet du var \
                 Alva är? Ring närvaroteamet 070-174 06 05. Hälsningar Björkskolan",
                147,
            ),
            (
                "Rättelse: Alva var på lektionen kl 08.20. Bortse från vårt tidigare sms. Vi \
                 beklagar. Björkskolan, 070-174 06 05",
                112,
            ),
            ("", 0),
            ("€", 2),
        ] {
            assert_eq!(count(text), Parts { encoding: Encoding::Gsm7, units, parts: 1 }, "{text}");
        }
    }

    #[test]
    fn parts_at_their_edges() {
        use Encoding::{Gsm7, Ucs2};
        for (text, encoding, units, parts) in [
            ("a".repeat(160), Gsm7, 160, 1),
            ("a".repeat(161), Gsm7, 161, 2),
            ("a".repeat(306), Gsm7, 306, 2),
            ("a".repeat(307), Gsm7, 307, 3),
            ("€".repeat(80), Gsm7, 160, 1),
            // 76 pairs fill 152 of 153 septets: the 77th may not be split.
            ("€".repeat(152), Gsm7, 304, 2),
            ("€".repeat(153), Gsm7, 306, 3),
            // A pair at the end of a part: 151 and it fill it, 152 push it over.
            ("a".repeat(151) + "€" + &"a".repeat(153), Gsm7, 306, 2),
            ("a".repeat(152) + "€" + &"a".repeat(152), Gsm7, 306, 3),
            ("ч".repeat(65) + "😀" + &"ч".repeat(67), Ucs2, 134, 2),
            ("ч".repeat(66) + "😀" + &"ч".repeat(66), Ucs2, 134, 3),
            ("ч".repeat(70), Ucs2, 70, 1),
            ("ч".repeat(71), Ucs2, 71, 2),
            ("ч".repeat(134), Ucs2, 134, 2),
            ("ч".repeat(135), Ucs2, 135, 3),
            // 33 pairs fill 66 of 67 units.
            ("😀".repeat(66), Ucs2, 132, 2),
            ("😀".repeat(67), Ucs2, 134, 3),
            (format!("{}č", "a".repeat(70)), Ucs2, 71, 2),
        ] {
            assert_eq!(count(&text), Parts { encoding, units, parts }, "{text}");
        }
    }

    #[test]
    fn punctuation_is_folded_and_letters_are_not() {
        for (from, to) in [
            ("08–09 — \u{2212}", "08-09 - -"),
            ("‘a’ “b” „c” «d» D´A`B", "'a' \"b\" \"c\" \"d\" D'A'B"),
            ("a…\u{a0}b\u{2009}c\td", "a... b c d"),
            ("a\r\nb\u{0}\u{7}c\u{ad}d", "a\nbcd"),
            ("A\u{30a}sa e\u{0}\u{301}", "Åsa é"),
            ("José Đorđe Šimić Żółć Ñ ş", "José Đorđe Šimić Żółć Ñ ş"),
            ("½ ° × •", "½ ° × -"),
        ] {
            assert_eq!(fold(from), to);
        }
    }

    proptest! {
        #[test]
        fn folding_is_settled_after_once(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once.clone());
            prop_assert!(!once.chars().any(|c| c.is_control() && c != '\n'));
        }

        #[test]
        fn folding_keeps_every_letter(text in "\\PC*") {
            let letters = |t: &str| t.nfc().filter(|c| c.is_alphanumeric()).collect::<String>();
            prop_assert_eq!(letters(&fold(&text)), letters(&text));
        }

        #[test]
        fn parts_are_counted_as_on_the_air(text in texts()) {
            prop_assert_eq!(count(&text), on_the_air(&text), "{}", text);
        }
    }

    /// Texts of a few long runs, so that parts end inside a pair again and again.
    fn texts() -> impl Strategy<Value = String> {
        let runs = |of: &'static str| {
            let of: Vec<char> = of.chars().collect();
            let run = (prop::sample::select(of), prop_oneof![0_usize..4, 0_usize..420]);
            prop::collection::vec(run, 1..5)
                .prop_map(|runs| runs.iter().map(|(c, n)| c.to_string().repeat(*n)).collect())
        };
        prop_oneof![
            4 => runs("aÅ\n@€€[~"),
            4 => runs("ač😀😀🇸"),
            1 => any::<String>(),
            1 => "[a€ч😀]{0,400}",
        ]
    }

    /// The same by writing the text down as it travels: septets with their escapes, or UTF-16, cut into
    /// parts from the front, and a cut moved back where it would fall inside a character.
    fn on_the_air(text: &str) -> Parts {
        let septets: Option<Vec<u16>> = text
            .chars()
            .map(|c| {
                let place = |table: &str| table.chars().position(|t| t == c);
                let escape = u16::try_from(TABLE.chars().position(|t| t == '␛')?).ok()?;
                match (place(TABLE), EXTENSION.contains(c)) {
                    (Some(code), _) if c != '␛' => Some(vec![u16::try_from(code).ok()?]),
                    (_, true) => Some(vec![escape, 0x14]),
                    _ => None,
                }
            })
            .collect::<Option<Vec<_>>>()
            .map(|units| units.concat());
        let (encoding, units, alone, part) = match septets {
            Some(units) => (Encoding::Gsm7, units, 160, 153),
            None => (Encoding::Ucs2, text.encode_utf16().collect(), 70, 67),
        };
        let opens_a_pair = |unit: u16| match encoding {
            Encoding::Gsm7 => unit == 0x1b,
            Encoding::Ucs2 => (0xd800..0xdc00).contains(&unit),
        };
        let mut parts = 1;
        let mut rest = units.as_slice();
        if units.len() > alone {
            while rest.len() > part {
                let cut = if opens_a_pair(rest[part - 1]) { part - 1 } else { part };
                rest = &rest[cut..];
                parts += 1;
            }
        }
        Parts { encoding, units: u32::try_from(units.len()).expect("short"), parts }
    }
}
