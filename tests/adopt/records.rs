//! The records that an old library has stored on Redis.

use crate::servers;

pub async fn connection() -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(servers::url("TEST_REDIS_URL")).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// The keys that begin with this prefix.
pub async fn keys(prefix: &str) -> Vec<String> {
    let mut keys = redis::cmd("KEYS");
    let keys = keys.arg(format!("{prefix}*"));
    keys.query_async(&mut connection().await).await.unwrap()
}

/// Lets all of them expire.
pub async fn expire(prefix: &str) {
    for key in keys(prefix).await {
        let mut expire = redis::cmd("PEXPIRE");
        let expire = expire.arg(key).arg(0);
        expire.exec_async(&mut connection().await).await.unwrap();
    }
}
