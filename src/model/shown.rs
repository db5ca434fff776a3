//! A text from outside as it may be repeated in an answer or a log.

/// Cuts a text to a length in characters and takes out what is invisible: control characters,
/// zero-width ones and those that turn the direction of writing.
pub fn shown(text: &str, most: usize) -> String {
    text.chars().filter(|c| !is_invisible(*c)).take(most).collect()
}

/// Whether a character could hide in a text or change how the text around it is read.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}')
}
