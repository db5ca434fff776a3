//! The files of the directory from where they lie to where they stay: together, once all of them rest, and whole or
//! not at all. Decides nothing: the feed judges a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use jiff::Timestamp;

use super::bad;
use super::folder::{self, DONE};
use super::kind::Kind;
use super::people::{self, Around, CURRENT, NoDirectory, Part, file_name};
use super::records::Stopped;
use super::settings::Layout;
use super::take::{self, Rested, later};
use super::troubles::{
    self, DIRECTORY, NOT_MOVED, PUT_OFF, REJECTED_FILE, REWRITTEN_FILE, UNREADABLE_FILE,
};
use super::{Worker, apart};
use crate::directory::check::NO_SUCH_PUPIL;
use crate::directory::{LoadError, Place, load};
use crate::env::random;
use crate::model::{NotificationId, shown};
use crate::source::roster::{Offer, report};
use crate::store::ledger::{self, Unit};
use crate::store::{Commit, StoreError, tables};

/// Bytes of the key that civic numbers are made unreadable with.
const KEY: usize = 32;

/// What is remembered of the directory's files between two looks.
#[derive(Default)]
pub(super) struct Tried {
    /// Files, and the confirmation beside them, of which nothing more is to be had.
    files: Option<(Vec<Part>, Option<String>)>,
    /// Those in force, when they were last judged with nothing beside them.
    stood: Option<(Vec<Part>, Option<String>)>,
    /// Since when files have been waiting for others of their export.
    misfit_since: Option<Timestamp>,
    /// When the same files are to be tried again.
    again: Option<Timestamp>,
    /// Since when files have lain there that were not judged.
    open_since: Option<Timestamp>,
    /// Whether what lies there has been judged.
    pub is_judged: bool,
}

