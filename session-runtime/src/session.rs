//! The session in a handler.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use crate::config::{DefaultConfig, SessionConfig};
use crate::engine::{Finalize, Identity, OpenedSession, Phase, SessionCore, TrackedData};
use crate::error::{Error, ErrorKind};
use crate::event::EventKind;
use crate::record::{Lifetime, SubjectChange, Transport};
use crate::sid::{SessionId, Sid};
use connect_session_rules as rules;

/// A session, as a handler with `#[session(create)]` or `#[session(load)]` gets it.
///
/// It is the data that the config names: read and change it through the session itself. What was
/// changed is stored when the handler has returned, before the first byte of the response is sent.
/// A handler that returns `Err`, panics or is cancelled stores nothing.
///
/// ```
/// # #[cfg(feature = "axum")] mod example {
/// use connect_session::{Session, session, session_config};
///
/// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// struct Cart {
///     items: Vec<String>,
/// }
///
/// session_config! {
///     struct Shop { data: Cart }
/// }
///
/// #[session(load)]
/// async fn add(mut session: Session<Shop>) -> String {
///     session.items.push("tea".to_owned());
///     format!("{} items", session.items.len())
/// }
/// # }
/// ```
///
/// A function that the attribute has rewritten is a handler for a router and is not called
/// directly; test it through a router.
///
/// A session that is moved into a task or a stream is no longer stored with the response: finish
/// it with [`save`](Self::save).
#[must_use = "a session that is dropped at once was not needed"]
pub struct Session<C: SessionConfig = DefaultConfig> {
    core: Arc<SessionCore<C>>,
    tracked: TrackedData<C::Data>,
    subject: Option<Arc<str>>,
    stage: Stage,
}

/// What a session that is dropped leaves behind. A word wide, as everything beside it.
#[derive(Debug, Clone, Copy)]
#[repr(usize)]
enum Stage {
    /// Nothing but its data, if that was changed.
    Loaded,
    /// What was asked of it, or of a new session.
    Open,
    /// A `save` has begun to send something: what became of it is known when it has returned.
    Saving,
    /// Nothing: it was saved or destroyed.
    Finished,
}

impl<C: SessionConfig> Session<C> {
    pub(crate) fn new(start: OpenedSession<C>) -> Self {
        let (tracked, stage) = match start.data {
            Some(data) => (TrackedData::new(data), Stage::Loaded),
            None => (TrackedData::fresh(), Stage::Open),
        };
        Self {
            core: start.core,
            tracked,
            subject: start.subject,
            stage,
        }
    }

    /// What finishes the session when the handler has returned.
    pub(crate) fn finisher(&self) -> Arc<dyn Finalize> {
        self.core.clone()
    }

