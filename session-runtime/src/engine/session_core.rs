//! What the session in a handler and the guard around it share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::tracked_data::TrackedData;
use super::{Emission, RequestContext};
use crate::config::{Options, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::event::{self, EventKind};
use crate::loader::EmitTarget;
use crate::record::{Deadlines, Key, Lifetime, Snapshot, SubjectChange, Transport};
use crate::sid::{SessionId, Sid};
use crate::store::{BoxFuture, StoreError, StoreRef};
use crate::timestamp::Timestamp;

/// One session in one request.
pub(crate) struct SessionCore<C: SessionConfig> {
    pub(crate) store: StoreRef<C::Data, C::Store>,
    pub(crate) options: &'static Options,
    pub(crate) key: Key,
    pub(crate) target: EmitTarget,
    pub(crate) has_origin: bool,
    /// This request created the session.
    pub(crate) is_new: bool,
    /// The handler read the sid, so its response must not be cached.
    pub(crate) sid_read: AtomicBool,
    /// Held over everything that is sent to the store, so that the guard and a task that took the
    /// session along come one after the other.
    write_lock: tokio::sync::Mutex<()>,
    state: Mutex<SessionState<C::Data>>,
}

/// What is known of the record, and what is still to be written.
pub(crate) struct SessionState<D> {
    pub(crate) phase: Phase<D>,
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
    /// None where they count from now: nothing is stored yet, or was just now, and nobody has asked.
    pub(crate) deadlines: Option<Deadlines>,
    /// How long the record lives, once `pending_lifetime` is stored or there is none.
    pub(crate) lifetime: Lifetime,
    /// The sid under which the store knows the record, or will know a new one.
    pub(crate) sid: Sid,
    /// A new secret that is not yet stored.
    pub(crate) identity: Option<Box<Identity>>,
    pub(crate) pending_lifetime: Option<Lifetime>,
    pub(crate) subject: Option<Arc<str>>,
    pub(crate) emit: Emit,
    /// A sid that the load offered. It is sent unless the session got another one meanwhile.
    pub(crate) offer: Option<Box<Sid>>,
    /// The data, when the handler has dropped its session.
    pub(crate) returned: Option<TrackedData<D>>,
    /// The guard has begun to commit: from now on the response is fixed.
    pub(crate) closed: bool,
    /// Somebody has the session, and may ask when it ends.
    pub(crate) in_use: bool,
}

pub(crate) enum Phase<D> {
    /// Not stored yet.
    New,
    /// Stored, as far as this request knows with this data.
    Stored(Snapshot<D>),
    /// Destroyed, or found to be gone.
    Ended {
        /// By this request, so that a cookie is to be cleared.
        destroyed: bool,
    },
}

/// The sid that the response has to carry: one that the store knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emit {
    Nothing,
    /// The session's, which is new or was changed.
    Sid,
    /// The one that was offered.
    Offer,
}

/// A change of secret that is not yet stored.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) sid: Sid,
    pub(crate) new_generation: bool,
    pub(crate) subject: SubjectChange,
    /// The data starts anew.
    pub(crate) reset: bool,
}

/// What a guard needs of a session whose type it does not know.
pub(crate) trait Finalize: Send + Sync {
    /// Writes what is to be written, unless the handler failed and that matters.
    fn finish(self: Arc<Self>, failed: bool) -> FinalizeResult;

    /// The request was given up: nothing of it is to be stored.
    fn abandon(&self);
}

/// What is to be emitted, or the wait for it.
pub(crate) enum FinalizeResult {
    Now(Result<Emission, Error>),
    /// The session beside it is to be abandoned if nobody waits to the end.
    Later(
        BoxFuture<'static, Result<Emission, Error>>,
        Arc<dyn Finalize>,
    ),
}