impl Worker<'_> {
    /// Takes the directory that the files make together with those in force; when to look again.
    pub(super) async fn people(&mut self, rested: Vec<Rested>) -> Result<Timestamp, StoreError> {
        self.people.is_judged = false;
        let (new, former) = newest(rested);
        let current = self.current().await;
        let own = |kind| new.get(&kind).map(part);
        let of_current = |kind| current.iter().find(|part| part.kind == kind).cloned();
        let parts: Vec<Part> = Kind::ALL
            .into_iter()
            .filter_map(|kind| own(kind).or_else(|| of_current(kind)))
            .collect();
        let confirm = load::confirmation(&self.settings().folder);
        let all = parts.iter().cloned().chain(former.iter().map(part)).collect();
        let tried = (all, confirm.clone());
        if parts.is_empty() {
            return Ok(self.judged(Timestamp::MAX));
        }
        if self.people.files.as_ref() == Some(&tried) {
            match self.people.again {
                Some(at) if at <= self.now() => {}
                at => return Ok(self.judged(at.unwrap_or(Timestamp::MAX))),
            }
        }
        self.people.again = None;
        if new.is_empty() && self.people.stood.as_ref() == Some(&tried) {
            // What came beside them was rejected: nothing waits, and nobody has said again that they are right.
            self.well("directory");
            self.people.files = Some(tried);
            return Ok(self.judged(Timestamp::MAX));
        }
        let largest = self.settings().largest;
        if let Some(file) = new.values().find(|file| file.lying.about.size > largest) {
            self.unusable(vec![file.clone()], &bad::why(&take::too_large())).await;
            return Ok(later(self.now(), self.settings().still));
        }
        let needed = match self.settings().writing.layout {
            Layout::OneRoster => [Kind::Users, Kind::Orgs],
            Layout::Upprop | Layout::Skola24Guardians => [Kind::Pupils, Kind::Guardians],
        };
        let missing = needed.into_iter().find(|kind| !parts.iter().any(|part| part.kind == *kind));
        if let Some(kind) = missing {
            let what = format!("the directory waits for {}", file_name(kind));
            self.trouble("directory", what, "put it into the folder too");
            return Ok(self.judged(Timestamp::MAX));
        }
        let around = self.around().await?;
        let pairs = former.iter().filter_map(|file| Some((part(file), own(file.kind)?))).collect();
        if let Some(kind) = self.split(pairs, &around).await {
            self.tell_split(kind);
            self.people.files = Some(tried);
            return Ok(self.judged(Timestamp::MAX));
        }
        let since = new.values().map(|file| file.since).max().unwrap_or(Timestamp::MIN);
        let patience = later(since, self.settings().patience);
        let is_patient = self.now() < patience;
        let loaded = match apart(move || people::load(&parts, &around)).await {
            // It may have been cut off.
            Ok(made) if is_patient && made.unended.iter().any(|kind| new.contains_key(kind)) => {
                return Ok(patience);
            }
            Ok(made) => {
                self.note_passed_over(made.passed_over);
                made.loaded
            }
            Err(NoDirectory::File(kind, Stopped::Io(error))) => {
                self.unreadable_part(kind, &error);
                return Ok(later(self.now(), self.settings().still));
            }
            // The rest of them may be under way.
            Err(_) if is_patient => return Ok(patience),
            Err(NoDirectory::File(kind, Stopped::Bad(fault))) => {
                self.people.files = Some(tried);
                let bad = new.into_iter().filter(|(of, _)| *of == kind).map(|(_, file)| file);
                self.unusable(bad.collect(), &bad::why(&fault)).await;
                return Ok(self.judged(Timestamp::MAX));
            }
            Err(NoDirectory::Rows(error)) => {
                self.people.files = Some(tried);
                let absent = needed.into_iter().filter(|kind| !new.contains_key(kind)).collect();
                return Ok(self.unfit(new, absent, &error).await);
            }
        };
        self.well_of(UNREADABLE_FILE, DIRECTORY);
        self.well_of(REWRITTEN_FILE, DIRECTORY);
        let offer = match self.drop.feed.take(self.source(), loaded, confirm.as_deref()).await {
            Ok(offer) => offer,
            Err(StoreError::Busy(why)) => {
                self.tell_put_off(&why);
                return Ok(later(self.now(), self.settings().poll));
            }
            Err(error) => return Err(error),
        };
        self.well_of(PUT_OFF, DIRECTORY);
        report(&offer);
        if new.is_empty() {
            self.people.stood = Some(tried.clone());
        }
        self.people.files = Some(tried);
        self.people.misfit_since = None;
        self.answered(offer, new, former).await;
        Ok(self.judged(Timestamp::MAX))
    }

    fn tell_split(&mut self, kind: Kind) {
        let what = format!(
            "several files that could be {} lie there and speak of different schools: none is taken",
            file_name(kind)
        );
        let remedy = "export all schools into one file of each kind, and take the others away";
        self.trouble("directory", what, remedy);
    }

    fn note_passed_over(&self, passed_over: usize) {
        if passed_over > 0 {
            tracing::info!(source = %self.source(), passed_over, "rows of the directory concern no school here");
        }
    }

    fn tell_put_off(&mut self, why: &str) {
        let remedy = "it is taken by itself when that is over";
        let what = format!("the directory waits: {why}");
        self.trouble_of(PUT_OFF, DIRECTORY, what, remedy, self.now());
    }

    /// The feed has judged the directory that the files make.
    async fn answered(&mut self, offer: Offer, new: BTreeMap<Kind, Rested>, former: Vec<Rested>) {
        match offer {
            Offer::Taken { .. } | Offer::Unchanged => {
                self.well("directory");
                self.drop.offering.contacts.answered(self.source(), self.now());
                let kinds: BTreeSet<Kind> = new.keys().copied().collect();
                self.forget_rejected(&kinds);
                self.supersede(former, &new).await;
                self.keep(new).await;
            }
            Offer::Refused { causes, digest } => {
                let remedy = format!(
                    "if it is right, write {digest} into {} in the folder",
                    load::CONFIRM_FILE
                );
                self.trouble(
                    "directory",
                    format!("a directory is held back: {}", causes.join("; ")),
                    &remedy,
                );
            }
            Offer::Unusable { problems } => {
                self.trouble("directory", problems.join("; "), "export it again");
            }
            Offer::FromElsewhere => {}
        }
    }

    /// The files make no directory: they wait for those that are absent, or are rejected; when to look again.
    async fn unfit(
        &mut self,
        new: BTreeMap<Kind, Rested>,
        absent: Vec<Kind>,
        error: &LoadError,
    ) -> Timestamp {
        let may_wait = !new.is_empty() && !absent.is_empty() && is_misfit(error, &new);
        if may_wait && let Some(until) = self.wait_for(&absent, error.problems.len()) {
            return self.judged(until);
        }
        self.people.misfit_since = None;
        self.unusable(new.into_values().collect(), &lines(error)).await;
        self.judged(Timestamp::MAX)
    }

    /// Until when marks wait for files of the directory that lie there and have not been judged: whoever is protected
    /// now, or came now, is not to be decided about by the old ones. Not for long: a pupil may be missing.
    pub(super) fn waits_for_people(&mut self, lying: usize, now: Timestamp) -> Option<Timestamp> {
        if lying == 0 || self.people.is_judged {
            self.people.open_since = None;
            return None;
        }
        let since = *self.people.open_since.get_or_insert(now);
        let until = later(later(since, self.settings().still), self.settings().patience);
        (now < until).then_some(until)
    }

    /// What lies there has been judged, and needs nothing before then.
    fn judged(&mut self, next: Timestamp) -> Timestamp {
        self.people.is_judged = true;
        next
    }

    async fn around(&self) -> Result<Around, StoreError> {
        Ok(Around {
            settings: self.settings().clone(),
            schools: self.drop.offering.intake.directory().load().schools.keys().cloned().collect(),
            phone: self.drop.phone.clone(),
            key: self.key().await?,
            now: self.now(),
        })
    }

    /// Of which kind two files speak of schools that are not the same: neither stands for the other.
    async fn split(&self, pairs: Vec<(Part, Part)>, around: &Around) -> Option<Kind> {
        if pairs.is_empty() {
            return None;
        }
        let around = around.clone();
        let other = move |(former, later): (Part, Part)| {
            // What cannot be used speaks of nothing.
            let of = |part: &Part| people::schools(part, &around).unwrap_or_default();
            (!of(&former).is_subset(&of(&later))).then_some(former.kind)
        };
        apart(move || pairs.into_iter().find_map(other)).await
    }

    /// Has files that do not fit those in force wait for the rest of their export: until when; none: no longer.
    fn wait_for(&mut self, absent: &[Kind], problems: usize) -> Option<Timestamp> {
        let now = self.now();
        let since = *self.people.misfit_since.get_or_insert(now);
        let until = later(since, self.settings().together);
        if until <= now {
            return None;
        }
        let names: Vec<&str> = absent.iter().map(|kind| file_name(*kind)).collect();
        let names = names.join(", ");
        let what = format!(
            "the directory waits for {names}: {problems} rows do not fit the files in force"
        );
        let remedy = format!(
            "put {names} of the same export into the folder too; at {} what lies there is rejected",
            until.strftime("%Y-%m-%d %H:%M UTC")
        );
        self.trouble("directory", what, &remedy);
        self.people.again = Some(until);
        Some(until)
    }

    fn unreadable_part(&mut self, kind: Kind, error: &std::io::Error) {
        let (name, now) = (file_name(kind), self.now());
        match error.kind() {
            ErrorKind::NotFound => {}
            ErrorKind::Interrupted => {
                let what = format!("a file that could be {name} was changed while it was read");
                self.trouble_of(REWRITTEN_FILE, DIRECTORY, what, take::REWRITTEN, now);
            }
            _ => {
                let what = format!("a file of the directory cannot be read ({error})");
                let remedy = "give upprop's user the right to read it";
                self.trouble_of(UNREADABLE_FILE, DIRECTORY, what, remedy, now);
            }
        }
    }

    /// Puts files aside in whose place a later one of their kind was taken, and says so.
    async fn supersede(&mut self, former: Vec<Rested>, new: &BTreeMap<Kind, Rested>) {
        for file in former {
            let Some(later) = new.get(&file.kind) else { continue };
            let why = format!(
                "{} lay beside it and is the later of the two: that one was taken in its place.",
                later.lying.name
            );
            if let Some(placed) = self.reject_part(&file, &why).await {
                let what = format!(
                    "{} was not taken: a later file of its kind lay beside it",
                    shown(&file.lying.name, 80)
                );
                let remedy = "export one file of each kind; see the reason in the folder rejected, and take \
                              both away";
                self.trouble_of(REJECTED_FILE, &placed, what, remedy, self.now());
            }
        }
    }

    /// The files of the directory in force.
    async fn current(&self) -> Vec<Part> {
        let path = self.settings().folder.join(CURRENT);
        let inner = path.clone();
        let listed = apart(move || folder::list(&inner)).await.unwrap_or_default();
        let parts = listed.files.into_iter().filter_map(|lying| {
            let stem = lying.name.rsplit_once('.').map(|(stem, _)| stem.to_owned())?;
            let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == stem)?;
            Some(Part { kind, path: path.join(&lying.name), about: lying.about })
        });
        parts.collect()
    }

    /// Lets new files take the place of those in force.
    async fn keep(&mut self, new: BTreeMap<Kind, Rested>) {
        let folder = self.settings().folder.clone();
        let moved = apart(move || {
            let inner = folder::inner(&folder, CURRENT)?;
            for (kind, file) in new {
                let ending = file.lying.name.rsplit_once('.').map_or("csv", |(_, ending)| ending);
                for old in folder::list(&inner)?.files {
                    if old.name.rsplit_once('.').is_some_and(|(stem, _)| stem == kind.as_str()) {
                        folder::put_aside(
                            &folder,
                            &inner.join(&old.name),
                            DONE,
                            &written(old.about),
                            &old.about,
                        )?;
                    }
                }
                let to = inner.join(format!("{}.{ending}", kind.as_str()));
                folder::put_in_place(&folder, &file.path, &to, &file.lying.about)?;
            }
            Ok::<(), std::io::Error>(())
        });
        match moved.await {
            Ok(()) => self.well_of(NOT_MOVED, DIRECTORY),
            // Another was put in its place: that one is judged by itself.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Interrupted) => {}
            Err(error) => {
                let what =
                    format!("files of the directory are in force and cannot be moved ({error})");
                let remedy =
                    "give upprop's user the right to write in the folder, current and done";
                self.trouble_of(NOT_MOVED, DIRECTORY, what, remedy, self.now());
            }
        }
    }

    async fn unusable(&mut self, files: Vec<Rested>, why: &str) {
        if files.is_empty() {
            self.trouble(
                "directory",
                "the directory's files in current cannot be used any more".into(),
                "put all of them into the folder again",
            );
        }
        for file in files {
            if let Some(placed) = self.reject_part(&file, why).await {
                let what = format!("{} was not taken", shown(&file.lying.name, 80));
                self.trouble_of(REJECTED_FILE, &placed, what, &troubles::see(&placed), self.now());
            }
        }
    }

    /// Puts a file aside; its name there, unless it is not there.
    async fn reject_part(&mut self, file: &Rested, why: &str) -> Option<String> {
        let (folder, path) = (self.settings().folder.clone(), file.path.clone());
        let (digest, why, about) = (unread(file), why.to_owned(), file.lying.about);
        match apart(move || bad::reject(&folder, &path, &digest, &why, &about)).await {
            Ok(placed) => {
                self.drop.offering.meter.rejected(1);
                self.well_of(NOT_MOVED, DIRECTORY);
                return Some(placed);
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Interrupted) => {}
            Err(error) => {
                let what = format!("a file of the directory cannot be moved ({error})");
                let remedy = "give upprop's user the right to write in the folder";
                self.trouble_of(NOT_MOVED, DIRECTORY, what, remedy, self.now());
            }
        }
        None
    }

    /// The key of this folder, made when it is first needed.
    async fn key(&self) -> Result<Vec<u8>, StoreError> {
        let row = tables::source_key(self.source());
        if let Some(key) = ledger::read::<Vec<u8>>(self.kv(), &row).await? {
            return Ok(key);
        }
        let mut key = vec![0; KEY];
        random::fill(&mut key);
        let mut unit = Unit::new(self.kv());
        unit.write(row, &key);
        let _: Commit = unit.commit().await?;
        Ok(key)
    }
}

