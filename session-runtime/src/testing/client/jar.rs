//! What a client keeps of the responses: its cookies, and a sid that came in a header.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::SET_COOKIE;

/// The cookies and the sid of a client.
#[derive(Default)]
pub(super) struct Jar {
    /// The sid of the latest response that had one in the header of the config.
    pub(super) header_sid: Option<String>,
    cookies: Vec<Cookie>,
}

/// A cookie. A client of one application sends it to every host, and as if it used HTTPS.
pub(super) struct Cookie {
    slot: Slot,
    value: String,
    /// `None` if it ends with the browser.
    expires: Option<SystemTime>,
}

/// What distinguishes two cookies (RFC 6265, 5.3).
#[derive(PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) domain: String,
    pub(super) path: String,
    pub(super) is_partitioned: bool,
}

impl Jar {
    /// Keeps the cookies of a response to a request for this path, and removes those that it expires.
    pub(super) fn keep_cookies(&mut self, headers: &HeaderMap, path: &str, now: SystemTime) {
        for line in headers.get_all(SET_COOKIE) {
            let cookie = line
                .to_str()
                .ok()
                .and_then(|line| Cookie::parse(line, path, now));
            if let Some(cookie) = cookie {
                self.insert(cookie, now);
            }
        }
    }

    /// Keeps a cookie until the browser is closed.
    pub(super) fn add_cookie(&mut self, slot: Slot, value: String, now: SystemTime) {
        let cookie = Cookie {
            slot,
            value,
            expires: None,
        };
        self.insert(cookie, now);
    }

    fn insert(&mut self, cookie: Cookie, now: SystemTime) {
        self.cookies.retain(|other| other.slot != cookie.slot);
        if !cookie.has_expired(now) {
            self.cookies.push(cookie);
        }
    }

    /// Removes every cookie of this name.
    pub(super) fn remove_cookies(&mut self, name: &str) {
        self.cookies.retain(|cookie| cookie.slot.name != name);
    }

    /// The value of the `Cookie` header of a request for this path, or for any path.
    pub(super) fn cookie_header(&self, path: Option<&str>, now: SystemTime) -> Option<String> {
        let pairs: Vec<_> = (self.cookies.iter())
            .filter(|cookie| !cookie.has_expired(now))
            .filter(|cookie| path.is_none_or(|path| is_below(path, &cookie.slot.path)))
            .map(|cookie| format!("{}={}", cookie.slot.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

impl Cookie {
    /// Parses a `Set-Cookie` header. Of the attributes that end a cookie, it knows `Max-Age`.
    fn parse(line: &str, request_path: &str, now: SystemTime) -> Option<Self> {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let mut cookie = Self {
            slot: Slot {
                name: name.trim().to_owned(),
                domain: String::new(),
                path: default_path(request_path).to_owned(),
                is_partitioned: false,
            },
            value: value.trim().to_owned(),
            expires: None,
        };
        for attribute in parts {
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "domain" => cookie.slot.domain = normal_domain(value),
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.slot.path),
                "partitioned" => cookie.slot.is_partitioned = true,
                "max-age" => {
                    if let Ok(seconds) = value.trim().parse::<i64>() {
                        let left = Duration::from_secs(seconds.try_into().unwrap_or(0));
                        cookie.expires = now.checked_add(left);
                    }
                }
                _ => {}
            }
        }
        Some(cookie)
    }

    fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

pub(super) fn normal_domain(domain: &str) -> String {
    domain.trim().trim_start_matches('.').to_ascii_lowercase()
}

/// The path of a cookie that says none (RFC 6265, 5.1.4).
fn default_path(request_path: &str) -> &str {
    match request_path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &request_path[..end],
    }
}

/// Whether a cookie of this path is sent with a request (RFC 6265, 5.1.4).
fn is_below(request_path: &str, cookie_path: &str) -> bool {
    request_path
        .strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie_path.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn jar(lines: &[&'static str]) -> Jar {
        let mut jar = Jar::default();
        for line in lines {
            let mut headers = HeaderMap::new();
            headers.insert(SET_COOKIE, HeaderValue::from_static(line));
            jar.keep_cookies(&headers, "/shop/cart", SystemTime::UNIX_EPOCH);
        }
        jar
    }

    fn sent(lines: &[&'static str], path: &str, after: u64) -> Option<String> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(after);
        jar(lines).cookie_header(Some(path), now)
    }

    #[test]
    fn a_cookie_replaces_only_one_with_its_name_domain_and_path() {
        let lines = ["a=1; Path=/", "a=2; path=/; Secure", "a=3; Path=/shop"];
        assert_eq!(sent(&lines, "/", 0).as_deref(), Some("a=2"));
        assert_eq!(sent(&lines, "/shop/x", 0).as_deref(), Some("a=2; a=3"));
        let lines = [
            "a=1; Path=/; Domain=.Example.com",
            "a=2; Path=/; Domain=example.com",
            "a=3; Path=/",
            "a=4; Path=/; Partitioned",
        ];
        assert_eq!(sent(&lines, "/", 0).as_deref(), Some("a=2; a=3; a=4"));
    }

    #[test]
    fn a_cookie_ends_with_its_maximum_age() {
        let lines = ["a=1; Path=/; Max-Age=60", "b=2; Path=/"];
        assert_eq!(sent(&lines, "/", 59).as_deref(), Some("a=1; b=2"));
        assert_eq!(sent(&lines, "/", 60).as_deref(), Some("b=2"));
        for end in ["a=; Path=/; Max-Age=0", "a=; Path=/; Max-Age=-1"] {
            assert_eq!(sent(&["a=1; Path=/", end], "/", 0), None);
        }
    }

    #[test]
    fn a_cookie_is_sent_below_its_path_only() {
        for (path, is_sent) in [
            ("/shop", true),
            ("/shop/cart", true),
            ("/shopping", false),
            ("/", false),
        ] {
            assert_eq!(sent(&["a=1"], path, 0).is_some(), is_sent, "{path}");
            assert_eq!(
                sent(&["a=1; Path=/shop/"], path, 0).is_some(),
                path == "/shop/cart"
            );
        }
    }
}
