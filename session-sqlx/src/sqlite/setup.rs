//! Opening a file, checking it, and creating the table.

use std::path::Path;
use std::time::Duration;

use sqlx::Sqlite;
use sqlx::error::DatabaseError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use connect_session_runtime::record::Key;
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::StoreError;

use super::file;
use super::send::{Own, primary_code};
use super::{Inner, SqliteBackend, SqliteStore};
use crate::args::Args;
use crate::backend::{Backend as _, Handle};
use crate::connect::{ConnectBuilder, Target};
use crate::error::{ContextError, StatementError, missing_table, wrong_columns};
use crate::operations::{Dialect as _, Rows, Written};
use crate::timeout;

pub(super) async fn connect(
    builder: ConnectBuilder<SqliteStore>,
) -> Result<SqliteStore, StoreError> {
    let (options, connections) = match builder.target {
        Target::File(file) => {
            let options = SqliteConnectOptions::new().filename(file);
            file::create(options.get_filename());
            (in_file(options), builder.connections)
        }
        Target::Url(url) if !is_memory(&url) => {
            let options = parse(&url)?;
            if !is_read_only(&url) {
                file::create(options.get_filename());
            }
            (in_file(options), builder.connections)
        }
        // A database in memory belongs to its connection, so there is only one, which stays open.
        Target::Url(_) | Target::Memory => (SqliteConnectOptions::new().in_memory(true), 1),
    };
    let file = options.get_filename().to_owned();
    // The store keeps the connections, and a connection to a file does not break.
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(builder.acquire_timeout)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None);
    let pool = connected(pool, options).await;
    let pool = pool.map_err(|error| file_error(&file, error))?;
    let own = Own::new(&pool, connections, builder.acquire_timeout);
    let store = Handle::new(pool, SqliteBackend::new(Some(own)));
    SqliteStore(store).migrate().await
}

fn in_file(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(timeout::DEFAULT)
}

/// Connects, and retries while the file is locked. Processes that open a new file at the same time can
/// find it locked, and SQLite does not apply `busy_timeout` to a change of the journal mode.
async fn connected(
    pool: SqlitePoolOptions,
    options: SqliteConnectOptions,
) -> Result<SqlitePool, sqlx::Error> {
    const BUSY: i32 = 5;
    let mut waits = [10, 20, 50, 100, 200, 500, 1_000].into_iter();
    loop {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if primary_code(&error) == Some(BUSY) => match waits.next() {
                Some(wait) => tokio::time::sleep(Duration::from_millis(wait)).await,
                None => return Err(error),
            },
            other => return other,
        }
    }
}

/// Whether sqlx reads the URL as a database in memory.
fn is_memory(url: &str) -> bool {
    let memory = [
        "sqlite::memory:",
        "sqlite://:memory:",
        "sqlite:",
        "sqlite://",
    ];
    memory.contains(&url) || (url.starts_with("sqlite:") && url.contains("mode=memory"))
}

/// Whether the URL says that the file must exist.
fn is_read_only(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|parameter| parameter == "mode=ro")
}

fn parse(url: &str) -> Result<SqliteConnectOptions, ContextError> {
    let invalid = "the URL of the SQLite file cannot be read: it has the form \
                   sqlite://path/to/sessions.db, with no parameter but `mode`, `cache`, `immutable` and `vfs`";
    let Some(("sqlite", rest)) = url.split_once(':') else {
        return Err(ContextError::new(invalid));
    };
    let location = rest.split('?').next().unwrap_or_default();
    // Messages show the name of a file, which never contains a password.
    let before_at = location.rsplit_once('@').map_or("", |(before, _)| before);
    if before_at.contains(':') || before_at.contains("%3A") || before_at.contains("%3a") {
        return Err(ContextError::new(format!(
            "{invalid}; this one has the form of a URL of a server: write an `@` in the name of a file as \
             `%40`"
        )));
    }
    // The driver's error can quote a value.
    url.parse().map_err(|_| ContextError::new(invalid))
}

fn file_error(file: &Path, error: sqlx::Error) -> ContextError {
    let file = file.display();
    let message = match primary_code(&error) {
        Some(14) => format!(
            "the SQLite file `{file}` cannot be opened: check that its directory exists and that this \
             program may write to it"
        ),
        Some(26) => format!("`{file}` is not an SQLite database: choose another file"),
        Some(8) => format!("this program may not write to the SQLite file `{file}`"),
        Some(11) => format!("the SQLite file `{file}` is damaged: restore it, or move it away"),
        Some(5 | 6) => format!("the SQLite file `{file}` is locked by another program"),
        _ => format!("the SQLite file `{file}` cannot be used"),
    };
    ContextError::new(message).caused_by(error)
}

/// Whether a table or an index is missing. SQLite has no code of its own for it.
fn is_missing_table(error: &sqlx::Error) -> bool {
    let text = error.as_database_error().map(DatabaseError::message);
    text.is_some_and(|text| text.starts_with("no such table") || text.starts_with("no such index"))
}

impl Inner {
    /// Identifies the table.
    pub(super) fn backend_id(&self) -> String {
        let options = self.pool.connect_options();
        let file = options.get_filename();
        let table = &self.table;
        if file.as_os_str() == ":memory:" {
            // Another database in memory is another store.
            return format!("SQLite in memory {}, table {table}", self.backend.number);
        }
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        format!("SQLite in {}, table {table}", file.display())
    }

    /// Checks that the table exists and has every column, and that the file can be written.
    pub(super) async fn check_ready(&self) -> Result<(), StoreError> {
        let ready = async {
            self.probe_table().await?;
            let statement = &self.statements.shared.delete_ended;
            let written = SqliteBackend::run::<Written>(self, statement, || self.no_record());
            written.await.map(drop)
        };
        Ok(ready.await.map_err(|failure| self.setup_error(failure))?)
    }

    async fn probe_table(&self) -> Result<(), StatementError> {
        let statement = &self.statements.shared.select;
        let read = SqliteBackend::run::<Rows<_>>(self, statement, || self.no_record());
        read.await?;
        let subjects = &self.statements.probe_subjects;
        let args = || SqliteBackend::first_args(self);
        let read = SqliteBackend::run::<Rows<_>>(self, subjects, args);
        read.await.map(drop)
    }

    /// The arguments for a record that cannot exist.
    fn no_record(&self) -> Args<Sqlite> {
        SqliteBackend::first_args(self).key(Key {
            namespace: "",
            id: SessionId::from_bytes([0; 16]),
        })
    }

    /// Creates the table unless it exists. If it does, this writes nothing.
    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        if let Err(failure) = self.probe_table().await {
            if !failure.not_applied().is_some_and(is_missing_table) {
                return Err(self.setup_error(failure).into());
            }
            let schema = self
                .table
                .in_schema(SqliteBackend::SCHEMA, SqliteBackend::QUOTE);
            let created = self.run_script(schema).await;
            created.map_err(|failure| self.setup_error(failure))?;
        }
        Ok(())
    }

    fn setup_error(&self, failure: StatementError) -> ContextError {
        let place = self.backend_id();
        let error = match failure.into_inner().downcast::<sqlx::Error>() {
            Ok(error) => *error,
            Err(error) => return ContextError::new(place).caused_by(error),
        };
        if is_missing_table(&error) {
            missing_table(&place, "SqliteStore")
        } else if error.to_string().contains("no such column") {
            wrong_columns(&place, error)
        } else {
            file_error(self.pool.connect_options().get_filename(), error)
        }
    }
}
