//! The origin to which a client sent a request, and its comparison with the origin of a page.

use http::HeaderName;
use http::header::FORWARDED;

use crate::config::TrustedProxy;
use crate::loader::RequestHead;

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The origin to which the client sent a request, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addressed<'a> {
    /// The host, and the port if it is not the default.
    pub(super) authority: &'a [u8],
    /// Whether the client used https; `None` if it is not known.
    pub(super) is_https: Option<bool>,
}

impl<'a> Addressed<'a> {
    /// Reads the head of a request. Without a trusted proxy, the scheme is known only if the server
    /// itself terminated TLS: a plain request may come from a proxy that terminated it.
    pub(super) fn new(head: RequestHead<'a>, proxy: Option<TrustedProxy>) -> Self {
        let (authority, scheme) = match proxy {
            None => (None, None),
            Some(TrustedProxy::Forwarded) => (
                forwarded(head, b"host"),
                forwarded(head, b"proto").and_then(is_https),
            ),
            Some(TrustedProxy::XForwarded) => (
                last_element(head, &X_FORWARDED_HOST),
                last_element(head, &X_FORWARDED_PROTO).and_then(is_https),
            ),
        };
        Self {
            authority: authority.or_else(|| head.host()).unwrap_or_default(),
            is_https: scheme.or_else(|| head.is_tls().then_some(true)),
        }
    }

    /// The scheme with its `://`; empty if it is not known.
    pub(super) const fn scheme(self) -> &'static str {
        match self.is_https {
            None => "",
            Some(true) => "https://",
            Some(false) => "http://",
        }
    }

    /// Whether a page of this origin is on the same host, port and, if known, scheme.
    pub(super) fn is(self, origin: &[u8]) -> bool {
        let Some(origin) = Origin::parse(origin) else {
            return false;
        };
        let own = Origin::new(origin.is_https, self.authority);
        (self.is_https.is_none_or(|https| https == origin.is_https))
            && own.is_some_and(|own| own == origin)
    }

    /// The host in lower case without its port; `None` if it is an IP address or not a valid name.
    pub(super) fn host_name(self) -> Option<String> {
        let Origin { host, .. } = Origin::new(true, self.authority)?;
        let valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
        let top = host.rsplit(|byte| *byte == b'.').next()?;
        let is_name =
            host.len() <= 253 && host.iter().all(valid) && !top.iter().all(u8::is_ascii_digit);
        let host = std::str::from_utf8(host).ok().filter(|_| is_name)?;
        Some(host.to_ascii_lowercase())
    }
}

/// The origin of a page, such as `https://example.com:8443`.
#[derive(Debug, Clone, Copy)]
struct Origin<'a> {
    is_https: bool,
    /// Without the dot that ends a fully qualified name.
    host: &'a [u8],
    port: u16,
}

/// Hosts are not case-sensitive.
impl PartialEq for Origin<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is_https == other.is_https
            && self.port == other.port
            && self.host.eq_ignore_ascii_case(other.host)
    }
}

impl<'a> Origin<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let end = text.windows(3).take(8).position(|part| part == b"://")?;
        let (scheme, authority) = text.split_at(end);
        let is_https = match scheme {
            scheme if scheme.eq_ignore_ascii_case(b"https") => true,
            scheme if scheme.eq_ignore_ascii_case(b"http") => false,
            _ => return None,
        };
        Self::new(is_https, authority.get(3..)?)
    }

    /// The origin of a host that may have a port.
    fn new(is_https: bool, authority: &'a [u8]) -> Option<Self> {
        // An IPv6 address is in brackets, because it has colons itself.
        let name = authority
            .iter()
            .rposition(|byte| *byte == b']')
            .map_or(0, |at| at + 1);
        let colon = authority.get(name..)?.iter().position(|byte| *byte == b':');
        let (host, port) = match colon {
            None => (authority, None),
            Some(at) => {
                let (host, port) = authority.split_at(name + at);
                (host, port.get(1..).filter(|port| !port.is_empty()))
            }
        };
        let port = match port {
            None => {
                if is_https {
                    443
                } else {
                    80
                }
            }
            Some(port) if port.iter().all(u8::is_ascii_digit) => {
                std::str::from_utf8(port).ok()?.parse().ok()?
            }
            Some(_) => return None,
        };
        let host = host.strip_suffix(b".").unwrap_or(host);
        (!host.is_empty() && !host.contains(&b'@')).then_some(Self {
            is_https,
            host,
            port,
        })
    }
}

/// Whether two texts are the same origin. A default port makes no difference.
pub(super) fn is_same_origin(a: &[u8], b: &[u8]) -> bool {
    Origin::parse(a).is_some_and(|a| Some(a) == Origin::parse(b))
}

/// Whether the scheme that a proxy reports is https. Some proxies report `wss` for a WebSocket.
fn is_https(scheme: &[u8]) -> Option<bool> {
    let is = |names: [&[u8]; 2]| names.iter().any(|name| scheme.eq_ignore_ascii_case(name));
    if is([b"https", b"wss"]) {
        Some(true)
    } else {
        is([b"http", b"ws"]).then_some(false)
    }
}

/// The last element of a list, which the nearest proxy has added. A client may have sent the others.
fn last_element<'a>(head: RequestHead<'a>, name: &HeaderName) -> Option<&'a [u8]> {
    let line = head.last(name)?;
    let element = line.rsplit(|byte| *byte == b',').next()?.trim_ascii();
    (!element.is_empty()).then_some(element)
}

/// A parameter of the last element of `Forwarded` (RFC 7239, 4).
fn forwarded<'a>(head: RequestHead<'a>, name: &[u8]) -> Option<&'a [u8]> {
    let line = head.last(&FORWARDED)?;
    let element = split_unquoted(line, b',').last()?;
    let value = split_unquoted(element, b';').find_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = pair.split_at(at);
        key.trim_ascii()
            .eq_ignore_ascii_case(name)
            .then_some(value.get(1..)?.trim_ascii())
    })?;
    let quoted = value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""));
    let value = quoted.unwrap_or(value);
    // Neither a host nor a scheme needs escapes.
    (!value.is_empty() && !value.contains(&b'\\')).then_some(value)
}

/// Splits a text at the separators outside of quotes.
fn split_unquoted(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    text.split(move |byte| {
        if is_escaped {
            is_escaped = false;
        } else if is_quoted && *byte == b'\\' {
            is_escaped = true;
        } else if *byte == b'"' {
            is_quoted = !is_quoted;
        }
        !is_quoted && *byte == separator
    })
}

#[cfg(test)]
mod tests;
