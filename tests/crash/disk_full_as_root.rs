//! The disk is full in the middle of a commit: the low-water mark has not seen it, and the write itself
//! fails. The daemon answers 503 and goes on when there is room, or ends and is started again; nothing
//! is lost and nobody is told twice.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FallocateFlags, fallocate};
use upprop::env::{Clock as _, SystemClock};

use crate::clients::{self, Load, must_be_known};
use crate::dice::Dice;
use crate::load::say;
use crate::loop_disk::LoopDisk;
use crate::reckoning::{self, Reckoning};
use crate::table::Line;
use crate::world::{Setup, World, soon, within};

const ROUNDS: u64 = 5;
const PUPILS: usize = 20_000;
/// Events that the clients may begin before the disk is full, and again after it.
const EVENTS: usize = 200;
/// Answers of 503 after which a round has seen enough.
const PUT_OFF: usize = 20;
/// What the system says of a full disk.
const FULL: &str = "No space left on device";

/// What is on the disk that becomes full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Journal,
    Store,
    /// The low-water mark is looked at before each group: room goes and comes all the time, so that
    /// it goes between the look and the write.
    Both,
}

/// Takes all the room there is, to the last block.
fn fill(filler: &Path) {
    let file = File::create(filler).expect("file");
    let mut at = 0;
    for step in [16 << 20, 1 << 20, 64 << 10, 4 << 10] {
        while fallocate(&file, FallocateFlags::empty(), at, step).is_ok() {
            at += step;
        }
    }
}

/// A daemon some of whose files are on a disk of their own.
struct Full {
    world: World,
    filler: PathBuf,
    on: On,
    exits: u64,
    opened: u64,
    /// Lines of former lives that tell of a full disk.
    met: usize,
}

impl Full {
    fn met(&self) -> usize {
        self.world.lines(FULL)
    }

    /// Makes the disk full under load, and waits until it shows. Whether the daemon has ended.
    async fn fill(&mut self, load: &Load) -> bool {
        let before = load.put_off();
        let met = self.met();
        let stop = Arc::new(AtomicBool::new(false));
        let (filler, toggles, done) = (self.filler.clone(), self.on == On::Both, stop.clone());
        let filling = tokio::task::spawn_blocking(move || {
            fill(&filler);
            while toggles && !done.load(Ordering::Relaxed) {
                File::create(&filler).expect("room again");
                fill(&filler);
            }
        });
        let clock = SystemClock::new();
        let ended = within("the full disk shows", async {
            loop {
                if self.has_ended() {
                    return true;
                }
                // However fast the daemon is, there are events left for the rounds to come.
                load.allow(2);
                // Where both are full the mark is met more often than the write.
                let shown = self.on != On::Both || self.met() > met;
                if load.put_off() >= before + PUT_OFF && shown {
                    return false;
                }
                clock.sleep_until(soon(&clock)).await;
            }
        })
        .await;
        stop.store(true, Ordering::Relaxed);
        filling.await.expect("the filler ends");
        ended
    }

    /// Whether the daemon has ended, and with the exit code for that.
    fn has_ended(&mut self) -> bool {
        let Some(status) = self.world.ended() else { return false };
        assert_eq!(status.code(), Some(70), "{}", self.world.log());
        self.exits += 1;
        true
    }

    /// A start while the disk is still full does no harm.
    async fn starts_on_a_full_disk(&mut self) {
        self.world.launch();
        let clock = SystemClock::new();
        let url = format!("http://{}/healthz", self.world.address);
        let code = within("a start on a full disk ends or answers", async {
            loop {
                if let Some(status) = self.world.ended() {
                    return status.code();
                }
                if self.world.client().get(&url).send().await.is_ok() {
                    return Some(0);
                }
                clock.sleep_until(soon(&clock)).await;
            }
        })
        .await;
        assert!(matches!(code, Some(0 | 1 | 70 | 78)), "{code:?}\n{}", self.world.log());
        self.world.kill();
    }

    async fn round(&mut self, load: &Load, dice: &mut Dice) {
        load.allow(EVENTS);
        load.more(dice.roll(1..=60)).await;
        let mut ended = self.fill(load).await;
        if ended {
            self.starts_on_a_full_disk().await;
        }
        fs::remove_file(&self.filler).expect("room again");
        let clock = SystemClock::new();
        load.allow(EVENTS);
        let goes_on = load.more(5);
        tokio::pin!(goes_on);
        while !ended {
            tokio::select! {
                () = &mut goes_on => break,
                () = clock.sleep_until(soon(&clock)) => {}
            }
            // One that was still ending while there was no room.
            ended = self.has_ended();
        }
        if ended {
            self.world.start().await;
            self.opened += 1;
        }
        must_be_known(&self.world, &load.all()).await;
        self.met += self.met();
        let _ = fs::remove_file(self.world.folder.path().join("log"));
        if !ended {
            // Its log is the file that is gone: a new life has a new one.
            self.world.kill();
            self.world.start().await;
            self.opened += 1;
        }
    }
}

async fn fills_up(on: On, mib: u64, what: &str) {
    if !LoopDisk::can_be_had("disk_full") {
        return;
    }
    let mut dice = Dice::new("disk_full");
    let mut setup = Setup::default();
    clients::enrol(&mut setup, PUPILS);
    let world = setup.prepare();
    let at = world.folder.path().join("disk");
    fs::create_dir(&at).expect("folder");
    let disk = LoopDisk::mounted(mib, &at);
    let state = world.folder.path().join("state");
    let (at_state, target) = match on {
        On::Both => (state, at.join("state")),
        On::Journal => (state.join("journal"), at.join("journal")),
        On::Store => (state.join("store"), at.join("store")),
    };
    fs::create_dir_all(at_state.parent().expect("a folder")).expect("folder");
    fs::create_dir(&target).expect("folder");
    symlink(&target, &at_state).expect("link");
    let mut full = Full { world, filler: at.join("filler"), on, exits: 0, opened: 0, met: 0 };
    full.world.start().await;
    let load = Load::new(&full.world, PUPILS);
    let clients = load.start(8);
    for _ in 0..ROUNDS {
        full.round(&load, &mut dice).await;
    }
    let acknowledged = load.finish(clients).await;
    let Full { mut world, exits, opened, met, .. } = full;
    let kept = reckoning::settle(&mut world, acknowledged.len()).await;
    let reckoning = Reckoning::of(&acknowledged, &kept, &world.sink.messages());
    say(format_args!("disk_full: {on:?}: {reckoning}"));
    let mut line = Line::of(what, ROUNDS, opened, &reckoning);
    line.note = format!("{} answers 503, {exits} exits, {met} lines of no space", load.put_off());
    line.add();
    reckoning.must_be_clean();
    match on {
        On::Journal => assert_eq!(exits, 0, "a full journal passes"),
        On::Store => assert_eq!(exits, ROUNDS, "sled does not recover while it runs"),
        On::Both => {}
    }
    assert!(met > 0, "no write met the full disk: this test cannot fail");
    drop(world);
    disk.unmount();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_meets_a_full_disk_in_mid_commit_loses_nothing() {
    fills_up(On::Journal, 32, "disk full in mid-commit: the journal's").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_meets_a_full_disk_in_mid_commit_loses_nothing() {
    fills_up(On::Store, 64, "disk full in mid-commit: the store's").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_between_the_look_and_the_write_loses_nothing() {
    fills_up(On::Both, 256, "disk full in mid-commit: room comes and goes").await;
}
