//! What the attribute puts around a handler: the guard that opens the session, and the reply that
//! says what became of it.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};

use crate::config::SessionConfig;
use crate::engine::{
    self, Emission, Finalize, FinalizeResult, OpenOutcome, Overrides, Purpose, RequestContext,
    loaders,
};
use crate::error::{Error, ErrorKind};
use crate::session::Session;
use crate::store::BoxFuture;

/// The mode `create`: the session of the request, or a new one.
#[derive(Debug)]
pub struct Create;

/// The mode `load`: the session of the request.
#[derive(Debug)]
pub struct Load;

/// The overrides of a handler that has none.
#[derive(Debug)]
pub struct Inherit;

impl Overrides for Inherit {}

/// A type that a handler can take as its session: `Session<C>` or `Option<Session<C>>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session argument",
    label = "neither `Session<…>` nor `Option<Session<…>>`",
    note = "take the session by value: `session: Session<Shop>`, or `session: Option<Session<Shop>>` where it may be missing"
)]
pub trait SessionArg: Sized + Send {
    /// The config that the type names.
    type Config: SessionConfig;
    /// Whether the handler does without.
    const OPTIONAL: bool;

    /// The argument of a session, if it takes what there is.
    fn from_session(session: Option<Session<Self::Config>>) -> Option<Self>;

    /// The session, if there is one.
    fn session(&self) -> Option<&Session<Self::Config>>;
}

impl<C: SessionConfig> SessionArg for Session<C> {
    type Config = C;
    const OPTIONAL: bool = false;

    fn from_session(session: Option<Self>) -> Option<Self> {
        session
    }

    fn session(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<C: SessionConfig> SessionArg for Option<Session<C>> {
    type Config = C;
    const OPTIONAL: bool = true;

    fn from_session(session: Self) -> Option<Self> {
        Some(session)
    }

    fn session(&self) -> Option<&Session<C>> {
        self.as_ref()
    }
}

/// What a handler does where it finds no session.
pub trait Mode: Send + 'static {
    /// Whether a session is created where there is none.
    const CREATES: bool;
}

impl Mode for Create {
    const CREATES: bool = true;
}

impl Mode for Load {
    const CREATES: bool = false;
}

/// A mode that goes with a session argument. [`split`] alone asks for it, so that a mode which does
/// not is one error, and the handler fits its framework all the same.
#[diagnostic::on_unimplemented(
    message = "`#[session(create)]` always has a session, so its handler takes no `Option`",
    label = "this handler never gets `None`",
    note = "take `Session<…>`, or write `#[session(load)]` where the session may be missing"
)]
pub trait CompatibleWith<S: SessionArg>: Mode {}

#[diagnostic::do_not_recommend]
impl<C: SessionConfig> CompatibleWith<Session<C>> for Create {}

impl<S: SessionArg> CompatibleWith<S> for Load {}

/// The session argument of a handler, as the framework extracts it.
pub struct SessionGuard<S, M, O = Inherit> {
    session: S,
    marker: PhantomData<fn() -> (M, O)>,
}

impl<S, M, O> fmt::Debug for SessionGuard<S, M, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionGuard").finish_non_exhaustive()
    }
}

/// What commits the session when the handler has returned.
pub struct Committer {
    core: Option<Arc<dyn Finalize>>,
    vary: Option<&'static HeaderValue>,
}

/// A request that is given up, because its client hung up or the handler panicked, stores
/// nothing: not even what a task that took the session along has asked of its sid.
impl Drop for Committer {
    fn drop(&mut self) {
        if let Some(core) = self.core.take() {
            core.abandon();
        }
    }
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committer").finish_non_exhaustive()
    }
}

/// Opens the session.
pub(crate) fn open<S: SessionArg, M: Mode, O>(
    context: &RequestContext<S::Config>,
) -> impl Future<Output = Result<SessionGuard<S, M, O>, Rejection>> + Send {
    async move {
        let purpose = match (M::CREATES, S::OPTIONAL) {
            (true, _) => Purpose::Create,
            (false, false) => Purpose::LoadRequired,
            (false, true) => Purpose::LoadOptional,
        };
        let opened = match engine::open_sync(context, purpose) {
            Some(opened) => opened,
            // In a box: else the future of every request had to have room for it, and be moved
            // with it.
            None => Box::pin(engine::open(context, purpose)).await,
        };
        let session = match opened {
            Ok(OpenOutcome::Session(start)) => Some(Session::new(start)),
            Ok(OpenOutcome::None) => None,
            Ok(OpenOutcome::NoContent) => {
                return Err(Rejection {
                    error: None,
                    challenge: None,
                    vary: context.loaders.vary(),
                });
            }
            Err(error) => return Err(Rejection::refuse(context, error)),
        };
        let Some(session) = S::from_session(session) else {
            return Err(Rejection::refuse(context, Error::new(ErrorKind::Missing)));
        };
        Ok(SessionGuard {
            session,
            marker: PhantomData,
        })
    }
}

