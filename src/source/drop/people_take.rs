//! The files of the directory from where they lie to where they stay: together, once all of them rest, and whole or
//! not at all. Decides nothing: the feed judges a directory.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use jiff::Timestamp;

use super::bad;
use super::folder::{self, DONE};
use super::kind::Kind;
use super::people::{self, Around, CURRENT, NoDirectory, Part, file_name};
use super::records::Stopped;
use super::settings::Layout;
use super::take::{Rested, later};
use super::{Worker, apart};
use crate::directory::{LoadError, load};
use crate::env::random;
use crate::model::NotificationId;
use crate::source::roster::{Offer, report};
use crate::store::ledger::{self, Unit};
use crate::store::{Commit, StoreError, tables};

/// Bytes of the key that civic numbers are made unreadable with.
const KEY: usize = 32;

impl Worker<'_> {
    /// Takes the directory that the files make together with those in force; when to look again.
    #[allow(clippy::too_many_lines, reason = "one journey, in its order")]
    pub(super) async fn people(&mut self, rested: Vec<Rested>) -> Result<Timestamp, StoreError> {
        // Of two files of one kind the later stands; the other is done with then.
        let mut new: BTreeMap<Kind, Rested> = BTreeMap::new();
        let mut superseded = Vec::new();
        for file in rested {
            superseded.extend(new.insert(file.kind, file));
        }
        let current = self.current().await;
        let parts: Vec<Part> = Kind::ALL
            .into_iter()
            .filter_map(|kind| {
                let own = new.get(&kind).map(|file| Part {
                    kind,
                    path: file.path.clone(),
                    about: file.lying.about,
                });
                own.or_else(|| current.iter().find(|part| part.kind == kind).cloned())
            })
            .collect();
        let confirm = load::confirmation(&self.settings().folder);
        let tried = (parts.clone(), confirm.clone());
        if parts.is_empty() || self.tried.as_ref() == Some(&tried) {
            return Ok(Timestamp::MAX);
        }
        let since = new.values().map(|file| file.since).max().unwrap_or(Timestamp::MIN);
        let patience = later(since, self.settings().patience);
        let needed = match self.settings().writing.layout {
            Layout::OneRoster => [Kind::Users, Kind::Orgs],
            Layout::Upprop | Layout::Skola24Guardians => [Kind::Pupils, Kind::Guardians],
        };
        let missing = needed.into_iter().find(|kind| !parts.iter().any(|part| part.kind == *kind));
        if let Some(kind) = missing {
            let what = format!("the directory waits for {}", file_name(kind));
            self.trouble("directory", what, "put it into the folder too");
            return Ok(Timestamp::MAX);
        }
        let around = Around {
            settings: self.settings().clone(),
            schools: self.drop.offering.intake.directory().load().schools.keys().cloned().collect(),
            phone: self.drop.phone.clone(),
            key: self.key().await?,
            now: self.now(),
        };
        let loading = parts.clone();
        let loaded = match apart(move || people::load(&loading, &around)).await {
            Ok((loaded, passed_over)) => {
                if passed_over > 0 {
                    tracing::info!(source = %self.source(), passed_over, "rows of the directory concern no school here");
                }
                loaded
            }
            Err(NoDirectory::File(_, Stopped::Io(error))) => {
                let what = format!("a file of the directory cannot be read ({error})");
                self.trouble("unreadable-file", what, "give upprop's user the right to read it");
                return Ok(later(self.now(), self.settings().still));
            }
            // The rest of them may be under way.
            Err(_) if self.now() < patience => return Ok(patience),
            Err(NoDirectory::File(kind, Stopped::Bad(fault))) => {
                self.tried = Some(tried);
                let bad = new.remove(&kind).into_iter().collect();
                return self.unusable(bad, &bad::why(&fault)).await;
            }
            Err(NoDirectory::Rows(error)) => {
                self.tried = Some(tried);
                return self.unusable(new.into_values().collect(), &lines(&error)).await;
            }
        };
        self.well("unreadable-file");
        let offer = match self.drop.feed.take(self.source(), loaded, confirm.as_deref()).await {
            Ok(offer) => offer,
            Err(StoreError::Busy(why)) => {
                self.trouble(
                    "put-off",
                    format!("the directory waits: {why}"),
                    "it is taken by itself when that is over",
                );
                return Ok(later(self.now(), self.settings().poll));
            }
            Err(error) => return Err(error),
        };
        report(&offer);
        self.tried = Some(tried);
        match offer {
            Offer::Taken { .. } | Offer::Unchanged => {
                self.well("directory");
                self.drop.offering.contacts.answered(self.source(), self.now());
                self.keep(new, superseded).await;
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
        Ok(Timestamp::MAX)
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
    async fn keep(&mut self, new: BTreeMap<Kind, Rested>, superseded: Vec<Rested>) {
        let folder = self.settings().folder.clone();
        let moved = apart(move || {
            let inner = folder::inner(&folder, CURRENT)?;
            for file in superseded {
                let about = file.lying.about;
                folder::put_aside(&folder, &file.path, DONE, &unread(&file), &about)?;
            }
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
                std::fs::rename(&file.path, inner.join(format!("{}.{ending}", kind.as_str())))?;
            }
            Ok::<(), std::io::Error>(())
        });
        match moved.await {
            Ok(()) => self.well("not-moved"),
            Err(error) => {
                let what =
                    format!("files of the directory are in force and cannot be moved ({error})");
                self.trouble(
                    "not-moved",
                    what,
                    "give upprop's user the right to write in the folder, current and done",
                );
            }
        }
    }

    async fn unusable(&mut self, files: Vec<Rested>, why: &str) -> Result<Timestamp, StoreError> {
        if files.is_empty() {
            self.trouble(
                "directory",
                "the directory's files in current cannot be used any more".into(),
                "put all of them into the folder again",
            );
        }
        for file in files {
            let (folder, path) = (self.settings().folder.clone(), file.path.clone());
            let (digest, why, about) = (unread(&file), why.to_owned(), file.lying.about);
            match apart(move || bad::reject(&folder, &path, &digest, &why, &about)).await {
                Ok(placed) => {
                    let remedy = format!("see {placed}.reason.txt in the folder rejected");
                    self.trouble(
                        "directory",
                        "the directory's files cannot be used".into(),
                        &remedy,
                    );
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Interrupted) => {}
                Err(error) => {
                    let what = format!("a file of the directory cannot be moved ({error})");
                    self.trouble(
                        "not-moved",
                        what,
                        "give upprop's user the right to write in the folder",
                    );
                }
            }
        }
        Ok(Timestamp::MAX)
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
