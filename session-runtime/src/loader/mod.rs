//! Loaders: where a request carries a sid, and where a response returns it.

mod head;
mod parse;
mod read;
mod set;
#[cfg(test)]
mod tests;

pub use connect_session_rules::DEFAULT_HEADER;

pub use self::head::{HeadSource, RequestHead};
pub(crate) use self::parse::{Ambiguous, cookie_values};
pub use self::set::LoaderSet;
pub(crate) use self::set::{EmitTarget, Found};

/// Where a request may carry a sid: an entry of the option `loaders`.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum SidSource {
    /// The value of the header with this name.
    Header(&'static str),
    /// The token of `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// The value of a cookie.
    Cookie(CookieSpec),
    /// A parameter of the query string.
    Query(&'static str),
    /// A parameter of the route.
    Path(&'static str),
    /// The result of a function.
    Custom(fn(&RequestHead<'_>) -> Option<String>),
}

/// The name and attributes of a cookie that carries a sid.
///
/// The defaults are `Secure`, `HttpOnly`, `SameSite=Lax` and `Path=/`. `HttpOnly` cannot be turned
/// off (ASVS 5.0 3.3.4).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an independent attribute"
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
    /// Whether there is a reason for a name without `__Host-` and `__Secure-` (ASVS 5.0 3.3.1).
    pub unprefixed: bool,
    /// The `Partitioned` attribute.
    pub partitioned: bool,
    /// Whether the cookie survives a restart of the browser, up to the session's absolute deadline.
    pub persistent: bool,
    /// Whether a logout makes the browser delete what it keeps of the site, except cookies
    /// (`Clear-Site-Data`, ASVS 5.0 14.3.1).
    pub clear_site_data: bool,
    /// Other origins that may send state-changing requests with this cookie, such as
    /// `https://app.example.com`.
    pub origins: &'static [&'static str],
    /// Lets every origin send state-changing requests with this cookie.
    pub allow_any_origin: bool,
}

impl CookieSpec {
    /// A cookie with this name and the default attributes.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            path: connect_session_rules::DEFAULT_COOKIE_PATH,
            domain: None,
            same_site: SameSite::Lax,
            secure: true,
            unprefixed: false,
            partitioned: false,
            persistent: false,
            clear_site_data: false,
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
    /// Sent from every site.
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

/// How the sid of a new session is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emit {
    /// In a response header.
    Header,
    /// In a cookie.
    Cookie,
}
