//! rocket 0.5.
//!
//! If a guard refuses a request, or a responder fails with a status, a catcher creates the response,
//! and neither a guard nor a responder can change it. The headers of the session are then kept in the
//! request's local cache, and the fairing (the app-wide layer) adds them.

mod failure;

use std::borrow::Cow;
use std::io::Cursor;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{Extensions, HeaderName, HeaderValue, StatusCode, header};
use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};
use rocket::response::{self, Responder};
use rocket::{Data, Request, Response, async_trait};

use super::http::{AnyRequest, scope_of, shared_scope};
use super::layer::SessionLayer;
use super::missing_attribute::NeedsSessionAttribute;
use crate::config::SessionConfig;
use crate::engine::{self, Overrides, ReplyHeaders, SessionHeaders};
use crate::error::{Error, ErrorKind};
use crate::guard::{self, Inherit, Mode, Rejection, SessionArg, SessionGuard, SessionReply};
use crate::loader::{HeadSource, RequestHead};
use crate::session::Session;
use crate::view::SessionView;

struct Head<'a> {
    request: &'a Request<'a>,
    /// The authority of an HTTP/2 request without a `Host` header.
    authority: Option<String>,
}

impl HeadSource for Head<'_> {
    fn method(&self) -> &str {
        self.request.method().as_str()
    }

    fn path(&self) -> &str {
        self.request.uri().path().as_str()
    }

    fn query(&self) -> Option<&str> {
        Some(self.request.uri().query()?.as_str())
    }

    fn header_and_more(&self, name: &HeaderName) -> Option<(&[u8], bool)> {
        let mut values = self.request.headers().get(name.as_str());
        Some((values.next()?.as_bytes(), values.next().is_some()))
    }

    fn visit<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        let values = self.request.headers().get(name.as_str());
        values.map(str::as_bytes).for_each(visit);
    }

    fn is_tls(&self) -> bool {
        self.request.rocket().config().tls_enabled()
    }

    fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// rocket provides route segments by their position only.
    fn path_param(&self, name: &str) -> Option<Cow<'_, str>> {
        let segments = self.request.route()?.uri.unmounted_origin.path();
        let position = segments.raw_segments().position(|segment| {
            let inner = segment.as_str().strip_prefix('<');
            inner.and_then(|inner| inner.strip_suffix('>')) == Some(name)
        })?;
        Some(Cow::Borrowed(self.request.routed_segment(position)?))
    }
}

/// The scopes that layers and guards have put into a request, of every config.
#[derive(Default)]
struct Scopes(Mutex<Extensions>);

fn scopes<'a>(request: &'a Request<'_>) -> MutexGuard<'a, Extensions> {
    let Scopes(scopes) = request.local_cache(Scopes::default);
    scopes.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AnyRequest for Request<'_> {
    fn read<T>(&self, read: impl FnOnce(RequestHead<'_>, &Extensions) -> T) -> T {
        let has_host = self.headers().contains(header::HOST.as_str());
        let head = Head {
            request: self,
            authority: self.host().filter(|_| !has_host).map(ToString::to_string),
        };
        read(RequestHead::new(&head), &scopes(self))
    }
}

#[async_trait]
impl<'r, S, M, O> FromRequest<'r> for SessionGuard<S, M, O>
where
    S: SessionArg,
    M: Mode,
    O: Overrides,
{
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        if O::MAY_FORWARD {
            shared_scope::<S::Config>(&mut scopes(request));
        }
        let context =
            request.read(|head, scopes| engine::extract::<S::Config, O>(head, scope_of(scopes)));
        match guard::open(&context).await {
            Ok(guard) => Outcome::Success(guard),
            Err(rejection) => refuse(request, rejection, RefusedBy::Guard),
        }
    }
}

/// With `Option<SessionView>`, rocket turns every error into `None`, including a failed store.
/// [`SessionView::of_request`] distinguishes them.
#[async_trait]
impl<'r, C: SessionConfig> FromRequest<'r> for SessionView<C> {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        let context =
            request.read(|head, scopes| engine::extract::<C, Inherit>(head, scope_of(scopes)));
        let error = match engine::view(&context).await {
            Ok(Some((id, loaded))) => return Outcome::Success(Self::new(id, loaded)),
            Ok(None) => context.no_session_error(),
            Err(error) => error,
        };
        refuse(request, Rejection::refuse(&context, error), RefusedBy::View)
    }
}

#[async_trait]
impl<'r, C: SessionConfig + NeedsSessionAttribute> FromRequest<'r> for Session<C> {
    type Error = Error;

    async fn from_request(_: &'r Request<'_>) -> Outcome<Self, Error> {
        let error = Error::new(ErrorKind::Missing);
        Outcome::Error((status(error.status()), error))
    }
}

impl<'r, 'o: 'r, R: Responder<'r, 'o>> Responder<'r, 'o> for SessionReply<R> {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'o> {
        let (value, headers) = match self.into_outcome() {
            Ok(outcome) => outcome,
            Err(rejection) => return rejection.respond_to(request),
        };
        match value.respond_to(request) {
            Ok(mut response) => {
                headers.apply(&mut response);
                Ok(response)
            }
            Err(status) => {
                pending(request).headers.push(headers);
                Err(status)
            }
        }
    }
}

