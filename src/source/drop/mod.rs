//! A watched folder that an export writes files into: marks, lessons, advance notices and the directory. Reads
//! what has come to rest, hands it on, and puts it aside; decides nothing about it.

mod bad;
mod batch;
pub mod columns;
pub mod file;
mod folder;
pub mod kind;
mod lessons;
mod oneroster;
mod people;
mod people_take;
pub mod records;
pub mod rows;
pub mod settings;
mod standing;
mod take;
pub mod text;
mod troubles;
mod unknown;
pub mod values;
pub mod waiting;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::directory::phone::PhoneRules;
use crate::model::SourceId;
use crate::source::marks::Offering;
use crate::source::roster::RosterFeed;
use crate::store::ledger::{self, Unit};
use crate::store::rows::Cursor;
use crate::store::{Commit, Kv, StoreError, tables};
use folder::{About, DONE, Listed, Lying};
use kind::Kind;
use people_take::Tried;
use records::Format;
use settings::{Order, Settings};
use take::{Rested, Step, key, later};
use troubles::Troubles;

/// How often what has been kept long enough is looked for.
const TIDY: SignedDuration = SignedDuration::from_hours(1);

/// One drop folder.
pub struct DropFolder {
    /// How it is to be read.
    pub settings: Settings,
    /// To whom marks and the like go.
    pub offering: Offering,
    /// To whom the directory goes.
    pub feed: Arc<RosterFeed>,
    /// Which numbers are taken.
    pub phone: PhoneRules,
}

impl DropFolder {
    /// Watches until `stop`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> Result<(), StoreError> {
        let changed = Arc::new(Notify::new());
        let _watcher = watcher(&self.settings.folder, changed.clone());
        let mut worker = Worker::start(&self).await?;
        worker.recall_rejected().await;
        let mut tidied = Timestamp::MIN;
        loop {
            let now = worker.now();
            if now >= tidied {
                worker.tidy(now).await;
                tidied = later(now, TIDY);
            }
            let next = tokio::select! {
                // What is taken is taken to its end, or from its start the next time.
                () = stop.cancelled() => return Ok(()),
                next = worker.look() => next?,
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = changed.notified() => {}
                () = self.offering.intake.clock().sleep_until(next) => {}
            }
        }
    }
}

/// What is remembered between two looks.
struct Worker<'a> {
    drop: &'a DropFolder,
    first_asked_at: Timestamp,
    /// Files as they were last seen, and since when.
    seen: BTreeMap<String, (About, Timestamp)>,
    /// When each file is to be looked at again, as it was then.
    waits: BTreeMap<String, (About, Timestamp)>,
    /// Files that were taken and could not be moved.
    finished: BTreeMap<String, (About, String)>,
    /// Files in `done` that were looked through there.
    checked: BTreeMap<String, About>,
    people: Tried,
    troubles: Troubles,
    /// Whether rows have been kept since it was last told how many wait.
    has_kept: bool,
}

impl<'a> Worker<'a> {
    async fn start(drop: &'a DropFolder) -> Result<Self, StoreError> {
        let (kv, now) = (drop.offering.intake.kv().as_ref(), drop.offering.intake.clock().now());
        let key = tables::cursor(&drop.offering.source, "files");
        let first_asked_at = if let Some(cursor) = ledger::read::<Cursor>(kv, &key).await? {
            cursor.first_asked_at
        } else {
            let mut unit = Unit::new(kv);
            unit.write(key, &Cursor { first_asked_at: now, after: None, whole: true });
            let _: Commit = unit.commit().await?;
            now
        };
        Ok(Self {
            drop,
            first_asked_at,
            seen: BTreeMap::new(),
            waits: BTreeMap::new(),
            finished: BTreeMap::new(),
            checked: BTreeMap::new(),
            people: Tried::default(),
            troubles: Troubles::default(),
            has_kept: false,
        })
    }

