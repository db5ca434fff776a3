//! What real servers do otherwise than the standard says, as switches. Pure; each is obeyed where the
//! answer is made.

use std::fmt::Write as _;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How callbacks spell their list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spelling {
    /// `modifiedEntites`, as the standard has it.
    #[default]
    Standard,
    /// `modifiedEntities`.
    Corrected,
}

/// Whether a page token goes together with the filters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenRule {
    /// Only `limit` may stand beside it, as the standard has it.
    #[default]
    Alone,
    /// The same filters must.
    WithFilters,
    /// Both are taken.
    Either,
}

/// All switches. The default is a server that keeps to the standard.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Quirks {
    /// `GET /persons` and `GET /attendances` are refused; only lookups answer.
    pub lookup_only: bool,
    /// The most ids a lookup takes; more are refused.
    pub lookup_ids: Option<usize>,
    /// `attendances/lookup` takes `activities` and `ids` only.
    pub activities_only: bool,
    /// A lookup of more rows than this is answered with 503.
    pub too_large: Option<usize>,
    /// Requests a minute as at Skola24, times this share; beyond it a bare 429.
    pub throttle: Option<f64>,
    /// `GET /calendarEvents` answers 400 when there are none.
    pub empty_is_400: bool,
    /// `GET /calendarEvents` refuses more days than this.
    pub window_days: Option<u16>,
    /// Lists other than of organisations and persons must be filtered by organisation.
    pub organisation_required: bool,
    /// `securityMarking` is left out everywhere.
    pub no_marking: bool,
    /// An excuse deletes the row and makes a new one.
    pub recreate: bool,
    /// In the day that unfolds, guardians excuse pupils after the lesson.
    pub late_excuse: bool,
    /// Rows exist, empty and unreported, before the register is opened.
    pub prefilled: bool,
    /// Rows appear only when the lesson has been reported.
    pub reported_only: bool,
    /// How callbacks spell their list.
    pub spelling: Spelling,
    /// A callback answered with another status than 200 has failed.
    pub exact_200: bool,
    /// A callback for each resource, and one for what was deleted, to everybody.
    pub one_at_a_time: bool,
    /// `POST /subscriptions` wants the resources as plain strings.
    pub plain_resources: bool,
    /// The server's clock is this many minutes ahead.
    pub skew_minutes: i32,
    /// Changes are dated this many seconds back, as by a transaction that took as long.
    pub backdated_seconds: u32,
    /// The last row of a page is also the first of the next.
    pub repeated_rows: bool,
    /// Rows and references that are null where the standard has an object.
    pub null_references: bool,
    /// The page token never ends.
    pub endless_token: bool,
    /// The shapes of version 2.0.0.
    pub version_2_0: bool,
    /// Lookups answer `{"data":[…]}` instead of a bare array.
    pub wrapped_lookups: bool,
    /// Whether a page token goes together with the filters.
    pub tokens: TokenRule,
    /// Rows come in no order.
    pub out_of_order: bool,
    /// Values that no list of the standard has.
    pub unknown_enums: bool,
    /// Minutes below nothing.
    pub negative_minutes: bool,
    /// Dates of 1895.
    pub year_1895: bool,
    /// `teachingLengthStudent` is left out.
    pub no_teaching_length: bool,
    /// The token endpoint answers with a page.
    pub html_token: bool,
    /// No attendances, absences, subscriptions or calendar events are served.
    pub directory_only: bool,
    /// Subscriptions to organisations, placements and duties only; no attendances, absences or calendar
    /// events are served.
    pub edlevo: bool,
    /// Errors are pages instead of JSON.
    pub html_errors: bool,
}

type Set = fn(&mut Quirks, Option<&str>) -> Result<(), String>;

/// A name, what it does and how it is set.
struct Entry(&'static str, &'static str, Set);

/// What a switch without a value does with one.
fn bare(value: Option<&str>) -> Result<(), String> {
    value.map_or(Ok(()), |value| Err(format!("it takes no value, and {value:?} was given")))
}

fn number<T: FromStr>(value: Option<&str>, otherwise: T) -> Result<T, String> {
    match value {
        None => Ok(otherwise),
        Some(text) => text.parse().map_err(|_| format!("{text:?} is no number it takes")),
    }
}

