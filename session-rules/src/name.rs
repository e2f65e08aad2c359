//! Names of parameters and records, and what all names have in common.

use super::Fault;

const NAMESPACE_LENGTH: usize = 128;

/// The name of a query parameter.
#[must_use]
pub const fn query_name(name: &str) -> Option<Fault> {
    parameter(
        name,
        b"-._~",
        "a query parameter needs a name",
        "the name of a query parameter has letters, digits and `-._~` (RFC 3986 2.3)",
    )
}

/// The name of a path parameter.
#[must_use]
pub const fn path_name(name: &str) -> Option<Fault> {
    parameter(
        name,
        b"-_",
        "a path parameter needs a name: the one between the braces of the route",
        "the name of a path parameter has letters, digits, `_` and `-`: the one between the \
        braces of the route",
    )
}

/// What the keys of a config's records begin with.
#[must_use]
pub const fn namespace(namespace: &str) -> Option<Fault> {
    if namespace.len() > NAMESPACE_LENGTH {
        return Fault::whole("a namespace has at most 128 characters");
    }
    parameter(
        namespace,
        b"-_./:",
        "without a namespace, two configs would share their records in one store",
        "a namespace has ASCII letters, digits and `-_./:`, which every store can keep in a key",
    )
}

/// Whether two header names, or two domains, are one: their case does not count.
#[must_use]
pub const fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// Whether two names of cookies or parameters are one.
#[must_use]
pub const fn same_bytes(a: &str, b: &str) -> bool {
    same(a.as_bytes(), b.as_bytes())
}

/// RFC 9110 5.6.2.
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || contains(b"!#$%&'*+-.^_`|~", byte)
}

/// Whether a row of a table, perhaps ending with `*`, means a name.
pub(super) const fn covers(row: &[u8], name: &[u8]) -> bool {
    if let [prefix @ .., b'*'] = row {
        if name.len() < prefix.len() {
            return false;
        }
        let (head, _) = name.split_at(prefix.len());
        return head.eq_ignore_ascii_case(prefix);
    }
    row.eq_ignore_ascii_case(name)
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
    beside_alphanumerics: &[u8],
    if_empty: &'static str,
    reason: &'static str,
) -> Option<Fault> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Fault::whole(if_empty);
    }
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphanumeric() && !contains(beside_alphanumerics, bytes[at]) {
            return Fault::place(reason, at);
        }
        at += 1;
    }
    None
}

/// A host name between two places (RFC 1123 2.1).
pub(super) const fn host(
    bytes: &[u8],
    start: usize,
    end: usize,
    reason: &'static str,
) -> Option<Fault> {
    if start == end || end - start > 253 {
        return Fault::whole(reason);
    }
    let mut at = start;
    let mut label = 0;
    while at < end {
        let byte = bytes[at];
        if byte == b'.' {
            if label == 0 || bytes[at - 1] == b'-' {
                return Fault::place(reason, at);
            }
            label = 0;
        } else if byte.is_ascii_alphanumeric() || (byte == b'-' && label > 0) {
            label += 1;
            if label > 63 {
                return Fault::place(reason, at);
            }
        } else {
            return Fault::place(reason, at);
        }
        at += 1;
    }
    if label == 0 || bytes[end - 1] == b'-' {
        return Fault::place(reason, end - 1);
    }
    None
}
