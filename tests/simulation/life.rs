//! One life of the daemon: the real application on simulated time, store and outside, until it is killed,
//! dies in a commit, stops by itself, or everything is over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, OnceLock};

use jiff::{SignedDuration, Timestamp};
use upprop::app::App;
use upprop::config::Config;
use upprop::env::{Clock as _, Env};
use upprop::lifecycle::{Fault, Lifecycle};
use upprop::message::Templates;
use upprop::store::{Kv as _, after_prefix};

use crate::clock::{SimClock, pause};
use crate::disk::{Disk, Mounted};
use crate::holds::{self, Act, Held};
use crate::line::Line;
use crate::outside::Outside;
use crate::plan::{Event, Plan};
use crate::senders::Senders;
use crate::staff::{self, Deed};
use crate::tally::Tally;

/// How long everything is left alone after the last event: longer than any deadline, and two days more, in which reports
/// about what was sent to a home that is protected since may come.
const QUIET: SignedDuration = SignedDuration::from_hours(80);
/// How long after the last event nothing goes wrong any more.
const CALM: SignedDuration = SignedDuration::from_mins(15);
/// How long the daemon may go on with a store that has failed, before the task that watches the
/// embedded store would have ended it.
const BROKEN: u64 = 2_000;

/// The shipped texts, loaded once: every life has the same.
pub fn texts() -> Arc<Templates> {
    static TEXTS: OnceLock<Arc<Templates>> = OnceLock::new();
    TEXTS.get_or_init(|| Arc::new(Templates::load(None).expect("they load"))).clone()
}

/// What outlives the lives.
pub struct World {
    pub plan: Plan,
    config: Config,
    pub disk: Arc<Disk>,
    pub outside: Arc<Outside>,
    pub tally: Arc<Tally>,
    /// Events by id, with when each was acknowledged first.
    pub acknowledged: Mutex<BTreeMap<String, Timestamp>>,
    /// The versions of the directory that were put: when, and when that was answered.
    pub loaded: Mutex<Vec<(Timestamp, Option<Timestamp>)>>,
    /// When the daemon's clock went forward by itself: by a step, or with a start.
    pub forward: Mutex<Vec<Timestamp>>,
    pub todo: Mutex<VecDeque<Event>>,
    kills: Mutex<VecDeque<Timestamp>>,
    sleeps: Mutex<VecDeque<(Timestamp, SignedDuration)>>,
    clocks: Mutex<VecDeque<(Timestamp, SignedDuration)>>,
    /// What operators have yet to do.
    pub acts: Mutex<VecDeque<Act>>,
    /// What staff have yet to do.
    pub deeds: Mutex<VecDeque<Deed>>,
    /// Pupils about whom somebody has said that a duty is done, or not needed.
    pub done: Mutex<BTreeSet<String>>,
    /// What they have suspended.
    pub held: Mutex<Vec<Held>>,
    /// How far the machine's clock is ahead of the truth.
    wrong: Mutex<SignedDuration>,
}

impl World {
    pub fn new(plan: Plan, config: Config, tally: Arc<Tally>, deadly: u64, trouble: u64) -> Self {
        let schools: Vec<&str> = plan.schools.iter().map(|s| s.id).collect();
        let acts = holds::draw(plan.seed, &plan.days, &schools);
        Self {
            disk: Arc::new(Disk::new(plan.seed, deadly, tally.clone())),
            outside: Arc::new(Outside::new(&plan, trouble, tally.clone())),
            acknowledged: Mutex::default(),
            loaded: Mutex::default(),
            forward: Mutex::default(),
            todo: Mutex::new(plan.events.iter().cloned().collect()),
            kills: Mutex::new(plan.kills.iter().copied().collect()),
            sleeps: Mutex::new(plan.sleeps.iter().copied().collect()),
            clocks: Mutex::new(plan.clocks.iter().copied().collect()),
            acts: Mutex::new(acts.into()),
            deeds: Mutex::new(staff::draw(&plan).into()),
            done: Mutex::default(),
            held: Mutex::default(),
            wrong: Mutex::new(SignedDuration::ZERO),
            tally,
            plan,
            config,
        }
    }

    /// Lives until all is over; how many lives it took.
    pub fn run(self: &Arc<Self>) -> u64 {
        let mut at = self.plan.began;
        for life in 1..500 {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .expect("a runtime");
            let (end, over) = runtime.block_on(self.life(at));
            // Whatever was under way is gone with the process.
            drop(runtime);
            if over {
                return life;
            }
            // systemd starts it again.
            at = end + SignedDuration::from_secs(2);
        }
        panic!("it never ends");
    }

    fn horizon(&self) -> Timestamp {
        self.plan.events.last().map_or(self.plan.began, |e| e.at) + QUIET
    }

