//! One file from where it lies to where it goes: looked through, known or new, taken row by row, remembered, and put
//! aside, in this order. A stop anywhere has it read again, and nothing of it is told twice.

use std::io::ErrorKind;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use super::bad::{self, BadRows};
use super::batch::Batches;
use super::file::{self, Open, Survey};
use super::folder::{self, About, DONE, Lying, NOTE};
use super::kind::Kind;
use super::lessons::Lessons;
use super::records::{Fault, Row, Stopped};
use super::settings::{Repeats, Writing};
use super::standing::Standing;
use super::values::Bad;
use super::{Worker, apart};
use crate::model::{NotificationId, shown};
use crate::store::ledger::{self, Unit};
use crate::store::rows::{Cursor, TakenFile};
use crate::store::{Commit, StoreError, tables};

/// Rows taken at a time.
const BATCH: usize = 1_000;

/// What became of a file for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It needs nothing more.
    Over,
    /// It is to be looked at again by then.
    Again(Timestamp),
}

/// A file that has come to rest.
#[derive(Debug, Clone)]
pub struct Rested {
    /// Its name and what it is.
    pub lying: Lying,
    /// Where it is.
    pub path: PathBuf,
    /// What it is about.
    pub kind: Kind,
    /// Since when it has been as it is.
    pub since: Timestamp,
    /// Whether it is in `done` already, and was written to there.
    pub is_aside: bool,
}

/// A file and its bad rows, while it is read on another thread.
struct Reader {
    open: Open,
    bad: BadRows,
}

