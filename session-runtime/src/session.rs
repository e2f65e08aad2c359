//! `Session`, the argument of a handler.

mod logged_in;
mod login;

use std::fmt;
use std::ops::{Deref, DerefMut};
#[cfg(debug_assertions)]
use std::panic::Location;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::config::{DefaultConfig, SessionConfig};
use crate::engine::{
    Committable, Creation, GuardIndex, OpenedSession, Phase, SessionCore, SidChange, TrackedData,
};
use crate::error::{Error, ErrorKind};
use crate::event::EventKind;
use crate::record::{Lifetime, Login, LoginChange};
use crate::sid::{SessionId, Sid};
#[cfg(debug_assertions)]
use crate::unsaved;
use connect_session_rules as rules;

pub use self::logged_in::LoggedIn;
pub use self::login::{LoginAs, LoginAttempt};

/// A session, as a handler with `#[session(create)]` or `#[session(load)]` gets it.
///
/// It dereferences to the config's data: read and change it directly. Changes are stored when the
/// handler has returned, before the first byte of the response is sent. A handler that returns
/// `Err`, panics or is cancelled stores nothing.
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
/// The attribute rewrites the function, so it cannot be called directly; test it through a router.
///
/// A session that is moved into a task or a stream is not stored with the response. Call
/// [`save`](Self::save) at the end of the task:
///
/// ```
/// # #[cfg(feature = "axum")] mod example {
/// # use connect_session::{Session, session};
/// #[session(load)]
/// async fn order(mut session: Session) -> &'static str {
///     tokio::spawn(async move {
///         // … place the order, and then:
///         session.insert("ordered", true)?;
///         session.save().await
///     });
///     "we are on it"
/// }
/// # }
/// ```
///
/// Changes of a task that drops its session without `save` are lost: a debug build says so on stderr,
/// once for each place that changes the session, and the event `DroppedUnsaved` is logged as an error.
#[must_use = "a session that is dropped at once was not needed"]
pub struct Session<C: SessionConfig = DefaultConfig> {
    core: Arc<SessionCore<C>>,
    guard: GuardIndex,
    tracked: TrackedData<C::Data>,
    login: Option<Arc<Login>>,
    on_drop: OnDrop,
    /// Where the handler or task last changed the data.
    #[cfg(debug_assertions)]
    changed_at: Option<&'static Location<'static>>,
}

/// What to do when the session is dropped. One word wide, because a byte next to words makes copies of
/// the struct slower.
#[derive(Debug, Clone, Copy)]
#[repr(usize)]
enum OnDrop {
    /// Close the guard: the handler never ran.
    Abandon,
    /// Return the data to the guard, if it was changed.
    ReturnIfChanged,
    /// Return the data to the guard: the session is new, or its sid or lifetime was changed.
    Return,
    /// Store nothing: a `save` that has not returned may have sent the change.
    ReportLost,
    /// Nothing: the session was saved or destroyed.
    Nothing,
}

impl<C: SessionConfig> Session<C> {
    pub(crate) fn opened(opened: OpenedSession<C>) -> Self {
        Self {
            core: opened.core,
            guard: opened.guard,
            tracked: TrackedData::start(opened.data),
            login: opened.login,
            on_drop: OnDrop::Abandon,
            #[cfg(debug_assertions)]
            changed_at: None,
        }
    }

    /// Hands the session to the handler. Returns what its guard commits when the handler has returned.
    #[inline]
    pub(crate) fn hand_over(&mut self) -> (Arc<dyn Committable>, GuardIndex) {
        self.on_drop = if self.tracked.started_fresh() {
            OnDrop::Return
        } else {
            OnDrop::ReturnIfChanged
        };
        (self.core.clone(), self.guard)
    }

