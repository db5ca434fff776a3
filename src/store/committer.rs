//! The one thread that writes. Takes what waits, decides it in order, and answers when it is on the
//! disk: a journal frame, `fdatasync`, the rows to the memtable, all answers. sled has them behind its back
//! (see [`flusher`](super::flusher)), and is waited for only where the journal does not hold the rows.
//! Reads no clock; knows nothing of what the rows mean.
//!
//! A group is decided as if its batches came one after the other: each sees what those before it
//! wrote. After any fault but a full disk nothing more is written: the committer ends, every later
//! commit fails, and the process is expected to restart and recover.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::{
    Batch, Commit, MAX_BATCH_BYTES, Settings, StoreError,
    compact::{Steps, Successor, Switch},
    flusher::Flusher,
    journal::{AppendError, BULK_PREFIX, Journal, frame::Draft},
    layers::Layers,
    sled::Engine,
    status::Status,
};

/// Most batches in a group, whatever their size.
const MAX_GROUP: usize = 1024;

/// What one commit is answered.
pub type Answer = Result<Commit, StoreError>;

/// A batch and who waits for it.
#[derive(Debug)]
pub struct Waiting {
    /// What to write, within the limits.
    pub batch: Batch,
    /// Where the answer goes; nobody may be listening any more.
    pub answer: oneshot::Sender<Answer>,
}

/// What the committer can be asked.
pub enum Request {
    /// To commit.
    Commit(Waiting),
    /// To close the journal's segment and begin another.
    Rotate(oneshot::Sender<Result<(), StoreError>>),
    /// To change sled for another one between two groups, and to begin another segment.
    Switch(Box<Successor>, Steps, oneshot::Sender<Result<Arc<Engine>, StoreError>>),
    /// To end, everything before this being durable.
    Close(oneshot::Sender<()>),
}

/// The committer, to be run on its own thread.
pub struct Committer {
    layers: Arc<Layers>,
    flusher: Flusher,
    journal: Option<Journal>,
    sequence: u64,
    /// The last group that has anything in it.
    content: u64,
    /// What the journal was last told of sled.
    told: u64,
    status: Arc<Status>,
    settings: Settings,
    inbox: mpsc::Receiver<Request>,
    /// Taken from the inbox and left for the next group.
    held: Option<Request>,
}

impl Committer {
    /// A committer after group `sequence`.
    pub fn new(
        layers: Arc<Layers>,
        flusher: Flusher,
        journal: Option<Journal>,
        sequence: u64,
        (status, settings): (Arc<Status>, Settings),
        inbox: mpsc::Receiver<Request>,
    ) -> Self {
        Self {
            layers,
            flusher,
            journal,
            sequence,
            content: sequence,
            told: sequence,
            status,
            settings,
            inbox,
            held: None,
        }
    }

    /// Works until told to close, until nobody can ask any more, or until a fault.
    pub fn run(mut self) {
        while let Some(request) = self.held.take().or_else(|| self.inbox.blocking_recv()) {
            let outcome = match request {
                Request::Commit(first) => self.serve(first),
                Request::Rotate(answer) => self.rotate(answer),
                Request::Switch(successor, step, answer) => self.switch(*successor, &step, answer),
                Request::Close(answer) => {
                    match self.flusher.wait_for(self.sequence).and_then(|()| self.tell()) {
                        Ok(()) => drop(answer.send(())),
                        Err(why) => drop(self.status.fail(&why)),
                    }
                    return;
                }
            };
            if outcome.is_err() {
                return;
            }
        }
    }

    fn serve(&mut self, first: Waiting) -> Result<(), StoreError> {
        let group = self.gather(first);
        let outcome = match self.status.failure() {
            Some(failed) => Err(failed),
            None => catch_unwind(AssertUnwindSafe(|| self.commit(&group)))
                .unwrap_or_else(|_| Err("a defect in the committer".into()))
                .map_err(|why| self.status.fail(&why)),
        };
        match outcome {
            Ok(answers) => {
                for (waiting, answer) in group.into_iter().zip(answers) {
                    let _ = waiting.answer.send(answer);
                }
                Ok(())
            }
            Err(failed) => {
                for waiting in group {
                    let _ = waiting.answer.send(Err(failed.clone()));
                }
                Err(failed)
            }
        }
    }

