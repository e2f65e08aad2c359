//! What the attribute puts around a handler: the guard that opens the session, and the reply that
//! says what became of it.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};

use crate::config::{CommitOn, SessionConfig};
use crate::engine::{self, Asked, Emission, Finish, LoadCache, Opened, Overrides, Purpose};
use crate::error::{Error, ErrorKind};
use crate::loader::RequestHead;
use crate::session::Session;

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
    message = "`{Self}` is no session argument",
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
}

impl<C: SessionConfig> SessionArg for Session<C> {
    type Config = C;
    const OPTIONAL: bool = false;

    fn from_session(session: Option<Self>) -> Option<Self> {
        session
    }
}

impl<C: SessionConfig> SessionArg for Option<Session<C>> {
    type Config = C;
    const OPTIONAL: bool = true;

    fn from_session(session: Self) -> Option<Self> {
        Some(session)
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
pub trait GoesWith<S: SessionArg>: Mode {}

#[diagnostic::do_not_recommend]
impl<C: SessionConfig> GoesWith<Session<C>> for Create {}

impl<S: SessionArg> GoesWith<S> for Load {}

/// The session argument of a handler, as the framework extracts it.
pub struct SessionGuard<S, M, O = Inherit> {
    session: S,
    committer: Committer,
    marker: PhantomData<fn() -> (M, O)>,
}

impl<S, M, O> fmt::Debug for SessionGuard<S, M, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionGuard").finish_non_exhaustive()
    }
}

/// What commits the session when the handler has returned.
pub struct Committer {
    shared: Option<Arc<dyn Finish>>,
    vary: Option<&'static HeaderValue>,
    always: bool,
}

/// A request that is given up, because its client hung up or another argument was refused, stores
/// nothing: not even what a task that took the session along has asked of its sid.
impl Drop for Committer {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.abandon();
        }
    }
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committer").finish_non_exhaustive()
    }
}

/// What a handler's session needs of the request's head. It holds nothing of the request.
pub(crate) struct Snapshot<S: SessionArg> {
    asked: Asked<S::Config>,
}

/// Reads the head of a request.
pub(crate) fn snapshot<S: SessionArg, O: Overrides>(
    head: RequestHead<'_>,
    layer: Option<Arc<LoadCache<S::Config>>>,
) -> Snapshot<S> {
    Snapshot {
        asked: engine::ask::<S::Config, O>(head, layer),
    }
}

/// Opens the session.
pub(crate) fn open<S: SessionArg, M: Mode, O>(
    snapshot: Snapshot<S>,
) -> impl Future<Output = Result<SessionGuard<S, M, O>, Rejection>> + Send {
    async move {
        let asked = &snapshot.asked;
        let purpose = match (M::CREATES, S::OPTIONAL) {
            (true, _) => Purpose::Create,
            (false, false) => Purpose::LoadRequired,
            (false, true) => Purpose::LoadOptional,
        };
        let opened = engine::open(asked, purpose)
            .await
            .map_err(|error| Rejection::refuse(asked, error))?;
        let (session, shared) = match opened {
            Opened::NoContent => {
                return Err(Rejection {
                    refusal: Refusal::NoContent,
                    vary: asked.wire.vary(),
                });
            }
            Opened::None => (None, None),
            Opened::Session(shared) => (
                Some(Session::new(shared.clone())),
                Some(shared as Arc<dyn Finish>),
            ),
        };
        let Some(session) = S::from_session(session) else {
            return Err(Rejection::refuse(asked, Error::new(ErrorKind::Missing)));
        };
        let committer = Committer {
            shared,
            vary: asked.wire.vary(),
            always: asked.options.commit == CommitOn::Always,
        };
        Ok(SessionGuard {
            session,
            committer,
            marker: PhantomData,
        })
    }
}

/// Takes a guard apart for the handler.
pub fn split<S: SessionArg, M: GoesWith<S>, O: Overrides>(
    guard: SessionGuard<S, M, O>,
) -> (S, Committer) {
    (guard.session, guard.committer)
}

