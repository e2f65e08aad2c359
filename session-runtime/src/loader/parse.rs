//! Parsers of header, cookie and query values.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::sid::PresentedSid;

/// One place holds two different sids, or too many values. This is an error, because the client's intent
/// is unclear (RFC 6750, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ambiguous {
    /// The index of the loader.
    pub(crate) loader: usize,
}

/// The maximum number of values in one place. Clients have little reason to send more than one, and
/// comparing thousands of them takes long.
const MAX_VALUES: usize = 32;

/// The sids in one place of a request: in the values of a header, or of the cookies or query parameters
/// of one name. Values that cannot be a sid are ignored.
#[derive(Debug)]
pub(super) struct Sids<V> {
    count: usize,
    first: Option<(V, PresentedSid)>,
    /// Whether another sid differs from the first one.
    differ: bool,
}

impl<V> Default for Sids<V> {
    fn default() -> Self {
        Self {
            count: 0,
            first: None,
            differ: false,
        }
    }
}

impl<V: AsRef<[u8]>> Sids<V> {
    pub(super) fn add(&mut self, value: V) {
        self.count += 1;
        // Not compared: the client could choose how long that takes.
        if self.count > MAX_VALUES {
            return;
        }
        match &self.first {
            Some((first, _)) if first.as_ref() == value.as_ref() => {}
            Some(_) => self.differ |= PresentedSid::parse_bytes(value.as_ref()).is_some(),
            None => self.first = PresentedSid::parse_bytes(value.as_ref()).map(|sid| (value, sid)),
        }
    }

    /// The only sid, if there is one. The loader at this index has read the values.
    pub(super) fn single(self, loader: usize) -> Result<Option<PresentedSid>, Ambiguous> {
        if self.differ || self.count > MAX_VALUES {
            return Err(Ambiguous { loader });
        }
        Ok(self.first.map(|(_, sid)| sid))
    }
}

/// The token of `Bearer <token>`. The scheme is not case-sensitive.
pub(super) fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let (scheme, token) = value.split_at_checked(6)?;
    (scheme.eq_ignore_ascii_case(b"bearer") && token.first().is_some_and(u8::is_ascii_whitespace))
        .then(|| token.trim_ascii())
}

/// The values of the cookies with this name in a line of `Cookie`.
pub(crate) fn cookie_values<'a>(line: &'a [u8], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let pairs = line.split(|byte| *byte == b';');
    pairs.filter_map(move |pair| cookie_value(pair, name))
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

/// The decoded value of `name=value`.
pub(super) fn query_value<'a>(pair: &'a str, name: &str) -> Option<Cow<'a, [u8]>> {
    let (key, value) = pair.split_once('=')?;
    let same = percent_decode_str(key).eq(name.bytes());
    same.then(|| percent_decode_str(value).into())
}
