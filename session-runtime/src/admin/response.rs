//! The responses of the admin page, and the headers that all of them have.

use std::sync::LazyLock;

use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
    REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::page::STYLE;
use crate::error::Error;

/// A request that is refused, or failed.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// What is wrong, without anything that the request contains.
    pub(super) detail: &'static str,
    /// The methods that the path has.
    allow: Option<&'static str>,
    /// The problem of a session.
    error: Option<Error>,
}

impl Refusal {
    pub(super) const fn new(status: StatusCode, detail: &'static str) -> Self {
        Self {
            status,
            detail,
            allow: None,
            error: None,
        }
    }

    pub(super) const fn bad_request(detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "This path has no such method",
            )
        }
    }

    /// The response as a problem document (RFC 9457).
    pub(super) fn to_problem(&self) -> Response<String> {
        if let Some(error) = &self.error {
            return error.to_response();
        }
        let problem = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = text("application/problem+json", problem.to_string());
        self.finish(&mut response);
        response
    }

    /// Sets the status and the headers that belong to it.
    pub(super) fn finish(&self, response: &mut Response<String>) {
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            status: error.status(),
            detail: error.kind().title(),
            allow: None,
            error: Some(error),
        }
    }
}

/// A response with this body.
pub(super) fn text(content_type: &'static str, body: String) -> Response<String> {
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

pub(super) fn json_of(body: &impl Serialize) -> Response<String> {
    match serde_json::to_string(body) {
        Ok(body) => text("application/json", body),
        Err(_) => Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The response has no JSON form",
        )
        .to_problem(),
    }
}

pub(super) fn no_content() -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Leads the browser from a form back to a page, by a query of the same path: the path under which the page is
/// mounted is not known here.
pub(super) fn see_other(query: &str) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(query) = HeaderValue::from_str(query) {
        response.headers_mut().insert(LOCATION, query);
    }
    response
}

/// Sets the headers that every response has.
pub(super) fn protect(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // With `no-referrer`, browsers send `Origin: null` with a form, which the cross-origin rule refuses.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}

/// A page has no script, one style sheet, and forms that send to itself.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let strict = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    let hash = base64(&Sha256::digest(STYLE));
    let policy = format!("{strict}; style-src 'sha256-{hash}'");
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(strict))
});

/// Bytes as base64 (RFC 4648, 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * at) & 0x3f) as usize];
            let is_padding = at > three.len();
            text.push(if is_padding { '=' } else { char::from(digit) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_has_padding() {
        // RFC 4648, 10.
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
