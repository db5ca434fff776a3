//! `[defaults]` and `[schools.<id>]`: what is set per school, each key from the school's own
//! table or else from the defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, civil::Time, tz::TimeZone};

use super::calendar::SchoolDays;
use super::clock::digest_time;
use super::ladders::{self, Ladders};
use super::layers::Layers;
use super::mail::email;
use super::problem::{Severity, did_you_mean};
use super::reader::{Cap, Reader};
use super::sender::{SENDER, sender_id};
use crate::calendar::Calendar;
use crate::directory::{
    DailyLists, LanguageRules, Mode, Nudge, Price, ProgrammeRules, QuietHours, RegisterRules,
    School, SubjectIdentity, Translations,
};
use crate::model::{Address, Locale, Phone, ProviderId, SchoolId};
use crate::programme::Programme;

/// What the rest of the file declares that a school may lean on.
pub(super) struct Declared<'a> {
    /// Provider tables, whether or not they are right in themselves.
    pub providers: &'a [String],
    /// There is a `[mail]` table.
    pub mail: bool,
    /// Calendars, whether or not they are right in themselves.
    pub calendars: &'a BTreeMap<String, SchoolDays>,
    /// Ladders that are right in themselves.
    pub ladders: &'a Ladders,
    /// Programmes in which nothing is wrong.
    pub programmes: &'a [Arc<Programme>],
}

/// All schools, and the problems of each.
pub(super) fn read_all(root: &Reader<'_>, declared: &Declared<'_>) -> BTreeMap<SchoolId, School> {
    let defaults = root.table("defaults");
    let mut all = BTreeMap::new();
    for (name, own) in root.tables("schools") {
        let school_name = own.text("name");
        let school_name = own.require("name", school_name, "\"Björkskolan\"");
        let layers = Layers { own: &own, defaults: &defaults };
        match SchoolId::new(name) {
            Ok(id) => {
                let name = school_name.unwrap_or_default();
                let school = read(id.clone(), name, &layers, declared);
                judge(&school, &layers, declared);
                super::sense::judge(&school, &layers);
                all.insert(id, school);
            }
            Err(error) => own.error_at_head(
                format!("the school's id in [schools.<id>] {error}"),
                "use the id that the reporting system sends",
            ),
        }
        own.finish();
    }
    // The defaults are checked, and their keys known, even when no school uses them.
    if all.is_empty() {
        let nobody = SchoolId::new("defaults").expect("a good id");
        let from = Layers { own: &defaults, defaults: &defaults };
        let _ = read(nobody, String::new(), &from, declared);
    }
    judge_calendars(root, &all, declared);
    if !root.has("schools") {
        root.warn(
            "schools",
            "no [schools.<id>]: every report will be refused",
            "add one, with the id that the reporting system sends",
        );
    }
    defaults.finish();
    all
}

/// Whether each calendar is some school's.
fn judge_calendars(
    root: &Reader<'_>,
    schools: &BTreeMap<SchoolId, School>,
    declared: &Declared<'_>,
) {
    for (name, reader) in root.tables("calendars") {
        let Some(days) = declared.calendars.get(&name) else { continue };
        let is_its = |school: &School| {
            school.calendar.as_ref().is_some_and(|calendar| Arc::ptr_eq(calendar, &days.calendar))
        };
        if !schools.values().any(is_its) {
            let message = format!("no school has the calendar \"{name}\"");
            let remedy = format!("write calendar = \"{name}\" in its school, or in [defaults]");
            reader.warn_at_head(message, remedy);
        }
    }
}

/// The calendar that a school names.
fn calendar(
    id: &SchoolId,
    from: &Layers<'_, '_>,
    calendars: &BTreeMap<String, SchoolDays>,
) -> Option<Arc<Calendar>> {
    let name = from.get(|r| r.text("calendar"))?;
    if let Some(days) = calendars.get(&name) {
        return Some(days.calendar.clone());
    }
    let near = did_you_mean(&name, calendars.keys().map(String::as_str));
    let remedy = near.map_or_else(
        || format!("add [calendars.{name}]"),
        |near| format!("did you mean \"{near}\"?"),
    );
    let message = format!("school {id} has the calendar \"{name}\", which is not in this file");
    from.note(Severity::Error, "calendar", message, &remedy);
    None
}

