//! Addresses, credentials and certificates as set on the builder, and the servers they describe.

use std::sync::Arc;

use redis::{ConnectionAddr, ConnectionInfo, TlsCertificates};

use super::address::{Sentinels, ServerAddress};
use super::cluster::Cluster;
use super::node::Node;
use super::servers::Servers;
use super::timeouts::Timeouts;
use super::url;

/// The settings of the builder that concern the connection.
#[derive(Clone)]
pub(super) struct ConnectOptions {
    /// One entry for each call that names servers. Exactly one is valid.
    pub(super) endpoints: Vec<Endpoint>,
    /// A user name and a password. They replace those of the URL.
    pub(super) credentials: Option<(String, String)>,
    /// The number of a database. It replaces that of the URL.
    pub(super) database: Option<u32>,
    pub(super) certificates: TlsCertificates,
}

/// The servers, as named by one call on the builder.
#[derive(Clone)]
pub(super) enum Endpoint {
    Url(String),
    Cluster(Vec<String>),
    /// The URLs of the sentinels, and the name of the primary.
    Sentinel(Vec<String>, String),
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            credentials: None,
            database: None,
            certificates: TlsCertificates {
                client_tls: None,
                root_cert: None,
            },
        }
    }
}

impl ConnectOptions {
    /// Creates the servers without connecting. Adds every problem of the settings to `problems`.
    pub(super) fn servers(
        &self,
        timeouts: Timeouts,
        problems: &mut Vec<String>,
    ) -> Option<Servers> {
        let [endpoint] = &*self.endpoints else {
            problems.push(match self.endpoints.len() {
                0 => "no server is named: call one of `url`, `cluster` and `sentinel`".to_owned(),
                _ => {
                    "the servers are named twice: call one of `url`, `cluster` and `sentinel`, once"
                        .to_owned()
                }
            });
            return None;
        };
        match endpoint {
            Endpoint::Cluster(urls) => self.cluster_servers(urls, timeouts, problems),
            Endpoint::Sentinel(urls, name) => {
                let sentinel_url = url::SentinelUrl::new(urls, name);
                self.sentinel_servers(&sentinel_url, timeouts, problems)
            }
            Endpoint::Url(text) => {
                if let Some(urls) = url::parse_cluster(text) {
                    return self.cluster_servers(&urls, timeouts, problems);
                }
                match url::parse_sentinel(text) {
                    Some(Ok(sentinel_url)) => {
                        self.sentinel_servers(&sentinel_url, timeouts, problems)
                    }
                    Some(Err(problem)) => {
                        problems.push(problem);
                        None
                    }
                    None => {
                        let info = self.connection_info(text, problems)?;
                        let client = self.client(&info, problems)?;
                        Some(Servers::One(Node::new(
                            ServerAddress::direct(client),
                            timeouts,
                        )))
                    }
                }
            }
        }
    }

    fn cluster_servers(
        &self,
        urls: &[String],
        timeouts: Timeouts,
        problems: &mut Vec<String>,
    ) -> Option<Servers> {
        let infos: Vec<_> = (urls.iter())
            .map(|url| self.connection_info(url, problems))
            .collect();
        let infos: Vec<ConnectionInfo> = infos.into_iter().collect::<Option<_>>()?;
        let clients: Vec<_> = (infos.iter())
            .map(|info| self.client(info, problems))
            .collect();
        let clients: Vec<_> = clients.into_iter().collect::<Option<_>>()?;
        let Some(first) = clients.first() else {
            problems.push("`cluster` names no server: at least one is required".to_owned());
            return None;
        };
        let template = first.get_connection_info().clone();
        if template.redis_settings().db() != 0 {
            problems.push("a Cluster has only database 0: remove the other number".to_owned());
        }
        if matches!(template.addr(), ConnectionAddr::Unix(_)) {
            problems.push(
                "a Cluster cannot be reached by a Unix socket: use URLs with hosts".to_owned(),
            );
        }
        Some(Servers::Cluster(Cluster::new(clients, template, timeouts)))
    }

    fn sentinel_servers(
        &self,
        sentinel_url: &url::SentinelUrl,
        timeouts: Timeouts,
        problems: &mut Vec<String>,
    ) -> Option<Servers> {
        if sentinel_url.sentinels.is_empty() {
            problems.push("`sentinel` names no sentinel: at least one is required".to_owned());
        }
        let clients: Vec<_> = (sentinel_url.sentinels.iter())
            .map(|url| {
                let info = url::parse_server(url).map_err(|problem| problems.push(problem));
                info.ok().and_then(|info| self.client(&info, problems))
            })
            .collect();
        let clients = clients.into_iter().collect::<Option<Vec<_>>>()?;
        let info = self.connection_info(&sentinel_url.primary, problems)?;
        let client = self.client(&info, problems)?;
        let sentinels = Sentinels {
            clients,
            name: sentinel_url.name.clone(),
            template: client.get_connection_info().clone(),
        };
        let address = ServerAddress::Sentinel(Arc::new(sentinels));
        Some(Servers::One(Node::new(address, timeouts)))
    }

    /// Parses a URL and applies `credentials` and `database`.
    fn connection_info(&self, url: &str, problems: &mut Vec<String>) -> Option<ConnectionInfo> {
        let info = match url::parse_server(url) {
            Ok(info) => info,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        let mut settings = info.redis_settings().clone();
        if let Some((user, password)) = &self.credentials {
            settings = settings.set_username(user).set_password(password);
        }
        if let Some(database) = self.database {
            settings = settings.set_db(database.into());
        }
        Some(info.set_redis_settings(settings))
    }

    fn client(&self, info: &ConnectionInfo, problems: &mut Vec<String>) -> Option<redis::Client> {
        let has_certificates =
            self.certificates.root_cert.is_some() || self.certificates.client_tls.is_some();
        let certificates = has_certificates.then_some(&self.certificates);
        match url::open_client(info, certificates) {
            Ok(client) => Some(client),
            Err(problem) => {
                problems.push(format!("the certificates cannot be loaded: {problem}"));
                None
            }
        }
    }

    /// Reports text that contains no PEM block. The driver would treat it as an empty list.
    pub(super) fn check_certificates(&self, problems: &mut Vec<String>) {
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
                    "`{name}` is not PEM: pass the content of a file that has a line with `{part}`"
                ));
            }
        }
    }
}
