//! The same floors as on axum.

use poem::http::{HeaderValue, StatusCode};
use poem::{
    FromRequest, IntoResponse as _, Request, RequestBody, Response, Result, Route, handler, post,
};

use super::over;
use crate::case::{Case, SidSent, Workload, handler_ran};
use crate::data::Data;
use crate::subjects::floor::SID;
use crate::subjects::live::{self, Live};
use crate::subjects::ours::carrier;

pub fn bare(workload: Workload) -> Option<Box<dyn Case>> {
    if workload != Workload::Anonymous {
        return None;
    }
    let routes = Route::new().at(workload.path(), post(nothing));
    let case = over(routes, carrier(), workload).without_sessions(SidSent::None);
    Some(Box::new(case))
}

#[handler]
async fn nothing() -> String {
    handler_ran();
    41.to_string()
}

pub fn map(workload: Workload) -> Option<Box<dyn Case>> {
    let routes = Route::new()
        .at("/optional", post(optional))
        .at("/read", post(read))
        .at("/write", post(write))
        .at("/create", post(create))
        .at("/seed", post(seed))
        .at("/destroy", post(destroy));
    Some(Box::new(over(routes, carrier(), workload)))
}

struct Found(Option<Live>);

impl<'a> FromRequest<'a> for Found {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Self(find(request)))
    }
}

fn find(request: &Request) -> Option<Live> {
    Live::find(request.headers().get(SID)?.as_bytes())
}

impl<'a> FromRequest<'a> for Live {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        find(request).ok_or_else(|| StatusCode::UNAUTHORIZED.into())
    }
}

#[handler]
async fn optional(Found(live): Found) -> String {
    handler_ran();
    live.map_or(0, |live| live.visits()).to_string()
}

#[handler]
async fn read(live: Live) -> String {
    handler_ran();
    live.visits().to_string()
}

#[handler]
async fn write(live: Live) -> String {
    handler_ran();
    live.raise().to_string()
}

#[handler]
async fn destroy(live: Live) -> String {
    handler_ran();
    live.destroy();
    0.to_string()
}

#[handler]
async fn create() -> Response {
    handler_ran();
    new_session(live::fresh())
}

#[handler]
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
