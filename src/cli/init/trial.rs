//! A trial on one machine: configuration, secrets and people that fit each other, with texts and
//! mail going to `upprop sink`. Nothing is left to edit.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{InitArgs, Random, cannot, create, create_folder, people, quoted};
use crate::config::{self, Loader, Secrets, Severity};
use crate::model::local_date;

/// Where `upprop sink` takes texts.
pub const SINK_URL: &str = "http://127.0.0.1:8751";
/// Where `upprop sink` takes mail.
pub const SINK_SMTP: &str = "127.0.0.1:8752";

const LISTEN: &str = "127.0.0.1:8750";
const SCHOOL: &str = "trial";
const TEAM: &str = "narvaroteam@skola.example";
/// The first lesson is reported as beginning now and lasting this long.
const LESSON: SignedDuration = SignedDuration::from_mins(60);

/// Writes it all; answers with the commands to go on with.
pub(super) fn write(
    args: &InitArgs,
    folder: &Path,
    now: Timestamp,
    random: Random<'_>,
) -> anyhow::Result<String> {
    let (host, port) = args
        .smtp
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host.trim_matches(['[', ']']), port.parse::<u16>().ok()?)))
        .with_context(|| {
            format!("--smtp is {:?}, expected a host and a port, as {SINK_SMTP}", args.smtp)
        })?;
    let text = configuration(&args.provider_url, host, port);
    judge(folder, &text)?;

    let file = furnish(folder, &text, args.force, random)?;

    let csv = |name: &str, rows: &dyn Fn(BufWriter<File>) -> Result<(), csv::Error>| {
        let path = folder.join("directory").join(name);
        let out = BufWriter::new(create(&path, args.force, 0o600)?);
        rows(out).with_context(|| cannot("write", &path))
    };
    let today = local_date(now, &TimeZone::UTC);
    csv("pupils.csv", &|out| people::write_pupils(out, SCHOOL, args.pupils, today))?;
    csv("guardians.csv", &|out| people::write_guardians(out, SCHOOL, args.pupils))?;
    csv("staff.csv", &|out| people::write_staff(out, SCHOOL, TEAM))?;
    Ok(next_steps(args, folder, &file, now))
}

/// Makes the folder of a trial, with a configuration, fresh secrets for it, and room for the
/// directory and the store. Answers with the configuration's path.
///
/// # Errors
/// When a file cannot be made, or without `force` is there already.
pub fn furnish(
    folder: &Path,
    configuration: &str,
    force: bool,
    random: Random<'_>,
) -> anyhow::Result<PathBuf> {
    create_folder(folder)?;
    let file = folder.join("upprop.toml");
    let put = |path: &Path, text: &str| {
        create(path, force, 0o600)?
            .write_all(text.as_bytes())
            .with_context(|| cannot("write", path))
    };
    // First, so that a folder with a trial in it is refused before anything is touched.
    put(&file, configuration)?;
    for sub in ["secrets", "directory", "state"] {
        create_folder(&folder.join(sub))?;
    }
    let mut key = |encode: &dyn Fn([u8; 32]) -> String| {
        let mut bytes = [0; 32];
        random(&mut bytes);
        encode(bytes)
    };
    let plain = |bytes: [u8; 32]| URL_SAFE_NO_PAD.encode(bytes);
    for name in
        ["webhook-token", "receipt-secret", "pages-secret", "46elks-username", "46elks-password"]
    {
        put(&folder.join("secrets").join(name), &format!("{}\n", key(&plain)))?;
    }
    let signing = key(&|bytes| format!("whsec_{}", STANDARD.encode(bytes)));
    put(&folder.join("secrets/webhook-secret"), &format!("{signing}\n"))?;
    Ok(file)
}

