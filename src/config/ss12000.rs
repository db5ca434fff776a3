//! `[ss12000.<id>]`: school systems that are asked by the standard SS 12000.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::SignedDuration;
use jiff::civil::Time;

use super::address::{base_url, judge};
use super::gives::Gives;
use super::http_provider::{self, ClientIdentity, HttpAuth};
use super::problem::did_you_mean;
use super::reader::Reader;
use super::source::url_id;
use super::ss12000_lessons::{self as lessons, AskedLessons};
use super::words::{self, Misspelt};
use crate::model::{Endpoint, PlainHttp, Rate, SchoolId, SourceId};

/// What may have a budget of its own; `*` stands for the rest.
pub const BUDGETS: [&str; 11] = [
    "*",
    "organisations",
    "persons",
    "groups",
    "duties",
    "activities",
    "calendarEvents",
    "attendances",
    "absences",
    "deletedEntities",
    "subscriptions",
];

/// Whose server it is, where that is known to differ from the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Vendor {
    /// As the standard has it.
    #[default]
    Standard,
    /// Skola24.
    Skola24,
}

/// How persons are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persons {
    /// Listed where that is allowed, else looked up.
    #[default]
    Auto,
    /// Listed.
    List,
    /// Looked up by the ids that groups name.
    Lookup,
}

/// How the directory is read from the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedDirectory {
    /// How often what has changed is asked for.
    pub poll: SignedDuration,
    /// When all of it is read, by the clock of the first school.
    pub full: Time,
    /// How persons are read.
    pub persons: Persons,
    /// What somebody must be to a pupil to be told about the pupil.
    pub relations: Vec<String>,
}

/// One school system.
#[derive(Debug, Clone)]
pub struct Ss12000 {
    /// The API's base, as written.
    pub url: Endpoint,
    /// As whom.
    pub auth: HttpAuth,
    /// As whom to TLS, where it asks.
    pub identity: Option<ClientIdentity>,
    /// PEM file of roots to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For a whole call, to the last byte of the answer.
    pub timeout: SignedDuration,
    /// What is taken from it.
    pub gives: Gives,
    /// Which schools, each with the id of its organisation there, or its school unit code.
    pub schools: BTreeMap<SchoolId, String>,
    /// Whose server it is.
    pub vendor: Vendor,
    /// Most calls, by what is asked for; over those that the vendor is known for.
    pub budgets: BTreeMap<String, Rate>,
    /// Rows of a page that are asked for.
    pub page_size: u32,
    /// Most ids of one look-up.
    pub lookup_size: u32,
    /// How the directory is read.
    pub directory: AskedDirectory,
    /// How lessons and marks are.
    pub lessons: AskedLessons,
}

impl Ss12000 {
    pub(super) fn read_all(
        root: &Reader<'_>,
        schools: &[String],
        public_url: bool,
    ) -> BTreeMap<SourceId, Self> {
        let mut all = BTreeMap::new();
        for (name, reader) in root.tables("ss12000") {
            let source = Self::read(&reader, schools, public_url);
            match url_id(&name) {
                Ok(()) => {
                    if let (Ok(id), Some(source)) = (SourceId::new(name), source) {
                        all.insert(id, source);
                    }
                }
                Err(remedy) => reader.error_at_head(
                    format!("{name:?} cannot be the name of a source: it becomes part of a URL"),
                    remedy,
                ),
            }
            reader.finish();
        }
        all
    }

