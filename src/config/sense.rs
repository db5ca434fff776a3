//! Settings of a school that are right each by itself, and with which nobody is ever told, or nothing is ever held. Each is a
//! warning, for the daemon does as it is told; but what would lead to a protected home is an error.

use jiff::SignedDuration;

use super::layers::Layers;
use super::problem::Severity;
use crate::directory::School;
use crate::model::HoldThen;

/// Nobody has read a mail and looked into a register sooner.
const TO_LOOK: SignedDuration = SignedDuration::from_mins(5);
/// No class has more, and no morning's usual absences are as many.
const MANY: u32 = 100;
/// A share that is never exceeded.
const ALL: u8 = 100;

/// Warns of what cannot be meant.
pub(super) fn judge(school: &School, at: &Layers<'_, '_>) {
    let id = &school.id;
    let (stale, volume) = (school.stale_after, &school.volume);
    let warn =
        |key, message: String, remedy: &str| at.note(Severity::Warning, key, message, remedy);
    for (key, waits) in [("grace", school.grace), ("volume-gather", volume.gathering())] {
        if waits >= stale {
            let message = format!(
                "school {id} waits {waits:#} (`{key}`) before anybody is told, and tells nobody {stale:#} after a \
                 lesson's end (`stale-after`): a mark made then or later is never told"
            );
            warn(key, message, "write a shorter one, or a longer `stale-after`");
        }
    }
    if school.people.neutral_sender_id.as_ref() == Some(&school.sender_id) {
        let message = format!(
            "school {id} has its own sender as `neutral-sender-id`: a text to a protected pupil's home would tell which \
             school it is"
        );
        at.note(
            Severity::Error,
            "neutral-sender-id",
            message,
            "write one that says nothing of the school",
        );
    }
    if school.correction_settle > stale {
        let message = format!(
            "school {id} puts right what was told {:#} after a mark has changed (`correction-settle`), longer than a \
             message is news ({stale:#}, `stale-after`)",
            school.correction_settle
        );
        warn("correction-settle", message, "write a shorter one, as \"20s\"");
    }
    let below = |limit: Option<u8>| limit.is_some_and(|share| share < ALL);
    let holds = [volume.class, volume.school, volume.source].into_iter().any(below)
        || volume.usual.is_some();
    if !holds {
        let message = format!(
            "school {id} never holds anything back, however many are missing: no limit of `volume-class`, \
             `volume-school`, `volume-source` and `volume-usual` can be exceeded"
        );
        // Whoever has turned all of them off means it, as a trial does.
        let is_off = [volume.class, volume.school, volume.source].iter().all(Option::is_none);
        let severity = if is_off { Severity::Note } else { Severity::Warning };
        let remedy = "leave them as they are by default, or write one below 100%";
        at.note(severity, "volume-class", message, remedy);
        return;
    }
    if volume.least > MANY {
        let message = format!(
            "school {id} holds nothing back where fewer than {} of a class, or {} of the school, are missing \
             (`volume-least`): that never is so many",
            volume.least,
            volume.least_of_school()
        );
        warn("volume-least", message, "write a smaller number, as 5");
    }
    let timeout = volume.timeout;
    let done = match volume.then {
        HoldThen::Keep => return,
        HoldThen::Release => "released",
        HoldThen::Discard => "discarded",
    };
    if timeout < TO_LOOK {
        let message = format!(
            "what school {id} holds back is {done} by itself after {timeout:#} (`volume-timeout`), before anybody can \
             have looked"
        );
        warn(
            "volume-timeout",
            message,
            "write a longer one, as \"30m\", or volume-then = \"keep\"",
        );
    }
    if timeout > stale && volume.then == HoldThen::Release {
        let message = format!(
            "what school {id} holds back is released by itself after {timeout:#} (`volume-timeout`), when it has become \
             too old to be told ({stale:#} after the lesson, `stale-after`)"
        );
        warn("volume-timeout", message, "write a shorter one, or a longer `stale-after`");
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::{Loader, Secrets, load_text};
    use super::*;

    /// The warnings about a school with these keys besides.
    fn warned(keys: &str) -> Vec<String> {
        let text = format!(
            "[schools.s]\nname = \"S\"\nphone = \"112\"\nteam-email = \"a@example.se\"\n{keys}\n"
        );
        let loader =
            Loader { credentials_dir: None, base_dir: PathBuf::new(), secrets: Secrets::Skipped };
        let report = load_text("u.toml", &text, &loader);
        let its =
            report.problems.iter().filter(|p| p.severity == Severity::Warning && p.line >= Some(5));
        assert!(report.config.is_some(), "{keys}: {:?}", report.problems);
        its.map(ToString::to_string).collect()
    }

    #[test]
    fn what_cannot_be_meant_is_a_warning_at_its_key() {
        for (keys, words) in [
            (
                "stale-after = \"1h\"\ngrace = \"1h\"",
                "u.toml:6:9: warning: school s waits 1h (`grace`)",
            ),
            ("volume-gather = \"2m\"\nstale-after = \"2m\"", "waits 2m (`volume-gather`)"),
            ("correction-settle = \"1h\"\nstale-after = \"59m\"", "`correction-settle`"),
            (
                "volume-class = \"100%\"\nvolume-school = \"off\"\nvolume-source = \"off\"\nvolume-usual = 0",
                "never holds anything back",
            ),
            ("volume-least = 101", "fewer than 101 of a class, or 202 of the school"),
            ("volume-timeout = \"4m\"\nvolume-then = \"discard\"", "discarded by itself after 4m"),
            ("volume-timeout = \"4m\"\nvolume-then = \"release\"", "released by itself after 4m"),
            ("volume-timeout = \"5h\"\nvolume-then = \"release\"", "too old to be told (4h"),
        ] {
            let found = warned(keys);
            assert!(found.len() == 1 && found[0].contains(words), "{keys}: {found:?}");
        }
    }

    #[test]
    fn what_can_be_meant_is_not() {
        for keys in [
            "grace = \"59m\"\nstale-after = \"1h\"",
            "volume-class = \"off\"\nvolume-school = \"off\"\nvolume-source = \"off\"",
            "volume-class = \"off\"\nvolume-school = \"off\"\nvolume-source = \"off\"\nvolume-usual = 0",
            "volume-class = \"99%\"\nvolume-school = \"off\"\nvolume-source = \"off\"\nvolume-usual = 0",
            "volume-least = 100",
            "volume-timeout = \"1s\"",
            "volume-timeout = \"5h\"\nvolume-then = \"discard\"",
            "volume-timeout = \"5m\"\nvolume-then = \"release\"",
        ] {
            assert_eq!(warned(keys), [""; 0], "{keys}");
        }
    }
}
