//! Several clients that report absences, each trying until it is answered. Sends nothing by itself to
//! anybody but the daemon of its world.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use upprop::env::{Clock as _, SystemClock};

use crate::load::{self, name};
use crate::world::{DEADLINE, Setup, TOKEN, World, soon, within};

/// Every so many of the enrolled pupils have a guardian who is told by mail.
const BY_MAIL: usize = 6;

/// The address of the guardian of an enrolled pupil who is told by mail.
pub fn mail_address(pupil: &str) -> String {
    format!("{pupil}@hem.example")
}

/// Enrols `n` pupils, most of whose guardians are told by text and some by mail.
pub fn enrol(setup: &mut Setup, n: usize) {
    let before = setup.guardians.len();
    load::enrol(setup, n);
    for i in (0..n).step_by(BY_MAIL) {
        let address = mail_address(&format!("q{i}"));
        setup.guardians[before + i] = format!("q{i},s1,h{i},Vuxen Test,,{address},email,sv,yes,no");
    }
}

/// One absence to be reported.
#[derive(Clone)]
pub struct Event {
    /// The event's id.
    pub id: String,
    /// The pupil's id.
    pub pupil: String,
    /// The pupil's given name.
    pub name: String,
    /// What is posted.
    pub body: Value,
}

impl Event {
    /// The absence of one enrolled pupil.
    pub fn about(world: &World, i: usize) -> Self {
        let pupil = format!("q{i}");
        let body = world.marked(&pupil, &format!("lesson-{i}"), "unexcused", 60);
        let id = body["id"].as_str().expect("an id").to_owned();
        Self { id, pupil, name: name(i), body }
    }
}

/// The absences of a world's enrolled pupils, one each.
pub struct Load {
    client: reqwest::Client,
    url: String,
    left: Mutex<Vec<Event>>,
    closing: AtomicBool,
    paused: AtomicBool,
    allowed: AtomicUsize,
    put_off: AtomicUsize,
    acknowledged: watch::Sender<Vec<Event>>,
}

impl Load {
    /// One event for each of `n` enrolled pupils. Nothing is sent yet.
    pub fn new(world: &World, n: usize) -> Arc<Self> {
        Arc::new(Self {
            client: world.client().clone(),
            url: format!("http://{}/hooks/src", world.address),
            left: Mutex::new((0..n).rev().map(|i| Event::about(world, i)).collect()),
            closing: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            allowed: AtomicUsize::new(n),
            put_off: AtomicUsize::new(0),
            acknowledged: watch::Sender::new(Vec::new()),
        })
    }

    /// Starts `clients` clients. Each sends one event at a time, and that one until it is answered.
    pub fn start(self: &Arc<Self>, clients: usize) -> JoinSet<()> {
        (0..clients).map(|_| self.clone().client()).collect()
    }

    /// Lets the clients end with the event they have, and returns all that was acknowledged.
    pub async fn finish(&self, clients: JoinSet<()>) -> Vec<Event> {
        self.closing.store(true, Ordering::Relaxed);
        within("the last answers", clients.join_all()).await;
        self.all()
    }

    /// Whether the clients begin no new event for now. They go on with those they have.
    pub fn pause(&self, yes: bool) {
        self.paused.store(yes, Ordering::Relaxed);
    }

    /// From now on the clients begin so many events, and no more.
    pub fn allow(&self, n: usize) {
        self.allowed.store(n, Ordering::Relaxed);
    }

    fn may_begin(&self) -> bool {
        let one_less = |n: usize| n.checked_sub(1);
        !self.paused.load(Ordering::Relaxed)
            && self.allowed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }

    /// All that was acknowledged so far.
    pub fn all(&self) -> Vec<Event> {
        self.acknowledged.borrow().clone()
    }

    /// What was acknowledged last, at most `n`.
    pub fn last(&self, n: usize) -> Vec<Event> {
        let all = self.acknowledged.borrow();
        all[all.len().saturating_sub(n)..].to_vec()
    }

    /// How often the answer was 503.
    pub fn put_off(&self) -> usize {
        self.put_off.load(Ordering::Relaxed)
    }

    async fn client(self: Arc<Self>) {
        let clock = SystemClock::new();
        while !self.closing.load(Ordering::Relaxed) {
            if !self.may_begin() {
                clock.sleep_until(soon(&clock)).await;
                continue;
            }
            let event = self.left.lock().expect("no client panics with it").pop();
            let event = event.expect("there are events enough");
            loop {
                match self.post(&event.body).await {
                    Some((202, answer)) => {
                        assert_eq!(answer["rejected"], json!([]), "{answer}");
                        break;
                    }
                    Some((503, _)) => {
                        self.put_off.fetch_add(1, Ordering::Relaxed);
                        clock.sleep_until(soon(&clock)).await;
                    }
                    // Nobody there, or no answer: it is not known whether it was taken.
                    None => clock.sleep_until(soon(&clock)).await,
                    Some((status, answer)) => panic!("answered {status}: {answer}"),
                }
            }
            self.acknowledged.send_modify(|all| all.push(event));
        }
    }

    /// Posts to the inlet. None: no whole answer came.
    async fn post(&self, body: &Value) -> Option<(u16, Value)> {
        let request = self
            .client
            .post(&self.url)
            .bearer_auth(TOKEN)
            .header("content-type", "application/json")
            .body(body.to_string())
            .timeout(DEADLINE);
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, serde_json::from_slice(&answer.bytes().await.ok()?).unwrap_or_default()))
    }

    /// How many events have been acknowledged.
    pub fn count(&self) -> usize {
        self.acknowledged.borrow().len()
    }

    /// Waits until `more` more have been.
    pub async fn more(&self, more: u64) {
        let target = self.count() + usize::try_from(more).expect("small");
        let mut acknowledged = self.acknowledged.subscribe();
        let met = acknowledged.wait_for(|all| all.len() >= target);
        let _ = within("more acknowledgements", met).await.expect("the load is there");
    }
}

/// Posts what was acknowledged again, and requires that all of it is known.
pub async fn must_be_known(world: &World, events: &[Event]) {
    for part in events.chunks(200) {
        let bodies: Vec<Value> = part.iter().map(|event| event.body.clone()).collect();
        let (status, answer) = world.post(&Value::Array(bodies)).await;
        assert_eq!(
            (status, &answer["accepted"], &answer["duplicate"]),
            (202, &json!(0), &json!(part.len())),
            "{answer}\n{}",
            world.log()
        );
    }
}
