//! Parsers of header, cookie and query values.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// One place holds two different values: the client's intent is unclear, so it is an error (RFC
/// 6750, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ambiguous;

/// The value that all non-empty values are equal to; `None` if there is no non-empty value.
#[inline]
pub(super) fn single_value<'a>(
    values: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<&'a [u8]>, Ambiguous> {
    let mut values = values.filter(|value| !value.is_empty());
    let first = values.next();
    if values.all(|value| Some(value) == first) {
        Ok(first)
    } else {
        Err(Ambiguous)
    }
}

/// As [`single_value`], for decoded text.
pub(super) fn single_text<'a>(
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

/// The token of `Bearer <token>`. The scheme is not case-sensitive.
pub(super) fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let (scheme, token) = value.split_at_checked(6)?;
    (scheme.eq_ignore_ascii_case(b"bearer") && token.first().is_some_and(u8::is_ascii_whitespace))
        .then(|| token.trim_ascii())
}

/// The value of `name=value` or `name="value"`.
pub(super) fn cookie_value<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
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

/// The decoded value of `name=value`.
pub(super) fn query_value<'a>(pair: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (key, value) = pair.split_once('=')?;
    let same = percent_decode_str(key).eq(name.bytes());
    if same {
        percent_decode_str(value).decode_utf8().ok()
    } else {
        None
    }
}
