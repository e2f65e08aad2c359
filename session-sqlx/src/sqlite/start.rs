//! The beginning: opening the file, and creating the table.

use std::future::IntoFuture;
use std::path::Path;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::write::{Finish, primary_code};
use super::{Inner, SqliteStore, about};
use crate::connect::{ConnectBuilder, Target};
use crate::error::{ContextError, StatementError};
use crate::timeout::{self, run_detached};
use connect_session_runtime::record::Key;
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::{BoxFuture, StoreError};

impl IntoFuture for ConnectBuilder<SqliteStore> {
    type Output = Result<SqliteStore, StoreError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(connect(self))
    }
}

async fn connect(how: ConnectBuilder<SqliteStore>) -> Result<SqliteStore, StoreError> {
    let pool = SqlitePoolOptions::new()
        .acquire_timeout(how.acquire_timeout)
        // Nothing breaks a connection to a file, so that none is asked whether it is alive.
        .test_before_acquire(false);
    let file = match how.to {
        Target::File(file) => SqliteConnectOptions::new().filename(file),
        Target::Url(url) if !is_memory(&url) => parse(&url)?,
        Target::Url(_) | Target::Memory => {
            // A database in memory is its connection's: there is one, and it stays.
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
    open(pool.max_connections(how.connections), file).await
}

async fn open(
    pool: SqlitePoolOptions,
    options: SqliteConnectOptions,
) -> Result<SqliteStore, StoreError> {
    let file = options.get_filename().to_owned();
    let pool = connected(pool, options).await;
    let pool = pool.map_err(|error| not_opened(&file, error))?;
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

/// What means a database in memory, as sqlx reads it.
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
    let wrong =
        "the URL of the SQLite file cannot be read: it has the form sqlite://path/to/sessions.db";
    match url.split_once(':') {
        Some(("sqlite", _)) => url
            .parse()
            .map_err(|error| ContextError::new(wrong).caused_by(error)),
        _ => Err(ContextError::new(wrong)),
    }
}

fn not_opened(file: &Path, error: sqlx::Error) -> ContextError {
    let file = file.display();
    let message = match primary_code(&error) {
        Some(14) => format!(
            "the SQLite file `{file}` cannot be opened: look whether its directory is there, and whether \
             this program may write in it"
        ),
        Some(26) => format!("`{file}` is a file of something else than SQLite: name another one"),
        Some(8) => format!("the SQLite file `{file}` may not be written by this program"),
        Some(11) => format!("the SQLite file `{file}` is damaged: restore it, or move it away"),
        Some(5 | 6) => format!("another program has the SQLite file `{file}` locked"),
        _ => format!("the SQLite file `{file}` cannot be used"),
    };
    ContextError::new(message).caused_by(error)
}

impl Inner {
    /// What tells this place from others; none for one in memory, which nobody shares.
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

    /// Whether the file can be written, and the table is there.
    pub(super) async fn check_ready(&self) -> Result<(), StoreError> {
        let nobody = Key {
            namespace: "",
            id: SessionId::from_bytes([0; 16]),
        };
        let inner = self.clone();
        let look = run_detached(async move {
            inner
                .write(async |txn| {
                    txn.one(&inner.statements.select, about(nobody)).await?;
                    Ok(Finish::Rollback(()))
                })
                .await
        });
        look.await.map_err(|failure| self.not_ready(failure))?;
        Ok(())
    }

    fn not_ready(&self, failure: StatementError) -> ContextError {
        let (StatementError::NotApplied(error) | StatementError::Unknown(error)) = failure;
        let place = self
            .backend_id()
            .unwrap_or_else(|| "SQLite in memory".to_owned());
        let error = match error.downcast::<sqlx::Error>() {
            Ok(error) => *error,
            Err(error) => return ContextError::new(place).caused_by(error),
        };
        let text = error.to_string();
        if text.contains("no such table") {
            return ContextError::new(format!(
                "{place}: there is no such table: call `.migrate().await?` on the store, or run what \
                 `SqliteStore::SCHEMA` says"
            ));
        }
        if text.contains("no such column") {
            return ContextError::new(format!(
                "{place}: the table has not the columns of this version: it is somebody else's, or \
                 another version's; name another one with `.table(…)`"
            ))
            .caused_by(error);
        }
        not_opened(self.pool.connect_options().get_filename(), error)
    }

    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        let schema = self.table.in_schema(SqliteStore::SCHEMA, '"');
        let inner = self.clone();
        let run = run_detached(async move {
            inner
                .write(async |txn| {
                    let script = sqlx::raw_sql(AssertSqlSafe(schema));
                    let done = script.execute(&mut *txn.connection).await;
                    done.map_err(|error| StatementError::NotApplied(error.into()))?;
                    Ok(Finish::Commit(()))
                })
                .await
        });
        run.await.map_err(|failure| self.not_ready(failure))?;
        Ok(())
    }
}