    /// The public id, for logs and lists. It does not open the session, and does not change when the
    /// sid does.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.core.key.id
    }

    /// The sid, to send to the client in the body of the response. `None` if it travels in a cookie,
    /// which scripts must not read (`HttpOnly`, ASVS 5.0 3.3.4), and if the session is new and will
    /// not be stored: in a HEAD request, or in a task after a `create, lazy` handler that did not use it.
    ///
    /// The response gets `Cache-Control: no-store`. After [`rotate`](Self::rotate),
    /// [`reset`](Self::reset) or [`login`](Self::login), this is the new sid.
    /// If middleware around the handler changes the sid after the handler has returned, only the header of
    /// the response carries the newest one.
    #[must_use]
    pub fn sid(&self) -> Option<Sid> {
        self.core.read_sid(self.guard)
    }

    /// Whether this request created the session.
    ///
    /// A handler that fails stores nothing. So it can limit how many sessions a client creates:
    ///
    /// ```
    /// # #[cfg(feature = "axum")] mod example {
    /// # use std::net::{IpAddr, SocketAddr};
    /// # use axum::{extract::ConnectInfo, http::StatusCode};
    /// # use connect_session::{Session, session};
    /// # fn may_create(client: IpAddr) -> bool { true }
    /// #[session(create)]
    /// async fn open(
    ///     session: Session,
    ///     ConnectInfo(client): ConnectInfo<SocketAddr>,
    /// ) -> Result<String, StatusCode> {
    ///     // Your rate limiter, such as one of the crate `governor`.
    ///     if session.is_new() && !may_create(client.ip()) {
    ///         return Err(StatusCode::TOO_MANY_REQUESTS);
    ///     }
    ///     Ok(session.id().to_string())
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.core.is_new
    }

    /// The data, as this handler has changed it.
    #[must_use]
    pub fn data(&self) -> &C::Data {
        self.tracked.data()
    }

    /// Mutable access to the data. For a store in memory, the call itself counts as a change. Any
    /// other store writes the fields that differ when the session is committed.
    #[must_use]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn data_mut(&mut self) -> &mut C::Data {
        #[cfg(debug_assertions)]
        {
            self.changed_at = Some(Location::caller());
        }
        self.tracked.data_mut()
    }

    /// When the session was created, by the store's clock. For an unsaved session, the time of the
    /// first call.
    #[must_use]
    pub fn created_at(&self) -> SystemTime {
        self.core.deadlines(self.guard).created_at.into()
    }

    /// When the session ends unless another request uses it, by the store's clock. It takes a
    /// [`login`](Self::login) or [`set_lifetime`](Self::set_lifetime) of this request into account.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.core.deadlines(self.guard).expires_at().into()
    }

    /// The user to whom the session belongs, as set by [`login`](Self::login).
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.login.as_ref().map(|login| &*login.subject)
    }

    /// Changes the stored data at once and atomically: `change` runs on the stored data, and again if
    /// another request commits in between. Each `Ok` means that the change was applied exactly once,
    /// even under concurrent requests, so its result can be sent to the client.
    ///
    /// - The data is stored regardless of the value that `change` returns. To store nothing, do not
    ///   change the data.
    /// - `change` sees stored data only. Earlier changes of this handler that are not stored yet are
    ///   kept, and merged with the result. If a field is changed both by `update` and directly, both
    ///   changes apply, as if two requests had made them.
    /// - For an unsaved session, and after [`reset`](Self::reset), `change` runs once, and the result is
    ///   stored with the handler's other changes. Other handlers of the request that share the unsaved
    ///   session see it.
    /// - Otherwise the change stays stored if the handler fails.
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
    /// [`ErrorKind::Ended`] if the session has ended, [`ErrorKind::Contention`] if too many requests
    /// change it at once, [`ErrorKind::OutcomeUnknown`] if the store did not confirm the change, and
    /// the other errors of a commit. Except for `OutcomeUnknown`, nothing was written.
    pub async fn update<R>(
        &mut self,
        mut change: impl FnMut(&mut C::Data) -> R,
    ) -> Result<R, Error> {
        let core = self.core.clone();
        let _write_lock = core.lock_writes().await?;
        let (base, is_shared) = {
            let state = core.state();
            let resets = state.guards.get(self.guard).resets();
            match &state.phase {
                Phase::Stored(snapshot) if !resets => (Some(snapshot.clone()), false),
                Phase::New if !resets => (None, state.initial.is_some()),
                Phase::Stored(_) | Phase::New => (None, false),
                Phase::Ended { .. } => return Err(Error::of(ErrorKind::Ended)),
            }
        };
        if base.is_some() || is_shared {
            core.rebase(self.guard, &mut self.tracked).await?;
        }
        let (guard, tracked) = (self.guard, &mut self.tracked);
        match base {
            Some(base) => core.update(guard, base, tracked, &mut change).await,
            None if is_shared => core.update_initial(guard, tracked, &mut change),
            None => Ok(change(self.data_mut())),
        }
    }

    /// Stores the changes now. Call it at the end of a task or a stream that owns the session, before
    /// or after the response.
    ///
    /// # Errors
    /// The errors of a commit, such as [`ErrorKind::Ended`], [`ErrorKind::Conflict`] and
    /// [`ErrorKind::StoreUnavailable`]. Except for [`ErrorKind::OutcomeUnknown`], nothing was
    /// written.
    pub async fn save(self) -> Result<(), Error> {
        let core = self.core.clone();
        let _write_lock = core.lock_writes().await?;
        // Declared after the lock: if this future is dropped, so is the session, before the lock is
        // released.
        let mut session = self;
        session.on_drop = OnDrop::ReportLost;
        let tracked = session.tracked.take();
        let guard = session.guard;
        core.state().guards.get_mut(guard).creation = Creation::Always;
        let saved = core.persist(guard, Some(tracked)).await;
        session.on_drop = OnDrop::Nothing;
        if saved.is_err() {
            core.discard_unsaved();
            // The guard must not send again what has failed or may have been stored.
            core.state().guards.get_mut(guard).discard_all_but_data();
        }
        saved
    }

    /// Loads the session again, and discards every change that is not stored.
    ///
    /// # Errors
    /// [`ErrorKind::Ended`] if the session has ended or another request gave it a new sid;
    /// [`ErrorKind::StoreUnavailable`] if the store is not available; [`ErrorKind::Contention`] if
    /// another owner of the session does not finish.
    pub async fn reload(&mut self) -> Result<(), Error> {
        let _write_lock = self.core.lock_writes().await?;
        let sid = {
            let mut state = self.core.state();
            match state.phase {
                Phase::Ended { .. } => return Err(Error::of(ErrorKind::Ended)),
                Phase::Stored(_) => Some(state.hashed_sid()),
                Phase::New => {
                    state.guards.get_mut(self.guard).discard_all_but_data();
                    // Updates of other guards stay.
                    if !state.guards.are_many()
                        && let Some(initial) = &mut state.initial
                    {
                        *initial = Arc::default();
                    }
                    None
                }
            }
        };
        self.tracked = match sid {
            Some(sid) => TrackedData::new(self.core.reload(self.guard, sid).await?),
            None => TrackedData::start(self.core.state().initial.clone()),
        };
        self.login.clone_from(&self.core.state().login);
        Ok(())
    }

    /// Gives the session a new sid; the old one stops working before the response is sent. The id and
    /// the data stay. Nothing happens if the handler fails.
    ///
    /// # Errors
    /// [`ErrorKind::TooLate`] if the response has already started.
    #[doc(alias("regenerate", "renew", "cycle_id"))]
    pub fn rotate(&mut self) -> Result<(), Error> {
        self.change_sid(|_| {})
    }

    /// Gives the session a new sid and empty data, and clears the subject. Changes that concurrent
    /// requests make to the old data are lost, on purpose. Nothing happens if the handler fails.
    ///
    /// # Errors
    /// [`ErrorKind::TooLate`] if the response has already started.
    #[doc(alias("flush", "clear"))]
    pub fn reset(&mut self) -> Result<(), Error> {
        self.change_sid(|sid_change| {
            sid_change.new_generation = true;
            sid_change.reset = true;
            sid_change.login = LoginChange::Clear;
        })?;
        // The previous user's "remember me" and label do not apply either.
        let mut state = self.core.state();
        let pending = state.guards.get_mut(self.guard);
        pending.label = Some(Arc::default());
        pending.lifetime = Some(Lifetime::new(
            self.core.options.idle_timeout,
            self.core.options.absolute_timeout,
        ));
        self.tracked = TrackedData::fresh();
        self.login = None;
        Ok(())
    }

    fn change_sid(&mut self, change: impl FnOnce(&mut SidChange)) -> Result<(), Error> {
        self.on_drop = OnDrop::Return;
        let mut state = self.core.state();
        // One new sid in a request, so that every handler shows the client the same.
        let sid =
            (state.guards.pending_sid_of_others(self.guard)).unwrap_or_else(|| state.sid.rotated());
        let pending = state.guards.get_mut(self.guard);
        if pending.closed {
            return Err(Error::of(ErrorKind::TooLate));
        }
        let mut sid_change = match pending.sid_change.take() {
            Some(sid_change) => sid_change,
            None => Box::new(SidChange {
                sid,
                new_generation: false,
                login: LoginChange::Keep,
                login_until: None,
                reset: false,
            }),
        };
        sid_change.sid = sid;
        change(&mut sid_change);
        pending.sid_change = Some(sid_change);
        Ok(())
    }

    /// Whether the session has not ended, and was not reset or logged in anew, since this request loaded
    /// it. For a socket or a stream that stays open: ask before each message, or every few seconds, and
    /// close it when the answer is no. Then "log out everywhere" reaches it, too. A yes counts as a use of
    /// the session.
    ///
    /// ```
    /// # use connect_session::{Error, Session};
    /// # async fn next_message() -> Option<String> { None }
    /// async fn serve(session: Session) -> Result<(), Error> {
    ///     while let Some(message) = next_message().await {
    ///         if !session.still_alive().await? {
    ///             break;
    ///         }
    ///         // … answer the message
    /// #       let _ = message;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the store does not answer.
    pub async fn still_alive(&self) -> Result<bool, Error> {
        let _write_lock = self.core.lock_writes().await?;
        self.core.is_alive(self.guard).await
    }

    /// Ends the session at once, even if the request fails later. Its cookie is cleared.
    ///
    /// A session whose data cannot be decoded does not reach a handler, unless the attribute says what to
    /// do with it. So a logout for every case is
    ///
    /// ```
    /// # #[cfg(feature = "axum")] mod example {
    /// # use connect_session::{Error, Session, session};
    /// # use axum::http::StatusCode;
    /// #[session(load, on_undecodable = replace)] // ends such a session before the handler runs
    /// async fn logout(session: Option<Session>) -> Result<StatusCode, Error> {
    ///     if let Some(session) = session {
    ///         session.destroy().await?;
    ///     }
    ///     Ok(StatusCode::NO_CONTENT)
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`], [`ErrorKind::OutcomeUnknown`] or [`ErrorKind::Contention`] if
    /// the session may still exist: try again.
    #[doc(alias("purge", "delete", "invalidate", "logout"))]
    pub async fn destroy(mut self) -> Result<(), Error> {
        self.on_drop = OnDrop::Nothing;
        if self.core.is_new {
            self.core.discard_unsaved();
        }
        let _write_lock = self.core.lock_writes().await?;
        self.core.destroy().await
    }

    /// Sets the timeouts of this session, such as 30 days for "remember me". Both count from the
    /// commit of this request; later requests then start `idle` again.
    ///
    /// A browser keeps the cookie of a session with a longer `absolute` than the config's, or the same
    /// and a longer `idle`, after it was closed (`Max-Age`). It does not keep that of a session with
    /// shorter ones, such as on a shared computer. Only with the config's own timeouts does the
    /// `persistent` of the cookie loader decide. If a new version of the program changes the config's
    /// timeouts, the sessions with the former ones are longer or shorter, too. A login does not change them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidLifetime`] if either is zero or longer than a hundred years, or if `idle`
    /// is longer than `absolute`.
    #[doc(alias("set_expiry", "remember_me"))]
    pub fn set_lifetime(&mut self, idle: Duration, absolute: Duration) -> Result<(), Error> {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (idle_millis, absolute_millis) = (millis(idle), millis(absolute));
        let fault = rules::duration(idle_millis)
            .or_else(|| rules::duration(absolute_millis))
            .or_else(|| rules::idle_within_absolute(idle_millis, absolute_millis));
        if fault.is_some() {
            return Err(Error::of(ErrorKind::InvalidLifetime));
        }
        self.on_drop = OnDrop::Return;
        let lifetime = Lifetime::new(idle, absolute);
        self.core.state().guards.get_mut(self.guard).lifetime = Some(lifetime);
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
    #[cfg_attr(debug_assertions, track_caller)]
    fn deref_mut(&mut self) -> &mut C::Data {
        self.data_mut()
    }
}

