//! Whether the store is whole: every row can be read and is where its value says, what refers to something
//! finds it, and the journal is as it was written. Names rows by their table and a digest of their key, for
//! keys hold pupils' ids; messages and what waits for them by the message's id. Mends nothing.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::FORMAT;
use super::check_rows::{Finding, look};
use crate::model::{NotificationId, hex};
use crate::store::journal::Replayed;
use crate::store::tables::{self, TABLES};
use crate::store::{Kv, Progress, StoreError, after_prefix};

/// Most problems that are shown.
const SHOWN: usize = 1_000;
/// Rows read at a time.
const PAGE: usize = 1_000;

/// What the store holds, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Checked {
    /// [`FORMAT`].
    pub format: u32,
    /// The last group that the rows were looked at after; none: the store could not be opened.
    pub sequence: Option<u64>,
    /// Each table that has rows.
    pub tables: Vec<Table>,
    /// The journal; none: there is none.
    pub journal: Option<JournalFound>,
    /// What is wrong, the first thousand.
    pub problems: Vec<Problem>,
    /// How many problems more there are.
    pub more_problems: u64,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Table {
    /// What it holds.
    pub table: String,
    /// How many rows.
    pub rows: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// How many problems there are with them.
    pub problems: u64,
}

/// The journal as it was read, every checksum verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct JournalFound {
    /// The last group.
    pub last: u64,
    /// Groups read.
    pub groups: u64,
    /// The base they come after; none: they go back to the first.
    pub base: Option<u64>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Problem {
    /// In which table, or `journal`, or `store`.
    pub table: String,
    /// Which row: a message's id, or a digest of the key. Empty: not one row.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl From<Replayed> for JournalFound {
    fn from(read: Replayed) -> Self {
        let Replayed { last, groups, base } = read;
        Self { last, groups, base }
    }
}

impl Checked {
    /// Before anything was looked at.
    pub fn new(sequence: Option<u64>) -> Self {
        Self {
            format: FORMAT,
            sequence,
            tables: Vec::new(),
            journal: None,
            problems: Vec::new(),
            more_problems: 0,
        }
    }

    /// Adds a problem.
    pub fn found(&mut self, table: &str, key: String, what: String, remedy: &str) {
        if self.problems.len() == SHOWN {
            self.more_problems += 1;
            return;
        }
        let (table, remedy) = (table.to_owned(), remedy.to_owned());
        self.problems.push(Problem { table, key, what, remedy });
    }

    /// Adds what reading the journal came to.
    pub fn journal(&mut self, read: Result<Option<JournalFound>, String>) {
        match read {
            Ok(found) => self.journal = found,
            Err(what) => self.found(
                "journal",
                String::new(),
                what,
                "put the file back from a copy; or, if the rows are sound, run `upprop store compact`, \
                 which begins the journal anew",
            ),
        }
    }
}

/// Looks at every row of a store that stands still: a snapshot, or one that nobody else has open.
///
/// # Errors
/// When the store fails.
pub async fn rows(
    kv: &dyn Kv,
    checked: &mut Checked,
    progress: &Progress,
) -> Result<(), StoreError> {
    progress.begin(0);
    let mut from = Vec::new();
    for (prefix, name) in TABLES {
        unknown(kv, checked, &from, prefix).await?;
        table(kv, checked, prefix, name, progress).await?;
        from = after_prefix(prefix);
    }
    let end = vec![u8::MAX; 64];
    unknown(kv, checked, &from, &end).await?;
    super::check_rows::directory(kv, checked).await?;
    progress.end();
    Ok(())
}

async fn table(
    kv: &dyn Kv,
    checked: &mut Checked,
    prefix: &[u8],
    name: &str,
    progress: &Progress,
) -> Result<(), StoreError> {
    let (mut rows, mut bytes, mut problems) = (0, 0, 0);
    let end = after_prefix(prefix);
    let mut from = prefix.to_vec();
    loop {
        let page = kv.scan(&from, &end, PAGE).await?;
        progress.step(page.len() as u64);
        for (key, value) in &page {
            rows += 1;
            bytes += (key.len() + value.len()) as u64;
            if let Some(Finding { what, remedy }) = look(kv, prefix, key, value).await? {
                problems += 1;
                checked.found(name, shown(prefix, key), what, remedy);
            }
        }
        let Some((last, _)) = page.last() else { break };
        from = [last.as_slice(), &[0]].concat();
        // Whoever else has work on this thread comes in between.
        tokio::task::yield_now().await;
    }
    if rows > 0 {
        checked.tables.push(Table { table: name.into(), rows, bytes, problems });
    }
    Ok(())
}

/// Rows between two tables belong to none.
async fn unknown(
    kv: &dyn Kv,
    checked: &mut Checked,
    from: &[u8],
    to: &[u8],
) -> Result<(), StoreError> {
    for (key, _) in kv.scan(from, to, SHOWN).await? {
        checked.found(
            "unknown",
            digest(&key),
            "belongs to no table that this program knows".into(),
            "a newer upprop wrote it; install that release or a later one",
        );
    }
    Ok(())
}

/// A row's name that says nothing of anybody.
fn shown(prefix: &[u8], key: &[u8]) -> String {
    let rest = &key[prefix.len()..];
    let id = match prefix {
        tables::NOTIFICATIONS => rest.strip_suffix(&[0]).unwrap_or(rest),
        tables::ALL_DUE => rest.get(9..).unwrap_or_default(),
        _ => return digest(key),
    };
    let id = std::str::from_utf8(id).ok().and_then(|id| NotificationId::parse(id).ok());
    id.map_or_else(|| digest(key), |id| id.to_string())
}

fn digest(key: &[u8]) -> String {
    hex(&Sha256::digest(key).as_slice()[..8])
}

/// What a row is worth that cannot be read.
pub(super) fn unreadable(error: &StoreError) -> Finding {
    let remedy = match error {
        StoreError::Refused(_) => "install the newer release, or a later one",
        _ => {
            "make the store again from the journal: `upprop store rebuild`; if it stays so, restore a backup"
        }
    };
    Finding { what: error.to_string(), remedy }
}

/// Whether a key holds anything.
pub(super) async fn is_there(kv: &dyn Kv, key: &[u8]) -> Result<bool, StoreError> {
    Ok(kv.get(key).await?.is_some_and(|value: Bytes| !value.is_empty()))
}
