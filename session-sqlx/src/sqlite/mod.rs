//! The store in an SQLite file: embedded, and preserved across restarts.

mod connections;
mod dialect;
mod file;
mod login;
mod send;
mod setup;
mod statements;
mod sweep;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::Sqlite;
use sqlx::sqlite::SqlitePool;

use connect_session_runtime::clock::Clock;
use connect_session_runtime::store::StoreError;

use self::send::{Own, WriteQueue};
use self::statements::Statements;
use crate::backend::{self, Backend, Handle, Swept};
use crate::connect::{ConnectBuilder, Target};
use crate::error::StatementError;
use crate::operations::implement_store;
use crate::store_methods::store_methods;
use crate::table::Table;

/// Stores sessions in an SQLite file, or in memory.
///
/// It needs no server: SQLite is compiled into the application. Several stores, and several processes
/// on one machine, can use the same file. A committed change survives a power failure.
///
/// ```no_run
/// use connect_session::session_config;
/// use connect_session::store::SqliteStore;
///
/// # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// # pub struct Cart { pub items: Vec<String> }
/// session_config! {
///     /// Sessions of the shop's API.
///     pub struct Shop {
///         data: Cart,
///         store: SqliteStore = SqliteStore::open("sessions.db").await?,
///     }
/// }
/// ```
///
/// # File and table
///
/// [`open`](Self::open) creates the file and the table unless they exist, and uses WAL mode, in which
/// SQLite keeps two more files beside it. On Unix, a file that it creates can be read and written by its
/// owner alone (mode 0600), as can the two beside it. [`from_pool`](Self::from_pool) uses an existing pool and
/// creates nothing; call [`migrate`](Self::migrate), or run the SQL of [`schema`](Self::schema). Do not
/// place the file on a network drive, where SQLite cannot lock it.
///
/// # Concurrency
///
/// Reads do not wait for writes. Writes are serialized, within one process in the order of arrival. Each
/// operation is one statement, which is a transaction of its own; a second one follows a load that moves
/// the idle deadline or renews the secret, and a commit that conflicts, to read the record. A commit writes
/// the data as a whole, if nobody else has changed the session since it was loaded. Otherwise the changes
/// are merged field by field, and committed again.
///
/// A file that cannot be written, such as one on a full disk, still serves the sessions in it.
///
/// # Sessions of a user
///
/// The store is a [`SubjectIndex`](connect_session_runtime::store::SubjectIndex): an index of the table finds the
/// sessions of a user, and no request that only reads or changes data writes it. A login that has a fence or a limit
/// is a transaction, as is the end of all sessions of a user.
///
/// # Removal of ended sessions
///
/// Deadlines are measured by [`clock`](Self::clock), which a test can set. A background task removes
/// ended sessions. It starts with the first insertion or
/// [`check_ready`](connect_session_runtime::store::Store::check_ready), runs every 60 seconds or as
/// [`sweep_every`](Self::sweep_every) sets, and ends when the store is dropped.
#[derive(Clone)]
pub struct SqliteStore(Handle<SqliteBackend>);

/// The part of the state that only SQLite needs.
#[derive(Clone)]
struct SqliteBackend {
    /// Distinguishes the stores of this process.
    number: u64,
    clock: Clock,
    write_queue: WriteQueue,
    /// The connections that the store opened itself; `None` if it uses the pool of an application.
    own: Option<Own>,
}

type Inner = backend::Inner<SqliteBackend>;

impl SqliteStore {
    /// The SQL of the tables and their indexes, for the default table name `connect_sessions`.
    pub const SCHEMA: &str = include_str!("schema.sql");

    /// Opens a file when the returned builder is awaited, and creates it unless it exists.
    ///
    /// # Errors
    /// If the file cannot be opened, or is not an SQLite database.
    pub fn open(file: impl Into<PathBuf>) -> ConnectBuilder<Self> {
        ConnectBuilder::new(Target::File(file.into()))
    }

    /// Opens the file of a URL such as `sqlite://path/to/sessions.db`, like [`open`](Self::open).
    /// `sqlite::memory:` is the same as [`memory`](Self::memory).
    ///
    /// # Errors
    /// If the URL is invalid, or the file cannot be opened.
    pub fn connect(url: &str) -> ConnectBuilder<Self> {
        ConnectBuilder::new(Target::Url(url.to_owned()))
    }

    /// Stores sessions in memory, until the store is dropped: for tests of an application that uses a
    /// file in production.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use connect_session::Untyped;
    /// use connect_session::store::{SqliteStore, Store};
    ///
    /// let store = SqliteStore::memory().await?;
    /// Store::<Untyped>::check_ready(&store).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If SQLite cannot allocate the database.
    pub fn memory() -> ConnectBuilder<Self> {
        ConnectBuilder::new(Target::Memory)
    }

    /// Uses an existing pool with its settings; SQLite's documentation describes WAL mode,
    /// `synchronous` and `busy_timeout`.
    #[must_use]
    pub fn from_pool(pool: SqlitePool) -> Self {
        Self(Handle::new(pool, SqliteBackend::new(None)))
    }

    /// Sets the clock that deadlines are measured by; the default is [`Clock::system`].
    #[must_use]
    pub fn clock(self, clock: impl Into<Clock>) -> Self {
        let clock = clock.into();
        Self(self.0.with(|inner| inner.backend.clock = clock))
    }
}

store_methods!(
    SqliteStore,
    table: "Sets the name of the table, optionally in an attached database, as in `main.sessions`; the \
            default is `connect_sessions`.",
    timeout: "Sets how long a write waits for other writes of this process; the default is 5 seconds. \
              How long it waits for other processes is the `busy_timeout` of the pool, 5 seconds \
              unless the pool was passed to [`from_pool`](Self::from_pool)."
);

implement_store!(SqliteStore);

impl SqliteBackend {
    fn new(own: Option<Own>) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self {
            number: COUNT.fetch_add(1, Ordering::Relaxed),
            clock: Clock::system(),
            write_queue: WriteQueue::default(),
            own,
        }
    }
}

impl Backend for SqliteBackend {
    type Db = Sqlite;
    type Statements = Statements;

    const SCHEMA: &str = SqliteStore::SCHEMA;
    const QUOTE: char = '"';
    /// Few enough that no request waits noticeably for a batch.
    const BATCH: usize = 500;

    fn statements(table: &Table) -> Statements {
        Statements::new(table)
    }

    async fn check_ready(inner: &Inner) -> Result<(), StoreError> {
        inner.check_ready().await
    }

    async fn migrate(inner: &Inner) -> Result<(), StoreError> {
        inner.migrate().await
    }

    async fn sweep_subjects(inner: &Inner) -> Result<bool, StoreError> {
        let swept = inner.sweep_subjects().await;
        swept.map_err(StatementError::into_read_error)
    }

    async fn sweep_batch(inner: &Inner, limit: usize) -> Result<Swept, StoreError> {
        let swept = inner.sweep_batch(limit).await;
        swept.map_err(StatementError::into_read_error)
    }
}
