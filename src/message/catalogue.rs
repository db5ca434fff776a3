//! Which template files there are: their names, the variables each may use, and the texts built in.
//! A list only; reading, checking and rendering are elsewhere.

use std::collections::BTreeSet;

use serde::Serialize;

use super::guest::TestFacts;
use super::{
    daily, day_report, duty_list, duty_page, feedback, hold, ladder, ladder_report, notice, page,
    programme, samples, team, term_report,
};
use crate::directory::SubjectIdentity;
use crate::model::{Channel, Locale};

/// The page every HTML part stands on, shared by all languages.
pub(super) const PAGE: &str = "email/_page.html";
/// The same for pages that are served.
pub(super) const WEB_PAGE: &str = "web/_page.html";
/// Where pages that are served are.
pub(super) const WEB: &str = "web";

macro_rules! files {
    ($folder:literal: $($file:literal),+ $(,)?) => {
        &[$((
            concat!($folder, "/", $file),
            include_str!(concat!("../../templates/", $folder, "/", $file)),
        )),+]
    };
}

macro_rules! email {
    ($folder:literal) => {
        files!($folder:
            "_case.html", "_case.txt", "_duties.html", "_duties.txt", "_signs.html", "_signs.txt",
            "_words.txt",
            "absence-digest.html", "absence-digest.subject.txt", "absence-digest.txt",
            "absence.html", "absence.subject.txt", "absence.txt",
            "case-feedback.html", "case-feedback.subject.txt", "case-feedback.txt",
            "correction.html", "correction.subject.txt", "correction.txt",
            "register-digest.html", "register-digest.subject.txt", "register-digest.txt",
            "day-report.html", "day-report.subject.txt", "day-report.txt",
            "duty.html", "duty.subject.txt", "duty.txt",
            "duty-list.html", "duty-list.subject.txt", "duty-list.txt",
            "duty-documented.html", "duty-documented.subject.txt", "duty-documented.txt",
            "duty-overdue.html", "duty-overdue.subject.txt", "duty-overdue.txt",
            "duty-reminder.html", "duty-reminder.subject.txt", "duty-reminder.txt",
            "ladder-report.html", "ladder-report.subject.txt", "ladder-report.txt",
            "ladder-retracted.html", "ladder-retracted.subject.txt", "ladder-retracted.txt",
            "ladder-step.html", "ladder-step.subject.txt", "ladder-step.txt",
            "pupil-left.html", "pupil-left.subject.txt", "pupil-left.txt",
            "missed.html", "missed.subject.txt", "missed.txt",
            "not-reached.html", "not-reached.subject.txt", "not-reached.txt",
            "programme-reminder.html", "programme-reminder.subject.txt", "programme-reminder.txt",
            "register-nudge.html", "register-nudge.subject.txt", "register-nudge.txt",
            "register-taken.html", "register-taken.subject.txt", "register-taken.txt",
            "register-untaken.html", "register-untaken.subject.txt", "register-untaken.txt",
            "roster-audit.html", "roster-audit.subject.txt", "roster-audit.txt",
            "source-alert.html", "source-alert.subject.txt", "source-alert.txt",
            "source-clear.html", "source-clear.subject.txt", "source-clear.txt",
            "staff-task.html", "staff-task.subject.txt", "staff-task.txt",
            "team-alert.html", "team-alert.subject.txt", "team-alert.txt",
            "team-correction.html", "team-correction.subject.txt", "team-correction.txt",
            "team-update.html", "team-update.subject.txt", "team-update.txt",
            "term-report.html", "term-report.subject.txt", "term-report.txt",
            "test.html", "test.subject.txt", "test.txt",
            "volume-hold.html", "volume-hold.subject.txt", "volume-hold.txt",
        )
    };
}

/// What guardians, pupils and guests read: all that a translation must have.
macro_rules! read_at_home {
    (sms: $folder:literal) => {
        files!($folder: "absence-digest.txt", "absence.txt", "correction.txt", "test.txt")
    };
    (email: $folder:literal) => {
        files!($folder:
            "absence-digest.html", "absence-digest.subject.txt", "absence-digest.txt",
            "absence.html", "absence.subject.txt", "absence.txt",
            "correction.html", "correction.subject.txt", "correction.txt",
            "test.html", "test.subject.txt", "test.txt",
        )
    };
}

