//! Connecting, and checking the server and the table.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Postgres, Row as _};

use connect_session_runtime::store::StoreError;

use super::examine::examine;
use super::send::{self, code};
use super::{Inner, PostgresBackend, PostgresStore};
use crate::args::Args;
use crate::error::{
    ContextError, StatementError, bad_column, missing_index, missing_table, wrong_columns,
};
use crate::operations::Rows;
use crate::server::{
    self, Facts, Server, ServerState, check_url, unreadable, without_unknown_parameters,
};
use crate::{ConnectBuilder, backend};

/// PostgreSQL 13, in the form of `server_version_num`.
const OLDEST: i32 = 130_000;

/// More than the store has.
const CACHED_STATEMENTS: usize = 100;

/// The advisory lock that lets one process at a time create the table.
const MIGRATION_LOCK: i64 = 0x636f_6e6e_6563_7401;

const INVALID_URL: &str = "the URL of the PostgreSQL server cannot be read: it has the form \
                           postgres://user:password@host:5432/database";

/// The parameters of a URL that the driver knows, beside `options[…]`.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

pub(super) async fn connect(
    builder: ConnectBuilder<PostgresStore>,
) -> Result<PostgresStore, StoreError> {
    server::connect(builder).await.map(PostgresStore)
}

impl Server for PostgresBackend {
    fn new_backend(state: ServerState<Postgres>) -> Self {
        Self(state)
    }

    fn state(inner: &Inner) -> &ServerState<Postgres> {
        &inner.backend.0
    }

    fn parse_url(url: &str) -> Result<PgConnectOptions, ContextError> {
        check_url(url, &["postgres", "postgresql"], INVALID_URL)?;
        let url = without_unknown_parameters(url, &PARAMETERS);
        let options = url.parse::<PgConnectOptions>();
        let options = options.map_err(|error| unreadable(INVALID_URL, &error))?;
        // `PgBouncer` refuses the setting, and no statement returns a float. Statements are prepared once a
        // connection, also if the URL says otherwise: the driver would leave each of them on the server.
        let options = options.extra_float_digits(None);
        Ok(options.statement_cache_capacity(CACHED_STATEMENTS))
    }

    async fn examine(options: &PgConnectOptions) -> Result<Facts, sqlx::Error> {
        examine(options).await
    }

    fn connection_error(options: &PgConnectOptions, error: sqlx::Error) -> ContextError {
        let address = address(options);
        let user = options.get_username();
        let message = match (code(&error).as_deref(), &error) {
            (Some("28P01" | "28000"), _) => format!(
                "the PostgreSQL server at {address} rejects the user `{user}`: check the user, the \
                 password, and the server's pg_hba.conf"
            ),
            (Some("3D000"), _) => format!(
                "there is no such database on the PostgreSQL server at {address}: create it, or change \
                 the database at the end of the URL"
            ),
            (Some("53300"), _) => format!(
                "the PostgreSQL server at {address} has no free connection: raise its \
                 `max_connections`, or lower `connections` of the store"
            ),
            (Some(_), _) => format!("the PostgreSQL server at {address} refused the connection"),
            (None, sqlx::Error::Protocol(_) | sqlx::Error::Tls(_)) => format!(
                "the server at {address} does not use the PostgreSQL protocol as expected: check the \
                 port and `sslmode`"
            ),
            _ => format!(
                "no PostgreSQL server answers at {address}: check the host, the port, and whether the \
                 server is running"
            ),
        };
        ContextError::new(message).caused_by(error)
    }

    fn is_refusal(error: &sqlx::Error) -> bool {
        send::is_refusal(error)
    }

    fn is_rolled_back(error: &sqlx::Error) -> bool {
        send::is_rolled_back(error)
    }

    fn is_missing_table(error: &sqlx::Error) -> bool {
        send::is_missing_table(error)
    }

    async fn probe_table(inner: &Inner) -> Result<(), StatementError> {
        let columns = inner.send::<Rows<Postgres>>(&inner.statements.columns, Args::new);
        columns.await?;
        let subjects = inner.send::<Rows<Postgres>>(&inner.statements.subjects, Args::new);
        subjects.await.map(drop)
    }