fn read(id: SchoolId, name: String, from: &Layers<'_, '_>, declared: &Declared<'_>) -> School {
    let calendar = calendar(&id, from, declared.calendars);
    let ladders = ladders::of_school(&id, from, declared.ladders);
    let modes = [("shadow", Mode::Shadow), ("guests", Mode::Guests), ("live", Mode::Live)];
    let identities = [
        ("none", SubjectIdentity::None),
        ("initials", SubjectIdentity::Initials),
        ("name", SubjectIdentity::Name),
    ];
    let guests = from
        .get(|r| r.list("guests", true, "numbers as \"+46701740605\" and e-mail addresses", guest));
    School {
        id,
        name,
        mode: from.get(|r| r.choice("mode", &modes)).unwrap_or(Mode::Shadow),
        gone_live: None,
        zone: from
            .get(|r| r.parsed("time-zone", "an IANA time zone, as \"Europe/Stockholm\"", zone))
            .unwrap_or_else(|| TimeZone::get("Europe/Stockholm").expect("bundled")),
        locale: from
            .get(|r| {
                r.parsed("language", "a language tag, as \"sv\"", |text| {
                    Locale::new(text).map_err(|_| None)
                })
            })
            .unwrap_or_else(Locale::swedish),
        team_email: from
            .get(|r| r.parsed("team-email", "an e-mail address, as \"narvaro@example.se\"", email)),
        phone: from
            .get(|r| r.parsed("phone", "a number to ring, as \"08-123 45 67\"", shown_phone))
            .unwrap_or_default(),
        sender_id: from
            .get(|r| r.parsed("sender-id", SENDER, sender_id))
            .unwrap_or_else(|| "Skolan".into()),
        grace: from.get(|r| r.duration("grace", "0s", "1d")).unwrap_or(SignedDuration::ZERO),
        correction_settle: from
            .get(|r| r.duration("correction-settle", "0s", "1h"))
            .unwrap_or(SignedDuration::from_secs(20)),
        guests: guests.unwrap_or_default().into_iter().collect::<BTreeSet<_>>(),
        quiet_hours: from
            .get(|r| r.parsed("quiet-hours", "hours as \"21:00-07:00\", or \"off\"", quiet_hours))
            .unwrap_or(Some(QuietHours {
                from: Time::constant(21, 0, 0, 0),
                to: Time::constant(7, 0, 0, 0),
            })),
        stale_after: from
            .get(|r| r.duration("stale-after", "1m", "7d"))
            .unwrap_or(SignedDuration::from_hours(4)),
        sms_provider: from.get(|r| {
            r.parsed("sms-provider", "the name of a [providers.<id>]", |text| {
                ProviderId::new(text).map_err(|_| None)
            })
        }),
        sms_rate: from.get(|r| r.cap("sms-rate", true)).and_then(Cap::rate),
        operations_email: from.get(|r| {
            r.parsed("operations-email", "an e-mail address, as \"it@example.se\"", email)
        }),
        registers: registers(from),
        daily: daily(from),
        time: super::hours::read(from),
        volume: super::volume::read(from),
        fatigue: super::fatigue::read(from),
        subject_identity: from
            .get(|r| r.choice("subject-identity", &identities))
            .unwrap_or(SubjectIdentity::None),
        max_parts: from.get(|r| r.integer("max-parts", 1..=10)).unwrap_or(3),
        languages: languages(from),
        calendar,
        mutes_marking_guardian: from.get(|r| r.boolean("mute-marking-guardian")).unwrap_or(false),
        people: super::people::read(from),
        ladders,
        programmes: programmes(from, declared.programmes),
    }
}

fn languages(from: &Layers<'_, '_>) -> LanguageRules {
    let usual = LanguageRules::default();
    let below = [("alone", Translations::Alone), ("with-swedish", Translations::WithSchools)];
    let reviewed = from.get(|r| {
        r.list("reviewed-languages", false, "languages as [\"fi\", \"ar\"]", |text| {
            let tag = Locale::new(text).map_err(|_| None)?;
            if tag.as_str() == text { Ok(tag) } else { Err(Some(tag.to_string())) }
        })
    });
    let price = "an amount and a currency, as \"0.35 SEK\"";
    LanguageRules {
        reviewed: reviewed.map_or(usual.reviewed, |tags| tags.into_iter().collect()),
        translations: from.get(|r| r.choice("translations", &below)).unwrap_or(usual.translations),
        price: from.get(|r| r.parsed("price-per-part", price, Price::new)),
    }
}

fn registers(from: &Layers<'_, '_>) -> RegisterRules {
    let usual = RegisterRules::default();
    let nudges = [("sms", Nudge::Sms), ("email", Nudge::Email), ("off", Nudge::Off)];
    let times = "a list of times as [\"15:30\"], or \"off\"";
    let digest = from.get(|r| r.list("register-digest", false, times, digest_time));
    let digest = digest.map(|times| times.into_iter().flatten().collect::<BTreeSet<_>>());
    RegisterRules {
        after: from.get(|r| r.duration("register-after", "1s", "2h")).unwrap_or(usual.after),
        nudge: from.get(|r| r.choice("register-nudge", &nudges)).unwrap_or(usual.nudge),
        low_grades: from
            .get(|r| r.parsed("register-low-grades", "years as \"0-3\", or \"off\"", grades))
            .unwrap_or(usual.low_grades),
        digest: digest.map_or(usual.digest, |times| times.into_iter().collect()),
    }
}

