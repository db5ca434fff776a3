//! How much there can be of something within some days, so that what asks for more can be refused. Generous: it refuses
//! only what no school could reach. Pure.

use crate::ladder::plan::{Span, Unit};

/// The most there can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bound {
    /// School days.
    pub school_days: u32,
}

/// Minutes of lessons that a day can have: nobody has more than ten hours.
const MINUTES_A_DAY: u32 = 600;

impl Bound {
    /// A school year has at most 190 days (skolförordningen 3 kap. 3 §); some schools have lessons on a few more.
    pub const SCHOOL_YEAR: Self = Self { school_days: 200 };
    /// The longer of two terms.
    const TERM: Self = Self { school_days: 130 };

    /// Of a window. A window since a step has no end.
    pub fn of(span: &Span) -> Self {
        let school_days = match span {
            Span::Day => 1,
            Span::Days(days) => u32::from(*days),
            Span::Term => Self::TERM.school_days,
            Span::SchoolYear | Span::Since(_) => Self::SCHOOL_YEAR.school_days,
        };
        Self { school_days }
    }

    /// So many of a unit.
    pub fn units(self, unit: Unit) -> u32 {
        match unit {
            Unit::Day => self.school_days,
            Unit::HalfDay => self.school_days * 2,
            Unit::Lesson | Unit::Occasion => self.school_days * (MINUTES_A_DAY / 10),
        }
    }

    /// Minutes of lessons.
    pub fn minutes(self) -> u32 {
        self.school_days * MINUTES_A_DAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_grow_with_the_window() {
        let units = |span: Span, unit| Bound::of(&span).units(unit);
        assert_eq!(units(Span::Day, Unit::Day), 1);
        assert_eq!(units(Span::Day, Unit::HalfDay), 2);
        assert_eq!(units(Span::Days(28), Unit::Day), 28);
        assert_eq!(units(Span::Term, Unit::Day), 130);
        assert_eq!(units(Span::SchoolYear, Unit::HalfDay), 400);
        assert_eq!(Bound::of(&Span::Days(7)).minutes(), 4200);
        let mut last = 0;
        for days in 1..800 {
            let bound = Bound::of(&Span::Days(days)).school_days;
            assert!(bound >= last, "{days}");
            last = bound;
        }
    }
}
