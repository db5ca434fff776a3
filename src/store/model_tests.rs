//! Every store against a map that remembers: the same steps, the same answers. What a step requires is
//! drawn from all that a key has ever held, so that requirements hold, are stale, or never were so.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::sample::Index;
use tempfile::TempDir;

use super::conformance::{rows, settings};
use super::{
    Batch, Commit, Kv, MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, MemoryStore, Settings,
    SledStore, StoreError,
};

type Key = Vec<u8>;

/// What the map says a key holds, at each of its versions; the last one counts.
#[derive(Default)]
struct Model(BTreeMap<Key, Vec<Option<Bytes>>>);

impl Model {
    fn get(&self, key: &[u8]) -> Option<Bytes> {
        self.0.get(key)?.last()?.clone()
    }

    /// What the key has held at one time or another.
    fn once(&self, key: &[u8], when: Index) -> Option<Bytes> {
        let versions = self.0.get(key)?;
        versions[when.index(versions.len())].clone()
    }

    fn rows(&self) -> impl DoubleEndedIterator<Item = (Key, Bytes)> + use<'_> {
        self.0.iter().filter_map(|(key, all)| Some((key.clone(), all.last()?.clone()?)))
    }

    /// By the words of the port alone.
    fn commit(&mut self, batch: &Batch) -> Answer {
        let sizes = |(k, v): (&Key, &Option<Bytes>)| (k.len(), v.as_ref().map_or(0, Bytes::len));
        let sizes: Vec<_> = batch.write.iter().map(sizes).collect();
        let one = sizes.iter().any(|(k, v)| *k > MAX_KEY_BYTES || *v > MAX_VALUE_BYTES);
        if one || sizes.iter().map(|(k, v)| k + v).sum::<usize>() > MAX_BATCH_BYTES {
            return Answer::TooLarge;
        }
        if batch.expect.iter().any(|(key, was)| self.get(key) != *was) {
            return Answer::Conflict;
        }
        for (key, value) in &batch.write {
            self.0.entry(key.clone()).or_insert_with(|| vec![None]).push(value.clone());
        }
        Answer::Done
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Done,
    Conflict,
    TooLarge,
}

impl From<Result<Commit, StoreError>> for Answer {
    fn from(answer: Result<Commit, StoreError>) -> Self {
        match answer {
            Ok(Commit::Done) => Self::Done,
            Ok(Commit::Conflict) => Self::Conflict,
            Err(StoreError::TooLarge { .. }) => Self::TooLarge,
            Err(error) => panic!("{error}"),
        }
    }
}

/// One store under test, by its port; and what its kind can do besides.
trait Subject {
    fn kv(&self) -> &dyn Kv;
    /// As after a stop and a start; what forgets then does nothing.
    fn reopen(&mut self) {}
    /// Made again from the journal, where there is one.
    fn rebuild(&mut self) {}
}

impl Subject for MemoryStore {
    fn kv(&self) -> &dyn Kv {
        self
    }
}

struct Embedded {
    store: Option<SledStore>,
    settings: Settings,
    _folder: TempDir,
}

impl Embedded {
    fn new(memtable_bytes: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Small segments, so that many are begun.
        let journal_segment_bytes = 16 << 10;
        let settings =
            Settings { journal_segment_bytes, memtable_bytes, ..settings(folder.path()) };
        Self { store: SledStore::open(settings.clone()).ok(), settings, _folder: folder }
    }
}

impl Subject for Embedded {
    fn kv(&self) -> &dyn Kv {
        self.store.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.store.as_ref().unwrap().prune_journal(jiff::Timestamp::MAX).unwrap();
        self.store = None;
        self.store = Some(SledStore::open(self.settings.clone()).unwrap());
    }

    fn rebuild(&mut self) {
        self.store = None;
        super::rebuild(&self.settings, &super::Progress::default()).unwrap();
        self.store = Some(SledStore::open(self.settings.clone()).unwrap());
    }
}

/// What a batch says, before it is known what the keys have held.
#[derive(Debug, Clone)]
struct Draft {
    expect: Vec<(Key, Requirement)>,
    write: Vec<(Key, Option<usize>)>,
}

#[derive(Debug, Clone)]
enum Requirement {
    Now,
    Once(Index),
    Never,
}

#[derive(Debug, Clone)]
enum Step {
    Together(Vec<Draft>),
    Get(Key),
    Scan(Key, Key, usize),
    Reopen,
}

