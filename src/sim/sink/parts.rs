//! How many parts a provider charges for a text (3GPP TS 23.038 §6.2.1, TS 23.040 §9.2.3.24). Pure,
//! and written apart from the gateway's own count on purpose: a fake provider that shared the code
//! of what it checks would agree with every mistake in it.

/// The basic alphabet without the escape, one septet each.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
    ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension table, an escape and a septet each.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

fn septets(c: char) -> Option<usize> {
    if BASIC.contains(c) {
        Some(1)
    } else if EXTENDED.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// Parts of `text`: 160 septets or 70 UTF-16 units in one, else 153 or 67 in each, and no pair is
/// split over two.
pub(super) fn parts(text: &str) -> u32 {
    let gsm: Option<Vec<usize>> = text.chars().map(septets).collect();
    match gsm {
        Some(units) => filled(units, 160, 153),
        None => filled(text.chars().map(char::len_utf16).collect(), 70, 67),
    }
}

fn filled(units: Vec<usize>, single: usize, part: usize) -> u32 {
    if units.iter().sum::<usize>() <= single {
        return 1;
    }
    let mut parts = 1;
    let mut used = 0;
    for size in units {
        if used + size > part {
            parts += 1;
            used = 0;
        }
        used += size;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_is_whole() {
        assert_eq!(BASIC.chars().count(), 127, "128 with the escape");
        assert_eq!(EXTENDED.chars().count(), 10);
    }

    #[test]
    fn texts_are_charged_by_their_dearest_letter() {
        let cases = [
            ("", 1),
            ("a", 1),
            (&*"å".repeat(160), 1),
            (&*"å".repeat(161), 2),
            (&*"å".repeat(306), 2),
            (&*"å".repeat(307), 3),
            (&*"€".repeat(80), 1),
            (&*"€".repeat(81), 2),
            // 76 pairs fill 152 of 153 septets: the 77th goes whole to the next part.
            (&*"€".repeat(153), 3),
            (&*"č".repeat(70), 1),
            (&*"č".repeat(71), 2),
            (&*"😀".repeat(35), 1),
            // 33 emoji fill 66 of 67 units.
            (&*"😀".repeat(67), 3),
        ];
        for (text, expected) in cases {
            assert_eq!(
                parts(text),
                expected,
                "{} × {:?}",
                text.chars().count(),
                text.chars().next()
            );
        }
    }
}