/// A TOML string.
fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The configuration of a trial whose texts and mail go to these addresses.
pub fn configuration(provider_url: &str, smtp_host: &str, smtp_port: u16) -> String {
    let (provider_url, smtp_host) = (toml_text(provider_url), toml_text(smtp_host));
    format!(
        r#"# A trial of upprop on one machine, written by `upprop init --trial`. Texts and mail go to `upprop sink`.
# The limits are far above what real accounts take; `upprop init` writes a file with real ones.

public-url = "http://{LISTEN}"

[store]
dir = "state"
low-water = "64 MiB"

[server]
listen = "{LISTEN}"
max-body = "4 MiB"
max-connections = 4096

[directory]
folder = "directory"

[delivery]
concurrency = 256
recipient-rate = "off"

[mail]
host = {smtp_host}
port = {smtp_port}
tls = "none"
from = "franvaro@skola.example"
reply-to = "{TEAM}"
rate = "10000/s"
max-connections = 8

[pages]
url = "http://{LISTEN}"
secret-file = "secrets/pages-secret"

[providers.elks]
kind = "46elks"
url = {provider_url}
username-file = "secrets/46elks-username"
password-file = "secrets/46elks-password"
receipt-secret-file = "secrets/receipt-secret"
# Numbers are few and pupils many here: texts kept by the provider tell two messages to one number apart.
keep-text = true
rate = "10000/s"

[sources.trial]
bearer-file = "secrets/webhook-token"
signature-secret-file = "secrets/webhook-secret"

[schools.{SCHOOL}]
name = "Provskolan"
mode = "live"
team-email = "{TEAM}"
phone = "070-174 06 99"
sender-id = "Provskolan"
grace = "0s"
correction-settle = "0s"
ladder-settle = "0s"
not-reached-at = "off"
missed-at = "off"
same-day-report-at = "off"
term-report-at = "off"
duty-list-at = "off"
ladder-report-at = "off"
roster-audit-at = "off"
quiet-hours = "off"
stale-after = "7d"
sms-provider = "elks"
# A trial marks whole classes at once, which would be held for a person otherwise.
volume-class = "off"
volume-school = "off"
volume-source = "off"
volume-usual = 0
most-a-day = 0
"#
    )
}

/// Refuses what `upprop check` would, before anything is written.
fn judge(folder: &Path, text: &str) -> anyhow::Result<()> {
    let loader =
        Loader { credentials_dir: None, base_dir: folder.to_owned(), secrets: Secrets::Skipped };
    let report = config::load_text("the trial", text, &loader);
    let fault = report.problems.iter().find(|problem| problem.severity == Severity::Error);
    fault.map_or(Ok(()), |problem| {
        // What the operator did not say cannot be at fault.
        let (said, remedy) = match problem.key.split_once('.') {
            Some(("providers", _)) => ("--provider-url", problem.remedy.as_deref()),
            Some(("mail", _)) => ("--smtp", problem.remedy.as_deref()),
            _ => ("the folder", Some("name one with a shorter path, as /tmp/trial")),
        };
        let remedy = remedy.unwrap_or("name another");
        anyhow::bail!("{said} will not do: {}; {remedy}", problem.message)
    })
}

/// Where `upprop sink` can listen, when that is what a text of the operator's names: an address of
/// this machine with its port, and nothing behind it.
fn sink_address(text: &str) -> Option<SocketAddr> {
    text.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback())
}

/// What must run before the daemon does: the sink, where it can listen, and otherwise what the
/// operator has there.
fn stand_ins(args: &InitArgs) -> String {
    let url = args.provider_url.strip_prefix("http://");
    let http = url.and_then(|rest| sink_address(rest.trim_end_matches('/')));
    let smtp = sink_address(&args.smtp);
    let mut text = String::new();
    if http.is_none() {
        let _ = writeln!(
            text,
            "Texts go to {}; what runs there must speak as 46elks does.",
            args.provider_url
        );
    }
    if smtp.is_none() {
        let _ = writeln!(
            text,
            "Mail goes to {}; what runs there must take it without TLS and password.",
            args.smtp
        );
    }
    if http.is_none() && smtp.is_none() {
        return text;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str("upprop sink");
    if let Some(address) = http.filter(|_| args.provider_url != SINK_URL) {
        let _ = write!(text, " --http {}", quoted(Path::new(&address.to_string())));
    }
    if let Some(address) = smtp.filter(|_| args.smtp != SINK_SMTP) {
        let _ = write!(text, " --smtp {}", quoted(Path::new(&address.to_string())));
    }
    text.push('\n');
    text
}

fn next_steps(args: &InitArgs, folder: &Path, file: &Path, now: Timestamp) -> String {
    let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let event = serde_json::json!({
        "type": "attendance.marked",
        "id": format!("trial-{}", second.as_second()),
        "school": SCHOOL,
        "pupil": people::pupil_id(0),
        "lesson": {
            "id": format!("trial-lesson-{}", second.as_second()),
            "start": second.to_string(),
            "end": second.saturating_add(LESSON).unwrap_or(second).to_string(),
        },
        "mark": "unexcused",
        "recorded_at": second.to_string(),
    });
    format!(
        "Wrote a trial with {pupils} pupils into {shown}. Go on in a terminal for each:\n\n\
         {stand_ins}\n\
         upprop run {config}\n\n\
         curl -i http://{LISTEN}/hooks/trial -H \"Authorization: Bearer $(cat {token})\" -H 'Content-Type: application/json' -d '{event}'\n\n\
         What a guardian would get comes there a moment after the last reports that {name} is missing.\n",
        stand_ins = stand_ins(args),
        pupils = args.pupils,
        shown = folder.display(),
        config = quoted(file),
        token = quoted(&folder.join("secrets/webhook-token")),
        name = people::given_name(0),
    )
}
