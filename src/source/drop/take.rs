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
use super::settings::{Order, Repeats, Writing};
use super::standing::Standing;
use super::troubles::{
    self, BAD_ROWS, NOT_MOVED, PUT_OFF, REJECTED_FILE, REWRITTEN_FILE, UNREADABLE_FILE,
};
use super::values::Bad;
use super::{Worker, apart};
use crate::model::{NotificationId, shown};
use crate::store::ledger::{self, Unit};
use crate::store::rows::{Cursor, TakenFile};
use crate::store::{Commit, StoreError, tables};

/// Rows taken at a time.
const BATCH: usize = 1_000;

/// Files whose times are no further apart were written at one time: some file systems know whole seconds only, and
/// of many such files each comes a microsecond after the one before it.
const ONE_TIME: SignedDuration = SignedDuration::from_millis(1);

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

impl Rested {
    /// What tells it from all others of the folder.
    pub(super) fn key(&self) -> String {
        key(&self.lying.name, self.is_aside)
    }
}

/// What tells a file from all others of the folder.
pub(super) fn key(name: &str, is_aside: bool) -> String {
    if is_aside { format!("{DONE}/{name}") } else { name.to_owned() }
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
                let remedy = "it is taken by itself when that is over";
                self.trouble_of(PUT_OFF, &file.key(), what, remedy, self.now());
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
            self.drop.offering.meter.rejected(1);
            return self.reject(file, &bad::why(&too_large()), &of_about(file)).await;
        }
        let survey = match self.survey(file).await {
            Ok(survey) => survey,
            // It may not have been written to its end.
            Err(Stopped::Bad(_)) if is_patient => return Ok(Step::Again(patience)),
            Err(Stopped::Bad(fault)) => {
                self.drop.offering.meter.rejected(1);
                return self.reject(file, &bad::why(&fault), &of_about(file)).await;
            }
            Err(Stopped::Io(error)) => return Ok(self.unreadable(file, &error)),
        };
        self.well_of(UNREADABLE_FILE, &file.key());
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

    /// Remembers that a file is being taken, so that it counts as written at the same time whenever it is read.
    async fn begin(&self, file: &Rested, survey: &Survey) -> Result<Begun, StoreError> {
        let (kv, source) = (self.kv(), self.source());
        let (key, cursor) = (tables::taken_file(source, &survey.digest), self.cursor(file.kind));
        let file_time = file.lying.about.written_at();
        let known: Option<TakenFile> = ledger::read(kv, &key).await?;
        let last: Option<Cursor> = ledger::read(kv, &cursor).await?;
        let last = last.and_then(|last| last.after);
        if let Some(row) = known {
            if row.taken_at.is_none() {
                return Ok(Begun::New(row));
            }
            let is_repeat = match self.settings().repeats {
                // A plan that is as it was before is told to nobody, and must not be missed.
                Repeats::Known if file.kind != Kind::Schedule => true,
                Repeats::Known | Repeats::ByTime => {
                    file_time <= row.file_time.unwrap_or(row.written_at)
                        || last == Some(row.written_at)
                }
            };
            if is_repeat {
                return Ok(Begun::Known(row));
            }
        }
        let written_at = counts_as(self.settings().order, file_time, last, self.now());
        let row =
            TakenFile { written_at, file_time: Some(file_time), taken_at: None, rows: 0, bad: 0 };
        let mut unit = Unit::new(kv);
        unit.write(key, &row);
        let after = last.max(Some(written_at));
        unit.write(cursor, &Cursor { first_asked_at: self.first_asked_at, after, whole: true });
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
        let (mut good, mut new, mut kept, mut unread, mut bad) = (0, 0, 0, 0, Vec::new());
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
            (good, new, kept) = (good + came.good, new + came.new, kept + came.kept);
            (unread, bad) = (unread + came.unread, came.bad);
        }
        drop(batches);
        self.well_of(PUT_OFF, &file.key());
        let is_same = reader.open.digest() == survey.digest
            && folder::about(&file.path).is_ok_and(|now| now == Some(about));
        if !is_same {
            let _: String = reader.bad.cancel();
            return Ok(self.stopped(file, file::changed()));
        }
        self.well_of(REWRITTEN_FILE, &file.key());
        self.has_kept |= kept > 0;
        let all_bad = reader.bad.count();
        self.drop.offering.meter.rejected(unread);
        if good == 0 && all_bad > 0 {
            let why = reader.bad.cancel();
            return self.reject(file, &why, &survey.digest).await;
        }
        if all_bad > 0 {
            let name = file.lying.name.clone();
            let rows = reader.bad;
            let placed = match apart(move || rows.finish(&name, good)).await {
                Ok(placed) => placed,
                Err(error) => return Ok(self.unwritable(file, &error)),
            };
            let what =
                format!("{all_bad} rows of {} could not be taken", name_of(&file.lying.name));
            self.trouble_of(BAD_ROWS, &placed, what, &troubles::see(&placed), self.now());
        }
        let row = TakenFile { taken_at: Some(self.now()), rows: good, bad: all_bad, ..begun };
        self.remember(file.kind, survey, &row).await?;
        tracing::info!(
            source = %self.source(), file = name(file), rows = good, new, kept, bad = all_bad, "file taken"
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
                self.well_of(NOT_MOVED, &file.key());
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
                self.trouble_of(NOT_MOVED, &file.key(), what, RIGHTS, self.now());
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
                self.well_of(NOT_MOVED, &file.key());
                let what = format!("{} was not taken", name(file));
                self.trouble_of(REJECTED_FILE, &placed, what, &troubles::see(&placed), self.now());
                Ok(Step::Over)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Step::Over),
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                Ok(self.again(self.settings().still))
            }
            Err(error) => Ok(self.unwritable(file, &error)),
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
            ErrorKind::Interrupted => {
                let what = format!("{} was changed while it was read", name(file));
                self.trouble_of(REWRITTEN_FILE, &file.key(), what, REWRITTEN, self.now());
                self.again(self.settings().still)
            }
            _ => {
                let what = format!("{} cannot be read ({error})", name(file));
                let remedy = "give upprop's user the right to read it, and check the disk";
                self.trouble_of(UNREADABLE_FILE, &file.key(), what, remedy, self.now());
                self.again(self.settings().poll)
            }
        }
    }

    fn unwritable(&mut self, file: &Rested, error: &std::io::Error) -> Step {
        let what = format!("the folder rejected cannot be written to ({error})");
        self.trouble_of(NOT_MOVED, &file.key(), what, RIGHTS, self.now());
        self.again(self.settings().poll)
    }

    fn again(&self, after: SignedDuration) -> Step {
        Step::Again(later(self.now(), after))
    }
}

