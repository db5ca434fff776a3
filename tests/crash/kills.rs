//! The daemon killed at any moment: what it acknowledged is told, and told once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::{fs, time::Duration};

use jiff::SignedDuration;
use upprop::env::{Clock as _, SystemClock};
use upprop::sim::sink::{
    At, Faults, HttpFault, HttpRule, Kind, Latency, LatencyWhen, SmtpFault, SmtpRule,
};

use crate::clients::{self, Event, Load, must_be_known};
use crate::dice::Dice;
use crate::load::say;
use crate::reckoning::{self, Reckoning};
use crate::table::{self, Line};
use crate::world::{Setup, World, within, write_directory};

/// Events between two starts at most: more than any moment waits for, and few enough that a provider still
/// tells of each text to one number.
const EVENTS: usize = 30;
/// Enrolled pupils beside those: for what is under way at the end, and for each kind of moment once.
const PUPILS: usize = 2_000;
/// What was acknowledged last is posted again after each kill: so many.
const AGAIN: usize = 50;

/// Around what the kill falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Around {
    Acknowledging,
    TextsLeaving,
    MailsLeaving,
    ReportsComing,
    LookingUp,
    Starting,
    LoadingTheDirectory,
}

impl Around {
    const ALL: [Self; 7] = [
        Self::Acknowledging,
        Self::TextsLeaving,
        Self::MailsLeaving,
        Self::ReportsComing,
        Self::LookingUp,
        Self::Starting,
        Self::LoadingTheDirectory,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Acknowledging => "acknowledging",
            Self::TextsLeaving => "texts leaving",
            Self::MailsLeaving => "mails leaving",
            Self::ReportsComing => "reports coming",
            Self::LookingUp => "looking up what is in doubt",
            Self::Starting => "starting and recovering",
            Self::LoadingTheDirectory => "loading a directory",
        }
    }
}

/// A provider that takes its time, on either side of taking the text, and drops every fiftieth
/// answer; and a relay that now and then says nothing, or hangs up, when it has the mail. Whenever the
/// daemon dies, some messages have left unanswered and some have not left.
fn slow_outside(dice: &mut Dice) -> Faults {
    let when = match dice.roll(0..=1) {
        0 => LatencyWhen::BeforeStoring,
        _ => LatencyWhen::AfterStoring,
    };
    let mut dropped = HttpRule::new(HttpFault::DropAfterStoring);
    dropped.when.every = 50.try_into().ok();
    let mut silent = SmtpRule::new(At::EndOfData, SmtpFault::Stall);
    silent.when.every = 40.try_into().ok();
    let mut gone = SmtpRule::new(At::EndOfData, SmtpFault::Drop);
    gone.when.every = 30.try_into().ok();
    Faults {
        latency: Latency { ms: dice.roll(0..=40), when },
        http: vec![dropped],
        smtp: vec![silent, gone],
        ..Faults::default()
    }
}

/// Waits until `more` more messages are such.
async fn more(world: &World, more: usize, such: impl Fn(&upprop::sim::sink::Received) -> bool) {
    let count = |all: &[std::sync::Arc<upprop::sim::sink::Received>]| {
        all.iter().filter(|message| such(message)).count()
    };
    let target = count(&world.sink.messages()) + more;
    within("more messages", world.sink.until(|all| count(all) >= target)).await;
}

/// Kills as the daemon starts, at a moment before it was ready the last time, or soon after.
async fn kill_while_starting(world: &mut World, dice: &mut Dice, ready_after: Duration) {
    let clock = SystemClock::new();
    let longest = u64::try_from(ready_after.as_micros()).expect("short") * 5 / 4;
    world.launch();
    let pause = SignedDuration::from_micros(i64::try_from(dice.roll(0..=longest)).expect("short"));
    clock.sleep_until(clock.now() + pause).await;
    assert!(world.ended().is_none(), "the daemon ended by itself:\n{}", world.log());
    world.kill();
}

/// A world, and what the school's folder holds.
struct Killed {
    world: World,
    setup: Setup,
    dice: Dice,
    ready_after: Duration,
    kills: BTreeMap<Around, u64>,
    opened: u64,
    /// Events about pupils who came with another load of the directory.
    newcomers: Vec<Event>,
    enrolled: usize,
}

impl Killed {
    fn kill(&mut self, around: Around) {
        self.world.kill();
        *self.kills.entry(around).or_default() += 1;
        // Of many lives only the last one's words are wanted.
        let _ = fs::remove_file(self.world.folder.path().join("log"));
    }

    async fn start(&mut self) {
        let clock = SystemClock::new();
        let began = clock.now();
        self.world.start().await;
        self.ready_after = clock.now().duration_since(began).unsigned_abs();
        self.opened += 1;
    }

