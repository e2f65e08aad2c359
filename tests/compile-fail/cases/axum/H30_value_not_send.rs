//! A value that cannot be moved to another thread, on a handler that is registered without `debug_handler`.

use std::rc::Rc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use connect_session::{Session, session};

pub struct Failure(Rc<str>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.to_string().into_response()
    }
}

#[session(load)]
async fn one(session: Session) -> Result<String, Failure> {
    match session.is_empty() {
        true => Err(Failure("empty".into())),
        false => Ok(session.id().to_string()),
    }
}

fn main() {
    let _: Router = Router::new().route("/", get(one));
}
