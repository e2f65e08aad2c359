//! Conversions of the suite's responses for rocket.

use std::io::Cursor;

use ::rocket::http::Status;
use ::rocket::response::{self, Responder};
use ::rocket::{Request, Response};

use crate::support::script::{Failure, HandlerResponse};

impl<'r> Responder<'r, 'static> for HandlerResponse {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::new();
        response.set_status(Status::new(self.status.as_u16()));
        for (name, value) in &self.headers {
            let value = value.to_str().unwrap().to_owned();
            response.adjoin_raw_header(name.to_string(), value);
        }
        response.set_sized_body(self.body.len(), Cursor::new(self.body));
        Ok(response)
    }
}

impl<'r> Responder<'r, 'static> for Failure {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        HandlerResponse::from(self).respond_to(request)
    }
}
