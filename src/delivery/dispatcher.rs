//! The one loop that waits: takes what is due, claims it in one commit, hands it to the wire, and
//! sleeps until the next due row. Holds no work while it sleeps.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::prepare::{self, Job, Prepared};
pub use super::shared::{MailAccount, Provider, Shared};
use super::{resolve, send};
use crate::intake::case::{Case, CaseKey};
use crate::intake::{Heard, decide};
use crate::model::{Channel, NotificationId, ProviderId, SchoolId, State};
use crate::store::ledger::{self, Unit};
use crate::store::rows::Due;
use crate::store::tables::{self, Lane};
use crate::store::{Commit, MAX_BATCH_BYTES, StoreError, after_prefix};

/// Due rows read at a time.
const PAGE: usize = 256;
/// Pages of rows that cannot go now that are read to find some that can.
const PAGES: usize = 20;
/// Timers dealt with in one commit.
const TIMERS: usize = 32;
/// Longest sleep: bounds what a missed wake-up or a clock step can cost.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(30);
/// Pause when the store takes no work.
const STORE_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// The dispatcher's loop and what it has started.
#[derive(Clone)]
pub struct Dispatcher {
    shared: Arc<Shared>,
    tracker: TaskTracker,
    broken: tokio::sync::mpsc::UnboundedSender<StoreError>,
}

/// What one look at the due rows gave.
enum Pass {
    /// Something was done: look again at once.
    Worked,
    /// Nothing can be done before this.
    IdleUntil(Timestamp),
}

impl Dispatcher {
    /// Builds it; nothing runs yet. Store failures of the tasks it starts go to `broken`.
    pub fn new(
        shared: Arc<Shared>,
        tracker: TaskTracker,
        broken: tokio::sync::mpsc::UnboundedSender<StoreError>,
    ) -> Self {
        Self { shared, tracker, broken }
    }

    /// Marks attempts that a former process left without an outcome as in doubt, and remembers the
    /// accounts in trouble. Returns how many attempts.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recover(&self) -> Result<usize, StoreError> {
        let kv = self.shared.kv.as_ref();
        let accounts: Vec<ProviderId> = self
            .shared
            .providers
            .keys()
            .cloned()
            .chain(self.shared.mail.as_ref().map(|m| m.id.clone()))
            .collect();
        for id in accounts {
            let trouble = ledger::read(kv, &tables::account(&id)).await?;
            // A restart may have mended it: try at once with one message.
            let trouble = trouble.map(|mut t: super::accounts::Account| {
                t.until = t.until.min(self.shared.env.clock.now());
                t
            });
            self.shared.gate(&id, |g| g.trouble = trouble);
        }
        let mut from = Lane::Timer.prefix();
        let end = after_prefix(&from);
        let mut found = 0;
        loop {
            let rows = kv.scan(&from, &end, PAGE).await?;
            let Some((last, _)) = rows.last() else { return Ok(found) };
            from = [last.as_slice(), &[0]].concat();
            for (_, value) in &rows {
                let Due::Resolve(id) = ledger::decode::<Due>(value)? else { continue };
                let mut unit = Unit::new(kv);
                let key = tables::notification(&id);
                let Some(mut n) = unit.read::<crate::model::Notification>(&key).await? else {
                    continue;
                };
                if n.state == State::Sending {
                    n.state = State::InDoubt;
                    n.state_reason = Some(crate::model::Reason::InDoubt);
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
        let wake = self.shared.wake.clone();
        loop {
            beat();
            if stop.is_cancelled() {
                return Ok(());
            }
            let woken = wake.notified();
            let clock = &self.shared.env.clock;
            let until = match self.pass().await {
                Ok(Pass::Worked) => continue,
                Ok(Pass::IdleUntil(until)) => until,
                Err(StoreError::Busy(why)) => {
                    tracing::warn!(why, "the store takes no work; nothing is sent meanwhile");
                    add(clock.now(), STORE_PAUSE)
                }
                Err(error) => return Err(error),
            };
            let until = until.min(add(clock.now(), LONGEST_SLEEP));
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = woken => {}
                () = clock.sleep_until(until) => {}
            }
        }
    }

    async fn pass(&self) -> Result<Pass, StoreError> {
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
            return Ok(Pass::IdleUntil(add(now, LONGEST_SLEEP)));
        }
        let mut worked = self.timers(now).await?;
        let mut next = self.next_due(now).await?;
        let mut taken: BTreeMap<ProviderId, usize> = BTreeMap::new();
        let mut rows = Vec::new();
        for lane in [Lane::SmsUrgent, Lane::EmailUrgent, Lane::Sms, Lane::Email] {
            self.pick(lane, now, &mut taken, &mut rows).await?;
        }
        if !rows.is_empty() {
            worked |= self.claim(rows, now).await?;
        }
        // Asked last: a claim may have met a limit this moment.
        for account in self.accounts() {
            if let Some(until) = self.shared.gate(&account, |g| g.shut_until(now)) {
                next = next.min(until);
            }
        }
        next = self.shared.first_school(now).map_or(next, |until| next.min(until));
        Ok(if worked { Pass::Worked } else { Pass::IdleUntil(next) })
    }