/// Shows the config, the id and whether the session is new, but neither the sid nor the data.
impl<C: SessionConfig> fmt::Debug for Session<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("config", &C::NAME)
            .field("id", &self.id())
            .field("is_new", &self.is_new())
            .finish_non_exhaustive()
    }
}

/// Returns the state to the guard, which commits it.
impl<C: SessionConfig> Drop for Session<C> {
    fn drop(&mut self) {
        let is_changed = self.tracked.is_changed();
        match self.on_drop {
            OnDrop::Nothing => return,
            OnDrop::Abandon => return self.core.abandon(self.guard),
            OnDrop::ReturnIfChanged if !is_changed => return,
            OnDrop::ReportLost => {
                // The future of `save` was dropped. Its change may have been sent, so nothing is stored
                // again.
                self.core.discard_unsaved();
                (self.core.state().guards.get_mut(self.guard)).discard_all_but_data();
                self.core.emit_event(EventKind::DroppedUnsaved, None);
                return;
            }
            OnDrop::ReturnIfChanged | OnDrop::Return => {}
        }
        let mut state = self.core.state();
        let pending = state.guards.get_mut(self.guard);
        if !pending.closed {
            pending.returned = Some(self.tracked.take());
            return;
        }
        let has_more = !pending.has_only_data();
        drop(state);
        // Data that was only borrowed counts as changed, but is no loss. Encoding runs user code, which must
        // not panic while the thread unwinds.
        let is_lost = is_changed && (thread::panicking() || self.tracked.encodes_differently());
        if is_lost || has_more {
            #[cfg(debug_assertions)]
            unsaved::print_once(C::NAME, self.changed_at);
            self.core.emit_event(EventKind::DroppedUnsaved, None);
        }
    }
}
