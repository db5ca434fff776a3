//! Spans to a collector of traces, by OTLP over HTTP. They hold ids of configuration and of messages, counts
//! and outcomes; log lines do not go this way. A collector that is slow or away costs spans and one line in
//! the log, nothing else: batches wait in a queue that is bounded, and each has a time limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, RetryPolicy, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::env::WireSettings;
use crate::env::wire::client_of_its_own;

/// What our spans are called by; those of libraries go nowhere.
const TARGET: &str = "upprop::trace";
/// How long the collector may take for one batch.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the stop of the daemon waits for the last batch.
const LAST: Duration = Duration::from_secs(2);
/// At every so many batches that failed in a row, it is said again.
const SAY_AGAIN: u64 = 100;

/// The spans' way out.
pub(super) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Sets it up; opens no connection. Must be called inside the runtime.
    ///
    /// # Errors
    /// When the client or the exporter cannot be made.
    pub fn new(endpoint: &str, wire: &WireSettings) -> anyhow::Result<Self> {
        let settings = WireSettings { timeout: PATIENCE, ..wire.clone() };
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client_of_its_own(&settings)?)
            .with_endpoint(endpoint)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(PATIENCE)
            // What it waits with between two tries would hold up a thread of others.
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        let exporter = InRuntime {
            exporter: Arc::new(exporter),
            runtime: Handle::current(),
            tracker: TaskTracker::new(),
            failed: AtomicU64::new(0),
        };
        let about = [
            KeyValue::new("service.name", "upprop"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ];
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(Resource::builder_empty().with_attributes(about).build())
            .build();
        Ok(Self { provider })
    }

    /// What hears of spans.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let ours = filter_fn(|what| what.is_span() && what.target() == TARGET);
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("upprop"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::INFO))
    }

    /// Sends what is left, if the collector takes it in time.
    pub async fn end(self) {
        let last = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(LAST));
        if !matches!(last.await, Ok(Ok(()))) {
            tracing::warn!("the last spans were not taken");
        }
    }
}

/// Exports in the runtime: batches are made by a thread that has none, and HTTP needs one.
#[derive(Debug)]
struct InRuntime {
    exporter: Arc<opentelemetry_otlp::SpanExporter>,
    runtime: Handle,
    tracker: TaskTracker,
    /// Batches in a row.
    failed: AtomicU64,
}

impl SpanExporter for InRuntime {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exporter = self.exporter.clone();
        let export = async move { exporter.export(batch).await };
        let ended = self.tracker.spawn_on(export, &self.runtime).await;
        let taken = ended.unwrap_or_else(|error| {
            Err(OTelSdkError::InternalFailure(format!("the export did not end: {error}")))
        });
        match &taken {
            Ok(()) => {
                let failed = self.failed.swap(0, Ordering::Relaxed);
                if failed > 0 {
                    tracing::info!(failed, "traces are taken again");
                }
            }
            Err(error) => {
                let before = self.failed.fetch_add(1, Ordering::Relaxed);
                if before.is_multiple_of(SAY_AGAIN) {
                    tracing::warn!(
                        %error,
                        "traces are not taken; check otlp-endpoint of [telemetry], or remove it"
                    );
                }
            }
        }
        taken
    }

    fn set_resource(&mut self, resource: &Resource) {
        // Nothing is exported yet, so nobody else holds it.
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}
