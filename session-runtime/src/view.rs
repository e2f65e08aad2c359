//! Read-only access to the session of a request.

use std::fmt;
use std::ops::Deref;
use std::time::SystemTime;

use crate::config::{DefaultConfig, SessionConfig};
use crate::engine::Loaded;
use crate::sid::SessionId;

/// A read-only view of a request's session: for middleware, and for handlers whose session argument
/// is of another config.
///
/// It is an extractor and needs no attribute. Under [`layer()`](crate::SessionLayer) it shares one
/// load with the handler, and a `Vary` header marks the response as depending on the session.
/// It also shows what a guard has stored earlier in the request. Without the layer, every view of a
/// request without such a guard loads the session itself.
///
/// ```
/// # #[cfg(feature = "axum")] mod example {
/// use connect_session::SessionView;
///
/// async fn whoami(view: Option<SessionView>) -> String {
///     view.and_then(|view| view.subject().map(str::to_owned)).unwrap_or_else(|| "nobody".to_owned())
/// }
/// # }
/// ```
pub struct SessionView<C: SessionConfig = DefaultConfig> {
    id: SessionId,
    loaded: Loaded<C::Data>,
}

impl<C: SessionConfig> SessionView<C> {
    pub(crate) fn found(id: SessionId, loaded: Loaded<C::Data>) -> Self {
        Self { id, loaded }
    }

    /// The public id, for logs and lists. It does not open the session.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The data, as it was when the request loaded it.
    #[must_use]
    pub fn data(&self) -> &C::Data {
        &self.loaded.snapshot.data
    }

    /// The user to whom the session belongs, if one is logged in.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        (self.loaded.login.as_ref()).map(|login| &*login.subject)
    }

    /// How well the user proved who they are: 0 before a login, 1 after it, more after a
    /// [`step_up`](crate::session::Session::step_up).
    #[must_use]
    pub fn level(&self) -> u8 {
        self.loaded.login.as_ref().map_or(0, |login| login.level)
    }

    /// When the user last proved who they are, by the store's clock. `None` before a login.
    #[must_use]
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        (self.loaded.login.as_ref()).map(|login| login.authenticated_at.into())
    }

    /// When the session was created, by the store's clock.
    #[must_use]
    pub fn created_at(&self) -> SystemTime {
        self.loaded.deadlines.created_at.into()
    }

    /// When the session ends unless another request uses it, by the store's clock.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.loaded.deadlines.expires_at().into()
    }
}

impl<C: SessionConfig> Deref for SessionView<C> {
    type Target = C::Data;

    fn deref(&self) -> &C::Data {
        self.data()
    }
}

/// Shows the config and the id, but not the data.
impl<C: SessionConfig> fmt::Debug for SessionView<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionView")
            .field("config", &C::NAME)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
