//! Opening: what sled and the journal mean together, and what is done about it. Every combination
//! is decided by [`plan`], which is pure; the rest carries it out.
//!
//! A group goes to the journal first, is answered when it is on the disk there, and sled has it a little
//! later. So after a crash the journal is level with sled or some groups ahead, all of which its two
//! newest segments hold: `committer` begins no third before sled has the first. Anything else is a fault
//! that nobody should paper over: sled has lost what it said was on the disk, or files were moved.
//!
//! | sled holds | journal ends at | means | done |
//! |---|---|---|---|
//! | nothing | nothing, or 0 | a new store, or a crash while making one | both begun |
//! | nothing | 1 or more | sled's folder is gone, or a rebuild was interrupted | refused: rebuild |
//! | 0 | nothing | a crash while making the store | journal begun |
//! | *n* ≥ 1 | nothing | the journal's folder is gone | journal begun with a base of all rows, and a warning |
//! | *n* | *n* | a clean stop, or a crash when nothing was open | opened |
//! | *n* | more, all of them in its two newest segments | a crash before sled had them | the journal's last groups are written again |
//! | *n* | the same, and one of them says that sled had more | sled lost groups, or is an older copy | the same, without the directory, which the journal does not hold: it must be loaded again |
//! | *n* | more, not all of them there | sled lost groups that were on the disk | refused: rebuild |
//! | *n* | less than *n* | the journal lost groups, or is from another time | refused: move it aside |
//! | rows, no sequence | anything | not a store of ours | refused |
//! | a newer format | anything | a newer program wrote it | refused: install that |
//! | cannot be opened | anything | damage, a full disk or a permission | refused: mend, or rebuild |
//!
//! sled's folder is `store`, or the one that a compaction named in `current`; others of that kind are what a
//! crash left of a compaction, and go once the one that is named has been accepted.
//!
//! A torn append at the journal's end counts as not there and is cut off once the rest is accepted;
//! if sled holds that very group the journal is the one that lost it, and is refused as such.
//!
//! What the journal's last groups lead to is compared with sled and goes to the memtable where it
//! differs, also for groups that sled says it has: a crash of the machine may have left it with part of
//! what was open; what it lacks of those is written to it before anything else, for nothing would keep their
//! groups at hand. Each group says what its keys hold afterwards, so the last word about each key stands.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    Settings, StoreError, compact,
    disk::{self, Lock},
    journal::{self, BULK_PREFIX, Journal, JournalError, Tail, base, frame::Frame},
    layers::Layers,
    sled::{Engine, EngineError, FORMAT, Marked},
};

/// How the operator has the store made again.
pub const REBUILD: &str = "upprop store rebuild";

/// What opening leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Mark sled as ours and begin the journal, unless it is there.
    Create,
    /// Begin the journal.
    BeginJournal,
    /// Write all rows to a base and begin the journal after it.
    ReplaceJournal,
    /// Write the journal's last groups again, then go on.
    Resume,
}

/// Why sled and the journal do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// There are groups and no rows.
    #[error("the store is empty, but its journal goes to group {journal}")]
    StoreLost {
        /// The journal's last group.
        journal: u64,
    },
    /// sled lost groups.
    #[error("the store ends at group {store}, but its journal goes to group {journal}")]
    StoreBehind {
        /// sled's last group.
        store: u64,
        /// The journal's.
        journal: u64,
    },
    /// The journal lost groups.
    #[error("the store goes to group {store}, but its journal ends at group {journal}")]
    JournalBehind {
        /// sled's last group.
        store: u64,
        /// The journal's.
        journal: u64,
    },
}

/// Decides, from the last group of sled (none: nothing was ever written) and of the journal (none:
/// there is no journal) with the last one that is no longer at hand, what opening leads to.
///
/// # Errors
/// See [`Mismatch`].
pub fn plan(store: Option<u64>, journal: Option<(u64, u64)>) -> Result<Plan, Mismatch> {
    match (store, journal) {
        (None, None | Some((0, _))) => Ok(Plan::Create),
        (None, Some((journal, _))) => Err(Mismatch::StoreLost { journal }),
        (Some(0), None) => Ok(Plan::BeginJournal),
        (Some(_), None) => Ok(Plan::ReplaceJournal),
        (Some(store), Some((journal, before))) if store <= journal => {
            if store >= before || store == journal {
                Ok(Plan::Resume)
            } else {
                Err(Mismatch::StoreBehind { store, journal })
            }
        }
        (Some(store), Some((journal, _))) => Err(Mismatch::JournalBehind { store, journal }),
    }
}

/// A store ready for its committer.
pub struct Recovered {
    /// sled and what it lacks of the journal.
    pub layers: Layers,
    /// The journal's open end; none when the hardening leaves it out.
    pub journal: Option<Journal>,
    /// The last group of both.
    pub sequence: u64,
    /// The folder is ours.
    pub lock: Lock,
}

