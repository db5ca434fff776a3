//! A bar for work that takes longer than a second, where a person looks: on a terminal's standard error.

use std::io::IsTerminal as _;
use std::pin::pin;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::SignedDuration;

use crate::env::Clock as _;
use crate::env::clock::SystemClock;

const FIRST: SignedDuration = SignedDuration::from_secs(1);
const EVERY: SignedDuration = SignedDuration::from_millis(250);

/// Waits for work; shows meanwhile how far it is, as `look` says: steps done and in all (0: not known).
pub async fn watched<T>(
    what: &'static str,
    work: impl Future<Output = T>,
    look: impl AsyncFn() -> Option<(u64, u64)>,
) -> T {
    if !std::io::stderr().is_terminal() {
        return work.await;
    }
    let clock = SystemClock::new();
    let mut work = pin!(work);
    let mut bar: Option<ProgressBar> = None;
    loop {
        let pause = if bar.is_some() { EVERY } else { FIRST };
        let now = clock.now();
        let next = now.saturating_add(pause).unwrap_or(now);
        tokio::select! {
            done = &mut work => {
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                }
                return done;
            }
            () = clock.sleep_until(next) => {}
        }
        let seen = look().await;
        let bar = bar.get_or_insert_with(ProgressBar::new_spinner);
        match seen {
            Some((done, all)) if all > 0 => {
                bar.set_style(style("{prefix} {wide_bar} {percent}%"));
                bar.set_prefix(what);
                bar.set_length(all);
                bar.set_position(done.min(all));
            }
            Some((done, _)) if done > 0 => {
                bar.set_style(style("{spinner} {prefix}: {human_pos} rows, {elapsed}"));
                bar.set_prefix(what);
                bar.set_position(done);
            }
            _ => {
                bar.set_style(style("{spinner} {prefix}: {elapsed}"));
                bar.set_prefix(what);
            }
        }
        bar.tick();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