/// If the program has registered a catcher for the status, the catcher creates the response.
impl<'r> Responder<'r, 'static> for Rejection {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let status = status(self.status());
        if !is_caught(request, status) {
            return Ok(of_http(self.to_response()));
        }
        pending(request).refusal = Some(Refusal::new(&self, RefusedBy::Guard));
        Err(status)
    }
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        Ok(of_http(self.to_response()))
    }
}

/// The headers and the refusal that the fairing adds to a response.
#[derive(Default)]
struct Pending {
    headers: Vec<SessionHeaders>,
    refusal: Option<Refusal>,
}

struct Refusal {
    problem: http::Response<String>,
    headers: SessionHeaders,
    by: RefusedBy,
}

impl Refusal {
    fn new(rejection: &Rejection, by: RefusedBy) -> Self {
        Self {
            problem: rejection.problem(),
            headers: rejection.headers(),
            by,
        }
    }
}

/// Which extractor refused a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RefusedBy {
    /// The guard: the handler did not run.
    Guard,
    /// A view: if the handler takes it as an `Option` or a `Result`, the handler still ran.
    View,
}

fn pending<'a>(request: &'a Request<'_>) -> MutexGuard<'a, Pending> {
    let pending: &Mutex<Pending> = request.local_cache(Mutex::default);
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refuse<T>(request: &Request<'_>, rejection: Rejection, by: RefusedBy) -> Outcome<T, Rejection> {
    pending(request).refusal = Some(Refusal::new(&rejection, by));
    Outcome::Error((status(rejection.status()), rejection))
}

/// Whether the program has registered a catcher for this status and path.
fn is_caught(request: &Request<'_>, status: Status) -> bool {
    request.rocket().catchers().any(|catcher| {
        let base = catcher.base.path().segments();
        catcher.code.is_none_or(|code| code == status.code)
            && base.prefix_of(request.uri().path().segments())
    })
}

#[async_trait]
impl<C: SessionConfig> Fairing for SessionLayer<C> {
    fn info(&self) -> Info {
        Info {
            name: "connect-session",
            kind: Kind::Request | Kind::Response,
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        let mut scopes = scopes(request);
        let scope = self.enter(scope_of::<C>(&scopes));
        scopes.insert(scope);
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let Pending { headers, refusal } = std::mem::take(&mut *pending(request));
        for added in headers {
            added.apply(response);
        }
        if let Some(refusal) = refusal
            && response.status().code == refusal.problem.status().as_u16()
        {
            complete(request, response, refusal);
        }
        let scope = scope_of::<C>(&scopes(request));
        if let Some(headers) = scope.and_then(|scope| Self::leave(&scope)) {
            headers.apply(response);
        }
    }
}

/// Replaces the page of rocket's default catcher by a refusal. A response that the program made, by a
/// catcher or by a handler whose view was refused, keeps its headers; the refusal only adds missing ones.
fn complete(request: &Request<'_>, response: &mut Response<'_>, refusal: Refusal) {
    let (head, body) = refusal.problem.into_parts();
    // The program's catchers handle errors only, not the response to OPTIONS.
    let is_error = head.status.is_client_error() || head.status.is_server_error();
    let replaces =
        refusal.by == RefusedBy::Guard && (!is_error || !is_caught(request, response.status()));
    if replaces {
        response.remove_header(header::CONTENT_TYPE.as_str());
        response.set_sized_body(body.len(), Cursor::new(body));
    }
    for (name, value) in &head.headers {
        if *name == header::SET_COOKIE {
            response.add(name, value.clone());
        } else if replaces {
            response.set(name, value.clone());
        } else if *name != header::CONTENT_TYPE {
            response.set_default(name, value.clone());
        }
    }
    if replaces {
        refusal.headers.apply(response);
    } else {
        refusal.headers.fill(response);
    }
}

fn status(status: StatusCode) -> Status {
    Status::new(status.as_u16())
}

fn of_http(source: http::Response<String>) -> Response<'static> {
    let (head, body) = source.into_parts();
    let mut response = Response::new();
    response.set_status(status(head.status));
    for (name, value) in &head.headers {
        response.add(name, value.clone());
    }
    if !body.is_empty() {
        response.set_sized_body(body.len(), Cursor::new(body));
    }
    response
}

impl ReplyHeaders for Response<'_> {
    fn texts(&self, name: &HeaderName) -> Vec<&str> {
        self.headers().get(name.as_str()).collect()
    }

    fn set(&mut self, name: &HeaderName, value: HeaderValue) {
        if let Ok(value) = value.to_str() {
            self.set_raw_header(name.to_string(), value.to_owned());
        }
    }

    fn set_default(&mut self, name: &HeaderName, value: HeaderValue) -> bool {
        let is_missing = !self.headers().contains(name.as_str());
        if is_missing {
            self.set(name, value);
        }
        is_missing
    }

    fn add(&mut self, name: &HeaderName, value: HeaderValue) -> bool {
        let had_value = self.headers().contains(name.as_str());
        if let Ok(value) = value.to_str() {
            self.adjoin_raw_header(name.to_string(), value.to_owned());
        }
        had_value
    }

    fn retain(&mut self, name: &HeaderName, keeps: &dyn Fn(&[u8]) -> bool) {
        let values = self.headers().get(name.as_str());
        let kept: Vec<String> = values
            .filter(|value| keeps(value.as_bytes()))
            .map(str::to_owned)
            .collect();
        self.remove_header(name.as_str());
        for value in kept {
            self.adjoin_raw_header(name.to_string(), value);
        }
    }
}