/// Opens sled and the journal and brings them level.
///
/// # Errors
/// [`StoreError::Refused`], in words, with what to do.
pub fn open(settings: &Settings) -> Result<Recovered, StoreError> {
    let lock = disk::lock(&settings.dir)?;
    refuse_unfinished_restore(settings)?;
    compact::named(&settings.current()).map_err(|error| {
        StoreError::Refused(format!(
            "{}, which says what folder the store is, cannot be read: {error}; mend that",
            settings.current().display()
        ))
    })?;
    let dir = settings.journal_dir();
    let tail = if settings.hardening.journal {
        disk::make_dir(&dir)
            .and_then(|()| disk::remove_unfinished(&dir))
            .map_err(JournalError::io(&dir))?;
        journal::tail(&dir).map_err(|error| damaged_journal(settings, error))?
    } else {
        None
    };
    let end = tail.as_ref().map(|tail| (tail.last, tail.before));
    if !Engine::exists(&settings.store_dir()) {
        // Asked before sled makes its folder, so that a refusal leaves everything as it was.
        plan(None, end).map_err(|mismatch| refusal(settings, mismatch))?;
    }
    let engine = Engine::open(&settings.store_dir(), settings)
        .map_err(|error| unusable_store(settings, error))?;
    let store = store_end(settings, &engine)?;
    let plan = if settings.hardening.journal {
        plan(store, end).map_err(|mismatch| refusal(settings, mismatch))?
    } else if store.is_some() {
        Plan::Resume
    } else {
        Plan::Create
    };
    if store.is_some() {
        // Not before this one is accepted, nor where sled is new: another one may be needed.
        compact::remove_others(settings).map_err(|error| unusable_store(settings, error))?;
    }
    let layers = Layers::new(engine, store.unwrap_or(0), settings.hardening.journal);
    let sequence = carry_out(plan, settings, &layers, store, tail.as_ref())?;
    let journal = settings
        .hardening
        .journal
        .then(|| Journal::resume(&dir, tail.as_ref(), sequence, settings.journal_segment_bytes))
        .transpose()?;
    Ok(Recovered { layers, journal, sequence, lock })
}

/// Does to the store, and to the journal where there is none, what the plan says; returns the last group.
fn carry_out(
    plan: Plan,
    settings: &Settings,
    layers: &Layers,
    store: Option<u64>,
    tail: Option<&Tail>,
) -> Result<u64, StoreError> {
    let unusable = |error| unusable_store(settings, error);
    let known = store.unwrap_or(0);
    match plan {
        Plan::Create => {
            layers.flush().map_err(unusable)?;
        }
        Plan::Resume => {
            let Some(tail) = tail else { return Ok(known) };
            if tail.last > known {
                tracing::info!(
                    groups = tail.last - known,
                    last = tail.last,
                    "a crash came between journal and store: the journal's last groups are written again"
                );
            }
            if known < tail.flushed {
                tracing::error!(
                    store = known,
                    had = tail.flushed,
                    "the store is older than it was: an older copy was put back, or its disk lost writes; the \
                     journal makes up for all but the directory, which is left aside until it is loaded again"
                );
                layers.forget(BULK_PREFIX).map_err(unusable)?;
            }
            // What only sled holds of the directory is newer than what it knows from here.
            let bulk_after = known.max(tail.flushed);
            let groups = journal::since(&settings.journal_dir(), known)
                .map_err(|error| damaged_journal(settings, error))?;
            if write_again(layers, &groups, tail.last, (known, bulk_after)).map_err(unusable)? {
                // Nothing else says that sled lacks them, so nothing would keep the groups at hand.
                layers.flush().map_err(unusable)?;
            }
            return Ok(tail.last);
        }
        Plan::ReplaceJournal => {
            tracing::warn!(
                dir = %settings.journal_dir().display(),
                group = store,
                "the journal is gone: a new one is begun with all rows of the store, which may lack, whole or in \
                 part, what was taken in the last seconds before a crash"
            );
            base::write(&settings.journal_dir(), layers)?;
        }
        Plan::BeginJournal => {}
    }
    Ok(known)
}

/// Writes what the journal's last groups lead to, where it is not so already; nothing on the disk changes.
/// Returns whether any of that is of a group that sled says it has.
fn write_again(
    layers: &Layers,
    groups: &[Frame],
    last: u64,
    (known, bulk_after): (u64, u64),
) -> Result<bool, EngineError> {
    let mut rows: BTreeMap<&[u8], (Option<&Bytes>, u64)> = BTreeMap::new();
    for group in groups {
        let is_newer = group.sequence > bulk_after;
        let writes =
            group.writes.iter().filter(|(key, _)| is_newer || !key.starts_with(BULK_PREFIX));
        let word = |value| (Option::as_ref(value), group.sequence);
        rows.extend(writes.map(|(key, value)| (key.as_slice(), word(value))));
    }
    let mut differing = Vec::new();
    let mut mends = false;
    for (key, (value, sequence)) in rows {
        if !layers.is(key, value.map(|value| &**value))? {
            mends |= sequence <= known;
            differing.push((key, value));
        }
    }
    layers.write(last, differing.into_iter());
    Ok(mends)
}

