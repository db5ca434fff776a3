//! One life of the daemon: the real application on simulated time, store and outside, until it is killed,
//! dies in a commit, or everything is over. The school system posts until it is answered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use tower::ServiceExt as _;
use upprop::app::App;
use upprop::config::Config;
use upprop::env::{Clock as _, Env};
use upprop::lifecycle::Lifecycle;

use super::clock::{SimClock, pause};
use super::disk::{Disk, Mounted};
use super::outside::{Line, Outside};
use super::plan::{API_TOKEN, Event, Plan, TOKEN};

/// How long everything is left alone after the last event: longer than any deadline.
const QUIET: SignedDuration = SignedDuration::from_hours(40);

/// What outlives the lives.
pub struct World {
    pub plan: Plan,
    pub config: Config,
    pub disk: Arc<Disk>,
    pub outside: Arc<Outside>,
    /// Events by id, with when each was acknowledged first.
    pub acknowledged: Mutex<BTreeMap<String, Timestamp>>,
    todo: Mutex<VecDeque<Event>>,
    kills: Mutex<VecDeque<Timestamp>>,
    steps: Mutex<VecDeque<(Timestamp, SignedDuration)>>,
    loaded: Mutex<bool>,
}

impl World {
    pub fn new(plan: Plan, config: Config, deadly: u64, trouble: u64) -> Self {
        Self {
            disk: Arc::new(Disk::new(plan.seed, deadly)),
            outside: Arc::new(Outside::new(plan.seed, trouble)),
            acknowledged: Mutex::default(),
            todo: Mutex::new(plan.events.iter().cloned().collect()),
            kills: Mutex::new(plan.kills.iter().copied().collect()),
            steps: Mutex::new(plan.steps.iter().copied().collect()),
            loaded: Mutex::new(false),
            plan,
            config,
        }
    }

    /// Lives until all is over; how many lives it took.
    pub fn run(self: &Arc<Self>) -> u32 {
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
        panic!("seed {}: it never ends", self.plan.seed);
    }

    fn horizon(&self) -> Timestamp {
        let last = self.plan.events.last().map_or(self.plan.began, |e| e.at);
        last + QUIET
    }

    async fn life(self: &Arc<Self>, began: Timestamp) -> (Timestamp, bool) {
        let clock = Arc::new(SimClock::at(began));
        let mounted = Arc::new(Mounted::new(self.disk.clone()));
        let line = Arc::new(Line {
            outside: self.outside.clone(),
            clock: clock.clone(),
            process: mounted.clone(),
        });
        let env = Env { clock: clock.clone(), wire: line.clone(), mail: line };
        let (lifecycle, mut faults) = Lifecycle::new();
        let app = App::build(&self.config, env, mounted.clone(), lifecycle).expect("it builds");
        let over = tokio::select! {
            biased;
            () = mounted.died.notified() => false,
            fault = faults.recv() => panic!("seed {}: {fault:?}", self.plan.seed),
            over = self.work(app, &clock) => over,
        };
        mounted.die();
        (clock.now(), over)
    }

