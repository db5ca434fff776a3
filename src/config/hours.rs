//! `quiet-hours-end`, `when-stale` and `past-after` of `[defaults]` and of a school: what becomes of messages home that
//! are late.

use jiff::SignedDuration;

use super::layers::Layers;
use super::words::{self, Misspelt};
use crate::directory::{QuietEnd, TimeRules, WhenStale};

/// A lesson that is over for longer is of another day.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// Reads a school's choices.
pub(super) fn read(from: &Layers<'_, '_>) -> TimeRules {
    let usual = TimeRules::default();
    let ends = [("past", QuietEnd::Past), ("send", QuietEnd::Send), ("drop", QuietEnd::Drop)];
    let stale = [("duty", WhenStale::Duty), ("past", WhenStale::Past)];
    let span = "a duration up to 1d, as \"30m\", or \"off\"";
    TimeRules {
        quiet_end: from.get(|r| r.choice("quiet-hours-end", &ends)).unwrap_or(usual.quiet_end),
        when_stale: from.get(|r| r.choice("when-stale", &stale)).unwrap_or(usual.when_stale),
        past_after: from
            .get(|r| r.parsed("past-after", span, past_after))
            .unwrap_or(usual.past_after),
    }
}

/// A duration, or none.
fn past_after(text: &str) -> Result<Option<SignedDuration>, Option<String>> {
    if text == "off" {
        return Ok(None);
    }
    let after = words::duration(text).map_err(|Misspelt(write)| write)?;
    if after > LONGEST { Err(None) } else { Ok(Some(after)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_off() {
        assert_eq!(past_after("off"), Ok(None));
        assert_eq!(past_after("0s"), Ok(Some(SignedDuration::ZERO)));
        assert_eq!(past_after("1d"), Ok(Some(LONGEST)));
        assert_eq!(past_after("25h"), Err(None));
        assert_eq!(past_after("30 min"), Err(Some("30m".into())));
    }
}
