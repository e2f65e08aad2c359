//! Where the servers are, and how to get into them.

use std::sync::Arc;

use redis::{ConnectionAddr, ConnectionInfo, TlsCertificates};

use super::cluster::Cluster;
use super::link::Patience;
use super::node::Node;
use super::servers::Servers;
use super::target::{Sentinels, Target};
use super::url;

/// What was said of it.
#[derive(Clone)]
pub(super) struct WayIn {
    pub(super) places: Vec<Place>,
    /// A user and a password.
    pub(super) credentials: Option<(String, String)>,
    pub(super) database: Option<u32>,
    pub(super) certificates: TlsCertificates,
}

/// Where the servers are, as it was said.
#[derive(Clone)]
pub(super) enum Place {
    Url(String),
    Cluster(Vec<String>),
    Sentinel(Vec<String>, String),
}

impl Default for WayIn {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            credentials: None,
            database: None,
            certificates: TlsCertificates {
                client_tls: None,
                root_cert: None,
            },
        }
    }
}

impl WayIn {
    pub(super) fn servers(
        &self,
        patience: Patience,
        problems: &mut Vec<String>,
    ) -> Option<Servers> {
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
            Place::Cluster(urls) => self.cluster_of(urls, patience, problems),
            Place::Sentinel(urls, name) => {
                let watch = url::Watch::of(urls, name);
                self.watched(&watch, patience, problems)
            }
            Place::Url(text) => {
                if let Some(urls) = url::cluster(text) {
                    return self.cluster_of(&urls, patience, problems);
                }
                match url::sentinels(text) {
                    Some(Ok(watch)) => self.watched(&watch, patience, problems),
                    Some(Err(problem)) => {
                        problems.push(problem);
                        None
                    }
                    None => {
                        let info = self.way_in(text, problems)?;
                        let client = self.client(&info, problems)?;
                        Some(Servers::One(Node::new(Target::server(client), patience)))
                    }
                }
            }
        }
    }

    fn cluster_of(
        &self,
        urls: &[String],
        patience: Patience,
        problems: &mut Vec<String>,
    ) -> Option<Servers> {
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
        Some(Servers::Cluster(Cluster::new(clients, template, patience)))
    }

    fn watched(
        &self,
        watch: &url::Watch,
        patience: Patience,
        problems: &mut Vec<String>,
    ) -> Option<Servers> {
        if watch.sentinels.is_empty() {
            problems.push("`sentinel` names no sentinel: one at least is needed".to_owned());
        }
        let clients: Vec<_> = (watch.sentinels.iter())
            .map(|url| {
                let info = url::server(url).map_err(|problem| problems.push(problem));
                info.ok().and_then(|info| self.client(&info, problems))
            })
            .collect();
        let clients = clients.into_iter().collect::<Option<Vec<_>>>()?;
        let info = self.way_in(&watch.primary, problems)?;
        let client = self.client(&info, problems)?;
        let sentinels = Sentinels {
            clients,
            name: watch.name.clone(),
            template: client.get_connection_info().clone(),
        };
        let target = Target::Primary(Arc::new(sentinels));
        Some(Servers::One(Node::new(target, patience)))
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
            settings = settings.set_username(user).set_password(password);
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

    /// Says of certificates that are none; the driver takes them for an empty list.
    pub(super) fn judge_certificates(&self, problems: &mut Vec<String>) {
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
    }
}
