//! Civic numbers where ids should be. Pure.

/// Whether a text looks like a Swedish civic number (personnummer or samordningsnummer): its date can be, and its
/// last digit fits.
pub fn looks_civic(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let others = text.chars().filter(|c| !c.is_ascii_digit());
    if others.clone().count() > 1 || others.clone().any(|c| c != '-' && c != '+') {
        return false;
    }
    let digits = match digits.len() {
        10 => digits.as_slice(),
        12 if matches!(digits[..2], [1, 8 | 9] | [2, 0]) => &digits[2..],
        _ => return false,
    };
    let (month, day) = (digits[2] * 10 + digits[3], digits[4] * 10 + digits[5]);
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit * 2 } else { *digit })
        .map(|product| product / 10 + product % 10)
        .sum();
    (1..=12).contains(&month) && matches!(day, 1..=31 | 61..=91) && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civic_numbers_are_told_from_ids() {
        for civic in ["640823-3234", "6408233234", "196408233234", "19640823-3234", "640883-3231"] {
            assert!(looks_civic(civic), "{civic}");
        }
        for id in ["640823-3235", "641323-3234", "12345678", "4f6c0d1e", "t-6408233234", "", "-"] {
            assert!(!looks_civic(id), "{id}");
        }
    }
}
