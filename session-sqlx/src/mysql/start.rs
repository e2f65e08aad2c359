//! The beginning: connecting, looking at the server, and creating the table.

use std::future::IntoFuture;
use std::time::Duration;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::send::{boxed_error_number, error_number, with_key};
use super::{Inner, MySqlStore};
use crate::args::Args;
use crate::connect::{ConnectBuilder, Target};
use crate::error::{ContextError, StatementError, bad_column, no_fragment};
use crate::server;
use connect_session_runtime::record::Key;
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::{BoxFuture, StoreError};

/// How long a migration may take.
const MIGRATION: Duration = Duration::from_secs(60);

impl IntoFuture for ConnectBuilder<MySqlStore> {
    type Output = Result<MySqlStore, StoreError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(connect(self))
    }
}

async fn connect(how: ConnectBuilder<MySqlStore>) -> Result<MySqlStore, StoreError> {
    let options = parse(&how.to)?;
    let pool = server::pool(&how, options.clone()).await;
    let pool = pool.map_err(|error| no_connection(&options, error))?;
    Ok(MySqlStore::from_pool(pool))
}

fn parse(to: &Target) -> Result<MySqlConnectOptions, ContextError> {
    let wrong = "the URL of the MySQL or MariaDB server cannot be read: it has the form \
                 mysql://user:password@host:3306/database";
    #[allow(irrefutable_let_patterns, reason = "there is more where SQLite is")]
    let Target::Url(url) = to else {
        return Err(ContextError::new(wrong));
    };
    no_fragment(url)?;
    let parsed: MySqlConnectOptions = match url.split_once("://") {
        Some(("mysql" | "mariadb", _)) => url
            .parse()
            .map_err(|error: sqlx::Error| ContextError::new(wrong).caused_by(error))?,
        Some((other @ ("postgres" | "postgresql" | "sqlite" | "redis" | "rediss"), _)) => {
            return Err(ContextError::new(format!(
                "this is the URL of another kind of server, `{other}`; {wrong}"
            )));
        }
        _ => return Err(ContextError::new(wrong)),
    };
    if parsed.get_database().is_none_or(str::is_empty) {
        return Err(ContextError::new(format!(
            "the URL names no database; {wrong}"
        )));
    }
    Ok(parsed)
}

/// Where a server is, without the password.
fn address(options: &MySqlConnectOptions) -> String {
    let at = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    format!("{at}/{}", options.get_database().unwrap_or_default())
}

fn no_connection(options: &MySqlConnectOptions, error: sqlx::Error) -> ContextError {
    let place = address(options);
    let user = options.get_username();
    let message = match (error_number(&error), &error) {
        (Some(1044 | 1045 | 1698), _) => format!(
            "the server at {place} does not let `{user}` in: look at the user, the password, and what is \
             granted to it"
        ),
        (Some(1049), _) => format!(
            "there is no such database on the server at {place}: create it, or name another one at the \
             end of the URL"
        ),
        (Some(1040 | 1203), _) => format!(
            "the server at {place} has no connection left: raise its `max_connections`, or lower \
             `connections` here"
        ),
        (Some(_), _) => format!("the server at {place} refuses the connection"),
        (None, sqlx::Error::Protocol(_) | sqlx::Error::Tls(_)) => format!(
            "what answers at {place} does not speak as a MySQL or MariaDB server does: look at the port, \
             and at `ssl-mode`"
        ),
        _ => format!(
            "no MySQL or MariaDB server answers at {place}: look at the host and the port, whether it \
             runs, and whether it is a server of another kind"
        ),
    };
    ContextError::new(message).caused_by(error)
}

