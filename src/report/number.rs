//! Counts of people and of what is about people, of which small ones are not told: whoever knows a school may know
//! who the two are. Pure.

use std::fmt;

/// The least that is told. Statistics authorities hide counts below 3 to 5; the higher is taken.
pub const LEAST: u64 = 5;

/// A number that may be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// As it is.
    Exact(u64),
    /// At least one and fewer than [`LEAST`].
    Small,
    /// Nothing is known, or it follows from a small count.
    None,
}

impl Number {
    /// A count that is about people. `exact`: it is told whatever it is.
    pub fn of(count: u64, exact: bool) -> Self {
        if !exact && (1..LEAST).contains(&count) { Self::Small } else { Self::Exact(count) }
    }

    /// How high it is drawn; a small one in the middle of what it may be.
    #[allow(clippy::cast_precision_loss, reason = "a drawing has no such many pixels")]
    pub fn height(self) -> f64 {
        match self {
            Self::Exact(count) => count as f64,
            Self::Small => LEAST as f64 / 2.0,
            Self::None => 0.0,
        }
    }

    /// As JSON has it: a number, `"<5"`, or null.
    pub fn json(self) -> serde_json::Value {
        match self {
            Self::Exact(count) => count.into(),
            Self::Small => self.to_string().into(),
            Self::None => serde_json::Value::Null,
        }
    }
}

/// With thin spaces between thousands, as Swedish and ISO 80000 have them.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Small => write!(f, "<{LEAST}"),
            Self::None => f.write_str("–"),
            Self::Exact(count) => {
                let digits = count.to_string();
                for (at, digit) in digits.chars().enumerate() {
                    if at > 0 && (digits.len() - at).is_multiple_of(3) {
                        f.write_str("\u{a0}")?;
                    }
                    write!(f, "{digit}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_counts_are_not_told() {
        for (count, exact, shown) in [
            (0, false, "0"),
            (1, false, "<5"),
            (4, false, "<5"),
            (5, false, "5"),
            (1, true, "1"),
            (999, false, "999"),
            (1_234_567, false, "1\u{a0}234\u{a0}567"),
        ] {
            assert_eq!(Number::of(count, exact).to_string(), shown);
        }
        assert_eq!(Number::of(3, false).json(), "<5");
        assert_eq!(Number::of(7, false).json(), 7);
    }
}