macro_rules! on {
    ($field:ident) => {
        |quirks, value| {
            quirks.$field = true;
            bare(value)
        }
    };
    ($field:ident = $otherwise:expr) => {
        |quirks, value| {
            quirks.$field = number(value, $otherwise)?;
            Ok(())
        }
    };
    (some $field:ident = $otherwise:expr) => {
        |quirks, value| {
            quirks.$field = Some(number(value, $otherwise)?);
            Ok(())
        }
    };
    ($field:ident : $value:expr) => {
        |quirks, value| {
            quirks.$field = $value;
            bare(value)
        }
    };
}

const SINGLE: &[Entry] = &[
    Entry(
        "lookup-only",
        "GET /persons and GET /attendances answer 403; only lookups serve them",
        on!(lookup_only),
    ),
    Entry(
        "lookup-ids",
        "a lookup of more than =N ids (300) answers 400",
        on!(some lookup_ids = 300),
    ),
    Entry(
        "activities-only",
        "attendances/lookup knows ids and activities, nothing else",
        on!(activities_only),
    ),
    Entry("503", "a lookup of more than =N rows (30000) answers 503", on!(some too_large = 30_000)),
    Entry(
        "429",
        "limits a minute as at Skola24, times =SHARE (1); beyond them 429 without Retry-After",
        on!(some throttle = 1.0),
    ),
    Entry("400-empty", "GET /calendarEvents answers 400 when there are none", on!(empty_is_400)),
    Entry("window", "GET /calendarEvents takes at most =N days (30)", on!(some window_days = 30)),
    Entry(
        "by-organisation",
        "lists of groups, duties, activities and calendarEvents need organisation=",
        on!(organisation_required),
    ),
    Entry("no-marking", "securityMarking is left out everywhere", on!(no_marking)),
    Entry(
        "recreate",
        "an excuse deletes the attendance and makes a new one with another id",
        on!(recreate),
    ),
    Entry(
        "late-excuse",
        "in the day that unfolds, some guardians excuse a pupil after the lesson",
        on!(late_excuse),
    ),
    Entry(
        "prefilled",
        "attendances exist before the register is opened: unreported, without minutes",
        on!(prefilled),
    ),
    Entry(
        "reported-only",
        "attendances appear only when the register has been reported",
        on!(reported_only),
    ),
    Entry(
        "modifiedEntities",
        "callbacks spell their list as English does, not as the standard",
        on!(spelling: Spelling::Corrected),
    ),
    Entry(
        "exact-200",
        "a callback answered with anything but 200 has failed and is sent again",
        on!(exact_200),
    ),
    Entry(
        "one-at-a-time",
        "a callback for each resource, and one for what was deleted",
        on!(one_at_a_time),
    ),
    Entry(
        "plain-resources",
        "POST /subscriptions wants [\"Attendance\"], not [{\"resource\":\"Attendance\"}]",
        on!(plain_resources),
    ),
    Entry(
        "skew",
        "the server's clock is =MINUTES (120) ahead; negative: behind",
        on!(skew_minutes = 120),
    ),
    Entry(
        "backdated",
        "changes are dated =SECONDS (30) before they can be seen",
        on!(backdated_seconds = 30),
    ),
    Entry("repeated-rows", "the last row of a page comes again on the next", on!(repeated_rows)),
    Entry(
        "null-references",
        "null where the standard has an object, and rows whose references are null",
        on!(null_references),
    ),
    Entry(
        "endless-token",
        "the last page has a page token too, and leads to itself",
        on!(endless_token),
    ),
    Entry("2.0.0", "the shapes of version 2.0.0: no meta, other words", on!(version_2_0)),
    Entry(
        "wrapped-lookups",
        "lookups answer {\"data\":[…]} instead of a bare array",
        on!(wrapped_lookups),
    ),
    Entry(
        "token-with-filters",
        "a page token without the same filters answers 400",
        on!(tokens: TokenRule::WithFilters),
    ),
    Entry(
        "token-either",
        "a page token is taken with filters and without",
        on!(tokens: TokenRule::Either),
    ),
    Entry(
        "out-of-order",
        "rows come in no order, the newest change on any page",
        on!(out_of_order),
    ),
    Entry("unknown-enums", "words that no list of the standard has", on!(unknown_enums)),
    Entry(
        "negative-minutes",
        "minutes of pupils who were there are below nothing",
        on!(negative_minutes),
    ),
    Entry("1895", "some dates are of the year 1895", on!(year_1895)),
    Entry(
        "no-teaching-length",
        "lessons do not say how long they are for pupils",
        on!(no_teaching_length),
    ),
    Entry("html-token", "the token endpoint answers 200 with a page", on!(html_token)),
    Entry("html-errors", "errors come as a page, as from a proxy", on!(html_errors)),
    Entry(
        "directory-only",
        "no attendances, absences, subscriptions or calendarEvents are served",
        on!(directory_only),
    ),
];

