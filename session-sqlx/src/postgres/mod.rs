//! The store on PostgreSQL.

mod dialect;
mod examine;
mod login;
mod send;
mod setup;
mod statements;

use sqlx::postgres::PgPool;
use sqlx::{Postgres, Row as _};

use connect_session_runtime::store::StoreError;

use self::statements::Statements;
use crate::args::Args;
use crate::backend::{self, Backend, Handle, Swept};
use crate::connect::{ConnectBuilder, Target};
use crate::error::{StatementError, bad_column};
use crate::operations::{Rows, implement_store};
use crate::server::{self, ServerState};
use crate::store_methods::store_methods;
use crate::table::Table;

/// Stores sessions in a table of a PostgreSQL server, version 13 or later.
///
/// Each session is one row. A load, an insertion, a commit and a destruction are one statement each,
/// and therefore one round trip. A second one follows a load that moves the idle deadline (by default,
/// after a tenth of the idle timeout) or renews the secret, and a commit that conflicts, to read the
/// record. Deadlines are measured by the server's clock.
///
/// A commit writes the data as a whole, if nobody else has changed the session since it was loaded.
/// Otherwise the changes are merged field by field, and committed again.
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
/// # Table
///
/// [`migrate`](Self::migrate) creates the tables unless they exist. Any number of processes can call it
/// at the same time; if the tables exist, it changes nothing and needs no permission to create tables.
/// Where an application must not create tables, run the SQL of [`schema`](Self::schema) instead; a
/// missing table is reported by `start()` of the config. The application needs the privileges
/// `SELECT`, `INSERT`, `UPDATE` and `DELETE` on both tables. The encoding of the database must be UTF-8, because the
/// subject of a session is text.
///
/// # Sessions of a user
///
/// The store is a [`SubjectIndex`](connect_session_runtime::store::SubjectIndex): an index of the table finds the
/// sessions of a user, and no request that only reads or changes data writes it. A login is one statement, also
/// with a fence or a limit. These two write the row of the user in a second table, `connect_sessions_subjects`. If
/// a login with a limit meets another login of the same user, a transaction of three more round trips follows. A list,
/// a count and an end, of one session or of all, take one round trip each.
/// Through a connection pooler, all of a transaction goes to one server.
///
/// # Connections
///
/// [`connect`](Self::connect) opens up to 10 connections; [`from_pool`](Self::from_pool) uses an
/// existing pool, whose connections it returns after each statement. Each connection prepares a
/// statement the first time it runs it, which costs one more round trip.
///
/// A connection pooler such as `PgBouncer` is detected when the store connects, or before the first statement of
/// a pool. Through it, each statement runs in a transaction of its own, without a prepared statement that
/// outlives it: this works in session and transaction mode whatever the pooler's settings, with
/// `max_prepared_statements` or without, and takes four round trips in place of one. The mode `statement` is refused
/// by `start()`. A pool that leads through `PgBouncer` needs `extra_float_digits(None)` in its options, unless
/// `PgBouncer` ignores that setting. Tested with `PgBouncer` 1.18, 1.21, 1.24 and 1.25.
///
/// A statement that writes is never sent twice, unless the server reports that it was rolled back (a
/// deadlock) or refused. So that a restart of the server does not leave its outcome unknown, a connection that was
/// idle for a second is pinged before it writes; only a creation of a session can meet such a one,
/// because other changes follow a load. A read is not preceded by a ping, and is sent again if its
/// connection turns out to be lost.
///
/// # When the server fails
///
/// Once a connection cannot be opened, requests fail at once with
/// [`Unavailable`](connect_session_runtime::store::StoreError::Unavailable), until a task that tries to connect
/// twice a second has succeeded. The same holds if the server leaves a statement without an answer for a second,
/// and then does not answer a connection either. Statements that were sent before wait for
/// [`statement_timeout`](Self::statement_timeout).
///
/// If the server refuses a write because it is read-only, as after a failover behind a fixed address, all
/// connections are closed, and the write is sent again on a new one. While the server stays read-only, sessions
/// are loaded without their deadline being extended, and changes fail.
///
/// A store works in every tokio runtime of the program, also if the one in which it connected has ended; each
/// connection belongs to the runtime that opened it. A pool of the application belongs to one runtime.
///
/// # Encryption
///
/// With the driver's default, `sslmode=prefer`, the connection is not encrypted if the server does not offer TLS,
/// which is logged as a warning when the store is built. `sslmode=require` refuses such a server,
/// `sslmode=verify-full` also checks its certificate, and `sslmode=disable` does without.
///
/// # Removal of ended sessions
///
/// A background task removes them in small batches and skips locked rows. It starts with the first
/// insertion or [`check_ready`](connect_session_runtime::store::Store::check_ready), runs every 60
/// seconds or as [`sweep_every`](Self::sweep_every) sets, and ends when the store is dropped. Several
/// processes can run it at the same time.
#[derive(Clone)]
pub struct PostgresStore(Handle<PostgresBackend>);