/// Whether this is a server that the store works on; it says `10.11.6-MariaDB`, or `8.0.36`.
fn is_known(version: &str) -> bool {
    let mut numbers = version
        .split(|character: char| !character.is_ascii_digit())
        .map(|number| number.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version.contains("TiDB") {
        false
    } else if version.contains("MariaDB") {
        (major, minor) >= (10, 11)
    } else {
        major >= 8
    }
}

impl Inner {
    /// What tells this place from others.
    pub(super) fn backend_id(&self) -> String {
        let address = address(&self.pool.connect_options());
        format!("MySQL at {address}, table {}", self.table)
    }

    /// Whether the server is one that this store works on, and the table is there.
    pub(super) async fn check_ready(&self) -> Result<(), StoreError> {
        let place = self.backend_id();
        let rows = self.rows(&self.statements.ready, Args::new()).await;
        let rows = rows.map_err(|failure| self.not_ready(failure))?;
        let Some(row) = rows.first() else {
            return Err(ContextError::new(format!("{place}: no answer")).into());
        };
        let version: String = row.try_get(0).map_err(bad_column)?;
        let read_only: i64 = row.try_get(1).map_err(bad_column)?;
        self.clock.observe(row.try_get(2).map_err(bad_column)?);
        if !is_known(&version) {
            return Err(ContextError::new(format!(
                "{place}: the server says that it is `{version}`; `MySqlStore` needs MySQL 8, or MariaDB \
                 10.11 or later"
            ))
            .into());
        }
        if read_only != 0 {
            return Err(ContextError::new(format!(
                "{place}: the server is read-only, as a replica is: name the primary in the URL"
            ))
            .into());
        }
        self.look()
            .await
            .map_err(|failure| self.not_ready(failure))?;
        Ok(())
    }

    /// Reads and writes a record that does not exist: that needs the table, its columns, and the
    /// rights.
    async fn look(&self) -> Result<(), StatementError> {
        let nobody = Key {
            namespace: "",
            id: SessionId::from_bytes([0; 16]),
        };
        let about = || with_key(Args::new(), nobody);
        self.rows(&self.statements.select, about()).await?;
        self.run(&self.statements.forget, about()).await?;
        Ok(())
    }

    fn not_ready(&self, failure: StatementError) -> ContextError {
        let (StatementError::NotApplied(error) | StatementError::Unknown(error)) = failure;
        let place = self.backend_id();
        let error = match error.downcast::<sqlx::Error>() {
            Ok(error) => *error,
            Err(error) => return ContextError::new(place).caused_by(error),
        };
        match (error_number(&error), &error) {
            (Some(1146), _) => ContextError::new(format!(
                "{place}: there is no such table: call `.migrate().await?` on the store, or run what \
                 `MySqlStore::SCHEMA` says"
            )),
            (Some(1054), _) => ContextError::new(format!(
                "{place}: the table has not the columns of this version: it is somebody else's, or \
                 another version's; name another one with `.table(…)`"
            ))
            .caused_by(error),
            (Some(1142 | 1143), _) => ContextError::new(format!(
                "{place}: `{}` may not use the table: GRANT SELECT, INSERT, UPDATE, DELETE on it",
                self.pool.connect_options().get_username()
            ))
            .caused_by(error),
            (Some(_), _) | (_, sqlx::Error::PoolClosed) => {
                ContextError::new(place).caused_by(error)
            }
            _ => no_connection(&self.pool.connect_options(), error),
        }
    }

    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        // Where the table is there, no right to create one is needed.
        match self.look().await {
            Ok(()) => return Ok(()),
            Err(StatementError::NotApplied(error)) if boxed_error_number(&error) == Some(1146) => {}
            Err(failure) => return Err(self.not_ready(failure).into()),
        }
        let schema = self.table.in_schema(MySqlStore::SCHEMA, '`');
        let place = self.backend_id();
        let run = async {
            let mut connection = self.pool.acquire().await?.detach();
            let script = sqlx::raw_sql(AssertSqlSafe(schema));
            script.execute(&mut connection).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_what_it_says() {
        for known in [
            "8.0.36",
            "8.4.0",
            "9.1.0",
            "10.11.6-MariaDB-1",
            "11.4.2-MariaDB",
        ] {
            assert!(is_known(known), "{known}");
        }
        for other in ["5.7.44", "10.6.1-MariaDB", "8.0.11-TiDB-v7.5.0", "", "x"] {
            assert!(!is_known(other), "{other}");
        }
    }
}
