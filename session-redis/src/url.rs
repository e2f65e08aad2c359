//! What a URL says: one server, the sentinels of a primary, or servers of a Cluster.

use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion};

/// Where sentinels listen, unless they are told otherwise.
const SENTINEL_PORT: u16 = 26_379;

/// The name by which the server knows its client, in `CLIENT LIST`.
const LIBRARY_NAME: &str = "connect-session";

/// How to get into one server. What is wrong is told without the URL, which has a password.
pub(super) fn parse_server(url: &str) -> Result<ConnectionInfo, String> {
    // Of what is before a `#` in a password, the driver would make a host and a port.
    if url.contains('#') && !url.ends_with("#insecure") {
        return Err(format!(
            "{} has a `#`, which belongs to no URL of a Redis server: in a password it is written \
             as `%23`",
            redacted(url)
        ));
    }
    let info = url.into_connection_info().map_err(|error| {
        let error = error.to_string().replace(" - InvalidClientConfig", "");
        format!(
            "{} is no URL of a Redis server ({error}): it is like \
             `redis://user:password@host:6379/0`, `rediss://…` with TLS, or `unix:///path`; other \
             characters than letters, digits and `-._~` in a user name or password are written as \
             `%` and their code",
            redacted(url)
        )
    })?;
    if let ConnectionAddr::TcpTls { insecure: true, .. } = info.addr() {
        return Err(format!(
            "{} asks not to check the server's certificate: instead, trust it by \
             `root_certificate`",
            redacted(url)
        ));
    }
    if info.redis_settings().db() < 0 {
        return Err(format!("{} names a database below 0", redacted(url)));
    }
    let settings = info.redis_settings().clone();
    let settings = settings
        .set_protocol(ProtocolVersion::RESP3)
        .set_lib_name(LIBRARY_NAME, env!("CARGO_PKG_VERSION"));
    Ok(info.set_redis_settings(settings))
}

/// What the URL of a primary that is watched says.
pub(super) struct SentinelUrl {
    /// URLs of the sentinels.
    pub(super) sentinels: Vec<String>,
    pub(super) name: String,
    /// How to get into the primary, at an address that means nothing.
    pub(super) primary: String,
}

impl SentinelUrl {
    /// By the URLs of the sentinels; how to get into the primary is said elsewhere, but it speaks TLS
    /// if they do.
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

/// The parts of `redis-sentinel://user:password@host:26379,host:26379/name/0`.
pub(super) fn parse_sentinel(url: &str) -> Option<Result<SentinelUrl, String>> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme {
        "redis-sentinel" | "redis+sentinel" => "redis",
        "rediss-sentinel" | "rediss+sentinel" => "rediss",
        _ => return None,
    };
    let (userinfo, rest) = match rest.rsplit_once('@') {
        Some((userinfo, rest)) => (format!("{userinfo}@"), rest),
        None => (String::new(), rest),
    };
    let mut parts = rest.split('/');
    let (hosts, name) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let database = parts.next().unwrap_or_default();
    if hosts.is_empty() || name.is_empty() {
        return Some(Err(format!(
            "{} names no primary: it is like `redis-sentinel://user:password@host:26379,host/name/0`",
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
        primary: format!("{scheme}://{userinfo}primary/{database}"),
    }))
}

/// The servers of `redis-cluster://user:password@host:6379,host:6379`.
pub(super) fn parse_cluster(url: &str) -> Option<Vec<String>> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme {
        "redis-cluster" | "redis+cluster" => "redis",
        "rediss-cluster" | "rediss+cluster" => "rediss",
        _ => return None,
    };
    let (userinfo, hosts) = match rest.rsplit_once('@') {
        Some((userinfo, hosts)) => (format!("{userinfo}@"), hosts),
        None => (String::new(), rest),
    };
    let hosts = hosts.trim_end_matches('/').split(',');
    Some(
        hosts
            .map(|host| format!("{scheme}://{userinfo}{host}"))
            .collect(),
    )
}

/// A client that gets in, and checks the server by these certificates.
pub(super) fn open_client(
    info: &ConnectionInfo,
    certificates: Option<&redis::TlsCertificates>,
) -> Result<Client, String> {
    if let ConnectionAddr::TcpTls { .. } = info.addr() {
        // With two providers in the program, and none chosen, rustls would panic.
        let provider = rustls::crypto::ring::default_provider();
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Somebody else may just have been faster, which is as good.
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

/// The URL without what nobody else must know. A password that was not escaped may stand in any part,
/// so only what can be nothing else than a location is redacted_url.
pub(super) fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "the text".to_owned();
    };
    let (userinfo, location) = match rest.rsplit_once('@') {
        Some((userinfo, location)) => (userinfo, location),
        None => ("", rest),
    };
    // What is behind a `?` may be a password too.
    let location = location.split(['?', '#']).next().unwrap_or_default();
    let hosts = location.split('/').next().unwrap_or_default();
    let is_port = |port: &str| port.bytes().all(|digit| digit.is_ascii_digit());
    let is_host = |host: &str| match host.rsplit_once(':') {
        Some((_, port)) => host.ends_with(']') || is_port(port),
        None => true,
    };
    let is_scheme =
        (scheme.bytes()).all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'-');
    if !is_scheme {
        "the text".to_owned()
    } else if userinfo.contains(['?', '#', '/']) || !hosts.split(',').all(is_host) {
        format!("`{scheme}://…`")
    } else if rest.contains('@') {
        format!("`{scheme}://…@{location}`")
    } else {
        format!("`{scheme}://{location}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_password_is_shown() {
        for url in [
            "redis://u:se#kret@host:6379",
            "redis://u:se?kret@host:6379",
            "redis://u:se/kret@host:6379",
            "redis://u:se@kret#se@host",
            "redis://host?password=se@kret",
            "redis://u:sekret",
            "u:sekret@host",
            "u:se://kret@host",
            "redis://u:s%ek%re@host:65536000",
        ] {
            let redacted_url = redacted(url);
            for part in ["se", "kret", "s%e"] {
                assert!(!redacted_url.contains(part), "{url}: {redacted_url}");
            }
            if let Err(text) = parse_server(url) {
                assert!(!text.contains("kret") && !text.contains("u:se"), "{text}");
            }
        }
        let text = parse_server("redis://u:12#kret@host").expect_err("a host `u` and a port 12");
        assert!(
            text.contains("%23") && !text.contains("12#") && !text.contains("kret"),
            "{text}"
        );
    }

    #[test]
    fn a_place_is_shown() {
        for (url, redacted_url) in [
            ("redis://u:pw@host:1/x", "`redis://…@host:1/x`"),
            ("rediss://[::1]/0#insecure", "`rediss://[::1]/0`"),
            ("unix:///run/redis.sock?pass=pw", "`unix:///run/redis.sock`"),
            ("redis-cluster://a:1,b", "`redis-cluster://a:1,b`"),
        ] {
            assert_eq!(redacted(url), redacted_url);
        }
    }
}
