//! Events as `tracing` events, and spans around the calls of a store.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use tracing::field::display;
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::{Instrument as _, Level, Span};

use super::{Event, EventKind, IS_MEASURED, Listener};
use crate::error_chain::with_causes;
use crate::printable;
use crate::sid::SessionId;

/// A call of a store that has a span.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StoreCall {
    Load,
    Commit,
    Destroy,
}

/// Whether a subscriber may record at the level debug: a comparison, without asking one.
#[inline]
pub(crate) fn records_debug() -> bool {
    records(Level::DEBUG)
}

#[inline]
fn records(level: Level) -> bool {
    level <= STATIC_MAX_LEVEL && level <= LevelFilter::current()
}

/// The current time, if a listener or a subscriber receives the event of a call that answers at
/// once. Such calls are so short that reading the clock for a rare error would slow them down.
#[inline]
pub(crate) fn started(listener: Option<Listener>) -> Option<Instant> {
    (listener.is_some() || IS_MEASURED || records_debug()).then(Instant::now)
}

/// The current time, if a listener or a subscriber receives the event, or the error, of a call that
/// is awaited.
#[inline]
pub(crate) fn started_awaited(listener: Option<Listener>) -> Option<Instant> {
    (listener.is_some() || IS_MEASURED || records(Level::ERROR)).then(Instant::now)
}

/// Runs a call of a store in its span. Ask [`records_debug`] first.
#[cold]
#[inline(never)]
pub(crate) fn in_span<T>(
    call: StoreCall,
    config: &'static str,
    id: SessionId,
    run: impl FnOnce() -> T,
) -> T {
    span(call, config, id).in_scope(run)
}

/// Runs a call of a store that is awaited in its span. Ask [`records_debug`] first.
pub(crate) fn in_span_awaited<T>(
    call: StoreCall,
    config: &'static str,
    id: SessionId,
    run: impl Future<Output = T>,
) -> impl Future<Output = T> {
    run.instrument(span(call, config, id))
}

fn span(call: StoreCall, config: &'static str, id: SessionId) -> Span {
    match call {
        StoreCall::Load => {
            tracing::debug_span!(target: "connect_session", "session_load", config, %id)
        }
        StoreCall::Commit => {
            tracing::debug_span!(target: "connect_session", "session_commit", config, %id)
        }
        StoreCall::Destroy => {
            tracing::debug_span!(target: "connect_session", "session_destroy", config, %id)
        }
    }
}

/// Records an event with its fields.
pub(super) fn record(event: &Event<'_>) {
    let message = event.kind.message();
    let config = event.config;
    let id = event.id.map(display);
    let elapsed_ms = event.elapsed.map(millis);
    match event.kind {
        EventKind::StoreError { operation, error } => {
            let error = with_causes(error);
            tracing::error!(target: "connect_session", config, id, operation, error, elapsed_ms, "{message}");
        }
        EventKind::AuthorizerFailed { error } => {
            let error = with_causes(error);
            tracing::error!(target: "connect_session", config, id, error, elapsed_ms, "{message}");
        }
        EventKind::Overwritten { fields } => {
            let fields = printable::names(fields);
            tracing::warn!(target: "connect_session", config, id, fields, elapsed_ms, "{message}");
        }
        EventKind::DataRefused { error } => {
            let error = with_causes(error);
            tracing::debug!(target: "connect_session", config, id, error, elapsed_ms, "{message}");
        }
        EventKind::CrossOrigin { sent, expected } => {
            tracing::debug!(target: "connect_session", config, id, sent, expected, elapsed_ms, "{message}");
        }
        EventKind::SecretReused { ended } => {
            tracing::warn!(target: "connect_session", config, id, ended, elapsed_ms, "{message}");
        }
        EventKind::DroppedUnsaved => {
            tracing::error!(target: "connect_session", config, id, elapsed_ms, "{message}");
        }
        kind if kind.is_problem() => {
            tracing::warn!(target: "connect_session", config, id, elapsed_ms, "{message}");
        }
        _ => tracing::debug!(target: "connect_session", config, id, elapsed_ms, "{message}"),
    }
}

/// In milliseconds, to the microsecond.
fn millis(elapsed: Duration) -> f64 {
    f64::from(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)) / 1000.0
}
