//! What a store on Redis is made of.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{ClientTlsConfig, ConnectionAddr, ConnectionInfo, TlsCertificates};

use super::RedisStore;
use super::cluster::Cluster;
use super::link::Patience;
use super::node::Node;
use super::servers::Servers;
use super::target::{Sentinels, Target};
use super::{check, url};

/// How long to wait for a connection, unless it is said.
const CONNECT: Duration = Duration::from_secs(2);
/// How long to wait for an answer, unless it is said.
const COMMAND: Duration = Duration::from_secs(2);
/// The longest prefix: a key is sent with every command.
const PREFIX: usize = 128;

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
#[derive(Clone)]
pub struct RedisStoreBuilder {
    places: Vec<Place>,
    credentials: Option<(Option<String>, String)>,
    database: Option<u32>,
    certificates: TlsCertificates,
    prefix: String,
    patience: Patience,
    replicas: u32,
}

/// Where the servers are, as it was said.
#[derive(Clone)]
enum Place {
    Url(String),
    Cluster(Vec<String>),
    Sentinel(Vec<String>, String),
}

impl Default for RedisStoreBuilder {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            credentials: None,
            database: None,
            certificates: TlsCertificates {
                client_tls: None,
                root_cert: None,
            },
            prefix: String::new(),
            patience: Patience {
                connect: CONNECT,
                command: COMMAND,
            },
            replicas: 0,
        }
    }
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("patience", &self.patience)
            .field("replicas", &self.replicas)
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
    pub(super) fn new(problems: Vec<String>) -> Self {
        Self { problems }
    }

    /// What is wrong, each with its mend.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl RedisStoreBuilder {
    /// The server, or the servers: see [`RedisStore::connect`].
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.places.push(Place::Url(url.into()));
        self
    }

    /// Some servers of a Cluster, as URLs; the others are found by them. How to get in is what the
    /// first says.
    #[must_use]
    pub fn cluster(mut self, urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let urls = urls.into_iter().map(Into::into).collect();
        self.places.push(Place::Cluster(urls));
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
        self.places.push(Place::Sentinel(urls, name.into()));
        self
    }

    /// Who the client is, instead of what the URL says. `default` is the user of a password alone.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((Some(user.into()), password.into()));
        self
    }

    /// The number of the database, instead of what the URL says. A Cluster has only 0.
    #[must_use]
    pub fn database(mut self, number: u32) -> Self {
        self.database = Some(number);
        self
    }

    /// The certificates, in PEM, that a server's must be signed by, instead of those that the system
    /// trusts.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.root_cert = Some(pem.into());
        self
    }

    /// The client's own certificate and its private key, in PEM.
    #[must_use]
    pub fn client_certificate(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.certificates.client_tls = Some(ClientTlsConfig {
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
        self.patience.connect = timeout;
        self
    }

    /// How long to wait for an answer, 2 seconds by default.
    #[must_use]
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.patience.command = timeout;
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
        let servers = self.servers(&mut problems);
        self.judge(&mut problems);
        let Some(servers) = servers.filter(|_| problems.is_empty()) else {
            return Err(RedisStoreError::new(problems));
        };
        let connected = servers.connect().await;
        connected.map_err(|failure| RedisStoreError::new(vec![check::mend(&failure)]))?;
        Ok(RedisStore::new(servers, self.prefix, self.replicas))
    }

    fn judge(&self, problems: &mut Vec<String>) {
        for (name, timeout) in [
            ("connect_timeout", self.patience.connect),
            ("command_timeout", self.patience.command),
        ] {
            if timeout.is_zero() {
                problems.push(format!("`{name}` is zero: nothing would ever be in time"));
            }
        }
        let client = self.certificates.client_tls.as_ref();
        for (name, pem, part) in [
            (
                "root_certificate",
                self.certificates.root_cert.as_ref(),
                "CERTIFICATE-----",
            ),
            (
                "client_certificate",
                client.map(|client| &client.client_cert),
                "CERTIFICATE-----",
            ),
            (
                "client_certificate",
                client.map(|client| &client.client_key),
                "PRIVATE KEY-----",
            ),
        ] {
            let has = |pem: &Vec<u8>| String::from_utf8_lossy(pem).contains(part);
            if pem.is_some_and(|pem| !has(pem)) {
                problems.push(format!(
                    "`{name}` is not PEM: it takes the text of a file that has a \
                    line with `{part}`"
                ));
            }
        }
        if self.prefix.len() > PREFIX {
            problems.push(format!(
                "the prefix has {} bytes: it may have {PREFIX}",
                self.prefix.len()
            ));
        }
    }

    fn servers(&self, problems: &mut Vec<String>) -> Option<Servers> {
        let [place] = &*self.places else {
            problems.push(match self.places.len() {
                0 => "no server is named: say one of `url`, `cluster` and `sentinel`".to_owned(),
                _ => {
                    "the servers are named twice: say one of `url`, `cluster` and `sentinel`, once"
                        .to_owned()
                }
            });
            return None;
        };
        match place {
            Place::Cluster(urls) => self.cluster_of(urls, problems),
            Place::Sentinel(urls, name) => self.watched(urls, name, urls.first()?, problems),
            Place::Url(text) => {
                if let Some(urls) = url::cluster(text) {
                    return self.cluster_of(&urls, problems);
                }
                match url::sentinels(text) {
                    Some(Ok(watch)) => {
                        self.watched(&watch.sentinels, &watch.name, &watch.primary, problems)
                    }
                    Some(Err(problem)) => {
                        problems.push(problem);
                        None
                    }
                    None => {
                        let info = self.way_in(text, problems)?;
                        let client = self.client(&info, problems)?;
                        Some(Servers::One(Node::new(
                            Target::server(client),
                            self.patience,
                        )))
                    }
                }
            }
        }
    }

    fn cluster_of(&self, urls: &[String], problems: &mut Vec<String>) -> Option<Servers> {
        let infos: Vec<_> = (urls.iter())
            .map(|url| self.way_in(url, problems))
            .collect();
        let infos: Vec<ConnectionInfo> = infos.into_iter().collect::<Option<_>>()?;
        let clients: Vec<_> = (infos.iter())
            .map(|info| self.client(info, problems))
            .collect();
        let clients: Vec<_> = clients.into_iter().collect::<Option<_>>()?;
        let Some(first) = clients.first() else {
            problems.push("`cluster` names no server: one at least is needed".to_owned());
            return None;
        };
        let template = first.get_connection_info().clone();
        if template.redis_settings().db() != 0 {
            problems.push("a Cluster has only the database 0".to_owned());
        }
        if matches!(template.addr(), ConnectionAddr::Unix(_)) {
            problems.push("the servers of a Cluster are reached by TCP: name hosts".to_owned());
        }
        Some(Servers::Cluster(Cluster::new(
            clients,
            template,
            self.patience,
        )))
    }

    fn watched(
        &self,
        urls: &[String],
        name: &str,
        primary: &str,
        problems: &mut Vec<String>,
    ) -> Option<Servers> {
        let clients: Vec<_> = (urls.iter())
            .map(|url| {
                let info = url::server(url).map_err(|problem| problems.push(problem));
                info.ok().and_then(|info| self.client(&info, problems))
            })
            .collect();
        let clients = clients.into_iter().collect::<Option<Vec<_>>>()?;
        let info = self.way_in(primary, problems)?;
        let client = self.client(&info, problems)?;
        let sentinels = Sentinels {
            clients,
            name: name.to_owned(),
            template: client.get_connection_info().clone(),
        };
        let target = Target::Primary(Arc::new(sentinels));
        Some(Servers::One(Node::new(target, self.patience)))
    }

    /// What a URL says, and what was said otherwise.
    fn way_in(&self, url: &str, problems: &mut Vec<String>) -> Option<ConnectionInfo> {
        let info = match url::server(url) {
            Ok(info) => info,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        let mut settings = info.redis_settings().clone();
        if let Some((user, password)) = &self.credentials {
            settings = settings.set_password(password);
            if let Some(user) = user {
                settings = settings.set_username(user);
            }
        }
        if let Some(database) = self.database {
            settings = settings.set_db(database.into());
        }
        Some(info.set_redis_settings(settings))
    }

    fn client(&self, info: &ConnectionInfo, problems: &mut Vec<String>) -> Option<redis::Client> {
        let is_given =
            self.certificates.root_cert.is_some() || self.certificates.client_tls.is_some();
        let certificates = is_given.then_some(&self.certificates);
        match url::client(info, certificates) {
            Ok(client) => Some(client),
            Err(problem) => {
                problems.push(format!("the certificates cannot be used: {problem}"));
                None
            }
        }
    }
}