/// Stands in the first line of each text that nobody has read whose language it is.
pub(super) const NOT_REVIEWED: &str = "{# Not reviewed by a native reader.";

const BUILTIN: &[&[(&str, &str)]] = &[
    files!("email": "_page.html"),
    files!("web": "_page.html"),
    files!("web/sv": "case.html", "duty.html", "message.html"),
    files!("web/en": "case.html", "duty.html", "message.html"),
    files!("sms/sv":
        "absence-digest.txt", "absence.txt", "correction.txt", "register-nudge.txt", "test.txt",
    ),
    files!("sms/en":
        "absence-digest.txt", "absence.txt", "correction.txt", "register-nudge.txt", "test.txt",
    ),
    email!("email/sv"),
    email!("email/en"),
    read_at_home!(sms: "sms/ar"),
    read_at_home!(sms: "sms/fa"),
    read_at_home!(sms: "sms/fi"),
    read_at_home!(sms: "sms/ku"),
    read_at_home!(sms: "sms/pl"),
    read_at_home!(sms: "sms/so"),
    read_at_home!(sms: "sms/ti"),
    read_at_home!(sms: "sms/uk"),
    read_at_home!(email: "email/ar"),
    read_at_home!(email: "email/fa"),
    read_at_home!(email: "email/fi"),
    read_at_home!(email: "email/ku"),
    read_at_home!(email: "email/pl"),
    read_at_home!(email: "email/so"),
    read_at_home!(email: "email/ti"),
    read_at_home!(email: "email/uk"),
];

/// Name and text of every template built in.
pub(super) fn builtin() -> impl Iterator<Item = (&'static str, &'static str)> {
    BUILTIN.iter().flat_map(|part| part.iter().copied())
}

/// The name of a template: `email/sv/absence.subject.txt`.
pub(super) fn name(channel: Channel, locale: &Locale, file: &str) -> String {
    format!("{}/{locale}/{file}", channel.as_str())
}

/// The files a language may have in a folder, `sms`, `email` or `web`: those that Swedish has. Names that begin
/// with `_` are parts of others.
pub(super) fn files_in(folder: &str) -> impl Iterator<Item = &'static str> + use<> {
    let folder = format!("{folder}/sv/");
    builtin().filter_map(move |(name, _)| name.strip_prefix(&folder))
}

/// The names of all files a language may have.
pub(super) fn names(locale: &Locale) -> impl Iterator<Item = String> {
    ["sms", "email", WEB].into_iter().flat_map(move |folder| {
        files_in(folder).map(move |file| format!("{folder}/{locale}/{file}"))
    })
}

/// Whether a file is one of those that a language must have, which are read at home. What else there
/// is goes to staff.
pub(super) fn is_read_at_home(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    ["absence.", "absence-digest.", "correction.", "test."]
        .iter()
        .any(|stem| file.starts_with(stem))
}

/// The language that a template is in; none for the page.
pub(super) fn locale(name: &str) -> Option<Locale> {
    let [_, tag, _] = name.split('/').collect::<Vec<_>>()[..] else { return None };
    Locale::new(tag).ok()
}

