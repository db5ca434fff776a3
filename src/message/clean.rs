//! Makes a value from outside fit to stand in a text: one line, nothing invisible that could turn it
//! around, no longer than it may be. Pure; used on every value before a template sees it.

use unicode_normalization::UnicodeNormalization as _;

/// Longest name in a text message, in characters: a longer one is cut.
pub const SMS_NAME: usize = 60;
/// Longest name in a mail, in characters.
pub const MAIL_NAME: usize = 200;
/// Longest subject, in characters: with no space to fold at, it must still fit a line of 998 octets
/// (RFC 5322 §2.1.1).
pub const MAIL_SUBJECT: usize = 250;
/// Longest free text in a mail, in characters; the inlet takes notes of at most 500.
pub const MAIL_TEXT: usize = 1000;

/// One line in NFC, of at most `longest` characters. Line breaks, tabs and other control characters
/// are spaces, runs of white space are one space, and what steers the direction of writing
/// (Unicode UAX #9) or is never seen is left out. Joiners stay: Persian and Indic names need them.
pub fn line(text: &str, longest: usize) -> String {
    let visible = text.chars().filter(|c| !is_unseen(*c));
    let plain: String = visible.map(|c| if is_blank(c) { ' ' } else { c }).nfc().collect();
    let mut out = String::with_capacity(plain.len());
    for word in plain.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    if let Some((end, _)) = out.char_indices().nth(longest) {
        out.truncate(end);
        out.truncate(out.trim_end().len());
    }
    out
}

/// The lengths, in UTF-16 units, that a given name is cut to where a text would otherwise take too
/// many parts. With the shortest, a text is as short as a name can make it.
const SHORT_NAMES: [usize; 3] = [12, 8, 4];

/// A clean name in ever shorter forms: as it is, the first of several names, and that cut.
pub fn shorter_names(name: &str) -> impl Iterator<Item = &str> {
    let first = name.split(' ').next().unwrap_or(name);
    [name, first].into_iter().chain(SHORT_NAMES.iter().map(|units| cut(first, *units)))
}

/// The letters at the beginning that take no more than so many UTF-16 units.
fn cut(name: &str, units: usize) -> &str {
    let mut used = 0;
    let end = name.char_indices().find_map(|(at, c)| {
        used += c.len_utf16();
        (used > units).then_some(at)
    });
    let kept = &name[..end.unwrap_or(name.len())];
    // No hyphen, joiner or half of a cluster at the end, unless there is nothing else.
    match kept.trim_end_matches(|c: char| !c.is_alphanumeric()) {
        _ if end.is_none() => name,
        "" => kept,
        trimmed => trimmed,
    }
}

fn is_blank(c: char) -> bool {
    c.is_control() || c.is_whitespace()
}

fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_visible_line() {
        for (from, to) in [
            ("Alva", "Alva"),
            ("  Alva \t Maria ", "Alva Maria"),
            ("Alva\r\nBcc: x@example.se", "Alva Bcc: x@example.se"),
            ("a\u{2028}b\u{2029}c\u{85}d\u{0}e", "a b c d e"),
            ("\u{202e}avlA\u{2069}", "avlA"),
            ("A\u{30a}sa", "Åsa"),
            ("{{ school }}{% if %}", "{{ school }}{% if %}"),
            ("\u{feff}\u{200b}", ""),
            ("می\u{200c}نا", "می\u{200c}نا"),
        ] {
            assert_eq!(line(from, 60), to, "{from:?}");
        }
        assert_eq!(line("Åsa Maria", 4), "Åsa");
        assert_eq!(line(&"å".repeat(61), 60), "å".repeat(60));
    }

    #[test]
    fn names_grow_shorter_and_stay_names() {
        let forms = |name| shorter_names(name).collect::<Vec<_>>();
        assert_eq!(forms("Alva"), ["Alva"; 5]);
        assert_eq!(
            forms("Anna-Alexandra Maria"),
            ["Anna-Alexandra Maria", "Anna-Alexandra", "Anna-Alexand", "Anna-Ale", "Anna"]
        );
        assert_eq!(forms("Lisa-Maria").last(), Some(&"Lisa"));
        assert_eq!(forms("𐐀𐐁𐐂𐐃").last(), Some(&"𐐀𐐁"), "no character is split");
        assert_eq!(forms("-----").last(), Some(&"----"));
    }

    proptest! {
        #[test]
        fn nothing_breaks_a_line(text in any::<String>(), longest in 0usize..80) {
            let out = line(&text, longest);
            prop_assert!(out.chars().count() <= longest);
            prop_assert!(!out.chars().any(|c| c.is_control() || is_unseen(c)));
            prop_assert_eq!(out.trim(), out.as_str());
        }
    }
}
