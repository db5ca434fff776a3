//! Tables and properties of the words a configuration is written in.

use proptest::prelude::*;

use super::*;

#[test]
fn durations() {
    for (text, ms) in [
        ("20m", 20 * MINUTE),
        ("1h 30m", 90 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("500ms", 500),
        ("0s", 0),
        ("2d", 2 * DAY),
        ("120s", 2 * MINUTE),
    ] {
        assert_eq!(duration(text), Ok(whole(ms).expect("short")), "{text}");
    }
}

#[test]
fn near_misses_get_the_right_spelling() {
    for (text, write) in [
        ("20 minutes", Some("20m")),
        ("20min", Some("20m")),
        ("20 minuter", Some("20m")),
        ("1.5h", Some("1h 30m")),
        ("30m 1h", Some("1h 30m")),
        ("1h, 30m", Some("1h 30m")),
        ("2 weeks", Some("14d")),
        ("0", Some("0s")),
        ("20", None),
        ("", None),
        ("soon", None),
        ("-5m", None),
        ("1h 30", None),
        ("99999999999999999999d", None),
        ("4000d", None),
    ] {
        assert_eq!(duration(text), Err(Misspelt(write.map(str::to_owned))), "{text:?}");
    }
}

#[test]
fn rates() {
    for (text, count, seconds, burst) in [
        ("90/min", 90, 60, 90),
        ("5/h", 5, 3_600, 5),
        ("10/min, burst 3", 10, 60, 3),
        ("20/day", 20, 86_400, 20),
        ("1/30s", 1, 30, 1),
        ("90 / min", 90, 60, 90),
        ("5/h, burst 5", 5, 3_600, 5),
    ] {
        let found = rate(text).expect(text);
        assert_eq!((found.count.get(), found.burst.get()), (count, burst), "{text}");
        assert_eq!(found.per, SignedDuration::from_secs(seconds), "{text}");
    }
    for (text, write) in [
        ("90 per minute", Some("90/min")),
        ("90 per min", Some("90/min")),
        ("90/minute", Some("90/min")),
        ("90/m", Some("90/min")),
        ("90/60s", Some("90/min")),
        ("5 an hour", Some("5/h")),
        ("100/h,burst=5", Some("100/h, burst 5")),
        ("90", None),
        ("0/min", None),
        ("90/0s", None),
        ("min/90", None),
        ("90/min, burst many", None),
    ] {
        assert_eq!(rate(text), Err(Misspelt(write.map(str::to_owned))), "{text:?}");
    }
}

#[test]
fn sizes_and_shares() {
    assert_eq!(size("256 MiB"), Ok(256 << 20));
    assert_eq!(size("64KiB"), Ok(64 << 10));
    assert_eq!(size("256MB"), Err(Misspelt(Some("256 MiB".into()))));
    assert_eq!(size("1.5 GiB"), Err(Misspelt(Some("1536 MiB".into()))));
    assert_eq!(size("256"), Err(Misspelt(None)));
    assert_eq!(share("20%"), Ok(Share::percent(20)));
    assert_eq!(share("20 percent"), Err(Misspelt(Some("20%".into()))));
    assert_eq!(share("0.2"), Err(Misspelt(Some("20%".into()))));
    assert_eq!(share("120%"), Err(Misspelt(None)));
    assert!((Share::percent(20).fraction() - 0.2).abs() < 1e-9);
}

proptest! {
    #[test]
    fn a_written_duration_reads_back(ms in 0..=LONGEST_MS) {
        let value = whole(ms).expect("in range");
        prop_assert_eq!(duration(&duration_text(value)), Ok(value));
    }

    #[test]
    fn a_written_rate_reads_back(count in 1..=u32::MAX, seconds in 1..=3_660 * 86_400_i64, burst in 1..=u32::MAX) {
        let value = Rate {
            count: NonZeroU32::new(count).expect("positive"),
            per: SignedDuration::from_secs(seconds),
            burst: NonZeroU32::new(burst).expect("positive"),
        };
        prop_assert_eq!(rate(&rate_text(value)), Ok(value));
    }

    #[test]
    fn a_written_size_reads_back(bytes in 0..=u64::MAX) {
        prop_assert_eq!(size(&size_text(bytes)), Ok(bytes));
    }

    #[test]
    fn a_suggestion_is_itself_accepted(text in "[0-9]{1,4}( ?[a-z]{1,7}| per [a-z]{1,6}|/[a-z]{1,6}|[.][0-9][a-z]){0,3}") {
        if let Err(Misspelt(Some(write))) = duration(&text) {
            prop_assert!(duration(&write).is_ok(), "{text} {write}");
        }
        if let Err(Misspelt(Some(write))) = rate(&text) {
            prop_assert!(rate(&write).is_ok(), "{text} {write}");
        }
        if let Err(Misspelt(Some(write))) = size(&text) {
            prop_assert!(size(&write).is_ok(), "{text} {write}");
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let _ = (duration(&text), rate(&text), size(&text), share(&text));
    }
}
