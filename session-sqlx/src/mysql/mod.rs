//! The store on MySQL and MariaDB.

mod fields_json;
mod send;
mod start;
mod statements;
mod sweep;
mod verbs;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::mysql::{MySqlPool, MySqlRow};
use sqlx::{MySql, Row as _};

use self::fields_json::PatchArgs;
use self::send::with_key;
use self::statements::Statements;
use super::args::Args;
use super::connect::{ConnectBuilder, Target};
use super::convert;
use super::convert::to_millis;
use super::error::{StatementError, bad_column};
use super::row::{COLUMNS, LoadWrites, Row};
use super::server::ServerClock;
use super::sweeper::Sweeper;
use super::table::Table;
use super::{escape, timeout};
use connect_session_runtime::patch::StoredFields;
use connect_session_runtime::record::{Change, Key, SubjectChange};
use connect_session_runtime::store::StoreError;

/// `ER_DUP_ENTRY`.
const IS_TAKEN: u16 = 1062;

/// How often a load that has to write looks again, because something came between.
const RETRIES: u32 = 8;

/// Keeps sessions in a table of a MySQL 8 server, or one of MariaDB 10.11 or later.
///
/// A session is one row. A change, an insertion and a destruction are one statement each, and so one
/// round trip; a conflict takes one more, to show the record. A load is one, and one more when a
/// tenth of the idle time has passed, or a secret is renewed. Deadlines go by the server's clock.
///
/// ```no_run
/// use connect_session::session_config;
/// use connect_session::store::MySqlStore;
///
/// # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// # pub struct Cart { pub items: Vec<String> }
/// session_config! {
///     /// Sessions of the shop's API.
///     pub struct Shop {
///         data: Cart,
///         store: MySqlStore =
///             MySqlStore::connect(&std::env::var("DATABASE_URL")?).await?.migrate().await?,
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
/// first time. A connection that was idle for a second is asked whether it is alive before it is
/// used. A statement that was sent is never sent again, unless the server says that it rolled it
/// back (a deadlock).
///
/// # What has ended
///
/// A task removes it, in small batches: once a minute, from the first use of the store until it is
/// dropped, or as [`sweep_every`](Self::sweep_every) says. Several processes may do so at once.
#[derive(Clone)]
pub struct MySqlStore {
    inner: Arc<Inner>,
    sweeper: Arc<Sweeper>,
}

/// What a verb needs, and a task may keep.
#[derive(Clone)]
struct Inner {
    pool: MySqlPool,
    table: Table,
    statements: Arc<Statements>,
    timeout: Duration,
    clock: Arc<ServerClock>,
}

impl MySqlStore {
    /// The table and its index as SQL, for the default name of the table.
    pub const SCHEMA: &str = include_str!("schema.sql");

    /// Connects to the server of a `mysql://user:password@host:port/database` URL, when it is
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
    pub fn from_pool(pool: MySqlPool) -> Self {
        let table = Table::default();
        let inner = Inner {
            pool,
            statements: Arc::new(Statements::new(&table)),
            table,
            timeout: timeout::DEFAULT,
            clock: Arc::new(ServerClock::new()),
        };
        Self {
            inner: Arc::new(inner),
            sweeper: Arc::default(),
        }
    }

    /// Another table than `connect_sessions`, perhaps in another database: `app.sessions`.
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
        self.inner.table.in_schema(Self::SCHEMA, '`')
    }

    fn start_sweeper(&self) {
        let inner = self.inner.clone();
        self.sweeper.start(move || {
            let inner = inner.clone();
            async move { inner.sweep(usize::MAX).await }
        });
    }
}

impl fmt::Debug for MySqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySqlStore")
            .field("place", &self.inner.backend_id())
            .finish_non_exhaustive()
    }
}

/// A record as it was read, and the time of the server then.
struct ReadRow {
    row: Row,
    now: i64,
    answer: MySqlRow,
}

impl ReadRow {
    fn fields(&self) -> Result<StoredFields, StoreError> {
        let text = |after: usize| {
            let at = COLUMNS.len() + after;
            self.answer.try_get::<&str, _>(at).map_err(bad_column)
        };
        fields_json::read(text(2)?, text(3)?)
    }
}

