//! What a store on Redis is made of.

use std::fmt;
use std::time::Duration;

use redis::{Client, IntoConnectionInfo as _, ProtocolVersion};

use super::RedisStore;
use super::link::{Link, Patience};
use super::servers::Servers;
use super::target::Target;

const CONNECT: Duration = Duration::from_secs(2);
const COMMAND: Duration = Duration::from_secs(2);

/// Makes a [`RedisStore`].
#[derive(Clone)]
pub struct RedisStoreBuilder {
    url: Option<String>,
    prefix: String,
    patience: Patience,
}

impl Default for RedisStoreBuilder {
    fn default() -> Self {
        Self {
            url: None,
            prefix: String::new(),
            patience: Patience {
                connect: CONNECT,
                command: COMMAND,
            },
        }
    }
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// Why there is no store: everything that is wrong, and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("sessions cannot be kept on Redis: {}", problems.join("; "))]
pub struct RedisStoreError {
    problems: Vec<String>,
}

impl RedisStoreError {
    fn one(problem: impl fmt::Display) -> Self {
        Self {
            problems: vec![problem.to_string()],
        }
    }

    /// What is wrong, each with its mend.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl RedisStoreBuilder {
    /// The server, as in `redis://user:password@host:6379/0`.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// What every key begins with.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long to wait for a connection, 2 seconds by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.patience.connect = timeout;
        self
    }

    /// How long to wait for an answer, 2 seconds by default.
    #[must_use]
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.patience.command = timeout;
        self
    }

    /// Connects, once.
    ///
    /// # Errors
    /// Everything that is wrong with the settings, or why the server cannot be used.
    pub async fn build(self) -> Result<RedisStore, RedisStoreError> {
        let url = self.url.unwrap_or_default();
        let info = url.into_connection_info().map_err(RedisStoreError::one)?;
        let settings = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        let client =
            Client::open(info.set_redis_settings(settings)).map_err(RedisStoreError::one)?;
        let link = Link::new(Target::Server(client), self.patience);
        link.connect().await.map_err(RedisStoreError::one)?;
        Ok(RedisStore::new(Servers::One(link), self.prefix))
    }
}
