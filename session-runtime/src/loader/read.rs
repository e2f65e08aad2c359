//! What one place of a request holds, if that is one value. Each function reads the head once. None is
//! inlined: most requests carry one header, for which the caller needs none of them.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, COOKIE, HeaderName};

use super::RequestHead;
use super::parse::{Ambiguous, Values, bearer_token, cookie_value, query_value};

/// The value of a header that occurs more than once.
#[cold]
pub(super) fn header<'a>(
    head: RequestHead<'a>,
    name: &HeaderName,
) -> Result<Option<&'a [u8]>, Ambiguous> {
    let mut values = Values::default();
    head.visit(name, |value| values.add(value.trim_ascii()));
    values.single()
}

/// The bearer token.
#[inline(never)]
pub(super) fn bearer(head: RequestHead<'_>) -> Result<Option<&[u8]>, Ambiguous> {
    let mut tokens = Values::default();
    head.visit(&AUTHORIZATION, |value| {
        tokens.add(bearer_token(value).unwrap_or_default());
    });
    tokens.single()
}

/// The value of a cookie. Cookies of other names do not count: with HTTP/2, browsers send each one in a
/// header of its own.
#[inline(never)]
pub(super) fn cookie<'a>(head: RequestHead<'a>, name: &str) -> Result<Option<&'a [u8]>, Ambiguous> {
    let mut cookies = Values::default();
    head.visit(&COOKIE, |line| {
        let pairs = line.split(|byte| *byte == b';');
        for value in pairs.filter_map(|pair| cookie_value(pair, name)) {
            cookies.add(value);
        }
    });
    cookies.single()
}

/// The decoded value of a query parameter.
#[inline(never)]
pub(super) fn query<'a>(
    head: RequestHead<'a>,
    name: &str,
) -> Result<Option<Cow<'a, [u8]>>, Ambiguous> {
    let mut values = Values::default();
    let pairs = head.query().unwrap_or_default().split('&');
    for value in pairs.filter_map(|pair| query_value(pair, name)) {
        values.add(value);
    }
    values.single()
}
