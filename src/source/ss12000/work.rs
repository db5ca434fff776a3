//! The asking of one source, until it is told to stop: for lessons now and then, for marks all the time, each at its
//! own pace and sooner when the source calls. What goes wrong is a trouble that the client has told of; then it is
//! asked again.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};

use super::attendance::{Asking, Attending, Way};
use super::book::{Book, Place};
use super::client::Client;
use super::fault::{Fault, Wrong, kinds};
use super::interval::{self, Interval};
use super::places;
use super::schedule::Schedule;
use super::settings::{Resource, Settings};
use super::subscribe::{Subscriber, Subscribing};
use crate::model::local_date;
use crate::source::marks::Offering;
use crate::source::nudges::{Nudges, Part};
use crate::store::StoreError;

/// Shortest pause between two rounds, however often the source calls: for marks, and for lessons.
const BETWEEN: SignedDuration = SignedDuration::from_millis(100);
/// The same while the source goes on calling.
const BETWEEN_MANY: SignedDuration = SignedDuration::from_millis(500);
const BETWEEN_SCHEDULES: SignedDuration = SignedDuration::from_secs(10);
/// Pause after a schedule that could not be read.
const SOON: SignedDuration = SignedDuration::from_secs(30);
/// How often a schedule is tried to be read before marks are asked for without it.
const TRIES: u32 = 2;
/// How often it is looked whether the subscription must be renewed.
const LOOKED_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// How a source is asked for lessons and marks.
#[derive(Clone)]
pub struct Rhythm {
    /// Which schools, each with the id of its organisation or its school unit code.
    pub schools: Vec<(crate::model::SchoolId, String)>,
    /// Whether the schedule is taken from it.
    pub schedule: bool,
    /// Whether marks are.
    pub attendance: bool,
    /// From one schedule to the next.
    pub schedule_every: SignedDuration,
    /// From one round of marks to the next, where budgets let.
    pub attendance_every: SignedDuration,
    /// How marks are asked for.
    pub asking: Asking,
}

/// Who asks one source.
struct Worker {
    client: Client,
    offering: Offering,
    nudges: Nudges,
    rhythm: Rhythm,
    places: Vec<Place>,
    book: Book,
}

