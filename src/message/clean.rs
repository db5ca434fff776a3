//! Makes a value from outside fit to stand in a text: one line, nothing invisible that could turn it
//! around, no longer than it may be. Pure; used on every value before a template sees it.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::model::unseen::is_unseen;

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

/// One line for a header of a mail. What looks like an encoded word (RFC 2047 §2) is taken apart: a
/// reader would decode it, and find whatever somebody has put into a name.
pub fn header(text: &str, longest: usize) -> String {
    line(&line(text, longest).replace("=?", "= ?"), longest)
}

/// A text on one line, such as the name of a file, for a terminal or a log: characters that would
/// move its cursor, turn its line around or not be seen are written as `\u{…}`.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_unseen(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
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
    let mut kept = &name[..end.unwrap_or(name.len())];
    // A letter goes with its marks.
    while name[kept.len()..].starts_with(is_combining_mark) {
        let Some((at, _)) = kept.char_indices().next_back().filter(|(at, _)| *at > 0) else {
            break;
        };
        kept = &kept[..at];
    }
    // No hyphen or joiner at the end, unless there is nothing else.
    match kept.trim_end_matches(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)) {
        _ if end.is_none() => name,
        "" => kept,
        trimmed => trimmed,
    }
}

fn is_blank(c: char) -> bool {
    c.is_control() || c.is_whitespace()
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
            ("A\u{2063}l\u{206e}v\u{fff9}a\u{e0041}\u{180e}", "Alva"),
            ("می\u{200c}نا", "می\u{200c}نا"),
        ] {
            assert_eq!(line(from, 60), to, "{from:?}");
        }
        assert_eq!(line("Åsa Maria", 4), "Åsa");
        assert_eq!(line(&"å".repeat(61), 60), "å".repeat(60));
    }

    #[test]
    fn nothing_in_a_header_is_decoded() {
        for (from, to) in [
            ("=?utf-8?q?=0D=0ABcc:?=", "= ?utf-8?q?=0D=0ABcc:?="),
            ("==?\u{200b}=\u{200b}?", "== ?= ?"),
            ("Åsa = ? Alva", "Åsa = ? Alva"),
        ] {
            assert_eq!(header(from, 60), to, "{from:?}");
        }
        assert_eq!(header("a=?b", 4), "a= ?");
    }

    #[test]
    fn names_of_files_move_no_cursor() {
        assert_eq!(plain("sms/sv/absence.txt"), "sms/sv/absence.txt");
        assert_eq!(plain("\u{1b}[2J\n\u{202e}å"), "\\u{1b}[2J\\u{a}\\u{202e}å");
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
        assert_eq!(
            forms("Ali\u{331}a\u{331}ba").last(),
            Some(&"Ali\u{331}"),
            "a letter has its marks"
        );
        assert_eq!(forms("Aliq\u{307}\u{323}ba").last(), Some(&"Ali"));
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
