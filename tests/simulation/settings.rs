//! The configuration of a made-up world, and its secrets.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use upprop::config::{self, Config, Loader, Secrets};

use crate::people::School;

/// Of both sources.
pub const TOKENS: [(&str, &str); 2] = [
    ("src", "test-token-0123456789abcdef-0123456789"),
    ("poll", "poll-token-0123456789abcdef-0123456789"),
];
/// What follows from absence, where a school follows it: reached often enough that three days show it.
const LADDER: &str = r#"
name = "days"
title = { sv = "Dagar", en = "Days" }
from = 2026-08-01
source = "made up"

[[step]]
id = "each-day"
title = { sv = "Ogiltig dag", en = "Unexcused day" }
when = { every = "unexcused", unit = "day" }
[[step.notify]]
role = "principal"
text = { sv = "En dag till.", en = "One day more." }
[[step.duty]]
id = "call"
owner = "attendance-team"
do = { sv = "Ring hem.", en = "Phone home." }
due = "same day"
remind = "1 hour"
done = "home-reached"
if-not-done = "principal"

[[step]]
id = "third-lesson"
title = { sv = "Tredje lektionen", en = "Third lesson" }
when = { count = "unexcused", unit = "lesson", at-least = 3, within = "7 days" }
once = "school-year"
[[step.duty]]
id = "talk"
owner = "attendance-team"
do = { sv = "Samtala.", en = "Talk." }
due = "1 school day"
documents = { where = { sv = "loggen", en = "the log" }, tell = ["principal"] }

[[example]]
title = "Tre lektioner på två dagar"
absent = ["2026-09-14 unexcused", "2026-09-15 08.20-09.20 unexcused"]
expect = ["2026-09-14 each-day", "2026-09-14 third-lesson", "2026-09-15 each-day"]
"#;
pub const API_TOKEN: &str = "api-token-0123456789abcdef-01234567890";

/// Reads a configuration, as the daemon does.
pub fn read(text: &str) -> Config {
    let folder = tempfile::tempdir().expect("folder");
    for (name, secret) in TOKENS.into_iter().chain([
        ("api", API_TOKEN),
        ("user", "u-test"),
        ("password", "p-test"),
        ("receipts", "receipt-secret-0123456789abcdef"),
    ]) {
        let path = folder.path().join(name);
        fs::write(&path, secret).expect("secret");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("mode");
    }
    fs::write(folder.path().join("days.toml"), LADDER).expect("a ladder");
    let loader = Loader {
        credentials_dir: None,
        base_dir: folder.path().to_owned(),
        secrets: Secrets::Required,
    };
    let report = config::load_text("simulation.toml", text, &loader);
    report.config.unwrap_or_else(|| panic!("{:#?}", report.problems))
}

fn rate(of: Option<(u64, u64)>) -> String {
    of.map_or("off".into(), |(hour, burst)| format!("{hour}/h, burst {burst}"))
}

/// The configuration of a world.
pub fn text(schools: &[School], account: (u64, u64), cap: Option<(u64, u64)>) -> String {
    let mut text = format!(
        r#"public-url = "http://127.0.0.1:8750"
api-token-file = "./api"
[mail]
host = "127.0.0.1"
tls = "none"
from = "franvaro@skola.example"
rate = "600/min"
[delivery]
recipient-rate = "{}"
[providers.elks]
kind = "46elks"
username-file = "./user"
password-file = "./password"
receipt-secret-file = "./receipts"
keep-text = true
rate = "{}"
[sources.src]
bearer-file = "./src"
[sources.poll]
bearer-file = "./poll"
[ladders]
files = ["days.toml"]
[defaults]
team-email = "team@skola.example"
phone = "070-174 06 99"
sender-id = "Skolan"
sms-provider = "elks"
stale-after = "20h"
not-reached-at = "off"
missed-at = "off"
same-day-report-at = "off"
term-report-at = "off"
duty-list-at = "off"
ladder-report-at = "off"
roster-audit-at = "off"
volume-class = "off"
volume-school = "off"
volume-source = "off"
volume-usual = 0
most-a-day = 0
"#,
        rate(cap),
        rate(Some(account)),
    );
    for school in schools {
        let time = |minute: u64| format!("{:02}:{:02}", minute / 60, minute % 60);
        let quiet = school.quiet.map_or("off".into(), |(f, t)| format!("{}-{}", time(f), time(t)));
        let guests: Vec<String> = school.guests.iter().map(|g| format!("{g:?}")).collect();
        let guests = match school.mode {
            "guests" => format!("guests = [{}]\n", guests.join(", ")),
            _ => String::new(),
        };
        write!(
            text,
            "[schools.{id}]\nname = \"Skolan\"\nmode = \"{mode}\"\ngrace = \"{grace}s\"\ncorrection-settle = \"{settle}s\"\n\
             quiet-hours = \"{quiet}\"\nsms-rate = \"{rate}\"\n{fatigue}{guests}{ladder}",
            id = school.id,
            mode = school.mode,
            grace = school.grace_secs,
            settle = school.settle_secs,
            rate = rate(school.rate),
            fatigue = school.fatigue,
            ladder = if school.has_ladder { "ladder = [\"days\"]\n" } else { "" },
        )
        .expect("a text");
    }
    text
}
