//! The settings of a connection.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::timeout;

/// Connects to a store when it is awaited.
///
/// Returned by the `connect` method of each SQL store, and by `SqliteStore::open` and
/// `SqliteStore::memory`. A URL that is not valid is reported when the builder is awaited.
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
#[must_use = "a builder connects when it is awaited"]
pub struct ConnectBuilder<S> {
    pub(crate) target: Target,
    pub(crate) connections: u32,
    pub(crate) acquire_timeout: Duration,
    store: PhantomData<fn() -> S>,
}

/// What to connect to.
pub(crate) enum Target {
    Url(String),
    #[cfg(feature = "sqlite")]
    File(std::path::PathBuf),
    #[cfg(feature = "sqlite")]
    Memory,
}

impl<S> ConnectBuilder<S> {
    pub(crate) fn new(target: Target) -> Self {
        Self {
            target,
            connections: 10,
            acquire_timeout: timeout::DEFAULT,
            store: PhantomData,
        }
    }

    /// Sets the maximum number of open connections; the default is 10, the minimum 1. Connections
    /// are opened as they are needed.
    pub fn connections(mut self, most: u32) -> Self {
        self.connections = most.max(1);
        self
    }

    /// Sets how long an operation waits for a connection to open or to become free, before it fails
    /// with [`Unavailable`](connect_session_runtime::store::StoreError::Unavailable). The default is
    /// 5 seconds. A server that is known to be down is not waited for.
    pub fn acquire_timeout(mut self, at_most: Duration) -> Self {
        self.acquire_timeout = at_most;
        self
    }
}

impl<S> fmt::Debug for ConnectBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The target is left out because a URL can contain a password.
        f.debug_struct("ConnectBuilder")
            .field("connections", &self.connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .finish_non_exhaustive()
    }
}
