//! The sessions of a config, for a handler, a background job or an admin page.

use std::fmt;
use std::sync::Arc;

use crate::config::{self, SessionConfig};
use crate::data::SessionData;
use crate::error::{Error, ErrorKind};
use crate::event::{self, EventKind};
use crate::record::{Key, SubjectKey};
use crate::session::LoginAttempt;
use crate::sid::SessionId;
#[cfg(any(feature = "admin", all(feature = "testing", feature = "_layer")))]
use crate::store::AnyStore;
#[cfg(feature = "admin")]
use crate::store::LiveCount;
use crate::store::{
    Inspect, Inspected, ListCursor, ListPage, Store, StoreError, StoreRef, SubjectIndex,
};

/// The number of sessions in a part of a list.
const PAGE: usize = 100;

/// The sessions of a config, which `Shop::sessions()` returns: to list and end those of a user, or to end
/// one by its public id.
///
/// It uses the config's own store, also in a handler below a layer that has brought another one. There,
/// [`Session::of_user`] is right: it uses the store of the request. In a handler that a client of `testing` calls, both
/// use the store of the client.
///
/// [`Session::of_user`]: crate::session::Session::of_user
///
/// ```
/// use connect_session::{Error, SessionId, session_config};
///
/// session_config! {
///     struct Shop {}
/// }
///
/// async fn after_password_reset(user: &str) -> Result<(), Error> {
///     Shop::sessions().of(user).end_all().await?;
///     Ok(())
/// }
///
/// async fn stolen(id: SessionId) -> Result<bool, Error> {
///     Shop::sessions().end(id).await
/// }
/// ```
pub struct Sessions<C: SessionConfig> {
    /// `None` for the config's own, which may not be built yet.
    store: Option<StoreRef<C::Data, C::Store>>,
}

impl<C: SessionConfig> Sessions<C> {
    /// The sessions of a user.
    #[must_use]
    pub fn of(&self, user: impl fmt::Display) -> UserSessions<C>
    where
        C::Store: SubjectIndex,
    {
        UserSessions::new(self.store.clone(), user.to_string().into(), None)
    }

    /// Ends the session with this id. Returns whether there was one.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] or
    /// [`ErrorKind::OutcomeUnknown`] if the session may still exist.
    pub async fn end(&self, id: SessionId) -> Result<bool, Error> {
        let store = self.store().await?;
        let namespace = namespace::<C>();
        let ended = store.destroy(Key { namespace, id }).await;
        let ended = ended.map_err(failed::<C>)?;
        if ended {
            revoked::<C>(&[id], None);
        }
        Ok(ended)
    }

    /// The number of living sessions.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the store does not
    /// answer or cannot count.
    pub async fn count(&self) -> Result<u64, Error> {
        let store = self.store().await?;
        store.count(namespace::<C>()).await.map_err(failed::<C>)
    }

    /// The living session with this id, as an administrator sees it; `None` if there is none. Nothing about the
    /// session changes.
    ///
    /// ```
    /// use connect_session::{Error, SessionId, session_config};
    ///
    /// session_config! {
    ///     struct Shop {}
    /// }
    ///
    /// async fn describe(id: SessionId) -> Result<String, Error> {
    ///     let Some(session) = Shop::sessions().inspect(id).await? else {
    ///         return Ok("it has ended".to_owned());
    ///     };
    ///     let user = session.login.as_deref().map(|login| &*login.subject);
    ///     Ok(format!("{user:?}, last seen at {:?}", session.last_seen_at))
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the store does not answer, or is an `AnyStore` around one that does not
    /// show sessions; [`ErrorKind::Undecodable`] if the record cannot be read. Whether its data matches the type of
    /// the config does not matter.
    pub async fn inspect(&self, id: SessionId) -> Result<Option<Inspected>, Error>
    where
        C::Store: Inspect,
    {
        self.look_at(id).await
    }
}

/// The interface for the admin page, whose config has been checked for what its store can do.
impl<C: SessionConfig> Sessions<C> {
    /// Those in a store that a layer or a test client brought.
    #[cfg(any(feature = "admin", all(feature = "testing", feature = "_layer")))]
    pub(crate) fn of_store(store: Option<AnyStore<C::Data>>) -> Self {
        let store = store.map(StoreRef::Given);
        Self { store }
    }