    /// Asks for every key before anything is given up, or a key would be reported as unknown.
    fn read(reader: &Reader<'_>, declared: &[String], public_url: bool) -> Option<Self> {
        let url = reader.parsed("url", "an address, as \"https://api.example.se/v2.0\"", base_url);
        if let Some(url) = &url {
            judge(reader, "url", url, "what it says of pupils");
        }
        let url = reader.require("url", url, "\"https://api.example.se/v2.0\"");
        let auth = http_provider::auth(reader);
        let identity = http_provider::identity(reader);
        let ca_file = reader.path("ca-file");
        let timeout = reader.duration("timeout", "1s", "10m");
        let gives = Gives::read(reader);
        let schools = schools(reader, declared);
        let vendors = [("standard", Vendor::Standard), ("skola24", Vendor::Skola24)];
        let vendor = reader.choice("vendor", &vendors).unwrap_or_default();
        let budgets = budgets(reader);
        let page_size = reader.integer("page-size", 1..=10_000).unwrap_or(1_000);
        let lookup_size = reader.integer("lookup-size", 1..=10_000).unwrap_or(300);
        let directory = directory(reader, gives);
        let lessons = lessons::read(reader, gives, public_url);
        if let Some(auth) = &auth {
            http_provider::idle_auth(reader, auth);
        }
        Some(Self {
            url: Endpoint::parse(&url?, PlainHttp::LoopbackOnly).ok()?,
            auth: auth?,
            identity,
            ca_file,
            timeout: timeout.unwrap_or(SignedDuration::from_mins(1)),
            gives,
            schools,
            vendor,
            budgets,
            page_size,
            lookup_size,
            directory,
            lessons,
        })
    }
}

fn schools(reader: &Reader<'_>, declared: &[String]) -> BTreeMap<SchoolId, String> {
    let written = reader.texts("schools");
    if !reader.has("schools") {
        let example = "{ bjorkskolan = \"the id of its organisation there\" }";
        let none: Option<()> = None;
        reader.require("schools", none, example);
    } else if written.is_empty() && !reader.is_faulty("schools") {
        reader.error(
            "schools",
            "`schools` is empty: nothing is taken from the source",
            "name some",
        );
    }
    let mut theirs = BTreeSet::new();
    let mut all = BTreeMap::new();
    for (ours, there) in written {
        if !declared.contains(&ours) {
            let remedy = match did_you_mean(&ours, declared.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near:?}?"),
                None => "add a [schools.<id>] for it".into(),
            };
            reader.error(
                "schools",
                format!("`schools` names {ours:?}, which is no school"),
                remedy,
            );
            continue;
        }
        if there.trim().is_empty() || !theirs.insert(there.trim().to_owned()) {
            let what = format!("`schools` has nothing for {ours:?} that no other school has");
            reader.error(
                "schools",
                what,
                "write the id of its organisation, or its school unit code",
            );
            continue;
        }
        if let Ok(id) = SchoolId::new(ours) {
            all.insert(id, there.trim().to_owned());
        }
    }
    all
}

fn budgets(reader: &Reader<'_>) -> BTreeMap<String, Rate> {
    let mut all = BTreeMap::new();
    for (name, text) in reader.texts("budgets") {
        if !BUDGETS.contains(&name.as_str()) {
            let remedy = match did_you_mean(&name, BUDGETS) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("known are {}", BUDGETS.join(", ")),
            };
            reader.error(
                "budgets",
                format!("`budgets` names {name:?}, which is not asked for"),
                remedy,
            );
            continue;
        }
        match words::rate(&text) {
            Ok(rate) => {
                all.insert(name, rate);
            }
            Err(Misspelt(write)) => {
                let write = write.unwrap_or_else(|| "10/min".into());
                let what = format!("`budgets`: {text:?} of {name} is no rate");
                reader.error("budgets", what, format!("write \"{write}\""));
            }
        }
    }
    all
}

