//! A session that is only looked at.

use std::fmt;
use std::ops::Deref;
use std::time::SystemTime;

use crate::config::{DefaultConfig, SessionConfig};
use crate::engine::Loaded;
use crate::sid::SessionId;

/// The session of a request, to be read and nothing else: in middleware, and in handlers whose
/// session argument is of another config.
///
/// It is an extractor of its own and needs no attribute. Under [`layer()`](crate::SessionLayer)
/// it shares the load with the handler, and responses are marked as depending on the session;
/// without the layer it asks the store itself.
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
    pub(crate) fn new(id: SessionId, loaded: Loaded<C::Data>) -> Self {
        Self { id, loaded }
    }

    /// The public id: for logs and lists.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The data, as it was when the request loaded it.
    #[must_use]
    pub fn data(&self) -> &C::Data {
        &self.loaded.snapshot.data
    }

    /// Whom the session belongs to.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.loaded.subject.as_deref()
    }

    /// When the session was created, by the store's clock.
    #[must_use]
    pub fn created_at(&self) -> SystemTime {
        self.loaded.deadlines.created_at.into()
    }

    /// When the session ends if no other request comes, by the store's clock.
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

/// Shows the id, and nothing of the data.
impl<C: SessionConfig> fmt::Debug for SessionView<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionView")
            .field("config", &C::NAME)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
