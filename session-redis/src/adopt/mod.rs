//! The sessions of other libraries on Redis, to be adopted.

#[cfg(feature = "actix-session")]
mod actix;
#[cfg(feature = "axum-session")]
mod axum;
#[cfg(feature = "express-session")]
mod express;

use connect_session_runtime::store::BoxError;
use redis::Value as Reply;

#[cfg(feature = "actix-session")]
pub use self::actix::ActixSessions;
#[cfg(feature = "axum-session")]
pub use self::axum::RedisRecords;
#[cfg(feature = "express-session")]
pub use self::express::ExpressSessions;
use super::address::ServerAddress;
use super::connection::Connection;
use super::error::RedisStoreError;
use super::remedy::with_remedy;
use super::timeouts::Timeouts;
use super::url::parse_server;

/// The records of another library, each of which is one string.
#[derive(Clone)]
struct OldRecords {
    connection: Connection,
    /// What the keys begin with.
    prefix: String,
}

impl OldRecords {
    /// Connects to the Redis server that has the records. `problems` are those of the other arguments, which
    /// are reported together with those of the URL.
    async fn connect(
        url: &str,
        prefix: &str,
        mut problems: Vec<String>,
    ) -> Result<Self, RedisStoreError> {
        let info = parse_server(url).map_err(|problem| problems.push(problem));
        let client = info.and_then(|info| {
            redis::Client::open(info).map_err(|error| problems.push(error.to_string()))
        });
        let Some(client) = client.ok().filter(|_| problems.is_empty()) else {
            return Err(RedisStoreError::new(problems));
        };
        let connection = Connection::new(ServerAddress::direct(client), Timeouts::default());
        let connected = connection.connect().await;
        connected.map_err(|failure| RedisStoreError::new(vec![with_remedy(&failure)]))?;
        Ok(Self {
            connection,
            prefix: prefix.to_owned(),
        })
    }

    /// `id` is what follows the prefix in the key.
    async fn read(&self, id: &str) -> Result<Option<Vec<u8>>, BoxError> {
        let reply = self.connection.send(&self.command("GET", id)).await?;
        if matches!(reply, Reply::Nil) {
            return Ok(None);
        }
        Ok(Some(self.connection.read(reply)?))
    }

    async fn remove(&self, id: &str) -> Result<(), BoxError> {
        self.connection.send(&self.command("DEL", id)).await?;
        Ok(())
    }

    fn command(&self, name: &str, id: &str) -> redis::Cmd {
        let mut command = redis::cmd(name);
        command.arg(format!("{}{id}", self.prefix));
        command
    }
}