    async fn life(self: &Arc<Self>, began: Timestamp) -> (Timestamp, bool) {
        // With its clock put right at the start, time may be another than when it ended.
        let clock = Arc::new(SimClock::at(began, *self.wrong.lock().expect("wrong")));
        let mounted = Arc::new(Mounted::new(self.disk.clone()).await);
        let line = Arc::new(Line {
            outside: self.outside.clone(),
            clock: clock.clone(),
            process: mounted.clone(),
        });
        let env = Env { clock: clock.clone(), wire: line.clone(), mail: line };
        let (lifecycle, mut faults) = Lifecycle::new();
        let app =
            App::with_templates(&self.config, texts(), env, mounted.clone(), lifecycle.clone());
        let app = app.expect("it builds");
        let broken = async {
            mounted.failed.notified().await;
            pause(BROKEN).await;
        };
        let over = tokio::select! {
            biased;
            () = mounted.died.notified() => false,
            fault = faults.recv() => {
                assert!(mounted.is_broken(), "it stops by itself: {fault:?}");
                let store = matches!(fault, Some(Fault::Failed { .. }));
                assert!(store, "a store that failed is told as something else: {fault:?}");
                self.tally.count(STOPPED);
                false
            }
            () = broken => {
                self.tally.count(STOPPED_BY_WATCH);
                false
            }
            over = self.work(app, &clock, mounted.as_ref()) => {
                if !over && mounted.is_broken() {
                    self.tally.count(STOPPED);
                }
                over
            }
        };
        mounted.die();
        (clock.truth(), over)
    }

    async fn work(&self, app: App, clock: &SimClock, store: &Mounted) -> bool {
        self.fill(clock.truth());
        if app.prepare().await.is_err() {
            // It says so and ends; the disk is full only for those who write.
            return false;
        }
        let (router, operators) = (app.router(), app.operators());
        app.start(None, || {});
        let mut senders = Senders::new(self, router, clock);
        let horizon = self.horizon();
        let calm = horizon - QUIET + CALM;
        loop {
            let now = clock.truth();
            self.fill(now);
            if now >= calm {
                self.disk.heal();
                self.outside.heal();
                self.set_clock(clock, SignedDuration::ZERO);
            }
            if self.kills.lock().expect("kills").pop_front_if(|at| *at <= now).is_some() {
                self.tally.count(KILLED);
                return false;
            }
            let sleep = self.sleeps.lock().expect("sleeps").pop_front_if(|(at, _)| *at <= now);
            if let Some((_, by)) = sleep {
                self.tally.count(SLEPT);
                clock.sleep(by);
                continue;
            }
            let set = self.clocks.lock().expect("clocks").pop_front_if(|(at, _)| *at <= now);
            if let Some((_, wrong)) = set {
                self.set_clock(clock, wrong);
            }
            holds::act(self, store, clock).await;
            staff::act(self, &operators, clock).await;
            senders.send(now);
            let due = if now >= calm && senders.is_idle() { self.is_due().await } else { true };
            if senders.is_idle() && (now >= horizon || !due) {
                return true;
            }
            let next = self.next(now, horizon, calm).min(senders.next(now).unwrap_or(horizon));
            tokio::select! {
                biased;
                () = senders.answer() => {}
                () = self.outside.reported.notified() => {}
                () = clock.until(next) => {}
            }
        }
    }

    /// Fills the disk, or makes room on it.
    fn fill(&self, now: Timestamp) {
        let full = self.plan.full.iter().find(|(from, to, _)| *from <= now && now < *to);
        self.disk.fill(full.is_some(), full.is_some_and(|(.., hidden)| *hidden));
    }

    fn set_clock(&self, clock: &SimClock, to: SignedDuration) {
        let mut wrong = self.wrong.lock().expect("wrong");
        if to == *wrong {
            return;
        }
        if to > *wrong {
            self.tally.count(FORWARD);
            self.forward.lock().expect("forward").push(clock.truth());
        } else {
            self.tally.count(BACKWARD);
        }
        *wrong = to;
        clock.set(to);
        // The daemon's own is where it is until it looks.
        let _: Timestamp = clock.now();
    }

    /// Whether anything is due at some time, or will be reported or posted.
    async fn is_due(&self) -> bool {
        let (from, to) = (b"du/".to_vec(), after_prefix(b"du/"));
        let rows = self.disk.durable().scan(&from, &to, 1).await.expect("memory");
        let reports = !self.outside.reports.lock().expect("reports").is_empty();
        !rows.is_empty() || reports || !self.todo.lock().expect("events").is_empty()
    }

    /// When something happens next by itself.
    fn next(&self, now: Timestamp, horizon: Timestamp, calm: Timestamp) -> Timestamp {
        let kill = self.kills.lock().expect("kills").front().copied();
        let full = self.plan.full.iter().flat_map(|(from, to, _)| [*from, *to]);
        let sleep = self.sleeps.lock().expect("sleeps").front().map(|(at, _)| *at);
        let set = self.clocks.lock().expect("clocks").front().map(|(at, _)| *at);
        let act = self.acts.lock().expect("acts").front().map(|act| act.at);
        let deed = self.deeds.lock().expect("deeds").front().map(|deed| deed.at);
        // When it is calm, whether all is settled.
        let look = (now >= calm).then(|| now + SignedDuration::from_mins(10));
        kill.into_iter()
            .chain(sleep)
            .chain(set)
            .chain(act)
            .chain(deed)
            .chain(look)
            .chain(full)
            .chain([horizon, calm])
            .filter(|at| *at > now)
            .min()
            .unwrap_or(horizon)
    }
}

const KILLED: &str = "killed at any time";
const SLEPT: &str = "the machine sleeps";
const FORWARD: &str = "the clock goes forward";
const BACKWARD: &str = "the clock goes back";
/// What can go wrong here.
pub const FAULTS: &[&str] = &[KILLED, SLEPT, FORWARD, BACKWARD];

const STOPPED: &str = "a daemon whose store has failed stops by itself";
const STOPPED_BY_WATCH: &str = "a daemon whose store has failed is stopped by its watch";
/// Promises that are looked at here.
pub const CHECKS: &[&str] = &[STOPPED, STOPPED_BY_WATCH];