fn directory(reader: &Reader<'_>, gives: Gives) -> AskedDirectory {
    let clock = |text: &str| {
        let is_clock = text.len() == 5 && text.as_bytes()[2] == b':';
        text.parse::<Time>().ok().filter(|_| is_clock).ok_or(None)
    };
    let ways = [("auto", Persons::Auto), ("list", Persons::List), ("lookup", Persons::Lookup)];
    let relations = ["Vårdnadshavare", "God man", "Annan ansvarig", "Utsedd behörig"];
    let relation = |text: &str| {
        let known = relations.iter().find(|known| known.to_lowercase() == text.to_lowercase());
        let near = || did_you_mean(text, relations).map(str::to_owned);
        known.map(|known| (*known).to_owned()).ok_or_else(near)
    };
    let expected =
        "a list of \"Vårdnadshavare\", \"God man\", \"Annan ansvarig\" and \"Utsedd behörig\"";
    let directory = AskedDirectory {
        poll: reader
            .duration("directory-poll", "1s", "1d")
            .unwrap_or(SignedDuration::from_mins(10)),
        full: reader
            .parsed("directory-full", "a time of day, as \"04:00\"", clock)
            .unwrap_or(Time::constant(4, 0, 0, 0)),
        persons: reader.choice("persons", &ways).unwrap_or_default(),
        relations: reader
            .list("relations", false, expected, relation)
            .unwrap_or_else(|| vec![relations[0].to_owned()]),
    };
    if directory.relations.iter().any(|word| word == "Annan ansvarig" || word == "Utsedd behörig")
    {
        reader.warn(
            "relations",
            "`relations` lets others than guardians be told of absence, which the school's duty to tell does not cover",
            "write [\"Vårdnadshavare\"], unless your own law officer has said otherwise",
        );
    }
    if !gives.directory {
        let keys = ["directory-poll", "directory-full", "persons", "relations"];
        http_provider::idle(reader, &keys, "where `gives` has no \"directory\"");
    }
    directory
}

#[cfg(test)]
mod tests {
    use crate::config::{Loader, Secrets, load_text};

    const SCHOOL: &str =
        "[schools.bjork]\nname = \"B\"\nphone = \"112\"\nteam-email = \"t@example.se\"\n";
    const HUB: &str = "[ss12000.hub]\nurl = \"https://hub.example.se/v2.0\"\nauth = \"bearer\"\n\
        token-file = \"t\"\ngives = [\"directory\"]\nschools = { bjork = \"o1\" }\n";

    fn problems(text: &str) -> Vec<String> {
        let loader =
            Loader { credentials_dir: None, base_dir: "/".into(), secrets: Secrets::Skipped };
        let report = load_text("u", text, &loader);
        let of_hub =
            |p: &&crate::config::Problem| p.key.contains("hub") || p.key == "directory.folder";
        report.problems.iter().filter(of_hub).map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_wrong_with_a_source_is_told_by_its_key() {
        let good = format!("{SCHOOL}{HUB}");
        assert_eq!(problems(&good), Vec::<String>::new());
        for (from, to, say) in [
            ("https://hub", "http://hub", "not https"),
            ("gives = [\"directory\"]", "", "no `gives`"),
            ("{ bjork =", "{ bjrok =", "did you mean \"bjork\"?"),
            ("schools = { bjork = \"o1\" }", "", "no `schools`"),
            ("\"o1\"", "\" \"", "nothing for \"bjork\""),
            ("auth = \"bearer\"", "auth = \"basic\"", "username-file"),
            (
                "token-file",
                "budgets = { person = \"10/min\" }\ntoken-file",
                "did you mean \"persons\"?",
            ),
            ("token-file", "budgets = { persons = \"10 per min\" }\ntoken-file", "is no rate"),
            ("token-file", "vendor = \"skola\"\ntoken-file", "skola24"),
            ("token-file", "directory-full = \"4\"\ntoken-file", "04:00"),
            (
                "token-file",
                "relations = [\"God man\", \"Annan ansvarig\"]\ntoken-file",
                "duty to tell",
            ),
            ("token-file", "client-id-file = \"c\"\ntoken-file", "does nothing"),
            ("[ss12000.hub]", "[directory]\nfolder = \"d\"\n[ss12000.hub]", "directory"),
            (
                "[ss12000.hub]",
                "[sources.hub]\nbearer-file = \"t\"\n[ss12000.hub]",
                "the id of a source twice",
            ),
        ] {
            let text = good.replace(from, to);
            assert_ne!(text, good, "{from}");
            let found = problems(&text).join("\n");
            assert!(found.contains(say), "{say}: {found}");
        }
        let second = HUB.replace("ss12000.hub", "ss12000.hub2");
        let found = problems(&format!("{good}{second}")).join("\n");
        assert!(found.contains("two sources"), "{found}");
    }
}
