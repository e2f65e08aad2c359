//! The rule for requests that pages of other origins cause: it protects cookies, which browsers attach to
//! every request.

use http::HeaderName;
use http::header::{ORIGIN, UPGRADE};

use super::addressed::{Addressed, is_same_origin};
use crate::config::{Options, TrustedProxy};
use crate::loader::{CookieSpec, RequestHead};
use crate::printable;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The longest part of a header in an event, in bytes.
const SHOWN: usize = 120;

/// A request that the rule refuses, and why.
#[derive(Debug)]
pub(crate) struct CrossOrigin {
    /// By the rule of the cookie that carried the sid. Otherwise, only by that of the cookie that would
    /// carry the sid of a new session.
    pub(super) presented: bool,
    /// What the request sent, for the event.
    pub(super) sent: String,
    /// What that was compared with.
    pub(super) expected: String,
}

impl CrossOrigin {
    /// Applies the rule to the cookie that carried the sid, and to the one that would carry the sid of a
    /// new session. `None` if neither refuses the request.
    #[inline]
    pub(crate) fn check(
        head: RequestHead<'_>,
        options: &Options,
        presented: Option<&CookieSpec>,
        created: Option<&CookieSpec>,
    ) -> Option<Box<Self>> {
        if only_reads(head) {
            return None;
        }
        Self::check_change(head, options.trusted_proxy, presented, created)
    }

    #[cold]
    fn check_change(
        head: RequestHead<'_>,
        proxy: Option<TrustedProxy>,
        presented: Option<&CookieSpec>,
        created: Option<&CookieSpec>,
    ) -> Option<Box<Self>> {
        let origin = head.first(&ORIGIN);
        let (is_own, sent, expected) = match (head.first(&SEC_FETCH_SITE), origin) {
            (None, None) => return None,
            (Some(site), origin) => {
                let mut sent = shown("Sec-Fetch-Site: ", site);
                if let Some(origin) = origin {
                    sent.push_str(&shown(", Origin: ", origin));
                }
                let is_own = matches!(site.trim_ascii(), b"same-origin" | b"none");
                (is_own, sent, "same-origin".to_owned())
            }
            (None, Some(origin)) => {
                let addressed = Addressed::new(head, proxy);
                let scheme = match addressed.is_https {
                    None => "",
                    Some(true) => "https://",
                    Some(false) => "http://",
                };
                let expected = shown(scheme, addressed.authority);
                (addressed.is(origin), shown("Origin: ", origin), expected)
            }
        };
        if is_own {
            return None;
        }
        let refuses = |spec: Option<&CookieSpec>| {
            spec.is_some_and(|spec| {
                let listed = |origin| {
                    spec.origins
                        .iter()
                        .any(|one| is_same_origin(one.as_bytes(), origin))
                };
                !spec.allow_any_origin && !origin.is_some_and(listed)
            })
        };
        let (presented, created) = (refuses(presented), refuses(created));
        (presented || created).then(|| {
            Box::new(Self {
                presented,
                sent,
                expected,
            })
        })
    }
}

/// Whether a request changes nothing, because scripts of another origin cannot read its response. A
/// request that asks for an upgrade is none of them: the protocol of a WebSocket lets every page read.
/// (With HTTP/2, the method of a WebSocket is CONNECT.)
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
