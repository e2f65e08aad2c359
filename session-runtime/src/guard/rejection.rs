//! The response that takes the place of the handler's.

use std::fmt;

use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};

use crate::config::SessionConfig;
use crate::engine::{FailedCommit, RequestContext, SessionHeaders};
use crate::error::Error;

/// The response to a request whose session could not be opened or stored.
///
/// Its `Debug` output contains no sid.
#[derive(Debug)]
pub struct Rejection {
    /// `None` if it answers OPTIONS.
    error: Option<Error>,
    /// The value of `WWW-Authenticate`, for a 401.
    challenge: Option<&'static str>,
    vary: Option<&'static HeaderValue>,
    /// The headers for what was stored before a commit failed. Boxed, because rejections are often moved.
    stored: Option<Box<SessionHeaders>>,
}

impl Rejection {
    /// The answer to OPTIONS.
    pub(super) fn no_content(vary: Option<&'static HeaderValue>) -> Self {
        Self {
            error: None,
            challenge: None,
            vary,
            stored: None,
        }
    }

    pub(super) fn commit_failed(failed: FailedCommit, vary: Option<&'static HeaderValue>) -> Self {
        Self {
            error: Some(failed.error),
            challenge: None,
            vary,
            stored: Some(Box::new(failed.headers)),
        }
    }

    /// The session could not be stored, and nothing was written.
    pub(super) fn failed(error: Error, vary: Option<&'static HeaderValue>) -> Self {
        Self {
            error: Some(error),
            challenge: None,
            vary,
            stored: None,
        }
    }

    /// The session could not be opened.
    pub(crate) fn refuse<C: SessionConfig>(context: &RequestContext<C>, error: Error) -> Self {
        let challenge = (error.status() == StatusCode::UNAUTHORIZED).then(|| context.challenge());
        Self {
            error: Some(error),
            challenge,
            vary: context.loaders.vary(),
            stored: None,
        }
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.error().map_or(StatusCode::NO_CONTENT, Error::status)
    }

    /// The error, unless the rejection is the answer to an OPTIONS request.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// The response.
    #[must_use]
    pub fn to_response(&self) -> Response<String> {
        let mut response = self.problem();
        self.headers().apply(response.headers_mut());
        response
    }

    /// The response without the headers of [`headers`](Self::headers).
    pub(crate) fn problem(&self) -> Response<String> {
        let mut response = if let Some(error) = &self.error {
            error.to_response()
        } else {
            let mut response = Response::new(String::new());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        };
        if let Some((error, challenge)) = self.error.as_ref().zip(self.challenge) {
            let challenge = error.challenge(challenge);
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// The headers to add to the response.
    pub(crate) fn headers(&self) -> SessionHeaders {
        match (&self.error, &self.stored) {
            (None, _) => SessionHeaders::of_none(self.vary),
            (Some(_), None) => SessionHeaders::of_refusal(self.vary),
            (Some(_), Some(stored)) => stored.of_failure(self.vary),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            None => f.write_str("OPTIONS is answered without a session"),
            Some(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error()?.source()
    }
}