impl Worker<'_> {
    /// Takes one file.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn take(&mut self, file: &Rested) -> Result<Step, StoreError> {
        match self.try_take(file).await {
            Err(StoreError::Busy(why)) => {
                let what = format!("{} waits: {why}", name(file));
                self.trouble("put-off", what, "it is taken by itself when that is over");
                Ok(self.again(self.settings().poll))
            }
            other => other,
        }
    }

    async fn try_take(&mut self, file: &Rested) -> Result<Step, StoreError> {
        let Lying { about, .. } = &file.lying;
        let patience = later(file.since, self.settings().patience);
        let is_patient = self.now() < patience;
        if about.size == 0 && is_patient {
            return Ok(Step::Again(patience));
        }
        if about.size > self.settings().largest {
            let fault = Fault::new(
                None,
                "is larger than `largest` of the configuration allows",
                "export less at a time, or raise `largest`".into(),
            );
            return self.reject(file, &bad::why(&fault), &of_about(file)).await;
        }
        let survey = match self.survey(file).await {
            Ok(survey) => survey,
            // It may not have been written to its end.
            Err(Stopped::Bad(_)) if is_patient => return Ok(Step::Again(patience)),
            Err(Stopped::Bad(fault)) => {
                return self.reject(file, &bad::why(&fault), &of_about(file)).await;
            }
            Err(Stopped::Io(error)) => return Ok(self.unreadable(file, &error)),
        };
        self.well("unreadable-file");
        if !survey.is_ended && is_patient {
            return Ok(Step::Again(patience));
        }
        match self.begin(file, &survey).await? {
            Begun::Known(before) => self.known(file, &survey, &before).await,
            Begun::New(row) => self.rows(file, &survey, row).await,
        }
    }

    async fn survey(&self, file: &Rested) -> Result<Survey, Stopped> {
        let (path, about, kind) = (file.path.clone(), file.lying.about, file.kind);
        let writing = self.settings().writing.clone();
        apart(move || file::survey(&path, about, kind, &writing)).await
    }

    /// Remembers that a file is being taken, so that it was written at the same time whenever it is read.
    async fn begin(&self, file: &Rested, survey: &Survey) -> Result<Begun, StoreError> {
        let (kv, source) = (self.kv(), self.source());
        let key = tables::taken_file(source, &survey.digest);
        let written_at = file.lying.about.written_at().min(self.now());
        let known: Option<TakenFile> = ledger::read(kv, &key).await?;
        if let Some(row) = known {
            if row.taken_at.is_none() {
                return Ok(Begun::New(row));
            }
            let is_last = || async {
                let last: Option<Cursor> = ledger::read(kv, &self.cursor(file.kind)).await?;
                Ok::<_, StoreError>(last.and_then(|last| last.after) == Some(row.written_at))
            };
            let is_repeat = match self.settings().repeats {
                // A plan that is as it was before is told to nobody, and must not be missed.
                Repeats::Known if file.kind != Kind::Schedule => true,
                Repeats::Known | Repeats::ByTime => {
                    written_at <= row.written_at || is_last().await?
                }
            };
            if is_repeat {
                return Ok(Begun::Known(row));
            }
        }
        let row = TakenFile { written_at, taken_at: None, rows: 0, bad: 0 };
        let mut unit = Unit::new(kv);
        unit.write(key, &row);
        let _: Commit = unit.commit().await?;
        Ok(Begun::New(row))
    }

    /// Takes the rows of a file that is not known, or was not taken to its end.
    async fn rows(
        &mut self,
        file: &Rested,
        survey: &Survey,
        begun: TakenFile,
    ) -> Result<Step, StoreError> {
        let (path, about, kind) = (file.path.clone(), file.lying.about, file.kind);
        let writing = self.settings().writing.clone();
        let folder = self.settings().folder.clone();
        let opened = apart(move || {
            let open = Open::new(&path, about, kind, &writing)?;
            Ok::<_, Stopped>(Reader { open, bad: BadRows::new(&folder) })
        });
        let mut reader = match opened.await {
            Ok(reader) => reader,
            Err(stopped) => return Ok(self.stopped(file, stopped)),
        };
        let mut batches = Batches {
            offering: &self.drop.offering,
            settings: &self.drop.settings,
            kind: file.kind,
            file: survey.digest[..12].to_owned(),
            written_at: begun.written_at,
            first_asked_at: self.first_asked_at,
            lessons: Lessons::default(),
            standing: Standing::default(),
        };
        if let Err(stopped) = look(file, &self.settings().writing, &mut batches).await {
            drop(batches);
            let _: String = reader.bad.cancel();
            return Ok(self.stopped(file, stopped));
        }
        let (mut good, mut new, mut bad) = (0, 0, Vec::new());
        loop {
            let (back, rows) = next(reader, bad).await;
            reader = back;
            let rows = match rows {
                Ok(rows) => rows,
                Err(stopped) => {
                    drop(batches);
                    let _: String = reader.bad.cancel();
                    return Ok(self.stopped(file, stopped));
                }
            };
            if rows.is_empty() {
                break;
            }
            let came = match batches.take(&reader.open.reading, rows).await {
                Ok(came) => came,
                Err(error) => {
                    let _: String = reader.bad.cancel();
                    return Err(error);
                }
            };
            (good, new, bad) = (good + came.good, new + came.new, came.bad);
        }
        drop(batches);
        self.well("put-off");
        let is_same = reader.open.digest() == survey.digest
            && folder::about(&file.path).is_ok_and(|now| now == Some(about));
        if !is_same {
            let _: String = reader.bad.cancel();
            return Ok(self.stopped(file, file::changed()));
        }
        let all_bad = reader.bad.count();
        if good == 0 && all_bad > 0 {
            let why = reader.bad.cancel();
            return self.reject(file, &why, &survey.digest).await;
        }
        if all_bad > 0 {
            let name = file.lying.name.clone();
            let kept = reader.bad;
            if let Err(error) = apart(move || kept.finish(&name, good)).await {
                return Ok(self.unwritable(&error));
            }
            let what =
                format!("{all_bad} rows of {} could not be taken", name_of(&file.lying.name));
            let remedy = "see the reasons in the folder rejected; mend the rows and put them back";
            self.trouble("bad-rows", what, remedy);
        } else {
            self.well("bad-rows");
        }
        let row = TakenFile { taken_at: Some(self.now()), rows: good, bad: all_bad, ..begun };
        self.remember(file.kind, survey, &row).await?;
        tracing::info!(
            source = %self.source(), file = name(file), rows = good, new, bad = all_bad, "file taken"
        );
        self.drop.offering.contacts.answered(self.source(), self.now());
        self.aside(file, &survey.digest).await
    }

    async fn remember(
        &self,
        kind: Kind,
        survey: &Survey,
        row: &TakenFile,
    ) -> Result<(), StoreError> {
        let (kv, cursor) = (self.kv(), self.cursor(kind));
        let last: Option<Cursor> = ledger::read(kv, &cursor).await?;
        let after = last.and_then(|last| last.after).max(Some(row.written_at));
        let mut unit = Unit::new(kv);
        unit.write(tables::taken_file(self.source(), &survey.digest), row);
        unit.write(cursor, &Cursor { first_asked_at: self.first_asked_at, after, whole: true });
        let _: Commit = unit.commit().await?;
        Ok(())
    }

    /// A file that holds what another held: a note says so.
    async fn known(
        &mut self,
        file: &Rested,
        survey: &Survey,
        before: &TakenFile,
    ) -> Result<Step, StoreError> {
        let step = self.aside(file, &survey.digest).await?;
        if let (Step::Over, Some(at), false) = (step, before.taken_at, file.is_aside) {
            let text = format!(
                "What {} holds had been taken already, at {}: nothing was taken from it again.\n",
                file.lying.name,
                at.strftime("%Y-%m-%d %H:%M:%S UTC")
            );
            let folder = self.settings().folder.clone();
            let note = format!("{}{NOTE}", file.lying.name);
            let written = apart(move || folder::write(&folder, DONE, &note, text.as_bytes(), None));
            if let Err(error) = written.await {
                tracing::warn!(source = %self.source(), %error, "a note could not be written");
            }
            tracing::info!(source = %self.source(), file = name(file), "file known already");
        }
        self.drop.offering.contacts.answered(self.source(), self.now());
        Ok(step)
    }

    /// Moves what is done with. Where that fails, it lies where it is and is known.
    pub(super) async fn aside(&mut self, file: &Rested, digest: &str) -> Result<Step, StoreError> {
        if file.is_aside {
            return Ok(Step::Over);
        }
        let folder = self.settings().folder.clone();
        let (path, of, about) = (file.path.clone(), digest.to_owned(), file.lying.about);
        match apart(move || folder::put_aside(&folder, &path, DONE, &of, &about)).await {
            Ok(_) => {
                self.finished.remove(&file.lying.name);
                self.well("not-moved");
                Ok(Step::Over)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Step::Over),
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                Ok(self.again(self.settings().still))
            }
            Err(error) => {
                let kept = (file.lying.about, digest.to_owned());
                self.finished.insert(file.lying.name.clone(), kept);
                let what = format!("{} was taken and cannot be moved ({error})", name(file));
                self.trouble("not-moved", what, RIGHTS);
                Ok(self.again(self.settings().poll))
            }
        }
    }

    async fn reject(&mut self, file: &Rested, why: &str, digest: &str) -> Result<Step, StoreError> {
        let folder = self.settings().folder.clone();
        let (path, of, why) = (file.path.clone(), digest.to_owned(), why.to_owned());
        let about = file.lying.about;
        match apart(move || bad::reject(&folder, &path, &of, &why, &about)).await {
            Ok(placed) => {
                self.drop.offering.meter.rejected(1);
                let what = format!("{} was not taken", name(file));
                let remedy = format!("see {}.reason.txt in the folder rejected", name_of(&placed));
                self.trouble("rejected-file", what, &remedy);
                Ok(Step::Over)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Step::Over),
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                Ok(self.again(self.settings().still))
            }
            Err(error) => Ok(self.unwritable(&error)),
        }
    }

    fn stopped(&mut self, file: &Rested, stopped: Stopped) -> Step {
        match stopped {
            Stopped::Io(error) => self.unreadable(file, &error),
            // It was good a moment ago.
            Stopped::Bad(_) => self.again(self.settings().still),
        }
    }

    fn unreadable(&mut self, file: &Rested, error: &std::io::Error) -> Step {
        match error.kind() {
            ErrorKind::NotFound => Step::Over,
            // Somebody wrote to it meanwhile.
            ErrorKind::Interrupted => self.again(self.settings().still),
            _ => {
                let what = format!("{} cannot be read ({error})", name(file));
                self.trouble(
                    "unreadable-file",
                    what,
                    "give upprop's user the right to read it, and check the disk",
                );
                self.again(self.settings().poll)
            }
        }
    }

    fn unwritable(&mut self, error: &std::io::Error) -> Step {
        let what = format!("the folder rejected cannot be written to ({error})");
        self.trouble("not-moved", what, RIGHTS);
        self.again(self.settings().poll)
    }

    fn again(&self, after: SignedDuration) -> Step {
        Step::Again(later(self.now(), after))
    }
}

