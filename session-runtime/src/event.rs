//! Events of sessions: for the listener of a config, for `tracing` and for `metrics`.

#[cfg(feature = "metrics")]
mod metrics;
#[cfg_attr(not(feature = "tracing"), path = "event/no_trace.rs")]
pub(crate) mod trace;

use std::fmt;
use std::time::Duration;

#[cfg(feature = "metrics")]
pub use self::metrics::describe_metrics;
use crate::data::EncodeError;
use crate::error_chain::with_causes;
use crate::printable;
use crate::sid::SessionId;
use crate::store::LoginRefusal;

/// Something that happened to a session. A config's `on_event` function receives it.
///
/// It never contains a sid or session data.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The name of the config.
    pub config: &'static str,
    /// The public id of the session, if the event concerns one.
    pub id: Option<SessionId>,
    /// The user, in the events of a login, of the end of a user's session and of a reused secret. Neither `Display`,
    /// `Debug` nor `tracing` shows it: it may be personal data, such as an e-mail address.
    pub subject: Option<&'a str>,
    /// What happened.
    pub kind: EventKind<'a>,
    /// How long the store took to answer, if it was called.
    pub elapsed: Option<Duration>,
}

/// What happened to a session.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// A new session was stored.
    Created,
    /// A session of another library was adopted: it is stored as a new one. It is not
    /// [`Created`](Self::Created) too, nor [`LoggedIn`](Self::LoggedIn).
    Adopted,
    /// A session was loaded.
    Loaded,
    /// A request without a sid was refused, because its handler requires a session.
    Missing,
    /// A request carried a well-formed sid that does not open a session: it is wrong, expired or
    /// replaced.
    UnknownSid,
    /// A cross-origin request was refused, because it uses a session cookie or would set one.
    CrossOrigin {
        /// What the request sent, such as `Origin: https://blog.example.com` or
        /// `Sec-Fetch-Site: same-site`. Escaped and shortened.
        sent: &'a str,
        /// What it was compared with: the host that the request addressed, with the scheme if that is
        /// known, or `same-origin`. Escaped and shortened.
        expected: &'a str,
    },
    /// A request carried the sid that a renewal replaced, after its grace period: somebody has a copy of it,
    /// or a client did not store the new one. The request is refused.
    SecretReused {
        /// Whether the session was ended for it, as `on_reuse: end` says.
        ended: bool,
    },
    /// A change was stored.
    Committed,
    /// Another request changed the session at the same time; the changes are being merged.
    Conflict,
    /// Changes to these fields could not be merged: the last write won.
    Overwritten {
        /// The names of the fields, escaped and shortened.
        fields: &'a [String],
    },
    /// A change was lost or a reload failed, because the session ended, or was taken over by a login
    /// or a reset, while the request was running.
    Ended,
    /// The session was destroyed.
    Destroyed,
    /// The session was ended because its data does not decode, as `on_undecodable: replace` says, or because
    /// `create` has stored a new session in its place.
    Discarded,
    /// A user logged in.
    LoggedIn,
    /// The user of the session proved once more who they are.
    Reauthenticated,
    /// The session has a new sid, by `rotate`.
    Rotated,
    /// The session belongs to no user any more and has empty data, by `reset`.
    Reset,
    /// A login was refused.
    LoginRefused {
        /// Why.
        refusal: LoginRefusal,
    },
    /// The session ended because its user logged in elsewhere and may have no more sessions.
    Replaced,
    /// The session was ended by its id, or with all sessions of its user.
    Revoked,
    /// A full store removed the session to make room for a new one.
    Evicted,
    /// The client was offered a new sid. The old one works until a grace period after the first use
    /// of the new one.
    Renewed,
    /// A changed session was dropped after its request had been committed, so the change was lost.
    /// Call `save` at the end of a task that owns a session.
    DroppedUnsaved,
    /// The data was too large, had too many fields, or was nested too deep. Nothing was stored. Often,
    /// a client sent such data.
    DataRefused {
        /// The exceeded limit, and the field that is nested too deep.
        error: &'a EncodeError,
    },
    /// The function that decides who may use the admin page could not decide.
    AuthorizerFailed {
        /// Its error, with its causes as `source`.
        error: &'a (dyn std::error::Error + 'static),
    },
    /// A call of the store failed.
    StoreError {
        /// The call: `build`, `load`, `insert`, `commit` or `destroy`; `adopt` is a call of the store whose
        /// sessions are adopted.
        operation: &'static str,
        /// The error, with its causes as `source`. If a session cannot be decoded, it names the field.
        error: &'a (dyn std::error::Error + 'static),
    },
}

impl EventKind<'_> {
    /// A stable name for metrics, such as `unknown_sid`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Adopted => "adopted",
            Self::Loaded => "loaded",
            Self::Missing => "missing",
            Self::UnknownSid => "unknown_sid",
            Self::CrossOrigin { .. } => "cross_origin",
            Self::SecretReused { .. } => "secret_reused",
            Self::Committed => "committed",
            Self::Conflict => "conflict",
            Self::Overwritten { .. } => "overwritten",
            Self::Ended => "ended",
            Self::Destroyed => "destroyed",
            Self::Discarded => "discarded",
            Self::LoggedIn => "logged_in",
            Self::Reauthenticated => "reauthenticated",
            Self::Rotated => "rotated",
            Self::Reset => "reset",
            Self::LoginRefused { .. } => "login_refused",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::Evicted => "evicted",
            Self::Renewed => "renewed",
            Self::DroppedUnsaved => "dropped_unsaved",
            Self::DataRefused { .. } => "data_refused",
            Self::AuthorizerFailed { .. } => "authorizer_failed",
            Self::StoreError { .. } => "store_error",
        }
    }
}

