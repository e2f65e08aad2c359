//! Events of sessions: for the listener of a config, and for `tracing`.

#[cfg_attr(not(feature = "tracing"), path = "event/no_trace.rs")]
pub(crate) mod trace;

use std::fmt;
use std::time::Duration;

use crate::error_chain::with_causes;
use crate::sid::SessionId;

/// Something that happened to a session; given to the function that a config names as `on_event`.
///
/// It never holds a sid, nor anything of a session's data.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The name of the config.
    pub config: &'static str,
    /// The session, where there is one.
    pub id: Option<SessionId>,
    /// What happened.
    pub kind: EventKind<'a>,
    /// How long the store took, where it was asked.
    pub elapsed: Option<Duration>,
}

/// What happened to a session.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// A new session is stored.
    Created,
    /// A session was loaded.
    Loaded,
    /// A required session was not sent.
    Missing,
    /// A well-formed sid was sent that no living session has.
    UnknownSid,
    /// A request was refused because it came from another origin with a session cookie.
    CrossOrigin,
    /// A change is stored.
    Committed,
    /// Another request had changed the session meanwhile; the changes are being merged.
    Conflict,
    /// Changes of these fields could not be merged: the last one won.
    Overwritten {
        /// The names of the fields.
        fields: &'a [String],
    },
    /// A change was lost, or a reload found nothing, because the session had ended, or belongs to
    /// another login, meanwhile.
    Ended,
    /// The session was destroyed.
    Destroyed,
    /// The session had to give way, in a full store, to a new one.
    Evicted,
    /// A second sid was offered to the client.
    Renewed,
    /// A session that was changed was dropped when its request had already been committed: call
    /// `save` at the end of a task that takes a session along.
    DroppedUnsaved,
    /// The store did not do what it was asked.
    StoreError {
        /// What was asked: `build`, `load`, `insert`, `commit` or `destroy`.
        verb: &'static str,
        /// What is wrong, with its causes; for a session that cannot be decoded it names the field.
        error: &'a (dyn std::error::Error + 'static),
    },
}

impl EventKind<'_> {
    /// A name for counters, such as `unknown_sid`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Loaded => "loaded",
            Self::Missing => "missing",
            Self::UnknownSid => "unknown_sid",
            Self::CrossOrigin => "cross_origin",
            Self::Committed => "committed",
            Self::Conflict => "conflict",
            Self::Overwritten { .. } => "overwritten",
            Self::Ended => "ended",
            Self::Destroyed => "destroyed",
            Self::Evicted => "evicted",
            Self::Renewed => "renewed",
            Self::DroppedUnsaved => "dropped_unsaved",
            Self::StoreError { .. } => "store_error",
        }
    }
}

impl EventKind<'_> {
    /// Whether an operator should see it: the level in `tracing` is warn or error.
    const fn is_problem(&self) -> bool {
        matches!(
            self,
            Self::Overwritten { .. }
                | Self::Ended
                | Self::Evicted
                | Self::DroppedUnsaved
                | Self::StoreError { .. }
        )
    }

    /// What happened, as a message for a log.
    #[cfg(feature = "tracing")]
    const fn message(&self) -> &'static str {
        match self {
            Self::Created => "session created",
            Self::Loaded => "session loaded",
            Self::Missing => "required session not sent",
            Self::UnknownSid => "session unknown or expired",
            Self::CrossOrigin => "cross-origin request refused",
            Self::Committed => "session change stored",
            Self::Conflict => "session changed by another request, merging",
            Self::Overwritten { .. } => "session fields overwritten",
            Self::Ended => "session ended during the request",
            Self::Destroyed => "session destroyed",
            Self::Evicted => "session evicted from a full store",
            Self::Renewed => "session id renewed",
            Self::DroppedUnsaved => "changed session dropped without a save",
            Self::StoreError { .. } => "session store failed",
        }
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {} ({}", self.kind.name(), self.config)?;
        if let Some(id) = self.id {
            write!(f, ", {id}")?;
        }
        f.write_str(")")?;
        match self.kind {
            EventKind::Overwritten { fields } => write!(f, ": {}", fields.join(", ")),
            EventKind::StoreError { verb, error } => {
                write!(f, ": {verb}: {}", with_causes(error))
            }
            _ => Ok(()),
        }
    }
}

/// The function that hears of events.
pub type Listener = fn(&Event<'_>);

/// Passes an event to the config's listener, and to `tracing` if that feature is on.
#[inline]
pub(crate) fn emit(
    listener: Option<Listener>,
    config: &'static str,
    id: Option<SessionId>,
    kind: EventKind<'_>,
    elapsed: Option<Duration>,
) {
    // An event of every request is put together only for a receiver. The others are rare, and
    // `tracing` may pass them to the `log` crate where it has no subscriber.
    if listener.is_some() || kind.is_problem() || trace::records_debug() {
        let event = Event {
            config,
            id,
            kind,
            elapsed,
        };
        deliver(listener, &event);
    }
}

#[inline(never)]
fn deliver(listener: Option<Listener>, event: &Event<'_>) {
    trace::record(event);
    if let Some(listener) = listener {
        listener(event);
    }
}
