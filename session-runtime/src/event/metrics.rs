//! Events as metrics, through the `metrics` facade.

use super::{Event, EventKind};

const EVENTS: &str = "connect_session_events_total";
const ENDED: &str = "connect_session_sessions_ended_total";
const STORE: &str = "connect_session_store_duration_seconds";

/// Gives the recorder of the program the descriptions and units of the metrics, which some exporters show. Call
/// it once, after you have installed the recorder.
///
/// ```
/// # #[cfg(feature = "metrics")]
/// connect_session::describe_metrics();
/// ```
pub fn describe_metrics() {
    metrics::describe_counter!(EVENTS, "Events of sessions, by name.");
    metrics::describe_counter!(ENDED, "Sessions that were ended, by reason.");
    metrics::describe_histogram!(
        STORE,
        metrics::Unit::Seconds,
        "How long the session store took to answer."
    );
}

/// Records an event. The labels have few values: neither an id nor a user is one.
pub(super) fn record(event: &Event<'_>) {
    let config = event.config;
    let kind = &event.kind;
    metrics::counter!(EVENTS, "config" => config, "event" => kind.name()).increment(1);
    if let Some(reason) = kind.end_reason() {
        metrics::counter!(ENDED, "config" => config, "reason" => reason).increment(1);
    }
    if let (Some((operation, outcome)), Some(elapsed)) = (call(kind), event.elapsed) {
        metrics::histogram!(
            STORE, "config" => config, "operation" => operation, "outcome" => outcome
        )
        .record(elapsed);
    }
}

/// The call of the store that an event is about, and its outcome.
const fn call(kind: &EventKind<'_>) -> Option<(&'static str, &'static str)> {
    match kind {
        EventKind::Created => Some(("insert", "ok")),
        EventKind::Loaded => Some(("load", "ok")),
        EventKind::UnknownSid => Some(("load", "unknown")),
        EventKind::Committed => Some(("commit", "ok")),
        EventKind::Conflict => Some(("commit", "conflict")),
        EventKind::Destroyed => Some(("destroy", "ok")),
        EventKind::StoreError { operation, .. } => Some((operation, "error")),
        _ => None,
    }
}