    fn accounts(&self) -> Vec<ProviderId> {
        let mail = self.shared.mail.as_ref().map(|m| m.id.clone());
        self.shared.providers.keys().cloned().chain(mail).collect()
    }

    /// The time of the first row of any lane that is not due yet.
    async fn next_due(&self, now: Timestamp) -> Result<Timestamp, StoreError> {
        let mut next = add(now, LONGEST_SLEEP);
        for lane in Lane::ALL {
            let from = lane.due_until(now);
            let end = after_prefix(&lane.prefix());
            if let Some((key, _)) = self.shared.kv.scan(&from, &end, 1).await?.first()
                && let Some(at) = tables::due_time(key)
            {
                next = next.min(at);
            }
        }
        Ok(next)
    }

    /// Due rows of a lane whose account has room.
    async fn pick(
        &self,
        lane: Lane,
        now: Timestamp,
        taken: &mut BTreeMap<ProviderId, usize>,
        rows: &mut Vec<(Vec<u8>, NotificationId)>,
    ) -> Result<(), StoreError> {
        let channel = match lane {
            Lane::SmsUrgent | Lane::Sms => Channel::Sms,
            _ => Channel::Email,
        };
        if !self.any_room(channel, now, taken) {
            return Ok(());
        }
        let directory = self.shared.directory.load_full();
        let end = lane.due_until(now);
        let mut from = lane.prefix();
        for _ in 0..PAGES {
            let page = self.shared.kv.scan(&from, &end, PAGE).await?;
            for (key, value) in &page {
                let Due::Claim { id, school } = ledger::decode::<Due>(value)? else { continue };
                if channel == Channel::Sms && self.shared.is_school_shut(&school, now) {
                    continue;
                }
                let school = directory.schools.get(&school);
                let account = school.and_then(|s| self.shared.account(s, channel));
                if let Some(account) = account {
                    let used = taken.entry(account.id().clone()).or_default();
                    if *used >= self.shared.room(account, now) {
                        continue;
                    }
                    *used += 1;
                }
                rows.push((key.clone(), id));
            }
            let Some((last, _)) = page.last() else { return Ok(()) };
            from = [last.as_slice(), &[0]].concat();
            if page.len() < PAGE || !self.any_room(channel, now, taken) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn any_room(
        &self,
        channel: Channel,
        now: Timestamp,
        taken: &BTreeMap<ProviderId, usize>,
    ) -> bool {
        let room = |account: super::shared::Account<'_>| {
            self.shared.room(account, now) > taken.get(account.id()).copied().unwrap_or(0)
        };
        match channel {
            Channel::Sms if self.shared.providers.is_empty() => true,
            Channel::Sms => {
                self.shared.providers.values().any(|p| room(super::shared::Account::Sms(p)))
            }
            Channel::Email => {
                self.shared.mail.as_ref().is_none_or(|m| room(super::shared::Account::Mail(m)))
            }
        }
    }

    /// Claims rows in as few commits as their size allows; those of a commit that conflicts are
    /// claimed one by one.
    async fn claim(
        &self,
        rows: Vec<(Vec<u8>, NotificationId)>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut worked = false;
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let (count, done) = self.claim_some(rest, now).await?;
            match done {
                Some(moved) => {
                    worked |= moved;
                    rest = &rest[count..];
                }
                None if count == 1 => {
                    // Somebody changed it this moment; it is due again at the next look.
                    worked = true;
                    rest = &rest[1..];
                }
                None => {
                    for row in &rest[..count] {
                        let (_, done) = self.claim_some(std::slice::from_ref(row), now).await?;
                        worked |= done.unwrap_or(true);
                    }
                    rest = &rest[count..];
                }
            }
        }
        Ok(worked)
    }

