//! A daemon that asks a school system which leaves the standard in one way or another, and that is killed at any
//! moment meanwhile: everybody is told what they must be told, once, and nothing else.
//!
//! `UPPROP_SCHOOL_KILLS` says how often it is killed in all; `UPPROP_SEED` repeats a run.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::SignedDuration;
use tokio::sync::Semaphore;
use upprop::env::{Clock as _, SystemClock};
use upprop::sim::school::Act;

use crate::hub::{Hub, in_minutes};

/// What the school system does otherwise, and how it is asked.
const WAYS: [(&str, &str); 24] = [
    ("", ""),
    ("recreate,modifiedEntities", "subscriptions = true\ncallback-secret-file = \"secrets/call\""),
    ("lookup-only,recreate", ""),
    ("lookup-only,activities-only,503=12", "attendance = \"lookup\""),
    ("lookup-only,503=12,wrapped-lookups", "attendance = \"lookup\""),
    (
        "400-empty,window,by-organisation",
        "vendor = \"skola24\"\nbudgets = { \"*\" = \"1000/s\", calendarEvents = \"1000/s\", attendances = \"1000/s\", activities = \"1000/s\" }",
    ),
    (
        "recreate,400-empty",
        "attendance = \"calendar-events\"\nvendor = \"skola24\"\nbudgets = { \"*\" = \"1000/s\", calendarEvents = \"1000/s\", attendances = \"1000/s\", activities = \"1000/s\" }",
    ),
    ("no-marking,prefilled", ""),
    ("reported-only,recreate", ""),
    ("reported-only,lookup-only", ""),
    ("exact-200,one-at-a-time", "subscriptions = true\ncallback-secret-file = \"secrets/call\""),
    (
        "plain-resources,exact-200,modifiedEntities",
        "subscriptions = true\ncallback-secret-file = \"secrets/call\"",
    ),
    ("skew=120,recreate", ""),
    ("skew=-120,recreate", ""),
    ("skew=-120,lookup-only", ""),
    ("backdated=30", ""),
    ("backdated=30,repeated-rows,out-of-order", "page-size = 2"),
    ("null-references,unknown-enums", ""),
    ("endless-token", ""),
    ("2.0.0", ""),
    ("2.0.0,recreate", "attendance = \"calendar-events\""),
    ("token-with-filters,no-teaching-length", "page-size = 2"),
    ("messy,recreate", ""),
    ("html-errors,lookup-only,1895,negative-minutes", ""),
];
/// Worlds that live side by side.
const SIDE_BY_SIDE: usize = 12;

/// Chance that can be had again.
struct Dice(u64);

