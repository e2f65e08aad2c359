//! The cross-origin rule, which refuses requests that pages of other origins cause. It protects cookies,
//! because browsers attach them to every request.

use http::HeaderName;
use http::header::{ORIGIN, UPGRADE};

use super::addressed::{Addressed, is_same_origin};
use crate::config::{Options, TrustedProxy};
use crate::loader::{CookieSpec, RequestHead};
use crate::printable;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The maximum number of bytes of a header that an event shows.
const SHOWN: usize = 120;

/// Why the rule refuses a request.
#[derive(Debug)]
pub(crate) struct CrossOrigin {
    /// What the request sent, for the event.
    pub(crate) sent: String,
    /// What it was compared with.
    pub(crate) expected: String,
}

impl CrossOrigin {
    /// Applies the rule to a request that uses the cookie. `None` if it is allowed.
    pub(super) fn check_cookie(
        head: RequestHead<'_>,
        options: &Options,
        spec: &CookieSpec,
    ) -> Option<Self> {
        if spec.allow_any_origin {
            return None;
        }
        Self::check(head, options.trusted_proxy, spec.origins)
    }

    /// Applies the rule to a request; `origins` are those that are allowed beside its own. `None` if it is
    /// allowed.
    pub(crate) fn check(
        head: RequestHead<'_>,
        proxy: Option<TrustedProxy>,
        origins: &[&str],
    ) -> Option<Self> {
        if only_reads(head) {
            return None;
        }
        let origin = head.first(&ORIGIN);
        let is_listed = |origin| {
            let mut listed = origins.iter();
            listed.any(|one| is_same_origin(one.as_bytes(), origin))
        };
        if origin.is_some_and(is_listed) {
            return None;
        }
        match (head.first(&SEC_FETCH_SITE), origin) {
            (None, None) => None,
            (Some(site), _) if matches!(site.trim_ascii(), b"same-origin" | b"none") => None,
            (Some(site), origin) => {
                let mut sent = shown("Sec-Fetch-Site: ", site);
                if let Some(origin) = origin {
                    sent.push_str(&shown(", Origin: ", origin));
                }
                let expected = "same-origin".to_owned();
                Some(Self { sent, expected })
            }
            (None, Some(origin)) => {
                let addressed = Addressed::new(head, proxy);
                (!addressed.is(origin)).then(|| Self {
                    sent: shown("Origin: ", origin),
                    expected: shown(addressed.scheme(), addressed.authority),
                })
            }
        }
    }
}

/// Whether a request may come from any origin: it changes nothing, and browsers hide its response from
/// scripts of other origins. They do not hide the messages of a WebSocket, whose handshake is a GET with
/// `Upgrade` (RFC 6455, 4.1), or with HTTP/2 a CONNECT (RFC 8441, 5).
#[inline]
fn only_reads(head: RequestHead<'_>) -> bool {
    matches!(head.method(), "GET" | "HEAD" | "OPTIONS") && head.first(&UPGRADE).is_none()
}

/// The beginning of a header's value, escaped, for logs.
fn shown(label: &str, value: &[u8]) -> String {
    let start = value.get(..SHOWN).unwrap_or(value);
    let more = if start.len() < value.len() { "…" } else { "" };
    let start = printable::message(&String::from_utf8_lossy(start));
    format!("{label}{start}{more}")
}
