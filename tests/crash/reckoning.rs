//! The reckoning after crashes: what was acknowledged, what the store holds of it, and what arrived.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use upprop::env::{Clock as _, SystemClock};
use upprop::model::{EventId, Notification, Purpose, SourceId, State};
use upprop::sim::sink::{Kind, Received};
use upprop::store::tables;

use crate::clients::{Event, mail_address};
use crate::load::Kept;
use crate::world::World;

/// Longest wait for a queue to run empty after crashes: an attempt that never left is asked about
/// twice, half a minute apart, and sent after that.
const SETTLED: SignedDuration = SignedDuration::from_mins(4);

/// When the next of those that have not come to rest is looked at; none: all have.
fn next_due(kept: &Kept) -> Option<Timestamp> {
    let open =
        |n: &&Notification| matches!(n.state, State::Waiting | State::Sending | State::InDoubt);
    kept.notifications.iter().filter(open).map(|n| n.due_at).min()
}

/// Waits until as many messages have come as were acknowledged and nothing is under way any more, and
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
        match next_due(&kept) {
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
    /// A message reached the recipient.
    pub told: usize,
    /// No message, and no row that says why.
    pub lost: Vec<String>,
    /// More than one text, or more mails than doubts explain.
    pub doubled: Vec<String>,
    /// No message, and on the list of what a person must look at.
    pub in_doubt: usize,
    /// Without an outcome at some time, and asked about at the provider.
    pub looked_up: usize,
    /// Sent a second time, the first having shown not to have left.
    pub sent_again: usize,
    /// Mails of which the relay took another copy under the same Message-ID, its answer to the first
    /// having been lost.
    pub copies: usize,
    /// Texts whose delivery report the daemon acknowledged.
    pub reported: usize,
    /// Of those, the ones whose row knows nothing of it.
    pub forgotten: Vec<String>,
    /// Messages that nobody's acknowledged absence explains.
    pub unexplained: Vec<String>,
}

impl Reckoning {
    /// Of events that are each about another enrolled pupil.
    pub fn of(acknowledged: &[Event], kept: &Kept, messages: &[Arc<Received>]) -> Self {
        let mut all = Self { acknowledged: acknowledged.len(), ..Self::default() };
        let mut arrived = all.sorted(acknowledged, messages);
        let mut rows: BTreeMap<&str, Vec<&Notification>> = BTreeMap::new();
        for n in kept.notifications.iter().filter(|n| n.purpose == Purpose::Absence) {
            rows.entry(n.pupil.as_str()).or_default().push(n);
        }
        let source = SourceId::new("src").expect("an id");
        for event in acknowledged {
            let came = arrived.remove(event.pupil.as_str()).unwrap_or_default();
            let id = EventId::new(event.id.as_str()).expect("an id");
            let seen = kept.seen.contains(&tables::seen(&source, &id));
            match rows.get(event.pupil.as_str()).map(Vec::as_slice) {
                Some([n]) if seen => all.add(event, n, &came),
                rows => all.lost.push(format!("{} seen={seen} {rows:?}", event.id)),
            }
        }
        all
    }

    /// The messages about each pupil.
    fn sorted<'a>(
        &mut self,
        acknowledged: &'a [Event],
        messages: &'a [Arc<Received>],
    ) -> BTreeMap<&'a str, Vec<&'a Received>> {
        let names: BTreeMap<&str, &str> =
            acknowledged.iter().map(|e| (e.name.as_str(), e.pupil.as_str())).collect();
        let addresses: BTreeMap<String, &str> =
            acknowledged.iter().map(|e| (mail_address(&e.pupil), e.pupil.as_str())).collect();
        let mut arrived: BTreeMap<&str, Vec<&Received>> = BTreeMap::new();
        for message in messages {
            let pupil = match message.kind {
                Kind::Email => addresses.get(&message.to).copied(),
                Kind::Sms => {
                    let mut words = message.text.split(|c: char| !c.is_alphanumeric());
                    words.find_map(|word| names.get(word).copied())
                }
            };
            match pupil {
                Some(pupil) => arrived.entry(pupil).or_default().push(message),
                // What staff are told of doubts is not counted here.
                None if message.to == crate::world::TEAM => {}
                None => self.unexplained.push(message.text.clone()),
            }
        }
        arrived
    }

    fn add(&mut self, event: &Event, n: &Notification, came: &[&Received]) {
        let again = n.attempts.len() > 1;
        // A new attempt begins with no look-ups.
        self.looked_up += usize::from(again || n.lookups > 0);
        self.sent_again += usize::from(again);
        let reported = came.iter().any(|m| m.receipts_posted > 0);
        self.reported += usize::from(reported);
        if reported && n.state != State::Delivered {
            self.forgotten.push(format!("{} {n:?}", event.id));
        }
        let ids = |m: &&Received| m.headers.get("Message-ID").cloned();
        let is_copy = came.iter().all(|m| m.kind == Kind::Email)
            && came.iter().all(|m| ids(m) == came.first().and_then(ids))
            && n.doubts() + 1 >= came.len();
        match (came.len(), n.state) {
            (0, State::InDoubt | State::Held) => self.in_doubt += 1,
            (0, _) => self.lost.push(format!("{} {n:?}", event.id)),
            (1, _) => self.told += 1,
            (more, _) if is_copy => {
                self.told += 1;
                self.copies += more - 1;
            }
            (more, _) => self.doubled.push(format!("{} {more} times {n:?}", event.id)),
        }
    }

    /// Requires that everything acknowledged is accounted for and nobody was told twice.
    pub fn must_be_clean(&self) {
        assert!(self.lost.is_empty(), "lost: {:#?}", self.lost);
        assert!(self.doubled.is_empty(), "told twice: {:#?}", self.doubled);
        assert!(self.unexplained.is_empty(), "nobody asked for: {:#?}", self.unexplained);
        assert!(self.forgotten.is_empty(), "reports acknowledged and lost: {:#?}", self.forgotten);
        assert_eq!(self.told + self.in_doubt, self.acknowledged);
    }
}

impl fmt::Display for Reckoning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} acknowledged, {} told, {} lost, {} told twice, {} left in doubt ({} were in doubt, of \
             which {} had not left and were sent again); {} mails came again under the same Message-ID; \
             {} delivery reports acknowledged, {} lost",
            self.acknowledged,
            self.told,
            self.lost.len(),
            self.doubled.len(),
            self.in_doubt,
            self.looked_up,
            self.sent_again,
            self.copies,
            self.reported,
            self.forgotten.len(),
        )
    }
}