    async fn work(&self, app: App, clock: &SimClock) -> bool {
        app.prepare().await.expect("the store is there");
        let router = app.router();
        if !*self.loaded.lock().expect("flag") {
            let put = Request::put("/api/directory")
                .header("authorization", format!("Bearer {API_TOKEN}"))
                .header("content-type", "application/json")
                .body(Body::from(self.plan.directory.to_string()))
                .expect("a request");
            let answer = router.clone().oneshot(put).await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::OK, "seed {}", self.plan.seed);
            *self.loaded.lock().expect("flag") = true;
        }
        app.start(None, || {});
        let mut posting = FuturesUnordered::new();
        let horizon = self.horizon();
        let calm = horizon - QUIET + SignedDuration::from_mins(15);
        // What was not acknowledged before is sent again at once.
        let mut again: VecDeque<Event> = {
            let acknowledged = self.acknowledged.lock().expect("acknowledged");
            let now = clock.now();
            let late = self.plan.events.iter().filter(|e| e.at <= now);
            late.filter(|e| !acknowledged.contains_key(&e.id)).cloned().collect()
        };
        self.todo.lock().expect("events").retain(|e| e.at > clock.now());
        loop {
            let now = clock.now();
            self.disk.fill(self.plan.full.iter().any(|(from, to)| *from <= now && now < *to));
            if now >= calm {
                self.disk.heal();
                self.outside.heal();
            }
            if self.kills.lock().expect("kills").front().is_some_and(|at| *at <= now) {
                self.kills.lock().expect("kills").pop_front();
                return false;
            }
            let step = self.steps.lock().expect("steps").pop_front_if(|(at, _)| *at <= now);
            if let Some((_, by)) = step {
                clock.jump(by);
                continue;
            }
            for event in again.drain(..).chain(self.due(now)) {
                posting.push(self.post(&router, event, clock));
            }
            for report in self.reports(now) {
                let post = Request::post(report.path)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(Body::from(report.body))
                    .expect("a request");
                // A report that is put off is lost: providers give up.
                let _ = router.clone().oneshot(post).await;
            }
            if posting.is_empty() && (now >= horizon || (now >= calm && self.is_settled())) {
                return true;
            }
            let next = self.next(now, horizon, calm);
            tokio::select! {
                biased;
                Some(()) = posting.next() => {}
                () = self.outside.reported.notified() => {}
                () = clock.sleep_until(next) => {}
            }
        }
    }

    /// Whether nothing is due any more, and nothing will be reported.
    fn is_settled(&self) -> bool {
        let rows = self.disk.rows().rows();
        let due = rows.iter().any(|(key, _)| key.starts_with(b"du/"));
        let ahead = !self.todo.lock().expect("events").is_empty();
        !due && !ahead && self.outside.reports.lock().expect("reports").is_empty()
    }

    /// When something happens next by itself.
    fn next(&self, now: Timestamp, horizon: Timestamp, calm: Timestamp) -> Timestamp {
        let event = self.todo.lock().expect("events").front().map(|e| e.at);
        let kill = self.kills.lock().expect("kills").front().copied();
        let report = self.outside.reports.lock().expect("reports").iter().map(|r| r.at).min();
        let full = self.plan.full.iter().flat_map(|(from, to)| [*from, *to]);
        let step = self.steps.lock().expect("steps").front().map(|(at, _)| *at);
        // When it is calm, whether all is settled.
        let look = (now >= calm).then(|| now + SignedDuration::from_mins(10));
        event
            .into_iter()
            .chain(kill)
            .chain(step)
            .chain(look)
            .chain(report)
            .chain(full)
            .chain([horizon, calm])
            .filter(|at| *at > now)
            .min()
            .unwrap_or(horizon)
    }

    fn due(&self, now: Timestamp) -> Vec<Event> {
        let mut todo = self.todo.lock().expect("events");
        let count = todo.iter().take_while(|e| e.at <= now).count();
        todo.drain(..count).collect()
    }

    fn reports(&self, now: Timestamp) -> Vec<super::outside::Report> {
        let mut reports = self.outside.reports.lock().expect("reports");
        let (due, rest): (Vec<_>, Vec<_>) = reports.drain(..).partition(|r| r.at <= now);
        reports.extend(rest);
        due
    }

    /// Posts an event until it is taken.
    async fn post(&self, router: &axum::Router, event: Event, clock: &SimClock) {
        loop {
            let request = Request::post("/hooks/src")
                .header("authorization", format!("Bearer {TOKEN}"))
                .header("content-type", "application/json")
                .body(Body::from(event.body.to_string()))
                .expect("a request");
            let answer = router.clone().oneshot(request).await.expect("an answer");
            match answer.status() {
                StatusCode::ACCEPTED => {
                    let mut acknowledged = self.acknowledged.lock().expect("acknowledged");
                    acknowledged.entry(event.id).or_insert_with(|| clock.now());
                    return;
                }
                StatusCode::SERVICE_UNAVAILABLE => pause(5_000).await,
                other => panic!("seed {}: {other} for {}", self.plan.seed, event.body),
            }
        }
    }
}
