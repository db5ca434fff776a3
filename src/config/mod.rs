//! What the operator typed → what the program means. One commented TOML file is read into one
//! [`Config`]; all problems are gathered in one pass, each with its place and its remedy. Touches
//! the file, and the secret and calendar files it names, and nothing else; may not import any room that does work.

mod address;
mod calendar;
mod changes;
mod clock;
mod daemon;
mod delivery;
mod drop;
mod edlevo;
mod fatigue;
mod gives;
mod hours;
mod http_provider;
mod ladders;
mod layers;
mod mail;
mod pages;
mod people;
mod places;
mod problem;
mod programmes;
mod provider;
mod reader;
mod retention;
mod school;
mod secret;
mod sender;
mod sense;
pub mod show;
mod source;
mod ss12000;
mod ss12000_lessons;
mod volume;
mod watch;
pub mod words;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use toml::de::DeTable;

pub use calendar::SchoolDays;
pub use changes::{Changes, changes};
pub use daemon::{Directory, Http, Log, LogFormat, Server, Store, Telemetry};
pub use delivery::Delivery;
pub use drop::{Drop, DropLayout};
pub use edlevo::Edlevo;
pub use gives::Gives;
pub use http_provider::{
    BodyMethod, Charset, ClientIdentity, Escape, HttpAuth, HttpBody, HttpCodes, HttpLookup,
    HttpProvider, HttpReceipts, HttpToken, NumberFormat, PLACEHOLDERS,
};
pub use ladders::{LadderFile, Ladders, contents as ladder_text};
pub use mail::{Mail, MailTransport, Smtp, Tls};
pub use pages::Pages;
pub use places::Places;
pub use problem::{Problem, Severity, did_you_mean};
pub use programmes::{Programmes, SHIPPED_PROGRAMMES};
pub use provider::{Elks, Provider, ProviderKind};
pub use retention::{Compaction, Retention};
pub use secret::{Loader, Secrets};
pub use source::{Credentials, Source};
pub use ss12000::{AskedDirectory, BUDGETS, Persons, Ss12000, Vendor};
pub use ss12000_lessons::{AskedLessons, AttendanceWay};
pub use watch::Watch;

use crate::directory::School;
use crate::model::{ProviderId, SchoolId, SourceId};
use reader::{Context, Reader};

/// The file read when none is named.
pub const DEFAULT_FILE: &str = "/etc/upprop/upprop.toml";

/// Where the daemon answers operators unless the file says otherwise.
pub const USUAL_SOCKET: &str = "/var/lib/upprop/control.sock";

/// The commented file that ships: every key with its default.
pub const SHIPPED: &str = include_str!("../../config/upprop.toml");

/// What the program means by a file without errors.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[store]`.
    pub store: Store,
    /// `[retention]`.
    pub retention: Retention,
    /// `[server]`.
    pub server: Server,
    /// `[directory]`.
    pub directory: Directory,
    /// `[log]`.
    pub log: Log,
    /// `[telemetry]`.
    pub telemetry: Telemetry,
    /// `[http]`.
    pub http: Http,
    /// `[delivery]`.
    pub delivery: Delivery,
    /// `[mail]`.
    pub mail: Option<Mail>,
    /// `[pages]`; none: mails have no links, and there are no pages.
    pub pages: Option<Pages>,
    /// `[sources.<id>]`.
    pub sources: BTreeMap<SourceId, Source>,
    /// `[drop.<id>]`.
    pub drop: BTreeMap<SourceId, Drop>,
    /// `[edlevo.<id>]`.
    pub edlevo: BTreeMap<SourceId, Edlevo>,
    /// `[watch]`.
    pub watch: Watch,
    /// `[ss12000.<id>]`.
    pub ss12000: BTreeMap<SourceId, Ss12000>,
    /// `[providers.<id>]`.
    pub providers: BTreeMap<ProviderId, Provider>,
    /// `[calendars.<name>]`.
    pub calendars: BTreeMap<String, SchoolDays>,
    /// `[ladders]`.
    pub ladders: Ladders,
    /// `[programmes]`.
    pub programmes: Programmes,
    /// `[schools.<id>]` over `[defaults]`.
    pub schools: BTreeMap<SchoolId, School>,
    /// How the outside reaches us, without a slash at the end; none: no delivery reports.
    pub public_url: Option<String>,
    /// Bearer token of the API; none: no API.
    pub api_token: Option<SecretString>,
    /// Folder of templates that come before the built-in ones.
    pub templates: Option<PathBuf>,
}

