//! The store on MySQL and MariaDB.

mod ask;
mod fields;
mod start;
mod statements;
mod sweep;
mod verbs;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::mysql::{MySqlPool, MySqlRow};
use sqlx::{MySql, Row as _};

use self::ask::with_key;
use self::fields::Written;
use self::statements::Statements;
use super::bound::Bound;
use super::connect::{ConnectBuilder, To};
use super::fault::{Failure, bad_column};
use super::number::{self};
use super::row::{COLUMNS, Due, Row};
use super::server::ServerClock;
use super::sweeper::Sweeper;
use super::table::Table;
use super::time::length;
use super::{patience, text};
use connect_session_runtime::patch::StoredFields;
use connect_session_runtime::record::{Change, Key, SubjectChange};
use connect_session_runtime::store::StoreError;

/// `ER_DUP_ENTRY`.
const IS_TAKEN: u16 = 1062;

/// How often a load that has to write looks again, because something came between.
const LOOKS: u32 = 8;

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
    patience: Duration,
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
        ConnectBuilder::new(To::Url(url.to_owned()))
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
            patience: patience::DEFAULT,
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
            patience: at_most,
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
struct Seen {
    row: Row,
    now: i64,
    answer: MySqlRow,
}

impl Seen {
    fn fields(&self) -> Result<StoredFields, StoreError> {
        let text = |after: usize| {
            let at = COLUMNS.len() + after;
            self.answer.try_get::<&str, _>(at).map_err(bad_column)
        };
        fields::read(text(2)?, text(3)?)
    }
}

impl Inner {
    async fn see(&self, key: Key) -> Result<Option<Seen>, StoreError> {
        let bound = with_key(Bound::new(), key);
        let rows = self.rows(&self.statements.select, bound).await;
        let Some(answer) = rows.map_err(Failure::of_read)?.pop() else {
            return Ok(None);
        };
        let row = Row::read(&answer)?;
        let now = answer.try_get(COLUMNS.len() + 1).map_err(bad_column)?;
        self.clock.observe(now);
        Ok(Some(Seen { row, now, answer }))
    }

    /// Writes what a load has to, if the record still is as it was seen.
    async fn admit(
        &self,
        key: Key,
        before: &Row,
        after: &Row,
        due: Due,
        now: i64,
    ) -> Result<bool, StoreError> {
        let bytes = |secret: connect_session_runtime::sid::SecretHash| secret.as_bytes().to_vec();
        let bound = Bound::new()
            .and(bytes(after.secret))
            .and(after.secret_since)
            .and(after.offer.map(|offer| bytes(offer.secret)))
            .and(after.offer.map(|offer| offer.at))
            .and(after.offer.map(|offer| offer.grace))
            .and(after.previous.map(|(secret, _)| bytes(secret)))
            .and(after.previous.map(|(_, until)| until))
            .and(due.touch)
            .and(now);
        let bound = with_key(bound, key)
            .and(before.epoch)
            .and(bytes(before.secret))
            .and(before.offer.map(|offer| bytes(offer.secret)));
        let done = self.run(&self.statements.admit, bound).await;
        Ok(done.map_err(Failure::of_read)?.rows_affected() > 0)
    }

    /// Applies a change; the version, or none if the record is not what the change is based on.
    async fn apply<D>(
        &self,
        key: Key,
        change: &Change<D>,
        written: &Written,
    ) -> Result<Option<u64>, Failure> {
        let identity = change.identity.as_ref();
        let restarts =
            change.lifetime.is_some() || identity.is_some_and(|identity| identity.new_generation);
        let idle = change.lifetime.map(|lifetime| length(lifetime.idle()));
        let absolute = change.lifetime.map(|lifetime| length(lifetime.absolute()));
        let secret = identity.map(|identity| identity.secret.as_bytes().to_vec());
        let has_secret = secret.is_some();
        let subject = identity.map(|identity| &identity.subject);
        let new_subject = match subject {
            Some(SubjectChange::Set(subject)) => Some(text::escape(subject).into_owned()),
            _ => None,
        };
        // `due`, `absolute_until`, `idle_until`, `idle`, `absolute`.
        let bound = Bound::<MySql>::new()
            .and(idle)
            .and(restarts)
            .and(absolute)
            .and(restarts)
            .and(absolute)
            .and(idle)
            .and(idle)
            .and(absolute);
        // The offered and the previous secret, and `secret_since`.
        let bound = (0..6).fold(bound, |bound, _| bound.and(has_secret));
        let bound = bound
            .and(secret)
            .and(i64::from(has_secret))
            .and(i64::from(
                identity.is_some_and(|identity| identity.new_generation),
            ))
            .and(subject.is_some_and(|subject| *subject != SubjectChange::Keep))
            .and(new_subject)
            .and(change.commit_id.to_bytes().to_vec())
            .and(written.any)
            .and(written.replace_all)
            .and(written.revisions.clone())
            .and(written.any)
            .and(written.replace_all)
            .and(written.texts.clone())
            .and(i64::from(written.any));
        let bound = with_key(bound, key)
            .and(change.commit_id.to_bytes().to_vec())
            .and(number::number(change.generation))
            .and(has_secret)
            .and(number::number(change.epoch))
            .and(written.bases.clone())
            .and(written.absent.clone())
            .and(written.absent_count);
        let done = self.run(&self.statements.commit, bound).await?;
        Ok((done.rows_affected() > 0).then(|| done.last_insert_id()))
    }

    /// Whether it was done; `false` if the id is taken.
    async fn insert(&self, bound: Bound<MySql>) -> Result<bool, Failure> {
        match self.run(&self.statements.insert, bound).await {
            Ok(_) => Ok(true),
            Err(Failure::Nothing(error)) if ask::number(&error) == Some(IS_TAKEN) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}
