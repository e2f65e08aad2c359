//! The store in a file of SQLite: the embedded one, which survives a restart.

mod row;
mod start;
mod statements;
mod verbs;
mod write;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row as _, Sqlite};

use self::row::{ChangeMeta, Verdict};
use self::statements::Statements;
use self::write::{Finish, WriteTxn};
use super::args::Args;
use super::connect::{ConnectBuilder, Target};
use super::convert::to_u64;
use super::error::{StatementError, bad_column};
use super::fields_json::Fields;
use super::row::{COLUMNS, LoadWrites, Row};
use super::sweeper::Sweeper;
use super::table::Table;
use super::timeout::{self, run_detached};

use super::convert::unix_millis;
use connect_session_runtime::clock::Clock;
use connect_session_runtime::patch::Patch;
use connect_session_runtime::record::{Key, LoadRequest};
use connect_session_runtime::store::StoreError;

/// How many rows a sweep takes at once: few, so that nobody waits for it.
const BATCH: usize = 500;

/// Keeps sessions in a file of SQLite, which survives a restart of the program, or in memory.
///
/// It needs no server: SQLite is part of the program. Several stores, and several processes of
/// one machine, may have the same file open. A change that was answered survives a power failure.
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
/// A file that the store opens is in WAL mode, with two files of SQLite beside it, and has its
/// table: it is created if it is not there. [`from_pool`](Self::from_pool) takes a pool that the
/// program has, and creates nothing unless [`migrate`](Self::migrate) is called. Do not put the
/// file on a network drive, where SQLite cannot lock it.
///
/// Reads go on beside a write; writes take turns, within this process in the order in which they
/// came. Deadlines go by [`clock`](Self::clock), which a test can move. What has ended is removed
/// by a task: once a minute, from the first use of the store until it is dropped, or as
/// [`sweep_every`](Self::sweep_every) says.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
    sweeper: Arc<Sweeper>,
}

/// What a verb needs, and a task may keep.
#[derive(Clone)]
struct Inner {
    pool: SqlitePool,
    /// Whose turn it is to write, in this process.
    turn: Arc<tokio::sync::Mutex<()>>,
    table: Table,
    statements: Arc<Statements>,
    timeout: Duration,
    clock: Clock,
}

impl SqliteStore {
    /// The table and its index as SQL, for the default name of the table.
    pub const SCHEMA: &str = include_str!("schema.sql");

    /// Opens the file, when it is awaited, and creates it if there is none.
    ///
    /// # Errors
    /// When the file cannot be opened, or is none of SQLite.
    pub fn open(file: impl Into<PathBuf>) -> ConnectBuilder<Self> {
        ConnectBuilder::new(Target::File(file.into()))
    }

    /// Opens the file of a `sqlite://path/to/sessions.db` URL, as [`open`](Self::open) does.
    ///
    /// # Errors
    /// When the URL is none, or the file cannot be opened.
    pub fn connect(url: &str) -> ConnectBuilder<Self> {
        ConnectBuilder::new(Target::Url(url.to_owned()))
    }

    /// Keeps sessions in memory, until the store is dropped: for tests of what will be a file.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn memory() -> ConnectBuilder<Self> {
        ConnectBuilder::new(Target::Memory)
    }

    /// Uses a pool that the program has, as it was set up: the docs of SQLite say what `WAL`,
    /// `synchronous` and `busy_timeout` mean.
    #[must_use]
    pub fn from_pool(pool: SqlitePool) -> Self {
        let table = Table::default();
        let inner = Inner {
            pool,
            turn: Arc::default(),
            statements: Arc::new(Statements::new(&table)),
            table,
            timeout: timeout::DEFAULT,
            clock: Clock::system(),
        };
        Self {
            inner: Arc::new(inner),
            sweeper: Arc::default(),
        }
    }

    /// Another table than `connect_sessions`, perhaps in an attached database: `main.sessions`.
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

    /// How long a write waits for its turn; five seconds unless this is called. What holds the file
    /// in another process is waited for as the `busy_timeout` of the pool says, which is five
    /// seconds too.
    #[must_use]
    pub fn statement_timeout(self, at_most: Duration) -> Self {
        self.with(|inner| Inner {
            timeout: at_most,
            ..inner
        })
    }

    /// The clock that decides over deadlines; [`Clock::system`] unless this is called.
    #[must_use]
    pub fn clock(self, clock: impl Into<Clock>) -> Self {
        let clock = clock.into();
        self.with(|inner| Inner { clock, ..inner })
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
    /// When the file cannot be written.
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

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("place", &self.inner.backend_id())
            .finish_non_exhaustive()
    }
}

/// A row after a change, and what became of the change.
type Changed = (Row, Fields, Verdict);

/// What a load sees, and what it has to write: the row has that already.
struct Admitted {
    row: Row,
    fields: Fields,
    due: LoadWrites,
}

/// The arguments of a statement about a record.
fn about(key: Key) -> Args<Sqlite> {
    Args::new()
        .bind(key.namespace)
        .bind(key.id.as_bytes().to_vec())
}

/// The data of a row, after its columns.
fn fields(row: &SqliteRow) -> Result<Fields, StoreError> {
    let at = COLUMNS.len() + 1;
    Fields::read(row.try_get(at).map_err(bad_column)?)
}

impl Inner {
    fn millis(&self) -> i64 {
        unix_millis(self.clock.now())
    }

