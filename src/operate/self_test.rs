//! The self-test: does everything that sending needs work now, without anything being sent? Each line says what
//! was found and what to do. Network checks are bounded in time and run side by side. Tells no secret, number,
//! address or name.

mod local;
mod outside;
mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{FORMAT, VERSION};
use crate::directory::Roster;
use crate::env::{Clock, MailWire, Wire};
use crate::intake::{Contacts, Described};
use crate::model::{ProviderId, SchoolId, SourceId, WireError};
use crate::store::Kv;

/// What came of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// It works.
    Ok,
    /// It does not.
    Failed,
    /// It was not, or could not be, tried.
    NotTested,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// What was checked.
    pub check: String,
    /// What came of it.
    pub finding: Finding,
    /// In words.
    pub words: String,
    /// What to do about it, where something is to be done.
    pub remedy: Option<String>,
}

impl Line {
    /// It works.
    pub fn ok(check: impl Into<String>, words: impl Into<String>) -> Self {
        let (check, words) = (check.into(), words.into());
        Self { check, finding: Finding::Ok, words, remedy: None }
    }

    /// It does not, and what to do.
    pub fn failed(
        check: impl Into<String>,
        words: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (check, words) = (check.into(), words.into());
        Self { check, finding: Finding::Failed, words, remedy: Some(remedy.into()) }
    }

    /// It was not tried, and why.
    pub fn not_tested(check: impl Into<String>, words: impl Into<String>) -> Self {
        let (check, words) = (check.into(), words.into());
        Self { check, finding: Finding::NotTested, words, remedy: None }
    }

    fn with_remedy(mut self, remedy: &str) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// The whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SelfTest {
    /// [`FORMAT`].
    pub format: u32,
    /// The program that was tested.
    pub version: String,
    /// Whether the daemon itself did it.
    pub by_daemon: bool,
    /// Each check, in order.
    pub lines: Vec<Line>,
}

impl SelfTest {
    /// How many checks failed.
    pub fn failed(&self) -> usize {
        self.lines.iter().filter(|line| line.finding == Finding::Failed).count()
    }
}

/// How an account is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// The request shows whether we are let in.
    Login,
    /// A token is fetched to make it; the answer itself shows only that the gateway is there.
    Token,
    /// It shows only that the gateway is there.
    Reach,
}

/// One account for texts.
#[derive(Debug, Clone)]
pub struct AccountProbe {
    /// Which.
    pub id: ProviderId,
    /// What is asked; sends no text.
    pub request: http::Request<Bytes>,
    /// What the answer shows.
    pub trial: Trial,
}

/// One source that is asked, or looked for.
#[derive(Debug, Clone)]
pub struct SourceProbe {
    /// Which.
    pub id: SourceId,
    /// What is tried.
    pub tried: SourceTrial,
}

/// What is wrong with what came of a question, and what to do, in the words of the source's own contact; none: it is
/// an answer that can be used, or nothing that its kind knows.
pub type Judge = fn(&Result<http::Response<Bytes>, WireError>, Timestamp) -> Option<Wrong>;

/// What is wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// In words.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// How a source is tried.
#[derive(Debug, Clone)]
pub enum SourceTrial {
    /// A question that changes nothing; an answer of 200 that can be used shows that we are let in.
    Ask {
        /// What is asked.
        request: Box<http::Request<Bytes>>,
        /// What came of it.
        judge: Judge,
    },
    /// A folder that must be there.
    Folder(PathBuf),
}

/// Where mail goes.
#[derive(Debug, Clone)]
pub enum MailProbe {
    /// Nowhere.
    None,
    /// Into a folder.
    Folder(PathBuf),
    /// To a relay.
    Relay,
}

/// What is tried.
pub struct Probes {
    /// HTTP.
    pub wire: Arc<dyn Wire>,
    /// Mail.
    pub mail: Arc<dyn MailWire>,
    /// Accounts for texts.
    pub accounts: Vec<AccountProbe>,
    /// Sources that are asked: a question that changes nothing.
    pub sources: Vec<SourceProbe>,
    /// Where mail goes.
    pub mail_to: MailProbe,
    /// Tables of the configuration whose secrets could not be read here, as `providers.elks`.
    pub unread: BTreeSet<String>,
    /// Schools and their zones.
    pub zones: Vec<(SchoolId, TimeZone)>,
    /// Renders every text.
    pub texts: Box<dyn Fn() -> Line + Send + Sync>,
    /// The control socket.
    pub control: PathBuf,
    /// Whether delivery reports have an address.
    pub public_url: bool,
    /// The longest that one network check may take.
    pub patience: Duration,
}

/// What only whoever runs the test has.
pub struct Here<'a> {
    /// The store, or why there is none to be tried.
    pub kv: Result<&'a dyn Kv, String>,
    /// People in force; none: not known without the daemon.
    pub roster: Option<&'a Roster>,
    /// The sources.
    pub sources: BTreeMap<SourceId, Described>,
    /// The contact with them; none: no daemon.
    pub contacts: Option<Contacts>,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Whether this is the daemon.
    pub by_daemon: bool,
}

/// Tries everything.
pub async fn run(probes: &Probes, here: &Here<'_>) -> SelfTest {
    let mut lines = local::store(here).await;
    let (outside, dates) = outside::all(probes, here.clock).await;
    lines.push(local::clock(here.clock, &dates));
    lines.extend(zones::all(&probes.zones, here.clock.now()));
    lines.push((probes.texts)());
    lines.extend(outside);
    lines.extend(local::sources(probes, here).await);
    lines.push(local::directory(here));
    lines.push(local::control(probes, here));
    lines.push(Line::not_tested(
        "public-url",
        if probes.public_url {
            "whether delivery reports reach it from outside cannot be seen from here; send a test and look whether \
             it becomes `delivered`"
        } else {
            "none is set, so there are no delivery reports"
        },
    ));
    SelfTest { format: FORMAT, version: VERSION.into(), by_daemon: here.by_daemon, lines }
}