fn daily(from: &Layers<'_, '_>) -> DailyLists {
    let usual = DailyLists::default();
    let time = "a time as \"15:30\", or \"off\"";
    let address = "an e-mail address, as \"expedition@example.se\"";
    DailyLists {
        not_reached: from
            .get(|r| r.parsed("not-reached-at", time, digest_time))
            .unwrap_or(usual.not_reached),
        missed: from.get(|r| r.parsed("missed-at", time, digest_time)).unwrap_or(usual.missed),
        roster_audit: from
            .get(|r| r.parsed("roster-audit-at", time, digest_time))
            .unwrap_or(usual.roster_audit),
        day_report: from
            .get(|r| r.parsed("same-day-report-at", time, digest_time))
            .unwrap_or(usual.day_report),
        term_report: from
            .get(|r| r.parsed("term-report-at", time, digest_time))
            .unwrap_or(usual.term_report),
        office_email: from.get(|r| r.parsed("office-email", address, email)),
    }
}

fn programmes(from: &Layers<'_, '_>, all: &[Arc<Programme>]) -> ProgrammeRules {
    let usual = ProgrammeRules::default();
    let time = "a time as \"07:45\", or \"off\"";
    let runs = from.get(|r| r.boolean("programmes")).unwrap_or(true);
    ProgrammeRules {
        runs: if runs { all.to_vec() } else { usual.runs },
        reminder_at: from
            .get(|r| r.parsed("programme-reminder-at", time, digest_time))
            .unwrap_or(usual.reminder_at),
    }
}

/// Years from förskoleklass, which is 0, to the last one.
fn grades(text: &str) -> Result<Option<(u8, u8)>, Option<String>> {
    if text == "off" {
        return Ok(None);
    }
    let plain = text.replace(['–', '—'], "-").replace(' ', "");
    let (from, to) = plain.split_once('-').unwrap_or((&plain, &plain));
    let year = |t: &str| t.parse::<u8>().ok().filter(|year| *year <= 10).ok_or(None);
    let (from, to) = (year(from)?, year(to)?);
    if from > to {
        return Err(Some(format!("{to}-{from}")));
    }
    let right = if from == to { from.to_string() } else { format!("{from}-{to}") };
    if right == text { Ok(Some((from, to))) } else { Err(Some(right)) }
}

/// A number, in groups if need be, or an e-mail address, in which a hyphen counts.
fn guest(text: &str) -> Result<Address, Option<String>> {
    Phone::new(text.replace([' ', '-'], ""))
        .map(Address::Phone)
        .or_else(|_| email(text).map(Address::Email))
}

fn shown_phone(text: &str) -> Result<String, Option<String>> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let plain = text.chars().all(|c| c.is_ascii_digit() || " -+()".contains(c));
    if plain && (3..=15).contains(&digits) && text.len() <= 24 {
        Ok(text.to_owned())
    } else {
        Err(None)
    }
}

fn zone(text: &str) -> Result<TimeZone, Option<String>> {
    TimeZone::get(text).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let cities = known.iter().map(|name| name.rsplit('/').next().unwrap_or(name));
        let by_city = did_you_mean(text, cities)
            .and_then(|city| known.iter().find(|name| name.rsplit('/').next() == Some(city)));
        did_you_mean(text, known.iter().map(String::as_str)).map(str::to_owned).or(by_city.cloned())
    })
}

fn quiet_hours(text: &str) -> Result<Option<QuietHours>, Option<String>> {
    if text == "off" {
        return Ok(None);
    }
    let plain = text.replace(['–', '—'], "-").replace('.', ":").replace(' ', "");
    let (from, to) = plain.split_once('-').ok_or(None)?;
    let time = |t: &str| Time::strptime("%H:%M", t).map_err(|_| None);
    let hours = QuietHours { from: time(from)?, to: time(to)? };
    // What is left open must outlast the night on which an hour is missing.
    let quiet = hours.to.duration_since(hours.from).as_mins().rem_euclid(24 * 60);
    if quiet == 0 || quiet > 22 * 60 {
        return Err(Some("off".into()));
    }
    let right = format!("{}-{}", hours.from.strftime("%H:%M"), hours.to.strftime("%H:%M"));
    if right == text { Ok(Some(hours)) } else { Err(Some(right)) }
}

