//! The machine crashes: everything that was not flushed is gone. What was acknowledged is there
//! afterwards, and with the hardening switched off it is not, so these tests can fail.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use upprop::store::{Batch, Commit, Hardening, Kv as _, Settings, SledStore};

use crate::load::{self, Dice, Load, Reckoning, say};
use crate::loop_disk::LoopDisk;
use crate::world::Setup;

const ROUNDS: u64 = 20;
const DAEMON_ROUNDS: u64 = 20;
const PUPILS: usize = 2000;
/// Rounds without hardening before it is believed to lose nothing.
const ROUNDS_TO_LOSE: u64 = 20;
const TASKS: u64 = 8;

/// Where the writer finds its store. Set only for the process that [`round`] starts.
const DIR: &str = "UPPROP_TEST_WRITER_DIR";
const HARDENING: &str = "UPPROP_TEST_WRITER_HARDENING";
const ROUND: &str = "UPPROP_TEST_WRITER_ROUND";

/// How the store is opened.
#[derive(Debug, Clone, Copy)]
enum Guard {
    /// As the daemon does.
    Full,
    /// As the daemon does, but without the journal: what sled itself is worth then.
    NoJournal,
    /// sled's own flush, and nothing of ours.
    PlainFlush,
    /// Answered without any flush.
    NoFlush,
}

impl Guard {
    const ALL: [Self; 4] = [Self::Full, Self::NoJournal, Self::PlainFlush, Self::NoFlush];

    fn settings(self, dir: &Path) -> Settings {
        let hardening = match self {
            Self::Full => Hardening::default(),
            Self::NoJournal => Hardening { journal: false, ..Hardening::default() },
            Self::PlainFlush => Hardening { sync_db: false, journal: false, wait_for_flush: true },
            Self::NoFlush => Hardening { sync_db: false, journal: false, wait_for_flush: false },
        };
        Settings { low_water_bytes: 1 << 20, hardening, ..Settings::new(dir) }
    }
}

/// What one commit of the writer is about: found again from its name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    round: u64,
    task: u64,
    serial: u64,
}

impl Mark {
    fn key(self, part: &str) -> Vec<u8> {
        format!("w/{}/{}/{}/{part}", self.round, self.task, self.serial).into_bytes()
    }

    /// As long as an event with its rows.
    fn value(self) -> Vec<u8> {
        let length = usize::try_from(300 + self.serial % 100).expect("small");
        format!("{self:?} ").into_bytes().into_iter().cycle().take(length).collect()
    }

    /// Two rows, which come together or not at all, and the one before's second, which goes.
    fn batch(self) -> Batch {
        let mut batch = Batch::default();
        batch.put(self.key("a"), self.value());
        batch.put(self.key("b"), self.value());
        if let Some(serial) = self.serial.checked_sub(1) {
            batch.delete(Self { serial, ..self }.key("b"));
        }
        batch
    }

    fn parse(line: &str) -> Option<Self> {
        let mut numbers = line.strip_prefix("ack ")?.split(' ').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self { round: next()?, task: next()?, serial: next()? })
    }
}

/// Not a test: the process that writes until the disk is gone, printing what it was told is durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let number = |name: &str| std::env::var(name).ok()?.parse::<usize>().ok();
    let guard = Guard::ALL[number(HARDENING).expect("a guard")];
    let round = number(ROUND).expect("a round") as u64;
    let store = SledStore::open(guard.settings(Path::new(&dir))).expect("the store opens");
    let task = |task: u64| {
        let store = &store;
        async move {
            for serial in 0.. {
                let mark = Mark { round, task, serial };
                match store.commit(mark.batch()).await {
                    Ok(Commit::Done) => println!("ack {round} {task} {serial}"),
                    Ok(Commit::Conflict) => unreachable!("nothing was required"),
                    Err(_) => return,
                }
            }
        }
    };
    futures_util::future::join_all((0..TASKS).map(task)).await;
}

/// What a crash did.
#[derive(Debug, Default)]
struct Damage {
    acknowledged: usize,
    lost: Vec<Mark>,
    /// A commit is there in part.
    torn: bool,
    refused: Option<String>,
}

impl Damage {
    fn is_none(&self) -> bool {
        self.lost.is_empty() && !self.torn && self.refused.is_none()
    }
}

