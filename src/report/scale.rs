//! The marks of an axis: round numbers, few of them. Pure.

/// The step between marks from 0 to at least `most`: 1, 2 or 5 times a power of ten, so that there are at most six of
/// them. `most` is 0 or more.
pub(super) fn step(most: f64) -> f64 {
    let mut step = 1.0;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            if most / (step * factor) <= 6.0 {
                return step * factor;
            }
        }
        step *= 10.0;
    }
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn marks_are_round_and_few() {
        for (most, expected) in [
            (0.0, 1.0),
            (6.0, 1.0),
            (7.0, 2.0),
            (13.0, 5.0),
            (60.0, 10.0),
            (61.0, 20.0),
            (1234.0, 500.0),
        ] {
            assert!((step(most) - expected).abs() < 1e-9, "{most}");
        }
    }
}
