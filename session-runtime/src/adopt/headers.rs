//! The headers of a request, and the cookie that carried the old id.

use std::fmt;
use std::net::IpAddr;

use http::header::COOKIE;

use crate::loader::{RequestHead, cookie_values};

/// How many cookies of one name are looked at.
const MAX_VALUES: usize = 32;

/// The headers of a request, in whose cookies [`OldSessions::find`](super::OldSessions::find) looks for an
/// old id. `Debug` shows none of them.
#[derive(Clone)]
pub struct RequestHeaders {
    headers: Vec<(Box<str>, Box<[u8]>)>,
    peer_ip: Option<IpAddr>,
}

impl RequestHeaders {
    /// Copies the headers of a request, because they are needed after its head is gone. `None` if it has no
    /// cookies.
    pub(crate) fn of(head: RequestHead<'_>) -> Option<Self> {
        head.first(&COOKIE)?;
        let mut headers = Vec::new();
        head.visit_all(|name, value| headers.push((name.into(), value.into())));
        Some(Self {
            headers,
            peer_ip: head.peer_ip(),
        })
    }

    /// These headers, for tests of an [`OldSessions`](super::OldSessions).
    ///
    /// ```
    /// use connect_session::adopt::RequestHeaders;
    ///
    /// let headers = RequestHeaders::new([("Cookie", "theme=dark; sid=abc"), ("Cookie", "sid=def")]);
    /// assert_eq!(headers.cookies("sid").collect::<Vec<_>>(), ["abc", "def"]);
    /// ```
    pub fn new<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let headers = headers.into_iter();
        let headers = headers.map(|(name, value)| (name.into(), value.as_bytes().into()));
        Self {
            headers: headers.collect(),
            peer_ip: None,
        }
    }

    /// The values of the cookies with this name, without quotes, as the client sent them. At most 32, and
    /// only those that are UTF-8.
    pub fn cookies(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.values("cookie");
        let values = lines.flat_map(move |line| cookie_values(line, name));
        let values = values.take(MAX_VALUES);
        values.filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first value of a header, if it is UTF-8. The name is not case-sensitive.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.values(name).next()?).ok()
    }

    /// The address that the request came from, which may be that of a proxy. Known only on axum, with the
    /// feature `axum-session`, if the program serves `into_make_service_with_connect_info::<SocketAddr>()`.
    #[must_use]
    pub fn peer_ip(&self) -> Option<IpAddr> {
        self.peer_ip
    }

    /// The values of a header, in the order of the request.
    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let headers = self.headers.iter();
        let same = headers.filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        same.map(|(_, value)| &**value)
    }
}

impl fmt::Debug for RequestHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHeaders").finish_non_exhaustive()
    }
}

/// The name, path and domain of the cookie that carried the old id, to expire it.
///
/// ```
/// use connect_session::adopt::OldCookie;
///
/// let cookie = OldCookie::new("connect.sid").path("/shop").domain("example.com");
/// # let _ = cookie;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldCookie {
    name: String,
    path: String,
    domain: Option<String>,
}

impl OldCookie {
    /// A cookie with this name, for the path `/` of one host.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: "/".to_owned(),
            domain: None,
        }
    }

    /// The same with another `Path`.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// The same with a `Domain`.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `Set-Cookie` value that expires it.
    pub(crate) fn expired(&self) -> String {
        let Self { name, path, domain } = self;
        let domain =
            (domain.as_ref()).map_or_else(String::new, |domain| format!("; Domain={domain}"));
        // A browser ignores a cookie with one of the prefixes `__Host-` and `__Secure-` without it.
        let secure = if name.starts_with("__") {
            "; Secure"
        } else {
            ""
        };
        format!("{name}=; Path={path}{domain}{secure}; HttpOnly; SameSite=Lax; Max-Age=0")
    }
}