fn judge(school: &School, at: &Layers<'_, '_>, declared: &Declared<'_>) {
    super::fatigue::judge(school, at);
    let (id, mode) = (&school.id, school.mode);
    let live = mode == Mode::Live;
    let grave = if live { Severity::Error } else { Severity::Warning };
    match mode {
        Mode::Shadow if !at.is_faulty("mode") => at.note(
            Severity::Note,
            "mode",
            format!(
                "school {id} is in shadow mode: everything is decided and recorded, nothing is sent"
            ),
            "go on with mode = \"guests\"",
        ),
        Mode::Guests if school.guests.is_empty() && !at.is_faulty("guests") => at.note(
            Severity::Warning,
            "guests",
            format!("school {id} sends to its guests only, and has none: nothing will be sent"),
            "list your own number or address in `guests`",
        ),
        _ => {}
    }
    match &school.sms_provider {
        Some(provider) if !declared.providers.iter().any(|name| name == provider.as_str()) => {
            let near =
                did_you_mean(provider.as_str(), declared.providers.iter().map(String::as_str));
            let remedy = near.map_or_else(
                || format!("add [providers.{provider}]"),
                |near| format!("did you mean \"{near}\"?"),
            );
            at.note(
                Severity::Error,
                "sms-provider",
                format!("school {id} sends through \"{provider}\", which is not in this file"),
                &remedy,
            );
        }
        None if mode != Mode::Shadow && !at.is_faulty("sms-provider") => at.note(
            grave,
            "sms-provider",
            format!("school {id} is {}, but has no provider for its texts", mode.as_str()),
            "write sms-provider = \"…\", the name of a [providers.<id>]",
        ),
        _ => {}
    }
    if school.phone.is_empty() && !at.is_faulty("phone") {
        at.note(
            Severity::Error,
            "phone",
            format!(
                "school {id} has no `phone`, the number that every text asks guardians to ring"
            ),
            "add phone = \"08-123 45 67\" here or in [defaults]",
        );
    }
    if school.team_email.is_none() && !at.is_faulty("team-email") {
        at.note(
            grave,
            "team-email",
            format!("school {id} has no `team-email`: its attendance team is told nothing"),
            "add team-email = \"narvaro@example.se\"",
        );
    } else if school.team_email.is_some() && !declared.mail {
        at.note(
            grave,
            "team-email",
            format!("school {id} has a `team-email`, but there is no [mail] to reach it by"),
            "add [mail]",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_numbers_in_groups_and_addresses_as_they_stand() {
        for (text, address) in [
            ("+46 70-174 06 05", "+46701740605"),
            ("anna-maria@kommun.example", "anna-maria@kommun.example"),
        ] {
            assert_eq!(guest(text).map(|a| a.expose().to_owned()), Ok(address.into()));
        }
        assert_eq!(guest("070-174 06 05"), Err(None));
    }

    #[test]
    fn hours() {
        assert!(matches!(quiet_hours("21:00-07:00"), Ok(Some(_))));
        assert_eq!(quiet_hours("off"), Ok(None));
        assert_eq!(quiet_hours("21.00–07.00"), Err(Some("21:00-07:00".into())));
        assert_eq!(quiet_hours("07:00-07:00"), Err(Some("off".into())));
        assert_eq!(quiet_hours("25:00-07:00"), Err(None));
        assert!(matches!(quiet_hours("18:00-16:00"), Ok(Some(_))));
        assert_eq!(quiet_hours("18:00-16:01"), Err(Some("off".into())));
    }

    #[test]
    fn times_and_years() {
        assert_eq!(digest_time("15:30"), Ok(Some(Time::constant(15, 30, 0, 0))));
        assert_eq!(digest_time("off"), Ok(None));
        assert_eq!(digest_time("9.30"), Err(Some("09:30".into())));
        assert_eq!(digest_time("25:00"), Err(None));
        assert_eq!(grades("0-3"), Ok(Some((0, 3))));
        assert_eq!(grades("2"), Ok(Some((2, 2))));
        assert_eq!(grades("off"), Ok(None));
        assert_eq!(grades("3-0"), Err(Some("0-3".into())));
        assert_eq!(grades("0–3"), Err(Some("0-3".into())));
        assert_eq!(grades("F-3"), Err(None));
        assert_eq!(grades("0-11"), Err(None));
    }

    #[test]
    fn zones() {
        assert!(zone("Europe/Stockholm").is_ok());
        assert_eq!(zone("Europe/Stokholm").expect_err("unknown"), Some("Europe/Stockholm".into()));
        assert_eq!(zone("Stockholm").expect_err("unknown"), Some("Europe/Stockholm".into()));
        assert_eq!(zone("Narnia").expect_err("unknown"), None);
    }

    #[test]
    fn numbers_shown() {
        assert!(shown_phone("08-123 45 67").is_ok());
        assert!(shown_phone("ring skolan").is_err());
    }
}
