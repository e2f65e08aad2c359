//! Opening a file, checking it, and creating the table.

use std::path::Path;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use connect_session_runtime::record::Key;
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::StoreError;

use super::ops::key_args;
use super::write::{Finish, primary_code};
use super::{SqliteBackend, SqliteStore};
use crate::backend::Inner;
use crate::connect::{ConnectBuilder, Target};
use crate::error::{ContextError, StatementError, missing_table, wrong_columns};
use crate::timeout::{self, run_detached};

pub(super) async fn connect(
    builder: ConnectBuilder<SqliteStore>,
) -> Result<SqliteStore, StoreError> {
    let pool = SqlitePoolOptions::new()
        .acquire_timeout(builder.acquire_timeout)
        // A connection to a file does not break, so there is no need to ping it.
        .test_before_acquire(false);
    let file = match builder.target {
        Target::File(file) => SqliteConnectOptions::new().filename(file),
        Target::Url(url) if !is_memory(&url) => parse(&url)?,
        Target::Url(_) | Target::Memory => {
            // A database in memory belongs to its connection, so there is only one, which stays open.
            let pool = pool
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None);
            let memory = SqliteConnectOptions::new().in_memory(true);
            return open(pool, memory).await;
        }
    };
    let file = file
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(timeout::DEFAULT);
    open(pool.max_connections(builder.connections), file).await
}

async fn open(
    pool: SqlitePoolOptions,
    options: SqliteConnectOptions,
) -> Result<SqliteStore, StoreError> {
    let file = options.get_filename().to_owned();
    let pool = connected(pool, options).await;
    let pool = pool.map_err(|error| file_error(&file, error))?;
    SqliteStore::from_pool(pool).migrate().await
}

/// Processes that open a new file at once may find it locked for a timestamp, which SQLite does not
/// wait out where it would have to change the journal.
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

fn parse(url: &str) -> Result<SqliteConnectOptions, ContextError> {
    let invalid =
        "the URL of the SQLite file cannot be read: it has the form sqlite://path/to/sessions.db";
    match url.split_once(':') {
        Some(("sqlite", _)) => url
            .parse()
            .map_err(|error| ContextError::new(invalid).caused_by(error)),
        _ => Err(ContextError::new(invalid)),
    }
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

impl Inner<SqliteBackend> {
    /// Identifies the table; `None` for a database in memory, which is never shared.
    pub(super) fn backend_id(&self) -> Option<String> {
        let options = self.pool.connect_options();
        let file = options.get_filename();
        if file.as_os_str() == ":memory:" {
            return None;
        }
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        Some(format!(
            "SQLite in {}, table {}",
            file.display(),
            self.table
        ))
    }

    /// Checks that the file can be written, and that the table exists and has every column.
    pub(super) async fn check_ready(&self) -> Result<(), StoreError> {
        let no_record = Key {
            namespace: "",
            id: SessionId::from_bytes([0; 16]),
        };
        let inner = self.clone();
        let probe = run_detached(async move {
            let work = inner.write(async |txn| {
                let key = key_args(no_record);
                txn.one(&inner.statements.select, key).await?;
                Ok(Finish::Rollback(()))
            });
            work.await
        });
        Ok(probe.await.map_err(|failure| self.setup_error(failure))?)
    }

    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        let schema = self.table.in_schema(SqliteStore::SCHEMA, '"');
        let inner = self.clone();
        let run = run_detached(async move {
            let work = inner.write(async |txn| {
                let script = sqlx::raw_sql(AssertSqlSafe(schema));
                let done = script.execute(&mut *txn.connection).await;
                done.map_err(|error| StatementError::NotApplied(error.into()))?;
                Ok(Finish::Commit(()))
            });
            work.await
        });
        Ok(run.await.map_err(|failure| self.setup_error(failure))?)
    }

    fn setup_error(&self, failure: StatementError) -> ContextError {
        let place = self
            .backend_id()
            .unwrap_or_else(|| "SQLite in memory".to_owned());
        let error = match failure.into_inner().downcast::<sqlx::Error>() {
            Ok(error) => *error,
            Err(error) => return ContextError::new(place).caused_by(error),
        };
        let text = error.to_string();
        if text.contains("no such table") {
            missing_table(&place, "SqliteStore")
        } else if text.contains("no such column") {
            wrong_columns(&place, error)
        } else {
            file_error(self.pool.connect_options().get_filename(), error)
        }
    }
}
