//! Connecting to a server, and creating the table.

use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use connect_session_runtime::store::StoreError;

use super::{Server, ServerState};
use crate::ConnectBuilder;
use crate::backend::{Handle, Inner};
use crate::connect::Target;
use crate::error::ContextError;

/// How long a migration may take, including the wait for another one.
const MIGRATION_TIMEOUT: Duration = Duration::from_mins(1);

pub(crate) async fn connect<B: Server, S>(
    builder: ConnectBuilder<S>,
) -> Result<Handle<B>, StoreError> {
    let options = B::parse_url(url_of(&builder.target))?;
    let limit = builder.acquire_timeout;
    let facts = tokio::time::timeout(limit, B::examine(&options)).await;
    let facts = facts.unwrap_or_else(|_| {
        let late = format!("no answer within {limit:?}");
        Err(std::io::Error::new(std::io::ErrorKind::TimedOut, late).into())
    });
    let facts = facts.map_err(|error| B::connection_error(&options, error))?;
    // The store opens its connections itself. The pool only keeps the options.
    let pool = PoolOptions::new().connect_lazy_with(options);
    let state = ServerState::of_own(&pool, facts, builder.connections, limit);
    let handle = Handle::new(pool, B::new_backend(state));
    facts.warn(&B::place(&handle.inner));
    Ok(handle)
}

/// The URL to connect to; the builder of a server has no other target.
fn url_of(target: &Target) -> &str {
    match target {
        Target::Url(url) => url,
        #[cfg(feature = "sqlite")]
        Target::File(_) | Target::Memory => "",
    }
}

/// Creates the table unless it exists. If it does, this takes no lock and needs no permission to
/// create tables.
pub(crate) async fn migrate<B: Server>(inner: &Inner<B>) -> Result<(), StoreError> {
    match B::probe_table(inner).await {
        Ok(()) => return Ok(()),
        Err(failure) if failure.not_applied().is_some_and(B::is_missing_table) => {}
        Err(failure) => return Err(B::setup_error(inner, failure).into()),
    }
    let script = B::migration_script(inner.table.in_schema(B::SCHEMA, B::QUOTE));
    let run = async {
        // One of its own, because the pool may have no other than the store keeps.
        let mut connection = inner.pool.connect_options().connect().await?;
        B::run_script(&mut connection, script).await?;
        connection.close().await
    };
    let place = B::place(inner);
    match tokio::time::timeout(MIGRATION_TIMEOUT, run).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            let failed = ContextError::new(format!("{place}: the table could not be created"));
            Err(failed.caused_by(error).into())
        }
        Err(_) => Err(ContextError::new(format!(
            "{place}: the table could not be created within {MIGRATION_TIMEOUT:?}: check whether another \
             session holds a lock"
        ))
        .into()),
    }
}
