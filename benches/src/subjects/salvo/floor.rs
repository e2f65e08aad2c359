//! The same floors as on axum. In salvo, handlers read a header from the request, which they take
//! as an argument.

use salvo::http::{HeaderValue, StatusError};
use salvo::{Request, Response, Router, handler};

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
    let router = Router::with_path(workload.path()).post(nothing);
    let case = over(router, carrier(), workload).without_sessions(SidSent::None);
    Some(Box::new(case))
}

#[handler]
async fn nothing() -> String {
    handler_ran();
    41.to_string()
}

pub fn map(workload: Workload) -> Option<Box<dyn Case>> {
    let router = Router::new()
        .push(Router::with_path("/optional").post(optional))
        .push(Router::with_path("/read").post(read))
        .push(Router::with_path("/write").post(write))
        .push(Router::with_path("/create").post(create))
        .push(Router::with_path("/seed").post(seed))
        .push(Router::with_path("/destroy").post(destroy));
    Some(Box::new(over(router, carrier(), workload)))
}

fn find(request: &Request) -> Option<Live> {
    Live::find(request.headers().get(SID)?.as_bytes())
}

fn required(request: &Request) -> Result<Live, StatusError> {
    find(request).ok_or_else(StatusError::unauthorized)
}

#[handler]
async fn optional(request: &mut Request) -> String {
    handler_ran();
    find(request).map_or(0, |live| live.visits()).to_string()
}

#[handler]
async fn read(request: &mut Request) -> Result<String, StatusError> {
    let live = required(request)?;
    handler_ran();
    Ok(live.visits().to_string())
}

#[handler]
async fn write(request: &mut Request) -> Result<String, StatusError> {
    let live = required(request)?;
    handler_ran();
    Ok(live.raise().to_string())
}

#[handler]
async fn destroy(request: &mut Request) -> Result<String, StatusError> {
    let live = required(request)?;
    handler_ran();
    live.destroy();
    Ok(0.to_string())
}

#[handler]
async fn create(response: &mut Response) -> String {
    handler_ran();
    new_session(live::fresh(), response)
}

#[handler]
async fn seed(response: &mut Response) -> String {
    new_session(live::seeded(), response)
}

fn new_session(data: Data, response: &mut Response) -> String {
    let visits = data.visits;
    let sid = HeaderValue::try_from(live::create(data)).expect("base64");
    response.headers_mut().insert(SID, sid);
    visits.to_string()
}
