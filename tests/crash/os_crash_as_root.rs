//! The machine crashes: everything that was not flushed is gone. What was acknowledged is there
//! afterwards, and with the hardening switched off it is not, so these tests can fail.

use std::fs;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use jiff::SignedDuration;
use upprop::env::{Clock as _, SystemClock};
use upprop::store::{Kv as _, SledStore, rebuild};

use crate::dice::Dice;
use crate::load::say;
use crate::loop_disk::LoopDisk;
use crate::table::{self, Line};
use crate::writer::{Guard, Mark, Writer};

/// Rounds without hardening before it is believed to lose nothing.
const ROUNDS_TO_LOSE: u64 = 20;
/// Most crashes while recovering from the one before.
const RECOVERIES: u64 = 2;

type Rows = Vec<(Vec<u8>, Bytes)>;

/// What a crash did.
#[derive(Debug, Default)]
struct Damage {
    acknowledged: usize,
    lost: Vec<Mark>,
    /// A commit is there in part.
    torn: bool,
    refused: Option<String>,
    /// The journal alone tells another story than the store.
    journal_differs: bool,
}

impl Damage {
    fn is_none(&self) -> bool {
        self.lost.is_empty() && !self.torn && self.refused.is_none() && !self.journal_differs
    }
}

/// A machine that crashes, and what it was told is durable.
struct Machine {
    disk: LoopDisk,
    folder: tempfile::TempDir,
    guard: Guard,
    dice: Dice,
    rounds: u64,
    acknowledged: Vec<Mark>,
    /// How long the store took to open the last time.
    opening: SignedDuration,
    /// Crashes before the store was open again.
    in_recovery: u64,
    crashes: u64,
    opened: u64,
}

impl Machine {
    fn new(guard: Guard, dice: Dice) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        Self {
            disk: LoopDisk::mounted(512, folder.path()),
            folder,
            guard,
            dice,
            rounds: 0,
            acknowledged: Vec::new(),
            opening: SignedDuration::from_millis(5),
            in_recovery: 0,
            crashes: 0,
            opened: 0,
        }
    }

    fn dir(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    /// Writes until a random moment, crashes, maybe crashes again while recovering, boots, and looks
    /// for everything acknowledged so far.
    async fn round(&mut self) -> Damage {
        let after = self.dice.roll(1..=400);
        let mut writer = self.writer();
        let before = writer.acknowledged(after);
        self.acknowledged.extend(before);
        self.crash(writer);
        if self.guard.promises() {
            for _ in 0..self.dice.roll(0..=RECOVERIES) {
                self.crash_in_recovery().await;
            }
        }
        self.examine().await
    }

    fn writer(&mut self) -> Writer {
        self.rounds += 1;
        Writer::start(self.guard, &self.dir(), self.rounds)
    }

    async fn crash_in_recovery(&mut self) {
        let writer = self.writer();
        let clock = SystemClock::new();
        let longest = u64::try_from(self.opening.as_micros()).expect("short") * 5 / 4;
        let pause = i64::try_from(self.dice.roll(0..=longest)).expect("short");
        clock.sleep_until(clock.now() + SignedDuration::from_micros(pause)).await;
        if !self.crash(writer) {
            self.in_recovery += 1;
        }
    }

    /// Whether the writer had opened its store.
    fn crash(&mut self, writer: Writer) -> bool {
        self.disk.crash();
        let (opened, rest) = writer.end();
        if self.guard.promises() {
            // Nothing can become durable after the crash, so whatever was acknowledged meanwhile must
            // be there too. Without the hardening it would be unfair to ask that.
            self.acknowledged.extend(rest);
        }
        self.disk.unmount();
        self.disk.mount();
        self.crashes += 1;
        opened
    }

    async fn examine(&mut self) -> Damage {
        let mut damage = Damage { acknowledged: self.acknowledged.len(), ..Damage::default() };
        let clock = SystemClock::new();
        let began = clock.now();
        let store = match SledStore::open(self.guard.settings(&self.dir())) {
            Ok(store) => store,
            Err(error) => {
                damage.refused = Some(error.to_string());
                return damage;
            }
        };
        self.opening = clock.now().duration_since(began);
        self.opened += 1;
        for &mark in &self.acknowledged {
            let row = store.get(&mark.key("a")).await.ok().flatten();
            if row.is_none_or(|row| row != mark.value()) {
                damage.lost.push(mark);
            }
        }
        match store.scan(b"w/", b"w0", usize::MAX).await {
            Ok(rows) => {
                damage.torn = is_torn(&rows);
                drop(store);
                if self.guard == Guard::Full {
                    damage.journal_differs = replayed(&self.dir()).await != rows;
                }
            }
            Err(error) => damage.refused = Some(error.to_string()),
        }
        damage
    }
}

