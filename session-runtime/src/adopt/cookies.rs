//! The cookies of a request, and the one that carried the old id.

use std::fmt;

use http::header::COOKIE;

use crate::loader::{RequestHead, cookie_values};

/// How many cookies of one name are looked at.
const MAX_VALUES: usize = 32;

/// The cookies of a request, in which [`OldSessions::find`](super::OldSessions::find) looks for an old id.
/// `Debug` shows none of them.
#[derive(Clone)]
pub struct RequestCookies(Vec<Box<[u8]>>);

impl RequestCookies {
    /// Copies the cookies of a request, because they are needed after its head is gone. `None` if there are
    /// none.
    pub(crate) fn of(head: RequestHead<'_>) -> Option<Self> {
        let mut lines = Vec::new();
        head.visit(&COOKIE, |line| lines.push(line.into()));
        (!lines.is_empty()).then_some(Self(lines))
    }

    /// The cookies of these `Cookie` headers, for tests of an
    /// [`OldSessions`](super::OldSessions).
    ///
    /// ```
    /// use connect_session::adopt::RequestCookies;
    ///
    /// let cookies = RequestCookies::new(["theme=dark; sid=abc", "sid=def"]);
    /// assert_eq!(cookies.values("sid").collect::<Vec<_>>(), ["abc", "def"]);
    /// ```
    pub fn new<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        Self(
            lines
                .into_iter()
                .map(|line| line.as_bytes().into())
                .collect(),
        )
    }

    /// The values of the cookies with this name, without quotes, as the client sent them. At most 32, and
    /// only those that are UTF-8.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.0.iter();
        let values = lines.flat_map(move |line| cookie_values(line, name));
        let values = values.take(MAX_VALUES);
        values.filter_map(|value| std::str::from_utf8(value).ok())
    }
}

impl fmt::Debug for RequestCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestCookies").finish_non_exhaustive()
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
