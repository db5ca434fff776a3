//! The demo's school system as one that is asked: the configuration for it, and its secrets.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;

use super::SOURCE;
use crate::env::random;
use crate::sim::demo;
use crate::sim::school::{Access, School};

/// The demo's configuration with this school instead of a webhook.
pub(super) fn configuration(text: &str, school: &School) -> anyhow::Result<String> {
    let mut root: toml::Table = text.parse().context("the demo's configuration")?;
    root.remove("sources");
    root.remove("directory");
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
    source.insert("gives".into(), vec!["directory", "schedule", "attendance"].into());
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
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