/// The last group of sled; none when nothing was ever written.
fn store_end(settings: &Settings, engine: &Engine) -> Result<Option<u64>, StoreError> {
    match engine.marked().map_err(|error| unusable_store(settings, error))? {
        Marked::Fresh => Ok(None),
        Marked::At { format, sequence } if format <= FORMAT => Ok(Some(sequence)),
        Marked::At { format, .. } => Err(StoreError::Refused(format!(
            "this store was written by a newer upprop (format {format}, this binary knows \
             {FORMAT}); install that release or a later one"
        ))),
        Marked::Foreign => Err(StoreError::Refused(format!(
            "{} holds rows and no mark of upprop: it is another program's, or was made before the \
             first release; name another folder",
            settings.store_dir().display()
        ))),
    }
}

/// Refuses a folder in which a restore was interrupted: half of it may be the old store.
///
/// # Errors
/// [`StoreError::Refused`], with what to do.
pub fn refuse_unfinished_restore(settings: &Settings) -> Result<(), StoreError> {
    if !settings.restoring().exists() {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "a restore into {} was interrupted; run `upprop store restore` again with `--replace --yes`",
        settings.dir.display()
    )))
}

fn refusal(settings: &Settings, mismatch: Mismatch) -> StoreError {
    let remedy = match mismatch {
        Mismatch::StoreLost { .. } | Mismatch::StoreBehind { .. } => {
            format!("`{REBUILD}` makes the store again from the journal and keeps the old one")
        }
        Mismatch::JournalBehind { .. } => aside(settings),
    };
    StoreError::Refused(format!("{mismatch}; {remedy}"))
}

fn damaged_journal(settings: &Settings, error: JournalError) -> StoreError {
    match error {
        JournalError::Damaged { .. } => StoreError::Refused(format!(
            "{error}, or, if the store itself is sound, {}",
            aside(settings)
        )),
        other => other.into(),
    }
}

fn aside(settings: &Settings) -> String {
    format!(
        "move {} aside, keep it, and start again: a new journal is begun with all rows of the store, \
         which may lack, whole or in part, what was taken in the last seconds before a crash",
        settings.journal_dir().display()
    )
}

fn unusable_store(settings: &Settings, error: impl std::fmt::Display) -> StoreError {
    StoreError::Refused(format!(
        "the store in {} cannot be used: {error}; if the disk is full or a permission is wrong, mend \
         that; otherwise `{REBUILD}` makes the store again from the journal",
        settings.store_dir().display()
    ))
}

impl From<JournalError> for StoreError {
    fn from(error: JournalError) -> Self {
        Self::Refused(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_is_decided() {
        let (lost, behind) = (
            |journal| Err(Mismatch::StoreLost { journal }),
            |store, journal| Err(Mismatch::StoreBehind { store, journal }),
        );
        let table = [
            (None, None, Ok(Plan::Create)),
            (None, Some((0, 0)), Ok(Plan::Create)),
            (None, Some((1, 0)), lost(1)),
            (None, Some((9, 9)), lost(9)),
            (Some(0), None, Ok(Plan::BeginJournal)),
            (Some(0), Some((0, 0)), Ok(Plan::Resume)),
            (Some(0), Some((1, 0)), Ok(Plan::Resume)),
            (Some(0), Some((2, 1)), behind(0, 2)),
            (Some(5), None, Ok(Plan::ReplaceJournal)),
            (Some(5), Some((5, 0)), Ok(Plan::Resume)),
            (Some(5), Some((5, 5)), Ok(Plan::Resume)),
            (Some(5), Some((6, 5)), Ok(Plan::Resume)),
            (Some(5), Some((9, 0)), Ok(Plan::Resume)),
            (Some(5), Some((9, 5)), Ok(Plan::Resume)),
            (Some(5), Some((9, 6)), behind(5, 9)),
            (Some(5), Some((6, 6)), behind(5, 6)),
            (Some(5), Some((4, 0)), Err(Mismatch::JournalBehind { store: 5, journal: 4 })),
            (Some(5), Some((0, 0)), Err(Mismatch::JournalBehind { store: 5, journal: 0 })),
        ];
        for (store, journal, expected) in table {
            assert_eq!(plan(store, journal), expected, "store {store:?}, journal {journal:?}");
        }
    }
}
