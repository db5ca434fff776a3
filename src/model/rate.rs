//! A rate as an operator writes it: so many per span of time, with a burst.

use std::num::NonZeroU32;

use jiff::SignedDuration;

/// So many events per span; up to `burst` of them may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// Per how long; positive.
    pub per: SignedDuration,
    /// How many may come at once before the spacing `per / count` holds.
    pub burst: NonZeroU32,
}
