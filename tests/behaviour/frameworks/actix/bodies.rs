//! Conversions between actix-web's types and those of the suite.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::actix_web::body::{BodySize, BoxBody, MessageBody};
use ::actix_web::http::StatusCode;
use ::actix_web::web::Bytes;
use ::actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use http::HeaderMap;
use hyper::body::Body;

use crate::support::body::TwoParts;
use crate::support::script::{Failure, HandlerResponse};

/// The headers of a request.
#[derive(Debug)]
pub(super) struct Headers(pub(super) HeaderMap);

fn respond(written: HandlerResponse) -> HttpResponse {
    let mut response = HttpResponse::build(status(written.status));
    for (name, value) in &written.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    response.body(written.body)
}

pub(super) fn status(status: http::StatusCode) -> StatusCode {
    StatusCode::from_u16(status.as_u16()).unwrap()
}

impl Responder for HandlerResponse {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        respond(self)
    }
}

impl ResponseError for Failure {
    fn error_response(&self) -> HttpResponse {
        respond(self.response())
    }
}

impl MessageBody for TwoParts {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let frame = std::task::ready!(self.poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
    }
}
