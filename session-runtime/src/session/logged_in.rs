//! `LoggedIn`, the session of a user.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::Session;
use crate::config::{DefaultConfig, SessionConfig};
use crate::error::Error;
use crate::sessions::UserSessions;
use crate::store::SubjectIndex;

/// The session of a user who is logged in, as a handler with `#[session(load)]` gets it. Otherwise the
/// handler does not run: the client gets a 401, of type `login-required` if its session belongs to no user.
/// An `Option<LoggedIn<C>>` is `None` instead.
///
/// It dereferences to the [`Session`]. To test a handler with `fresh`, give the layer a memory store with a fake
/// clock, both of the feature `testing`.
///
/// ```
/// # #[cfg(feature = "axum")] mod example {
/// use connect_session::{Error, LoggedIn, session};
///
/// #[session(load)]
/// async fn me(session: LoggedIn) -> String {
///     format!("You are {}", session.subject())
/// }
///
/// /// Only within five minutes after a login; otherwise the client asks for the password again.
/// #[session(load, fresh = 5m)]
/// async fn end_others(session: LoggedIn) -> Result<String, Error> {
///     Ok(format!("{} other devices are logged out", session.end_others().await?))
/// }
///
/// /// Only after a `step_up(2)`, for instance with a one-time code.
/// #[session(load, level = 2)]
/// async fn pay(session: LoggedIn) -> String {
///     format!("{} has paid", session.subject())
/// }
/// # }
/// ```
#[must_use = "a session that is dropped at once was not needed"]
pub struct LoggedIn<C: SessionConfig = DefaultConfig> {
    session: Session<C>,
    subject: Arc<str>,
}

impl<C: SessionConfig> LoggedIn<C> {
    /// `None` if the session belongs to no user.
    pub(crate) fn new(session: Session<C>) -> Option<Self> {
        let subject = session.login.as_ref()?.subject.clone();
        Some(Self { session, subject })
    }

    /// The user to whom the session belongs. After a [`reset`](Session::reset) in this handler, the one to
    /// whom it belonged.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.session.subject().unwrap_or(&self.subject)
    }

    /// The sessions of the user, to list and end them; see [`Session::of_user`].
    #[must_use]
    pub fn of_user(&self) -> UserSessions<C>
    where
        C::Store: SubjectIndex,
    {
        self.session.sessions_of(self.subject().into())
    }

    /// The session itself, for a function that takes one.
    pub fn into_session(self) -> Session<C> {
        self.session
    }

    /// Ends the session; see [`Session::destroy`].
    ///
    /// # Errors
    /// See [`Session::destroy`].
    #[doc(alias("purge", "delete", "invalidate", "logout"))]
    pub async fn destroy(self) -> Result<(), Error> {
        self.session.destroy().await
    }

    /// Stores the changes now; see [`Session::save`].
    ///
    /// # Errors
    /// See [`Session::save`].
    pub async fn save(self) -> Result<(), Error> {
        self.session.save().await
    }
}

impl<C: SessionConfig> Deref for LoggedIn<C> {
    type Target = Session<C>;

    fn deref(&self) -> &Session<C> {
        &self.session
    }
}

impl<C: SessionConfig> DerefMut for LoggedIn<C> {
    fn deref_mut(&mut self) -> &mut Session<C> {
        &mut self.session
    }
}

/// The same as that of the [`Session`]: it shows neither the sid, nor the data, nor the user.
impl<C: SessionConfig> fmt::Debug for LoggedIn<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}
