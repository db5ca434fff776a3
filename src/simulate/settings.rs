//! The configuration that a term is lived through with: that of a file, or that of a new installation, changed so that
//! nothing leaves. What is changed is told with the results.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use super::term::Term;
use crate::calendar::Calendar;
use crate::config::{self, Config, Elks, Loader, ProviderKind, Report, Secrets};
use crate::directory::{Mode, School};
use crate::model::SchoolId;

/// The id of the one school of [`built_in`].
pub const SCHOOL: &str = "school";

/// A new installation: every key that need not be set is at its default.
const BUILT_IN: &str = r#"
[mail]
host = "127.0.0.1"
port = 25
tls = "none"
from = "franvaro@skola.example"
rate = "10000/s"
[providers.simulated]
kind = "46elks"
username-file = "/run/no-such/username"
password-file = "/run/no-such/password"
[schools.school]
name = "Skola"
mode = "live"
team-email = "narvaroteam@skola.example"
phone = "070-174 06 99"
sender-id = "Skola"
sms-provider = "simulated"
"#;

/// The configuration of a new installation, with one school.
pub fn built_in() -> Report {
    let loader = Loader { credentials_dir: None, base_dir: "/".into(), secrets: Secrets::Skipped };
    config::load_text("the built-in configuration", BUILT_IN, &loader)
}

/// Reads a file. Secrets are not: none is used.
pub fn of_file(file: &Path) -> Report {
    config::load(file, None, Secrets::Skipped)
}

/// The same with schools by these ids alone, whose settings are those of the file's school of the same id, or else of
/// `like`; every school is live, and its accounts speak as 46elks does.
#[must_use]
pub fn only(config: &Config, id: &SchoolId, like: &School) -> Config {
    let own = config.schools.get(id);
    let mut school = own.cloned().unwrap_or_else(|| School {
        id: id.clone(),
        name: format!("{} {id}", like.name),
        ..like.clone()
    });
    school.mode = Mode::Live;
    let secret = || SecretString::from("simulated");
    let mut config = config.clone();
    for provider in config.providers.values_mut() {
        provider.receipt_secret = None;
        provider.kind = ProviderKind::Elks(Elks {
            url: "http://127.0.0.1:9".into(),
            username: secret(),
            password: secret(),
            keep_text: false,
        });
    }
    config.schools = BTreeMap::from([(id.clone(), school)]);
    config.public_url = None;
    config.sources.clear();
    config.drop.clear();
    config.edlevo.clear();
    config.ss12000.clear();
    config
}

/// The same with a calendar of the term for schools that have none: by its terms ladders count, and its last day has
/// the report of the term.
#[must_use]
pub fn with_days(mut config: Config, term: &Term) -> Config {
    let calendar = Calendar {
        terms: vec![term.days],
        closed: term.closed.clone(),
        name: "simulated".into(),
        ..Calendar::default()
    };
    let calendar = Arc::new(calendar);
    for school in config.schools.values_mut() {
        school.calendar.get_or_insert_with(|| calendar.clone());
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Severity;

    #[test]
    fn the_built_in_configuration_is_a_good_one_that_tells_people() {
        let report = built_in();
        let errors: Vec<_> =
            report.problems.iter().filter(|p| p.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let config = report.config.expect("good");
        let like = config.schools.values().next().expect("one school");
        assert_eq!(like.id.as_str(), SCHOOL);
        let id = SchoolId::new("other").expect("id");
        let one = only(&config, &id, like);
        assert_eq!(one.schools.keys().collect::<Vec<_>>(), [&id]);
        assert_eq!(
            one.schools[&id].sms_provider.as_ref().map(crate::model::ProviderId::as_str),
            Some("simulated")
        );
    }
}