/// Asks until the client is told to stop.
///
/// # Errors
/// When the store fails.
pub async fn run(
    client: Client,
    offering: Offering,
    nudges: Nudges,
    rhythm: Rhythm,
) -> Result<(), StoreError> {
    let places = loop {
        match places::resolve(&client, &rhythm.schools).await {
            Ok(places) => break places,
            Err(fault) => unless_over(fault)?,
        }
        if later(&client, SOON, None).await.is_err() {
            return Ok(());
        }
    };
    let worker = Worker { client, offering, nudges, rhythm, places, book: Book::default() };
    let (ready, is_ready) = watch::channel(false);
    match tokio::try_join!(worker.schedules(ready), worker.marks(is_ready)) {
        Err(Fault::Store(error)) => Err(error),
        // It was told to stop.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Looks after the subscription of a source, whatever it gives, until the client is told to stop.
///
/// # Errors
/// When the store fails.
pub async fn subscribe(
    client: Client,
    offering: Offering,
    wanted: Option<Subscribing>,
) -> Result<(), StoreError> {
    let mut subscriber = Subscriber::new(client.clone(), &offering, wanted);
    loop {
        let done = match subscriber.look_after().await {
            Ok(words) => {
                offering.contacts.note(&offering.source, "calls", words);
                Ok(())
            }
            Err(fault) => judge(&offering, fault),
        };
        match done {
            Err(Fault::Store(error)) => return Err(error),
            Err(_) => return Ok(()),
            Ok(()) => {}
        }
        if later(&client, LOOKED_AFTER, None).await.is_err() {
            return Ok(());
        }
    }
}

/// What a fault of a round means: that of the store ends it, others were told of.
fn judge(offering: &Offering, fault: Fault) -> Result<(), Fault> {
    match fault {
        Fault::Stopped | Fault::Store(StoreError::Failed(_)) => Err(fault),
        Fault::Store(error) => {
            tracing::warn!(source = %offering.source, %error, "asking the source is put off");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Whether it goes on after a fault.
fn unless_over(fault: Fault) -> Result<(), StoreError> {
    match fault {
        Fault::Store(error) => Err(error),
        _ => Ok(()),
    }
}

/// Waits, or is woken, not before `between` is over. Whether it was woken.
pub(super) async fn later(
    client: &Client,
    every: SignedDuration,
    woken: Option<(&Notify, SignedDuration)>,
) -> Result<bool, Fault> {
    let now = client.clock().now();
    let after = |span| now.saturating_add(span).unwrap_or(Timestamp::MAX);
    let Some((woken, between)) = woken else {
        client.wait(after(every)).await?;
        return Ok(false);
    };
    client.wait(after(between.min(every))).await?;
    tokio::select! {
        biased;
        done = client.wait(after(every)) => done.map(|()| false),
        () = woken.notified() => Ok(true),
    }
}

impl Worker {
    async fn schedules(&self, ready: watch::Sender<bool>) -> Result<(), Fault> {
        let schedule = Schedule::new(
            self.client.clone(),
            self.offering.clone(),
            self.book.clone(),
            self.places.clone(),
            self.rhythm.asking.overlap,
            self.rhythm.schedule,
        );
        let woken = self.nudges.of(&self.offering.source, Part::Schedule);
        let mut tries = 0_u32;
        loop {
            let done = schedule.round().await;
            tries += 1;
            // A schedule that will soon be read is waited for: without it, lunch looks like a lesson.
            let may_come = matches!(
                &done,
                Err(Fault::Failed(wrong)) if ![kinds::NOT_LET_IN, kinds::REFUSED].contains(&wrong.kind)
            );
            if !may_come || tries >= TRIES {
                ready.send_replace(true);
            }
            let every = match done {
                Ok(found) => {
                    if found.changed > 0 {
                        // Marks may have come before their lessons.
                        self.nudges.wake(&self.offering.source, Part::Attendance);
                    }
                    self.until_midnight().min(self.rhythm.schedule_every)
                }
                Err(fault) => {
                    judge(&self.offering, fault)?;
                    SOON
                }
            };
            later(&self.client, every, Some((&woken, BETWEEN_SCHEDULES))).await?;
        }
    }

    /// Until the day changes at the schools.
    fn until_midnight(&self) -> SignedDuration {
        let (now, directory) = (self.client.clock().now(), self.offering.intake.directory().load());
        let zone = self.places.first().and_then(|place| directory.schools.get(&place.school));
        let midnight = zone.map(|school| &school.zone).and_then(|zone| {
            let tomorrow = local_date(now, zone).tomorrow().ok()?;
            Some(tomorrow.to_zoned_datetime(zone.clone()).ok()?.timestamp())
        });
        let left = midnight.map_or(SignedDuration::MAX, |midnight| midnight.duration_since(now));
        left.max(SignedDuration::from_secs(1))
    }

    async fn marks(&self, mut is_ready: watch::Receiver<bool>) -> Result<(), Fault> {
        if !self.rhythm.attendance {
            return Ok(());
        }
        // Marks are understood by the schedule. Where there is none, each lesson is asked for.
        tokio::select! {
            () = self.client.stop().cancelled() => return Err(Fault::Stopped),
            _ = is_ready.wait_for(|ready| *ready) => {}
        }
        let mut attending = Attending::new(
            self.client.clone(),
            self.offering.clone(),
            self.book.clone(),
            self.places.clone(),
            self.rhythm.asking.clone(),
        )
        .await?;
        let woken: Arc<Notify> = self.nudges.of(&self.offering.source, Part::Attendance);
        let (mut told, mut between) = (None, BETWEEN);
        loop {
            if let Err(fault) = attending.round().await {
                judge(&self.offering, fault)?;
            }
            let found = self.interval(&attending);
            if told != Some((found, attending.way())) {
                told = Some((found, attending.way()));
                self.tell(found, attending.way());
            }
            let began = self.client.clock().now();
            let called = later(&self.client, found.every, Some((&woken, between))).await?;
            let waited = self.client.clock().now().duration_since(began);
            between = if called && waited < BETWEEN_MANY * 2 { BETWEEN_MANY } else { BETWEEN };
        }
    }

    fn interval(&self, attending: &Attending) -> Interval {
        let schools = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let round = interval::Round {
            way: attending.way().unwrap_or(self.rhythm.asking.ways[0]),
            schools,
            notices: attending.has_notices(),
            deletes: attending.has_deleted(),
            batches: attending.batches(),
        };
        pace(&self.rhythm, &round, self.client.settings())
    }

    fn tell(&self, found: Interval, way: Option<Way>) {
        let source = &self.offering.source;
        let words = in_words(way, found);
        tracing::info!(%source, "marks: {words}");
        let seldom = too_seldom(found, &words);
        for resource in Resource::ALL {
            match &seldom {
                Some((keeps, wrong)) if *keeps == resource => self.client.tell(resource, wrong),
                _ => self.client.well(resource, kinds::PACE),
            }
        }
        self.offering.contacts.note(source, "attendance", words);
    }
}

/// How often marks will be asked for, as far as can be told before the source is asked: everything is offered.
pub fn expected(rhythm: &Rhythm, settings: &Settings) -> (Interval, Way) {
    let way = rhythm.asking.ways[0];
    let schools = rhythm.count();
    let round = interval::Round { way, schools, notices: true, deletes: true, batches: 1 };
    (pace(rhythm, &round, settings), way)
}

/// How often the schedule will be read.
pub fn expected_schedule(rhythm: &Rhythm, settings: &Settings) -> Interval {
    let needs = interval::schedule_needs(rhythm.count());
    interval::reading(rhythm.schedule_every, &needs, settings)
}

impl Rhythm {
    fn count(&self) -> u32 {
        u32::try_from(self.schools.len()).unwrap_or(u32::MAX)
    }
}

fn pace(rhythm: &Rhythm, round: &interval::Round, settings: &Settings) -> Interval {
    interval::interval(
        rhythm.attendance_every,
        &round.needs(),
        &interval::schedule_needs(round.schools),
        rhythm.schedule_every,
        settings,
    )
}

/// How often what has changed in the directory will be read.
pub fn expected_directory(wanted: SignedDuration, schools: usize, settings: &Settings) -> Interval {
    let schools = u32::try_from(schools).unwrap_or(u32::MAX);
    interval::reading(wanted, &interval::directory_needs(schools), settings)
}

/// What is wrong where a budget lets marks be asked for too seldom to be of use: the way that `upprop check` counts with
/// may not be the one that the source offers.
fn too_seldom(found: Interval, words: &str) -> Option<(Resource, Wrong)> {
    let keeps = found.kept_by.filter(|_| found.every > interval::LONGEST)?;
    let what = format!("marks are asked for less than once an hour: {words}");
    let remedy =
        "raise `budgets` as far as the vendor lets, or ask the vendor to let marks be listed";
    Some((keeps, Wrong::new(kinds::PACE, what, remedy)))
}

/// How marks are asked for, for people.
pub fn in_words(way: Option<Way>, found: Interval) -> String {
    let way = way.map_or("in no way yet", Way::as_str);
    let secs = found.every.as_secs();
    match found.kept_by {
        None => format!("{way}, every {secs} s"),
        Some(resource) => format!(
            "{way}, every {secs} s: the budget of {} does not let it be oftener",
            resource.as_str()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_are_asked_for_too_seldom_are_told_of() {
        let kept_by = Some(Resource::CalendarEvents);
        let told = |secs, kept_by| {
            let found = Interval { every: SignedDuration::from_secs(secs), kept_by };
            too_seldom(found, &in_words(Some(Way::CalendarEvents), found))
        };
        let (resource, wrong) = told(3_601, kept_by).expect("too seldom");
        assert_eq!((resource, wrong.kind), (Resource::CalendarEvents, "pace"));
        assert!(wrong.what.contains("every 3601 s: the budget of calendarEvents"), "{wrong:?}");
        assert_eq!(told(3_600, kept_by), None);
        assert_eq!(told(3_601, None), None);
    }
}