impl<C: SessionConfig> SessionCore<C> {
    #[allow(
        clippy::inline_always,
        reason = "built where it stays, it is not moved twice before"
    )]
    #[inline(always)]
    pub(super) fn new(
        context: &RequestContext<C>,
        store: StoreRef<C::Data, C::Store>,
        id: SessionId,
        state: SessionState<C::Data>,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            options: context.options,
            key: Key {
                namespace: context.options.namespace,
                id,
            },
            target: context.target,
            has_origin: context.has_origin,
            is_new: matches!(state.phase, Phase::New),
            sid_read: AtomicBool::new(false),
            write_lock: tokio::sync::Mutex::const_new(()),
            state: Mutex::new(state),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, SessionState<C::Data>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else sends anything of this session to the store.
    pub(crate) async fn lock_writes(&self) -> tokio::sync::MutexGuard<'_, ()> {
        // Not `try_lock` first: this lock is what lets other tasks run where a handler asks a store in
        // a loop that never has to wait.
        self.write_lock.lock().await
    }

    pub(crate) fn transport(&self) -> Transport {
        self.target.transport()
    }

    /// The deadlines once what is pending is stored.
    pub(crate) fn deadlines(&self) -> Deadlines {
        let now = self.store.now();
        let mut state = self.state();
        let lifetime = state.lifetime;
        // Whoever asks twice is told the same.
        let known = *(state.deadlines).get_or_insert_with(|| deadlines(now, now, lifetime));
        state.deadlines_after(known, now)
    }

    /// A new session whose data could not be stored is not stored without it.
    pub(crate) fn give_up(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::New) {
            state.phase = Phase::Ended { destroyed: false };
        }
    }

    /// The session is found to have ended.
    pub(super) fn ended(&self) -> Error {
        let mut state = self.state();
        state.emit = Emit::Nothing;
        if !matches!(state.phase, Phase::Ended { destroyed: true }) {
            state.phase = Phase::Ended { destroyed: false };
        }
        state.forget_pending();
        drop(state);
        self.emit_event(EventKind::Ended, None);
        Error::new(ErrorKind::Ended)
    }

    /// Emits an event of this session.
    pub(crate) fn emit_event(&self, kind: EventKind<'_>, elapsed: Option<Duration>) {
        event::emit(
            self.options.on_event,
            C::NAME,
            Some(self.key.id),
            kind,
            elapsed,
        );
    }

    /// Emits an event for an error of the store, and converts it to the error for the client.
    pub(crate) fn failed(
        &self,
        verb: &'static str,
        error: StoreError,
        elapsed: Option<Duration>,
    ) -> Error {
        let kind = match &error {
            // No fault of the store or the program.
            StoreError::Encode(error) if error.is_over_a_limit() => {
                EventKind::DataRefused { error }
            }
            error => EventKind::StoreError { verb, error },
        };
        self.emit_event(kind, elapsed);
        error.into()
    }
}

impl<D> SessionState<D> {
    /// The sid that the client knows, or will know with the response.
    pub(crate) fn current_sid(&self) -> Sid {
        self.identity
            .as_ref()
            .map_or(self.sid, |identity| identity.sid)
    }

    /// Whether the data is to begin anew.
    pub(crate) fn resets(&self) -> bool {
        (self.identity.as_ref()).is_some_and(|identity| identity.reset)
    }

    /// The deadlines once what is pending is stored.
    fn deadlines_after(&self, known: Deadlines, now: Timestamp) -> Deadlines {
        let logged_in = (self.identity.as_ref()).is_some_and(|identity| identity.new_generation);
        if !logged_in && self.pending_lifetime.is_none() {
            return known;
        }
        let lifetime = self.pending_lifetime.unwrap_or(self.lifetime);
        deadlines(known.created_at, now, lifetime)
    }

    /// A lifetime is stored: unless another one was asked for meanwhile, none is pending. The same once
    /// more counts as stored.
    pub(super) fn set_lifetime(&mut self, lifetime: Lifetime) {
        self.lifetime = lifetime;
        self.pending_lifetime = self.pending_lifetime.filter(|other| *other != lifetime);
    }

    /// Forgets what is not yet stored.
    pub(crate) fn forget_pending(&mut self) {
        self.identity = None;
        self.pending_lifetime = None;
    }
}

/// The deadlines of a lifetime that begins now.
pub(crate) fn deadlines(created_at: Timestamp, now: Timestamp, lifetime: Lifetime) -> Deadlines {
    Deadlines {
        created_at,
        idle_until: now + lifetime.idle(),
        absolute_until: now + lifetime.absolute(),
    }
}
