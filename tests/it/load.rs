//! A load of absences from several clients that try until they are answered, and the reckoning
//! afterwards: what was acknowledged, what the store holds of it, and what arrived. Sends nothing by
//! itself to anybody but the daemon of its world.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use upprop::env::{Clock as _, SystemClock};
use upprop::model::{EventId, Notification, Purpose, SourceId, State};
use upprop::sim::sink::{Kind, Received};
use upprop::store::{Kv as _, Settings, SledStore, after_prefix, ledger, tables};

use crate::world::{DEADLINE, Setup, TOKEN, World, soon, within};

/// Longest wait for a queue to run empty after crashes: an attempt that never left is asked about
/// twice, half a minute apart, and sent after that.
const SETTLED: SignedDuration = SignedDuration::from_mins(4);

/// Says something past the test harness, which shows a passing test's output to nobody.
pub fn say(words: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// Chance that can be repeated (`SplitMix64`, Steele et al. 2014).
pub struct Dice(u64);

impl Dice {
    /// From `UPPROP_TEST_SEED`, or from a seed that is printed.
    pub fn new(test: &str) -> Self {
        let seed = std::env::var("UPPROP_TEST_SEED").map_or_else(
            |_| {
                let mut bytes = [0; 4];
                upprop::env::random::fill(&mut bytes);
                u32::from_be_bytes(bytes).into()
            },
            |text| text.parse().expect("UPPROP_TEST_SEED is a number"),
        );
        say(format_args!("{test}: UPPROP_TEST_SEED={seed} replays it"));
        Self(seed)
    }

    /// A number of the range.
    pub fn roll(&mut self, range: RangeInclusive<u64>) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        range.start() + (z ^ (z >> 31)) % (range.end() - range.start() + 1)
    }
}

/// A given name that no other pupil has: the texts about two pupils never read the same.
fn name(pupil: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).expect("less than 26"));
    format!("Qv{}{}{}", letter(pupil / 676), letter(pupil / 26), letter(pupil))
}

/// Gives the school `n` more pupils, each with one guardian who is told by text. The provider keeps
/// texts, so that two to one number can be told apart.
pub fn enrol(setup: &mut Setup, n: usize) {
    setup.school.push_str("grace = \"0s\"\n");
    setup.provider.push_str("keep-text = true\n");
    for i in 0..n {
        let born = "2012-02-15".to_owned();
        setup.pupils.push((format!("q{i}"), name(i), born, "none".into()));
        let phone = format!("070-174 06 {}", 20 + i % 60);
        setup.guardians.push(format!("q{i},s1,h{i},Vuxen Test,{phone},,sms,sv,yes,no"));
    }
}

/// One absence to be reported.
#[derive(Clone)]
pub struct Event {
    /// The event's id.
    pub id: String,
    /// The pupil's given name.
    pub name: String,
    /// What is posted.
    pub body: Value,
}

/// The absences of a world's enrolled pupils, one each.
pub struct Load {
    client: reqwest::Client,
    url: String,
    left: Mutex<Vec<Event>>,
    closing: AtomicBool,
    paused: AtomicBool,
    acknowledged: watch::Sender<Vec<Event>>,
}

