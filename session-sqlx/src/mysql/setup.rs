//! Connecting, and checking the server and the table.

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, MySql, Row as _};

use connect_session_runtime::record::Key;
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::StoreError;

use super::examine::examine;
use super::send::{self, NO_SUCH_INDEX, NO_SUCH_TABLE, error_number};
use super::{Inner, MySqlBackend, MySqlStore};
use crate::args::Args;
use crate::error::{
    ContextError, StatementError, bad_column, missing_index, missing_table, wrong_columns,
};
use crate::operations::{Rows, Written};
use crate::server::{
    self, Facts, Server, ServerState, check_url, unreadable, without_unknown_parameters,
};
use crate::{ConnectBuilder, backend};

const INVALID_URL: &str = "the URL of the MySQL or MariaDB server cannot be read: it has the form \
                           mysql://user:password@host:3306/database";

/// The parameters of a URL that the driver knows.
const PARAMETERS: [&str; 14] = [
    "sslmode",
    "ssl-mode",
    "sslca",
    "ssl-ca",
    "charset",
    "collation",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "socket",
    "timezone",
    "time-zone",
];

pub(super) async fn connect(builder: ConnectBuilder<MySqlStore>) -> Result<MySqlStore, StoreError> {
    server::connect(builder).await.map(MySqlStore)
}

impl Server for MySqlBackend {
    fn new_backend(state: ServerState<MySql>) -> Self {
        Self(state)
    }

    fn state(inner: &Inner) -> &ServerState<MySql> {
        &inner.backend.0
    }

    fn parse_url(url: &str) -> Result<MySqlConnectOptions, ContextError> {
        check_url(url, &["mysql", "mariadb"], INVALID_URL)?;
        let url = without_unknown_parameters(url, &PARAMETERS);
        let options = url.parse::<MySqlConnectOptions>();
        let options = options.map_err(|error| unreadable(INVALID_URL, &error))?;
        if options.get_database().is_none_or(str::is_empty) {
            return Err(ContextError::new(format!(
                "the URL names no database; {INVALID_URL}"
            )));
        }
        Ok(options)
    }

    async fn examine(options: &MySqlConnectOptions) -> Result<Facts, sqlx::Error> {
        examine(options).await
    }

