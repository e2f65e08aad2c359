//! What a store on Redis is made of.

use std::fmt;
use std::time::Duration;

use redis::ClientTlsConfig;

use super::endpoints::{ConnectOptions, Endpoint};
use super::error::RedisStoreError;
use super::remedy::with_remedy;
use super::store::RedisStore;
use super::timeouts::Timeouts;

/// The longest prefix: a key is sent with every command.
const MAX_PREFIX_BYTES: usize = 128;

/// Makes a [`RedisStore`].
///
/// ```no_run
/// use std::time::Duration;
///
/// use connect_session::store::RedisStore;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let store = RedisStore::builder()
///     .cluster(["redis://10.0.0.1", "redis://10.0.0.2", "redis://10.0.0.3"])
///     .credentials("shop", std::env::var("REDIS_PASSWORD")?)
///     .prefix("shop:")
///     .replicas(1)
///     .command_timeout(Duration::from_millis(500))
///     .build()
///     .await?;
/// # let _ = store;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct RedisStoreBuilder {
    options: ConnectOptions,
    prefix: String,
    timeouts: Timeouts,
    replicas: u32,
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("timeouts", &self.timeouts)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    /// A store on the server of a URL, with every other setting at its default. It connects, once.
    ///
    /// | URL | |
    /// | --- | --- |
    /// | `redis://user:password@host:6379/0` | one server, and the number of a database |
    /// | `rediss://…` | the same with TLS |
    /// | `unix:///path?db=0&user=…&pass=…` | by a socket |
    /// | `redis-sentinel://user:password@host:26379,host/name/0` | the primary of that name, as its sentinels say; user and password are the primary's |
    /// | `redis-cluster://user:password@host:6379,host` | some servers of a Cluster |
    /// | `rediss-sentinel://…`, `rediss-cluster://…` | the same with TLS |
    ///
    /// # Errors
    /// When the URL is wrong, or the server does not reply or does not let the client in. No error
    /// shows a password.
    pub async fn connect(url: impl Into<String>) -> Result<Self, RedisStoreError> {
        Self::builder().url(url).build().await
    }

    /// A store with other settings.
    #[must_use]
    pub fn builder() -> RedisStoreBuilder {
        RedisStoreBuilder::default()
    }
}

impl RedisStoreBuilder {
    /// The server, or the servers: see [`RedisStore::connect`].
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.options.endpoints.push(Endpoint::Url(url.into()));
        self
    }

    /// Some servers of a Cluster, as URLs; the others are found by them. How to get in is what the
    /// first says.
    #[must_use]
    pub fn cluster(mut self, urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let urls = urls.into_iter().map(Into::into).collect();
        self.options.endpoints.push(Endpoint::Cluster(urls));
        self
    }

    /// The sentinels, as URLs, and the name of the primary that they watch. A password in these URLs
    /// is for the sentinels; for the primary it is said by [`credentials`](Self::credentials). Where
    /// the sentinels speak TLS, so does the primary.
    #[must_use]
    pub fn sentinel(
        mut self,
        urls: impl IntoIterator<Item = impl Into<String>>,
        name: impl Into<String>,
    ) -> Self {
        let urls = urls.into_iter().map(Into::into).collect();
        self.options
            .endpoints
            .push(Endpoint::Sentinel(urls, name.into()));
        self
    }

    /// Who the client is, instead of what the URL says. `default` is the user of a password alone.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.options.credentials = Some((user.into(), password.into()));
        self
    }

    /// The number of the database, instead of what the URL says. A Cluster has only 0.
    #[must_use]
    pub fn database(mut self, number: u32) -> Self {
        self.options.database = Some(number);
        self
    }

    /// The certificates, in PEM, that a server's must be signed by, instead of those that the system
    /// trusts.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.options.certificates.root_cert = Some(pem.into());
        self
    }

    /// The client's own certificate and its private key, in PEM.
    #[must_use]
    pub fn client_certificate(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.options.certificates.client_tls = Some(ClientTlsConfig {
            client_cert: certificate.into(),
            client_key: key.into(),
        });
        self
    }

    /// What every key begins with: nothing by default. A key is `prefix`, the config's namespace, a
    /// colon and the id. In a Cluster, a prefix with something in braces puts all sessions on one
    /// server.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long to wait for a connection, 2 seconds by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = timeout;
        self
    }

    /// How long to wait for an answer, 2 seconds by default.
    #[must_use]
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.command = timeout;
        self
    }

    /// How many replicas must have a change before it counts as done, 0 by default: see
    /// [`RedisStore`]. They are waited for half of the command timeout.
    #[must_use]
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    /// Connects, once.
    ///
    /// # Errors
    /// Everything that is wrong with the settings; or, if nothing is, why no server lets the client
    /// in.
    pub async fn build(self) -> Result<RedisStore, RedisStoreError> {
        let mut problems = Vec::new();
        let servers = self.options.servers(self.timeouts, &mut problems);
        self.check_settings(&mut problems);
        let Some(servers) = servers.filter(|_| problems.is_empty()) else {
            return Err(RedisStoreError::new(problems));
        };
        let connected = servers.connect().await;
        connected.map_err(|failure| RedisStoreError::new(vec![with_remedy(&failure)]))?;
        Ok(RedisStore::new(servers, self.prefix, self.replicas))
    }

    fn check_settings(&self, problems: &mut Vec<String>) {
        self.options.check_certificates(problems);
        for (name, timeout) in [
            ("connect_timeout", self.timeouts.connect),
            ("command_timeout", self.timeouts.command),
        ] {
            if timeout.is_zero() {
                problems.push(format!("`{name}` is zero: nothing would ever be in time"));
            }
        }
        if self.prefix.len() > MAX_PREFIX_BYTES {
            problems.push(format!(
                "the prefix has {} bytes: it may have {MAX_PREFIX_BYTES}",
                self.prefix.len()
            ));
        }
    }
}
