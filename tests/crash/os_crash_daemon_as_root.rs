//! The machine crashes under the daemon, also while it starts after a crash: it knows what it
//! acknowledged, and nobody is told twice.

use jiff::SignedDuration;
use upprop::env::{Clock as _, SystemClock};

use crate::clients::{self, Load, must_be_known};
use crate::dice::Dice;
use crate::load::say;
use crate::loop_disk::LoopDisk;
use crate::reckoning::{self, Reckoning};
use crate::table::{self, Line};
use crate::world::{Setup, World};

/// Enrolled pupils: these, and so many for each crash.
const PUPILS: u64 = 500;
const PUPILS_PER_CRASH: u64 = 120;

/// The daemon starts, and the machine crashes before it was ready the last time, or soon after.
/// Whether it came before the end of recovery.
async fn crash_while_starting(
    world: &mut World,
    disk: &LoopDisk,
    dice: &mut Dice,
    longest: SignedDuration,
) -> bool {
    let clock = SystemClock::new();
    let former = world.lines("ready to run");
    world.launch();
    let longest = u64::try_from(longest.as_micros()).expect("short") * 5 / 4;
    let pause = i64::try_from(dice.roll(0..=longest)).expect("short");
    clock.sleep_until(clock.now() + SignedDuration::from_micros(pause)).await;
    disk.crash();
    let recovering = world.lines("ready to run") == former;
    world.kill();
    disk.unmount();
    disk.mount();
    recovering
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_knows_after_a_crash_of_the_machine_what_it_acknowledged() {
    if !LoopDisk::can_be_had("os_crash with the daemon") {
        return;
    }
    let rounds = table::os_crashes();
    let mut dice = Dice::new("os_crash with the daemon");
    let pupils = usize::try_from(PUPILS + PUPILS_PER_CRASH * rounds).expect("small");
    let mut setup = Setup::default();
    clients::enrol(&mut setup, pupils);
    let mut world = setup.prepare();
    let state = world.folder.path().join("state");
    std::fs::create_dir(&state).expect("folder");
    let disk = LoopDisk::mounted(512, &state);
    let clock = SystemClock::new();
    let began = clock.now();
    world.start().await;
    let mut starting = clock.now().duration_since(began);
    let (mut crashes, mut opened, mut recovering, mut again) = (0, 0, 0, 0);
    let load = Load::new(&world, pupils);
    let clients = load.start(8);
    while opened < rounds || recovering == 0 {
        assert!(opened < 10 * rounds + 50, "no crash came in a recovery");
        load.pause(false);
        load.more(dice.roll(1..=60)).await;
        disk.crash();
        load.pause(true);
        world.kill();
        crashes += 1;
        let acknowledged = load.all();
        disk.unmount();
        disk.mount();
        if dice.roll(0..=1) == 0 {
            crashes += 1;
            recovering +=
                u64::from(crash_while_starting(&mut world, &disk, &mut dice, starting).await);
        }
        let began = clock.now();
        world.start().await;
        starting = clock.now().duration_since(began);
        opened += 1;
        must_be_known(&world, &acknowledged).await;
        again += acknowledged.len();
    }
    load.pause(false);
    let acknowledged = load.finish(clients).await;
    let kept = reckoning::settle(&mut world, acknowledged.len()).await;
    let reckoning = Reckoning::of(&acknowledged, &kept, &world.sink.messages());
    say(format_args!(
        "os_crash: {crashes} crashes of the machine under the daemon, {again} acknowledged events \
         posted again, all duplicates: {reckoning}"
    ));
    let mut line = Line::of("machine crashes under the daemon", crashes, opened, &reckoning);
    line.note = format!("{recovering} of them while it recovered");
    line.add();
    reckoning.must_be_clean();
}
