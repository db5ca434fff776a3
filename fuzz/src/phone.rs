//! Numbers as people write them: what is read is one whole number and is read again as itself; what is
//! not is refused without a digit of it.

use upprop::directory::phone::{PhoneError, PhoneKind, PhoneRules, normalise};

/// The check.
pub fn check(data: &[u8]) {
    let raw = String::from_utf8_lossy(data);
    let rules = PhoneRules::default();
    let result = normalise(&raw, &rules);
    assert_eq!(result, normalise(&raw, &rules), "the same text, the same number");
    match result {
        Ok(read) => {
            let number = read.phone.expose();
            let again = normalise(number, &rules).expect("a number that was made");
            assert_eq!((&again.phone, again.kind, again.warning), (&read.phone, read.kind, None));
            // No digit came from nowhere: the last six stand in the text, in this order. What a digit
            // of another script is, the decoder alone says here.
            if !raw.chars().any(|c| c.is_numeric() && !c.is_ascii()) {
                let tail = &number[number.len().saturating_sub(6).max(1)..];
                let mut written = raw.chars().filter(char::is_ascii_digit);
                let stands = tail.chars().all(|digit| written.any(|w| w == digit));
                assert!(stands, "{number} is not in the text");
            }
            if number.starts_with("+46") && read.kind == PhoneKind::Mobile {
                assert_eq!(number.len(), 12, "{number}");
                assert!(matches!(number.as_bytes()[4], b'0' | b'2' | b'3' | b'6' | b'8' | b'9'));
            }
        }
        Err(error) => {
            let told = error.to_string();
            match error {
                PhoneError::Country(code) => assert!(code <= 999, "{told}"),
                _ => assert!(told.bytes().filter(u8::is_ascii_digit).count() <= 1, "{told}"),
            }
            assert!(!error.remedy().is_empty());
            assert_eq!(plain_swedish(&raw), None, "a number in use was refused: {told}");
        }
    }
    if let Some(expected) = plain_swedish(&raw) {
        assert_eq!(normalise(&raw, &rules).map(|n| n.phone.expose().to_owned()), Ok(expected));
    }
}

/// A Swedish mobile written as everybody writes it, `07x` and seven digits with nothing but blanks and
/// hyphens between, as E.164.
fn plain_swedish(raw: &str) -> Option<String> {
    let digits: String = raw.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let rest = digits.strip_prefix("0701740")?;
    let good = rest.len() == 3 && rest.bytes().all(|b| b.is_ascii_digit()) && !raw.contains(" 0");
    (good && raw.starts_with('0')).then(|| format!("+46701740{rest}"))
}
