//! Headers that carry a sid.

use super::Fault;
use super::name::matches;

/// The header that carries a sid if the config has no loaders.
pub const DEFAULT_HEADER: &str = "X-User-Session";

const FRAMING: &str = "this header frames the message or is hop-by-hop, so it does not reach the \
    server unchanged; use another name, such as `X-User-Session`";
const BODY: &str = "this header describes the body of the message (RFC 9110 8); use another name, \
    such as `X-User-Session`";
const BROWSER: &str = "browsers do not allow scripts to set this header (Fetch 2.2.2); use another \
    name, such as `X-User-Session`";
const SAFELISTED: &str = "this header is CORS-safelisted: another site can send it without a \
    preflight, so it does not protect against CSRF; use another name, such as `X-User-Session`";
const PROXY: &str = "proxies write, forward or log this header; use another name, such as \
    `X-User-Session`";
const CACHE: &str = "this header is a validator or a cache key (RFC 9111); use another name, such \
    as `X-User-Session`";
const BEARER: &str = "this header carries a scheme and credentials (RFC 9110 11.6.2); use \
    the loader `bearer`";
const COOKIE: &str = "cookies have their own loader, with their own rules; use \
    `cookie(\"__Host-sid\")`";
const CHALLENGE: &str = "the syntax of this header does not allow a plain sid (RFC 9110 11.6); use \
    `bearer`, or another name, such as `X-User-Session`";

/// Names of headers that cannot carry a sid. One that ends with `*` matches all names with that
/// prefix.
const FORBIDDEN_HEADERS: &[(&str, &str)] = &[
    ("authorization", BEARER),
    ("cookie", COOKIE),
    ("cookie2", COOKIE),
    ("set-cookie", COOKIE),
    ("set-cookie2", COOKIE),
    ("www-authenticate", CHALLENGE),
    ("authentication-info", CHALLENGE),
    ("host", FRAMING),
    ("connection", FRAMING),
    ("keep-alive", FRAMING),
    ("proxy-*", FRAMING),
    ("te", FRAMING),
    ("trailer", FRAMING),
    ("transfer-encoding", FRAMING),
    ("upgrade", FRAMING),
    ("http2-settings", FRAMING),
    ("content-length", FRAMING),
    ("expect", FRAMING),
    ("via", FRAMING),
    ("max-forwards", FRAMING),
    ("accept", SAFELISTED),
    ("accept-language", SAFELISTED),
    ("content-language", SAFELISTED),
    ("content-type", SAFELISTED),
    ("range", SAFELISTED),
    ("content-*", BODY),
    ("accept-charset", BROWSER),
    ("accept-encoding", BROWSER),
    ("access-control-*", BROWSER),
    ("date", BROWSER),
    ("dnt", BROWSER),
    ("origin", BROWSER),
    ("referer", BROWSER),
    ("sec-*", BROWSER),
    ("x-http-method*", BROWSER),
    ("x-method-override", BROWSER),
    ("user-agent", PROXY),
    ("from", PROXY),
    ("forwarded", PROXY),
    ("x-forwarded-*", PROXY),
    ("x-real-ip", PROXY),
    ("x-request-id", PROXY),
    ("traceparent", PROXY),
    ("tracestate", PROXY),
    ("baggage", PROXY),
    ("etag", CACHE),
    ("last-modified", CACHE),
    ("if-*", CACHE),
    ("cache-control", CACHE),
    ("pragma", CACHE),
    ("expires", CACHE),
    ("vary", CACHE),
    ("age", CACHE),
    ("location", CACHE),
];

/// Checks the name of a header that carries a sid.
#[must_use]
pub const fn header_name(name: &str) -> Option<Fault> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Fault::new("a header needs a name, such as `X-User-Session`");
    }
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == b'_' {
            return Fault::at_byte(
                "proxies drop headers with a `_` in their names; write `-` (RFC 9110 16.3.2.1)",
                at,
            );
        }
        if at == 0 && (byte.is_ascii_digit() || byte == b'-') {
            return Fault::at_byte(
                "a header name must begin with a letter (RFC 9110 16.3.2.1)",
                at,
            );
        }
        if !byte.is_ascii_alphanumeric() && byte != b'-' {
            return Fault::at_byte(
                "a header name can only have letters, digits and `-` (RFC 9110 5.6.2, 16.3.2.1)",
                at,
            );
        }
        at += 1;
    }
    let mut row = 0;
    while row < FORBIDDEN_HEADERS.len() {
        let (forbidden, reason) = FORBIDDEN_HEADERS[row];
        if matches(forbidden.as_bytes(), bytes) {
            return Fault::new(reason);
        }
        row += 1;
    }
    None
}
