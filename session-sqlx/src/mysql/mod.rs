//! The store on MySQL and MariaDB.

mod dialect;
mod examine;
mod login;
mod login_script;
mod send;
mod setup;
mod statements;
mod sweep;

use sqlx::MySql;
use sqlx::mysql::MySqlPool;

use connect_session_runtime::store::StoreError;

use self::statements::Statements;
use crate::backend::{self, Backend, Handle, Swept};
use crate::connect::{ConnectBuilder, Target};
use crate::operations::implement_store;
use crate::server::{self, ServerState};
use crate::store_methods::store_methods;
use crate::table::Table;

/// Stores sessions in a table of a MySQL 8 or MariaDB 10.11 server, or a later version.
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
/// # Table
///
/// [`migrate`](Self::migrate) creates the tables unless they exist. Any number of processes can call it
/// at the same time; if the tables exist, it changes nothing and needs no permission to create tables.
/// Where an application must not create tables, run the SQL of [`schema`](Self::schema) instead; a
/// missing table is reported by `start()` of the config. The application needs the privileges
/// `SELECT`, `INSERT`, `UPDATE` and `DELETE` on both tables. The server's `max_allowed_packet` must be larger than the
/// `max_size` of the config, which `start()` checks.
///
/// # Sessions of a user
///
/// The store is a [`SubjectIndex`](connect_session_runtime::store::SubjectIndex): an index of the table finds the
/// sessions of a user, and no request that only reads or changes data writes it. A login is one statement. With a
/// fence or a limit it is a transaction, which locks the row of the user in a second table,
/// `connect_sessions_subjects`. It takes two round trips: the values are put into variables of the connection, whose
/// names begin with `@connect_session_`, and a script without values does the rest and sets them to null. (A proxy that
/// does not send both on the same connection is noticed, and the login fails.) A list, a count and an end, of one
/// session or of all, take one round trip each.
///
/// # Connections
///
/// [`connect`](Self::connect) opens up to 10 connections; [`from_pool`](Self::from_pool) uses an
/// existing pool, whose connections it returns after each statement. Each connection prepares a
/// statement the first time it runs it, which costs one more round trip.
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
/// With the driver's default, `ssl-mode=PREFERRED`, the connection is not encrypted if the server does not offer
/// TLS, which is logged as a warning when the store is built. `ssl-mode=REQUIRED` refuses such a server,
/// `ssl-mode=VERIFY_IDENTITY` also checks its certificate, and `ssl-mode=DISABLED` does without.
///
/// # Removal of ended sessions
///
/// A background task removes them in small batches. It starts with the first insertion or
/// [`check_ready`](connect_session_runtime::store::Store::check_ready), runs every 60 seconds or as
/// [`sweep_every`](Self::sweep_every) sets, and ends when the store is dropped. Several processes can
/// run it at the same time.
#[derive(Clone)]
pub struct MySqlStore(Handle<MySqlBackend>);

#[derive(Clone)]
struct MySqlBackend(ServerState<MySql>);

type Inner = backend::Inner<MySqlBackend>;

impl MySqlStore {
    /// The SQL of the tables and their indexes, for the default table name `connect_sessions`.
    pub const SCHEMA: &str = include_str!("schema.sql");

    /// Connects to a server when the returned builder is awaited. The URL has the form
    /// `mysql://user:password@host:port/database`.
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
    /// use connect_session::store::MySqlStore;
    /// use sqlx::mysql::MySqlPoolOptions;
    ///
    /// let pool = MySqlPoolOptions::new().max_connections(20).connect("mysql://app@db/shop").await?;
    /// let store = MySqlStore::from_pool(pool).table("app.sessions")?.migrate().await?;
    /// # let _ = store;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn from_pool(pool: MySqlPool) -> Self {
        let state = ServerState::of_pool(&pool);
        Self(Handle::new(pool, MySqlBackend(state)))
    }
}

store_methods!(
    MySqlStore,
    table: "Sets the name of the table, optionally in another database, as in `app.sessions`; the \
            default is `connect_sessions`.",
    timeout: "Sets how long to wait for the answer to a statement. After that its outcome is unknown. \
              The default is 5 seconds."
);

implement_store!(MySqlStore);

impl Backend for MySqlBackend {
    type Db = MySql;
    type Statements = Statements;

    const SCHEMA: &str = MySqlStore::SCHEMA;
    const QUOTE: char = '`';
    /// A batch is one statement, which holds the locks of its rows until it ends.
    const BATCH: usize = 100;

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
        inner.sweep_subjects().await
    }

    async fn sweep_batch(inner: &Inner, limit: usize) -> Result<Swept, StoreError> {
        inner.sweep_batch(limit).await
    }
}
