//! The response to a request of a client.

use std::fmt;

use http::{HeaderMap, Response, StatusCode};
use serde::de::DeserializeOwned;

use super::redact::excerpt;

/// The response to a [`TestRequest`](super::TestRequest).
pub struct TestResponse {
    /// The method and the path of the request.
    request: String,
    response: Response<Vec<u8>>,
    /// The config of a living session that the client held and that the application did not load.
    ignored: Option<&'static str>,
}

impl TestResponse {
    pub(super) fn new(
        request: String,
        response: Response<Vec<u8>>,
        ignored: Option<&'static str>,
    ) -> Self {
        Self {
            request,
            response,
            ignored,
        }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Checks the status: a number, or a `StatusCode`. Returns the response, to go on with it.
    ///
    /// # Panics
    /// If the response has another status. The message shows its body, without the sids in it.
    #[track_caller]
    #[allow(clippy::must_use_candidate, reason = "the check is the purpose")]
    pub fn assert_status<S>(&self, expected: S) -> &Self
    where
        StatusCode: PartialEq<S>,
        S: fmt::Display,
    {
        if self.status() == expected {
            return self;
        }
        let hint = match self.ignored {
            Some(config) if self.status().as_u16() == 401 => format!(
                "\nThe client holds a session of {config}, but the application did not load it: does the \
                 handler use another config, or other loaders than the config?"
            ),
            _ => String::new(),
        };
        panic!(
            "`{}` has the status {}, not {expected}\nbody: {}{hint}",
            self.request,
            self.status(),
            self.shown_body()
        )
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.response.body()
    }

    /// The body as a text.
    ///
    /// # Panics
    /// If it is not UTF-8.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        match std::str::from_utf8(self.bytes()) {
            Ok(text) => text,
            Err(error) => panic!("the body of `{}` is not a text: {error}", self.request),
        }
    }

    /// The value that the body contains as JSON.
    ///
    /// # Panics
    /// If it is not JSON, or that of another type.
    #[must_use]
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(self.bytes()) {
            Ok(value) => value,
            Err(error) => panic!(
                "the body of `{}`, which has the status {}, is not the JSON of the expected type: \
                 {error}\nbody: {}",
                self.request,
                self.status(),
                self.shown_body()
            ),
        }
    }

    fn shown_body(&self) -> String {
        excerpt(&String::from_utf8_lossy(self.bytes()))
    }
}

/// Shows the request and the status. Headers and body may contain a sid.
impl fmt::Debug for TestResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestResponse")
            .field("request", &self.request)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