impl EventKind<'_> {
    /// Why the session ended, if this event says that it did: `logout`, `revoked`, `replaced`, `reused`,
    /// `undecodable` or `evicted`.
    /// That a deadline has passed is no event, because nobody is there when it happens.
    #[must_use]
    pub const fn end_reason(&self) -> Option<&'static str> {
        match self {
            Self::Destroyed => Some("logout"),
            Self::Revoked => Some("revoked"),
            Self::Replaced => Some("replaced"),
            Self::SecretReused { ended: true } => Some("reused"),
            Self::Discarded => Some("undecodable"),
            Self::Evicted => Some("evicted"),
            _ => None,
        }
    }
}

impl EventKind<'_> {
    /// Whether the event is for an operator: `tracing` records it as a warning or an error.
    const fn is_problem(&self) -> bool {
        matches!(
            self,
            Self::Overwritten { .. }
                | Self::SecretReused { .. }
                | Self::Ended
                | Self::Evicted
                | Self::DroppedUnsaved
                | Self::AuthorizerFailed { .. }
                | Self::StoreError { .. }
        )
    }

    /// The message of the `tracing` event.
    #[cfg(feature = "tracing")]
    const fn message(&self) -> &'static str {
        match self {
            Self::Created => "session created",
            Self::Adopted => "session of another library adopted",
            Self::Loaded => "session loaded",
            Self::Missing => "required session not sent",
            Self::UnknownSid => "session unknown or expired",
            Self::CrossOrigin { .. } => "cross-origin request refused",
            Self::SecretReused { ended: false } => "replaced sid came back",
            Self::SecretReused { ended: true } => {
                "session ended, because its replaced sid came back"
            }
            Self::Committed => "session change stored",
            Self::Conflict => "session changed by another request, merging",
            Self::Overwritten { .. } => "session fields overwritten",
            Self::Ended => "session ended during the request",
            Self::Destroyed => "session destroyed",
            Self::Discarded => "session that does not decode ended",
            Self::LoggedIn => "user logged in",
            Self::Reauthenticated => "user proved who they are once more",
            Self::Rotated => "session got a new sid",
            Self::Reset => "session reset",
            Self::LoginRefused { .. } => "login refused",
            Self::Replaced => "session ended by a login elsewhere",
            Self::Revoked => "session revoked",
            Self::Evicted => "session evicted from a full store",
            Self::Renewed => "sid renewed",
            Self::DroppedUnsaved => "changed session dropped without a save",
            Self::DataRefused { .. } => "session data over a limit refused",
            Self::AuthorizerFailed { .. } => "authorizer of the admin page failed",
            Self::StoreError { .. } => "session store failed",
        }
    }
}

/// Shows whether there is a user, but not who it is.
impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("config", &self.config)
            .field("id", &self.id)
            .field("subject", &self.subject.map(|_| "…"))
            .field("kind", &self.kind)
            .field("elapsed", &self.elapsed)
            .finish()
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
            EventKind::CrossOrigin { sent, expected } => {
                write!(f, ": {sent}, not {expected}")
            }
            EventKind::Overwritten { fields } => write!(f, ": {}", printable::names(fields)),
            EventKind::DataRefused { error } => write!(f, ": {}", with_causes(error)),
            EventKind::AuthorizerFailed { error } => write!(f, ": {}", with_causes(error)),
            EventKind::StoreError { operation, error } => {
                write!(f, ": {operation}: {}", with_causes(error))
            }
            _ => Ok(()),
        }
    }
}

/// A function that receives events.
pub type Listener = fn(&Event<'_>);

/// Whether every event is needed, also without a listener or a subscriber.
pub(crate) const IS_MEASURED: bool = cfg!(feature = "metrics");

/// Passes an event to the config's listener, and to `tracing` and `metrics` if those features are on.
#[inline]
pub(crate) fn emit(
    listener: Option<Listener>,
    config: &'static str,
    id: Option<SessionId>,
    kind: EventKind<'_>,
    elapsed: Option<Duration>,
) {
    emit_of_user(listener, config, id, None, kind, elapsed);
}

/// The same, for an event of a user.
#[inline]
pub(crate) fn emit_of_user(
    listener: Option<Listener>,
    config: &'static str,
    id: Option<SessionId>,
    subject: Option<&str>,
    kind: EventKind<'_>,
    elapsed: Option<Duration>,
) {
    // Routine events are only built for a listener or a subscriber. Problems are rare and always
    // recorded: without a subscriber, `tracing` can pass them on to the `log` crate.
    if listener.is_some() || IS_MEASURED || kind.is_problem() || trace::records_debug() {
        let event = Event {
            config,
            id,
            subject,
            kind,
            elapsed,
        };
        deliver(listener, &event);
    }
}

#[inline(never)]
fn deliver(listener: Option<Listener>, event: &Event<'_>) {
    trace::record(event);
    #[cfg(feature = "metrics")]
    metrics::record(event);
    if let Some(listener) = listener {
        listener(event);
    }
}