/// Takes a guard apart for the handler.
pub fn split<S: SessionArg, M: CompatibleWith<S>, O: Overrides>(
    guard: SessionGuard<S, M, O>,
) -> (S, Committer) {
    let committer = Committer {
        core: guard.session.session().map(Session::finisher),
        vary: loaders::<S::Config, O>().vary(),
    };
    (guard.session, committer)
}

/// Whether a handler's value is a failure, asked of its type: a `Result` knows, anything else is
/// none.
#[derive(Debug)]
pub struct IsErr<'a, T>(pub &'a T);

/// The verdict of a `Result`.
pub trait IsErrResult {
    /// Whether the handler failed.
    fn failed(&self) -> bool;
}

impl<T, E> IsErrResult for IsErr<'_, Result<T, E>> {
    fn failed(&self) -> bool {
        self.0.is_err()
    }
}

/// The verdict of any other value.
pub trait IsErrFallback {
    /// Whether the handler failed.
    fn failed(&self) -> bool;
}

impl<T> IsErrFallback for &IsErr<'_, T> {
    fn failed(&self) -> bool {
        false
    }
}

/// What the end of a handler comes to. The handler's own future waits for a commit, so that its
/// value need not be moved into another one.
pub enum HandlerEnd {
    /// It has been written, or nothing had to be.
    Finished(Finished),
    /// The store has to be waited for.
    Commit(PendingCommit),
}

/// What a session adds to a response, or why the commit failed.
pub struct Finished {
    vary: Option<&'static HeaderValue>,
    emission: Result<Emission, Error>,
}

/// A commit under way.
pub struct PendingCommit {
    /// Until it is done: nothing of a commit that is given up is for a task to store later. It goes
    /// before the future, which lets the next one's turn come.
    committer: Committer,
    emission: BoxFuture<'static, Result<Emission, Error>>,
}

impl fmt::Debug for HandlerEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandlerEnd")
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Finished")
    }
}

impl fmt::Debug for PendingCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingCommit")
    }
}

impl Future for PendingCommit {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Finished> {
        let emission = self.emission.as_mut().poll(context);
        emission.map(|emission| {
            self.committer.core = None;
            let vary = self.committer.vary;
            Finished { vary, emission }
        })
    }
}

/// Ends a handler: what it changed is to be written, unless it failed.
#[must_use]
pub fn end(mut committer: Committer, failed: bool) -> HandlerEnd {
    let vary = committer.vary;
    let known = |emission| HandlerEnd::Finished(Finished { vary, emission });
    let Some(core) = committer.core.take() else {
        return known(Ok(Emission::default()));
    };
    match core.finish(failed) {
        FinalizeResult::Now(emission) => known(emission),
        FinalizeResult::Later(emission, core) => {
            committer.core = Some(core);
            HandlerEnd::Commit(PendingCommit {
                committer,
                emission,
            })
        }
    }
}

/// A handler's value, and what its session adds to the response.
#[must_use = "a reply is what a handler returns"]
pub struct SessionReply<R> {
    value: R,
    finished: Finished,
}

impl<R> fmt::Debug for SessionReply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionReply").finish_non_exhaustive()
    }
}

impl<R> SessionReply<R> {
    /// Puts a handler's value and its end together.
    pub fn new(value: R, finished: Finished) -> Self {
        Self { value, finished }
    }

    /// The value, and what to do with the headers of its response; or the response of a failed
    /// commit.
    pub(crate) fn into_outcome(self) -> Result<(R, Emission), Rejection> {
        let Finished { vary, emission } = self.finished;
        match emission {
            Ok(emission) => Ok((self.value, emission.with_vary(vary))),
            Err(error) => Err(Rejection {
                error: Some(error),
                challenge: None,
                vary,
            }),
        }
    }
}

/// The response of a request that does not get its session, or whose session could not be stored.
///
/// Its `Debug` holds no sid.
#[derive(Debug)]
pub struct Rejection {
    /// None where it is the answer to OPTIONS.
    error: Option<Error>,
    /// What a 401 says of how to authenticate.
    challenge: Option<&'static str>,
    vary: Option<&'static HeaderValue>,
}

impl Rejection {
    pub(crate) fn refuse<C: SessionConfig>(context: &RequestContext<C>, error: Error) -> Self {
        let challenge = (error.status() == StatusCode::UNAUTHORIZED).then(|| context.challenge());
        Self {
            error: Some(error),
            challenge,
            vary: context.loaders.vary(),
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
        let mut response = if let Some(error) = &self.error {
            error.to_response()
        } else {
            let mut response = Response::new(String::new());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        };
        let headers = response.headers_mut();
        // RFC 9110, 15.5.2: every 401 says how to authenticate.
        let challenge = self.challenge.map(HeaderValue::from_static);
        headers.extend(challenge.map(|challenge| (WWW_AUTHENTICATE, challenge)));
        self.emission().apply(headers);
        response
    }

    /// What the response says of sessions.
    pub(crate) fn emission(&self) -> Emission {
        match self.error {
            None => Emission::of_none(self.vary),
            Some(_) => Emission::of_refusal(self.vary),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            None => f.write_str("OPTIONS is finish without a session"),
            Some(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error()?.source()
    }
}