const RIGHTS: &str = "give upprop's user the right to write in the folder, done and rejected, and check the disk; \
                      it is tried again by itself";

enum Begun {
    Known(TakenFile),
    New(TakenFile),
}

/// Goes through the rows once, before any is taken.
async fn look(file: &Rested, writing: &Writing, batches: &mut Batches<'_>) -> Result<(), Stopped> {
    let (path, about, kind) = (file.path.clone(), file.lying.about, file.kind);
    let writing = writing.clone();
    let mut open = apart(move || Open::new(&path, about, kind, &writing)).await?;
    loop {
        let (back, rows) = apart(move || {
            let rows = open.batch(BATCH);
            (open, rows)
        })
        .await;
        open = back;
        let rows = rows?;
        if rows.is_empty() {
            return Ok(());
        }
        batches.look(&open.reading, &rows);
    }
}

/// Keeps bad rows and reads the next ones, on a thread that nobody waits for.
async fn next(mut reader: Reader, bad: Vec<(Row, Bad)>) -> (Reader, Result<Vec<Row>, Stopped>) {
    apart(move || {
        let kept = reader.bad.keep(&reader.open, &bad);
        let rows = match kept {
            Ok(()) => reader.open.batch(BATCH),
            Err(error) => Err(Stopped::Io(error)),
        };
        (reader, rows)
    })
    .await
}

/// What tells a file whose content was not read from others of its name.
fn of_about(file: &Rested) -> String {
    let About { size, .. } = file.lying.about;
    let written = file.lying.about.written_at().to_string();
    NotificationId::of(&[&file.lying.name, &size.to_string(), &written]).as_str().to_owned()
}

fn name(file: &Rested) -> String {
    name_of(&file.lying.name)
}

fn name_of(name: &str) -> String {
    shown(name, 80)
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
