//! The schools of a simulation on threads, with a bar where a person looks. Each school's store is gone when its term
//! is over; what is kept is counts.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;

use super::inputs::Inputs;
use crate::cli::progress;
use crate::env::{Clock as _, SystemClock};
use crate::message::Templates;
use crate::simulate::{Asked, SimulateError, Tally, live};

/// What is lived through.
pub(super) struct Trial<'a> {
    pub inputs: &'a Inputs,
    pub seed: u64,
    pub undelivered: u32,
}

/// Lives through every school under every configuration; the sum of each configuration.
pub(super) fn all(trial: &Trial<'_>, threads: Option<usize>) -> anyhow::Result<Vec<Tally>> {
    let count = trial.inputs.schools();
    let jobs = count * trial.inputs.configs.len();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.unwrap_or(cores).min(jobs).max(1);
    let clock = SystemClock::new();
    let began = clock.now();
    let (next, days) = (AtomicUsize::new(0), AtomicU64::new(0));
    let sums = Mutex::new(vec![Tally::default(); trial.inputs.configs.len()]);
    let failed: Mutex<Option<SimulateError>> = Mutex::new(None);
    let in_all = trial.inputs.days() * u64::try_from(jobs).unwrap_or(u64::MAX);
    let texts = trial
        .inputs
        .configs
        .iter()
        .map(|config| {
            Templates::load(config.config.templates.as_deref()).map(Arc::new).map_err(|problems| {
                let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
                anyhow::anyhow!(
                    "the texts of {} cannot be used:\n{}",
                    config.name,
                    lines.join("\n")
                )
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let work = || {
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            let has_failed = failed.lock().unwrap_or_else(PoisonError::into_inner).is_some();
            if job >= jobs || has_failed {
                return;
            }
            // One school under every configuration in turn: what is made up is made twice rather than kept.
            let (school, at) = (job / texts.len(), job % texts.len());
            let (given, config) = trial.inputs.world(school, at, trial.seed);
            let asked = Asked { seed: trial.seed, undelivered: trial.undelivered };
            match live(&given, &config, texts[at].clone(), asked, &days) {
                Ok(tally) => {
                    let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                    sums[at].add(tally);
                }
                Err(error) => {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
            }
        }
    };
    let look = async || Some((days.load(Ordering::Relaxed), in_all));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::scope(|scope| {
        let (done, is_done) = tokio::sync::oneshot::channel::<()>();
        let work = &work;
        scope.spawn(move || {
            std::thread::scope(|inner| {
                for _ in 0..threads {
                    inner.spawn(work);
                }
            });
            // Whoever looks may have gone.
            let _: Result<(), ()> = done.send(());
        });
        runtime.block_on(progress::watched("school days", is_done, look)).ok();
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error.into());
    }
    let took = clock.now().duration_since(began);
    say(count, threads, trial.seed, took);
    Ok(sums.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// How long it took, and in how much memory: on standard error, so that results are the same every time.
fn say(schools: usize, threads: usize, seed: u64, took: SignedDuration) {
    let memory = peak_memory().map_or_else(String::new, |mib| format!(", {mib} MiB at most"));
    let dot = if std::io::stderr().is_terminal() { "\n" } else { "" };
    eprintln!(
        "simulated {schools} schools on {threads} threads, seed {seed}: {}.{} s{memory}{dot}",
        took.as_secs(),
        took.subsec_millis() / 100
    );
}

/// The most memory that this process had, in MiB (proc(5), `VmHWM`).
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok().map(|kib| kib / 1024)
}
