//! Tables of loads.
