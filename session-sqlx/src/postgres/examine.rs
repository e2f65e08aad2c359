//! Finding out whether the connection is encrypted, and whether it leads through a connection pooler.

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::server::Facts;

/// A setting of the connection that only this library knows. `PgBouncer` and other poolers refuse it, or drop
/// it, because their connections to the server are shared.
const MARK: &str = "connect_session.mark";

pub(super) async fn examine(options: &PgConnectOptions) -> Result<Facts, sqlx::Error> {
    let (options, is_unexpectedly_plain) = match options.get_ssl_mode() {
        PgSslMode::Prefer if !uses_a_socket(options) => {
            // The driver does not tell which of them it uses.
            let encrypted = options.clone().ssl_mode(PgSslMode::Require);
            match encrypted.connect().await {
                Ok(connection) => {
                    let _ = connection.close().await;
                    (encrypted, false)
                }
                Err(sqlx::Error::Tls(_)) => (options.clone(), true),
                Err(error) => return Err(error),
            }
        }
        _ => (options.clone(), false),
    };
    Ok(Facts {
        has_pooler: has_pooler(&options).await?,
        largest_statement: None,
        is_unexpectedly_plain,
    })
}

/// Whether the host is the path of a Unix socket.
fn uses_a_socket(options: &PgConnectOptions) -> bool {
    options.get_socket().is_some() || options.get_host().starts_with('/')
}

async fn has_pooler(options: &PgConnectOptions) -> Result<bool, sqlx::Error> {
    let marked = options.clone().options([(MARK, "on")]);
    match marked.connect().await {
        Ok(mut connection) => {
            let is_kept = is_marked(&mut connection).await?;
            let _ = connection.close().await;
            Ok(!is_kept)
        }
        Err(refused @ sqlx::Error::Database(_)) => {
            // Whatever else is wrong is wrong without the mark too.
            let connection = options.connect().await.map_err(|_| refused)?;
            let _ = connection.close().await;
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

async fn is_marked(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let shown = sqlx::raw_sql("SELECT coalesce(current_setting('connect_session.mark', true), '')");
    let row = shown.fetch_one(connection).await?;
    Ok(row.try_get::<String, _>(0)? == "on")
}
