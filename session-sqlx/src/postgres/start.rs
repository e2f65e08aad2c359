//! The beginning: connecting, looking at the server, and creating the table.

use std::future::IntoFuture;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::send::code;
use super::{Inner, PostgresStore};
use crate::args::Args;
use crate::connect::{ConnectBuilder, Target};
use crate::error::{ContextError, StatementError, bad_column, no_fragment};
use crate::server;
use connect_session_runtime::store::{BoxError, BoxFuture, StoreError};

/// PostgreSQL 13, as `server_version_num` says it.
const OLDEST: i32 = 130_000;

/// How long a migration may wait for another.
const MIGRATION: Duration = Duration::from_secs(60);

/// Of the lock under which one process at a time creates the table.
const MIGRATION_LOCK: i64 = 0x636f_6e6e_6563_7401;

impl IntoFuture for ConnectBuilder<PostgresStore> {
    type Output = Result<PostgresStore, StoreError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(connect(self))
    }
}

async fn connect(how: ConnectBuilder<PostgresStore>) -> Result<PostgresStore, StoreError> {
    let options = parse(&how.to)?;
    let pool = server::pool(&how, options.clone()).await;
    let pool = pool.map_err(|error| no_connection(&options, error))?;
    Ok(PostgresStore::from_pool(pool))
}

fn parse(to: &Target) -> Result<PgConnectOptions, ContextError> {
    let wrong = "the URL of the PostgreSQL server cannot be read: it has the form \
                 postgres://user:password@host:5432/database";
    #[allow(irrefutable_let_patterns, reason = "there is more where SQLite is")]
    let Target::Url(url) = to else {
        return Err(ContextError::new(wrong));
    };
    no_fragment(url)?;
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    match scheme {
        Some("postgres" | "postgresql") => url
            .parse()
            .map_err(|error| ContextError::new(wrong).caused_by(error)),
        Some(other @ ("mysql" | "mariadb" | "sqlite" | "redis" | "rediss")) => {
            Err(ContextError::new(format!(
                "this is the URL of another kind of server, `{other}`; {wrong}"
            )))
        }
        _ => Err(ContextError::new(wrong)),
    }
}

/// Where a server is, without the password.
fn address(options: &PgConnectOptions) -> String {
    let at = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let database = options.get_database().unwrap_or(options.get_username());
    format!("{at}/{database}")
}

fn no_connection(options: &PgConnectOptions, error: sqlx::Error) -> ContextError {
    let place = address(options);
    let user = options.get_username();
    let code = match &error {
        sqlx::Error::Database(error) => error.code().map(std::borrow::Cow::into_owned),
        _ => None,
    };
    let message = match (code.as_deref(), &error) {
        (Some("28P01" | "28000"), _) => format!(
            "the PostgreSQL server at {place} does not let `{user}` in: look at the user, the password, \
             and the server's pg_hba.conf"
        ),
        (Some("3D000"), _) => format!(
            "there is no such database on the PostgreSQL server at {place}: create it, or name another \
             one at the end of the URL"
        ),
        (Some("53300"), _) => format!(
            "the PostgreSQL server at {place} has no connection left: raise its `max_connections`, or \
             lower `connections` here"
        ),
        (Some(_), _) => format!("the PostgreSQL server at {place} refuses the connection"),
        (None, sqlx::Error::Protocol(_) | sqlx::Error::Tls(_)) => format!(
            "what answers at {place} does not speak as a PostgreSQL server does: look at the port, and \
             at `sslmode`"
        ),
        _ => format!(
            "no PostgreSQL server answers at {place}: look at the host and the port, and whether it runs"
        ),
    };
    ContextError::new(message).caused_by(error)
}

impl Inner {
    /// What tells this place from others.
    pub(super) fn backend_id(&self) -> String {
        let address = address(&self.pool.connect_options());
        format!("PostgreSQL at {address}, table {}", self.table)
    }