    /// The public id: for logs and lists. It does not change when the sid does.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.core.key.id
    }

    /// The sid, to be finish to the client. `None` when it travels in a cookie, which scripts
    /// cannot read (`HttpOnly`, ASVS 5.0 3.3.4).
    ///
    /// The response is marked `Cache-Control: no-store`. After a [`rotate`](Self::rotate),
    /// [`reset`](Self::reset) or [`login`](Self::login) it is the new one.
    #[must_use]
    pub fn sid(&self) -> Option<Sid> {
        if self.core.transport() == Transport::Cookie {
            return None;
        }
        self.core.sid_read.store(true, Ordering::Relaxed);
        Some(self.core.state().current_sid())
    }

    /// Whether this request created the session.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.core.is_new
    }

    /// The data.
    #[must_use]
    pub fn data(&self) -> &C::Data {
        self.tracked.data()
    }

    /// The data, to be changed. In memory this counts as a change; a server store writes the
    /// fields that differ in the end.
    #[must_use]
    pub fn data_mut(&mut self) -> &mut C::Data {
        self.tracked.data_mut()
    }

    /// When the session was created, by the store's clock. Of a session that is not stored yet it is
    /// when this was first asked.
    #[must_use]
    pub fn created_at(&self) -> SystemTime {
        self.core.deadlines().created_at.into()
    }

    /// When the session ends if no other request comes, by the store's clock. After a
    /// [`login`](Self::login) or [`set_lifetime`](Self::set_lifetime) it is what holds when they
    /// are stored.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.core.deadlines().expires_at().into()
    }

    /// Whom the session belongs to, as [`login`](Self::login) set it.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Changes the committed data at once, exactly: `change` runs on what is stored now, and again
    /// if another request comes between. Every call that returns `Ok` counted once, whatever
    /// overlaps, so its answer can be told to the client.
    ///
    /// Whatever `change` returns, what it did to the data is stored: to leave the data alone, change
    /// nothing. `change` sees committed data and nothing else; what the handler changed before and has not
    /// stored is kept and merged with the result. A session that is not stored yet is changed as
    /// the handler sees it. A field that is changed by `update` and directly in one request is
    /// changed twice, as by two requests. What `update` has stored stays stored if the handler fails.
    ///
    /// A store on a server compares the fields that `change` changed, and no others: to decide by a
    /// field that another request may change meanwhile, change that field too.
    ///
    /// ```
    /// # use connect_session::{Error, Session};
    /// async fn visit(session: &mut Session) -> Result<u64, Error> {
    ///     session
    ///         .update(|data| {
    ///             let visits = data.get("visits")?.unwrap_or(0) + 1;
    ///             data.insert("visits", visits)?;
    ///             Ok(visits)
    ///         })
    ///         .await?
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Ended`] if the session ended meanwhile, [`ErrorKind::Contention`] if too many
    /// requests change it at once, [`ErrorKind::OutcomeUnknown`] if the store did not answer, and
    /// what else a commit can meet. Except for `OutcomeUnknown`, nothing was written.
    pub async fn update<R>(
        &mut self,
        mut change: impl FnMut(&mut C::Data) -> R,
    ) -> Result<R, Error> {
        let core = self.core.clone();
        let _order = core.lock_writes().await;
        let base = {
            let state = core.state();
            match &state.phase {
                Phase::Stored(snapshot) if !state.resets() => Some(snapshot.clone()),
                Phase::Stored(_) | Phase::New => None,
                Phase::Ended { .. } => return Err(Error::new(ErrorKind::Ended)),
            }
        };
        match base {
            None => Ok(change(self.data_mut())),
            Some(base) => core.update(base, &mut self.tracked, &mut change).await,
        }
    }

    /// Stores what was changed, now. It is how a session is finished that was moved into a task or
    /// a stream, before or after the response.
    ///
    /// # Errors
    /// As for a commit: [`ErrorKind::Ended`], [`ErrorKind::Conflict`],
    /// [`ErrorKind::StoreUnavailable`] and so on; unless it is [`ErrorKind::OutcomeUnknown`],
    /// nothing was written.
    pub async fn save(self) -> Result<(), Error> {
        let core = self.core.clone();
        let _order = core.lock_writes().await;
        // If this future is given up, the session is dropped before the next one's turn comes.
        let mut session = self;
        session.stage = Stage::Saving;
        let mut tracked = session.tracked.take();
        let saved = match core.rebase(&mut tracked) {
            Ok(()) => core.persist(Some(tracked)).await,
            Err(error) => Err(error),
        };
        session.stage = Stage::Finished;
        if saved.is_err() {
            core.give_up();
        }
        saved
    }

    /// Reads the session anew, and drops every change that is not stored.
    ///
    /// # Errors
    /// [`ErrorKind::Ended`] if the session has ended, or another request gave it a new sid;
    /// [`ErrorKind::StoreUnavailable`] if the store does not answer.
    pub async fn reload(&mut self) -> Result<(), Error> {
        let _order = self.core.lock_writes().await;
        let sid = {
            let mut state = self.core.state();
            match state.phase {
                Phase::Ended { .. } => return Err(Error::new(ErrorKind::Ended)),
                Phase::Stored(_) => Some(state.sid),
                Phase::New => {
                    state.forget_pending();
                    state.subject = None;
                    None
                }
            }
        };
        self.tracked = match sid {
            Some(sid) => TrackedData::new(self.core.reload(sid.presented()).await?),
            None => TrackedData::fresh(),
        };
        self.subject.clone_from(&self.core.state().subject);
        Ok(())
    }

    /// Gives the session a new sid; the old one is dead when the response is under way. Id and
    /// data stay. Nothing happens if the handler fails.
    ///
    /// # Errors
    /// [`ErrorKind::TooLate`] when the response is already under way.
    #[doc(alias("regenerate", "renew", "cycle_id"))]
    pub fn rotate(&mut self) -> Result<(), Error> {
        self.change_identity(|_| {})
    }

    /// Gives the session a new sid, empty data and no subject. What other requests still write to
    /// the old data is lost, on purpose. Nothing happens if the handler fails.
    ///
    /// # Errors
    /// [`ErrorKind::TooLate`] when the response is already under way.
    #[doc(alias("flush", "clear"))]
    pub fn reset(&mut self) -> Result<(), Error> {
        self.change_identity(|identity| {
            identity.new_generation = true;
            identity.reset = true;
            identity.subject = SubjectChange::Clear;
        })?;
        // Nothing of the one before is left, their "remember me" neither.
        self.core.state().pending_lifetime = Some(Lifetime::new(
            self.core.options.idle_timeout,
            self.core.options.absolute_timeout,
        ));
        self.tracked = TrackedData::fresh();
        self.subject = None;
        Ok(())
    }

    /// Binds the session to a user, and gives it a new sid, so that nobody who knew the old one is
    /// logged in too (ASVS 5.0 7.2.4). Data stays; both deadlines begin anew (NIST SP 800-63B-4,
    /// 5.2). A request that loaded the session before can write nothing to it any more. Nothing
    /// happens if the handler fails.
    ///
    /// # Errors
    /// [`ErrorKind::TooLate`] when the response is already under way.
    pub fn login(&mut self, subject: impl Into<String>) -> Result<(), Error> {
        let subject: Arc<str> = subject.into().into();
        self.change_identity(|identity| {
            identity.new_generation = true;
            identity.subject = SubjectChange::Set(subject.clone());
        })?;
        self.subject = Some(subject);
        Ok(())
    }

    fn change_identity(&mut self, change: impl FnOnce(&mut Identity)) -> Result<(), Error> {
        self.stage = Stage::Open;
        let mut state = self.core.state();
        if state.closed {
            return Err(Error::new(ErrorKind::TooLate));
        }
        let sid = state.sid.rotated();
        let mut identity = match state.identity.take() {
            Some(identity) => identity,
            None => Box::new(Identity {
                sid,
                new_generation: false,
                subject: SubjectChange::Keep,
                reset: false,
            }),
        };
        identity.sid = sid;
        change(&mut identity);
        if matches!(state.phase, Phase::New) {
            // Nobody knows the session yet: it is stored with this sid and subject to begin with.
            state.sid = identity.sid;
            state.subject = identity.subject.apply(state.subject.take());
        } else {
            state.identity = Some(identity);
        }
        Ok(())
    }

    /// Ends the session, at once, whatever becomes of the request. Its cookie is cleared.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] or [`ErrorKind::OutcomeUnknown`] when it is not sure that
    /// the session is gone: try again.
    #[doc(alias("purge", "delete", "invalidate", "logout"))]
    pub async fn destroy(mut self) -> Result<(), Error> {
        self.stage = Stage::Finished;
        if self.core.is_new {
            self.core.give_up();
        }
        let _order = self.core.lock_writes().await;
        self.core.destroy().await
    }

    /// Gives this session a life of its own, such as 30 days for "remember me". Both times count
    /// from the commit of this request; the idle time holds for every later request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidLifetime`] if either is zero or longer than a hundred years, or `idle`
    /// is longer than `absolute`.
    #[doc(alias("set_expiry", "remember_me"))]
    pub fn set_lifetime(&mut self, idle: Duration, absolute: Duration) -> Result<(), Error> {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (idle_millis, absolute_millis) = (millis(idle), millis(absolute));
        let fault = rules::duration(idle_millis)
            .or_else(|| rules::duration(absolute_millis))
            .or_else(|| rules::idle_within_absolute(idle_millis, absolute_millis));
        if fault.is_some() {
            return Err(Error::new(ErrorKind::InvalidLifetime));
        }
        self.stage = Stage::Open;
        self.core.state().pending_lifetime = Some(Lifetime::new(idle, absolute));
        Ok(())
    }
}

