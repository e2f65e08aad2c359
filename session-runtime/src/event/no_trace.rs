//! Stands for `trace.rs` where the feature `tracing` is off: only the listener counts.

use std::time::Instant;

use super::{Event, IS_MEASURED, Listener};
use crate::sid::SessionId;

#[derive(Debug, Clone, Copy)]
pub(crate) enum StoreCall {
    Load,
    Commit,
    Destroy,
}

pub(crate) const fn records_debug() -> bool {
    false
}

#[inline]
pub(crate) fn started(listener: Option<Listener>) -> Option<Instant> {
    (listener.is_some() || IS_MEASURED).then(Instant::now)
}

#[inline]
pub(crate) fn started_awaited(listener: Option<Listener>) -> Option<Instant> {
    started(listener)
}

#[inline]
pub(crate) fn in_span<T>(
    _: StoreCall,
    _: &'static str,
    _: SessionId,
    run: impl FnOnce() -> T,
) -> T {
    run()
}

#[inline]
pub(crate) fn in_span_awaited<T>(
    _: StoreCall,
    _: &'static str,
    _: SessionId,
    run: impl Future<Output = T>,
) -> impl Future<Output = T> {
    run
}

#[inline]
pub(super) fn record(_: &Event<'_>) {}