/// Of each kind the file that comes last, and the others.
fn newest(rested: Vec<Rested>) -> (BTreeMap<Kind, Rested>, Vec<Rested>) {
    let mut new = BTreeMap::new();
    let mut former = Vec::new();
    for file in rested {
        former.extend(new.insert(file.kind, file));
    }
    (new, former)
}

fn part(file: &Rested) -> Part {
    Part { kind: file.kind, path: file.path.clone(), about: file.lying.about }
}

/// Whether all that is wrong may be put right by another file: it stands in a file in force, which was right beside
/// the others there, or is a pupil who is in no file.
fn is_misfit(error: &LoadError, new: &BTreeMap<Kind, Rested>) -> bool {
    let is_new = |file: &str| new.keys().any(|kind| file_name(*kind) == file);
    let of_pupils = |kind: &Kind| matches!(kind, Kind::Pupils | Kind::Users);
    let has_pupils = new.keys().any(of_pupils);
    error.problems.iter().all(|problem| match problem.place {
        Place::Line(file, _) | Place::File(file) => {
            !is_new(file) || (!has_pupils && problem.what == NO_SUCH_PUPIL)
        }
        _ => false,
    })
}

fn lines(error: &LoadError) -> String {
    const MOST: usize = 1_000;
    let mut lines: Vec<String> =
        error.problems.iter().take(MOST).map(ToString::to_string).collect();
    if error.problems.len() > MOST {
        lines.push(format!("and {} more", error.problems.len() - MOST));
    }
    lines.join("\n")
}

fn unread(file: &Rested) -> String {
    written(file.lying.about)
}

fn written(about: folder::About) -> String {
    let parts = [about.size.to_string(), about.written_at().to_string()];
    NotificationId::of(&[&parts[0], &parts[1]]).as_str().to_owned()
}
