//! What a text may come from, as an operator writes it.

use crate::model::Phone;

pub(super) const SENDER: &str =
    "3–11 of A–Z, a–z, 0–9, starting with a letter, or a number as \"+46701740605\"";

/// Providers.md §12: what reaches every Swedish handset unchanged.
pub(super) fn sender_id(text: &str) -> Result<String, Option<String>> {
    let worded = |t: &str| {
        (3..=11).contains(&t.len())
            && t.starts_with(|c: char| c.is_ascii_alphabetic())
            && t.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if worded(text) || Phone::new(text).is_ok() {
        return Ok(text.to_owned());
    }
    let folded: String = text
        .chars()
        .filter_map(|c| match c {
            'å' | 'ä' => Some('a'),
            'Å' | 'Ä' => Some('A'),
            'ö' => Some('o'),
            'Ö' => Some('O'),
            'é' => Some('e'),
            _ => c.is_ascii_alphanumeric().then_some(c),
        })
        .take(11)
        .collect();
    Err(worded(&folded).then_some(folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sender_ids() {
        for good in ["Skolan", "Abc", "Bjorkskolan", "Skola1", "+46701740605"] {
            assert_eq!(sender_id(good), Ok(good.to_owned()));
        }
        for (bad, write) in [
            ("Björkskolan", Some("Bjorkskolan")),
            ("Vår skola", Some("Varskola")),
            ("Bjorkskolan2", Some("Bjorkskolan")),
            ("ab", None),
            ("1skola", None),
            ("", None),
        ] {
            assert_eq!(sender_id(bad), Err(write.map(str::to_owned)), "{bad}");
        }
    }
}
