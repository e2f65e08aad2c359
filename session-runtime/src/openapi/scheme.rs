//! The security scheme of a loader.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::loader::{DEFAULT_HEADER, SidSource};

pub(super) const DESCRIPTION: &str = "The sid of a session";

/// A way in which a request carries a sid, as a security scheme of OpenAPI.
///
/// The key of a scheme says everything about it, so that a document that names the scheme in an operation can
/// be completed without knowing the config of the handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// `Authorization: Bearer`.
    Bearer,
    /// The header of this name.
    Header(String),
    /// The cookie of this name.
    Cookie(String),
    /// The query parameter of this name.
    Query(String),
}

const BEARER: &str = "session-bearer";
const HEADER: &str = "session-header-";
const COOKIE: &str = "session-cookie-";
const QUERY: &str = "session-query-";

impl Scheme {
    /// `None` for a route parameter, which is no security scheme in OpenAPI, and for a function.
    pub(super) fn of(source: &SidSource) -> Option<Self> {
        Some(match source {
            SidSource::Header(name) => Self::Header((*name).to_owned()),
            SidSource::Bearer => Self::Bearer,
            SidSource::Cookie(spec) => Self::Cookie(spec.name.to_owned()),
            SidSource::Query(name) => Self::Query((*name).to_owned()),
            SidSource::Path(_) | SidSource::Custom(_) => return None,
        })
    }

    /// The key in `components.securitySchemes`.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Bearer => BEARER.to_owned(),
            Self::Header(name) => escaped(HEADER, name),
            Self::Cookie(name) => escaped(COOKIE, name),
            Self::Query(name) => escaped(QUERY, name),
        }
    }

    /// The scheme with this key; `None` if it is not the key of a session.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        if key == BEARER {
            return Some(Self::Bearer);
        }
        let named = [
            (HEADER, Self::Header as fn(String) -> Self),
            (COOKIE, Self::Cookie),
            (QUERY, Self::Query),
        ];
        (named.into_iter()).find_map(|(prefix, scheme)| {
            let name = unescaped(key.strip_prefix(prefix)?)?;
            Some(scheme(name))
        })
    }

    /// The Security Scheme Object.
    pub(crate) fn object(&self) -> Value {
        let (place, name) = match self {
            Self::Bearer => {
                return json!({ "type": "http", "scheme": "bearer", "description": DESCRIPTION });
            }
            Self::Header(name) => ("header", name),
            Self::Cookie(name) => ("cookie", name),
            Self::Query(name) => ("query", name),
        };
        json!({ "type": "apiKey", "in": place, "name": name, "description": DESCRIPTION })
    }
}

/// The response headers that carry a new sid to a client that may use these schemes, with their Header
/// Objects.
pub(crate) fn sid_headers(schemes: &[Scheme]) -> Vec<(String, Value)> {
    let header = schemes.iter().find_map(|scheme| match scheme {
        Scheme::Header(name) => Some(name.as_str()),
        _ => None,
    });
    let mut names: Vec<&str> = Vec::new();
    for scheme in schemes {
        let name = match scheme {
            Scheme::Header(name) => name,
            Scheme::Cookie(_) => "Set-Cookie",
            Scheme::Bearer | Scheme::Query(_) => header.unwrap_or(DEFAULT_HEADER),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let object = json!({
        "description": "The sid of a new session, or of one whose sid has changed",
        "schema": { "type": "string" },
    });
    (names.into_iter())
        .map(|name| (name.to_owned(), object.clone()))
        .collect()
}

/// A key of components consists of ASCII letters, digits, `.`, `-` and `_`. Every other byte of the name, and
/// the point itself, becomes a point with two hexadecimal digits.
fn escaped(prefix: &str, name: &str) -> String {
    let mut key = prefix.to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            key.push(char::from(byte));
        } else {
            // A `String` takes everything.
            let _ = write!(key, ".{byte:02X}");
        }
    }
    key
}

fn unescaped(key: &str) -> Option<String> {
    let mut parts = key.split('.');
    let mut name = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        // `from_str_radix` would accept a sign.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        name.push(u8::from_str_radix(digits, 16).ok()?);
        name.extend(rest.as_bytes());
    }
    String::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::Scheme;

    #[test]
    fn a_key_is_valid_and_says_everything() {
        let names = [
            "x-user-session",
            "__Host-sid",
            "a.b",
            "!#$%&'*+.^_`|~",
            "ü 2E",
            "",
        ];
        let mut keys = Vec::new();
        for name in names.map(str::to_owned) {
            for scheme in [
                Scheme::Header(name.clone()),
                Scheme::Cookie(name.clone()),
                Scheme::Query(name.clone()),
            ] {
                let key = scheme.key();
                let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
                assert!(key.bytes().all(valid), "{key}");
                assert_eq!(Scheme::of_key(&key), Some(scheme));
                assert!(!keys.contains(&key), "{key}");
                keys.push(key);
            }
        }
        assert_eq!(Scheme::of_key("session-bearer"), Some(Scheme::Bearer));
        for other in [
            "",
            "session-header-a.",
            "session-query-a.+1",
            "session-query-.é1",
            "oauth",
        ] {
            assert_eq!(Scheme::of_key(other), None, "{other}");
        }
    }
}
