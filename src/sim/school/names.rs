//! Names, addresses and numbers of nobody: family names put together from trees and places, mail at
//! example.se (RFC 2606), numbers from those reserved for fiction. Pure.

use super::chance::Chance;
use super::rows::Number;

const GIVEN: [&str; 48] = [
    "Alva", "Amir", "Astrid", "Axel", "Bilal", "Cilla", "Dina", "Ebba", "Edvin", "Elif", "Elsa",
    "Emil", "Fatima", "Filip", "Freja", "Gustav", "Hanna", "Hassan", "Hedda", "Hugo", "Ida",
    "Ingrid", "Isak", "Jonas", "Kajsa", "Karim", "Leila", "Leo", "Linnea", "Ludvig", "Maja",
    "Malte", "Mira", "Nils", "Noor", "Olle", "Omar", "Petra", "Ronja", "Saga", "Samir", "Signe",
    "Sixten", "Tova", "Vera", "Viggo", "Yasmin", "Åke",
];
const TREES: [&str; 14] = [
    "Al", "Ask", "Björk", "Bok", "Ek", "En", "Gran", "Hassel", "Lind", "Lönn", "Pil", "Rönn",
    "Sälg", "Tall",
];
const PLACES: [&str; 16] = [
    "backe", "brink", "dunge", "fors", "glänta", "hage", "hult", "kulle", "mosse", "skog", "stig",
    "tjärn", "vik", "ås", "äng", "ö",
];

/// Reserved by the Swedish regulator: 070-174 06 05 to 070-174 06 99. The last ten misbehave in the sink.
const GUARDIANS: (u32, u32) = (605, 679);
const STAFF: (u32, u32) = (680, 689);

pub(super) fn given(chance: &mut Chance) -> String {
    (*chance.pick(&GIVEN)).to_owned()
}

pub(super) fn family(chance: &mut Chance) -> String {
    format!("{}{}", chance.pick(&TREES), chance.pick(&PLACES))
}

/// A name as it stands in a mail address.
pub(super) fn plain(name: &str) -> String {
    name.chars()
        .filter_map(|letter| match letter.to_lowercase().next().unwrap_or(letter) {
            'å' | 'ä' => Some('a'),
            'ö' => Some('o'),
            'é' => Some('e'),
            letter if letter.is_ascii_alphanumeric() => Some(letter),
            ' ' | '-' => Some('-'),
            _ => None,
        })
        .collect()
}

/// The address of the person with this number.
pub(super) fn mail(given: &str, family: &str, number: usize) -> String {
    format!("{}.{}{number}@example.se", plain(given), plain(family))
}

/// Hands out the reserved numbers, each once.
#[derive(Debug)]
pub(super) struct Phones {
    next: u32,
    last: u32,
}

impl Phones {
    pub(super) fn of_guardians() -> Self {
        Self { next: GUARDIANS.0, last: GUARDIANS.1 }
    }

    pub(super) fn of_staff() -> Self {
        Self { next: STAFF.0, last: STAFF.1 }
    }

    /// The next one, written as people write numbers: in several ways.
    pub(super) fn take(&mut self) -> Option<Number> {
        let number = self.next;
        if number > self.last {
            return None;
        }
        self.next += 1;
        let (last, pair) = (number % 100, number / 100);
        let value = match number % 4 {
            0 => format!("070-174 {pair:02} {last:02}"),
            1 => format!("+46701740{number}"),
            2 => format!("0701740{number}"),
            _ => format!("070 174 {pair:02} {last:02}"),
        };
        Some(Number { value, kind: "Hem", mobile: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_reserved_ones_and_end() {
        let mut all: Vec<String> = Vec::new();
        let (mut guardians, mut staff) = (Phones::of_guardians(), Phones::of_staff());
        while let Some(number) = guardians.take().or_else(|| staff.take()) {
            let digits: String = number.value.chars().filter(char::is_ascii_digit).collect();
            let national =
                digits.strip_prefix("46").map_or(digits.clone(), |rest| format!("0{rest}"));
            assert!(("0701740605"..="0701740689").contains(&national.as_str()), "{national}");
            all.push(national);
        }
        assert_eq!(all.len(), 85);
        all.dedup();
        assert_eq!(all.len(), 85);
    }

    #[test]
    fn addresses_are_plain_and_nobodys() {
        assert_eq!(mail("Åke", "Lönnäng", 7), "ake.lonnang7@example.se");
    }
}