/// What came of reading a file.
#[derive(Debug, Clone)]
pub struct Report {
    /// None when there is an error.
    pub config: Option<Config>,
    /// What could be read of a file with errors, to look for more of them: what was refused is at its
    /// default or left out. None where the file is no TOML.
    pub draft: Option<Config>,
    /// All that was found, in the order of the file.
    pub problems: Vec<Problem>,
    /// Where its keys stand.
    pub places: Places,
    /// Every key that this program knows, `*` standing for a name the operator chooses.
    pub known_keys: BTreeSet<String>,
    /// Every key that was asked for, with its value and where it comes from.
    pub shown: Vec<show::Shown>,
}

impl Report {
    /// How many problems there are of one severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }

    /// What can be looked into further, with errors or without.
    pub fn readable(&self) -> Option<&Config> {
        self.config.as_ref().or(self.draft.as_ref())
    }

    /// Whether an error was found at a key, or below it.
    pub fn is_faulty(&self, path: &str) -> bool {
        let below = |key: &str| {
            key.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.problems.iter().any(|p| p.severity == Severity::Error && below(&p.key))
    }

    /// Adds what others found; what is found in other files comes last.
    pub fn add(&mut self, found: impl IntoIterator<Item = Problem>) {
        for problem in found {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
        let own = self.places.file();
        self.problems.sort_by_key(|p| {
            let file = (p.file != own).then(|| p.file.clone());
            (file, p.line.unwrap_or(usize::MAX), p.column, p.severity)
        });
    }
}

/// Reads a file; relative paths in it start from its own folder.
pub fn load(file: &Path, credentials_dir: Option<PathBuf>, secrets: Secrets) -> Report {
    let name = file.display().to_string();
    let base_dir = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let loader = Loader { credentials_dir, base_dir: base_dir.to_owned(), secrets };
    match std::fs::read_to_string(file) {
        Ok(text) => load_text(&name, &text, &loader),
        Err(error) => {
            let problem =
                Problem::of_file(&name, Severity::Error, format!("cannot be read: {error}"))
                    .with_remedy(remedy(&error));
            Report {
                config: None,
                draft: None,
                problems: vec![problem],
                places: Places::default(),
                known_keys: BTreeSet::new(),
                shown: Vec::new(),
            }
        }
    }
}

/// What to do about a file that cannot be read.
fn remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "whoever runs this may not read it. An administrator uses sudo, or becomes a member of its group \
             (usually upprop: `usermod -aG upprop USER`, then log in again); the daemon needs mode 0644, or 0640 \
             with its group: no secret stands in it"
        }
        std::io::ErrorKind::InvalidData => "write it as UTF-8 text",
        _ => "name another file, or write one with `upprop init`",
    }
}

/// Reads a text; `name` stands for the file in problems.
pub fn load_text(name: &str, text: &str, loader: &Loader) -> Report {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let context = Context {
        file: name,
        text,
        loader,
        problems: RefCell::default(),
        known: RefCell::default(),
        asked: RefCell::default(),
    };
    let (table, faults) = DeTable::parse_recoverable(text);
    for fault in &faults {
        let problem =
            Problem::of_file(name, Severity::Error, format!("not TOML: {}", fault.message()))
                .with_remedy(TOML);
        context.push(problem.at(text, fault.span()));
    }
    // A tree with holes would make problems that are not there.
    let config = faults.is_empty().then(|| read(Reader::root(&context, table.get_ref())));
    let Context { problems, known, asked, .. } = context;
    let mut report = Report {
        config: None,
        draft: None,
        problems: Vec::new(),
        places: Places::of(name, text, table.get_ref()),
        known_keys: known.into_inner(),
        shown: Vec::new(),
    };
    report.add(problems.into_inner());
    if let Some(config) = &config {
        let read = show::Read { text, asked: asked.into_inner(), problems: &report.problems };
        report.shown = read.shown(config);
    }
    let failed = report.count(Severity::Error) > 0;
    *(if failed { &mut report.draft } else { &mut report.config }) = config;
    report
}

/// What to do about a text that is not TOML.
const TOML: &str = "write key = \"text\" on one line, numbers, true and false without quotes, and tables as [name] on a line of their own";

