//! The trace that a request belongs to: `traceparent` (W3C Trace Context) is honoured. What else a caller
//! says of its trace is its own words, and goes nowhere.

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const PARENT: &str = "traceparent";

/// Makes a span, not entered yet, part of the trace that the headers name, if they do.
pub(super) fn follow(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() || !headers.contains_key(PARENT) {
        return;
    }
    let parent = TraceContextPropagator::new().extract(&Carried(headers));
    // Without a collector there is nothing to belong to.
    let _ = span.set_parent(parent);
}

struct Carried<'a>(&'a HeaderMap);

impl Extractor for Carried<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).filter(|_| key == PARENT)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        vec![PARENT]
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt as _;

    use super::*;

    #[test]
    fn only_a_good_parent_is_honoured_and_nothing_else_is_kept() {
        let mut headers = HeaderMap::new();
        headers.insert("tracestate", "name=Alva".parse().unwrap());
        for (parent, good) in [
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false),
            ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
            ("Alva", false),
        ] {
            headers.insert(PARENT, parent.parse().unwrap());
            let context = TraceContextPropagator::new().extract(&Carried(&headers));
            let found = context.span().span_context().clone();
            assert_eq!(found.is_valid(), good, "{parent}");
            assert_eq!(found.trace_state().header(), "", "{parent}");
        }
    }
}
