//! axum 0.8.

pub mod boxed;

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts, OriginalUri, RawPathParams};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Uri};

use super::http_head::{HttpHead, HttpParts};
use super::missing_attribute::NeedsSessionAttribute;
use super::scope::{scope_of, shared_scope};
use crate::config::SessionConfig;
use crate::engine::{self, Overrides};
use crate::error::{Error, ErrorKind};
use crate::guard::{
    self, Answer, Convert, EarlyResponse, Inherit, Mode, Probe, Rejection, SessionArg,
    SessionGuard, SessionReply, StatusKnown, ViaAxum, is_success,
};
use crate::loader::RequestHead;
use crate::session::{LoggedIn, Session};
use crate::store::BoxFuture;
use crate::view::SessionView;

impl<St, S, M, O> FromRequestParts<St> for SessionGuard<S, M, O>
where
    St: Send + Sync,
    S: SessionArg,
    M: Mode,
    O: Overrides,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &St) -> Result<Self, Rejection> {
        let context = {
            let params = if engine::loaders::<S::Config, O>().reads_path() {
                path_params(parts).await
            } else {
                None
            };
            let scope = if O::MAY_FORWARD {
                Some(shared_scope(&mut parts.extensions))
            } else {
                scope_of(&parts.extensions)
            };
            let find = |name: &str| find(params.as_ref(), name);
            let head = HttpHead {
                parts: &*parts,
                params: &find,
            };
            engine::extract::<S::Config, O>(RequestHead::new(&head), scope)
        };
        guard::open(&context, StatusKnown::AfterAxum).await
    }
}

/// The parameters in the path. Boxed because few handlers read them: the futures of the others stay small.
fn path_params(parts: &mut Parts) -> BoxFuture<'_, Option<RawPathParams>> {
    Box::pin(async move { RawPathParams::from_request_parts(parts, &()).await.ok() })
}

impl HttpParts for Parts {
    fn method(&self) -> &Method {
        &self.method
    }

    fn uri(&self) -> &Uri {
        &self.uri
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    fn original_uri(&self) -> &Uri {
        original_uri(&self.extensions, &self.uri)
    }

    #[cfg(feature = "axum-session")]
    fn peer_ip(&self) -> Option<std::net::IpAddr> {
        peer_ip(&self.extensions)
    }
}

/// The target of a request before `nest` removed a prefix.
pub(super) fn original_uri<'a>(extensions: &'a Extensions, uri: &'a Uri) -> &'a Uri {
    let original = extensions.get::<OriginalUri>();
    original.map_or(uri, |original| &original.0)
}

/// The address that axum's server has noted, if it was told to.
#[cfg(feature = "axum-session")]
pub(super) fn peer_ip(extensions: &Extensions) -> Option<std::net::IpAddr> {
    let peer = extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>()?;
    Some(peer.0.ip())
}

fn find<'a>(params: Option<&'a RawPathParams>, name: &str) -> Option<Cow<'a, str>> {
    params?
        .iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| Cow::Borrowed(value))
}

/// Loads the session for a view. The inner `Err` is the rejection if there is no session.
async fn view<C: SessionConfig>(
    parts: &mut Parts,
) -> Result<Result<SessionView<C>, Rejection>, Rejection> {
    let context = {
        let params = if engine::loaders::<C, Inherit>().reads_path() {
            path_params(parts).await
        } else {
            None
        };
        let find = |name: &str| find(params.as_ref(), name);
        let head = HttpHead {
            parts: &*parts,
            params: &find,
        };
        engine::extract::<C, Inherit>(RequestHead::new(&head), scope_of(&parts.extensions))
    };
    match engine::view(&context).await {
        Ok(Some((id, loaded))) => Ok(Ok(SessionView::found(id, loaded))),
        Ok(None) => Ok(Err(Rejection::refuse(&context, context.no_session_error()))),
        Err(error) if error.kind() == ErrorKind::SessionReplaced => {
            Ok(Err(Rejection::refuse(&context, error)))
        }
        Err(error) => Err(Rejection::refuse(&context, error)),
    }
}

impl<St: Send + Sync, C: SessionConfig> FromRequestParts<St> for SessionView<C> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &St) -> Result<Self, Rejection> {
        view(parts).await?
    }
}

impl<St: Send + Sync, C: SessionConfig> OptionalFromRequestParts<St> for SessionView<C> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &St) -> Result<Option<Self>, Rejection> {
        view(parts).await.map(Result::ok)
    }
}

impl<St: Send + Sync, C: SessionConfig + NeedsSessionAttribute> FromRequestParts<St>
    for Session<C>
{
    type Rejection = Error;

    async fn from_request_parts(_: &mut Parts, _: &St) -> Result<Self, Error> {
        Err(Error::of(ErrorKind::Missing))
    }
}

impl<St: Send + Sync, C: SessionConfig + NeedsSessionAttribute> FromRequestParts<St>
    for LoggedIn<C>
{
    type Rejection = Error;

    async fn from_request_parts(_: &mut Parts, _: &St) -> Result<Self, Error> {
        Err(Error::of(ErrorKind::Missing))
    }
}

impl<R: IntoResponse> IntoResponse for SessionReply<R> {
    fn into_response(self) -> Response {
        response(self, R::into_response)
    }
}

/// The response to a request, with the headers of its session.
fn response<R>(reply: SessionReply<R>, convert: impl FnOnce(R) -> Response) -> Response {
    match reply.into_answer() {
        Ok((answer, headers)) => {
            let mut response = match answer {
                Answer::Value(value) => convert(value),
                Answer::Early(response) => response,
            };
            headers.apply(response.headers_mut());
            response
        }
        Err(rejection) => rejection.into_response(),
    }
}

impl<R: IntoResponse> ViaAxum for Probe<R> {
    type Value = R;

    fn via_axum(&self) -> Option<Convert<R>> {
        Some(|value| {
            let response = value.into_response();
            EarlyResponse::new(is_success(response.status().as_u16()), response)
        })
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.to_response().map(Body::from)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.to_response().map(Body::from)
    }
}
