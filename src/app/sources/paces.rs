//! Whether the budgets of a source let it be asked as often as configuration says: told before it is asked, for
//! `upprop check` and the start. Asks nothing.

use jiff::SignedDuration;

use super::ss12000::{rhythm, settings};
use crate::config::words::duration_text;
use crate::config::{Config, Severity, Ss12000};
use crate::model::SourceId;
use crate::source::ss12000::{self, Interval, LONGEST};

/// The longest that a reading of the directory may take: all of it is read once a day.
const DAY: SignedDuration = SignedDuration::from_hours(24);
const RAISE: &str = "raise `budgets` as far as the vendor lets, name fewer schools, or take this from elsewhere (`gives`)";

/// Something that a source cannot be asked for as often as is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// Which source.
    pub source: SourceId,
    /// The key that says how often, or the budgets where they let nothing of use.
    pub key: &'static str,
    /// An error where what is left is of no use.
    pub severity: Severity,
    /// How often it is, and why.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// All that sources cannot be asked for as often as is wanted.
pub fn paces(config: &Config) -> Vec<Pace> {
    let all = config.ss12000.iter();
    all.flat_map(|(id, source)| of(id, source)).collect()
}

fn of(id: &SourceId, source: &Ss12000) -> Vec<Pace> {
    let (rhythm, asked) = (rhythm(source), settings(id, source));
    let mut paces = Vec::new();
    let mut add = |key, severity, message, remedy| {
        paces.push(Pace { source: id.clone(), key, severity, message, remedy });
    };
    if rhythm.attendance {
        let (found, way) = ss12000::expected(&rhythm, &asked);
        let words = ss12000::in_words(Some(way), found);
        if found.every > LONGEST {
            let message = format!("marks cannot be asked for once an hour: {words}");
            add("budgets", Severity::Error, message, RAISE.to_owned());
        } else if found.kept_by.is_some() {
            let message =
                format!("marks are asked for less often than `attendance-poll` says: {words}");
            let remedy =
                "raise `budgets` where the vendor lets, or have the source call (`subscriptions`)";
            add("attendance-poll", Severity::Note, message, remedy.to_owned());
        }
    }
    if rhythm.attendance || rhythm.schedule {
        let found = ss12000::expected_schedule(&rhythm, &asked);
        if found.every > LONGEST {
            let message = format!(
                "the schedule cannot be read within an hour, and marks wait for it: {}",
                kept(found)
            );
            add("budgets", Severity::Error, message, RAISE.to_owned());
        } else if found.kept_by.is_some() {
            let message = format!(
                "the schedule is read less often than `schedule-poll` says: {}",
                kept(found)
            );
            add("schedule-poll", Severity::Warning, message, longer("schedule-poll", found));
        }
    }
    if source.gives.directory {
        let wanted = source.directory.poll;
        let found = ss12000::expected_directory(wanted, source.schools.len(), &asked);
        if found.every > DAY {
            let message = format!("the directory cannot be read within a day: {}", kept(found));
            add("budgets", Severity::Error, message, RAISE.to_owned());
        } else if found.kept_by.is_some() {
            let message = format!(
                "the directory is read less often than `directory-poll` says: {}",
                kept(found)
            );
            add("directory-poll", Severity::Warning, message, longer("directory-poll", found));
        }
    }
    paces
}

/// How often something is read at best.
fn kept(found: Interval) -> String {
    let resource = found.kept_by.map_or("*", ss12000::Resource::as_str);
    let secs = found.every.as_secs();
    format!("every {secs} s at best, as the budget of {resource} does not let it be oftener")
}

fn longer(key: &str, found: Interval) -> String {
    let every = duration_text(found.every);
    format!("write {key} = \"{every}\" or longer, or raise `budgets` where the vendor lets")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Loader, Secrets, load_text};

    /// The keys that something is said of, by how much it matters, and all that is said.
    fn found(keys: &str) -> (Vec<(&'static str, Severity)>, String) {
        let loader =
            Loader { credentials_dir: None, base_dir: "/".into(), secrets: Secrets::Skipped };
        let text = format!(
            "[schools.a]\nname = \"A\"\nphone = \"112\"\n\
             [ss12000.hub]\nurl = \"https://h.example.se/v2.0\"\nauth = \"bearer\"\ntoken-file = \"t\"\n\
             schools = {{ a = \"o\" }}\n{keys}\n"
        );
        let report = load_text("u", &text, &loader);
        let config = report.config.unwrap_or_else(|| panic!("{:#?}", report.problems));
        let all = paces(&config);
        let words: Vec<_> = all.iter().map(|p| format!("{} → {}", p.message, p.remedy)).collect();
        (all.iter().map(|p| (p.key, p.severity)).collect(), words.join("\n"))
    }

    #[test]
    fn budgets_that_let_too_little_are_told_with_what_they_let() {
        use Severity::{Error, Note, Warning};
        let lessons = "gives = [\"attendance\", \"schedule\"]\n";
        let all = "gives = [\"attendance\", \"schedule\", \"directory\"]\n";
        for (keys, expected, says) in [
            (lessons.to_owned(), vec![], ""),
            (format!("{all}vendor = \"skola24\""), vec![], ""),
            (
                format!("{all}budgets = {{ \"*\" = \"1/day\" }}"),
                vec![("budgets", Error); 3],
                "listing, every 1080000 s",
            ),
            (
                format!("{lessons}budgets = {{ attendances = \"10/h\" }}"),
                vec![("attendance-poll", Note)],
                "listing, every 500 s",
            ),
            (
                format!("{lessons}budgets = {{ calendarEvents = \"1/h\" }}"),
                vec![("schedule-poll", Warning)],
                "every 3600 s at best, as the budget of calendarEvents does not let it be oftener → write \
                 schedule-poll = \"1h\"",
            ),
            (
                format!(
                    "{lessons}budgets = {{ calendarEvents = \"1/h\" }}\nattendance = \"calendar-events\""
                ),
                vec![("budgets", Error), ("schedule-poll", Warning)],
                "marks cannot be asked for once an hour: calendar-events, every 45000 s",
            ),
            (
                format!("{lessons}budgets = {{ calendarEvents = \"1/2h\" }}"),
                vec![("budgets", Error)],
                "the schedule cannot be read within an hour",
            ),
            (
                format!(
                    "{all}vendor = \"skola24\"\nattendance-poll = \"1s\"\nschedule-poll = \"1s\"\ndirectory-poll = \"1s\""
                ),
                vec![("schedule-poll", Warning), ("directory-poll", Warning)],
                "every 7 s at best",
            ),
        ] {
            let (told, words) = found(&keys);
            assert_eq!(told, expected, "{keys}: {words}");
            assert!(words.contains(says), "{keys}: {words}");
        }
    }
}