    /// Writes the whole row.
    async fn put(
        &self,
        txn: &mut WriteTxn,
        key: Key,
        row: &Row,
        fields: &Fields,
    ) -> Result<(), StatementError> {
        let args = row.bind(about(key)).bind(fields.to_json());
        txn.run(&self.statements.replace, args).await
    }

    async fn insert(&self, key: Key, row: Row, fields: Fields) -> Result<bool, StatementError> {
        self.write(async |txn| {
            let now = self.millis();
            let old = txn.one(&self.statements.select, about(key)).await?;
            // What cannot be read is not known to have ended.
            if old.is_some_and(|old| !Row::read(&old).is_ok_and(|old| !old.is_alive(now))) {
                return Ok(Finish::Rollback(false));
            }
            self.put(txn, key, &row.starting_at(now), &fields).await?;
            Ok(Finish::Commit(true))
        })
        .await
    }

    fn admitted(
        &self,
        row: &SqliteRow,
        request: &LoadRequest,
    ) -> Result<Option<Admitted>, StoreError> {
        let mut read = Row::read(row)?;
        let now = self.millis();
        let Some(due) = read.admit(request, now) else {
            return Ok(None);
        };
        read.carry_out(due, request, now);
        Ok(Some(Admitted {
            row: read,
            fields: fields(row)?,
            due,
        }))
    }

    async fn load_and_write(
        &self,
        key: Key,
        request: &LoadRequest,
    ) -> Result<Result<Option<Admitted>, StoreError>, StatementError> {
        self.write(async |txn| {
            let row = txn.one(&self.statements.select, about(key)).await?;
            let admitted = match row.map(|row| self.admitted(&row, request)) {
                Some(Ok(Some(admitted))) => admitted,
                other => return Ok(Finish::Rollback(other.unwrap_or(Ok(None)))),
            };
            if admitted.due.nothing() {
                return Ok(Finish::Rollback(Ok(Some(admitted))));
            }
            self.put(txn, key, &admitted.row, &admitted.fields).await?;
            Ok(Finish::Commit(Ok(Some(admitted))))
        })
        .await
    }

    /// What became of a change, and the row after it; none if there is no row.
    async fn commit(
        &self,
        key: Key,
        change: &ChangeMeta,
        patch: Option<&Patch>,
    ) -> Result<Result<Option<Changed>, StoreError>, StatementError> {
        self.write(async |txn| {
            let Some(row) = txn.one(&self.statements.select, about(key)).await? else {
                return Ok(Finish::Rollback(Ok(None)));
            };
            let now = self.millis();
            let read = Row::read(&row).and_then(|read| Ok((read, fields(&row)?)));
            let (mut row, mut fields) = match read {
                Ok(read) => read,
                Err(error) => return Ok(Finish::Rollback(Err(error))),
            };
            let is_current = || patch.is_none_or(|patch| fields.is_base_of(patch));
            let verdict = row.judge(change, now, is_current);
            if verdict != Verdict::Apply {
                return Ok(Finish::Rollback(Ok(Some((row, fields, verdict)))));
            }
            let patch = patch.filter(|patch| !patch.is_empty());
            row.apply(change, patch.is_some(), now);
            if let Some(patch) = patch {
                fields.write(patch, to_u64(row.version));
            }
            self.put(txn, key, &row, &fields).await?;
            Ok(Finish::Commit(Ok(Some((row, fields, verdict)))))
        })
        .await
    }

    async fn destroy(&self, key: Key) -> Result<bool, StatementError> {
        self.write(async |txn| {
            let now = self.millis();
            let row = txn.one(&self.statements.destroy, about(key)).await?;
            let deadline = row.and_then(|row| row.try_get::<i64, _>(0).ok());
            let was_alive = deadline.is_some_and(|deadline| now < deadline);
            Ok(Finish::Commit(was_alive))
        })
        .await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            let batch = BATCH.min(limit - removed);
            let inner = self.clone();
            let swept = run_detached(async move { inner.sweep_batch(batch).await }).await;
            let (found, gone) = swept.map_err(StatementError::into_read_error)?;
            removed += gone;
            if found < batch || removed >= limit {
                return Ok(removed);
            }
        }
    }

    /// How many rows were looked at, and how many of those were removed; the others had their
    /// deadline moved since they were filed, and are filed anew.
    async fn sweep_batch(&self, batch: usize) -> Result<(usize, usize), StatementError> {
        let now = self.millis();
        let limit = i64::try_from(batch).unwrap_or(i64::MAX);
        let args = || Args::new().bind(now).bind(limit);
        // Most sweeps find nothing, and need not write.
        if self.all(&self.statements.found, args()).await?.is_empty() {
            return Ok((0, 0));
        }
        self.write(async |txn| {
            let rows = txn.all(&self.statements.found, args()).await?;
            let mut gone = 0;
            for row in &rows {
                let (Ok(place), Ok(deadline)) =
                    (row.try_get::<i64, _>(0), row.try_get::<i64, _>(1))
                else {
                    continue;
                };
                if deadline <= now {
                    gone += 1;
                    let args = Args::new().bind(place);
                    txn.run(&self.statements.removed, args).await?;
                } else {
                    let args = Args::new().bind(deadline).bind(place);
                    txn.run(&self.statements.filed, args).await?;
                }
            }
            Ok(Finish::Commit((rows.len(), gone)))
        })
        .await
    }
}