impl Inner {
    async fn see(&self, key: Key) -> Result<Option<ReadRow>, StoreError> {
        let args = with_key(Args::new(), key);
        let rows = self.rows(&self.statements.select, args).await;
        let Some(answer) = rows.map_err(StatementError::into_read_error)?.pop() else {
            return Ok(None);
        };
        let row = Row::read(&answer)?;
        let now = answer.try_get(COLUMNS.len() + 1).map_err(bad_column)?;
        self.clock.observe(now);
        Ok(Some(ReadRow { row, now, answer }))
    }

    /// Writes what a load has to, if the record still is as it was seen.
    async fn admit(
        &self,
        key: Key,
        before: &Row,
        after: &Row,
        due: LoadWrites,
        now: i64,
    ) -> Result<bool, StoreError> {
        let bytes = |secret: connect_session_runtime::sid::SecretHash| secret.as_bytes().to_vec();
        let args = Args::new()
            .bind(bytes(after.secret))
            .bind(after.secret_since)
            .bind(after.offer.map(|offer| bytes(offer.secret)))
            .bind(after.offer.map(|offer| offer.at))
            .bind(after.offer.map(|offer| offer.grace))
            .bind(after.previous.map(|(secret, _)| bytes(secret)))
            .bind(after.previous.map(|(_, until)| until))
            .bind(due.touch)
            .bind(now);
        let args = with_key(args, key)
            .bind(before.epoch)
            .bind(bytes(before.secret))
            .bind(before.offer.map(|offer| bytes(offer.secret)));
        let done = self.run(&self.statements.admit, args).await;
        Ok(done
            .map_err(StatementError::into_read_error)?
            .rows_affected()
            > 0)
    }

    /// Applies a change; the version, or none if the record is not what the change is based on.
    async fn apply<D>(
        &self,
        key: Key,
        change: &Change<D>,
        written: &PatchArgs,
    ) -> Result<Option<u64>, StatementError> {
        let identity = change.identity.as_ref();
        let restarts =
            change.lifetime.is_some() || identity.is_some_and(|identity| identity.new_generation);
        let idle = change.lifetime.map(|lifetime| to_millis(lifetime.idle()));
        let absolute = change
            .lifetime
            .map(|lifetime| to_millis(lifetime.absolute()));
        let secret = identity.map(|identity| identity.secret.as_bytes().to_vec());
        let has_secret = secret.is_some();
        let subject = identity.map(|identity| &identity.subject);
        let new_subject = match subject {
            Some(SubjectChange::Set(subject)) => Some(escape::escape(subject).into_owned()),
            _ => None,
        };
        // `due`, `absolute_until`, `idle_until`, `idle`, `absolute`.
        let args = Args::<MySql>::new()
            .bind(idle)
            .bind(restarts)
            .bind(absolute)
            .bind(restarts)
            .bind(absolute)
            .bind(idle)
            .bind(idle)
            .bind(absolute);
        // The offered and the previous secret, and `secret_since`.
        let args = (0..6).fold(args, |args, _| args.bind(has_secret));
        let args = args
            .bind(secret)
            .bind(i64::from(has_secret))
            .bind(i64::from(
                identity.is_some_and(|identity| identity.new_generation),
            ))
            .bind(subject.is_some_and(|subject| *subject != SubjectChange::Keep))
            .bind(new_subject)
            .bind(change.commit_id.to_bytes().to_vec())
            .bind(written.any)
            .bind(written.replace_all)
            .bind(written.revisions.clone())
            .bind(written.any)
            .bind(written.replace_all)
            .bind(written.texts.clone())
            .bind(i64::from(written.any));
        let args = with_key(args, key)
            .bind(change.commit_id.to_bytes().to_vec())
            .bind(convert::to_i64(change.generation))
            .bind(has_secret)
            .bind(convert::to_i64(change.epoch))
            .bind(written.bases.clone())
            .bind(written.absent.clone())
            .bind(written.absent_count);
        let done = self.run(&self.statements.commit, args).await?;
        Ok((done.rows_affected() > 0).then(|| done.last_insert_id()))
    }

    /// Whether it was done; `false` if the id is taken.
    async fn insert(&self, args: Args<MySql>) -> Result<bool, StatementError> {
        match self.run(&self.statements.insert, args).await {
            Ok(_) => Ok(true),
            Err(StatementError::NotApplied(error))
                if send::boxed_error_number(&error) == Some(IS_TAKEN) =>
            {
                Ok(false)
            }
            Err(failure) => Err(failure),
        }
    }
}
