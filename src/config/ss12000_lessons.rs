//! `[ss12000.<id>]`, as far as it is about lessons: schedule, marks, and calls from the source.

use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};

use super::gives::Gives;
use super::http_provider;
use super::reader::Reader;
use super::secret::{is_guessable, is_path_segment};
use super::words;
use crate::model::SHORTEST_SECRET;

/// How marks are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AttendanceWay {
    /// In the first way that the source takes.
    #[default]
    Auto,
    /// What has changed is listed.
    Listing,
    /// With the lessons.
    CalendarEvents,
    /// Looked up, by lesson or else by activity.
    Lookup,
    /// Looked up by activity.
    LookupActivities,
}

/// How lessons and marks are read from the source.
#[derive(Debug, Clone)]
pub struct AskedLessons {
    /// How marks are asked for.
    pub way: AttendanceWay,
    /// From one round of marks to the next, where budgets let.
    pub poll: SignedDuration,
    /// From one schedule to the next.
    pub schedule_poll: SignedDuration,
    /// How much is asked for again in each round.
    pub overlap: SignedDuration,
    /// From how many unexcused minutes of a lesson a pupil counts as missing; none: all of it.
    pub alert_from: Option<SignedDuration>,
    /// Whether marks of open registers are told of.
    pub tells_provisional: bool,
    /// The secret part of the address that the source calls; none: it is not asked to.
    pub callback: Option<SecretString>,
}

pub(super) fn read(reader: &Reader<'_>, gives: Gives, public_url: bool) -> AskedLessons {
    let ways = [
        ("auto", AttendanceWay::Auto),
        ("listing", AttendanceWay::Listing),
        ("calendar-events", AttendanceWay::CalendarEvents),
        ("lookup", AttendanceWay::Lookup),
        ("lookup-activities", AttendanceWay::LookupActivities),
    ];
    let alert_from = reader.parsed("alert-from", "\"lesson\", or minutes as \"20m\"", |text| {
        if text == "lesson" {
            return Ok(None);
        }
        let span = words::duration(text).map_err(|misspelt| misspelt.0)?;
        let fits = (1..=1440).contains(&span.as_mins());
        if fits { Ok(Some(span)) } else { Err(Some("lesson".into())) }
    });
    let provisional = [("wait", false), ("tell", true)];
    let asked = AskedLessons {
        way: reader.choice("attendance", &ways).unwrap_or_default(),
        poll: reader
            .duration("attendance-poll", "1s", "1h")
            .unwrap_or(SignedDuration::from_secs(15)),
        schedule_poll: reader
            .duration("schedule-poll", "1s", "1d")
            .unwrap_or(SignedDuration::from_mins(5)),
        overlap: reader.duration("overlap", "0s", "1d").unwrap_or(SignedDuration::from_mins(10)),
        alert_from: alert_from.flatten(),
        tells_provisional: reader.choice("provisional", &provisional).unwrap_or(false),
        callback: callback(reader, public_url),
    };
    if !gives.attendance {
        let keys = ["attendance", "attendance-poll", "alert-from", "provisional"];
        http_provider::idle(reader, &keys, "where `gives` has no \"attendance\"");
    }
    asked
}

fn callback(reader: &Reader<'_>, public_url: bool) -> Option<SecretString> {
    let wanted = reader.boolean("subscriptions").unwrap_or(false);
    let secret = reader.secret("callback-secret-file");
    let unfit = |secret: &SecretString| is_guessable(secret) || !is_path_segment(secret);
    if secret.as_ref().is_some_and(unfit) {
        reader.error(
            "callback-secret-file",
            format!("`callback-secret-file`: the secret must stand in an address: {SHORTEST_SECRET} or more of A–Z, a–z, 0–9, - . _ ~"),
            "make one with `openssl rand -hex 32`",
        );
        return None;
    }
    if !wanted {
        if reader.has("callback-secret-file") {
            reader.warn(
                "callback-secret-file",
                "`callback-secret-file` does nothing without `subscriptions = true`",
                "add it, or remove this",
            );
        }
        return None;
    }
    if !public_url {
        reader.error(
            "subscriptions",
            "`subscriptions` without `public-url`: the source has nothing to call",
            "add public-url = \"https://…\" at the top, or remove this",
        );
    }
    if !reader.has("callback-secret-file") {
        reader.error(
            "subscriptions",
            "`subscriptions` without `callback-secret-file`: anybody could call",
            "add callback-secret-file = \"name\"; make one with `openssl rand -hex 32`",
        );
    }
    secret.filter(|secret| !secret.expose_secret().is_empty())
}

#[cfg(test)]
mod tests {
    use crate::config::{AttendanceWay, Loader, Secrets, load_text};

    const GOOD: &str = "public-url = \"https://upprop.example.se\"\n\
        [schools.bjork]\nname = \"B\"\nphone = \"112\"\nteam-email = \"t@example.se\"\n\
        [ss12000.hub]\nurl = \"https://hub.example.se/v2.0\"\nauth = \"bearer\"\ntoken-file = \"t\"\n\
        gives = [\"attendance\"]\nschools = { bjork = \"o1\" }\n";

    fn read(text: &str) -> (Option<super::AskedLessons>, String) {
        let loader =
            Loader { credentials_dir: None, base_dir: "/".into(), secrets: Secrets::Skipped };
        let report = load_text("u", text, &loader);
        let found = report.problems.iter().filter(|p| p.key.contains("hub"));
        let found: Vec<String> = found.map(ToString::to_string).collect();
        let config = report.config.and_then(|config| config.ss12000.into_values().next());
        (config.map(|source| source.lessons), found.join("\n"))
    }

    #[test]
    fn what_is_said_of_lessons_and_marks() {
        let (asked, found) = read(GOOD);
        let asked = asked.expect("good");
        assert!(found.is_empty() && asked.callback.is_none(), "{found}");
        assert_eq!((asked.way, asked.alert_from), (AttendanceWay::Auto, None));
        let (asked, found) =
            read(&format!("{GOOD}alert-from = \"20m\"\nattendance = \"lookup\"\n"));
        let asked = asked.unwrap_or_else(|| panic!("{found}"));
        assert_eq!(asked.alert_from.map(|span| span.as_mins()), Some(20));
        assert_eq!(asked.way, AttendanceWay::Lookup);
    }

    #[test]
    fn what_is_wrong_with_it_is_told_by_its_key() {
        let calls = "subscriptions = true\ncallback-secret-file = \"c\"\n";
        assert_eq!(read(&format!("{GOOD}{calls}")).1, "");
        for (text, say) in [
            (format!("{GOOD}alert-from = \"0m\"\n"), "lesson"),
            (format!("{GOOD}alert-from = \"soon\"\n"), "lesson"),
            (format!("{GOOD}attendance = \"look-up\"\n"), "lookup"),
            (format!("{GOOD}subscriptions = true\n"), "without `callback-secret-file`"),
            (format!("{GOOD}callback-secret-file = \"c\"\n"), "without `subscriptions = true`"),
            (format!("{}{calls}", GOOD.split_once('\n').expect("lines").1), "without `public-url`"),
            (
                format!(
                    "{}provisional = \"tell\"\n",
                    GOOD.replace("\"attendance\"", "\"schedule\"")
                ),
                "`gives` has no \"attendance\"",
            ),
        ] {
            let found = read(&text).1;
            assert!(found.contains(say), "{say}: {found}");
        }
    }
}