    /// All that waits, as far as it fits in one group.
    fn gather(&mut self, first: Waiting) -> Vec<Waiting> {
        let mut bytes = first.batch.bytes();
        let mut group = vec![first];
        while group.len() < MAX_GROUP {
            match self.inbox.try_recv() {
                Ok(Request::Commit(next)) if bytes + next.batch.bytes() <= MAX_BATCH_BYTES => {
                    bytes += next.batch.bytes();
                    group.push(next);
                }
                Ok(other) => {
                    self.held = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        group
    }

    /// Decides a group and writes it. One answer for each batch; an error is final, in words.
    fn commit(&mut self, group: &[Waiting]) -> Result<Vec<Answer>, String> {
        let mut answers = Vec::with_capacity(group.len());
        let mut rows: BTreeMap<&[u8], Option<&Bytes>> = BTreeMap::new();
        let mut frame = Draft::default();
        // Rows that the journal does not hold.
        let mut bulk_bytes = 0;
        let full = self.status.no_room();
        for Waiting { batch, .. } in group {
            if let Some(why) = full.as_ref().filter(|_| !batch.is_read_only()) {
                answers.push(Err(StoreError::Busy(why.clone())));
                continue;
            }
            let holds = batch.holds(|key, was| match rows.get(key) {
                Some(earlier) => Ok(earlier.map(|value| &**value) == was),
                None => self.layers.is(key, was),
            });
            if !holds.map_err(|error| error.to_string())? {
                answers.push(Ok(Commit::Conflict));
                continue;
            }
            let bulk = batch.write.keys().all(|key| key.starts_with(BULK_PREFIX));
            for (key, value) in &batch.write {
                if !bulk {
                    frame.push(key, value.as_deref());
                }
                rows.insert(key, value.as_ref());
            }
            bulk_bytes += if bulk { batch.bytes() } else { 0 };
            answers.push(Ok(Commit::Done));
        }
        if rows.is_empty() {
            return Ok(answers);
        }
        let bytes = frame.len() + bulk_bytes;
        self.flusher.make_room(bytes)?;
        // What sled lacks after a crash must be in the two newest segments.
        let flushed = self.flusher.durable();
        let is_news = flushed != self.told;
        if is_news {
            frame.push_flushed(flushed);
        }
        let begins = self.journal.as_ref().filter(|journal| journal.rotates_for(&frame));
        if let Some(journal) = begins {
            self.flusher.wait_for(journal.begins() - 1)?;
            if !is_news {
                frame.push_flushed(flushed);
            }
        }
        let sequence = match self.journal.as_mut().map(|journal| journal.append(frame)) {
            None => self.sequence + 1,
            Some(Ok(sequence)) => sequence,
            Some(Err(AppendError::Failed(error))) => {
                return Err(format!("the journal cannot be written: {error}"));
            }
            // A conflict may stem from a batch that now was not written either.
            Some(Err(full @ AppendError::Full(_))) => {
                let busy = StoreError::Busy(full.to_string());
                return Ok(group.iter().map(|_| Err(busy.clone())).collect());
            }
        };
        self.layers.write(sequence, rows.into_iter());
        self.sequence = sequence;
        (self.content, self.told) = (sequence, flushed);
        self.flusher.written(sequence, bytes);
        if bulk_bytes > 0 || self.journal.is_none() {
            self.flusher.wait_for(sequence)?;
            self.tell()?;
        }
        Ok(answers)
    }

    /// Tells the journal what sled has, as a group of its own: of rows that it does not hold it must at
    /// least know that sled has them. A journal that takes nothing now is told with the next group.
    fn tell(&mut self) -> Result<(), String> {
        let Some(journal) = self.journal.as_mut().filter(|_| self.told < self.content) else {
            return Ok(());
        };
        let flushed = self.flusher.durable();
        let mut frame = Draft::default();
        frame.push_flushed(flushed);
        if journal.rotates_for(&frame) {
            return Ok(());
        }
        let sequence = match journal.append(frame) {
            Ok(sequence) => sequence,
            Err(AppendError::Full(_)) => return Ok(()),
            Err(AppendError::Failed(error)) => {
                return Err(format!("the journal cannot be written: {error}"));
            }
        };
        self.layers.write(sequence, std::iter::empty());
        (self.sequence, self.told) = (sequence, flushed);
        self.flusher.written(sequence, 0);
        self.flusher.wait_for(sequence)
    }

    fn switch(
        &mut self,
        successor: Successor,
        step: &Steps,
        answer: oneshot::Sender<Result<Arc<Engine>, StoreError>>,
    ) -> Result<(), StoreError> {
        self.flusher.wait_for(self.sequence).map_err(|why| self.status.fail(&why))?;
        match successor.become_current(&self.settings, self.sequence, step) {
            Ok(()) => {}
            Err(Switch::Not(why)) => {
                successor.discard(&self.settings);
                let _ = answer
                    .send(Err(StoreError::Busy(format!("the store was not compacted: {why}"))));
                return Ok(());
            }
            Err(Switch::Unsure(why)) => {
                let failed = self.status.fail(&why);
                let _ = answer.send(Err(failed.clone()));
                return Err(failed);
            }
        }
        let former = successor.exchange(self.sequence);
        let rotated = self.journal.as_mut().map_or(Ok(()), Journal::rotate);
        if let Err(AppendError::Failed(error)) = rotated {
            let failed = self.status.fail(&format!("the journal cannot be written: {error}"));
            let _ = answer.send(Err(failed.clone()));
            return Err(failed);
        }
        // Without room for another segment: whoever prunes asks again, and tells it.
        let _ = answer.send(Ok(former));
        Ok(())
    }

    fn rotate(
        &mut self,
        answer: oneshot::Sender<Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        self.flusher.wait_for(self.sequence).map_err(|why| self.status.fail(&why))?;
        let rotated = self.journal.as_mut().map_or(Ok(()), Journal::rotate);
        let (answered, outcome) = match rotated {
            Ok(()) => (Ok(()), Ok(())),
            Err(full @ AppendError::Full(_)) => (Err(StoreError::Busy(full.to_string())), Ok(())),
            Err(failed @ AppendError::Failed(_)) => {
                let failed = self.status.fail(&failed.to_string());
                (Err(failed.clone()), Err(failed))
            }
        };
        let _ = answer.send(answered);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{
        super::conformance::{put, settings},
        *,
    };
    use crate::store::journal::small::Small;

    /// A committer whose journal is on a small disk, and what is sent to it.
    fn committer(dir: &Path, disk: &Small) -> (Committer, mpsc::Sender<Request>) {
        let engine = Engine::open(&dir.join("store"), &settings(dir)).unwrap();
        let layers = Arc::new(Layers::new(engine, 0, true));
        let status = Arc::new(Status::new(dir.to_owned(), 0));
        let flusher = Flusher::start(layers.clone(), status.clone(), 1 << 20).unwrap();
        let (sender, inbox) = mpsc::channel(16);
        let journal = Some(Journal::on(disk.clone()));
        (Committer::new(layers, flusher, journal, 0, (status, settings(dir)), inbox), sender)
    }

    fn waiting(batch: Batch) -> Waiting {
        Waiting { batch, answer: oneshot::channel().0 }
    }

    fn if_was(mut batch: Batch, key: &str, was: Option<&'static str>) -> Batch {
        batch.expect(key.into(), was.map(Bytes::from));
        batch
    }

    #[test]
    fn a_group_is_decided_as_if_one_after_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Small::new(1 << 20);
        let (mut committer, _sender) = committer(dir.path(), &disk);
        let mut delete = if_was(Batch::default(), "b", Some("2"));
        delete.delete(b"a".to_vec());
        let table = [
            (if_was(put("a", "1"), "a", None), Commit::Done),
            (if_was(put("a", "x"), "a", None), Commit::Conflict),
            (if_was(put("b", "2"), "a", Some("1")), Commit::Done),
            (delete, Commit::Done),
            (if_was(Batch::default(), "a", None), Commit::Done),
            (if_was(put("c", "x"), "a", Some("1")), Commit::Conflict),
        ];
        let (group, expected): (Vec<_>, Vec<_>) =
            table.into_iter().map(|(batch, expected)| (waiting(batch), expected)).unzip();
        let answers = committer.commit(&group).unwrap();
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, expected);
        let rows = committer.layers.scan(b"", None, 9).unwrap();
        assert_eq!(rows, [(b"b".to_vec(), "2".into())]);
        assert_eq!(committer.sequence, 1, "one group");
        let length = disk.length();
        committer.commit(&[waiting(Batch::default())]).unwrap();
        assert_eq!(disk.length(), length, "nothing to write, nothing written");
    }

    #[test]
    fn a_full_journal_is_busy_and_nothing_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Small::new(10);
        let (mut committer, _sender) = committer(dir.path(), &disk);
        let group = [waiting(put("a", "1")), waiting(if_was(put("b", "2"), "a", None))];
        for answer in committer.commit(&group).unwrap() {
            assert!(matches!(answer, Err(StoreError::Busy(_))));
        }
        assert_eq!(committer.layers.get(b"a"), Ok(None));
        disk.set_room(1 << 20);
        let answers = committer.commit(&group).unwrap();
        assert!(matches!(answers[..], [Ok(Commit::Done), Ok(Commit::Conflict)]));
        assert_eq!(committer.sequence, 1);
    }

    #[test]
    fn after_a_torn_append_the_committer_ends() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Small::new(10);
        disk.stop_shrinking();
        let (committer, sender) = committer(dir.path(), &disk);
        let status = committer.status.clone();
        let (answer, mut answered) = oneshot::channel();
        sender.try_send(Request::Commit(Waiting { batch: put("a", "1"), answer })).unwrap();
        committer.run();
        assert!(matches!(answered.try_recv().unwrap(), Err(StoreError::Failed(_))));
        assert!(sender.is_closed(), "nobody is left to append");
        assert!(status.failure().is_some() && !status.health().writable);
    }

    #[test]
    fn a_group_takes_what_fits_and_leaves_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let (mut committer, sender) = committer(dir.path(), &Small::new(0));
        let large = || {
            let mut batch = Batch::default();
            batch.put(vec![], vec![0; MAX_BATCH_BYTES / 2]);
            waiting(batch)
        };
        for _ in 0..2 {
            sender.try_send(Request::Commit(large())).unwrap();
        }
        assert_eq!(committer.gather(large()).len(), 2);
        assert!(matches!(committer.held, Some(Request::Commit(_))), "the third is not lost");
    }
}
