//! The demo's school system as one that is asked: the configuration for it, its secrets, and what it calls
//! the pupils of the story.

use std::path::Path;

use anyhow::Context as _;

use super::SOURCE;
use crate::env::random;
use crate::sim::demo::{self, Pupil};
use crate::sim::school::{Access, School};

/// The demo's configuration with this school instead of a webhook.
pub(super) fn configuration(text: &str, school: &School) -> anyhow::Result<String> {
    let mut root: toml::Table = text.parse().context("the demo's configuration")?;
    root.remove("sources");
    let (unit, _) = school.units().into_iter().next().context("the school has a unit")?;
    let vendor = if school.quirks().throttle.is_some() { "skola24" } else { "standard" };
    let mut source = toml::Table::new();
    for (key, value) in [
        ("url", school.url()),
        ("auth", "oauth2-client-credentials".into()),
        ("token-url", school.token_url()),
        ("client-id-file", "secrets/school-id".into()),
        ("client-secret-file", "secrets/school-secret".into()),
        ("vendor", vendor.into()),
        ("attendance-poll", "1s".into()),
        ("schedule-poll", "10s".into()),
        ("callback-secret-file", "secrets/school-callback".into()),
    ] {
        source.insert(key.into(), value.into());
    }
    source.insert("gives".into(), vec!["schedule", "attendance"].into());
    source.insert("subscriptions".into(), true.into());
    let schools = toml::Table::from_iter([(demo::SCHOOL.to_owned(), unit.to_string().into())]);
    source.insert("schools".into(), schools.into());
    let sources = toml::Table::from_iter([(SOURCE.to_owned(), source.into())]);
    root.insert("ss12000".into(), sources.into());
    Ok(root.to_string())
}

/// Writes what the configuration names, beside the secrets of a trial.
pub(super) fn secrets(folder: &Path) -> anyhow::Result<()> {
    let access = Access::default();
    for (name, text) in [
        ("school-id", access.client_id),
        ("school-secret", access.client_secret),
        ("school-callback", random::token(32)),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// What the school calls a pupil of the story.
pub(super) fn id_of(school: &School, pupil: &Pupil) -> String {
    let known = school.pupils().into_iter().find(|card| card.given == pupil.name);
    known.map(|card| card.id.to_string()).unwrap_or_default()
}
