//! Cookies that carry a sid.

use super::Fault;
use super::name::{host, is_token, matches, same_bytes};
use super::time::DAY;

/// The default `Path` of a cookie.
pub const DEFAULT_COOKIE_PATH: &str = "/";

/// The maximum lifetime of a cookie in browsers, in milliseconds.
const LIFETIME: u64 = 400 * DAY;
/// The maximum length of a cookie's name and value together, in browsers.
const COOKIE_LENGTH: usize = 4096;
/// The number of characters of a sid.
pub const SID_LENGTH: usize = 64;

/// Checks the name of a cookie that carries a sid.
#[must_use]
pub const fn cookie_name(name: &str) -> Option<Fault> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Fault::new("a cookie needs a name, such as `__Host-sid`");
    }
    let mut at = 0;
    while at < bytes.len() {
        if !is_token(bytes[at]) {
            return Fault::at_byte(
                "a cookie name must be a token, such as `__Host-sid` (RFC 6265bis 4.1.1)",
                at,
            );
        }
        at += 1;
    }
    if bytes.len() + SID_LENGTH > COOKIE_LENGTH {
        return Fault::new(
            "browsers ignore a cookie whose name and value have more than 4096 bytes (RFC \
            6265bis 5.7); shorten the name",
        );
    }
    None
}

/// Checks the `Path` of a cookie.
#[must_use]
pub const fn cookie_path(path: &str) -> Option<Fault> {
    let bytes = path.as_bytes();
    if bytes.is_empty() || bytes[0] != b'/' {
        return Fault::new(
            "the path of a cookie must begin with `/`, or browsers ignore it (RFC 6265bis 5.6.4)",
        );
    }
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_graphic() || bytes[at] == b';' {
            return Fault::at_byte(
                "the path of a cookie can only have visible ASCII characters except `;` (RFC \
                6265bis 4.1.1)",
                at,
            );
        }
        at += 1;
    }
    None
}

/// Checks the `Domain` of a cookie.
#[must_use]
pub const fn cookie_domain(domain: &str) -> Option<Fault> {
    let bytes = domain.as_bytes();
    if bytes.is_empty() {
        return Fault::new(
            "the domain of a cookie must be a host name; leave `domain` out for a cookie of only \
            this host",
        );
    }
    if bytes[0] == b'.' {
        return Fault::at_byte(
            "the domain of a cookie must be a host name; leave the leading dot out, because \
            subdomains are always included (RFC 6265bis 5.6.3)",
            0,
        );
    }
    if let Some(fault) = host(
        bytes,
        0,
        bytes.len(),
        "the domain of a cookie must be a host name",
    ) {
        return Some(fault);
    }
    let mut at = 0;
    let mut address = true;
    while at < bytes.len() {
        address = address && (bytes[at].is_ascii_digit() || bytes[at] == b'.');
        at += 1;
    }
    if address {
        return Fault::new(
            "the domain of a cookie must be a host name, not an IP address; leave `domain` out",
        );
    }
    None
}

/// Checks the prefix of a cookie's name together with a `Domain`, which `__Host-` forbids.
#[must_use]
pub const fn prefix_with_domain(name: &str) -> Option<Fault> {
    if has_prefix(name, "__Host-") {
        return Fault::new(
            "browsers refuse a `__Host-` cookie with a domain; leave `domain` out, or name the \
            cookie `__Secure-…` (RFC 6265bis 5.7)",
        );
    }
    None
}

/// Checks the prefix of a cookie's name together with its `Path`, which is `/` for `__Host-`.
#[must_use]
pub const fn prefix_with_path(name: &str, path: &str) -> Option<Fault> {
    if has_prefix(name, "__Host-") && !same_bytes(path, DEFAULT_COOKIE_PATH) {
        return Fault::new(
            "browsers refuse a `__Host-` cookie whose path is not `/`; leave `path` out, or name \
            the cookie `__Secure-…` (RFC 6265bis 5.7)",
        );
    }
    None
}

/// Checks the prefix of the name of a cookie that is not `Secure`.
#[must_use]
pub const fn prefix_without_secure(name: &str) -> Option<Fault> {
    if has_prefix(name, "__Host-") {
        return Fault::new(
            "browsers refuse a `__Host-` cookie that is not Secure; make it Secure, or choose a \
            name without the prefix (RFC 6265bis 5.7)",
        );
    }
    if has_prefix(name, "__Secure-") {
        return Fault::new(
            "browsers refuse a `__Secure-` cookie that is not Secure; make it Secure, or choose a \
            name without the prefix (RFC 6265bis 5.7)",
        );
    }
    None
}

