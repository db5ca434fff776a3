//! Chance for tests that fail at random moments: printed, so that the same can be drawn again.

use std::ops::RangeInclusive;

use crate::load::say;

/// Chance that can be drawn again (`SplitMix64`, Steele et al. 2014).
pub struct Dice(u64);

impl Dice {
    /// From `UPPROP_TEST_SEED`, or from a seed that is printed.
    pub fn new(test: &str) -> Self {
        let seed = std::env::var("UPPROP_TEST_SEED").map_or_else(
            |_| {
                let mut bytes = [0; 4];
                upprop::env::random::fill(&mut bytes);
                u32::from_be_bytes(bytes).into()
            },
            |text| text.parse().expect("UPPROP_TEST_SEED is a number"),
        );
        // What the threads of the machine do meanwhile is not drawn, and differs.
        say(format_args!("{test}: UPPROP_TEST_SEED={seed} draws the same moments again"));
        Self(seed)
    }

    /// A number of the range.
    pub fn roll(&mut self, range: RangeInclusive<u64>) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        range.start() + (z ^ (z >> 31)) % (range.end() - range.start() + 1)
    }
}