fn read(root: Reader<'_>) -> Config {
    let names = |key| root.tables(key).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let (school_names, provider_names) = (names("schools"), names("providers"));
    let public_url = public_url(&root, !provider_names.is_empty());
    let delivery_table = root.table("delivery");
    let delivery = Delivery::read(&delivery_table);
    let judge =
        |other: &Reader<'_>, timeout| delivery.judge_settle(&delivery_table, other, timeout);
    let providers = Provider::read_all(&root, root.has("public-url"));
    let http = Http::read(root.table("http"), judge);
    let mail_declared = root.has("mail");
    let mail = Mail::read(root.table("mail"), judge);
    delivery_table.finish();
    let api_token = root.secret("api-token-file");
    if let Some(token) = &api_token {
        root.judge_token("api-token-file", token);
    }
    let calendars = calendar::read_all(&root);
    let ladders = ladders::read_all(&root);
    let programmes = Programmes::read(root.table("programmes"));
    let declared = school::Declared {
        providers: &provider_names,
        mail: mail_declared,
        calendars: &calendars,
        ladders: &ladders,
        programmes: &programmes.all,
    };
    let schools = school::read_all(&root, &declared);
    let store = Store::read(root.table("store"));
    let server = Server::read(root.table("server"), &store.dir);
    let retention = Retention::read(root.table("retention"), &store.dir);
    let pages = Pages::read(root.table("pages"), retention.contacts);
    let config = Config {
        store,
        retention,
        server,
        directory: Directory::read(root.table("directory")),
        log: Log::read(root.table("log")),
        telemetry: Telemetry::read(root.table("telemetry")),
        http,
        delivery,
        mail,
        pages,
        sources: Source::read_all(&root, &school_names),
        drop: Drop::read_all(&root, &school_names),
        edlevo: Edlevo::read_all(&root, &school_names),
        watch: Watch::read(root.table("watch")),
        ss12000: Ss12000::read_all(&root, &school_names, root.has("public-url")),
        providers,
        calendars,
        ladders,
        programmes,
        schools,
        public_url,
        api_token,
        templates: root.path("templates"),
    };
    judge_sources(&root, &config);
    ladders::judge(&root, &config);
    root.finish();
    config
}

/// The tables of sources: their ids are of one kind.
const SOURCES: [&str; 4] = ["sources", "ss12000", "drop", "edlevo"];

/// Whether no two sources have one id, and the directory comes from one place.
fn judge_sources(root: &Reader<'_>, config: &Config) {
    let mut known = BTreeSet::new();
    for (name, reader) in SOURCES.into_iter().flat_map(|table| root.tables(table)) {
        if !known.insert(name) {
            let what = format!("{} has the id of a source twice", reader.title());
            reader.error_at_head(what, "give one of them another name");
        }
    }
    let asked = config.ss12000.iter().map(|(id, source)| ("ss12000", id, source.gives));
    let dropped = config.drop.iter().map(|(id, source)| ("drop", id, source.gives));
    let mut giving = asked.chain(dropped).filter(|(_, _, gives)| gives.directory);
    let Some((_, first, _)) = giving.next() else { return };
    for (table, other, _) in giving {
        let what = format!("two sources give the directory: {first} and {other}");
        let reader = root.tables(table).into_iter().find(|(name, _)| name == other.as_str());
        if let Some((_, reader)) = reader {
            reader.error("gives", what, "leave \"directory\" to one of them");
        }
    }
    if config.directory.folder.is_some() {
        root.table("directory").error(
            "folder",
            format!("`folder` is the directory's place, and {first} gives the directory too"),
            "remove the one or the other",
        );
    }
}

fn public_url(root: &Reader<'_>, has_providers: bool) -> Option<String> {
    let expected = "the address that the outside reaches us by, as \"https://upprop.example.se\"";
    let url = root.parsed("public-url", expected, address::base_url);
    if let Some(url) = url.as_deref().filter(|url| address::is_exposed(url)) {
        root.warn(
            "public-url",
            format!("`public-url` is {url}: delivery reports, with their secret, come without TLS"),
            "write https://…",
        );
    }
    if has_providers && !root.has("public-url") {
        root.warn(
            "public-url",
            "no `public-url`: providers have nowhere to send delivery reports, so undelivered texts go unnoticed",
            "add public-url = \"https://upprop.example.se\" above the first table",
        );
    }
    url
}

#[cfg(test)]
mod tests;
