//! The state of one session in one request, shared by its guards and the sessions of their handlers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::SidTarget;
use super::adopt::AdoptedState;
use super::ending::Undecodable;
use super::guards::{Creation, GuardIndex, Guards};
use super::wait;
use crate::config::{Options, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::event::{self, EventKind};
use crate::record::{Deadlines, Key, Lifetime, Login, LoginChange, Snapshot, Transport};
use crate::sid::{HashedSid, SessionId, Sid};
use crate::store::{StoreError, StoreRef};
use crate::timestamp::Timestamp;

/// One session in one request. Usually one guard uses it; the guards of middleware and of the handler
/// share it.
pub(crate) struct SessionCore<C: SessionConfig> {
    pub(crate) store: StoreRef<C::Data, C::Store>,
    pub(crate) options: &'static Options,
    pub(crate) key: Key,
    pub(super) target: SidTarget,
    pub(crate) has_origin: bool,
    /// Whether this request created the session.
    pub(crate) is_new: bool,
    /// Whether this is a new session of a HEAD request, which is never stored.
    pub(super) is_discarded: bool,
    /// Whether a handler read the sid, so that the response must not be cached.
    pub(super) sid_read: AtomicBool,
    /// Whether a response has carried the sid, or expired its cookie.
    pub(super) sid_sent: AtomicBool,
    /// Serializes the calls to the store of the guards and of tasks that own the session.
    write_lock: tokio::sync::Mutex<()>,
    state: Mutex<SessionState<C>>,
}

/// The known state of the record, and the changes that are not stored yet.
pub(crate) struct SessionState<C: SessionConfig> {
    pub(crate) phase: Phase<C::Data>,
    /// The data of an unsaved session that guards of the request may share: what all of them start
    /// with, and what `update` changes.
    pub(crate) initial: Option<Arc<C::Data>>,
    /// Raised by every new sid.
    pub(crate) epoch: u64,
    /// Raised by a login or a reset.
    pub(crate) generation: u64,
    /// `None` if they count from now and nothing has asked for them: the record is unsaved or was just
    /// inserted.
    pub(crate) deadlines: Option<Deadlines>,
    /// The record's lifetime, until a pending one is stored.
    pub(crate) lifetime: Lifetime,
    /// The record's sid in the store, or the sid to insert for a new record.
    pub(crate) sid: Sid,
    pub(crate) login: Option<Arc<Login>>,
    pub(crate) sid_to_send: SidToSend,
    /// The sid that the load offered. It is sent unless the session has got another one meanwhile.
    pub(crate) offer: Option<Box<Sid>>,
    /// The guards, and their changes that are not stored yet.
    pub(crate) guards: Guards<C::Data>,
    /// How often a guard of this request has replaced the data by a reset.
    pub(super) resets: u32,
    /// Whether a handler or a task may still own the session, and ask for its deadlines.
    pub(crate) in_use: bool,
    /// The session that this request has created after it ended this one.
    pub(super) replaced_by: Option<Arc<SessionCore<C>>>,
    /// The session of the request whose data does not decode: it is ended once this one is stored.
    pub(super) replaces: Option<Box<Undecodable>>,
    /// Set if the request has an old cookie in place of a sid. Boxed, because few requests do.
    pub(super) adopted: Option<Box<AdoptedState>>,
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
pub(crate) enum SidToSend {
    None,
    /// The session's sid: it is new, or its cookie has to be renewed.
    Current,
    /// The sid that the load offered.
    Offered,
}

impl<C: SessionConfig> SessionCore<C> {
    #[allow(
        clippy::inline_always,
        reason = "constructs the value in place, which saves two moves"
    )]
    #[inline(always)]
    pub(super) fn new(
        store: StoreRef<C::Data, C::Store>,
        options: &'static Options,
        id: SessionId,
        target: SidTarget,
        has_origin: bool,
        is_head: bool,
        state: SessionState<C>,
    ) -> Arc<Self> {
        let is_new = matches!(state.phase, Phase::New);
        Arc::new(Self {
            store,
            options,
            key: Key {
                namespace: options.namespace,
                id,
            },
            target,
            has_origin,
            is_new,
            is_discarded: is_new && is_head,
            sid_read: AtomicBool::new(false),
            sid_sent: AtomicBool::new(false),
            write_lock: tokio::sync::Mutex::const_new(()),
            state: Mutex::new(state),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, SessionState<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for exclusive use of the store among the owners of this session.
    pub(crate) async fn lock_writes(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, Error> {
        // No `try_lock` first: only `lock` lets other tasks run while a handler calls, in a loop, a
        // store that never waits.
        wait::in_time(self.write_lock.lock()).await
    }

    /// The sid, for the handler; `None` if the client cannot use it. A new session whose sid was read is
    /// stored.
    pub(crate) fn read_sid(&self, guard: GuardIndex) -> Option<Sid> {
        if self.transport() == Transport::Cookie || self.is_discarded {
            return None;
        }
        let mut state = self.state();
        if matches!(state.phase, Phase::New) {
            let pending = state.guards.get_mut(guard);
            if pending.closed {
                return None;
            }
            pending.creation = Creation::Always;
        }
        if !state.knows_sid() {
            return None;
        }
        self.sid_read.store(true, Ordering::Relaxed);
        Some(state.current_sid())
    }

    pub(crate) fn transport(&self) -> Transport {
        self.target.transport()
    }

    /// The deadlines, as if the pending changes of a guard were stored now.
    pub(crate) fn deadlines(&self, guard: GuardIndex) -> Deadlines {
        let known = self.stored_deadlines();
        let after = self.state().deadlines_after(guard, known, self.store.now());
        self.until_first_use(known, after)
    }

    /// The deadlines of the record. Those of an unsaved session start with the first call.
    pub(super) fn stored_deadlines(&self) -> Deadlines {
        let now = self.store.now();
        let mut state = self.state();
        let lifetime = state.lifetime;
        *(state.deadlines).get_or_insert_with(|| self.first_deadlines(now, lifetime))
    }

    /// The deadlines of the record of a new session.
    pub(super) fn first_deadlines(&self, now: Timestamp, lifetime: Lifetime) -> Deadlines {
        let mut deadlines = deadlines(now, now, lifetime);
        if let Some(timeout) = self.options.first_use_timeout {
            deadlines.idle_until = deadlines.idle_until.min(now + timeout);
        }
        deadlines
    }

    /// The deadlines after a change. Until a new session was loaded, no change moves its idle deadline to
    /// a later time.
    pub(super) fn until_first_use(&self, known: Deadlines, mut after: Deadlines) -> Deadlines {
        if self.is_new
            && let Some(timeout) = self.options.first_use_timeout
            && known.idle_until <= known.created_at + timeout
        {
            after.idle_until = after.idle_until.min(known.idle_until);
        }
        after
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
        state.sid_to_send = SidToSend::None;
        if !matches!(state.phase, Phase::Ended { destroyed: true }) {
            state.phase = Phase::Ended { destroyed: false };
        }
        state.guards.discard_all_but_data();
        drop(state);
        self.emit_event(EventKind::Ended, None);
        Error::of(ErrorKind::Ended)
    }

    /// Whether the login was adopted with the session, and the user has not proved who they are since. A
    /// login in this library begins another generation.
    pub(crate) fn is_adopted_login(&self, login: &Login) -> bool {
        self.key.id.is_adopted()
            && self.state().generation <= 1
            && login.authenticated_at == login.logged_in_at
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

    /// Emits an event of this session and its user.
    pub(super) fn emit_event_of_user(
        &self,
        subject: Option<&str>,
        kind: EventKind<'_>,
        elapsed: Option<Duration>,
    ) {
        let (listener, id) = (self.options.on_event, Some(self.key.id));
        event::emit_of_user(listener, C::NAME, id, subject, kind, elapsed);
    }

    /// Emits an event for an error of the store, and converts it to the error for the client.
    pub(crate) fn store_failed(
        &self,
        operation: &'static str,
        error: StoreError,
        elapsed: Option<Duration>,
    ) -> Error {
        let error = self.with_subject(error);
        let kind = match &error {
            // Not a fault of the store or the program.
            StoreError::Encode(error) if error.is_over_a_limit() => {
                EventKind::DataRefused { error }
            }
            error => EventKind::StoreError { operation, error },
        };
        self.emit_event(kind, elapsed);
        error.into()
    }
}

impl<C: SessionConfig> SessionState<C> {
    /// The session's sid, or the new one that is not stored yet.
    pub(crate) fn current_sid(&self) -> Sid {
        self.guards.pending_sid().unwrap_or(self.sid)
    }

    /// Whether a client can use the [`current_sid`](Self::current_sid). Of several requests with one old
    /// cookie, only one is offered a sid.
    fn knows_sid(&self) -> bool {
        let opened_with_old_sid = (self.adopted.as_ref()).and_then(|adopted| adopted.adopter);
        opened_with_old_sid.is_none() || self.offer.is_some() || self.guards.pending_sid().is_some()
    }

    /// What opens the record.
    pub(crate) fn hashed_sid(&self) -> HashedSid {
        let opened_with_old_sid = (self.adopted.as_ref()).and_then(|adopted| adopted.adopter);
        opened_with_old_sid.unwrap_or_else(|| self.sid.presented().hashed())
    }

    /// The login, as if all pending changes were stored now.
    pub(crate) fn login_after(&self, now: Timestamp) -> Option<Arc<Login>> {
        self.guards.login_after(self.login.clone(), now)
    }

    /// The deadlines, as if the pending changes of a guard were stored now.
    fn deadlines_after(&self, guard: GuardIndex, known: Deadlines, now: Timestamp) -> Deadlines {
        let pending = self.guards.get(guard);
        if !pending.starts_new_generation() && pending.lifetime.is_none() {
            return known;
        }
        let lifetime = pending.lifetime.unwrap_or(self.lifetime);
        deadlines(known.created_at, now, lifetime)
    }

    /// Records that a lifetime of a guard was stored. A different lifetime that was set meanwhile stays
    /// pending.
    #[inline]
    pub(super) fn set_lifetime(&mut self, guard: GuardIndex, lifetime: Lifetime) {
        self.lifetime = lifetime;
        let pending = self.guards.get_mut(guard);
        pending.lifetime = pending.lifetime.filter(|other| *other != lifetime);
    }

    /// Records that a label of a guard was stored. Another label that was set meanwhile stays pending.
    #[inline]
    pub(super) fn set_label(&mut self, guard: GuardIndex, stored: &Arc<str>) {
        let pending = self.guards.get_mut(guard);
        pending.label.take_if(|label| Arc::ptr_eq(label, stored));
    }

    /// Records that the pending sid of a guard was stored.
    #[inline]
    pub(super) fn set_sid(&mut self, guard: GuardIndex, now: impl FnOnce() -> Timestamp) {
        let Some(change) = self.guards.get_mut(guard).sid_change.take() else {
            return;
        };
        self.sid = change.sid;
        if let Some(adopted) = &mut self.adopted {
            adopted.adopter = None;
        }
        if change.new_generation {
            self.guards.forget_authentications();
        }
        if change.login != LoginChange::Keep {
            self.login = change.login.apply(self.login.take(), now());
        }
        if change.reset {
            self.resets += 1;
            self.guards.get_mut(guard).resets_seen = self.resets;
        }
        self.guards.forget_rotations_to(self.sid);
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
