//! The state that a handler's session shares with its guard.

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

/// The shared state of one session in one request.
pub(crate) struct SessionCore<C: SessionConfig> {
    pub(crate) store: StoreRef<C::Data, C::Store>,
    pub(crate) options: &'static Options,
    pub(crate) key: Key,
    pub(crate) target: EmitTarget,
    pub(crate) has_origin: bool,
    /// Whether this request created the session.
    pub(crate) is_new: bool,
    /// Whether the handler read the sid, so that its response must not be cached.
    pub(crate) sid_read: AtomicBool,
    /// Serializes the calls to the store of the guard and of a task that owns the session.
    write_lock: tokio::sync::Mutex<()>,
    state: Mutex<SessionState<C::Data>>,
}

/// The known state of the record, and the changes that are not stored yet.
pub(crate) struct SessionState<D> {
    pub(crate) phase: Phase<D>,
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
    /// `None` if they count from now and nothing has asked for them: the record is unsaved or was just
    /// inserted.
    pub(crate) deadlines: Option<Deadlines>,
    /// The record's lifetime, until `pending_lifetime` is stored.
    pub(crate) lifetime: Lifetime,
    /// The record's sid in the store, or the sid to insert for a new record.
    pub(crate) sid: Sid,
    /// A new sid that is not stored yet.
    pub(crate) identity: Option<Box<Identity>>,
    pub(crate) pending_lifetime: Option<Lifetime>,
    pub(crate) subject: Option<Arc<str>>,
    pub(crate) emit: Emit,
    /// The sid that the load offered. It is sent unless the session has got another one meanwhile.
    pub(crate) offer: Option<Box<Sid>>,
    /// The data of the session that the handler dropped.
    pub(crate) returned: Option<TrackedData<D>>,
    /// Whether the guard has started to commit. The response can no longer change then.
    pub(crate) closed: bool,
    /// Whether the handler or a task may still own the session, and ask for its deadlines.
    pub(crate) in_use: bool,
}

pub(crate) enum Phase<D> {
    /// Not stored yet.
    New,
    /// Stored; this is the latest data that the request knows.
    Stored(Snapshot<D>),
    /// Destroyed, found to have ended, or discarded before it was stored.
    Ended {
        /// By this request, so that the response clears the cookie.
        destroyed: bool,
    },
}

/// The sid that the response carries. The store always knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emit {
    Nothing,
    /// The session's sid: it is new, or its cookie has to be renewed.
    Sid,
    /// The sid that the load offered.
    Offer,
}

/// A change of the sid that is not stored yet.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) sid: Sid,
    pub(crate) new_generation: bool,
    pub(crate) subject: SubjectChange,
    /// Whether the data is replaced, not merged.
    pub(crate) reset: bool,
}

/// The session as its guard sees it, independent of the config's type.
pub(crate) trait Finalize: Send + Sync {
    /// Commits the session. If the handler failed, discards its changes, except with `commit: always`.
    fn finish(self: Arc<Self>, failed: bool) -> FinalizeResult;

    /// Discards all uncommitted changes, because the request was cancelled or the handler panicked.
    fn abandon(&self);
}

/// The result of finishing a session: the response headers, or a future of them.
pub(crate) enum FinalizeResult {
    Now(Result<Emission, Error>),
    /// A commit to await, and the session to abandon if the future is dropped before it is ready.
    Later(
        BoxFuture<'static, Result<Emission, Error>>,
        Arc<dyn Finalize>,
    ),
}

impl<C: SessionConfig> SessionCore<C> {
    #[allow(
        clippy::inline_always,
        reason = "constructs the value in place, which saves two moves"
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

    /// Waits for exclusive use of the store among the owners of this session.
    pub(crate) async fn lock_writes(&self) -> tokio::sync::MutexGuard<'_, ()> {
        // No `try_lock` first: only `lock` lets other tasks run while a handler calls, in a loop, a
        // store that never waits.
        self.write_lock.lock().await
    }

    pub(crate) fn transport(&self) -> Transport {
        self.target.transport()
    }

    /// The deadlines, as if the pending changes were stored now.
    pub(crate) fn deadlines(&self) -> Deadlines {
        let now = self.store.now();
        let mut state = self.state();
        let lifetime = state.lifetime;
        // Stored, so that every call returns the same.
        let known = *(state.deadlines).get_or_insert_with(|| deadlines(now, now, lifetime));
        state.deadlines_after(known, now)
    }

    /// Ends an unsaved session, so that the guard does not store it without its data.
    pub(crate) fn discard_unsaved(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::New) {
            state.phase = Phase::Ended { destroyed: false };
        }
    }

    /// Marks the session as ended, because the store no longer has it, and returns the error.
    pub(super) fn mark_ended(&self) -> Error {
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
    pub(crate) fn store_failed(
        &self,
        verb: &'static str,
        error: StoreError,
        elapsed: Option<Duration>,
    ) -> Error {
        let kind = EventKind::StoreError {
            verb,
            error: &error,
        };
        self.emit_event(kind, elapsed);
        error.into()
    }
}

impl<D> SessionState<D> {
    /// The session's sid, or the new one that is not stored yet.
    pub(crate) fn current_sid(&self) -> Sid {
        self.identity
            .as_ref()
            .map_or(self.sid, |identity| identity.sid)
    }

    /// Whether a pending reset replaces the data.
    pub(crate) fn resets(&self) -> bool {
        (self.identity.as_ref()).is_some_and(|identity| identity.reset)
    }

    /// The deadlines, as if the pending changes were stored now.
    fn deadlines_after(&self, known: Deadlines, now: Timestamp) -> Deadlines {
        let logged_in = (self.identity.as_ref()).is_some_and(|identity| identity.new_generation);
        if !logged_in && self.pending_lifetime.is_none() {
            return known;
        }
        let lifetime = self.pending_lifetime.unwrap_or(self.lifetime);
        deadlines(known.created_at, now, lifetime)
    }

    /// Records that a lifetime was stored. A different lifetime that was set meanwhile stays pending.
    pub(super) fn set_lifetime(&mut self, lifetime: Lifetime) {
        self.lifetime = lifetime;
        self.pending_lifetime = self.pending_lifetime.filter(|other| *other != lifetime);
    }

    /// Discards the pending changes of the sid and the lifetime.
    pub(crate) fn forget_pending(&mut self) {
        self.identity = None;
        self.pending_lifetime = None;
    }
}

/// The deadlines of a lifetime that starts now.
pub(crate) fn deadlines(created_at: Timestamp, now: Timestamp, lifetime: Lifetime) -> Deadlines {
    Deadlines {
        created_at,
        idle_until: now + lifetime.idle(),
        absolute_until: now + lifetime.absolute(),
    }
}
