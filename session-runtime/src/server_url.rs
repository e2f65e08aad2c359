//! URLs of servers, which can contain a password.
//!
//! Where a password contains a character that it should not, a driver takes a part of it for a host, a
//! port, a path or a query, and shows that in its messages. Stores therefore [`check`] a URL before they
//! pass it to a driver, and show nothing of it but what [`redacted`] returns.

/// Checks that the user name and the password are where a driver looks for them: before the last `@`, and
/// before any `/`, `?` and `#`.
///
/// ```
/// use connect_session_runtime::server_url;
///
/// assert_eq!(server_url::check("postgres://app:12%2F34@db/shop"), Ok(()));
/// assert!(server_url::check("postgres://app:12/34@db/shop").is_err());
/// ```
///
/// # Errors
/// What is wrong and how to write it, without any part of the URL.
pub fn check(url: &str) -> Result<(), &'static str> {
    let Some((_, rest)) = url.split_once("://") else {
        return Ok(());
    };
    let (authority, behind) = split_at_first(rest, &['/', '?', '#']);
    let (userinfo, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_encoded = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.contains("%3a") || text.contains("%40")
    };
    if behind.contains('@') {
        return Err(
            "it contains an `@` behind its host: percent-encode every character of a user name or \
             password except letters, digits and `-._~`, and an `@` in any other part as `%40`",
        );
    }
    if is_encoded(host) || is_encoded(userinfo.split(':').next().unwrap_or_default()) {
        return Err(
            "it contains an encoded `:` or `@` in its user name or host: write the `:` between user \
             name and password and the `@` before the host as they are",
        );
    }
    Ok(())
}

/// The URL without its user name, password and query, in backticks, for a message. A password that is not
/// percent-encoded can end up in any part of a URL, so only parts that cannot contain it are shown.
///
/// ```
/// use connect_session_runtime::server_url;
///
/// assert_eq!(server_url::redacted("redis://app:pw@host:6379/0"), "`redis://…@host:6379/0`");
/// assert_eq!(server_url::redacted("redis://app:12/34@host"), "`redis://…`");
/// ```
#[must_use]
pub fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "the text".to_owned();
    };
    let is_scheme =
        (scheme.bytes()).all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'-');
    if !is_scheme {
        return "the text".to_owned();
    }
    let (location, _) = split_at_first(rest, &['?', '#']);
    let (authority, path) = split_at_first(location, &['/']);
    let hosts = authority
        .rsplit_once('@')
        .map_or(authority, |(_, hosts)| hosts);
    let is_port = |port: &str| port.bytes().all(|digit| digit.is_ascii_digit());
    let is_host = |host: &str| match host.rsplit_once(':') {
        Some((host, port)) => (host.ends_with(']') || !host.contains(':')) && is_port(port),
        None => true,
    };
    let are_hosts = hosts
        .split(',')
        .all(|host| host.ends_with(']') || is_host(host));
    if check(url).is_err() || !are_hosts || path.contains(':') {
        format!("`{scheme}://…`")
    } else if authority.contains('@') {
        let (_, location) = location.rsplit_once('@').unwrap_or(("", location));
        format!("`{scheme}://…@{location}`")
    } else {
        format!("`{scheme}://{location}`")
    }
}

/// The text before the first of these characters, and the rest.
fn split_at_first<'a>(text: &'a str, characters: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(characters).unwrap_or(text.len()))
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
            "redis://u:se@kret@other",
            "redis://host?password=se@kret",
            "redis://host?password=sekret",
            "redis://u:sekret",
            "redis://u%3Asekret@host",
            "redis://u:sekret%40host",
            "u:sekret@host",
            "u:se://kret@host",
            "redis://u:s%ek%re@host:65536000",
            "mysql:///u:sekret@host",
            "mysql:///u:sekret",
            "postgres://u:12/sekret@host",
        ] {
            let redacted_url = redacted(url);
            for part in ["se", "kret", "s%e", "12"] {
                assert!(!redacted_url.contains(part), "{url}: {redacted_url}");
            }
        }
    }

    #[test]
    fn host_path_and_scheme_are_shown() {
        for (url, redacted_url) in [
            ("redis://u:pw@host:1/x", "`redis://…@host:1/x`"),
            ("rediss://[::1]/0#insecure", "`rediss://[::1]/0`"),
            ("rediss://[::1]:7/0", "`rediss://[::1]:7/0`"),
            ("unix:///run/redis.sock?pass=pw", "`unix:///run/redis.sock`"),
            ("redis-cluster://a:1,b", "`redis-cluster://a:1,b`"),
        ] {
            assert_eq!(redacted(url), redacted_url);
        }
    }

    #[test]
    fn a_url_with_its_password_in_place_is_accepted() {
        for url in [
            "postgres://u:12%2F34%40@host:5432/shop?application_name=a",
            "postgres://u@%2Frun%2Fpostgresql/shop",
            "unix:///run/redis.sock?pass=pw",
            "redis-sentinel://u:p:w@a:1,b/name/0",
            "mysql://[::1]/shop",
            "memory",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }
}
