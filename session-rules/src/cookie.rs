//! Cookies that carry a sid.

use super::Fault;
use super::name::{covers, host, is_token, same_bytes};
use super::time::DAY;

/// The `Path` of a cookie whose config names none.
pub const DEFAULT_COOKIE_PATH: &str = "/";

/// How long browsers keep a cookie at most, in milliseconds.
const LIFETIME: u64 = 400 * DAY;
/// What a browser keeps of a cookie at most, name and value together.
const COOKIE_LENGTH: usize = 4096;
/// The number of characters of a sid.
pub const SID_LENGTH: usize = 64;

/// The name of a cookie that carries a sid.
#[must_use]
pub const fn cookie_name(name: &str) -> Option<Fault> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Fault::whole("a cookie needs a name, such as `__Host-sid`");
    }
    let mut at = 0;
    while at < bytes.len() {
        if !is_token(bytes[at]) {
            return Fault::place("a cookie name is a token (RFC 6265bis 4.1.1)", at);
        }
        at += 1;
    }
    if bytes.len() + SID_LENGTH > COOKIE_LENGTH {
        return Fault::whole(
            "browsers ignore a cookie whose name and value have more than 4096 bytes (RFC \
            6265bis 5.7)",
        );
    }
    None
}

/// The `Path` of a cookie.
#[must_use]
pub const fn cookie_path(path: &str) -> Option<Fault> {
    let bytes = path.as_bytes();
    if bytes.is_empty() || bytes[0] != b'/' {
        return Fault::whole(
            "the path of a cookie begins with `/`, or browsers ignore it (RFC 6265bis 5.6.4)",
        );
    }
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_graphic() || bytes[at] == b';' {
            return Fault::place(
                "the path of a cookie has visible ASCII characters, without `;` (RFC 6265bis \
                4.1.1)",
                at,
            );
        }
        at += 1;
    }
    None
}

/// The `Domain` of a cookie.
#[must_use]
pub const fn cookie_domain(domain: &str) -> Option<Fault> {
    let bytes = domain.as_bytes();
    if bytes.is_empty() {
        return Fault::whole(
            "the domain of a cookie is a host name; leave `domain` out for a cookie of this host \
            alone",
        );
    }
    if bytes[0] == b'.' {
        return Fault::place(
            "the domain of a cookie is a host name; leave the leading dot out, subdomains are \
            meant anyway (RFC 6265bis 5.6.3)",
            0,
        );
    }
    if let Some(fault) = host(
        bytes,
        0,
        bytes.len(),
        "the domain of a cookie is a host name",
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
        return Fault::whole(
            "the domain of a cookie is a host name, not an address; leave `domain` out",
        );
    }
    None
}

/// The prefix of a cookie's name beside its `Domain` (`__Host-` has none).
#[must_use]
pub const fn prefix_with_domain(name: &str) -> Option<Fault> {
    if has_prefix(name, "__Host-") {
        return Fault::whole(
            "browsers refuse a `__Host-` cookie with a domain; leave `domain` out, or call the \
            cookie `__Secure-…` (RFC 6265bis 5.7)",
        );
    }
    None
}

/// The prefix of a cookie's name beside its `Path` (`__Host-` has `/`).
#[must_use]
pub const fn prefix_with_path(name: &str, path: &str) -> Option<Fault> {
    if has_prefix(name, "__Host-") && !same_bytes(path, DEFAULT_COOKIE_PATH) {
        return Fault::whole(
            "browsers refuse a `__Host-` cookie whose path is not `/`; leave `path` out, or call \
            the cookie `__Secure-…` (RFC 6265bis 5.7)",
        );
    }
    None
}

/// The prefix of a name of a cookie that is not `Secure`.
#[must_use]
pub const fn prefix_without_secure(name: &str) -> Option<Fault> {
    if has_prefix(name, "__Host-") {
        return Fault::whole(
            "browsers refuse a `__Host-` cookie that is not Secure; leave it Secure, or choose a \
            name without the prefix (RFC 6265bis 5.7)",
        );
    }
    if has_prefix(name, "__Secure-") {
        return Fault::whole(
            "browsers refuse a `__Secure-` cookie that is not Secure; leave it Secure, or choose \
            a name without the prefix (RFC 6265bis 5.7)",
        );
    }
    None
}

/// `SameSite=None` beside `Secure`.
#[must_use]
pub const fn same_site_none(secure: bool) -> Option<Fault> {
    if secure {
        return None;
    }
    Fault::whole(
        "browsers refuse a cookie with `SameSite=None` that is not Secure; leave it Secure, or \
        choose `Lax` or `Strict` (RFC 6265bis 5.7)",
    )
}

/// `Partitioned` beside `Secure`.
#[must_use]
pub const fn partitioned(secure: bool) -> Option<Fault> {
    if secure {
        return None;
    }
    Fault::whole(
        "browsers refuse a partitioned cookie that is not Secure; leave it Secure, or leave \
        `partitioned` out (CHIPS)",
    )
}

/// A cookie as a whole: its name, its attributes, and what they say together.
#[must_use]
pub const fn cookie(
    name: &str,
    path: &str,
    domain: Option<&str>,
    secure: bool,
    same_site_is_none: bool,
    is_partitioned: bool,
) -> Option<Fault> {
    if let Some(fault) = cookie_name(name) {
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

/// An origin whose pages may send requests with the cookie.
#[must_use]
pub const fn origin(origin: &str) -> Option<Fault> {
    const SHAPE: &str = "an origin is a scheme, a host and perhaps a port, in lower case, as \
    browsers send it: `https://app.example.com` (RFC 6454 6.2)";
    const DEFAULT_PORT: &str = "browsers leave the default port out of an origin, so this one \
    never comes: `https://app.example.com` (RFC 6454 6.2)";
    let bytes = origin.as_bytes();
    let start = if covers(b"https://*", bytes) {
        8
    } else if covers(b"http://*", bytes) {
        7
    } else {
        return Fault::whole(SHAPE);
    };
    let mut end = start;
    while end < bytes.len() && bytes[end] != b':' {
        end += 1;
    }
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_uppercase() {
            return Fault::place(SHAPE, at);
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
        return Fault::place(SHAPE, end);
    }
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            return Fault::place(SHAPE, at);
        }
        at += 1;
    }
    let default_port: &[u8] = if start == 8 { b"443" } else { b"80" };
    if covers(default_port, bytes.split_at(end + 1).1) {
        return Fault::place(DEFAULT_PORT, end);
    }
    None
}

/// The lifetime of a persistent cookie, in milliseconds.
#[must_use]
pub const fn cookie_lifetime(absolute: u64) -> Option<Fault> {
    if absolute > LIFETIME {
        return Fault::whole(
            "browsers keep a cookie for 400 days at most (RFC 6265bis 5.5); shorten \
            `absolute_timeout`, or leave `persistent` out",
        );
    }
    None
}

/// Prefixes of cookie names bind in any case (RFC 6265bis 5.7).
const fn has_prefix(name: &str, prefix: &str) -> bool {
    if name.len() < prefix.len() {
        return false;
    }
    let (head, _) = name.as_bytes().split_at(prefix.len());
    head.eq_ignore_ascii_case(prefix.as_bytes())
}