const RIGHTS: &str = "give upprop's user the right to write in the folder, done and rejected, and check the disk; \
                      it is tried again by itself";

/// What to do about a file that is written to while it is read.
pub(super) const REWRITTEN: &str = "it is tried again by itself; have the export write under another name (.part) and \
                                    rename the file when it is whole, or raise `still`";

/// What is wrong with a file that is too large.
pub(super) fn too_large() -> Fault {
    let what = "is larger than `largest` of the configuration allows";
    Fault::new(None, what, "export less at a time, or raise `largest`".into())
}

/// When a file counts as written that comes after another of its kind. By name, what is taken later is later. So it
/// is where both were written at one time, and where our clock has been set back; else the time of the file stands.
fn counts_as(
    order: Order,
    file_time: Timestamp,
    last: Option<Timestamp>,
    now: Timestamp,
) -> Timestamp {
    let written = file_time.min(now);
    let Some(last) = last else { return written };
    let is_beside = written <= last && last.duration_since(written) < ONE_TIME;
    if order == Order::Name || last > now || is_beside {
        written.max(later(last, SignedDuration::from_micros(1)))
    } else {
        written
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_counts_as_written_when_it_says_unless_that_cannot_be() {
        let at =
            |micros| Timestamp::from_microsecond(1_790_000_000_000_000 + micros).expect("time");
        let minute = 60_000_000_i64;
        for (order, written, last, now, counts) in [
            (Order::Time, 0, None, minute, 0),
            // By a clock that is ahead of ours.
            (Order::Time, 2 * minute, Some(0), minute, minute),
            // Late.
            (Order::Time, 0, Some(minute), 2 * minute, 0),
            // The third of one time.
            (Order::Time, 0, Some(1), minute, 2),
            (Order::Name, 0, Some(minute), 2 * minute, minute + 1),
            (Order::Name, minute, Some(0), 2 * minute, minute),
            // Our clock has been set back.
            (Order::Time, minute, Some(9 * minute), 2 * minute, 9 * minute + 1),
        ] {
            let found = counts_as(order, at(written), last.map(at), at(now));
            assert_eq!(found, at(counts), "{order:?} {written} {last:?} {now}");
        }
    }
}
