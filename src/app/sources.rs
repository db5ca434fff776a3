//! The sources that ask by themselves, as configuration has them: what each needs, and the tasks that ask.

mod drop;
mod edlevo;
mod paces;
mod ss12000;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::refusals::Refusal;
use crate::config::{Config, Gives};
use crate::directory::{Nudge, School};
use crate::env::Env;
use crate::env::wire::DoorSettings;
use crate::intake::{Contacts, Described, Intake};
use crate::metrics::Metrics;
use crate::model::{ProviderId, SchoolId, SourceId};
use crate::operate::self_test::SourceProbe;
use crate::source::nudges::Nudges;
use crate::source::pollers::Poller;
use crate::source::roster::RosterFeed;

pub use paces::{Pace, paces};
pub(super) use ss12000::callers;

/// What stays the same under every configuration.
#[derive(Clone)]
pub(super) struct Around {
    /// The door to the core.
    pub intake: Intake,
    /// Where a directory goes.
    pub feed: Arc<RosterFeed>,
    /// Told how each source is.
    pub contacts: Contacts,
    /// Wakes who asks when a source calls.
    pub nudges: Nudges,
    /// Told of every event.
    pub metrics: Arc<Metrics>,
}

/// The source that the directory is read from, if it is read from one.
pub(super) fn directory(config: &Config) -> Option<SourceId> {
    let asked = config.ss12000.iter().map(|(id, source)| (id, source.gives));
    let dropped = config.drop.iter().map(|(id, source)| (id, source.gives));
    asked.chain(dropped).find(|(_, gives)| gives.directory).map(|(id, _)| id.clone())
}

/// Every source, whatever its kind.
pub fn described(config: &Config) -> BTreeMap<SourceId, Described> {
    let webhooks = config.sources.iter().map(|(id, source)| {
        let schools = source.schools.clone();
        (id.clone(), Described { kind: "webhook", gives: vec!["attendance"], every: None, schools })
    });
    webhooks
        .chain(ss12000::described(config))
        .chain(drop::described(config))
        .chain(edlevo::described(config))
        .collect()
}

/// What the self-test asks sources.
pub(super) fn probes(config: &Config, now: Timestamp) -> Vec<SourceProbe> {
    let ss12000 = ss12000::probes(config);
    ss12000.chain(drop::probes(config)).chain(edlevo::probes(config, now)).collect()
}

/// What is taken from a source, in words.
fn gives(gives: Gives) -> Vec<&'static str> {
    let all = [
        (gives.directory, "directory"),
        (gives.schedule, "schedule"),
        (gives.attendance, "attendance"),
    ];
    all.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect()
}

/// Schools whose teachers are asked for a register before its marks can have come, the first such source of each, and
/// how often that is asked.
pub fn hasty(config: &Config) -> Vec<(SchoolId, SourceId, SignedDuration)> {
    let sources = described(config);
    let of = |school: &School| {
        let nudges = school.registers.nudge != Nudge::Off;
        let slow =
            |source: &Described| source.every.filter(|every| *every > school.registers.after);
        let mut attending = sources.iter().filter(|(_, source)| source.attends(&school.id));
        let (id, every) = attending.find_map(|(id, source)| Some((id, slow(source)?)))?;
        nudges.then(|| (school.id.clone(), id.clone(), every))
    };
    config.schools.values().filter_map(of).collect()
}

/// Schools of whose attendance no source tells, where there are sources.
pub fn unattended(config: &Config) -> Vec<SchoolId> {
    let sources = described(config);
    let is_attended = |school: &SchoolId| sources.values().any(|source| source.attends(school));
    let schools = config.schools.keys();
    schools.filter(|school| !sources.is_empty() && !is_attended(school)).cloned().collect()
}

/// The tasks of one configuration.
pub(super) fn pollers(config: &Config, around: &Around, env: &Env) -> Vec<Poller> {
    let ss12000 = config.ss12000.keys().map(|id| ss12000::poller(id, config, around, env));
    let drop = config.drop.iter().map(|(id, found)| drop::poller(id, found, config, around));
    let edlevo = config.edlevo.iter().map(|(id, found)| edlevo::poller(id, found, around, env));
    ss12000.chain(drop).chain(edlevo).collect()
}

/// Drop folders as the daemon reads them.
pub fn drop_folders(config: &Config) -> Vec<(SourceId, crate::source::drop::settings::Settings)> {
    config.drop.iter().map(|(id, found)| (id.clone(), drop::settings(id, found).0)).collect()
}

/// What is refused of drop folders.
pub(super) fn drop_refusals(config: &Config) -> Vec<Refusal> {
    drop::refusals(config)
}

/// The doors in the wire of those that are asked.
pub(super) fn doors(config: &Config) -> impl Iterator<Item = (ProviderId, DoorSettings)> {
    ss12000::doors(config).chain(edlevo::doors(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Loader, Secrets, load_text};

    #[test]
    fn teachers_who_are_asked_before_marks_can_have_come_are_found() {
        let loader =
            Loader { credentials_dir: None, base_dir: "/".into(), secrets: Secrets::Skipped };
        let found = |poll: &str, nudge: &str| {
            let text = format!(
                "[edlevo.e]\nauth = \"none\"\nurl = \"https://e.example.se/v2/\"\noperations = [\"GetX\"]\n\
                 schools = {{ a = \"u\" }}\npoll = \"{poll}\"\n\
                 [schools.a]\nname = \"A\"\nphone = \"112\"\nregister-nudge = \"{nudge}\"\n\
                 [schools.b]\nname = \"B\"\nphone = \"112\"\n"
            );
            let report = load_text("u", &text, &loader);
            let config = report.config.unwrap_or_else(|| panic!("{:#?}", report.problems));
            hasty(&config).into_iter().map(|(school, ..)| school.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(found("15m", "sms"), ["a"]);
        assert_eq!(found("15m", "off"), [""; 0]);
        assert_eq!(found("5m", "sms"), [""; 0]);
    }
}
