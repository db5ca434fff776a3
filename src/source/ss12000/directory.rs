//! The directory of a source, kept up to date: read whole at the start and once a day, and what has changed in
//! between. What was read goes to the feed of the directory, whose brake may hold it back; only what was read
//! without a fault is offered, and how far was read moves only when it is in force.

use std::sync::Arc;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use tokio::sync::Notify;

use super::client::Client;
use super::fault::{Fault, Wrong, kinds};
use super::join::{self, Plan, Units};
use super::known::Known;
use super::reading::{Reading, Way};
use super::settings::Resource;
use super::work::later;
use crate::directory::Loaded;
use crate::source::roster::{self, Offer, RosterFeed};
use crate::store::ledger::Unit;
use crate::store::rows::Cursor;
use crate::store::{Commit, StoreError, tables};

/// How far back of the newest change is asked again: a row is dated when its change began, and seen when it ended.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// How far the clock that dates rows may be behind the one that the source's answers tell. What is older than this
/// when it was read is not read again, or a nightly import of all rows would be read at every turn of the day.
const APART: SignedDuration = SignedDuration::from_hours(3);
/// Shortest pause between two readings, however often the source calls.
const BETWEEN: SignedDuration = SignedDuration::from_secs(10);
/// Pauses after a reading that failed, in seconds; the last one again and again.
const BACK_OFF: [i64; 5] = [30, 60, 120, 300, 600];

/// When the directory is read, and how.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// How often what has changed is asked for.
    pub poll: SignedDuration,
    /// When all of it is read, by the clock of `zone`.
    pub full: Time,
    /// The zone of that clock.
    pub zone: TimeZone,
    /// How persons are had.
    pub persons: Way,
}

/// Reads until the client is told to stop; what has changed sooner than usual when it is woken.
///
/// # Errors
/// When the store fails.
pub async fn run(
    client: Client,
    plan: Plan,
    schedule: Schedule,
    feed: Arc<RosterFeed>,
    woken: Arc<Notify>,
) -> Result<(), StoreError> {
    let mut sync = Sync::new(client, plan, schedule, feed);
    let mut failures = 0;
    loop {
        let mut wakes = None;
        let pause = match sync.once().await {
            Ok(()) => {
                failures = 0;
                wakes = Some((woken.as_ref(), BETWEEN));
                sync.schedule.poll
            }
            Err(Fault::Stopped) => return Ok(()),
            Err(Fault::Store(error @ StoreError::Failed(_))) => return Err(error),
            Err(fault) => {
                if let Fault::Store(error) = &fault {
                    tracing::warn!(%error, "the directory is put off");
                }
                let seconds = BACK_OFF[failures.min(BACK_OFF.len() - 1)];
                failures += 1;
                SignedDuration::from_secs(seconds)
            }
        };
        // A call does not shorten the pause after a failure; it is heard after it.
        if later(&sync.client, pause, wakes).await.is_err() {
            return Ok(());
        }
    }
}

/// What is in memory of a source's directory.
struct Read {
    known: Known,
    units: Units,
    /// From where on changes are asked for, by the source's clock.
    after: Timestamp,
    /// From where on what is gone is asked for, by the source's clock.
    gone_after: Timestamp,
    /// When it was last asked, by our clock.
    asked_at: Timestamp,
    /// When all of it is read again.
    full_at: Timestamp,
    /// Whether anything has changed since it was last in force.
    changed: bool,
    /// The day for which it was last joined, by the clock of `full`.
    joined_on: Option<jiff::civil::Date>,
}

pub(super) struct Sync {
    client: Client,
    plan: Plan,
    schedule: Schedule,
    feed: Arc<RosterFeed>,
    reading: Reading,
    read: Option<Read>,
}

impl Sync {
    pub fn new(client: Client, plan: Plan, schedule: Schedule, feed: Arc<RosterFeed>) -> Self {
        let reading = Reading::new(client.clone(), plan.clone(), schedule.persons);
        Self { client, plan, schedule, feed, reading, read: None }
    }

    fn now(&self) -> Timestamp {
        self.client.clock().now()
    }

    /// What time it was at the source at a time of ours, by what is known of its clock now.
    fn theirs(&self, ours: Timestamp) -> Timestamp {
        let contact = self.client.contacts().of(&self.client.settings().source);
        let ahead = SignedDuration::from_secs(contact.clock_ahead_seconds.unwrap_or_default());
        ours.saturating_add(ahead).unwrap_or(Timestamp::MAX)
    }

    /// One reading, and what comes of it.
    pub async fn once(&mut self) -> Result<(), Fault> {
        let whole = self.read.as_ref().is_none_or(|read| read.full_at <= self.now());
        if whole {
            self.everything().await?;
        } else {
            self.changes().await?;
        }
        self.offer().await
    }

    async fn everything(&mut self) -> Result<(), Fault> {
        let began = self.now();
        // Twice all of it is more than there is room for; what is in force stays so.
        self.read = None;
        let (known, units) = self.reading.everything().await?;
        let theirs = self.theirs(began);
        if let [first, ..] = units.unknown.as_slice() {
            let there = self.plan.schools.get(first).map_or("", |(there, _)| there);
            let what = format!(
                "the organisation {there:?} of school {first} is not among those that it shows"
            );
            let remedy = "write its id, or its school unit code, in `schools`, and ask the vendor \
                          whether this client may see it";
            let wrong = Wrong::new(kinds::DIRECTORY, what, remedy);
            return Err(self.client.failed(Resource::Organisations, wrong));
        }
        let newest = from_where(known.newest, theirs);
        let full_at = next(&self.schedule, began);
        self.read = Some(Read {
            known,
            units,
            after: newest,
            gone_after: theirs,
            asked_at: began,
            full_at,
            changed: true,
            joined_on: None,
        });
        Ok(())
    }

