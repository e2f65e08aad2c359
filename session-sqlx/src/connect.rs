//! A store that is about to connect.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::timeout;

/// A store that connects when it is awaited.
///
/// ```no_run
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use connect_session::store::PostgresStore;
///
/// let store = PostgresStore::connect("postgres://app@db/shop")
///     .connections(20)
///     .acquire_timeout(Duration::from_secs(2))
///     .await?;
/// # let _ = store;
/// # Ok(())
/// # }
/// ```
#[must_use = "it connects when it is awaited"]
pub struct ConnectBuilder<S> {
    pub(super) to: Target,
    pub(super) connections: u32,
    pub(super) acquire_timeout: Duration,
    store: PhantomData<fn() -> S>,
}

/// What is connected to.
pub(super) enum Target {
    Url(String),
    #[cfg(feature = "sqlite")]
    File(std::path::PathBuf),
    #[cfg(feature = "sqlite")]
    Memory,
}

impl<S> ConnectBuilder<S> {
    pub(super) fn new(to: Target) -> Self {
        Self {
            to,
            connections: 10,
            acquire_timeout: timeout::DEFAULT,
            store: PhantomData,
        }
    }

    /// The most connections that are open at once; ten unless this is called. They are opened when
    /// they are needed.
    pub fn connections(mut self, most: u32) -> Self {
        self.connections = most.max(1);
        self
    }

    /// How long a verb waits for a connection, to be opened or to be given back, before it is
    /// [`Unavailable`](connect_session_runtime::store::StoreError::Unavailable); five seconds unless this is called.
    pub fn acquire_timeout(mut self, at_most: Duration) -> Self {
        self.acquire_timeout = at_most;
        self
    }
}

impl<S> fmt::Debug for ConnectBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may have a password in it.
        f.debug_struct("ConnectBuilder")
            .field("connections", &self.connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .finish_non_exhaustive()
    }
}
