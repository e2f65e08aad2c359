//! The store on PostgreSQL: every verb is one statement.

mod patch_args;
mod rows;
mod send;
mod start;
mod statements;
mod verbs;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Row as _;
use sqlx::postgres::{PgPool, PgRow};

use self::statements::Statements;
use super::FORMAT;
use super::args::Args;
use super::connect::{ConnectBuilder, Target};
use super::error::{StatementError, bad_column, unknown_format};
use super::server::ServerClock;
use super::sweeper::Sweeper;
use super::table::Table;
use super::timeout;
use connect_session_runtime::store::StoreError;

/// How many rows a sweep looks at in one statement: few, so that nobody waits for it.
const BATCH: usize = 500;

/// Keeps sessions in a table of a PostgreSQL server, 13 or later.
///
/// A session is one row. A load, a change, an insertion and a destruction are one statement each,
/// and so one round trip; a load writes only when a tenth of the idle time has passed, or a secret
/// is renewed, in the same statement. Deadlines go by the server's clock.
///
/// ```no_run
/// use connect_session::session_config;
/// use connect_session::store::PostgresStore;
///
/// # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// # pub struct Cart { pub items: Vec<String> }
/// session_config! {
///     /// Sessions of the shop's API.
///     pub struct Shop {
///         data: Cart,
///         store: PostgresStore =
///             PostgresStore::connect(&std::env::var("DATABASE_URL")?).await?.migrate().await?,
///     }
/// }
/// ```
///
/// # The table
///
/// Nothing is created unless [`migrate`](Self::migrate) is called, which any number of processes
/// may do at once, and which changes nothing, and needs no right to, where the table is there.
/// Where programs may not create tables, [`schema`](Self::schema) is what to run, and `start()`
/// says that it was not. The program needs `SELECT`, `INSERT`, `UPDATE` and `DELETE`.
///
/// # Connections
///
/// [`connect`](Self::connect) opens up to ten; [`from_pool`](Self::from_pool) takes a pool that the
/// program has. Statements are prepared once a connection, which costs one more round trip the
/// first time; behind a pooler that gives every statement another connection, add
/// `?statement-cache-capacity=0` to the URL. A connection that was idle for a second is asked
/// whether it is alive before it is used. A statement that was sent is never sent again, unless
/// the server says that it rolled it back (a deadlock).
///
/// # What has ended
///
/// A task removes it, in batches that wait for nobody: once a minute, from the first use of the
/// store until it is dropped, or as [`sweep_every`](Self::sweep_every) says. Several processes may
/// do so at once.
#[derive(Clone)]
pub struct PostgresStore {
    inner: Arc<Inner>,
    sweeper: Arc<Sweeper>,
}

/// What a verb needs, and a task may keep.
#[derive(Clone)]
struct Inner {
    pool: PgPool,
    table: Table,
    statements: Arc<Statements>,
    timeout: Duration,
    clock: Arc<ServerClock>,
}

impl PostgresStore {
    /// The table and its index as SQL, for the default name of the table.
    pub const SCHEMA: &str = include_str!("schema.sql");

    /// Connects to the server of a `postgres://user:password@host:port/database` URL, when it is
    /// awaited.
    ///
    /// # Errors
    /// When no server answers, or it refuses: which one, and why.
    pub fn connect(url: &str) -> ConnectBuilder<Self> {
        ConnectBuilder::new(Target::Url(url.to_owned()))
    }

    /// Uses a pool that the program has.
    ///
    /// Give it an `acquire_timeout`: it is how long a request waits for a connection.
    #[must_use]
    pub fn from_pool(pool: PgPool) -> Self {
        let table = Table::default();
        Self::of(Inner {
            pool,
            statements: Arc::new(Statements::new(&table)),
            table,
            timeout: timeout::DEFAULT,
            clock: Arc::new(ServerClock::new()),
        })
    }

    fn of(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
            sweeper: Arc::default(),
        }
    }

    /// Another table than `connect_sessions`, perhaps in a schema: `app.sessions`.
    ///
    /// # Errors
    /// When the name has anything else than letters, digits and `_`, or is longer than 48.
    pub fn table(self, name: &str) -> Result<Self, StoreError> {
        let table = Table::parse(name)?;
        let statements = Arc::new(Statements::new(&table));
        Ok(self.with(|inner| Inner {
            table,
            statements,
            ..inner
        }))
    }

    /// How long the answer to a statement is waited for, before the outcome is unknown; five
    /// seconds unless this is called.
    #[must_use]
    pub fn statement_timeout(self, at_most: Duration) -> Self {
        self.with(|inner| Inner {
            timeout: at_most,
            ..inner
        })
    }

    /// How often what has ended is removed; once a minute unless this is called, and never by this
    /// process with `None`.
    #[must_use]
    pub fn sweep_every(mut self, every: Option<Duration>) -> Self {
        self.sweeper = Arc::new(Sweeper::new(every));
        self
    }

    fn with(mut self, change: impl FnOnce(Inner) -> Inner) -> Self {
        self.inner = Arc::new(change(Arc::unwrap_or_clone(self.inner)));
        self
    }

    /// Creates the table and its index, if they are not there.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn migrate(self) -> Result<Self, StoreError> {
        self.inner.migrate().await?;
        Ok(self)
    }

    /// The SQL that [`migrate`](Self::migrate) runs: for this table.
    #[must_use]
    pub fn schema(&self) -> String {
        self.inner.table.in_schema(Self::SCHEMA, '"')
    }

    fn start_sweeper(&self) {
        let inner = self.inner.clone();
        self.sweeper.start(move || {
            let inner = inner.clone();
            async move { inner.sweep(usize::MAX).await }
        });
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("place", &self.inner.backend_id())
            .finish_non_exhaustive()
    }
}

impl Inner {
    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            let batch = BATCH.min(limit - removed);
            let args = Args::new().bind(i64::try_from(batch).unwrap_or(i64::MAX));
            let row = self.ask(&self.statements.sweep, args).await;
            let Some(row) = row.map_err(StatementError::into_read_error)? else {
                return Ok(removed);
            };
            let number = |at| row.try_get::<i64, _>(at).map_err(bad_column);
            let (found, gone) = (number(0)?, number(1)?);
            removed += usize::try_from(gone).unwrap_or(0);
            let was_all = usize::try_from(found).unwrap_or(0) < batch;
            if was_all || removed >= limit {
                return Ok(removed);
            }
        }
    }

    /// Refuses what another version of this library wrote, and keeps the time of an answer.
    fn check_format(&self, row: &PgRow) -> Result<(), StoreError> {
        self.clock.observe(row.try_get(12).map_err(bad_column)?);
        match row.try_get(11).map_err(bad_column)? {
            FORMAT => Ok(()),
            other => Err(unknown_format(other)),
        }
    }
}