    #[cfg(feature = "admin")]
    pub(crate) fn all_of(&self, subject: &str) -> UserSessions<C> {
        UserSessions::new(self.store.clone(), subject.into(), None)
    }

    pub(crate) async fn look_at(&self, id: SessionId) -> Result<Option<Inspected>, Error> {
        let store = self.store().await?;
        let namespace = namespace::<C>();
        let found = shown(&store).map_err(failed::<C>)?;
        let found = found.inspect(Key { namespace, id }).await;
        found.map_err(failed::<C>)
    }

    #[cfg(feature = "admin")]
    pub(crate) async fn live_count(&self, at_most: u64) -> Result<LiveCount, Error> {
        let store = self.store().await?;
        let found = shown(&store).map_err(failed::<C>)?;
        let count = found.live_count(namespace::<C>(), at_most).await;
        count.map_err(failed::<C>)
    }

    async fn store(&self) -> Result<StoreRef<C::Data, C::Store>, Error> {
        match &self.store {
            Some(store) => Ok(store.clone()),
            None => own_store::<C>().await,
        }
    }
}

impl<C: SessionConfig> fmt::Debug for Sessions<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("config", &C::NAME)
            .finish()
    }
}

/// The sessions of one user.
pub struct UserSessions<C: SessionConfig> {
    /// `None` for the config's own, which may not be built yet.
    store: Option<StoreRef<C::Data, C::Store>>,
    subject: Arc<str>,
    /// The session of the request that asks.
    current: Option<SessionId>,
}

impl<C: SessionConfig> UserSessions<C> {
    pub(crate) const fn new(
        store: Option<StoreRef<C::Data, C::Store>>,
        subject: Arc<str>,
        current: Option<SessionId>,
    ) -> Self {
        Self {
            store,
            subject,
            current,
        }
    }

    /// The living sessions, the latest login first: the first 100.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the store does not answer; [`ErrorKind::NoSubjectIndex`] if it is
    /// an `AnyStore` around one that does not know the sessions of a user.
    pub async fn list(&self) -> Result<ListPage, Error> {
        self.page(None).await
    }

    /// The next 100 sessions; the cursor is the [`next`](ListPage::next) of the part before.
    ///
    /// # Errors
    /// See [`list`](Self::list).
    pub async fn list_after(&self, cursor: ListCursor) -> Result<ListPage, Error> {
        self.page(Some(cursor)).await
    }

    async fn page(&self, after: Option<ListCursor>) -> Result<ListPage, Error> {
        let (store, key) = (self.store().await?, self.key());
        let listed = index::<C>(&store)?.list(key, after, PAGE).await;
        let mut page = listed.map_err(failed::<C>)?;
        for session in &mut page.sessions {
            session.is_current = Some(session.id) == self.current;
        }
        Ok(page)
    }

    /// The number of living sessions.
    ///
    /// # Errors
    /// See [`list`](Self::list).
    pub async fn count(&self) -> Result<u64, Error> {
        let (store, key) = (self.store().await?, self.key());
        let count = index::<C>(&store)?.count_of(key).await;
        count.map_err(failed::<C>)
    }

    /// Ends one session, if it belongs to this user. Returns whether it did. So the id may come from a
    /// client. Give a handler that does so `fresh`, too, so that a thief with a stolen sid cannot log out its
    /// owner device by device.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] or
    /// [`ErrorKind::OutcomeUnknown`] if the session may still exist; otherwise see [`list`](Self::list).
    pub async fn end(&self, id: SessionId) -> Result<bool, Error> {
        let (store, key) = (self.store().await?, self.key());
        let ended = index::<C>(&store)?.end(key, id).await;
        let ended = ended.map_err(failed::<C>)?;
        if ended {
            revoked::<C>(&[id], Some(&self.subject));
        }
        Ok(ended)
    }

