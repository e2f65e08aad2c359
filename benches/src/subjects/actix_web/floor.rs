//! The same floors as on axum.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::ErrorUnauthorized;
use actix_web::test::init_service;
use actix_web::web::post;
use actix_web::{App, Error, FromRequest, HttpRequest, HttpResponse};

use super::over;
use crate::case::{Case, SidSent, Workload, handler_ran};
use crate::data::Data;
use crate::over_actix::SID;
use crate::subjects::live::{self, Live};
use crate::subjects::ours::carrier;

pub fn bare(workload: Workload) -> Option<Box<dyn Case>> {
    if workload != Workload::Anonymous {
        return None;
    }
    let app = App::new().route(workload.path(), post().to(nothing));
    let case = over(init_service(app), carrier(), workload).without_sessions(SidSent::None);
    Some(Box::new(case))
}

async fn nothing() -> String {
    handler_ran();
    41.to_string()
}

pub fn map(workload: Workload) -> Option<Box<dyn Case>> {
    let app = App::new()
        .route("/optional", post().to(optional))
        .route("/read", post().to(read))
        .route("/write", post().to(write))
        .route("/create", post().to(create))
        .route("/seed", post().to(seed))
        .route("/destroy", post().to(destroy));
    Some(Box::new(over(init_service(app), carrier(), workload)))
}

struct Found(Option<Live>);

impl FromRequest for Found {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(find(request))))
    }
}

fn find(request: &HttpRequest) -> Option<Live> {
    Live::find(request.headers().get(SID)?.as_bytes())
}

impl FromRequest for Live {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(find(request).ok_or_else(|| ErrorUnauthorized("no session")))
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

async fn create() -> HttpResponse {
    handler_ran();
    new_session(live::fresh())
}

async fn seed() -> HttpResponse {
    new_session(live::seeded())
}

fn new_session(data: Data) -> HttpResponse {
    let visits = data.visits.to_string();
    let sid = live::create(data);
    HttpResponse::Ok().insert_header((SID, sid)).body(visits)
}
