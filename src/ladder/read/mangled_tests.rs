//! Whatever a text has become by a slip of the hand, it is read or refused in words, and never otherwise.

use proptest::prelude::*;

use super::read;
use crate::ladder::SHIPPED;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A piece of a text is gone, or is another piece of it, or something else.
    #[test]
    fn a_mangled_text_is_refused_in_words(
        which in 0..SHIPPED.len(),
        at in 0.0..1.0_f64,
        length in 0_usize..80,
        from in 0.0..1.0_f64,
        other in prop_oneof![Just(None), "[ -~]{0,12}".prop_map(Some), Just(Some("9999999999".to_owned()))],
    ) {
        let text = SHIPPED[which].text;
        let piece = |share: f64| {
            let place = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let start = place((share * text.len() as f64) as usize);
            start..place(start + length).max(start)
        };
        let gone = piece(at);
        let put = other.unwrap_or_else(|| text[piece(from)].to_owned());
        let mangled = format!("{}{put}{}", &text[..gone.start], &text[gone.end..]);
        if let Err(faults) = read(&mangled) {
            prop_assert!(!faults.is_empty());
            let lines = mangled.lines().count() + 1;
            for fault in faults {
                prop_assert!((1..=lines).contains(&fault.line), "{fault}");
                prop_assert!(!fault.message.is_empty() && !fault.remedy.is_empty());
            }
        }
    }
}
