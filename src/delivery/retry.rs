//! When to try again: a list of pauses, a spread that is the same for the same message and try, and
//! the provider's wish within bounds.

use jiff::{SignedDuration, Timestamp};

use crate::model::NotificationId;

/// When the try after `tries` failed ones is made; none when the list is used up.
///
/// The pause is spread by −10 % to +10 % so that messages that failed together do not return
/// together. A `Retry-After` replaces the pause where it is longer, up to `longest`.
pub fn next_try(
    pauses: &[SignedDuration],
    tries: u32,
    id: &NotificationId,
    wish: Option<SignedDuration>,
    longest: SignedDuration,
    now: Timestamp,
) -> Option<Timestamp> {
    let pause = *pauses.get(usize::try_from(tries.checked_sub(1)?).ok()?)?;
    let spread = spread(id, tries);
    let pause = pause.saturating_add(
        SignedDuration::try_from_secs_f64(pause.as_secs_f64() * spread).unwrap_or_default(),
    );
    let wish = wish.unwrap_or_default().clamp(SignedDuration::ZERO, longest);
    now.saturating_add(pause.max(wish)).ok()
}

/// Between -0.1 and 0.1.
#[allow(clippy::cast_precision_loss, reason = "a spread needs no more than 53 bits")]
fn spread(id: &NotificationId, tries: u32) -> f64 {
    let mixed = id.spread().rotate_left(tries.wrapping_mul(7)) >> 11;
    (mixed as f64 / (1u64 << 53) as f64) * 0.2 - 0.1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        #[allow(clippy::cast_precision_loss, reason = "seconds here are few")]
        fn pauses_stay_within_a_tenth_and_wishes_within_bounds(
            seed in any::<u64>(), tries in 0u32..6, wish in prop::option::of(-10i64..100_000),
        ) {
            let pauses = [10, 60, 600].map(SignedDuration::from_secs);
            let id = NotificationId::of(&[&seed.to_string()]);
            let now = Timestamp::from_second(1_800_000_000).expect("time");
            let longest = SignedDuration::from_secs(900);
            let next =
                next_try(&pauses, tries, &id, wish.map(SignedDuration::from_secs), longest, now);
            prop_assert_eq!(next.is_some(), (1..=3).contains(&tries));
            if let Some(next) = next {
                let base = pauses[tries as usize - 1].as_secs_f64();
                let asked = wish.map_or(0.0, |w| (w as f64).clamp(0.0, 900.0));
                let waited = next.duration_since(now).as_secs_f64();
                prop_assert!(waited >= asked.max(base * 0.9) - 1e-6, "{waited}");
                prop_assert!(waited <= asked.max(base * 1.1) + 1e-6, "{waited}");
            }
        }
    }

    #[test]
    fn tries_of_one_message_spread_differently() {
        let id = NotificationId::of(&["x"]);
        assert!((spread(&id, 1) - spread(&id, 2)).abs() > f64::EPSILON);
    }
}
