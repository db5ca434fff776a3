//! What differs between two configurations: by table and name, never by value, for an operator who asks what a
//! reload did. Pure.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};

use super::Config;

/// What a reload of the one over the other does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Tables that are others now, as `school bjork: added`.
    pub taken: Vec<String>,
    /// Keys that stay as they were at the start until a restart.
    pub need_restart: Vec<String>,
}

/// Compares. A changed secret does not show: it is read again whatever the file says.
pub fn changes(started: &Config, before: &Config, now: &Config) -> Changes {
    let mut taken = Vec::new();
    let mut differs = |what: &str, same: bool| {
        if !same {
            taken.push(format!("{what}: changed"));
        }
    };
    differs("public-url", before.public_url == now.public_url);
    differs("templates", before.templates == now.templates);
    differs("api-token-file", before.api_token.is_some() == now.api_token.is_some());
    differs("[server] max-body", before.server.max_body_bytes == now.server.max_body_bytes);
    differs("[directory]", before.directory == now.directory);
    differs("[delivery]", same(&before.delivery, &now.delivery));
    differs("[http]", before.http == now.http);
    differs("[mail]", same(&before.mail, &now.mail));
    differs("[ladders]", before.ladders == now.ladders);
    differs("[programmes]", before.programmes == now.programmes);
    differs("[pages]", same(&before.pages, &now.pages));
    differs("[watch]", before.watch == now.watch);
    each("source", &before.sources, &now.sources, &mut taken);
    each("drop", &before.drop, &now.drop, &mut taken);
    each("edlevo", &before.edlevo, &now.edlevo, &mut taken);
    each("source", &before.ss12000, &now.ss12000, &mut taken);
    each("provider", &before.providers, &now.providers, &mut taken);
    each("calendar", &before.calendars, &now.calendars, &mut taken);
    each("school", &before.schools, &now.schools, &mut taken);
    Changes { taken, need_restart: need_restart(started, now) }
}

fn need_restart(started: &Config, now: &Config) -> Vec<String> {
    let (s, n) = (&started.server, &now.server);
    let keys = [
        ("[store] dir", started.store.dir == now.store.dir),
        ("[store] low-water", started.store.low_water_bytes == now.store.low_water_bytes),
        ("[store] cache", started.store.cache_bytes == now.store.cache_bytes),
        ("[store] journal-keep", started.store.journal_keep == now.store.journal_keep),
        ("[retention]", started.retention == now.retention),
        ("[server] listen", s.listen == n.listen),
        ("[server] control", s.control == n.control),
        ("[server] max-connections", s.max_connections == n.max_connections),
        ("[server] header-timeout", s.header_timeout == n.header_timeout),
        ("[server] body-timeout", s.body_timeout == n.body_timeout),
        ("[server] answer-timeout", s.answer_timeout == n.answer_timeout),
        ("[server] drain-limit", s.drain_limit == n.drain_limit),
        ("[log] format", started.log.format == now.log.format),
        ("[log] filter", started.log.filter == now.log.filter),
        ("[telemetry] otlp-endpoint", started.telemetry == now.telemetry),
        (
            "[http] for traces",
            started.telemetry.otlp_endpoint.is_none() || started.http == now.http,
        ),
    ];
    keys.into_iter().filter(|(_, same)| !same).map(|(key, _)| key.to_owned()).collect()
}

/// By what they show: secrets show nothing.
fn same(before: &impl Debug, now: &impl Debug) -> bool {
    format!("{before:?}") == format!("{now:?}")
}

fn each<K: Ord + Display, V: Debug>(
    what: &str,
    before: &BTreeMap<K, V>,
    now: &BTreeMap<K, V>,
    taken: &mut Vec<String>,
) {
    for id in before.keys().filter(|id| !now.contains_key(id)) {
        taken.push(format!("{what} {id}: removed"));
    }
    for (id, value) in now {
        match before.get(id) {
            None => taken.push(format!("{what} {id}: added")),
            Some(former) if !same(former, value) => taken.push(format!("{what} {id}: changed")),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Loader, Secrets, load_text};
    use super::*;

    fn read(text: &str) -> Config {
        let base_dir = std::path::PathBuf::from("/");
        let loader = Loader { credentials_dir: None, base_dir, secrets: Secrets::Skipped };
        let report = load_text("t.toml", text, &loader);
        report.config.unwrap_or_else(|| panic!("{:#?}", report.problems))
    }

    const SCHOOL: &str = "[schools.bjork]\nname = \"Bjork\"\nphone = \"070-174 06 89\"\nteam-email = \"t@example.se\"\n";

    #[test]
    fn what_is_taken_and_what_waits_for_a_restart_is_told_by_name() {
        let before = read(SCHOOL);
        assert_eq!(changes(&before, &before, &before), Changes::default());
        let now = read(&format!(
            "[server]\nlisten = \"127.0.0.1:1\"\nmax-body = \"2 MiB\"\n[store]\nlow-water = \"1 GiB\"\n{}[schools.al]\n{}",
            SCHOOL.replace("\"Bjork\"", "\"Al\""),
            SCHOOL.split_once('\n').expect("a head").1
        ));
        let found = changes(&before, &before, &now);
        assert_eq!(
            found.taken,
            ["[server] max-body: changed", "school al: added", "school bjork: changed"]
        );
        assert_eq!(found.need_restart, ["[store] low-water", "[server] listen"]);
        let back = changes(&before, &now, &before);
        assert!(back.taken.contains(&"school al: removed".to_owned()), "{back:?}");
        assert_eq!(back.need_restart, [""; 0]);
    }
}
