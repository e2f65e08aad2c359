//! Finding out whether the connection is encrypted, and how large a statement may be.

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::server::Facts;

pub(super) async fn examine(options: &MySqlConnectOptions) -> Result<Facts, sqlx::Error> {
    let mut connection = options.connect().await?;
    let limit = sqlx::raw_sql("SELECT CAST(@@max_allowed_packet AS UNSIGNED)");
    let limit = limit.fetch_one(&mut connection).await?;
    let is_preferred = matches!(options.get_ssl_mode(), MySqlSslMode::Preferred);
    let mut is_unexpectedly_plain = false;
    if is_preferred && options.get_socket().is_none() {
        // The driver does not tell. The cipher is empty without encryption.
        let cipher = sqlx::raw_sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
        let cipher = cipher.fetch_optional(&mut connection).await?;
        let cipher = cipher.map(|row| row.try_get::<String, _>(1)).transpose()?;
        is_unexpectedly_plain = cipher.is_none_or(|cipher| cipher.is_empty());
    }
    let _ = connection.close().await;
    Ok(Facts {
        has_pooler: false,
        largest_statement: Some(limit.try_get(0)?),
        is_unexpectedly_plain,
    })
}
