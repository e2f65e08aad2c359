//! Reads the sids in one place of a request, in one pass over its head. No function is inlined: most
//! requests have their sid in one header, for which the caller needs none of them.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, COOKIE, HeaderName};

use super::RequestHead;
use super::parse::{Sids, bearer_token, cookie_values, query_value};

/// The values of a header that occurs more than once.
#[cold]
pub(super) fn header<'a>(head: RequestHead<'a>, name: &HeaderName) -> Sids<&'a [u8]> {
    let mut sids = Sids::default();
    head.visit(name, |value| sids.add(value.trim_ascii()));
    sids
}

/// The bearer tokens, and whether there is a token at all.
#[inline(never)]
pub(super) fn bearer(head: RequestHead<'_>) -> (Sids<&[u8]>, bool) {
    let (mut sids, mut has_token) = (Sids::default(), false);
    head.visit(&AUTHORIZATION, |value| {
        let token = bearer_token(value).unwrap_or_default();
        has_token |= !token.is_empty();
        sids.add(token);
    });
    (sids, has_token)
}

/// The values of a cookie. Cookies of other names do not count: with HTTP/2, browsers send each cookie in
/// its own header.
#[inline(never)]
pub(super) fn cookie<'a>(head: RequestHead<'a>, name: &str) -> Sids<&'a [u8]> {
    let mut sids = Sids::default();
    head.visit(&COOKIE, |line| {
        for value in cookie_values(line, name) {
            sids.add(value);
        }
    });
    sids
}

/// The decoded values of a query parameter.
#[inline(never)]
pub(super) fn query<'a>(head: RequestHead<'a>, name: &str) -> Sids<Cow<'a, [u8]>> {
    let mut sids = Sids::default();
    let pairs = head.query().unwrap_or_default().split('&');
    for value in pairs.filter_map(|pair| query_value(pair, name)) {
        sids.add(value);
    }
    sids
}
