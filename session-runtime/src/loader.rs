//! Where a sid is looked for, and where it is sent back.

use std::borrow::Cow;
use std::fmt;

use http::HeaderName;
use http::header::{self, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::record::Transport;
use crate::sid::PresentedSid;

/// The header in which a sid travels where nothing else is said.
pub const DEFAULT_HEADER: &str = "X-User-Session";

/// A place in a request where a sid may be.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Loader {
    /// The value of the header of this name.
    Header(&'static str),
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// A cookie.
    Cookie(CookieSpec),
    /// A parameter of the query string.
    Query(&'static str),
    /// A parameter of the route.
    Path(&'static str),
    /// Whatever the function finds.
    Custom(fn(&RequestHead<'_>) -> Option<String>),
}

/// A cookie that carries a sid: `Secure`, `HttpOnly`, `SameSite=Lax` and `Path=/` unless said
/// otherwise. `HttpOnly` cannot be left out (ASVS 5.0 3.3.4).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an attribute of its own"
)]
pub struct CookieSpec {
    /// The cookie's name.
    pub name: &'static str,
    /// The `Path` attribute.
    pub path: &'static str,
    /// The `Domain` attribute.
    pub domain: Option<&'static str>,
    /// The `SameSite` attribute.
    pub same_site: SameSite,
    /// The `Secure` attribute.
    pub secure: bool,
    /// The `Partitioned` attribute.
    pub partitioned: bool,
    /// Whether the cookie outlives the browser, up to the session's absolute deadline.
    pub persistent: bool,
    /// Other origins from which requests with this cookie may change something, such as
    /// `https://app.example.com`.
    pub origins: &'static [&'static str],
    /// Lets every origin send requests with this cookie that change something.
    pub allow_any_origin: bool,
}

impl CookieSpec {
    /// A cookie of this name with every attribute at its default.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            path: "/",
            domain: None,
            same_site: SameSite::Lax,
            secure: true,
            partitioned: false,
            persistent: false,
            origins: &[],
            allow_any_origin: false,
        }
    }
}

/// The `SameSite` attribute of a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Sent from other sites only when the user follows a link.
    Lax,
    /// Never sent from other sites.
    Strict,
    /// Sent from everywhere.
    None,
}

impl SameSite {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
            Self::None => "None",
        }
    }
}

/// Where a first sid is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emit {
    /// In a response header.
    Header,
    /// In a cookie.
    Cookie,
}

/// What a framework adapter tells of a request. Names of headers are lower-case.
pub trait HeadSource {
    /// The method, such as `GET`.
    fn method(&self) -> &str;
    /// The path of the request's target.
    fn path(&self) -> &str;
    /// The query string without its `?`.
    fn query(&self) -> Option<&str>;
    /// The `nth` value of a header, in the order in which they came.
    fn header(&self, name: &HeaderName, nth: usize) -> Option<&[u8]>;
    /// The first value of a header, and whether there is another one.
    fn header_and_more(&self, name: &HeaderName) -> Option<(&[u8], bool)> {
        Some((self.header(name, 0)?, self.header(name, 1).is_some()))
    }
    /// The host and port that were asked, where no `Host` header says so (HTTP/2).
    fn authority(&self) -> Option<&str> {
        None
    }
    /// The decoded value of a parameter of the route.
    fn path_param(&self, name: &str) -> Option<Cow<'_, str>>;
}

/// The head of a request: what a [custom loader](Loader::Custom) is asked about.
///
/// ```
/// use connect_session::RequestHead;
///
/// /// The sid is the second half of `X-Api-Key: <key>.<sid>`.
/// fn from_api_key(head: &RequestHead<'_>) -> Option<String> {
///     let (_, sid) = head.header("X-Api-Key")?.split_once('.')?;
///     Some(sid.to_owned())
/// }
/// ```
#[derive(Clone, Copy)]
pub struct RequestHead<'a>(pub(crate) &'a dyn HeadSource);

impl<'a> RequestHead<'a> {
    /// The head of the request that an adapter describes.
    #[must_use]
    pub fn new(source: &'a dyn HeadSource) -> Self {
        Self(source)
    }

    /// The method, such as `GET`.
    #[must_use]
    pub fn method(&self) -> &'a str {
        self.0.method()
    }

    /// The path of the request's target.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.0.path()
    }

    /// The query string without its `?`.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.0.query()
    }

    /// The first value of a header, if it is text (UTF-8). The name's case does not matter.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        std::str::from_utf8(self.0.header(&name, 0)?).ok()
    }

    /// The decoded value of a parameter of the route.
    #[must_use]
    pub fn path_param(&self, name: &str) -> Option<Cow<'a, str>> {
        self.0.path_param(name)
    }

    fn values(self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        (0..).map_while(move |nth| self.0.header(name, nth))
    }

    /// The host and port that were asked.
    pub(crate) fn host(self) -> Option<&'a [u8]> {
        self.first(&header::HOST)
            .or_else(|| self.0.authority().map(str::as_bytes))
    }

    pub(crate) fn first(self, name: &HeaderName) -> Option<&'a [u8]> {
        self.0.header(name, 0)
    }
}

impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method())
            .finish_non_exhaustive()
    }
}

/// Loaders, made ready once: parsed names and the headers that every response repeats.
#[derive(Debug)]
pub struct Wire {
    loaders: Vec<Ready>,
    /// The header that answers for loaders which have no place of their own in a response.
    header: HeaderName,
    vary: Option<HeaderValue>,
}

#[derive(Debug)]
enum Ready {
    Header(HeaderName),
    Bearer,
    Cookie(CookieSpec),
    Query(&'static str),
    Path(&'static str),
    Custom(fn(&RequestHead<'_>) -> Option<String>),
}

/// Where a sid is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    Header(&'static HeaderName),
    Cookie(&'static CookieSpec),
}

impl Target {
    pub(crate) fn transport(self) -> Transport {
        match self {
            Self::Header(_) => Transport::Other,
            Self::Cookie(_) => Transport::Cookie,
        }
    }
}

/// What the loaders found in a request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found {
    /// The first well-formed sid, and which loader found it.
    pub(crate) sid: Option<(PresentedSid, usize)>,
    /// A bearer token was sent, whatever it is worth (RFC 6750, 3.1).
    pub(crate) bearer: bool,
}

/// The same place holds two different values (RFC 6750, 3.1: never a guess).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ambiguous;

impl Wire {
    /// Makes loaders ready. One whose header name is no header name is left out; the macros and
    /// `configure` have refused it before.
    #[must_use]
    pub fn new(loaders: &[Loader]) -> Self {
        let loaders: Vec<_> = loaders.iter().filter_map(Ready::new).collect();
        let header = loaders
            .iter()
            .find_map(|loader| match loader {
                Ready::Header(name) => Some(name.clone()),
                _ => None,
            })
            .unwrap_or_else(|| HeaderName::from_static("x-user-session"));
        let mut names: Vec<&str> = Vec::new();
        for name in loaders.iter().filter_map(Ready::reads) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let vary = if names.is_empty() {
            None
        } else {
            HeaderValue::from_str(&names.join(", ")).ok()
        };
        Self {
            loaders,
            header,
            vary,
        }
    }

    /// Asks the loaders in order. The first well-formed sid wins: whether it is known is the
    /// store's business, and no other loader is asked then.
    pub(crate) fn find(&self, head: RequestHead<'_>) -> Result<Found, Ambiguous> {
        let mut found = Found::default();
        for (place, loader) in self.loaders.iter().enumerate() {
            let sid = match loader {
                Ready::Header(name) => match head.0.header_and_more(name) {
                    None => None,
                    Some((value, false)) => PresentedSid::parse_bytes(value.trim_ascii()),
                    Some((_, true)) => one(head.values(name).map(<[u8]>::trim_ascii))?
                        .and_then(PresentedSid::parse_bytes),
                },
                Ready::Bearer => {
                    let tokens = head.values(&header::AUTHORIZATION).filter_map(bearer_token);
                    let token = one(tokens)?;
                    found.bearer |= token.is_some();
                    token.and_then(PresentedSid::parse_bytes)
                }
                Ready::Cookie(spec) => {
                    let pairs = head
                        .values(&header::COOKIE)
                        .flat_map(|line| line.split(|byte| *byte == b';'));
                    one(pairs.filter_map(|pair| cookie_value(pair, spec.name)))?
                        .and_then(PresentedSid::parse_bytes)
                }
                Ready::Query(name) => {
                    let pairs = head.query().unwrap_or_default().split('&');
                    let values = pairs.filter_map(|pair| query_value(pair, name));
                    one_text(values)?.and_then(|text| PresentedSid::parse(&text))
                }
                Ready::Path(name) => head
                    .path_param(name)
                    .and_then(|text| PresentedSid::parse(&text)),
                Ready::Custom(find) => find(&head).and_then(|text| PresentedSid::parse(&text)),
            };
            if let Some(sid) = sid {
                found.sid = Some((sid, place));
                break;
            }
        }
        Ok(found)
    }

    /// How the loader at a place reads a sid.
    pub(crate) fn transport(&self, place: usize) -> Transport {
        match self.loaders.get(place) {
            Some(Ready::Cookie(_)) => Transport::Cookie,
            _ => Transport::Other,
        }
    }

    pub(crate) fn cookie(&self, place: usize) -> Option<&CookieSpec> {
        match self.loaders.get(place) {
            Some(Ready::Cookie(spec)) => Some(spec),
            _ => None,
        }
    }

    /// Where the answer to a sid that came by the loader at `place` goes; without one, where a
    /// first sid goes.
    pub(crate) fn target(&'static self, place: Option<usize>, emit: Option<Emit>) -> Target {
        let fits = |loader: &&Ready| match emit {
            None => true,
            Some(Emit::Cookie) => matches!(loader, Ready::Cookie(_)),
            Some(Emit::Header) => matches!(loader, Ready::Header(_)),
        };
        let loader = match place {
            Some(place) => self.loaders.get(place),
            None => self
                .loaders
                .iter()
                .find(|loader| loader.answers() && fits(loader)),
        };
        match loader {
            Some(Ready::Header(name)) => Target::Header(name),
            Some(Ready::Cookie(spec)) => Target::Cookie(spec),
            _ => Target::Header(&self.header),
        }
    }

    /// The request headers on which the answer depends.
    pub(crate) fn vary(&self) -> Option<&HeaderValue> {
        self.vary.as_ref()
    }

    pub(crate) fn reads_bearer(&self) -> bool {
        self.loaders
            .iter()
            .any(|loader| matches!(loader, Ready::Bearer))
    }

    /// The loaders, for a document that says where a sid goes.
    #[cfg(feature = "salvo-oapi")]
    pub(crate) fn loaders(&'static self) -> impl Iterator<Item = Loader> {
        self.loaders.iter().map(|loader| match loader {
            Ready::Header(name) => Loader::Header(name.as_str()),
            Ready::Bearer => Loader::Bearer,
            Ready::Cookie(spec) => Loader::Cookie(*spec),
            Ready::Query(name) => Loader::Query(name),
            Ready::Path(name) => Loader::Path(name),
            Ready::Custom(find) => Loader::Custom(*find),
        })
    }

    #[cfg(feature = "axum")]
    pub(crate) fn reads_path(&self) -> bool {
        self.loaders
            .iter()
            .any(|loader| matches!(loader, Ready::Path(_)))
    }
}

impl Ready {
    fn new(loader: &Loader) -> Option<Self> {
        Some(match *loader {
            Loader::Header(name) => Self::Header(HeaderName::from_bytes(name.as_bytes()).ok()?),
            Loader::Bearer => Self::Bearer,
            Loader::Cookie(spec) => Self::Cookie(spec),
            Loader::Query(name) => Self::Query(name),
            Loader::Path(name) => Self::Path(name),
            Loader::Custom(find) => Self::Custom(find),
        })
    }

    /// Whether an answer can go where the loader looks.
    fn answers(&self) -> bool {
        matches!(self, Self::Header(_) | Self::Cookie(_))
    }

    /// The request header that the loader reads.
    fn reads(&self) -> Option<&str> {
        match self {
            Self::Header(name) => Some(name.as_str()),
            Self::Bearer => Some(header::AUTHORIZATION.as_str()),
            Self::Cookie(_) => Some(header::COOKIE.as_str()),
            Self::Query(_) | Self::Path(_) | Self::Custom(_) => None,
        }
    }
}

/// The one value among many that may repeat it; an empty one counts as none.
fn one<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<Option<&'a [u8]>, Ambiguous> {
    let mut values = values.filter(|value| !value.is_empty());
    let first = values.next();
    if values.all(|value| Some(value) == first) {
        Ok(first)
    } else {
        Err(Ambiguous)
    }
}

fn one_text<'a>(
    values: impl Iterator<Item = Cow<'a, str>>,
) -> Result<Option<Cow<'a, str>>, Ambiguous> {
    let mut values = values.filter(|value| !value.is_empty());
    let first = values.next();
    if values.all(|value| Some(&value) == first.as_ref()) {
        Ok(first)
    } else {
        Err(Ambiguous)
    }
}

/// The token of `Bearer <token>`; the scheme's case does not matter.
fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let (scheme, token) = value.split_at_checked(6)?;
    (scheme.eq_ignore_ascii_case(b"bearer") && token.first().is_some_and(u8::is_ascii_whitespace))
        .then(|| token.trim_ascii())
}

/// The value of `name=value` or `name="value"`.
fn cookie_value<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let pair = pair.trim_ascii();
    let value = pair
        .strip_prefix(name.as_bytes())?
        .trim_ascii_start()
        .strip_prefix(b"=")?
        .trim_ascii();
    Some(
        value
            .strip_prefix(b"\"")
            .and_then(|inner| inner.strip_suffix(b"\""))
            .unwrap_or(value),
    )
}

fn query_value<'a>(pair: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (key, value) = pair.split_once('=')?;
    let same = percent_decode_str(key).eq(name.bytes());
    if same {
        percent_decode_str(value).decode_utf8().ok()
    } else {
        None
    }
}