    /// Returns how many rows were looked at, and whether anything moved; none: conflict.
    async fn claim_some(
        &self,
        rows: &[(Vec<u8>, NotificationId)],
        now: Timestamp,
    ) -> Result<(usize, Option<bool>), StoreError> {
        let shared = &self.shared;
        let mut unit = Unit::new(shared.kv.as_ref());
        let mut jobs: Vec<Job> = Vec::new();
        let mut count = 0;
        let mut moved = false;
        let mut accounts_shut: Vec<(ProviderId, Timestamp)> = Vec::new();
        let mut schools_shut: Vec<(SchoolId, Timestamp)> = Vec::new();
        for (row, id) in rows {
            if unit.bytes() > MAX_BATCH_BYTES / 2 {
                break;
            }
            count += 1;
            match prepare::prepare(shared, &mut unit, row, id, now).await? {
                Prepared::Job(job) => {
                    moved = true;
                    jobs.push(job);
                }
                Prepared::Settled => moved = true,
                Prepared::Limited { account, until } => accounts_shut.push((account, until)),
                Prepared::SchoolLimited { school, until } => schools_shut.push((school, until)),
            }
        }
        if moved && unit.commit().await? == Commit::Conflict {
            return Ok((count, None));
        }
        // Only now: a limit may have been met because of permits that a conflict would have undone.
        for (account, until) in accounts_shut {
            shared.gate(&account, |g| g.limited_until = Some(until));
        }
        for (school, until) in schools_shut {
            shared.shut_school(school, until);
        }
        if !moved {
            return Ok((count, Some(false)));
        }
        for job in jobs {
            shared.depart(&job.id, &job.account);
            let shared = shared.clone();
            self.start(async move { send::run(shared, job).await });
        }
        Ok((count, Some(true)))
    }

    fn start(
        &self,
        work: impl std::future::Future<Output = Result<(), StoreError>> + Send + 'static,
    ) {
        let broken = self.broken.clone();
        self.tracker.spawn(async move {
            match work.await {
                Ok(()) => {}
                Err(StoreError::Busy(why)) => {
                    tracing::warn!(why, "an outcome could not be written; it will be in doubt");
                }
                Err(error) => drop(broken.send(error)),
            }
        });
    }

    /// Lesson ends and attempts in doubt that are due.
    async fn timers(&self, now: Timestamp) -> Result<bool, StoreError> {
        let lane = Lane::Timer;
        let rows = self.shared.kv.scan(&lane.prefix(), &lane.due_until(now), PAGE).await?;
        let mut ends = Vec::new();
        let mut worked = false;
        for (key, value) in rows {
            match ledger::decode::<Due>(&value)? {
                Due::LessonEnd { school, pupil, date, lesson } => {
                    ends.push((key, CaseKey { school, pupil, date, lesson }));
                }
                Due::Resolve(id) | Due::Claim { id, .. } => {
                    if self.shared.is_on_the_wire(&id) {
                        continue;
                    }
                    worked = true;
                    let account = ProviderId::new("resolve").map_err(|e| {
                        StoreError::Failed(format!("a fixed account name is refused: {e}"))
                    })?;
                    self.shared.depart(&id, &account);
                    let shared = self.shared.clone();
                    self.start(async move {
                        let result = resolve::run(shared.clone(), key, id.clone()).await;
                        shared.land(&id);
                        result
                    });
                }
            }
        }
        let mut rest = ends.as_slice();
        while !rest.is_empty() {
            worked = true;
            let (count, done) = self.lesson_ends(rest, now).await?;
            if !done && count > 1 {
                for one in &rest[..count] {
                    self.lesson_ends(std::slice::from_ref(one), now).await?;
                }
            }
            rest = &rest[count..];
        }
        Ok(worked)
    }

    /// Decides lessons that have ended, as many as fit in one commit. Returns how many, and whether it
    /// was written; false: conflict.
    async fn lesson_ends(
        &self,
        ends: &[(Vec<u8>, CaseKey)],
        now: Timestamp,
    ) -> Result<(usize, bool), StoreError> {
        let directory = self.shared.directory.load_full();
        let mut unit = Unit::new(self.shared.kv.as_ref());
        let mut count = 0;
        for (row, key) in ends.iter().take(TIMERS) {
            // Long notes and many guardians make a case large; a batch over the limit would stop the
            // daemon, and stop it again after each restart.
            if unit.bytes() > MAX_BATCH_BYTES / 2 {
                break;
            }
            count += 1;
            unit.delete(row.clone());
            let Some(school) = directory.schools.get(&key.school) else { continue };
            if let Some(case) = Case::load(&mut unit, key).await? {
                decide(&mut unit, &directory, school, case, &Heard::own("lesson-end"), now);
            }
        }
        Ok((count, unit.commit().await? == Commit::Done))
    }
}

fn add(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "dispatcher_tests.rs"]
mod tests;
