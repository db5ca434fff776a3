//! `volume-…` of `[defaults]` and of a school: when so many are missing that a person must look first.

use super::layers::Layers;
use super::words::{self, Misspelt};
use crate::directory::VolumeRules;
use crate::model::HoldThen;

/// Reads a school's limits.
pub(super) fn read(from: &Layers<'_, '_>) -> VolumeRules {
    let usual = VolumeRules::default();
    let thens =
        [("keep", HoldThen::Keep), ("release", HoldThen::Release), ("discard", HoldThen::Discard)];
    let share =
        |key: &'static str| from.get(|r| r.parsed(key, "a share as \"50%\", or \"off\"", limit));
    VolumeRules {
        class: share("volume-class").unwrap_or(usual.class),
        school: share("volume-school").unwrap_or(usual.school),
        source: share("volume-source").unwrap_or(usual.source),
        usual: from
            .get(|r| r.integer("volume-usual", 0..=1000))
            .map_or(usual.usual, |times| Some(times).filter(|times| *times > 0)),
        least: from.get(|r| r.integer("volume-least", 2..=10_000)).unwrap_or(usual.least),
        gather: from.get(|r| r.duration("volume-gather", "0s", "5m")).unwrap_or(usual.gather),
        timeout: from.get(|r| r.duration("volume-timeout", "1s", "1d")).unwrap_or(usual.timeout),
        then: from.get(|r| r.choice("volume-then", &thens)).unwrap_or(usual.then),
    }
}

/// A share, or none.
fn limit(text: &str) -> Result<Option<u8>, Option<String>> {
    if text == "off" {
        return Ok(None);
    }
    let share = words::share(text).map_err(|Misspelt(write)| write)?;
    Ok(Some(share.whole_percent()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_off() {
        assert_eq!(limit("off"), Ok(None));
        assert_eq!(limit("50%"), Ok(Some(50)));
        assert_eq!(limit("0%"), Ok(Some(0)));
        assert_eq!(limit("50 percent"), Err(Some("50%".into())));
        assert_eq!(limit("half"), Err(None));
    }
}