/// Writes until a random moment, crashes, boots, and looks for everything acknowledged so far.
async fn round(
    disk: &LoopDisk,
    dir: &Path,
    guard: Guard,
    round: u64,
    after: u64,
    acknowledged: &mut Vec<Mark>,
) -> Damage {
    let (_, module) = module_path!().split_once("::").expect("a module of this binary");
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args([&format!("{module}::writer"), "--exact", "--nocapture"])
        .env(DIR, dir)
        .env(HARDENING, (guard as usize).to_string())
        .env(ROUND, round.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the writer starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut marks = lines.map_while(Result::ok).filter_map(|line| Mark::parse(&line));
    let before: Vec<_> = marks.by_ref().take(usize::try_from(after).expect("small")).collect();
    assert_eq!(before.len() as u64, after, "the writer ended by itself");
    disk.crash();
    child.kill().expect("kill");
    child.wait().expect("wait");
    acknowledged.extend(before);
    if let Guard::Full | Guard::NoJournal = guard {
        // Nothing can become durable after the crash, so whatever was acknowledged meanwhile must be
        // there too. Without the hardening it would be unfair to ask that.
        acknowledged.extend(marks);
    }
    disk.unmount();
    disk.mount();
    let mut damage = Damage { acknowledged: acknowledged.len(), ..Damage::default() };
    match SledStore::open(guard.settings(dir)) {
        Err(error) => damage.refused = Some(error.to_string()),
        Ok(store) => {
            for &mark in acknowledged.iter() {
                let row = store.get(&mark.key("a")).await.ok().flatten();
                if row.is_none_or(|row| row != mark.value()) {
                    damage.lost.push(mark);
                }
            }
            damage.torn = is_torn(&store).await;
        }
    }
    damage
}

/// Of every task only the last commit's second row may be left, or a commit came in part.
async fn is_torn(store: &SledStore) -> bool {
    let Ok(rows) = store.scan(b"w/", b"w0", usize::MAX).await else { return true };
    let seconds = rows.iter().filter(|(key, _)| key.ends_with(b"/b")).count();
    let mut tasks: Vec<_> = rows
        .iter()
        .map(|(key, _)| key.split(|&byte| byte == b'/').take(3).collect::<Vec<_>>())
        .collect();
    tasks.dedup();
    seconds != tasks.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_crashes_of_the_machine_lose_nothing_acknowledged() {
    if !LoopDisk::can_be_had("os_crash") {
        return;
    }
    let mut dice = Dice::new("os_crash");
    // The journal hides what sled loses at the end, so sled is tried without it too.
    for guard in [Guard::Full, Guard::NoJournal] {
        let folder = tempfile::tempdir().expect("folder");
        let disk = LoopDisk::mounted(512, folder.path());
        let dir = folder.path().join("state");
        let mut acknowledged = Vec::new();
        for number in 1..=ROUNDS {
            let after = dice.roll(1..=400);
            let damage = round(&disk, &dir, guard, number, after, &mut acknowledged).await;
            assert!(damage.is_none(), "{guard:?}, round {number}: {damage:?}");
        }
        say(format_args!(
            "os_crash: {guard:?}: {ROUNDS} crashes of the machine, {} commits acknowledged, 0 lost, \
             every store opened",
            acknowledged.len()
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_hardening_the_same_crashes_lose_data() {
    if !LoopDisk::can_be_had("os_crash") {
        return;
    }
    let mut dice = Dice::new("os_crash without hardening");
    for guard in [Guard::PlainFlush, Guard::NoFlush] {
        let folder = tempfile::tempdir().expect("folder");
        let disk = LoopDisk::mounted(512, folder.path());
        let mut acknowledged = Vec::new();
        let mut found = None;
        for number in 1..=ROUNDS_TO_LOSE {
            let after = dice.roll(1..=400);
            let dir = folder.path().join("state");
            let damage = round(&disk, &dir, guard, number, after, &mut acknowledged).await;
            if !damage.is_none() {
                found = Some((number, damage));
                break;
            }
        }
        let Some((number, damage)) = found else {
            panic!("{ROUNDS_TO_LOSE} crashes lost nothing with {guard:?}: this test cannot fail");
        };
        say(format_args!(
            "os_crash: with {guard:?} crash {number} lost {} of {} acknowledged commits{}",
            damage.lost.len(),
            damage.acknowledged,
            damage.refused.map_or_else(String::new, |words| format!(" and the store: {words}")),
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_knows_after_a_crash_of_the_machine_what_it_acknowledged() {
    if !LoopDisk::can_be_had("os_crash with the daemon") {
        return;
    }
    let mut dice = Dice::new("os_crash with the daemon");
    let mut setup = Setup::default();
    load::enrol(&mut setup, PUPILS);
    let mut world = setup.prepare();
    let state = world.folder.path().join("state");
    std::fs::create_dir(&state).expect("folder");
    let disk = LoopDisk::mounted(512, &state);
    world.start().await;
    let load = Load::new(&world, PUPILS);
    let clients = load.start(8);
    let mut again = 0;
    for _ in 0..DAEMON_ROUNDS {
        load.more(dice.roll(1..=60)).await;
        disk.crash();
        world.kill();
        let acknowledged = load.all();
        disk.unmount();
        disk.mount();
        world.start().await;
        for part in acknowledged.chunks(200) {
            let bodies: Vec<Value> = part.iter().map(|event| event.body.clone()).collect();
            let (status, answer) = world.post(&Value::Array(bodies)).await;
            assert_eq!(
                (status, &answer["accepted"], &answer["duplicate"]),
                (202, &json!(0), &json!(part.len())),
                "{answer}\n{}",
                world.log()
            );
            again += part.len();
        }
    }
    let acknowledged = load.finish(clients).await;
    let kept = load::settle(&mut world, acknowledged.len()).await;
    let reckoning = Reckoning::of(&acknowledged, &kept, &world.sink.messages());
    say(format_args!(
        "os_crash: {DAEMON_ROUNDS} crashes of the machine under the daemon, {again} acknowledged events \
         posted again, all duplicates: {reckoning}"
    ));
    reckoning.must_be_clean();
}