    async fn changes(&mut self) -> Result<(), Fault> {
        let began = self.now();
        let Some(read) = &mut self.read else { return Ok(()) };
        let back = |at: Timestamp| at.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN);
        let (after, gone_after) = (back(read.after), back(read.gone_after));
        let known = &mut read.known;
        let any = self.reading.changes(known, &read.units, after, gone_after).await?;
        read.changed |= any;
        read.asked_at = began;
        Ok(())
    }

    /// Offers what was read where it may be another; and what follows.
    async fn offer(&mut self) -> Result<(), Fault> {
        let now = self.now();
        let today = self.schedule.zone.to_datetime(now).date();
        let Some(mut read) = self.read.take() else { return Ok(()) };
        let theirs = self.theirs(read.asked_at);
        if !read.changed && read.joined_on == Some(today) {
            read.gone_after = theirs;
            self.read = Some(read);
            return Ok(());
        }
        let plan = self.plan.clone();
        // Of ten thousand pupils it takes a while: not on a thread that others wait for.
        let joining = tokio::task::spawn_blocking(move || {
            let loaded = join::join(&read.known, &read.units, &plan, now);
            (read, loaded)
        });
        let Ok((back, loaded)) = joining.await else {
            let what = "its directory could not be joined: a defect in upprop";
            let wrong = Wrong::new(kinds::DIRECTORY, what, "please report it");
            return Err(self.client.failed(Resource::Persons, wrong));
        };
        read = back;
        let in_force = self.judge(loaded).await;
        if let Ok(true) = in_force {
            read.changed = false;
            read.joined_on = Some(today);
            read.after = from_where(read.known.newest, theirs).max(read.after);
            read.gone_after = theirs;
        }
        let after = read.after;
        self.read = Some(read);
        if in_force? { self.remember(after).await } else { Ok(()) }
    }

    /// Whether a directory is in force now.
    async fn judge(&self, loaded: Loaded) -> Result<bool, Fault> {
        let (source, contacts) = (&self.client.settings().source, self.client.contacts());
        if loaded.roster.pupil_count() == 0 {
            let what = "no pupil of these schools is among what it shows";
            let remedy = "check `schools`, and ask the vendor whether this client may see pupils";
            self.client.tell(Resource::Persons, &Wrong::new(kinds::DIRECTORY, what, remedy));
            return Ok(false);
        }
        let offer = self.feed.take(source, loaded, None).await?;
        roster::report(&offer);
        match offer {
            Offer::Taken { .. } => {
                contacts.news(source, None, self.now());
            }
            Offer::Unchanged => {}
            Offer::Refused { causes, digest } => {
                let what = format!("its directory is held back: {}", causes.join("; "));
                let remedy = format!(
                    "the former one stays; if the new one is right: upprop directory confirm {digest}"
                );
                self.client.tell(Resource::Persons, &Wrong::new(kinds::DIRECTORY, what, remedy));
                return Ok(false);
            }
            Offer::Unusable { problems } => {
                let first = problems.first().cloned().unwrap_or_default();
                let what = format!("its directory cannot be used: {first}");
                let remedy = "the former one stays; see the log for all that is wrong";
                self.client.tell(Resource::Persons, &Wrong::new(kinds::DIRECTORY, what, remedy));
                return Ok(false);
            }
            // Another configuration is about to be in force.
            Offer::FromElsewhere => return Ok(false),
        }
        self.client.well(Resource::Persons, kinds::DIRECTORY);
        self.client.well(Resource::Organisations, kinds::DIRECTORY);
        Ok(true)
    }

    /// Writes down how far was read, for whoever looks.
    async fn remember(&self, after: Timestamp) -> Result<(), Fault> {
        let key = tables::cursor(&self.client.settings().source, "directory");
        let mut unit = Unit::new(self.client.kv().as_ref());
        let known: Option<Cursor> = unit.read(&key).await?;
        let first_asked_at = known.map_or_else(|| self.now(), |cursor| cursor.first_asked_at);
        unit.write(key, &Cursor { first_asked_at, after: Some(after), whole: true });
        // Nobody else writes it.
        let _: Commit = unit.commit().await?;
        Ok(())
    }
}

/// From where on changes are asked for after a reading that began at `theirs` and whose newest row is of `newest`,
/// both by the source's clock.
fn from_where(newest: Option<Timestamp>, theirs: Timestamp) -> Timestamp {
    let earliest = theirs.saturating_sub(APART).unwrap_or(Timestamp::MIN);
    newest.unwrap_or(theirs).clamp(earliest, theirs)
}

/// When all is read next after `now`.
fn next(schedule: &Schedule, now: Timestamp) -> Timestamp {
    let local = schedule.zone.to_datetime(now);
    let at = |days: i64| {
        let date = local.date().saturating_add(days.days());
        let there = schedule.zone.to_ambiguous_timestamp(date.to_datetime(schedule.full));
        there.compatible().unwrap_or(Timestamp::MAX)
    };
    if at(0) > now { at(0) } else { at(1) }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