/// Named sets: name, what it is, what it holds.
const PRESETS: &[(&str, &str, &str)] = &[
    (
        "skola24",
        "as a municipal client has met Skola24",
        "lookup-only,lookup-ids,503,429,400-empty,window,by-organisation,token-either,recreate",
    ),
    ("ist", "as IST EduCloud: a directory and nothing else", "directory-only,token-either"),
    ("edlevo", "as Edlevo: a directory; subscriptions to organisations and duties", ""),
    (
        "schoolsoft",
        "as SchoolSoft: a directory, and pages for errors",
        "directory-only,html-errors",
    ),
    (
        "skolverket",
        "as Skolverket's reference server calls back",
        "modifiedEntities,exact-200,one-at-a-time,token-either",
    ),
    (
        "messy",
        "everything that must not disturb: repeated, null, unknown, 1895, no order",
        "repeated-rows,null-references,unknown-enums,1895,out-of-order,wrapped-lookups",
    ),
];

impl Quirks {
    /// Whether attendances, absences and lessons are served.
    pub(super) fn serves_days(&self) -> bool {
        !self.directory_only && !self.edlevo
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        if let Some((preset, _, list)) = PRESETS.iter().find(|(preset, ..)| *preset == name) {
            self.edlevo |= *preset == "edlevo";
            for name in list.split(',').filter(|name| !name.is_empty()) {
                self.add(name)?;
            }
            return Ok(());
        }
        let (word, value) = match name.split_once('=') {
            Some((word, value)) => (word, Some(value)),
            None => (name, None),
        };
        let Some(Entry(_, _, set)) = SINGLE.iter().find(|Entry(single, ..)| *single == word) else {
            return Err(format!(
                "{word:?} is no quirk; `upprop fake-school --quirks list` names them all"
            ));
        };
        set(self, value).map_err(|why| format!("{word}: {why}"))
    }

    /// All names, each with a line of what it does.
    pub fn list() -> String {
        let mut text = String::from("Sets:\n");
        for (name, what, list) in PRESETS {
            let _ = writeln!(text, "  {name:<20}{what}");
            if !list.is_empty() {
                let _ = writeln!(text, "  {:<20}({})", "", list.replace(',', ", "));
            }
        }
        text.push_str("\nSingle ones:\n");
        for Entry(name, what, _) in SINGLE {
            let _ = writeln!(text, "  {name:<20}{what}");
        }
        text
    }
}

impl FromStr for Quirks {
    type Err = String;

    /// Names with commas between them: of sets and of single quirks, some with `=VALUE`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut quirks = Self::default();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            quirks.add(name)?;
        }
        Ok(quirks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_switches() {
        assert_eq!("".parse(), Ok(Quirks::default()));
        let quirks: Quirks = "skola24, skew=-120,429=0.5".parse().expect("known");
        assert!(quirks.lookup_only && quirks.recreate && quirks.empty_is_400);
        assert_eq!((quirks.lookup_ids, quirks.too_large), (Some(300), Some(30_000)));
        assert_eq!((quirks.throttle, quirks.skew_minutes), (Some(0.5), -120));
        for (text, words) in [
            ("skola25", "is no quirk"),
            ("lookup-only=1", "takes no value"),
            ("503=many", "no number"),
        ] {
            let error = text.parse::<Quirks>().expect_err("wrong");
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn all_sets_hold_known_names_and_the_list_names_all() {
        let list = Quirks::list();
        for (name, ..) in PRESETS {
            assert_ne!(name.parse::<Quirks>().expect("known"), Quirks::default(), "{name}");
            assert!(list.contains(&format!("  {name} ")), "{name}");
        }
        for Entry(name, ..) in SINGLE {
            assert_ne!(name.parse::<Quirks>().expect("known"), Quirks::default(), "{name}");
            assert!(list.contains(&format!("  {name} ")), "{name}");
        }
    }

    #[test]
    fn quirks_travel_as_json() {
        let quirks: Quirks = "skola24".parse().expect("known");
        let text = serde_json::to_string(&quirks).expect("JSON");
        assert_eq!(serde_json::from_str::<Quirks>(&text).expect("the same"), quirks);
        assert!(serde_json::from_str::<Quirks>("{\"rain\":true}").is_err());
    }
}