#[derive(Clone)]
struct PostgresBackend(ServerState<Postgres>);

type Inner = backend::Inner<PostgresBackend>;

impl PostgresStore {
    /// The SQL of the tables and their indexes, for the default table name `connect_sessions`.
    pub const SCHEMA: &str = include_str!("schema.sql");

    /// Connects to a server when the returned builder is awaited. The URL has the form
    /// `postgres://user:password@host:port/database`.
    ///
    /// # Errors
    /// If the URL is invalid, or the server cannot be reached or refuses the connection. The message
    /// names the server and the reason, and never the password.
    pub fn connect(url: &str) -> ConnectBuilder<Self> {
        ConnectBuilder::new(Target::Url(url.to_owned()))
    }

    /// Uses an existing pool.
    ///
    /// Its `acquire_timeout` limits how long a request waits for a connection.
    ///
    /// ```no_run
    /// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
    /// use connect_session::store::PostgresStore;
    /// use sqlx::postgres::PgPoolOptions;
    ///
    /// let pool = PgPoolOptions::new().max_connections(20).connect("postgres://app@db/shop").await?;
    /// let store = PostgresStore::from_pool(pool).table("app.sessions")?.migrate().await?;
    /// # let _ = store;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn from_pool(pool: PgPool) -> Self {
        let state = ServerState::of_pool(&pool);
        Self(Handle::new(pool, PostgresBackend(state)))
    }
}

store_methods!(
    PostgresStore,
    table: "Sets the name of the table, optionally with a schema, as in `app.sessions`; the default is \
            `connect_sessions`.",
    timeout: "Sets how long to wait for the answer to a statement. After that its outcome is unknown. \
              The default is 5 seconds."
);

implement_store!(PostgresStore);

impl Backend for PostgresBackend {
    type Db = Postgres;
    type Statements = Statements;

    const SCHEMA: &str = PostgresStore::SCHEMA;
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
        server::migrate(inner).await
    }

    async fn sweep_subjects(inner: &Inner) -> Result<bool, StoreError> {
        let rows: Result<Rows<Postgres>, _> = inner
            .send(&inner.statements.sweep_subjects, Args::new)
            .await;
        let removed = rows.map_err(StatementError::into_read_error)?.0.len();
        Ok(removed >= statements::SUBJECTS)
    }

    async fn sweep_batch(inner: &Inner, limit: usize) -> Result<Swept, StoreError> {
        let limit_arg = i64::try_from(limit).unwrap_or(i64::MAX);
        // Sent twice, a sweep removes no more than it should.
        let rows: Result<Rows<Postgres>, _> = inner
            .send(&inner.statements.sweep, || Args::new().bind(limit_arg))
            .await;
        let (mut found, mut removed) = (0, 0);
        if let Some(row) = rows.map_err(StatementError::into_read_error)?.0.first() {
            let count = |at| {
                let count = row.try_get::<i64, _>(at).map_err(bad_column)?;
                Ok::<_, StoreError>(usize::try_from(count).unwrap_or(0))
            };
            (found, removed) = (count(0)?, count(1)?);
        }
        Ok(Swept {
            removed,
            has_more: found >= limit,
        })
    }
}