impl<C: SessionConfig> Deref for Session<C> {
    type Target = C::Data;

    fn deref(&self) -> &C::Data {
        self.data()
    }
}

impl<C: SessionConfig> DerefMut for Session<C> {
    fn deref_mut(&mut self) -> &mut C::Data {
        self.data_mut()
    }
}

/// Shows the id, and nothing of the sid or the data.
impl<C: SessionConfig> fmt::Debug for Session<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("config", &C::NAME)
            .field("id", &self.id())
            .field("is_new", &self.is_new())
            .finish_non_exhaustive()
    }
}

/// The state goes back to the guard, which commits it.
impl<C: SessionConfig> Drop for Session<C> {
    fn drop(&mut self) {
        let is_changed = self.tracked.is_changed();
        match self.stage {
            Stage::Finished => return,
            Stage::Loaded if !is_changed => return,
            Stage::Saving => {
                // A `save` that was given up half-way: what was sent is not sent again, and nothing
                // is stored in its place.
                self.core.give_up();
                self.core.emit_event(EventKind::DroppedUnsaved, None);
                return;
            }
            Stage::Loaded | Stage::Open => {}
        }
        let mut state = self.core.state();
        if !state.closed {
            state.returned = Some(self.tracked.take());
            return;
        }
        let unsaved = is_changed || state.pending_lifetime.is_some();
        drop(state);
        if unsaved {
            self.core.emit_event(EventKind::DroppedUnsaved, None);
        }
    }
}