/// Checks that the name of a cookie has a prefix, or that there is a reason why it has none. A cookie
/// that is not `Secure` cannot have a prefix and needs no reason.
#[must_use]
pub const fn prefix(name: &str, secure: bool, is_unprefixed: bool) -> Option<Fault> {
    if is_prefixed(name) {
        if is_unprefixed {
            return Fault::new(
                "`unprefixed` has no effect, because the name has a prefix; leave it out",
            );
        }
    } else if is_unprefixed && !secure {
        return Fault::new(
            "`unprefixed` has no effect, because only a Secure cookie can have a prefix; leave it \
            out",
        );
    } else if secure && !is_unprefixed {
        return Fault::new(
            "a cookie without a prefix can be overwritten from a subdomain or over http (ASVS \
            3.3.1); name it `__Host-…`, or `__Secure-…` if it has a domain or a path, or give a \
            reason in `unprefixed`",
        );
    }
    None
}

/// Whether the name of a cookie has one of the prefixes that browsers enforce.
#[must_use]
pub const fn is_prefixed(name: &str) -> bool {
    has_prefix(name, "__Host-") || has_prefix(name, "__Secure-")
}

/// Checks `SameSite=None` together with `Secure`.
#[must_use]
pub const fn same_site_none(secure: bool) -> Option<Fault> {
    if secure {
        return None;
    }
    Fault::new(
        "browsers refuse a cookie with `SameSite=None` that is not Secure; make it Secure, or \
        choose `Lax` or `Strict` (RFC 6265bis 5.7)",
    )
}

/// Checks `Partitioned` together with `Secure`.
#[must_use]
pub const fn partitioned(secure: bool) -> Option<Fault> {
    if secure {
        return None;
    }
    Fault::new(
        "browsers refuse a partitioned cookie that is not Secure; make it Secure, or leave \
        `partitioned` out (CHIPS)",
    )
}

/// Checks a whole cookie: its name, each attribute, and the attributes together.
#[must_use]
#[allow(
    clippy::fn_params_excessive_bools,
    reason = "each is an independent attribute"
)]
pub const fn cookie(
    name: &str,
    path: &str,
    domain: Option<&str>,
    secure: bool,
    same_site_is_none: bool,
    is_partitioned: bool,
    is_unprefixed: bool,
) -> Option<Fault> {
    if let Some(fault) = cookie_name(name) {
        return Some(fault);
    }
    if let Some(fault) = prefix(name, secure, is_unprefixed) {
        return Some(fault);
    }
    if let Some(fault) = cookie_path(path) {
        return Some(fault);
    }
    if let Some(fault) = prefix_with_path(name, path) {
        return Some(fault);
    }
    if let Some(domain) = domain {
        if let Some(fault) = cookie_domain(domain) {
            return Some(fault);
        }
        if let Some(fault) = prefix_with_domain(name) {
            return Some(fault);
        }
    }
    if !secure && let Some(fault) = prefix_without_secure(name) {
        return Some(fault);
    }
    if same_site_is_none && let Some(fault) = same_site_none(secure) {
        return Some(fault);
    }
    if is_partitioned {
        return partitioned(secure);
    }
    None
}

/// Checks an origin whose pages may send requests with the cookie.
#[must_use]
pub const fn origin(origin: &str) -> Option<Fault> {
    const SHAPE: &str = "an origin must be a scheme, a host and, optionally, a port, in lower \
    case: `https://app.example.com` (RFC 6454 6.2)";
    const DEFAULT_PORT: &str = "browsers leave the default port out of an origin, so this one \
    never matches; write `https://app.example.com` (RFC 6454 6.2)";
    let bytes = origin.as_bytes();
    let start = if matches(b"https://*", bytes) {
        8
    } else if matches(b"http://*", bytes) {
        7
    } else {
        return Fault::new(SHAPE);
    };
    let mut end = start;
    while end < bytes.len() && bytes[end] != b':' {
        end += 1;
    }
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_uppercase() {
            return Fault::at_byte(SHAPE, at);
        }
        at += 1;
    }
    if let Some(fault) = host(bytes, start, end, SHAPE) {
        return Some(fault);
    }
    if end == bytes.len() {
        return None;
    }
    at = end + 1;
    if at == bytes.len() {
        return Fault::at_byte(SHAPE, end);
    }
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            return Fault::at_byte(SHAPE, at);
        }
        at += 1;
    }
    let default_port: &[u8] = if start == 8 { b"443" } else { b"80" };
    if matches(default_port, bytes.split_at(end + 1).1) {
        return Fault::at_byte(DEFAULT_PORT, end);
    }
    None
}

/// Checks the lifetime of a persistent cookie, in milliseconds.
#[must_use]
pub const fn cookie_lifetime(absolute: u64) -> Option<Fault> {
    if absolute > LIFETIME {
        return Fault::new(
            "browsers keep a cookie for 400 days at most (RFC 6265bis 5.5); shorten \
            `absolute_timeout`, or leave `persistent` out",
        );
    }
    None
}

/// Whether a cookie name has a prefix, in any case (RFC 6265bis 5.7).
const fn has_prefix(name: &str, prefix: &str) -> bool {
    if name.len() < prefix.len() {
        return false;
    }
    let (head, _) = name.as_bytes().split_at(prefix.len());
    head.eq_ignore_ascii_case(prefix.as_bytes())
}