    fn setup_error(inner: &Inner, failure: StatementError) -> ContextError {
        let place = inner.backend_id();
        match failure.into_inner().downcast::<sqlx::Error>() {
            Ok(error) => match *error {
                error if code(&error).as_deref() == Some("42703") => wrong_columns(&place, error),
                error if forbids_transactions(&error) => ContextError::new(format!(
                    "{place}: the connection pooler allows no transactions: set its `pool_mode` to \
                     `transaction` or `session`"
                ))
                .caused_by(error),
                error @ (sqlx::Error::Database(_) | sqlx::Error::PoolClosed) => {
                    ContextError::new(place).caused_by(error)
                }
                error => Self::connection_error(&inner.pool.connect_options(), error),
            },
            Err(error) => ContextError::new(place).caused_by(error),
        }
    }

    fn place(inner: &Inner) -> String {
        inner.backend_id()
    }

    fn migration_script(schema: String) -> String {
        // The simple query protocol runs all statements of a script in one transaction.
        format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK}); {schema}")
    }

    async fn run_script(connection: &mut PgConnection, script: String) -> Result<(), sqlx::Error> {
        let script = sqlx::raw_sql(AssertSqlSafe(script));
        script.execute(connection).await.map(drop)
    }
}

/// Whether `PgBouncer` refused to begin a transaction. It has one code for all that it refuses.
fn forbids_transactions(error: &sqlx::Error) -> bool {
    (error.as_database_error())
        .is_some_and(|error| error.message().contains("statement pooling mode"))
}

/// The address of a server, without the password.
fn address(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let database = options.get_database().unwrap_or(options.get_username());
    format!("{host}/{database}")
}

impl backend::Inner<PostgresBackend> {
    pub(super) fn backend_id(&self) -> String {
        let address = address(&self.pool.connect_options());
        format!("PostgreSQL at {address}, table {}", self.table)
    }

    /// Checks that the server is supported, can be written, and has the table.
    pub(super) async fn check_ready(&self) -> Result<(), StoreError> {
        let place = self.backend_id();
        let rows: Result<Rows<_>, _> = self.send(&self.statements.ready, Args::new).await;
        let rows = rows
            .map_err(|failure| PostgresBackend::setup_error(self, failure))?
            .0;
        let Some(row) = rows.first() else {
            return Err(ContextError::new(format!("{place}: no answer")).into());
        };
        let flag = |at: usize| row.try_get::<bool, _>(at).map_err(bad_column);
        let text = |at: usize| row.try_get::<String, _>(at).map_err(bad_column);
        let banner = text(0)?;
        let version: i32 = row.try_get(1).map_err(bad_column)?;
        let is_replica = flag(2)?;
        let now = row.try_get(3).map_err(bad_column)?;
        self.backend.0.clock.observe(now);
        if !banner.starts_with("PostgreSQL") || version < OLDEST {
            return Err(ContextError::new(format!(
                "{place}: the server is `{banner}`; `PostgresStore` needs PostgreSQL 13 or later"
            ))
            .into());
        }
        if is_replica {
            return Err(ContextError::new(format!(
                "{place}: the server is a read-only replica: use the URL of the primary"
            ))
            .into());
        }
        let (is_read_only, encoding) = (text(6)? == "on", text(7)?);
        if is_read_only {
            return Err(ContextError::new(format!(
                "{place}: the server accepts no changes, because its transactions are read-only: use the \
                 primary, or turn `default_transaction_read_only` off"
            ))
            .into());
        }
        // `SQL_ASCII` keeps the bytes of every text.
        if encoding != "UTF8" && encoding != "SQL_ASCII" {
            return Err(ContextError::new(format!(
                "{place}: the encoding of the database is {encoding}, which cannot keep the subject of every \
                 session: use a database that was created with `ENCODING 'UTF8'`"
            ))
            .into());
        }
        let (has_table, has_privileges) = (flag(4)?, flag(5)?);
        if !has_table {
            return Err(missing_table(&place, "PostgresStore").into());
        }
        if !has_privileges {
            let user = self.pool.connect_options().get_username().to_owned();
            return Err(ContextError::new(format!(
                "{place}: `{user}` lacks privileges on the tables: GRANT SELECT, INSERT, UPDATE, DELETE \
                 ON {}, {} TO \"{user}\"",
                self.table,
                self.table.subjects()
            ))
            .into());
        }
        if !flag(8)? {
            let fix = format!(
                "CREATE INDEX {} ON {} (subject_key, login_at, id) WHERE subject_key IS NOT NULL",
                self.table.subject_index(),
                self.table
            );
            return Err(missing_index(&place, &fix).into());
        }
        let columns = PostgresBackend::probe_table(self).await;
        Ok(columns.map_err(|failure| PostgresBackend::setup_error(self, failure))?)
    }
}
