//! connect-session, with the memory store.

use axum::Router;
use axum::http::HeaderName;
use axum::routing::post;
use connect_session::{Error, Session, session, session_config};

use crate::case::{Case, Workload, handler_ran};
use crate::data::Data;
use crate::over_axum::{Carrier, OverAxum};

session_config! {
    struct Shop {
        data: Data,
    }
}

pub fn case(workload: Workload) -> Option<Box<dyn Case>> {
    Some(Box::new(over_axum(workload)))
}

pub fn over_axum(workload: Workload) -> OverAxum {
    let carrier = Carrier::Header(HeaderName::from_static("x-user-session"));
    OverAxum::new(router(), carrier, workload)
}

pub fn router() -> Router {
    Router::new()
        .route("/optional", post(optional))
        .route("/read", post(read))
        .route("/write", post(write))
        .route("/create", post(create))
        .route("/seed", post(seed))
        .route("/destroy", post(destroy))
}

#[session(load)]
async fn optional(session: Option<Session<Shop>>) -> String {
    handler_ran();
    session.map_or(0, |session| session.visits).to_string()
}

#[session(load)]
async fn read(session: Session<Shop>) -> String {
    handler_ran();
    session.visits.to_string()
}

#[session(load)]
async fn write(mut session: Session<Shop>) -> String {
    handler_ran();
    session.visits += 1;
    session.visits.to_string()
}

#[session(create)]
async fn create(mut session: Session<Shop>) -> String {
    handler_ran();
    session.visits = 1;
    session.visits.to_string()
}

#[session(create)]
async fn seed(mut session: Session<Shop>) -> String {
    *session = Data {
        visits: 41,
        ..Data::seed()
    };
    session.visits.to_string()
}

#[session(load)]
async fn destroy(session: Session<Shop>) -> Result<String, Error> {
    handler_ran();
    session.destroy().await?;
    Ok(0.to_string())
}
