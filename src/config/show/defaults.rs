//! What a key is when it is not in the file, as the file that ships has it. A test holds each of these to what the
//! reader makes of a file without the key, so that none can be forgotten.

use super::super::SHIPPED;

/// Keys that have no default: in the file that ships, their values are examples.
const EXAMPLES: &[&str] = &[
    "public-url",
    "api-token-file",
    "templates",
    "server.control",
    "telemetry.otlp-endpoint",
    "directory.folder",
    "http.proxy",
    "http.ca-file",
    "mail.host",
    "mail.port",
    "mail.username",
    "mail.password-file",
    "mail.ca-file",
    "mail.hello-name",
    "mail.from",
    "mail.reply-to",
    "mail.message-id-domain",
    "mail.folder",
    "pages.url",
    "pages.secret-file",
    "providers.*.kind",
    "providers.*.username-file",
    "providers.*.password-file",
    "providers.*.receipt-secret-file",
    "sources.*.bearer-file",
    "sources.*.signature-secret-file",
    "sources.*.basic-user",
    "sources.*.basic-password-file",
    "drop.*.folder",
    "drop.*.gives",
    "drop.*.attendance-columns",
    "drop.*.absences-columns",
    "drop.*.schedule-columns",
    "drop.*.pupils-columns",
    "drop.*.guardians-columns",
    "drop.*.staff-columns",
    "drop.*.marks",
    "drop.*.notices",
    "drop.*.school-names",
    "drop.*.times",
    "edlevo.*.url",
    "edlevo.*.key-file",
    "edlevo.*.auth",
    "edlevo.*.header-name",
    "edlevo.*.token-file",
    "edlevo.*.username-file",
    "edlevo.*.password-file",
    "edlevo.*.token-url",
    "edlevo.*.client-id-file",
    "edlevo.*.client-secret-file",
    "edlevo.*.scope",
    "edlevo.*.client-certificate-file",
    "edlevo.*.client-key-file",
    "edlevo.*.ca-file",
    "edlevo.*.operations",
    "edlevo.*.school-operations",
    "edlevo.*.schools",
    "ss12000.*.url",
    "ss12000.*.auth",
    "ss12000.*.header-name",
    "ss12000.*.token-file",
    "ss12000.*.username-file",
    "ss12000.*.password-file",
    "ss12000.*.token-url",
    "ss12000.*.client-id-file",
    "ss12000.*.client-secret-file",
    "ss12000.*.scope",
    "ss12000.*.client-certificate-file",
    "ss12000.*.client-key-file",
    "ss12000.*.ca-file",
    "ss12000.*.gives",
    "ss12000.*.schools",
    "ss12000.*.budgets",
    "ss12000.*.callback-secret-file",
    "calendars.*.terms",
    "calendars.*.closed",
    "calendars.*.files",
    "ladders.files",
    "programmes.files",
    "defaults.calendar",
    "defaults.ladder",
    "defaults.ladder-since",
    "defaults.form",
    "defaults.guests",
    "defaults.team-email",
    "defaults.operations-email",
    "defaults.neutral-sender-id",
    "defaults.office-email",
    "defaults.phone",
    "defaults.sms-provider",
    "defaults.reviewed-languages",
    "defaults.price-per-part",
];

/// Keys of a gateway that is described in the file, with defaults; the others are examples.
const GATEWAY: [(&str, Option<&str>); 9] = [
    ("client-auth", None),
    ("body", Some("\"form\"")),
    ("charset", None),
    ("method", None),
    ("number-format", None),
    ("encoding-gsm", None),
    ("encoding-unicode", None),
    ("success-status", None),
    ("receipt-ack-status", Some("204")),
];

/// Keys that both kinds of provider have.
const BOTH: [&str; 2] = ["providers.*.rate", "providers.*.check-number-after"];

/// The value of a key that is not in the file; none: it has none. `kind` is the provider's.
pub(super) fn of(pattern: &str, kind: Option<&str>) -> Option<&'static str> {
    let pattern = shared(pattern);
    if EXAMPLES.contains(&pattern.as_str()) || pattern == "schools.*.name" {
        return None;
    }
    let gateway = kind == Some("http") && !BOTH.contains(&pattern.as_str());
    if let Some(name) = pattern.strip_prefix("providers.*.").filter(|_| gateway) {
        let (_, other) = GATEWAY.iter().find(|(known, _)| *known == name)?;
        if other.is_some() {
            return *other;
        }
    }
    let kind = if gateway { "http" } else { "46elks" };
    let mut all = shipped().filter(|line| line.pattern == pattern);
    all.find(|line| !pattern.starts_with("providers.") || line.kind == kind).map(|line| line.value)
}

/// The place of a key in the file that ships.
pub(super) fn order(pattern: &str) -> Option<usize> {
    let pattern = shared(pattern);
    shipped().position(|line| line.pattern == pattern)
}

/// A school's keys are explained once, under `[defaults]`.
fn shared(pattern: &str) -> String {
    if pattern == "schools.*.name" {
        pattern.into()
    } else {
        pattern.replace("schools.*", "defaults")
    }
}

/// One line of the file that ships.
pub(super) struct Line {
    pub pattern: String,
    /// Of which kind the provider is.
    pub kind: &'static str,
    pub value: &'static str,
}

/// All lines with keys, their examples and defaults uncommented.
pub(super) fn shipped() -> impl Iterator<Item = Line> {
    let mut table = String::new();
    let mut kind = "";
    SHIPPED.lines().filter_map(move |line| {
        let line = line.strip_prefix('#').unwrap_or(line);
        if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let top = head.split('.').next().unwrap_or_default();
            table = if head.contains('.') { format!("{top}.*.") } else { format!("{top}.") };
            return None;
        }
        let (key, value) = line.split_once(" = ").filter(|(key, _)| {
            key.starts_with(|c: char| c.is_ascii_lowercase()) && !key.contains(' ')
        })?;
        if key == "kind" {
            kind = value.trim_matches('"');
        }
        Some(Line { pattern: format!("{table}{key}"), kind, value })
    })
}
