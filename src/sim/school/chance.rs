//! Chance that can be repeated: numbers that follow from a seed alone. Pure.

/// A sequence of numbers: `SplitMix64` (Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of this seed for this purpose.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let mixed = purpose.bytes().fold(seed, |mixed, byte| {
            mixed.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(byte) + 1)
        });
        Self(mixed)
    }

    /// The next number.
    #[allow(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to but not including `n`; 0 when there is nothing to choose from.
    pub fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % n).unwrap_or(0)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = usize::try_from(high - low + 1).unwrap_or(1);
        low + i64::try_from(self.below(span)).unwrap_or(0)
    }

    /// True this often in a thousand.
    pub fn per_mille(&mut self, share: usize) -> bool {
        self.below(1000) < share
    }

    /// One of them; there must be one.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let of = |seed, purpose| {
            let mut chance = Chance::new(seed, purpose);
            [chance.next(), chance.next()]
        };
        assert_eq!(of(1, "day"), of(1, "day"));
        assert_ne!(of(1, "day"), of(2, "day"));
        assert_ne!(of(1, "day"), of(1, "people"));
        let mut chance = Chance::new(3, "range");
        assert!((0..1000).all(|_| (2..=4).contains(&chance.between(2, 4))));
        let often = (0..10_000).filter(|_| chance.per_mille(100)).count();
        assert!((800..1200).contains(&often), "{often}");
    }
}