/// Of every task only the last commit's second row may be left, or a commit came in part.
fn is_torn(rows: &Rows) -> bool {
    let seconds = rows.iter().filter(|(key, _)| key.ends_with(b"/b")).count();
    let mut tasks: Vec<_> = rows
        .iter()
        .map(|(key, _)| key.split(|&byte| byte == b'/').take(3).collect::<Vec<_>>())
        .collect();
    tasks.dedup();
    seconds != tasks.len()
}

/// What the journal alone makes a store of.
async fn replayed(dir: &Path) -> Rows {
    let folder = tempfile::tempdir().expect("folder");
    let copied = Command::new("cp").arg("-a").arg(dir.join("journal")).arg(folder.path()).status();
    assert!(copied.expect("cp runs").success());
    let settings = Guard::Full.settings(folder.path());
    rebuild(&settings, &upprop::store::Progress::default()).expect("the journal is whole");
    let store = SledStore::open(settings).expect("the rebuilt store opens");
    store.scan(b"w/", b"w0", usize::MAX).await.expect("rows")
}

async fn crashes_lose_nothing(guard: Guard, what: &str) {
    if !LoopDisk::can_be_had("os_crash") {
        return;
    }
    let mut machine = Machine::new(guard, Dice::new("os_crash"));
    let rounds = table::os_crashes();
    // Goes on until one has come in a recovery.
    let mut damage = Damage::default();
    while damage.is_none() && (machine.opened < rounds || machine.in_recovery == 0) {
        assert!(machine.opened < 10 * rounds + 50, "no crash came in a recovery");
        damage = machine.round().await;
    }
    Line {
        what: what.into(),
        times: machine.crashes,
        opened: machine.opened,
        refused: u64::from(damage.refused.is_some()),
        lost: damage.lost.len(),
        acknowledged: machine.acknowledged.len(),
        note: format!("{} of them while recovering", machine.in_recovery),
        ..Line::default()
    }
    .add();
    assert!(damage.is_none(), "{guard:?}, crash {}: {damage:?}", machine.crashes);
    let segments = fs::read_dir(machine.dir().join("journal")).map_or(0, Iterator::count);
    assert_eq!(segments > 0, guard == Guard::Full);
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_of_the_machine_lose_nothing_acknowledged() {
    crashes_lose_nothing(Guard::Full, "machine crashes under writes: store and journal").await;
}

/// The journal hides what sled loses at the end, so sled is tried without it too.
#[tokio::test(flavor = "multi_thread")]
async fn crashes_of_the_machine_lose_nothing_without_the_journal_either() {
    crashes_lose_nothing(Guard::NoJournal, "machine crashes under writes: store alone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_hardening_the_same_crashes_lose_data() {
    if !LoopDisk::can_be_had("os_crash") {
        return;
    }
    for guard in [Guard::PlainFlush, Guard::NoFlush] {
        let mut machine = Machine::new(guard, Dice::new("os_crash without hardening"));
        let damage = loop {
            assert!(
                machine.crashes < ROUNDS_TO_LOSE,
                "{ROUNDS_TO_LOSE} crashes lost nothing with {guard:?}: this test cannot fail"
            );
            let damage = machine.round().await;
            if !damage.is_none() {
                break damage;
            }
        };
        say(format_args!(
            "os_crash: with {guard:?} crash {} lost {} of {} acknowledged commits{}",
            machine.crashes,
            damage.lost.len(),
            damage.acknowledged,
            damage.refused.map_or_else(String::new, |words| format!(" and the store: {words}")),
        ));
    }
}