impl Load {
    /// One event for each of `n` enrolled pupils. Nothing is sent yet.
    pub fn new(world: &World, n: usize) -> Arc<Self> {
        let event = |i: usize| {
            let body = world.marked(&format!("q{i}"), &format!("lesson-{i}"), "unexcused", 60);
            let id = body["id"].as_str().expect("an id").to_owned();
            Event { id, name: name(i), body }
        };
        Arc::new(Self {
            client: world.client().clone(),
            url: format!("http://{}/hooks/src", world.address),
            left: Mutex::new((0..n).rev().map(event).collect()),
            closing: AtomicBool::new(false),
            paused: AtomicBool::new(false),
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

    /// All that was acknowledged so far.
    pub fn all(&self) -> Vec<Event> {
        self.acknowledged.borrow().clone()
    }

    async fn client(self: Arc<Self>) {
        let clock = SystemClock::new();
        while !self.closing.load(Ordering::Relaxed) {
            if self.paused.load(Ordering::Relaxed) {
                clock.sleep_until(soon(&clock)).await;
                continue;
            }
            let event = self.left.lock().expect("no client panics with it").pop();
            let event = event.expect("there are events enough");
            loop {
                match self.post(&event.body).await {
                    Some((202, answer)) => {
                        assert_eq!(answer["rejected"], serde_json::json!([]), "{answer}");
                        break;
                    }
                    // Nobody there, or no answer: it is not known whether it was taken.
                    None | Some((503, _)) => clock.sleep_until(soon(&clock)).await,
                    Some((status, answer)) => panic!("answered {status}: {answer}"),
                }
            }
            self.acknowledged.send_modify(|all| all.push(event));
        }
    }

    /// Posts to the inlet. None: no whole answer came.
    pub async fn post(&self, body: &Value) -> Option<(u16, Value)> {
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

/// What a store holds that matters here.
pub struct Kept {
    /// Every notification.
    pub notifications: Vec<Notification>,
    seen: BTreeSet<Vec<u8>>,
}

impl Kept {
    /// Reads a store that no daemon has open.
    pub async fn read(dir: &Path) -> Self {
        let store = SledStore::open(Settings::new(dir)).expect("the store opens");
        let rows = |prefix: &'static [u8]| {
            let store = &store;
            let end = after_prefix(prefix);
            async move { store.scan(prefix, &end, usize::MAX).await.expect("rows") }
        };
        let decode = |(_, row): (_, bytes::Bytes)| ledger::decode(&row).expect("a notification");
        Self {
            notifications: rows(tables::NOTIFICATIONS).await.into_iter().map(decode).collect(),
            seen: rows(tables::SEEN).await.into_iter().map(|(key, _)| key).collect(),
        }
    }

    /// When the next of those that have not come to rest is looked at; none: all have.
    fn next_due(&self) -> Option<Timestamp> {
        let open =
            |n: &&Notification| matches!(n.state, State::Waiting | State::Sending | State::InDoubt);
        self.notifications.iter().filter(open).map(|n| n.due_at).min()
    }
}

/// Waits until as many texts have come as were acknowledged and nothing is under way any more, and
/// stops the daemon. Gives up, for the reckoning to judge, when that takes too long.
pub async fn settle(world: &mut World, acknowledged: usize) -> Kept {
    let clock = SystemClock::new();
    let deadline = clock.now() + SETTLED;
    tokio::select! {
        _ = world.sink.received(acknowledged) => {}
        () = clock.sleep_until(deadline) => {}
    }
    loop {
        assert_eq!(world.stop(), Some(0), "a clean stop\n{}", world.log());
        let kept = Kept::read(&world.folder.path().join("state")).await;
        match kept.next_due() {
            Some(due) if clock.now() < deadline => {
                world.start().await;
                let soon = SignedDuration::from_millis(500);
                clock.sleep_until(due.max(clock.now()) + soon).await;
            }
            _ => return kept,
        }
    }
}

/// What became of everything that was acknowledged.
#[derive(Debug, Default)]
pub struct Reckoning {
    pub acknowledged: usize,
    /// One text each.
    pub told: usize,
    /// No text, and no row that says why.
    pub lost: Vec<String>,
    /// More than one text.
    pub doubled: Vec<String>,
    /// No text, and on the list of what a person must look at.
    pub in_doubt: usize,
    /// Without an outcome at some time, and asked about at the provider.
    pub looked_up: usize,
    /// Sent a second time, the first having shown not to have left.
    pub sent_again: usize,
    /// Texts that nobody's acknowledged absence explains.
    pub unexplained: Vec<String>,
}

impl Reckoning {
    /// Of events that are each about another enrolled pupil.
    pub fn of(acknowledged: &[Event], kept: &Kept, messages: &[Arc<Received>]) -> Self {
        let mut texts: BTreeMap<&str, usize> =
            acknowledged.iter().map(|e| (e.name.as_str(), 0)).collect();
        let mut all = Self { acknowledged: acknowledged.len(), ..Self::default() };
        let mut add = |name: &str| texts.get_mut(name).map(|count| *count += 1).is_some();
        for message in messages.iter().filter(|m| m.kind == Kind::Sms) {
            let mut words = message.text.split(|c: char| !c.is_alphanumeric());
            if !words.any(&mut add) {
                all.unexplained.push(message.text.clone());
            }
        }
        let source = SourceId::new("src").expect("an id");
        for event in acknowledged {
            let id = EventId::new(event.id.as_str()).expect("an id");
            let pupil = event.body["pupil"].as_str().expect("a pupil");
            let mut rows = kept
                .notifications
                .iter()
                .filter(|n| n.purpose == Purpose::Absence && n.pupil.as_str() == pupil);
            let (row, another) = (rows.next(), rows.next());
            let seen = kept.seen.contains(&tables::seen(&source, &id));
            let known = row.filter(|_| another.is_none() && seen);
            let again = known.is_some_and(|n| n.attempts.len() > 1);
            // A new attempt begins with no look-ups.
            all.looked_up += usize::from(again || known.is_some_and(|n| n.lookups > 0));
            all.sent_again += usize::from(again);
            match (texts[event.name.as_str()], known.map(|n| n.state)) {
                (1, Some(_)) => all.told += 1,
                (0, Some(State::InDoubt | State::Held)) => all.in_doubt += 1,
                (2.., _) => all.doubled.push(format!("{} {row:?}", event.id)),
                (_, _) => all.lost.push(format!("{} seen={seen} {row:?} {another:?}", event.id)),
            }
        }
        all
    }

    /// Requires that everything acknowledged is accounted for and nobody was told twice.
    pub fn must_be_clean(&self) {
        assert!(self.lost.is_empty(), "lost: {:#?}", self.lost);
        assert!(self.doubled.is_empty(), "told twice: {:#?}", self.doubled);
        assert!(self.unexplained.is_empty(), "nobody asked for: {:#?}", self.unexplained);
        assert_eq!(self.told + self.in_doubt, self.acknowledged);
    }
}

impl fmt::Display for Reckoning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} acknowledged, {} told once, {} lost, {} told twice, {} left in doubt ({} were in \
             doubt and looked up at the provider, which knew nothing of {}: sent again)",
            self.acknowledged,
            self.told,
            self.lost.len(),
            self.doubled.len(),
            self.in_doubt,
            self.looked_up,
            self.sent_again,
        )
    }
}
