//! `commit: on_success`, where the status of the response decides: when the status is known, and the
//! response that is created for it before the commit.
//!
//! On axum and poem, nothing can wait for the store once the framework creates the response. The
//! handler's value is therefore converted first. Which framework has called the handler is known at run
//! time only, and a value may be a response to several: by autoref specialization, method lookup finds
//! [`ViaAxum`] and [`ViaPoem`] for values that are one, and [`ViaNothing`] for all others.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

use http::StatusCode;

use super::commit::Committer;
use crate::error::{Error, ErrorKind};

/// When the status of a handler's response is known. One word wide, because a byte next to words makes
/// copies of a committer slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
#[allow(dead_code, reason = "some are of a framework that is disabled")]
pub(crate) enum StatusKnown {
    /// When the handler has returned: the value has the status (plain `http`).
    InValue,
    /// When the value was converted to axum's response.
    AfterAxum,
    /// When the value was converted to poem's response.
    AfterPoem,
    /// When the framework writes the reply, which can wait for the store (salvo).
    InReply,
    /// When the framework converts the reply, which cannot wait: the app-wide layer commits (actix-web and
    /// rocket).
    InLayer,
}

/// Whether a status commits the changes.
pub(crate) fn is_success(status: u16) -> bool {
    status < 400
}

/// The error for a response whose status is not known in time.
pub(crate) fn unknown_status() -> Error {
    Error::of(ErrorKind::StatusUnknown)
}

/// A response that was created before the commit.
pub struct EarlyResponse {
    is_success: bool,
    response: Box<dyn Any + Send>,
}

impl EarlyResponse {
    #[cfg(any(feature = "axum", feature = "poem"))]
    pub(crate) fn new(is_success: bool, response: impl Any + Send) -> Self {
        Self {
            is_success,
            response: Box::new(response),
        }
    }

    /// The response, if it is of this type.
    pub(crate) fn into_inner<T: 'static>(self) -> Result<T, Error> {
        match self.response.downcast() {
            Ok(response) => Ok(*response),
            Err(_) => Err(unknown_status()),
        }
    }
}

/// A handler's value, or the response that it was converted to.
pub enum Answer<R, T = EarlyResponse> {
    /// The value.
    Value(R),
    /// The response.
    Early(T),
}

impl<R> Answer<R> {
    #[allow(clippy::inline_always, reason = "every reply of a handler calls it")]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn downcast<T: 'static>(self) -> Result<Answer<R, T>, Error> {
        match self {
            Self::Value(value) => Ok(Answer::Value(value)),
            Self::Early(early) => early.into_inner().map(Answer::Early),
        }
    }
}

/// Converts a value to a response.
pub type Convert<R> = fn(R) -> EarlyResponse;

/// The type of a handler's value.
pub struct Probe<R>(PhantomData<fn() -> R>);

impl<R> Probe<R> {
    /// The type of this value.
    #[must_use]
    pub const fn of(_: &R) -> Self {
        Self(PhantomData)
    }

    /// The type of the value that this future returns.
    #[must_use]
    pub const fn of_output<F: Future<Output = R>>(_: &F) -> Self {
        Self(PhantomData)
    }
}

/// A value that axum can respond with.
pub trait ViaAxum {
    /// The value.
    type Value;
    /// The conversion.
    fn via_axum(&self) -> Option<Convert<Self::Value>>;
}

/// A value that poem can respond with. `Response` is what poem converts to its response.
pub trait ViaPoem<Response> {
    /// The value.
    type Value;
    /// The conversion.
    fn via_poem(&self) -> Option<Convert<Self::Value>>;
}

/// Any other value.
pub trait ViaNothing {
    /// The value.
    type Value;

    /// No conversion.
    fn via_axum(&self) -> Option<Convert<Self::Value>> {
        None
    }

    /// No conversion.
    fn via_poem(&self) -> Option<Convert<Self::Value>> {
        None
    }
}

impl<R> ViaNothing for &Probe<R> {
    type Value = R;
}

/// The conversions of a value.
pub struct Conversions<R> {
    /// To axum's response.
    pub axum: Option<Convert<R>>,
    /// To poem's response.
    pub poem: Option<Convert<R>>,
}

impl Committer {
    /// Converts the handler's value if its framework needs that, and returns whether the handler failed.
    pub(super) fn convert<R>(
        &mut self,
        value: R,
        failed: bool,
        conversions: &Conversions<R>,
    ) -> (Answer<R>, bool) {
        let convert = match self.by_status {
            Some(StatusKnown::AfterAxum) => conversions.axum,
            Some(StatusKnown::AfterPoem) => conversions.poem,
            _ => None,
        };
        let Some(convert) = convert.filter(|_| !failed) else {
            return (Answer::Value(value), failed);
        };
        let early = convert(value);
        self.by_status = None;
        let failed = !early.is_success;
        (Answer::Early(early), failed)
    }

    /// Returns whether a handler of plain `http` failed. `status` is `None` if its value has none.
    #[inline]
    pub(super) fn judge<R>(
        &mut self,
        value: &R,
        failed: bool,
        status: fn(&R) -> Option<StatusCode>,
    ) -> bool {
        failed
            || self
                .by_status
                .take()
                .is_some_and(|_| !status(value).is_some_and(|status| is_success(status.as_u16())))
    }
}

/// A commit that waits for the status of the response.
#[cfg_attr(
    not(any(feature = "salvo", feature = "actix-web", feature = "rocket")),
    allow(dead_code, reason = "no framework that is enabled takes it")
)]
pub(crate) struct Deferred {
    pub(super) committer: Committer,
    pub(super) shared: bool,
}

impl Deferred {
    /// Commits if the status is a success. Returns the headers for the response, or the one to send in its
    /// place.
    #[cfg(any(feature = "salvo", feature = "actix-web", feature = "rocket"))]
    pub(crate) async fn commit(
        self: Box<Self>,
        is_success: bool,
    ) -> Result<crate::engine::SessionHeaders, super::Rejection> {
        let Self { committer, shared } = *self;
        let reply = match super::commit::commit(Answer::Value(()), !is_success, committer) {
            super::HandlerReply::Done(reply) => reply,
            super::HandlerReply::Pending(pending) => pending.await,
        };
        let reply = if shared { reply.shared() } else { reply };
        reply.into_headers()
    }
}

impl fmt::Debug for EarlyResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EarlyResponse")
    }
}

impl<R, T> fmt::Debug for Answer<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

impl<R> fmt::Debug for Probe<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

impl<R> fmt::Debug for Conversions<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conversions")
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deferred")
    }
}