impl Dice {
    /// Up to and including `most`.
    fn roll(&mut self, most: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % (most + 1)
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// One world, and how often it is to be killed yet.
struct Life {
    hub: Hub,
    dice: Dice,
    kills: u64,
    killed: Arc<AtomicU64>,
}

impl Life {
    /// Something has happened: perhaps the daemon dies at some moment after it.
    async fn perhaps(&mut self) {
        if self.kills == 0 || self.dice.roll(2) == 0 {
            return;
        }
        self.kill().await;
    }

    async fn kill(&mut self) {
        let clock = SystemClock::new();
        let pause = i64::try_from(self.dice.roll(1_500)).expect("small");
        clock.sleep_until(clock.now() + SignedDuration::from_millis(pause)).await;
        self.hub.world.kill();
        self.kills -= 1;
        self.killed.fetch_add(1, Ordering::Relaxed);
        self.hub.world.start().await;
    }

    /// A day at school. Who is who, by place: 0 missing before first contact; 1 missing; 2 comes late; 3 excused
    /// afterwards; 4 has given notice; 5 there; 6 missing in a register that is open until it is closed; 7 missing from
    /// a lesson that is cancelled afterwards; 8 marked missing by mistake, the row being deleted.
    async fn day(&mut self) {
        let (first, other) = (self.hub.lesson("Ma", 5), self.hub.lesson("Sv", 6));
        self.hub.absent(0, &first);
        self.hub.world.start().await;
        self.hub.asked().await;
        self.perhaps().await;
        let start = in_minutes(-60);
        let (pupil, end) = (self.hub.pupil(4), in_minutes(180));
        self.hub.act(Act::Notice { pupil, start, end, leave: false });
        self.perhaps().await;
        for index in [1, 2, 3, 4, 8] {
            self.hub.absent(index, &first);
        }
        self.hub.absent(7, &other);
        let pupil = self.hub.pupil(5);
        self.hub.act(Act::Arrive { pupil, lesson: first.clone(), late: 0 });
        let pupil = self.hub.pupil(6);
        self.hub.act(Act::Absent { pupil, lesson: first.clone(), reported: false });
        self.perhaps().await;
        for index in [1, 2, 3, 7, 8] {
            self.hub.told(index, 1).await;
        }
        let pupil = self.hub.pupil(2);
        self.hub.act(Act::Arrive { pupil, lesson: first.clone(), late: 7 });
        self.perhaps().await;
        self.hub.excuse(3, &first);
        self.perhaps().await;
        self.hub.act(Act::Cancel { lesson: other, cancelled: true });
        self.perhaps().await;
        let pupil = self.hub.pupil(8);
        self.hub.act(Act::Unmark { pupil, lesson: first.clone() });
        self.perhaps().await;
        self.hub.act(Act::Report { lesson: first });
        self.perhaps().await;
        self.hub.told(6, 1).await;
        for index in [2, 3, 7, 8] {
            self.hub.told(index, 2).await;
        }
        while self.kills > 0 {
            self.kill().await;
        }
        self.hub.asked().await;
        // Whatever is still to come comes before this.
        let texts = |index| self.hub.texts(index).len();
        let told: Vec<usize> = (0..9).map(texts).collect();
        assert_eq!(told, [0, 1, 2, 2, 0, 0, 1, 2, 2], "{}", self.hub.world.shown());
        self.hub.world.quiet(10).await;
    }

    /// That the texts say what they must.
    fn judge(&self) {
        let says = |index: usize, place: usize, words: &str| {
            let texts = self.hub.texts(index);
            assert!(texts[place].contains(words), "{index}: {texts:?}");
        };
        for index in [1, 2, 3, 6, 7, 8] {
            says(index, 0, "är inte registrerad");
        }
        says(2, 1, "kom ");
        // There an excuse that comes late is a mark.
        says(3, 1, "registrerad av skolan som giltig");
        says(7, 1, "inställd");
        // The register was reported after the row was gone: then the pupil was there.
        says(8, 1, "var närvarande");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn through_every_quirk_and_kill_everybody_is_told_once() {
    let kills = number("UPPROP_SCHOOL_KILLS", 50);
    let seed = number("UPPROP_SEED", u64::from(std::process::id()));
    eprintln!("UPPROP_SEED={seed}");
    let killed = Arc::new(AtomicU64::new(0));
    let places = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let tracker = tokio_util::task::TaskTracker::new();
    let mut all = Vec::new();
    for (index, (quirks, lines)) in (0_u64..).zip(WAYS) {
        let times = kills / 24 + u64::from(index < kills % 24);
        let (killed, places) = (killed.clone(), places.clone());
        let life = tracker.spawn(async move {
            let _place = places.acquire_owned().await.expect("open");
            let lines = format!("attendance-poll = \"1s\"\nschedule-poll = \"1s\"\n{lines}");
            let hub = Hub::prepare(quirks, 9, &lines);
            let dice = Dice(seed.wrapping_add(index));
            let mut life = Life { hub, dice, kills: times, killed };
            life.day().await;
            life.judge();
        });
        all.push((quirks, life));
    }
    let mut failed = String::new();
    for (quirks, life) in all {
        if let Err(why) = life.await {
            let _ = writeln!(failed, "{quirks:?}: {why}");
        }
    }
    assert!(failed.is_empty(), "with seed {seed} it failed with these quirks:\n{failed}");
    let killed = killed.load(Ordering::Relaxed);
    eprintln!("{} combinations of quirks, {killed} kills -9: every text once", WAYS.len());
    assert_eq!(killed, kills);
}
