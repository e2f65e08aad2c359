//! [`RedisStoreBuilder`], and the constructors of the store.

use std::fmt;
use std::time::Duration;

use redis::ClientTlsConfig;

use super::check::Requirements;
use super::endpoints::{ConnectOptions, Endpoint};
use super::error::RedisStoreError;
use super::remedy::with_remedy;
use super::store::RedisStore;
use super::timeouts::Timeouts;

/// The longest prefix. Every command sends the whole key.
const MAX_PREFIX_BYTES: usize = 128;

/// Configures and creates a [`RedisStore`].
///
/// Name the servers with exactly one of [`url`](Self::url), [`cluster`](Self::cluster) and
/// [`sentinel`](Self::sentinel). Everything else has a default.
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
    allowed_eviction: Option<String>,
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("timeouts", &self.timeouts)
            .field("replicas", &self.replicas)
            .field("allowed_eviction", &self.allowed_eviction)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Connects to the server or servers of a URL, with defaults for all other settings.
    ///
    /// | URL | meaning |
    /// | --- | --- |
    /// | `redis://user:password@host:6379/0` | one server; the number is the database |
    /// | `rediss://…` | one server, with TLS |
    /// | `unix:///path?db=0&user=…&pass=…` | one server, through a Unix socket |
    /// | `redis-sentinel://user:password@host:26379,host/name/0` | the primary `name` of these sentinels; user and password are the primary's |
    /// | `redis-cluster://user:password@host:6379,host` | a Cluster; one reachable server is enough to find the others |
    /// | `rediss-sentinel://…`, `rediss-cluster://…` | the same with TLS |
    ///
    /// Percent-encode special characters of the user name and the password.
    ///
    /// # Errors
    /// The URL is invalid, no server can be reached, or the server rejects the client. No error
    /// contains the password.
    pub async fn connect(url: impl Into<String>) -> Result<Self, RedisStoreError> {
        Self::builder().url(url).build().await
    }

    /// A builder, for settings that a URL cannot express.
    #[must_use]
    pub fn builder() -> RedisStoreBuilder {
        RedisStoreBuilder::default()
    }
}

impl RedisStoreBuilder {
    /// Sets the server or servers by a URL; see [`RedisStore::connect`] for the forms.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.options.endpoints.push(Endpoint::Url(url.into()));
        self
    }

    /// Uses a Cluster, and finds its servers through those of these URLs.
    ///
    /// Credentials and TLS settings for the servers that are found are taken from the first URL.
    #[must_use]
    pub fn cluster(mut self, urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let urls = urls.into_iter().map(Into::into).collect();
        self.options.endpoints.push(Endpoint::Cluster(urls));
        self
    }

    /// Uses the primary `name` that the sentinels at these URLs monitor, and follows its failovers.
    ///
    /// User and password in these URLs are those of the sentinels; set the primary's with
    /// [`credentials`](Self::credentials). If the first URL has TLS, the primary is reached with
    /// TLS too.
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

    /// Sets the user and the password, instead of those of the URL.
    ///
    /// For a server with a password but no users (`requirepass`), the user is `default`.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.options.credentials = Some((user.into(), password.into()));
        self
    }

    /// Sets the number of the database, instead of that of the URL. A Cluster has only database 0.
    #[must_use]
    pub fn database(mut self, number: u32) -> Self {
        self.options.database = Some(number);
        self
    }

    /// Sets the certificate authorities to trust, as PEM, instead of those of the system.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.options.certificates.root_cert = Some(pem.into());
        self
    }

    /// Sets the certificate and the private key of the client, as PEM, for mutual TLS.
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

    /// Sets a prefix for all keys, at most 128 bytes; by default there is none.
    ///
    /// A key is `{prefix}s1:{namespace}:{id}`. In a Cluster, do not use braces in the prefix: as a
    /// hash tag, they would put all sessions on one server.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long to wait for a connection; 2 seconds by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = timeout;
        self
    }

    /// Sets how long to wait for the reply to a command; 2 seconds by default.
    #[must_use]
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.command = timeout;
        self
    }

    /// Sets how many replicas must confirm a change before it is acknowledged; 0 by default.
    ///
    /// See [what a failover can lose](RedisStore#what-a-failover-can-lose). The server waits for
    /// the replicas for half of the command timeout; with fewer confirmations, the change fails
    /// with
    /// [`StoreError::OutcomeUnknown`](connect_session_runtime::store::StoreError::OutcomeUnknown).
    #[must_use]
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    /// Accepts a server whose `maxmemory-policy` removes keys when its memory is full, and logs the reason
    /// as a warning at startup.
    ///
    /// Without this, `start()` refuses such a server: it ends sessions at any time, and their users are
    /// logged out. Managed servers often have `volatile-lru` as their default. Where it cannot be changed,
    /// give the server enough memory, and use it for nothing else.
    ///
    /// ```no_run
    /// # use connect_session::store::RedisStore;
    /// # async fn example() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let store = RedisStore::builder()
    ///     .url("redis://cache.example.com")
    ///     .allow_eviction("the provider does not offer noeviction; memory is monitored")
    ///     .build()
    ///     .await?;
    /// # let _ = store;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn allow_eviction(mut self, reason: impl Into<String>) -> Self {
        self.allowed_eviction = Some(reason.into());
        self
    }

    /// Connects, and creates the store. There is no retry.
    ///
    /// # Errors
    /// All problems of the settings; if there are none, the reason why the connection failed.
    pub async fn build(self) -> Result<RedisStore, RedisStoreError> {
        let mut problems = Vec::new();
        let servers = self.options.servers(self.timeouts, &mut problems);
        self.check_settings(&mut problems);
        let Some(servers) = servers.filter(|_| problems.is_empty()) else {
            return Err(RedisStoreError::new(problems));
        };
        let connected = servers.connect().await;
        connected.map_err(|failure| RedisStoreError::new(vec![with_remedy(&failure)]))?;
        let requirements = Requirements {
            replicas: self.replicas,
            allowed_eviction: self.allowed_eviction,
        };
        Ok(RedisStore::of(servers, self.prefix, requirements))
    }

    fn check_settings(&self, problems: &mut Vec<String>) {
        self.options.check_certificates(problems);
        for (name, timeout) in [
            ("connect_timeout", self.timeouts.connect),
            ("command_timeout", self.timeouts.command),
        ] {
            if timeout.is_zero() {
                problems.push(format!(
                    "`{name}` is zero, so every command would time out: set a longer time"
                ));
            }
        }
        let reason = self.allowed_eviction.as_deref();
        if reason.is_some_and(|reason| reason.trim().is_empty()) {
            problems
                .push("`allow_eviction` has no reason: say why sessions may be lost".to_owned());
        }
        if self.prefix.len() > MAX_PREFIX_BYTES {
            problems.push(format!(
                "the prefix has {} bytes: use at most {MAX_PREFIX_BYTES}",
                self.prefix.len()
            ));
        }
    }
}
