//! One school's term under one configuration: what is heard is taken in, what is due is done, and the clock is moved
//! to whichever comes next, until the term is over. Then its rows are counted, and dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::SignedDuration;
use tokio_util::task::TaskTracker;

use super::clock::HandClock;
use super::given::Given;
use super::line::Line;
use super::tally::Tally;
use crate::app::{BuildError, Works};
use crate::config::Config;
use crate::delivery::receive;
use crate::env::{Clock as _, Env};
use crate::intake::IntakeError;
use crate::message::Templates;
use crate::model::local_date;
use crate::store::{MemoryStore, StoreError};

/// How long after the last thing heard it goes on: longer than deadlines, and over a weekend's lists.
const AFTER: SignedDuration = SignedDuration::from_hours(80);
/// When nothing says when to look next though something is due: by the longest that the daemon sleeps.
const STEP: SignedDuration = SignedDuration::from_secs(10);

/// What one is asked for besides configuration and data.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The seed of what chance there is.
    pub seed: u64,
    /// How many of ten thousand texts are not delivered.
    pub undelivered: u32,
}

/// Why a term cannot be lived through.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The daemon cannot be put together.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The store in memory failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no runtime.
    #[error("no runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

/// Lives through one school's term. `config` has this school alone, and an account that speaks as 46elks does; see
/// [`settings`](super::settings). `days` counts the days that are over.
///
/// # Errors
/// See [`SimulateError`].
pub fn live(
    given: &Given,
    config: &Config,
    texts: Arc<Templates>,
    asked: Asked,
    days: &AtomicU64,
) -> Result<Tally, SimulateError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(through(given, config, texts, asked, days))
}

async fn through(
    given: &Given,
    config: &Config,
    texts: Arc<Templates>,
    asked: Asked,
    days: &AtomicU64,
) -> Result<Tally, SimulateError> {
    let mut tally = Tally::default();
    let (Some(first), Some(last)) = (given.heard.first(), given.heard.last()) else {
        return Ok(tally);
    };
    let Some(school) = config.schools.get(&given.school) else { return Ok(tally) };
    let end = last.at + AFTER;
    let clock = Arc::new(HandClock::at(first.at - SignedDuration::from_secs(1)));
    let line = Arc::new(Line::new(clock.clone(), asked.seed, asked.undelivered));
    let env = Env { clock: clock.clone(), wire: line.clone(), mail: line.clone() };
    let kv = Arc::new(MemoryStore::new());
    let mut works = Works::build(config, texts, &env, kv.clone(), TaskTracker::new())?;
    works.begin(given.roster.clone()).await?;
    let mut due = works.dispatcher.catch_up().await?;
    let mut heard = given.heard.iter().peekable();
    let mut today = given.days.0;
    loop {
        let next = heard.peek().map(|one| one.at).into_iter().chain(line.next_report());
        let at = next.chain([due]).min().unwrap_or(due);
        if at > end {
            break;
        }
        // Due now and not done: for want of something that time gives.
        let at = if at <= clock.now() && due <= clock.now() { clock.now() + STEP } else { at };
        clock.set(at);
        let now = clock.now();
        while let Some(one) = heard.next_if(|one| one.at <= now) {
            match works.intake.accept(&one.observation).await {
                Ok(_) => tally.heard(&one.observation.fact),
                Err(IntakeError::Rejected(_)) => tally.refused += 1,
                Err(IntakeError::Store(error)) => return Err(error.into()),
            }
        }
        while let Some(report) = line.report(now) {
            if let Some(account) = &school.sms_provider {
                receive(&works.shared, account, &report).await?;
            }
        }
        due = works.dispatcher.catch_up().await?;
        if let Ok(error) = works.broken.try_recv() {
            return Err(error.into());
        }
        let date = local_date(now, &school.zone).min(given.days.1);
        if date > today {
            let passed = (date - today).get_days();
            days.fetch_add(u64::try_from(passed).unwrap_or_default(), Ordering::Relaxed);
            today = date;
        }
    }
    tally.count(kv.as_ref(), school, &given.roster).await?;
    Ok(tally)
}
