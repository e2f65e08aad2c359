//! URLs of a server, of the sentinels of a primary, and of servers of a Cluster.

use connect_session_runtime::server_url::{self, redacted};
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion};

/// Sentinel's default port.
const SENTINEL_PORT: u16 = 26_379;

/// The `lib-name` of the connection in `CLIENT LIST`.
const LIBRARY_NAME: &str = "connect-session";

/// Parses the URL of one server. Errors show the URL without its password.
pub(super) fn parse_server(url: &str) -> Result<ConnectionInfo, String> {
    server_url::check(url).map_err(|problem| {
        format!(
            "{} is not the URL of a Redis server: {problem}; write it as \
             `redis://user:password@host:6379/0`",
            redacted(url)
        )
    })?;
    if url.contains('#') && !url.ends_with("#insecure") {
        return Err(format!(
            "{} has a `#`, which is not allowed in the URL of a Redis server: in a password, write \
             it as `%23`",
            redacted(url)
        ));
    }
    let info = url.into_connection_info().map_err(|error| {
        let error = error.to_string().replace(" - InvalidClientConfig", "");
        format!(
            "{} is not the URL of a Redis server ({error}): write it as \
             `redis://user:password@host:6379/0`, `rediss://…` with TLS, or `unix:///path`; \
             percent-encode every character of a user name or password except letters, digits and \
             `-._~`",
            redacted(url)
        )
    })?;
    if let ConnectionAddr::TcpTls { insecure: true, .. } = info.addr() {
        return Err(format!(
            "{} disables the check of the server's certificate: remove `#insecure`, and pass the \
             certificate to `root_certificate` instead",
            redacted(url)
        ));
    }
    if info.redis_settings().db() < 0 {
        return Err(format!(
            "{} has a database number below 0: use 0 or a higher one",
            redacted(url)
        ));
    }
    let settings = info.redis_settings().clone();
    let settings = settings
        .set_protocol(ProtocolVersion::RESP3)
        .set_lib_name(LIBRARY_NAME, env!("CARGO_PKG_VERSION"));
    Ok(info.set_redis_settings(settings))
}

/// The sentinels of a primary, and how to connect to it.
pub(super) struct SentinelUrl {
    /// The URLs of the sentinels.
    pub(super) sentinels: Vec<String>,
    /// The name of the primary.
    pub(super) name: String,
    /// A URL with the primary's credentials and database. Its host is a placeholder.
    pub(super) primary: String,
}

impl SentinelUrl {
    /// From the URLs of the sentinels. The primary has no credentials yet; it uses TLS if the first
    /// sentinel does.
    pub(super) fn new(sentinels: &[String], name: &str) -> Self {
        let is_tls = |url: &String| url.starts_with("rediss:") || url.starts_with("valkeys:");
        let scheme = if sentinels.first().is_some_and(is_tls) {
            "rediss"
        } else {
            "redis"
        };
        Self {
            sentinels: sentinels.to_vec(),
            name: name.to_owned(),
            primary: format!("{scheme}://primary"),
        }
    }
}

/// Parses `redis-sentinel://user:password@host:26379,host:26379/name/0`; `None` if the scheme is
/// another one.
pub(super) fn parse_sentinel(url: &str) -> Option<Result<SentinelUrl, String>> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme {
        "redis-sentinel" | "redis+sentinel" => "redis",
        "rediss-sentinel" | "rediss+sentinel" => "rediss",
        _ => return None,
    };
    if let Err(problem) = server_url::check(url) {
        let url = redacted(url);
        return Some(Err(format!(
            "{url} does not name sentinels: {problem}; write it as \
             `redis-sentinel://user:password@host:26379,host/name/0`"
        )));
    }
    let (userinfo, rest) = match rest.rsplit_once('@') {
        Some((userinfo, rest)) => (format!("{userinfo}@"), rest),
        None => (String::new(), rest),
    };
    // It belongs to the primary, and may contain a password.
    let (rest, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let mut parts = rest.split('/');
    let (hosts, name) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let database = parts.next().unwrap_or_default();
    if hosts.is_empty() || name.is_empty() {
        return Some(Err(format!(
            "{} does not name a primary: write it as \
             `redis-sentinel://user:password@host:26379,host/name/0`",
            redacted(url)
        )));
    }
    let host = |host: &str| {
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let port = if has_port {
            String::new()
        } else {
            format!(":{SENTINEL_PORT}")
        };
        format!("{scheme}://{host}{port}")
    };
    Some(Ok(SentinelUrl {
        sentinels: hosts.split(',').map(host).collect(),
        name: name.to_owned(),
        primary: format!("{scheme}://{userinfo}primary/{database}{query}"),
    }))
}

/// The URLs of the servers in `redis-cluster://user:password@host:6379,host:6379`; `None` if the
/// scheme is another one.
pub(super) fn parse_cluster(url: &str) -> Option<Vec<String>> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme {
        "redis-cluster" | "redis+cluster" => "redis",
        "rediss-cluster" | "rediss+cluster" => "rediss",
        _ => return None,
    };
    let (userinfo, rest) = match rest.rsplit_once('@') {
        Some((userinfo, rest)) => (format!("{userinfo}@"), rest),
        None => (String::new(), rest),
    };
    // A `,` behind the hosts does not separate two of them.
    let (hosts, behind) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let behind = behind.trim_end_matches('/');
    let url = |host| format!("{scheme}://{userinfo}{host}{behind}");
    Some(hosts.split(',').map(url).collect())
}

/// Creates a client, which does not connect yet. The certificates are used with TLS only.
pub(super) fn open_client(
    info: &ConnectionInfo,
    certificates: Option<&redis::TlsCertificates>,
) -> Result<Client, String> {
    if let ConnectionAddr::TcpTls { .. } = info.addr() {
        // rustls panics if the program links two crypto providers and none is the default.
        let provider = rustls::crypto::ring::default_provider();
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // An error means that another thread has just installed one.
            let _ = provider.install_default();
        }
    }
    let client = match (certificates, info.addr()) {
        (Some(certificates), ConnectionAddr::TcpTls { .. }) => {
            Client::build_with_tls(info.clone(), certificates.clone())
        }
        _ => Client::open(info.clone()),
    };
    client.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_password_is_shown() {
        for url in [
            "redis://u:zq#kret@host:6379",
            "redis://u:97#kret@host",
            "redis://u:97?kret@host",
            "redis://u:97/kret@host",
            "redis://u:zqkret",
            "redis://host/kret:zq",
        ] {
            let text = parse_server(url).expect_err("the driver would read another host");
            for part in ["zq", "kret", "97"] {
                assert!(!text.contains(part), "{url}: {text}");
            }
        }
    }
}
