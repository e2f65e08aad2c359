//! [`RedisRecords`]: the records of axum_session on Redis.

use std::fmt;

use connect_session_runtime::adopt::AxumRecords;
use connect_session_runtime::store::BoxError;

use super::OldRecords;
use crate::RedisStoreError;

/// What the `SessionRedisPool` of [axum_session](https://docs.rs/axum_session) has stored, for `AxumSessions`.
///
/// ```no_run
/// use connect_session::adopt::{Adopted, AxumSessions, OldSessions as _, RedisRecords};
/// use connect_session::session_config;
///
/// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// struct Cart {
///     #[serde(default)]
///     items: Vec<String>,
/// }
///
/// fn cart_of(old: Cart) -> Option<Adopted<Cart>> {
///     Some(Adopted::new(old))
/// }
///
/// session_config! {
///     struct Shop {
///         data: Cart,
///         loaders: [cookie("__Host-sid")],
///         adopt: AxumSessions::new(RedisRecords::connect(&std::env::var("OLD_REDIS_URL")?).await?)
///             .signed(&std::fs::read("old.key")?)?
///             .adopt(cart_of),
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct RedisRecords(OldRecords);

impl RedisRecords {
    /// Connects to the Redis server that has the old sessions.
    ///
    /// # Errors
    /// If the URL is wrong, or the server does not answer.
    pub async fn connect(url: &str) -> Result<Self, RedisStoreError> {
        Ok(Self(OldRecords::connect(url, "", Vec::new()).await?))
    }
}

impl AxumRecords for RedisRecords {
    async fn read(&self, id: &str, table: &str) -> Result<Option<String>, BoxError> {
        let record = self.0.read(&key(id, table)).await?;
        let record = record.map(String::from_utf8).transpose();
        record.map_err(|_| "an old session is not UTF-8".into())
    }

    async fn remove(&self, id: &str, table: &str) -> Result<(), BoxError> {
        self.0.remove(&key(id, table)).await
    }
}

fn key(id: &str, table: &str) -> String {
    match table {
        "" => id.to_owned(),
        table => format!("{table}:{id}"),
    }
}

impl fmt::Debug for RedisRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRecords")
            .field("server", &self.0.connection)
            .finish_non_exhaustive()
    }
}
