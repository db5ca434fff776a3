//! Characters that stand in a text and are not seen: what turns the direction of writing, and what
//! has no width. One list, so that no room lets through what another takes out. Pure.

/// Whether a character steers the direction of writing (Unicode UAX #9, UTR #36 §3.3) or is never
/// seen: soft hyphen, zero-width and format characters, tags. The joiners U+200C and U+200D are not
/// among them: Persian and Indic names are written with them.
pub fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// So, or a control character, a joiner, or a line or paragraph separator: what has no place in a
/// name that people do not write, as an id.
pub fn is_invisible(c: char) -> bool {
    c.is_control() || is_unseen(c) || matches!(c, '\u{200c}' | '\u{200d}' | '\u{2028}' | '\u{2029}')
}

/// Whether a text can be shown on one line as it stands: without controls, ends of lines, and what turns the direction of
/// writing or is not seen.
pub fn is_one_line(text: &str) -> bool {
    !text.chars().any(is_out_of_line)
}

/// What [`is_one_line`] does not let through. The joiners are let through: names are written with them.
pub fn is_out_of_line(c: char) -> bool {
    c.is_control() || is_unseen(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// A text from outside as it may be repeated to whoever sent it: at most so many characters of those
/// that are seen.
pub fn shown(text: &str, most: usize) -> String {
    text.chars().filter(|c| !is_invisible(*c)).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_seen() {
        for name in ["Åsa", "O'Brien-Лев", "نیلوفر", "ကျော်", "דוד", "さくら", "a b"]
        {
            assert!(!name.chars().any(|c| is_unseen(c) || is_invisible(c)), "{name}");
        }
        assert!(is_one_line("Museum, 7B – Åsa") && is_one_line("نی\u{200c}لوفر"));
        for bad in ["a\nb", "a\u{202e}b", "a\u{2066}b", "a\u{2028}b", "\u{7}"] {
            assert!(!is_one_line(bad), "{bad:?}");
        }
        assert!(!is_unseen('\u{200c}') && is_invisible('\u{200c}'));
        for c in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{e0041}', '\u{206e}'] {
            assert!(is_unseen(c) && is_invisible(c), "{c:?}");
        }
    }
}
