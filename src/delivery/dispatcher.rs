//! The one loop that waits: takes what is due, claims it in one commit, hands it to the wire, and
//! sleeps until the next due row. Holds no work while it sleeps.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::accounts::{self, Account};
use super::aside;
use super::carried;
use super::handover::Handover;
use super::settle::Next;
pub use super::shared::{MailAccount, Provider, Shared};
use super::suspension::Suspensions;
use crate::model::{ProviderId, State};
use crate::store::ledger::{self, Unit};
use crate::store::rows::Due;
use crate::store::tables::{self, Lane};
use crate::store::{Commit, StoreError, after_prefix};

/// Due rows read at a time.
pub(super) const PAGE: usize = 256;
/// Longest sleep, and how often every lane is looked into whatever was told: bounds what a missed wake-up
/// or a clock step can cost.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(10);
/// Pause when the store takes no work.
const STORE_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// The dispatcher's loop and what it has started.
#[derive(Clone)]
pub struct Dispatcher {
    /// Of this turn; see [`Handover`].
    pub(super) shared: Arc<Shared>,
    handover: Arc<Handover>,
    tracker: TaskTracker,
    broken: tokio::sync::mpsc::UnboundedSender<StoreError>,
}

/// What one look at the due rows gave.
enum Pass {
    /// Something was done: look again at once.
    Worked,
    /// Nothing can be done before this, unless somebody comes off the wire first.
    IdleUntil(Timestamp, Left),
}

/// Whether something due was left for want of room on the wire.
pub(super) type Left = bool;

impl Dispatcher {
    /// Builds it; nothing runs yet. Store failures of the tasks it starts go to `broken`.
    pub fn new(
        shared: Arc<Shared>,
        tracker: TaskTracker,
        broken: tokio::sync::mpsc::UnboundedSender<StoreError>,
    ) -> Self {
        Self { shared, handover: Arc::default(), tracker, broken }
    }

    /// Where another configuration is handed to it.
    pub fn handover(&self) -> &Arc<Handover> {
        &self.handover
    }