    fn connection_error(options: &MySqlConnectOptions, error: sqlx::Error) -> ContextError {
        let address = address(options);
        let user = options.get_username();
        let message = match (error_number(&error), &error) {
            (Some(1044 | 1045 | 1698), _) => format!(
                "the server at {address} rejects the user `{user}`: check the user, the password, and \
                 the user's privileges"
            ),
            (Some(1049), _) => format!(
                "there is no such database on the server at {address}: create it, or change the \
                 database at the end of the URL"
            ),
            (Some(1040 | 1203), _) => format!(
                "the server at {address} has no free connection: raise its `max_connections`, or lower \
                 `connections` of the store"
            ),
            (Some(_), _) => format!("the server at {address} refused the connection"),
            (None, sqlx::Error::Protocol(_) | sqlx::Error::Tls(_)) => format!(
                "the server at {address} does not use the MySQL protocol as expected: check the port and \
                 `ssl-mode`"
            ),
            _ => format!(
                "no MySQL or MariaDB server answers at {address}: check the host, the port, whether the \
                 server is running, and whether it is a server of another kind"
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

    /// Reads and deletes a record that cannot exist, which needs the table, its columns and the
    /// privileges.
    async fn probe_table(inner: &Inner) -> Result<(), StatementError> {
        let no_record = Key {
            namespace: "",
            id: SessionId::from_bytes([0; 16]),
        };
        let args = || Args::new().key(no_record);
        let statements = &inner.statements.shared;
        let read = inner.send::<Rows<MySql>>(&statements.select, args);
        read.await?;
        let deleted = inner.send::<Written>(&statements.delete_ended, args);
        deleted.await?;
        let subjects = inner.send::<Written>(&inner.statements.probe_subjects, Args::new);
        subjects.await?;
        let index = inner.send::<Rows<MySql>>(&inner.statements.probe_subject_index, Args::new);
        index.await.map(drop)
    }

    fn setup_error(inner: &Inner, failure: StatementError) -> ContextError {
        let place = inner.backend_id();
        let error = match failure.into_inner().downcast::<sqlx::Error>() {
            Ok(error) => *error,
            Err(error) => return ContextError::new(place).caused_by(error),
        };
        match (error_number(&error), &error) {
            (Some(NO_SUCH_TABLE), _) => missing_table(&place, "MySqlStore"),
            (Some(1054), _) => wrong_columns(&place, error),
            (Some(NO_SUCH_INDEX), _) => missing_index(
                &place,
                &format!(
                    "ALTER TABLE {} ADD INDEX {} (subject_key, login_at, id)",
                    inner.table,
                    inner.table.subject_index()
                ),
            ),
            (Some(1142 | 1143), _) => ContextError::new(format!(
                "{place}: `{}` lacks privileges on the table or on {}: GRANT SELECT, INSERT, UPDATE, DELETE \
                 on both",
                inner.pool.connect_options().get_username(),
                inner.table.subjects()
            ))
            .caused_by(error),
            (Some(_), _) | (_, sqlx::Error::PoolClosed) => {
                ContextError::new(place).caused_by(error)
            }
            _ => Self::connection_error(&inner.pool.connect_options(), error),
        }
    }

    fn place(inner: &Inner) -> String {
        inner.backend_id()
    }

    fn migration_script(schema: String) -> String {
        schema
    }

    async fn run_script(
        connection: &mut MySqlConnection,
        script: String,
    ) -> Result<(), sqlx::Error> {
        let script = sqlx::raw_sql(AssertSqlSafe(script));
        script.execute(connection).await.map(drop)
    }
}

/// The address of a server, without the password.
fn address(options: &MySqlConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    format!("{host}/{}", options.get_database().unwrap_or_default())
}

/// Whether the store supports a server of this version, such as `10.11.6-MariaDB` or `8.0.36`.
fn is_supported(version: &str) -> bool {
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

impl backend::Inner<MySqlBackend> {
    pub(super) fn backend_id(&self) -> String {
        let address = address(&self.pool.connect_options());
        format!("MySQL at {address}, table {}", self.table)
    }

    /// Checks that the server is supported, can be written, and has the table.
    pub(super) async fn check_ready(&self) -> Result<(), StoreError> {
        let place = self.backend_id();
        let rows: Result<Rows<_>, _> = self.send(&self.statements.ready, Args::new).await;
        let rows = rows
            .map_err(|failure| MySqlBackend::setup_error(self, failure))?
            .0;
        let Some(row) = rows.first() else {
            return Err(ContextError::new(format!("{place}: no answer")).into());
        };
        let version: String = row.try_get(0).map_err(bad_column)?;
        let read_only: i64 = row.try_get(1).map_err(bad_column)?;
        let now = row.try_get(2).map_err(bad_column)?;
        self.backend.0.clock.observe(now);
        if !is_supported(&version) {
            return Err(ContextError::new(format!(
                "{place}: the version of the server is `{version}`; `MySqlStore` needs MySQL 8 or \
                 MariaDB 10.11, or a later version"
            ))
            .into());
        }
        if read_only != 0 {
            return Err(ContextError::new(format!(
                "{place}: the server is read-only, such as a replica: use the URL of the primary"
            ))
            .into());
        }
        let probe = MySqlBackend::probe_table(self).await;
        Ok(probe.map_err(|failure| MySqlBackend::setup_error(self, failure))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supported_servers_are_recognized_by_their_version() {
        for supported in [
            "8.0.36",
            "8.4.0",
            "9.1.0",
            "10.11.6-MariaDB-1",
            "11.4.2-MariaDB",
        ] {
            assert!(is_supported(supported), "{supported}");
        }
        for other in ["5.7.44", "10.6.1-MariaDB", "8.0.11-TiDB-v7.5.0", "", "x"] {
            assert!(!is_supported(other), "{other}");
        }
    }
}
