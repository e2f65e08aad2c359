//! The store in a file of `SQLite`: the embedded one, which survives a restart.

mod start;
mod statements;
mod turn;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row as _, Sqlite};

use self::statements::Statements;
use self::turn::Writing;
use super::bound::Bound;
use super::connect::{Connect, To};
use super::fault::{Failure, bad_column};
use super::number::count;
use super::patience::{self, to_its_end};
use super::row::{Row, Verdict};
use super::sweeper::Sweeper;
use super::table::Table;
use super::text::Fields;
use super::time::since_1970;
use super::{BATCH, row};
use crate::clock::Clock;
use crate::data::SessionData;
use crate::record::{Change, DataChange, Key, LoadRequest, NewRecord, Record};
use crate::store::{Committed, Inserted, Store, StoreError};

/// Keeps sessions in a file of `SQLite`, which survives a restart of the program, or in memory.
///
/// It needs no server: `SQLite` is part of the program. Several stores, and several processes of
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
/// A file that the store opens is in WAL mode, with two files of `SQLite` beside it, and has its
/// table: it is created if it is not there. [`from_pool`](Self::from_pool) takes a pool that the
/// program has, and creates nothing unless [`migrate`](Self::migrate) is called. Do not put the
/// file on a network drive, where `SQLite` cannot lock it.
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
    patience: Duration,
    clock: Clock,
}

impl SqliteStore {
    /// The table and its index as SQL, for the default name of the table.
    pub const SCHEMA: &str = include_str!("schema.sql");

    /// Opens the file, when it is awaited, and creates it if there is none.
    ///
    /// # Errors
    /// When the file cannot be opened, or is none of `SQLite`.
    pub fn open(file: impl Into<PathBuf>) -> Connect<Self> {
        Connect::new(To::File(file.into()))
    }

    /// Opens the file of a `sqlite://path/to/sessions.db` URL, as [`open`](Self::open) does.
    ///
    /// # Errors
    /// When the URL is none, or the file cannot be opened.
    pub fn connect(url: &str) -> Connect<Self> {
        Connect::new(To::Url(url.to_owned()))
    }

    /// Keeps sessions in memory, until the store is dropped: for tests of what will be a file.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn memory() -> Connect<Self> {
        Connect::new(To::Memory)
    }

    /// Uses a pool that the program has, as it was set up: the docs of `SQLite` say what `WAL`,
    /// `synchronous` and `busy_timeout` mean.
    #[must_use]
    pub fn from_pool(pool: SqlitePool) -> Self {
        let table = Table::default();
        let inner = Inner {
            pool,
            turn: Arc::default(),
            statements: Arc::new(Statements::new(&table)),
            table,
            patience: patience::DEFAULT,
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
            patience: at_most,
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
            .field("place", &self.inner.place())
            .finish_non_exhaustive()
    }
}

/// The arguments of a statement about a record.
fn about(key: Key) -> Bound<Sqlite> {
    Bound::new()
        .and(key.namespace)
        .and(key.id.as_bytes().to_vec())
}

/// The data of a row, after its columns.
fn fields(row: &SqliteRow) -> Result<Fields, StoreError> {
    let at = row::COLUMNS.len() + 1;
    Fields::read(row.try_get(at).map_err(bad_column)?)
}

impl Inner {
    fn millis(&self) -> i64 {
        since_1970(self.clock.now())
    }

    /// Writes the whole row.
    async fn put(
        &self,
        writing: &mut Writing,
        key: Key,
        row: &Row,
        fields: &Fields,
    ) -> Result<(), Failure> {
        let bound = row.bind(about(key)).and(fields.container());
        writing.run(&self.statements.replace, bound).await
    }

    async fn insert(&self, key: Key, row: Row, fields: Fields) -> Result<bool, Failure> {
        let mut writing = self.write().await?;
        let now = self.millis();
        let old = writing.one(&self.statements.select, about(key)).await?;
        // What cannot be read is not known to have ended.
        if old.is_some_and(|old| !Row::read(&old).is_ok_and(|old| !old.is_alive(now))) {
            return Ok(false);
        }
        self.put(&mut writing, key, &row.begun(now), &fields)
            .await?;
        writing.commit().await?;
        Ok(true)
    }

    /// What a load sees, and whether it has to write; the row has its writes already.
    fn admitted(
        &self,
        row: &SqliteRow,
        request: &LoadRequest,
    ) -> Result<Option<(Row, Fields, row::Due)>, StoreError> {
        let mut read = Row::read(row)?;
        let now = self.millis();
        let Some(due) = read.admit(request, now) else {
            return Ok(None);
        };
        read.carry_out(due, request, now);
        Ok(Some((read, fields(row)?, due)))
    }

    async fn load_and_write(
        &self,
        key: Key,
        request: &LoadRequest,
    ) -> Result<Result<Option<(Row, Fields, row::Due)>, StoreError>, Failure> {
        let mut writing = self.write().await?;
        let Some(row) = writing.one(&self.statements.select, about(key)).await? else {
            return Ok(Ok(None));
        };
        let admitted = match self.admitted(&row, request) {
            Ok(Some(admitted)) => admitted,
            other => return Ok(other),
        };
        let (row, fields, due) = &admitted;
        if !due.nothing() {
            self.put(&mut writing, key, row, fields).await?;
            writing.commit().await?;
        }
        Ok(Ok(Some(admitted)))
    }