/// Whether a handler's value is a failure, asked of its type: a `Result` knows, anything else is
/// none.
#[derive(Debug)]
pub struct Verdict<'a, T>(pub &'a T);

/// The verdict of a `Result`.
pub trait ViaResult {
    /// Whether the handler failed.
    fn failed(&self) -> bool;
}

impl<T, E> ViaResult for Verdict<'_, Result<T, E>> {
    fn failed(&self) -> bool {
        self.0.is_err()
    }
}

/// The verdict of any other value.
pub trait ViaOther {
    /// Whether the handler failed.
    fn failed(&self) -> bool;
}

impl<T> ViaOther for &Verdict<'_, T> {
    fn failed(&self) -> bool {
        false
    }
}

/// A handler's value, and what its session adds to the response.
#[must_use = "a reply is what a handler returns"]
pub struct SessionReply<R> {
    outcome: Result<(R, Emission), Rejection>,
}

impl<R> fmt::Debug for SessionReply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionReply").finish_non_exhaustive()
    }
}

impl<R> SessionReply<R> {
    /// The value, and what to do with the headers of its response; or the response of a failed
    /// commit.
    pub(crate) fn into_outcome(self) -> Result<(R, Emission), Rejection> {
        self.outcome
    }
}

/// Commits, and puts the handler's value and its headers together.
pub async fn finish<R>(mut committer: Committer, value: R, failed: bool) -> SessionReply<R> {
    let (vary, always) = (committer.vary, committer.always);
    let Some(shared) = committer.shared.take() else {
        return SessionReply {
            outcome: Ok((value, Emission::of_none(vary))),
        };
    };
    let emission = match shared.settle(failed && !always) {
        Some(emission) => Ok(emission),
        None => shared.commit().await,
    };
    let outcome = match emission {
        Ok(emission) => Ok((value, emission.with_vary(vary))),
        Err(error) => Err(Rejection {
            refusal: Refusal::Error {
                error,
                challenge: None,
            },
            vary,
        }),
    };
    SessionReply { outcome }
}

/// The response of a request that does not get its session, or whose session could not be stored.
///
/// Its `Debug` holds no sid.
#[derive(Debug)]
pub struct Rejection {
    refusal: Refusal,
    vary: Option<&'static HeaderValue>,
}

#[derive(Debug)]
enum Refusal {
    /// The answer to OPTIONS.
    NoContent,
    Error {
        error: Error,
        challenge: Option<HeaderValue>,
    },
}

impl Rejection {
    pub(crate) fn refuse<C: SessionConfig>(asked: &Asked<C>, error: Error) -> Self {
        let challenge = (error.status() == StatusCode::UNAUTHORIZED).then(|| asked.challenge());
        Self {
            refusal: Refusal::Error { error, challenge },
            vary: asked.wire.vary(),
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
        match &self.refusal {
            Refusal::NoContent => None,
            Refusal::Error { error, .. } => Some(error),
        }
    }

    /// The response.
    #[must_use]
    pub fn to_response(&self) -> Response<String> {
        let mut response = match &self.refusal {
            Refusal::NoContent => {
                let mut response = Response::new(String::new());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            Refusal::Error { error, challenge } => {
                let mut response = error.to_response();
                // RFC 9110, 15.5.2: every 401 says how to authenticate.
                let challenge = challenge.clone();
                response
                    .headers_mut()
                    .extend(challenge.map(|challenge| (WWW_AUTHENTICATE, challenge)));
                response
            }
        };
        self.emission().apply(response.headers_mut());
        response
    }

    /// What the response says of sessions.
    pub(crate) fn emission(&self) -> Emission {
        match self.refusal {
            Refusal::NoContent => Emission::of_none(self.vary),
            Refusal::Error { .. } => Emission::of_refusal(self.vary),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.refusal {
            Refusal::NoContent => f.write_str("OPTIONS is answered without a session"),
            Refusal::Error { error, .. } => error.fmt(f),
        }
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error()?.source()
    }
}