    /// Whether the server is one that this store works on, and the table is there.
    pub(super) async fn check_ready(&self) -> Result<(), StoreError> {
        let place = self.backend_id();
        let row = self.ask(&self.statements.ready, Args::new()).await;
        let row = row.map_err(|failure| self.not_ready(failure))?;
        let Some(row) = row else {
            return Err(ContextError::new(format!("{place}: no answer")).into());
        };
        let get = |at: usize| row.try_get::<bool, _>(at).map_err(bad_column);
        let banner: String = row.try_get(0).map_err(bad_column)?;
        let version: i32 = row.try_get(1).map_err(bad_column)?;
        self.clock.observe(row.try_get(3).map_err(bad_column)?);
        if !banner.starts_with("PostgreSQL") {
            return Err(ContextError::new(format!(
                "{place}: the server says that it is `{banner}`; `PostgresStore` needs PostgreSQL 13 or \
                 later"
            ))
            .into());
        }
        if version < OLDEST {
            return Err(ContextError::new(format!(
                "{place}: the server is {banner}, and `PostgresStore` needs PostgreSQL 13 or later"
            ))
            .into());
        }
        if get(2)? {
            return Err(ContextError::new(format!(
                "{place}: the server is a replica that cannot be written: name the primary in the URL"
            ))
            .into());
        }
        if !get(4)? {
            return Err(self.missing_table().into());
        }
        if !get(5)? {
            let user = self.pool.connect_options().get_username().to_owned();
            return Err(ContextError::new(format!(
                "{place}: `{user}` may not use the table: GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO \
                 \"{user}\"",
                self.table
            ))
            .into());
        }
        let columns = self.ask(&self.statements.columns, Args::new()).await;
        columns.map_err(|failure| self.not_ready(failure))?;
        Ok(())
    }

    fn missing_table(&self) -> ContextError {
        ContextError::new(format!(
            "{}: there is no such table: call `.migrate().await?` on the store, or run what \
             `PostgresStore::SCHEMA` says",
            self.backend_id()
        ))
    }

    fn not_ready(&self, failure: StatementError) -> ContextError {
        let (StatementError::NotApplied(error) | StatementError::Unknown(error)) = failure;
        let place = self.backend_id();
        match error.downcast::<sqlx::Error>() {
            Ok(error) => match *error {
                sqlx::Error::Database(error) if error.code().as_deref() == Some("42703") => {
                    ContextError::new(format!(
                        "{place}: the table has not the columns of this version: it is somebody else's, \
                         or another version's; name another one with `.table(…)`"
                    ))
                    .caused_by(error.into_error())
                }
                error @ (sqlx::Error::Database(_) | sqlx::Error::PoolClosed) => {
                    ContextError::new(place).caused_by(error)
                }
                error => no_connection(&self.pool.connect_options(), error),
            },
            Err(error) => ContextError::new(place).caused_by(error),
        }
    }

    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        // Where the table is there, nothing is locked, and no right to create one is needed.
        let columns = self.ask(&self.statements.columns, Args::new()).await;
        match columns {
            Ok(_) => return Ok(()),
            Err(StatementError::NotApplied(error)) if is_missing(&error) => {}
            Err(failure) => return Err(self.not_ready(failure).into()),
        }
        let schema = self.table.in_schema(PostgresStore::SCHEMA, '"');
        // One transaction, by the protocol.
        let script = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK}); {schema}");
        let place = self.backend_id();
        let run = async {
            let mut connection: PgConnection = self.pool.acquire().await?.detach();
            sqlx::raw_sql(AssertSqlSafe(script))
                .execute(&mut connection)
                .await?;
            connection.close().await
        };
        match tokio::time::timeout(MIGRATION, run).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(ContextError::new(format!("{place}: the table cannot be created"))
                .caused_by(error)
                .into()),
            Err(_) => Err(ContextError::new(format!(
                "{place}: the table could not be created within {MIGRATION:?}: something holds a lock"
            ))
            .into()),
        }
    }
}

/// No such table, or no such schema.
fn is_missing(error: &BoxError) -> bool {
    matches!(code(error).as_deref(), Some("42P01" | "3F000"))
}
