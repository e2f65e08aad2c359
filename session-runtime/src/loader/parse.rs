//! Parsers of header, cookie and query values.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::sid::PresentedSid;

/// One place holds two different sids: the client's intent is unclear, so it is an error (RFC 6750,
/// 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ambiguous {
    /// The index of the loader.
    pub(crate) loader: usize,
}

/// The sid that all values contain. Values that cannot be a sid are left out.
#[inline]
pub(super) fn single_sid<V: AsRef<[u8]>>(
    values: impl Iterator<Item = V>,
    loader: usize,
) -> Result<Option<PresentedSid>, Ambiguous> {
    let mut first: Option<(V, PresentedSid)> = None;
    for value in values {
        match &first {
            Some((known, _)) if known.as_ref() == value.as_ref() => {}
            Some(_) if PresentedSid::parse_bytes(value.as_ref()).is_some() => {
                return Err(Ambiguous { loader });
            }
            Some(_) => {}
            None => first = PresentedSid::parse_bytes(value.as_ref()).map(|sid| (value, sid)),
        }
    }
    Ok(first.map(|(_, sid)| sid))
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
pub(super) fn query_value<'a>(pair: &'a str, name: &str) -> Option<Cow<'a, [u8]>> {
    let (key, value) = pair.split_once('=')?;
    let same = percent_decode_str(key).eq(name.bytes());
    same.then(|| percent_decode_str(value).into())
}