    /// Ends every session, and each login that began before and is not stored yet, if it began with
    /// [`begin_login`](crate::session::Session::begin_login). Returns how many sessions there were.
    ///
    /// # Errors
    /// See [`end`](Self::end).
    pub async fn end_all(&self) -> Result<usize, Error> {
        self.end_except(None).await
    }

    /// Like [`end_all`](Self::end_all), but spares one session. Returns how many others there were. In a
    /// handler, [`Session::end_others`](crate::session::Session::end_others) also checks that the user has
    /// just proved who they are.
    ///
    /// # Errors
    /// See [`end`](Self::end).
    pub async fn end_all_except(&self, id: SessionId) -> Result<usize, Error> {
        self.end_except(Some(id)).await
    }

    async fn end_except(&self, except: Option<SessionId>) -> Result<usize, Error> {
        let (store, key) = (self.store().await?, self.key());
        let ended = index::<C>(&store)?.end_all(key, except).await;
        let ended = ended.map_err(failed::<C>)?;
        revoked::<C>(&ended, Some(&self.subject));
        Ok(ended.len())
    }

    fn key(&self) -> SubjectKey {
        SubjectKey::new(namespace::<C>(), &self.subject)
    }

    async fn store(&self) -> Result<StoreRef<C::Data, C::Store>, Error> {
        match &self.store {
            Some(store) => Ok(store.clone()),
            None => own_store::<C>().await,
        }
    }
}

impl<C: SessionConfig> fmt::Debug for UserSessions<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSessions")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}

/// The sessions of a config.
#[must_use]
pub const fn sessions<C: SessionConfig>() -> Sessions<C> {
    Sessions { store: None }
}

/// Begins a login in the config's own store; see
/// [`Session::begin_login`](crate::session::Session::begin_login).
///
/// # Errors
/// [`ErrorKind::StoreUnavailable`] if the store does not answer, and [`ErrorKind::NoSubjectIndex`] if it is
/// not a [`SubjectIndex`].
pub async fn begin_login<C: SessionConfig>(
    user: impl fmt::Display,
) -> Result<LoginAttempt<C>, Error> {
    let user = user.to_string();
    LoginAttempt::begin(own_store::<C>().await?, user.into()).await
}

/// Checks the store of a config with `max_sessions`.
pub const fn must_know_users<S: SubjectIndex>() {}

async fn own_store<C: SessionConfig>() -> Result<StoreRef<C::Data, C::Store>, Error> {
    #[cfg(all(feature = "testing", feature = "_layer"))]
    if let Some(store) = crate::testing::store_of::<C>() {
        return Ok(StoreRef::Given(store));
    }
    Ok(StoreRef::Own(config::store::<C>().await?))
}

pub(crate) fn namespace<C: SessionConfig>() -> &'static str {
    config::prepared::<C>().options.namespace
}

/// The index of a store; an error if it has none, as some stores behind an `AnyStore`.
pub(crate) fn index<C: SessionConfig>(
    store: &StoreRef<C::Data, C::Store>,
) -> Result<&dyn SubjectIndex, Error> {
    let index = store.subject_index();
    index.ok_or_else(|| Error::of(ErrorKind::NoSubjectIndex))
}

/// A store as it shows sessions to an administrator; an error if it does not.
fn shown<D: SessionData, S: Store<D>>(store: &StoreRef<D, S>) -> Result<&dyn Inspect, StoreError> {
    store.inspect().ok_or_else(|| {
        StoreError::Unavailable("the store cannot show a session to an administrator".into())
    })
}

fn revoked<C: SessionConfig>(ids: &[SessionId], subject: Option<&str>) {
    let listener = config::prepared::<C>().options.on_event;
    for id in ids {
        let kind = EventKind::Revoked;
        event::emit_of_user(listener, C::NAME, Some(*id), subject, kind, None);
    }
}

/// Emits the event of a failed call, and converts its error.
pub(crate) fn failed<C: SessionConfig>(error: StoreError) -> Error {
    let listener = config::prepared::<C>().options.on_event;
    let kind = EventKind::StoreError {
        operation: "sessions",
        error: &error,
    };
    event::emit(listener, C::NAME, None, kind, None);
    error.into()
}