/// What a template may be called with.
pub(super) fn variables(name: &str) -> BTreeSet<String> {
    let file = name.rsplit('/').next().unwrap_or_default();
    let mut known = match file {
        "_page.html" | "_words.txt" | "_signs.html" | "_signs.txt" => BTreeSet::new(),
        _ if name == WEB_PAGE => BTreeSet::new(),
        _ if name.starts_with("web/") && file.starts_with("message.") => {
            fields(&page::MessageFacts::default())
        }
        _ if name.starts_with("web/") && file.starts_with("duty.") => {
            fields(&duty_page::values(&duty_page::sample()))
        }
        _ if name.starts_with("web/") => page::variables(),
        _ if file.starts_with("case-feedback.") => fields(&feedback::sample()),
        _ if ["absence.", "absence-digest.", "correction."].iter().any(|s| file.starts_with(s)) => {
            fields(&samples::guardian("Alva", "Björkskolan", "070-174 06 05"))
        }
        _ if file.starts_with("register-digest.") => fields(&notice::sample_digest()),
        _ if file.starts_with("register-") => {
            fields(&notice::sample_register("Ma 7B", "Björkskolan"))
        }
        _ if file.starts_with("volume-hold.") => fields(&hold::sample()),
        _ if file.starts_with("duty-list.") => fields(&duty_list::samples()[0]),
        _ if file.starts_with("ladder-report.") => fields(&ladder_report::samples()[0]),
        _ if ["_duties", "duty", "ladder-", "pupil-left"].iter().any(|s| file.starts_with(s)) => {
            fields(&ladder::sample())
        }
        _ if file.starts_with("source-") => fields(&notice::sample_source()),
        _ if file.starts_with("not-reached") || file.starts_with("missed") => {
            fields(&daily::not_reached_samples()[0])
        }
        _ if file.starts_with("day-report.") => fields(&day_report::samples()[0]),
        _ if file.starts_with("term-report.") => fields(&term_report::sample()),
        _ if file.starts_with("programme-reminder.") => fields(&programme::samples()[0]),
        _ if file.starts_with("roster-audit") => fields(&daily::roster_samples()[0]),
        _ if file.starts_with("test.") => fields(&TestFacts::sample("Björkskolan", "070")),
        _ => fields(&team::values(&samples::team_case(), SubjectIdentity::None)),
    };
    if name.starts_with("email/") || name.starts_with("web/") {
        known.extend(["locale".to_owned(), "direction".to_owned()]);
    }
    known
}

/// The names of a value's fields, as templates see them.
pub(super) fn fields(value: &impl Serialize) -> BTreeSet<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(map)) => map.into_iter().map(|(key, _)| key).collect(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that no native reader has reviewed.
    const TRANSLATIONS: [&str; 8] = ["ar", "fa", "fi", "ku", "pl", "so", "ti", "uk"];

    #[test]
    fn every_language_is_complete_and_every_file_is_built_in() {
        let built_in: BTreeSet<String> = builtin().map(|(name, _)| name.into()).collect();
        let names = |tag: &str| names(&Locale::new(tag).unwrap()).collect::<Vec<_>>();
        let mut listed: BTreeSet<String> = ["sv", "en"].into_iter().flat_map(names).collect();
        let translations = TRANSLATIONS.into_iter().flat_map(names);
        listed.extend(translations.filter(|name| is_read_at_home(name)));
        listed.extend([PAGE.into(), WEB_PAGE.into()]);
        assert_eq!(built_in, listed);

        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        for channel in ["sms", "email", WEB] {
            for language in std::fs::read_dir(root.join(channel)).unwrap() {
                let folder = language.unwrap().path();
                for entry in std::fs::read_dir(&folder).into_iter().flatten() {
                    let path = entry.unwrap().path();
                    let name = path.strip_prefix(&root).unwrap().display().to_string();
                    assert!(built_in.contains(&name), "{name}");
                }
            }
        }
    }

    #[test]
    fn what_nobody_has_read_says_so_in_its_first_line() {
        for (name, text) in builtin() {
            let tag = locale(name).map(|tag| tag.to_string()).unwrap_or_default();
            let translated = TRANSLATIONS.contains(&tag.as_str());
            assert_eq!(text.starts_with(NOT_REVIEWED), translated, "{name}");
        }
    }

    #[test]
    fn variables_are_the_fields_of_the_facts() {
        let sms = variables("sms/sv/absence.txt");
        assert!(sms.contains("pupil") && sms.contains("late_registration"));
        assert!(!sms.contains("locale") && !sms.contains("class"));
        let team = variables("email/sv/team-alert.txt");
        assert!(team.contains("pupil_name") && team.contains("who") && team.contains("locale"));
        assert_eq!(variables(PAGE).len(), 2);
    }
}
