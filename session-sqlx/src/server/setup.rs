//! Connecting to a server, and creating the table.

use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::{ConnectOptions as _, Connection as _, Database, Pool};

use connect_session_runtime::store::StoreError;

use super::{OptionsOf, Server, ServerClock, ServerState};
use crate::ConnectBuilder;
use crate::backend::{Handle, Inner};
use crate::connect::Target;
use crate::connections::{Connections, Traits};
use crate::error::ContextError;

/// How long a migration may take, including the wait for another one.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) async fn connect<B: Server, S>(
    builder: ConnectBuilder<S>,
) -> Result<Handle<B>, StoreError> {
    let options = B::parse_url(url_of(&builder.target))?;
    let pool = pool::<B::Db, S>(&builder, options.clone()).await;
    let pool = pool.map_err(|error| B::connection_error(&options, error))?;
    let connections = Connections::new(
        &Traits::SERVER,
        pool.clone(),
        builder.connections,
        builder.acquire_timeout,
    );
    let state = ServerState {
        clock: ServerClock::new(),
        connections: Some(connections),
    };
    Ok(Handle::new(pool, B::new_backend(state)))
}

/// The URL to connect to; the builder of a server has no other target.
fn url_of(target: &Target) -> &str {
    match target {
        Target::Url(url) => url,
        #[cfg(feature = "sqlite")]
        Target::File(_) | Target::Memory => "",
    }
}

async fn pool<DB: Database, S>(
    builder: &ConnectBuilder<S>,
    options: OptionsOf<DB>,
) -> Result<Pool<DB>, sqlx::Error> {
    // The pool would retry until its timeout and then report only the timeout. A single attempt
    // reports why it failed.
    let first = tokio::time::timeout(builder.acquire_timeout, options.connect()).await;
    let first = first.unwrap_or_else(|_| {
        let late = format!("no answer within {:?}", builder.acquire_timeout);
        Err(std::io::Error::new(std::io::ErrorKind::TimedOut, late).into())
    })?;
    // The pool opens its own connections.
    let _ = first.close().await;
    // The store keeps the connections, and closes them when they are old or unused.
    Ok(PoolOptions::new()
        .max_connections(builder.connections)
        .acquire_timeout(builder.acquire_timeout)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options))
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
