//! Chance that can be repeated, one stream for each part of the world, so that what one part draws does
//! not change what the others do.

use std::ops::RangeInclusive;
use std::sync::Mutex;

/// A stream of numbers (`SplitMix64`, Steele et al. 2014).
pub struct Chance(Mutex<u64>);

impl Chance {
    /// The stream of a part of the world of a seed.
    pub fn new(seed: u64, part: &str) -> Self {
        // FNV-1a of the part's name.
        let name = part.bytes().fold(0xcbf2_9ce4_8422_2325, |h: u64, b| {
            (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
        });
        Self(Mutex::new(seed ^ name))
    }

    /// A number of the range.
    pub fn roll(&self, range: RangeInclusive<u64>) -> u64 {
        let mut state = self.0.lock().expect("nothing panics with it");
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        range.start() + (z ^ (z >> 31)) % (range.end() - range.start() + 1)
    }

    /// Yes in so many of a hundred cases.
    pub fn percent(&self, of: u64) -> bool {
        self.roll(1..=100) <= of
    }

    /// One of them.
    pub fn pick<'a, T>(&self, of: &'a [T]) -> &'a T {
        let last = u64::try_from(of.len() - 1).expect("small");
        &of[usize::try_from(self.roll(0..=last)).expect("small")]
    }
}
