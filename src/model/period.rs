//! Days between which something about a guardian holds. Pure; the days are the school's.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// From a first day to a last, both included; a side without a day has no end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first day in the school's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// The last day in the school's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
}

impl Period {
    /// Whether a day is one of them.
    pub fn holds(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    /// Whether every day is.
    pub fn is_always(&self) -> bool {
        *self == Self::default()
    }

    /// Whether no day can be: it ends before it begins.
    pub fn is_never(&self) -> bool {
        matches!((self.from, self.to), (Some(from), Some(to)) if to < from)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn both_ends_belong_to_it() {
        let day = date(2026, 11, 23);
        let period = |from: Option<i8>, to: Option<i8>| Period {
            from: from.map(|d| date(2026, 11, d)),
            to: to.map(|d| date(2026, 11, d)),
        };
        for (from, to, holds) in [
            (None, None, true),
            (Some(23), None, true),
            (Some(24), None, false),
            (None, Some(23), true),
            (None, Some(22), false),
            (Some(23), Some(23), true),
            (Some(24), Some(22), false),
        ] {
            assert_eq!(period(from, to).holds(day), holds, "{from:?} {to:?}");
        }
        assert!(period(Some(24), Some(22)).is_never() && !period(Some(22), Some(22)).is_never());
    }
}
