//! Floors: the cost of any handler, and of any session.

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::live::{self, Live};
use crate::case::{Case, SidSent, Workload, handler_ran};
use crate::data::Data;
use crate::over_axum::{Carrier, OverAxum};

pub const SID: HeaderName = HeaderName::from_static("x-user-session");

/// A handler without arguments, and a request without a sid.
pub fn bare(workload: Workload) -> Option<Box<dyn Case>> {
    (workload == Workload::Anonymous)
        .then(|| over(every_path(post(nothing)), workload, SidSent::None))
}

/// The same handler, and a sid that is ignored: the cost of the request's header itself.
pub fn bare_with_sid(workload: Workload) -> Option<Box<dyn Case>> {
    (workload == Workload::Read).then(|| over(every_path(post(nothing)), workload, SidSent::Same))
}

/// A handler with one extractor that looks for a header: the cost in axum of reading a request's
/// head.
pub fn header(workload: Workload) -> Option<Box<dyn Case>> {
    let sent = match workload {
        Workload::Anonymous => SidSent::None,
        Workload::Read => SidSent::Same,
        _ => return None,
    };
    Some(over(every_path(post(with_header)), workload, sent))
}

fn every_path(handler: axum::routing::MethodRouter) -> Router {
    Workload::ALL
        .iter()
        .fold(Router::new(), |router, workload| {
            if *workload == Workload::Unknown {
                return router;
            }
            router.route(workload.path(), handler.clone())
        })
}

fn over(router: Router, workload: Workload, sent: SidSent) -> Box<dyn Case> {
    Box::new(OverAxum::new(router, Carrier::Header(SID), workload).without_sessions(sent))
}

async fn nothing() -> String {
    handler_ran();
    41.to_string()
}

struct HasHeader(bool);

impl<S: Sync> FromRequestParts<S> for HasHeader {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        Ok(Self(parts.headers.contains_key(SID)))
    }
}

async fn with_header(HasHeader(sent): HasHeader) -> String {
    handler_ran();
    u64::from(sent).to_string()
}

/// The minimum that a session library does.
pub fn map(workload: Workload) -> Option<Box<dyn Case>> {
    Some(Box::new(map_over_axum(workload)))
}

pub fn map_over_axum(workload: Workload) -> OverAxum {
    OverAxum::new(map_router(), Carrier::Header(SID), workload)
}

pub fn map_router() -> Router {
    Router::new()
        .route("/optional", post(optional))
        .route("/read", post(read))
        .route("/write", post(write))
        .route("/create", post(create))
        .route("/seed", post(seed))
        .route("/destroy", post(destroy))
}

struct Found(Option<Live>);

impl<S: Sync> FromRequestParts<S> for Found {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        Ok(Self(find(parts)))
    }
}

fn find(parts: &Parts) -> Option<Live> {
    Live::find(parts.headers.get(SID)?.as_bytes())
}

impl<S: Sync> FromRequestParts<S> for Live {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        find(parts).ok_or(StatusCode::UNAUTHORIZED)
    }
}

async fn optional(Found(live): Found) -> String {
    handler_ran();
    live.map_or(0, |live| live.visits()).to_string()
}

async fn read(live: Live) -> String {
    handler_ran();
    live.visits().to_string()
}

async fn write(live: Live) -> String {
    handler_ran();
    live.raise().to_string()
}

async fn destroy(live: Live) -> String {
    handler_ran();
    live.destroy();
    0.to_string()
}

async fn create() -> Response {
    handler_ran();
    new_session(live::fresh())
}

async fn seed() -> Response {
    new_session(live::seeded())
}

fn new_session(data: Data) -> Response {
    let visits = data.visits;
    let sid = HeaderValue::try_from(live::create(data)).expect("base64");
    let mut response = visits.to_string().into_response();
    response.headers_mut().insert(SID, sid);
    response
}