    /// One or two kills, and a start.
    async fn round(&mut self, around: Around, load: &Load) {
        self.world.sink.set_faults(slow_outside(&mut self.dice));
        let some = self.dice.roll(1..=20);
        let few = usize::try_from(some).expect("small");
        load.allow(EVENTS);
        match around {
            Around::Acknowledging => load.more(some).await,
            Around::TextsLeaving => more(&self.world, few, |m| m.kind == Kind::Sms).await,
            Around::MailsLeaving => more(&self.world, few / 4 + 1, |m| m.kind == Kind::Email).await,
            Around::ReportsComing => {
                more(&self.world, few, |m| m.receipts_posted > 0).await;
            }
            Around::LookingUp => {
                // What is on the wire now will be in doubt.
                load.more(some).await;
                self.kill(Around::Acknowledging);
                load.pause(true);
                self.start().await;
                self.world.logged("attempt in doubt looked into", 1).await;
            }
            Around::Starting | Around::LoadingTheDirectory => {
                load.more(some).await;
                self.kill(Around::Acknowledging);
                if around == Around::LoadingTheDirectory {
                    self.another_pupil();
                }
                kill_while_starting(&mut self.world, &mut self.dice, self.ready_after).await;
            }
        }
        self.kill(around);
        load.pause(false);
        self.start().await;
        if around == Around::LoadingTheDirectory {
            let event = Event::about(&self.world, self.enrolled - 1);
            self.world.accept(&event.body).await;
            self.newcomers.push(event);
        }
        must_be_known(&self.world, &load.last(AGAIN)).await;
    }

    /// A pupil comes to the school: the folder is another at the next start.
    fn another_pupil(&mut self) {
        let i = self.enrolled;
        let phone = format!("070-174 06 {}", 20 + i % 60);
        let born = "2012-02-15".to_owned();
        self.setup.pupils.push((format!("q{i}"), crate::load::name(i), born, "none".into()));
        self.setup.guardians.push(format!("q{i},s1,h{i},Vuxen Test,{phone},,sms,sv,yes,no"));
        self.enrolled += 1;
        write_directory(self.world.folder.path(), &self.setup.pupils, &self.setup.guardians);
    }

    fn count(&self) -> u64 {
        self.kills.values().sum()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_load_lose_nothing_and_tell_nobody_twice() {
    let kills = table::kills();
    let pupils = PUPILS + EVENTS * usize::try_from(kills).expect("small");
    let mut setup = Setup::default();
    clients::enrol(&mut setup, pupils);
    let mut world = setup.prepare();
    // Written again, since the folder has to change later on.
    let mut setup = Setup::default();
    clients::enrol(&mut setup, pupils);
    let clock = SystemClock::new();
    let began = clock.now();
    world.start().await;
    let mut killed = Killed {
        ready_after: clock.now().duration_since(began).unsigned_abs(),
        world,
        setup,
        dice: Dice::new("kills"),
        kills: BTreeMap::new(),
        opened: 0,
        newcomers: Vec::new(),
        enrolled: pupils,
    };
    let load = Load::new(&killed.world, pupils);
    let clients = load.start(8);
    // Each kind once, then as chance has it.
    let mut kinds = Around::ALL.into_iter();
    while killed.count() < kills || kinds.len() > 0 {
        let any = usize::try_from(killed.dice.roll(0..=6)).expect("small");
        let around = kinds.next().unwrap_or(Around::ALL[any]);
        killed.round(around, &load).await;
    }
    let mut acknowledged = load.finish(clients).await;
    acknowledged.append(&mut killed.newcomers);
    let mut world = killed.world;
    world.sink.set_faults(Faults::default());
    let kept = reckoning::settle(&mut world, acknowledged.len()).await;
    let reckoning = Reckoning::of(&acknowledged, &kept, &world.sink.messages());
    let mut around = String::new();
    for (kind, count) in &killed.kills {
        let _ =
            write!(around, "{}{count} {}", if around.is_empty() { "" } else { ", " }, kind.words());
    }
    let times: u64 = killed.kills.values().sum();
    say(format_args!("kills: {times} kills -9 ({around}): {reckoning}"));
    let mut line = Line::of("kill -9 of the daemon under load", times, killed.opened, &reckoning);
    line.note = format!("{} mails again under the same Message-ID", reckoning.copies);
    line.add();
    reckoning.must_be_clean();
    assert!(reckoning.looked_up > 0, "no kill came while a message was on the wire");
    assert!(reckoning.reported > 0, "no delivery report came");
    let by_mail = |n: &upprop::model::Notification| n.channel == upprop::model::Channel::Email;
    let held = kept.notifications.iter().filter(|n| n.state == upprop::model::State::Held);
    assert_eq!(held.filter(|n| !by_mail(n)).count(), 0, "a provider that keeps texts can tell");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_posted_again_is_told_once_also_across_a_kill() {
    let setup = Setup { school: "grace = \"0s\"\n".into(), ..Setup::default() };
    let mut world = setup.start().await;
    let event = world.marked("alva", "l1", "unexcused", 60);
    // Twice at the same moment: one of them is first.
    let (one, other) = tokio::join!(world.post(&event), world.post(&event));
    let count =
        |word: &str| one.1[word].as_u64().unwrap_or(0) + other.1[word].as_u64().unwrap_or(0);
    assert_eq!((one.0, other.0, count("accepted"), count("duplicate")), (202, 202, 1, 1));
    assert_duplicate(&world, &event).await;
    world.messages(2).await;
    for _ in 0..2 {
        world.kill();
        world.start().await;
        assert_duplicate(&world, &event).await;
    }
    world.quiet(2).await;
    say("kills: one event posted five times across two kills -9: told once");
}

async fn assert_duplicate(world: &World, event: &serde_json::Value) {
    let (status, answer) = world.post(event).await;
    assert_eq!(
        (status, answer["accepted"].as_u64(), answer["duplicate"].as_u64()),
        (202, Some(0), Some(1)),
        "{answer}"
    );
}