    /// Marks attempts that a former process left without an outcome as in doubt, and remembers the
    /// accounts in trouble. Returns how many attempts.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recover(&self) -> Result<usize, StoreError> {
        let kv = self.shared.kv.as_ref();
        let now = self.shared.env.clock.now();
        for (id, trouble) in troubles(&self.shared).await? {
            self.shared.gate(&id, |g| g.trouble = accounts::tried_at_once(trouble, now));
        }
        aside::put_back(kv).await?;
        let mut from = Lane::Timer.prefix();
        let end = after_prefix(&from);
        let mut found = 0;
        loop {
            let rows = kv.scan(&from, &end, PAGE).await?;
            let Some((last, _)) = rows.last() else { return Ok(found) };
            from = [last.as_slice(), &[0]].concat();
            for (_, value) in &rows {
                // What cannot be read is put aside when it is due.
                let Ok(Due::Resolve(id)) = ledger::decode::<Due>(value) else { continue };
                let mut unit = Unit::new(kv);
                let key = tables::notification(&id);
                let mut n = match unit.read::<crate::model::Notification>(&key).await {
                    Ok(Some(n)) => n,
                    Ok(None) | Err(StoreError::Damaged(_)) => continue,
                    Err(error) => return Err(error),
                };
                if n.state == State::Sending {
                    n.state = State::InDoubt;
                    n.state_reason = Some(crate::model::Reason::InDoubt);
                    for mut other in carried::of(&mut unit, &n).await? {
                        other.state = State::InDoubt;
                        other.state_reason = n.state_reason;
                        carried::write(&mut unit, &n, other, Next::Nothing);
                    }
                    unit.write(key, &n);
                    match unit.commit().await {
                        Ok(Commit::Done) => found += 1,
                        Ok(Commit::Conflict) => {}
                        // Its timer finds it all the same. Not starting on a full disk would leave
                        // nobody to answer senders, and systemd would give up.
                        Err(StoreError::Busy(why)) => {
                            tracing::warn!(why, "an open attempt could not be marked; it is due");
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }

    /// Runs until `stop`; then claims nothing more. `beat` is called at each turn: progress for a
    /// watchdog.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run(
        &self,
        stop: CancellationToken,
        beat: impl Fn() + Send,
    ) -> Result<(), StoreError> {
        let _closed = Closed(self.handover.clone());
        self.clone().turn(stop, beat).await
    }

    async fn turn(
        mut self,
        stop: CancellationToken,
        beat: impl Fn() + Send,
    ) -> Result<(), StoreError> {
        let wake = self.shared.wake.clone();
        let mut paused = false;
        let mut whole = Timestamp::MIN;
        loop {
            beat();
            if stop.is_cancelled() {
                return Ok(());
            }
            if let Some(next) = self.handover.take() {
                self.shared = next;
                whole = Timestamp::MIN;
            }
            let woken = wake.looking();
            let clock = &self.shared.env.clock;
            let now = clock.now();
            if now < whole || now >= add(whole, LONGEST_SLEEP) {
                whole = now;
                for lane in Lane::ALL {
                    wake.look_again(lane);
                }
            }
            let (until, left) = match self.pass().await {
                Ok(Pass::Worked) => continue,
                Ok(Pass::IdleUntil(until, left)) => {
                    if std::mem::take(&mut paused) {
                        tracing::info!("the store takes work again");
                    }
                    (until, left)
                }
                Err(StoreError::Busy(why)) => {
                    if std::mem::replace(&mut paused, true) {
                        tracing::debug!(why, "the store still takes no work");
                    } else {
                        tracing::warn!(why, "the store takes no work; nothing is sent meanwhile");
                    }
                    (add(clock.now(), STORE_PAUSE), true)
                }
                Err(error) => return Err(error),
            };
            let until = until.min(add(clock.now(), LONGEST_SLEEP));
            wake.sleeps(until, left);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = woken => {}
                () = clock.sleep_until(until) => {}
            }
        }
    }

    /// Does all that is due, and what comes of it at once, until nothing is under way; when something is due next
    /// by itself. For a clock that does not run by itself; not beside [`Self::run`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn catch_up(&self) -> Result<Timestamp, StoreError> {
        loop {
            let pass = self.pass_within(SignedDuration::MAX).await?;
            let is_idle = self.tracker.is_empty();
            self.tracker.close();
            self.tracker.wait().await;
            self.tracker.reopen();
            match pass {
                // What has landed may have made room, or have been answered.
                Pass::IdleUntil(until, _) if is_idle => return Ok(until),
                Pass::IdleUntil(..) | Pass::Worked => {}
            }
        }
    }

    async fn pass(&self) -> Result<Pass, StoreError> {
        self.pass_within(LONGEST_SLEEP).await
    }

    /// Looks once. With nothing due, `longest` from now is the latest that it says to look again.
    async fn pass_within(&self, longest: SignedDuration) -> Result<Pass, StoreError> {
        let now = self.shared.env.clock.now();
        let health = self.shared.kv.health();
        if !health.writable {
            return Err(StoreError::Busy(health.why.unwrap_or_default()));
        }
        if self.shared.directory.load().roster.pupil_count() == 0 {
            // After a rebuild the store has no directory: everybody would count as unknown, and what
            // waits would be called back for good. A load wakes us.
            tracing::warn!(
                "no directory is in force; nothing is decided or sent until it is loaded"
            );
            return Ok(Pass::IdleUntil(add(now, longest), true));
        }
        let suspended = Suspensions::load(self.shared.kv.as_ref(), now).await?;
        let mut next = add(now, longest);
        next = suspended.first_end().map_or(next, |end| next.min(end));
        self.shared.under_way.suspended.store(Arc::new(suspended));
        let mut due = Vec::new();
        for lane in Lane::ALL {
            match self.shared.wake.looks_into(lane, now) {
                Ok(()) => due.push(lane),
                Err(later) => next = next.min(later),
            }
        }
        let looked = self.look_into(&due, now).await;
        let (later, left) = match looked {
            Ok(Some(found)) => found,
            worked_or_failed => {
                for lane in due {
                    self.shared.wake.look_again(lane);
                }
                return worked_or_failed.map(|_| Pass::Worked);
            }
        };
        next = next.min(later);
        // Asked last: a claim may have met a limit this moment.
        for account in self.shared.accounts() {
            if let Some(until) = self.shared.gate(account, |g| g.shut_until(now)) {
                next = next.min(until);
            }
        }
        next = self.shared.under_way.first_school(now).map_or(next, |until| next.min(until));
        Ok(Pass::IdleUntil(next, left))
    }

    /// Does what is due in these lanes; none: something was done. Else when the next row of theirs is
    /// due.
    async fn look_into(
        &self,
        due: &[Lane],
        now: Timestamp,
    ) -> Result<Option<(Timestamp, Left)>, StoreError> {
        let mut left = false;
        let mut worked = due.contains(&Lane::Timer) && self.timers(now, &mut left).await?;
        let mut taken: BTreeMap<ProviderId, usize> = BTreeMap::new();
        let mut rows = Vec::new();
        if due.iter().any(|lane| *lane != Lane::Timer) {
            left |= self.probe(now, &mut taken, &mut rows).await?;
        }
        for lane in due.iter().filter(|lane| **lane != Lane::Timer) {
            left |= self.pick(*lane, now, &mut taken, &mut rows).await?;
        }
        if !rows.is_empty() {
            worked |= self.claim(rows, now).await?;
        }
        if worked {
            return Ok(None);
        }
        let mut next = Timestamp::MAX;
        for &lane in due {
            let first = self.first(lane, &lane.prefix()).await?;
            self.shared.wake.found(lane, first);
            let later = match first {
                Some(at) if at <= now => self.first(lane, &lane.due_until(now)).await?,
                later => later,
            };
            next = later.map_or(next, |at| next.min(at));
        }
        Ok(Some((next, left)))
    }

    /// When the first row of a lane from a key on is due.
    async fn first(&self, lane: Lane, from: &[u8]) -> Result<Option<Timestamp>, StoreError> {
        let end = after_prefix(&lane.prefix());
        let rows = self.shared.kv.scan(from, &end, 1).await?;
        Ok(rows.first().and_then(|(key, _)| tables::due_time(key)))
    }

    /// Starts a task whose store failure stops the daemon.
    pub(super) fn start(
        &self,
        work: impl std::future::Future<Output = Result<(), StoreError>> + Send + 'static,
    ) {
        let broken = self.broken.clone();
        let work = self.tracker.spawn(work);
        self.tracker.spawn(async move {
            match work.await {
                Ok(Err(StoreError::Busy(why))) => {
                    tracing::warn!(why, "an outcome could not be written; it will be in doubt");
                }
                Ok(Err(StoreError::Damaged(why))) => {
                    tracing::error!(why, "an outcome could not be written; it will be in doubt");
                }
                Ok(Err(error)) => drop(broken.send(error)),
                // Its message counts as on the wire until a restart, which finds it in doubt.
                Err(panic) if panic.is_panic() => {
                    drop(broken.send(StoreError::Failed("a send panicked; see above".into())));
                }
                Ok(Ok(())) | Err(_) => {}
            }
        });
    }
}

/// Closes the handover however the loop ends, so that nobody waits for ever for a turn.
struct Closed(Arc<Handover>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What is stored of the accounts' trouble.
///
/// # Errors
/// When the store fails.
pub async fn troubles(shared: &Shared) -> Result<Vec<(ProviderId, Option<Account>)>, StoreError> {
    let mut found = Vec::new();
    for id in shared.accounts() {
        let trouble = match ledger::read(shared.kv.as_ref(), &tables::account(id)).await {
            // How it was then; the next attempt shows how it is.
            Err(StoreError::Damaged(_)) => None,
            read => read?,
        };
        found.push((id.clone(), trouble));
    }
    Ok(found)
}

fn add(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "dispatcher_tests.rs"]
mod tests;
