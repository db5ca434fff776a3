//! Where the daemon's log lines and spans go: to the journal when systemd runs us, else to standard error as
//! text or JSON; spans to a collector of traces, if one is named. What a library says below info may hold a
//! number or an address, and goes nowhere.

use std::path::Path;

use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{self, FmtContext};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use super::journal::{self, Journal};
use super::traces::Traces;
use crate::app;
use crate::config::{Config, Log, LogFormat};

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// What must be ended with the daemon.
pub(super) struct Telemetry(Option<Traces>);

impl Telemetry {
    /// Sends what spans are left; bounded in time.
    pub async fn end(self) {
        if let Some(traces) = self.0 {
            traces.end().await;
        }
    }
}

/// Sets up lines and spans. Traces that cannot be set up are told of, and the daemon runs without.
pub(super) fn set_up(config: &Config) -> Telemetry {
    let in_journal = journal::is_ours(std::env::var_os("JOURNAL_STREAM").as_deref());
    let lines = lines(&config.log, in_journal.then_some(Path::new(journal::SOCKET)));
    let endpoint = config.telemetry.otlp_endpoint.as_deref();
    let traces = endpoint.map(|endpoint| Traces::new(endpoint, &app::wire_settings(config)));
    let (traces, fault) = match traces {
        Some(Ok(traces)) => (Some(traces), None),
        Some(Err(fault)) => (None, Some(fault)),
        None => (None, None),
    };
    let spans = traces.as_ref().map(Traces::layer);
    if tracing_subscriber::registry().with(lines).with(spans).try_init().is_err() {
        eprintln!("upprop: logging was set up before; going on");
    }
    if let Some(fault) = fault {
        tracing::error!(%fault, "no traces are sent; check [telemetry] and [http]");
    }
    Telemetry(traces)
}

/// The lines. `socket`: where the journal listens, when standard error goes to it.
fn lines(log: &Log, socket: Option<&Path>) -> Boxed {
    let text = || fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let journal = socket.map(Journal::at);
    match (log.format, journal) {
        (LogFormat::Json, _) => filtered(text().json(), log),
        (LogFormat::Text, None) => filtered(text(), log),
        (LogFormat::Text, Some(Ok(journal))) => filtered(journal, log),
        // It has the time already, and reads the level from the line's start.
        (LogFormat::Text, Some(Err(_))) => {
            let format = fmt::format().without_time().with_level(false).with_ansi(false);
            filtered(text().event_format(Prefixed(format)), log)
        }
    }
}

fn filtered(layer: impl Layer<Registry> + Send + Sync, log: &Log) -> Boxed {
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // Without a hint every trace line of every library is made before it is thrown away.
    let hint = filter.max_level_hint().unwrap_or(LevelFilter::TRACE);
    let ours = filter_fn(may_be_shown).with_max_level_hint(hint);
    layer.with_filter(filter.and(ours)).boxed()
}

/// What every layer of lines keeps to. Spans are for traces alone: there they cost nothing when off.
fn may_be_shown(what: &Metadata<'_>) -> bool {
    what.is_event()
        && (*what.level() <= tracing::Level::INFO || what.target().starts_with("upprop"))
}

/// A text line with the journal's `<N>` in front.
struct Prefixed<F>(F);

impl<S, N, F> FormatEvent<S, N> for Prefixed<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        write!(writer, "<{}>", journal::priority(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

#[cfg(test)]
#[path = "logging_tests.rs"]
mod tests;