    fn settings(&self) -> &'a Settings {
        &self.drop.settings
    }

    fn source(&self) -> &'a SourceId {
        &self.drop.offering.source
    }

    fn kv(&self) -> &'a dyn Kv {
        self.drop.offering.intake.kv().as_ref()
    }

    fn now(&self) -> Timestamp {
        self.drop.offering.intake.clock().now()
    }

    fn cursor(&self, kind: Kind) -> Vec<u8> {
        tables::cursor(self.source(), &format!("files {}", kind.as_str()))
    }

    /// Looks once, takes what has come to rest, and says when to look again.
    async fn look(&mut self) -> Result<Timestamp, StoreError> {
        let folder = self.settings().folder.clone();
        let listed = apart(move || {
            Ok::<_, std::io::Error>((folder::list(&folder)?, folder::grown(&folder)?))
        });
        let (listed, grown) = match listed.await {
            Ok(listed) => listed,
            Err(error) => {
                let what = format!(
                    "the folder {} cannot be read ({error})",
                    self.settings().folder.display()
                );
                self.trouble(
                    "folder",
                    what,
                    "make it, and give upprop's user the right to read and write in it",
                );
                return Ok(later(self.now(), self.settings().poll));
            }
        };
        self.well("folder");
        self.tell_strangers(&listed);
        let now = self.now();
        let mut next = later(now, self.settings().poll);
        let lie = |file: &Lying| self.settings().kind(&file.name).is_some_and(Kind::is_directory);
        let people = listed.files.iter().filter(|file| lie(file)).count();
        let keys = |files: &[Lying], is_aside| {
            files.iter().map(|file| key(&file.name, is_aside)).collect::<Vec<_>>()
        };
        let lying = [keys(&listed.files, false), keys(&grown, true)].concat();
        self.forget_gone(&lying.into_iter().collect());
        self.look_at_rejected().await;
        let mut rested = self.rested(listed.files, false, now, &mut next);
        rested.extend(self.rested(grown, true, now, &mut next));
        let by_name = self.settings().order == Order::Name;
        rested.sort_by_cached_key(|file| {
            let written = (!by_name).then(|| file.lying.about.written_at());
            (file.kind, written, file.lying.name.clone())
        });
        let (parts, others): (Vec<_>, Vec<_>) =
            rested.into_iter().partition(|file| file.kind.is_directory());
        let parts: Vec<_> = parts.into_iter().filter(|file| !file.is_aside).collect();
        let gives = |is: fn(Kind) -> bool| self.settings().names.keys().any(|kind| is(*kind));
        let (has_people, has_marks) =
            (gives(Kind::is_directory), gives(|kind| kind == Kind::Attendance));
        // All of them, or they are of two exports.
        self.people.is_judged = false;
        if parts.len() == people && has_people {
            next = next.min(self.people(parts).await?);
        }
        if let Some(until) = self.waits_for_people(people, now) {
            return Ok(next.min(until));
        }
        if has_marks {
            self.take_kept().await?;
        }
        for file in others {
            next = next.min(self.one(&file).await?);
        }
        if has_marks && self.has_kept {
            self.has_kept = false;
            self.take_kept().await?;
        }
        Ok(next)
    }

    /// Takes one file, or leaves it until it is time; when to look again.
    async fn one(&mut self, file: &Rested) -> Result<Timestamp, StoreError> {
        let (name, about) = (&file.lying.name, file.lying.about);
        let key = file.key();
        if let Some((of, until)) = self.waits.get(&key)
            && *of == about
            && *until > self.now()
        {
            return Ok(*until);
        }
        let finished = self.finished.get(name).filter(|(of, _)| *of == about && !file.is_aside);
        let step = match finished.map(|(_, digest)| digest.clone()) {
            Some(digest) => self.aside(file, &digest).await?,
            None => self.take(file).await?,
        };
        match step {
            Step::Over => {
                self.waits.remove(&key);
                if file.is_aside {
                    self.checked.insert(name.clone(), about);
                }
                Ok(Timestamp::MAX)
            }
            Step::Again(until) => {
                self.waits.insert(key, (about, until));
                Ok(until)
            }
        }
    }

    /// Files of known kinds that have been as they are for long enough.
    fn rested(
        &mut self,
        files: Vec<Lying>,
        is_aside: bool,
        now: Timestamp,
        next: &mut Timestamp,
    ) -> Vec<Rested> {
        let settings = self.settings();
        let mut seen = BTreeMap::new();
        let mut rested = Vec::new();
        for lying in files {
            let Some(kind) = settings.kind(&lying.name) else { continue };
            if is_aside && self.checked.get(&lying.name) == Some(&lying.about) {
                continue;
            }
            let key = key(&lying.name, is_aside);
            let since = match self.seen.get(&key) {
                Some((about, since)) if *about == lying.about => *since,
                _ => now,
            };
            seen.insert(key, (lying.about, since));
            let ready = later(since, settings.still);
            if ready > now {
                *next = (*next).min(ready);
                continue;
            }
            let inner = if is_aside { settings.folder.join(DONE) } else { settings.folder.clone() };
            rested.push(Rested { path: inner.join(&lying.name), lying, kind, since, is_aside });
        }
        let is_here = |key: &String| is_aside == key.starts_with("done/");
        self.seen.retain(|key, _| !is_here(key));
        self.waits.retain(|key, _| !is_here(key) || seen.contains_key(key));
        if !is_aside {
            self.finished.retain(|name, _| seen.contains_key(name));
        }
        self.seen.extend(seen);
        rested
    }

    /// Tells of what lies there and is not taken.
    fn tell_strangers(&mut self, listed: &Listed) {
        let strange = listed.files.iter().filter(|file| self.settings().kind(&file.name).is_none());
        let strange = strange.count() + listed.odd;
        if strange == 0 {
            self.well("unknown-file");
            return;
        }
        let what = format!(
            "{strange} things lie in the folder that are not taken: their names are those of no kind of file"
        );
        self.trouble("unknown-file", what, "remove them, or say in the configuration what such files are called and what the folder gives");
    }

    fn trouble(&self, kind: &str, what: String, remedy: &str) {
        let contacts = &self.drop.offering.contacts;
        if contacts.trouble(self.source(), kind, what.clone(), remedy.to_owned(), self.now()) {
            tracing::warn!(source = %self.source(), trouble = kind, what, remedy, "a drop folder");
        }
    }

    fn well(&self, kind: &str) {
        if self.drop.offering.contacts.well(self.source(), kind) {
            tracing::info!(source = %self.source(), trouble = kind, "is over");
        }
    }

    async fn tidy(&self, now: Timestamp) {
        let folder = self.settings().folder.clone();
        let limit = now.saturating_sub(self.settings().keep).unwrap_or(Timestamp::MIN);
        match apart(move || folder::tidy(&folder, limit)).await {
            Ok(files) => {
                self.well("not-removed");
                if files > 0 {
                    tracing::info!(source = %self.source(), files, "old files were removed");
                }
            }
            Err(error) => {
                let what = format!("old files cannot be removed ({error})");
                self.trouble(
                    "not-removed",
                    what,
                    "give upprop's user the right to write in done and rejected",
                );
            }
        }
    }
}

impl Settings {
    /// What a file is about, by its name; none: it is not taken.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        Format::of(name)?;
        let is = |(kind, patterns): (&Kind, &Vec<settings::Pattern>)| {
            patterns.iter().any(|pattern| pattern.is_met_by(name)).then_some(*kind)
        };
        self.names.iter().find_map(is)
    }
}

/// Work with files, on a thread that nobody waits for.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being shut down, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Network shares give no notice of what others write: the poll sees it, so a failure here only costs time.
fn watcher(folder: &Path, changed: Arc<Notify>) -> Option<notify::RecommendedWatcher> {
    use notify::Watcher as _;
    let tell = move |event: notify::Result<notify::Event>| {
        // Our own reading is no news.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            changed.notify_one();
        }
    };
    let say =
        |error: &notify::Error| tracing::warn!(%error, "the folder is looked at by polling only");
    let mut watcher = notify::recommended_watcher(tell).inspect_err(say).ok()?;
    watcher.watch(folder, notify::RecursiveMode::NonRecursive).inspect_err(say).ok()?;
    Some(watcher)
}

#[cfg(test)]
mod worker_tests;