/// A few, so that batches meet: neighbours, prefixes of each other, the lowest and the highest bytes,
/// and the longest there may be.
fn keys() -> impl Strategy<Value = Key> {
    prop_oneof![
        6 => (0_u8..8).prop_map(|n| vec![b'k', n]),
        2 => (0_usize..4).prop_map(|n| vec![b'k'; n + 1]),
        1 => Just(vec![0]),
        1 => (1_usize..3).prop_map(|n| vec![0xff; n]),
        1 => Just(vec![b'k'; MAX_KEY_BYTES]),
    ]
}

fn drafts() -> impl Strategy<Value = Draft> {
    let requirement = prop_oneof![
        8 => Just(Requirement::Now),
        2 => any::<Index>().prop_map(Requirement::Once),
        1 => Just(Requirement::Never),
    ];
    let sizes = prop_oneof![
        8 => 0_usize..64,
        3 => MAX_VALUE_BYTES - 64..=MAX_VALUE_BYTES,
        1 => Just(MAX_VALUE_BYTES + 1),
    ];
    let some = prop::collection::vec((keys(), prop::option::weighted(0.7, sizes)), 0..6);
    // More than a batch may hold, and just not.
    let many = (44_usize..48).prop_map(|count| {
        (0..count).map(|n| (format!("many/{n:02}").into(), Some(MAX_VALUE_BYTES))).collect()
    });
    let write = prop_oneof![20 => some, 1 => many];
    let expect = prop::collection::vec((keys(), requirement), 0..3);
    (expect, write).prop_map(|(expect, write)| Draft { expect, write })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let limit = prop_oneof![Just(0), Just(1), 2_usize..6, Just(usize::MAX)];
    let step = prop_oneof![
        8 => prop::collection::vec(drafts(), 1..5).prop_map(Step::Together),
        3 => keys().prop_map(Step::Get),
        4 => (keys(), keys(), limit).prop_map(|(from, to, limit)| Step::Scan(from, to, limit)),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

fn batch(draft: &Draft, model: &Model, number: u8) -> Batch {
    let mut batch = Batch::default();
    for (key, requirement) in &draft.expect {
        let was = match requirement {
            Requirement::Now => model.get(key),
            Requirement::Once(when) => model.once(key, *when),
            Requirement::Never => Some("never".into()),
        };
        batch.expect(key.clone(), was);
    }
    for (key, size) in &draft.write {
        batch.write.insert(key.clone(), size.map(|size| vec![number; size].into()));
    }
    batch
}

fn runs(mut subject: impl Subject, steps: &[Step]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut model = Model::default();
    let mut number = 0_u8;
    for step in steps {
        match step {
            Step::Together(drafts) => {
                let mut batches = Vec::new();
                for draft in drafts {
                    number = number.wrapping_add(1);
                    batches.push(batch(draft, &model, number));
                }
                let kv = subject.kv();
                let commits = batches.iter().map(|batch| kv.commit(batch.clone()));
                let answers = runtime.block_on(join_all(commits));
                for (answer, batch) in answers.into_iter().zip(&batches) {
                    prop_assert_eq!(Answer::from(answer), model.commit(batch));
                }
            }
            Step::Get(key) => {
                let found = runtime.block_on(subject.kv().get(key)).unwrap();
                prop_assert_eq!(found, model.get(key));
            }
            Step::Scan(from, to, limit) => {
                let found = runtime.block_on(subject.kv().scan(from, to, *limit)).unwrap();
                let within = model.rows().filter(|(key, _)| key >= from && key < to);
                prop_assert_eq!(found, within.take(*limit).collect::<Vec<_>>());
            }
            Step::Reopen => subject.reopen(),
        }
    }
    let all: Vec<_> = model.rows().collect();
    prop_assert_eq!(&runtime.block_on(rows(subject.kv())), &all);
    subject.reopen();
    prop_assert_eq!(&runtime.block_on(rows(subject.kv())), &all, "after the last reopening");
    subject.rebuild();
    prop_assert_eq!(&runtime.block_on(rows(subject.kv())), &all, "from the journal alone");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn memory_does_as_the_map(steps in steps()) {
        runs(MemoryStore::new(), &steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_embedded_store_does_as_the_map(
        steps in steps(),
        memtable_bytes in prop_oneof![Just(0), Just(4 << 10), Just(64 << 10), Just(8 << 20)],
    ) {
        runs(Embedded::new(memtable_bytes), &steps)?;
    }
}