    async fn destroy(&self, key: Key) -> Result<bool, Failure> {
        let mut writing = self.write().await?;
        let now = self.millis();
        let row = writing.one(&self.statements.destroy, about(key)).await?;
        writing.commit().await?;
        let deadline = row.and_then(|row| row.try_get::<i64, _>(0).ok());
        Ok(deadline.is_some_and(|deadline| now < deadline))
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            let batch = BATCH.min(limit - removed);
            let inner = self.clone();
            let swept = to_its_end(async move { inner.sweep_batch(batch).await }).await;
            let (found, gone) = swept.map_err(Failure::of_read)?;
            removed += gone;
            if found < batch || removed >= limit {
                return Ok(removed);
            }
        }
    }

    /// How many rows were looked at, and how many of those were removed; the others had their
    /// deadline moved since they were filed, and are filed anew.
    async fn sweep_batch(&self, batch: usize) -> Result<(usize, usize), Failure> {
        let now = self.millis();
        let limit = i64::try_from(batch).unwrap_or(i64::MAX);
        let bound = || Bound::new().and(now).and(limit);
        // Most sweeps find nothing, and need not write.
        if self.all(&self.statements.found, bound()).await?.is_empty() {
            return Ok((0, 0));
        }
        let mut writing = self.write().await?;
        let rows = writing.all(&self.statements.found, bound()).await?;
        let mut gone = 0;
        for row in &rows {
            let (Ok(place), Ok(deadline)) = (row.try_get::<i64, _>(0), row.try_get::<i64, _>(1))
            else {
                continue;
            };
            if deadline <= now {
                gone += 1;
                let bound = Bound::new().and(place);
                writing.run(&self.statements.removed, bound).await?;
            } else {
                let bound = Bound::new().and(deadline).and(place);
                writing.run(&self.statements.filed, bound).await?;
            }
        }
        writing.commit().await?;
        Ok((rows.len(), gone))
    }
}

impl<D: SessionData> Store<D> for SqliteStore {
    async fn ready(&self) -> Result<(), StoreError> {
        self.inner.ready().await?;
        self.start_sweeper();
        Ok(())
    }

    async fn insert(&self, key: Key, record: &NewRecord<D>) -> Result<Inserted<D>, StoreError> {
        self.start_sweeper();
        let encoded = record.fields()?;
        let (row, fields) = (Row::new(record), Fields::new(&encoded));
        let inner = self.inner.clone();
        let inserted = to_its_end(async move { inner.insert(key, row, fields).await }).await;
        if !inserted.map_err(turn::full_or)? {
            return Ok(Inserted::Exists);
        }
        Ok(Inserted::Done {
            snapshot: record.kept(&encoded),
            evicted: Vec::new(),
        })
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let seen = self
            .inner
            .all(&self.inner.statements.select, about(key))
            .await;
        let seen = seen.map_err(Failure::of_read)?;
        let Some(row) = seen.first() else {
            return Ok(None);
        };
        let Some(mut admitted) = self.inner.admitted(row, request)? else {
            return Ok(None);
        };
        if !admitted.2.nothing() {
            let (inner, request) = (self.inner.clone(), *request);
            let written = to_its_end(async move { inner.load_and_write(key, &request).await });
            match written.await.map_err(Failure::of_read)?? {
                Some(now) => admitted = now,
                None => return Ok(None),
            }
        }
        let (row, fields, due) = admitted;
        let renewed = due.step == row::Step::Offer;
        row.record(fields.stored()?, renewed).map(Some)
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<Committed<D>, StoreError> {
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let patch = patch.map(Arc::new);
        let facts = Arc::new(row::Facts::of(change));
        let (inner, sent) = (self.inner.clone(), patch.clone());
        let committed = to_its_end(async move {
            let mut writing = inner.write().await?;
            let row = writing.one(&inner.statements.select, about(key)).await?;
            let Some(row) = row else {
                return Ok(Ok(None));
            };
            let now = inner.millis();
            let read = Row::read(&row).and_then(|read| Ok((read, fields(&row)?)));
            let (mut row, mut fields) = match read {
                Ok(read) => read,
                Err(error) => return Ok(Err(error)),
            };
            let is_current = || sent.as_ref().is_none_or(|patch| fields.is_base_of(patch));
            let verdict = row.judge(&facts, now, is_current);
            if verdict == Verdict::Apply {
                let patch = sent.as_ref().filter(|patch| !patch.is_empty());
                row.apply(&facts, patch.is_some(), now);
                if let Some(patch) = patch {
                    fields.write(patch, count(row.version));
                }
                inner.put(&mut writing, key, &row, &fields).await?;
                writing.commit().await?;
            }
            Ok(Ok(Some((row, fields, verdict))))
        });
        let Some((row, fields, verdict)) = committed.await.map_err(Failure::of_write)?? else {
            return Ok(Committed::Gone);
        };
        Ok(match verdict {
            Verdict::Gone => Committed::Gone,
            Verdict::Conflict => {
                Committed::Conflict(Box::new(row.record(fields.stored()?, false)?))
            }
            Verdict::Repeated if change.data.is_some() => {
                Committed::Applied(Some(fields.stored()?.snapshot(count(row.version))?))
            }
            Verdict::Repeated => Committed::Applied(None),
            Verdict::Apply => {
                let kept = change.data.as_ref().zip(patch.as_ref());
                let version = count(row.version);
                Committed::Applied(kept.map(|(data, patch)| data.kept(patch, version)))
            }
        })
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let inner = self.inner.clone();
        let destroyed = to_its_end(async move { inner.destroy(key).await }).await;
        destroyed.map_err(Failure::of_write)
    }

    fn place(&self) -> Option<String> {
        Some(self.inner.place())
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let bound = Bound::new().and(namespace).and(self.inner.millis());
        let rows = self.inner.all(&self.inner.statements.count, bound).await;
        let rows = rows.map_err(Failure::of_read)?;
        let number = rows.first().map(|row| row.try_get(0).map_err(bad_column));
        number.unwrap_or(Ok(0)).map(count)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(limit).await
    }

    fn now(&self) -> SystemTime {
        self.inner.clock.now()
    }
}
