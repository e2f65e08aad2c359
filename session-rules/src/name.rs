//! Names of parameters and records, and functions for all names.

use super::Fault;

const NAMESPACE_LENGTH: usize = 128;

/// Checks the name of a query parameter.
#[must_use]
pub const fn query_name(name: &str) -> Option<Fault> {
    parameter(
        name,
        b"-._~",
        "a query parameter needs a name, such as `sid`",
        "the name of a query parameter can only have letters, digits and `-._~` (RFC 3986 2.3)",
    )
}

/// Checks the name of a path parameter.
#[must_use]
pub const fn path_name(name: &str) -> Option<Fault> {
    parameter(
        name,
        b"-_",
        "a path parameter needs a name; write the one in the route",
        "the name of a path parameter can only have letters, digits, `_` and `-`; write the one \
        in the route",
    )
}

/// Checks the prefix of the keys of a config's records.
#[must_use]
pub const fn namespace(namespace: &str) -> Option<Fault> {
    if namespace.len() > NAMESPACE_LENGTH {
        return Fault::new("a namespace can have at most 128 characters; shorten it");
    }
    parameter(
        namespace,
        b"-_./:",
        "a namespace must not be empty, or two configs in one store share their records",
        "a namespace can only have ASCII letters, digits and `-_./:`, which every store allows in \
        a key",
    )
}

/// Whether two header names or two domains are the same, ignoring case.
#[must_use]
pub const fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// Whether two names of cookies or parameters are the same.
#[must_use]
pub const fn same_bytes(a: &str, b: &str) -> bool {
    same(a.as_bytes(), b.as_bytes())
}

/// Whether a byte can be in a token (RFC 9110 5.6.2).
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || contains(b"!#$%&'*+-.^_`|~", byte)
}

/// Whether a name matches a pattern, which is a name or a prefix followed by `*`. Ignores case.
pub(super) const fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if let [prefix @ .., b'*'] = pattern {
        if name.len() < prefix.len() {
            return false;
        }
        let (head, _) = name.split_at(prefix.len());
        return head.eq_ignore_ascii_case(prefix);
    }
    pattern.eq_ignore_ascii_case(name)
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

const fn contains(set: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while at < set.len() {
        if set[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

const fn parameter(
    name: &str,
    other_characters: &[u8],
    if_empty: &'static str,
    reason: &'static str,
) -> Option<Fault> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Fault::new(if_empty);
    }
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphanumeric() && !contains(other_characters, bytes[at]) {
            return Fault::at_byte(reason, at);
        }
        at += 1;
    }
    None
}

/// Checks the host name in `bytes[start..end]` (RFC 1123 2.1).
pub(super) const fn host(
    bytes: &[u8],
    start: usize,
    end: usize,
    reason: &'static str,
) -> Option<Fault> {
    if start == end || end - start > 253 {
        return Fault::new(reason);
    }
    let mut at = start;
    let mut label = 0;
    while at < end {
        let byte = bytes[at];
        if byte == b'.' {
            if label == 0 || bytes[at - 1] == b'-' {
                return Fault::at_byte(reason, at);
            }
            label = 0;
        } else if byte.is_ascii_alphanumeric() || (byte == b'-' && label > 0) {
            label += 1;
            if label > 63 {
                return Fault::at_byte(reason, at);
            }
        } else {
            return Fault::at_byte(reason, at);
        }
        at += 1;
    }
    if label == 0 || bytes[end - 1] == b'-' {
        return Fault::at_byte(reason, end - 1);
    }
    None
}
