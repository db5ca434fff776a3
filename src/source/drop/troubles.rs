//! What is wrong with a folder, file by file: a trouble is over when it is over for each file that has it, not when
//! the next file is a good one. What lies in `rejected` is told until somebody takes it away, for a day at most.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::kind::Kind;
use super::take::later;
use super::{Worker, apart, folder};

/// A file of which nothing was taken lies in `rejected`.
pub(super) const REJECTED_FILE: &str = "rejected-file";
/// Rows of a file lie in `rejected`.
pub(super) const BAD_ROWS: &str = "bad-rows";
/// A file that lies there cannot be read.
pub(super) const UNREADABLE_FILE: &str = "unreadable-file";
/// A file was written to while it was read.
pub(super) const REWRITTEN_FILE: &str = "rewritten-file";
/// A file that is done with cannot be moved.
pub(super) const NOT_MOVED: &str = "not-moved";
/// A file waits for something else.
pub(super) const PUT_OFF: &str = "put-off";

/// How long it is told that something lies in `rejected`.
const TOLD: SignedDuration = SignedDuration::from_hours(24);

/// What is wrong, by kind and by the file that it is wrong with.
#[derive(Default)]
pub(super) struct Troubles(BTreeMap<&'static str, BTreeMap<String, Told>>);

struct Told {
    what: String,
    remedy: String,
    at: Timestamp,
}

impl Worker<'_> {
    /// Something is wrong with a file.
    pub(super) fn trouble_of(
        &mut self,
        kind: &'static str,
        of: &str,
        what: String,
        remedy: &str,
        at: Timestamp,
    ) {
        let told = Told { what: what.clone(), remedy: remedy.to_owned(), at };
        let files = self.troubles.0.entry(kind).or_default();
        let is_other = !files.is_empty() && !files.contains_key(of);
        files.insert(of.to_owned(), told);
        if is_other {
            tracing::warn!(source = %self.source(), trouble = kind, what, remedy, "a drop folder");
        }
        self.trouble(kind, what, remedy);
    }

    /// That is not wrong with it any more.
    pub(super) fn well_of(&mut self, kind: &'static str, of: &str) {
        self.keep_troubles(&[kind], |name, _| name != of);
    }

    /// Troubles of these kinds are over but for such files.
    fn keep_troubles(&mut self, kinds: &[&'static str], is_so: impl Fn(&str, Timestamp) -> bool) {
        for kind in kinds {
            let Some(files) = self.troubles.0.get_mut(kind) else { continue };
            let before = files.len();
            files.retain(|of, told| is_so(of, told.at));
            if files.len() == before {
                continue;
            }
            // What is told is what is wrong still.
            let last = files.values().max_by_key(|told| told.at);
            match last.map(|told| (told.what.clone(), told.remedy.clone())) {
                Some((what, remedy)) => self.trouble(kind, what, &remedy),
                None => self.well(kind),
            }
        }
    }

    /// Files that lie there no more have no troubles.
    pub(super) fn forget_gone(&mut self, lying: &BTreeSet<String>) {
        let kinds = [UNREADABLE_FILE, REWRITTEN_FILE, NOT_MOVED, PUT_OFF];
        self.keep_troubles(&kinds, |of, _| of == DIRECTORY || lying.contains(of));
    }

    /// In the place of rejected files of the directory others of these kinds have been taken.
    pub(super) fn forget_rejected(&mut self, kinds: &BTreeSet<Kind>) {
        let settings = self.settings();
        self.keep_troubles(&[REJECTED_FILE], |of, _| {
            settings.kind(of).is_none_or(|kind| !kinds.contains(&kind))
        });
    }

    /// Tells of what a former process rejected.
    pub(super) async fn recall_rejected(&mut self) {
        let folder = self.settings().folder.clone();
        let since = self.now().saturating_sub(TOLD).unwrap_or(Timestamp::MIN);
        // Where it cannot be read, it is not there yet, or that is told by what is to be written there.
        for found in apart(move || folder::reasons(&folder, since)).await.unwrap_or_default() {
            let kind = if found.first.starts_with(NOTHING) { REJECTED_FILE } else { BAD_ROWS };
            let what = found.first.trim_end_matches('.').to_owned();
            self.trouble_of(kind, &found.name, what, &see(&found.name), found.at);
        }
    }

    /// What has been taken away from `rejected`, mended or not, is told no more; nor what has lain there for long.
    pub(super) async fn look_at_rejected(&mut self) {
        let kinds = [REJECTED_FILE, BAD_ROWS];
        let files = kinds.iter().filter_map(|kind| self.troubles.0.get(kind));
        let names: Vec<String> = files.flat_map(BTreeMap::keys).cloned().collect();
        if names.is_empty() {
            return;
        }
        let (folder, now) = (self.settings().folder.clone(), self.now());
        let left = apart(move || folder::still_rejected(&folder, names)).await;
        self.keep_troubles(&kinds, |of, at| left.contains(of) && now < later(at, TOLD));
    }
}

/// Of which file a trouble of the whole directory is.
pub(super) const DIRECTORY: &str = "";
/// How the reason for a whole file begins.
pub(super) const NOTHING: &str = "Nothing of ";

/// What to do about what lies in `rejected`.
pub(super) fn see(placed: &str) -> String {
    let name = crate::model::shown(placed, 80);
    format!(
        "see {name}.reason.txt in the folder rejected; mend {name} and put it back, or take it away"
    )
}
