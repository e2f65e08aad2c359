//! axum: sends requests to a router, which is a tower service.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::BodyExt as _;
use tower::Service as _;

use crate::driver::{self, App, Driver};

pub use crate::driver::Carrier;

pub type OverAxum = Driver<Router>;

impl App for Router {
    type Value = HeaderValue;
    type Headers = HeaderMap;

    async fn ask(
        &mut self,
        path: &'static str,
        name: &HeaderName,
        sid: Option<HeaderValue>,
    ) -> (StatusCode, HeaderMap, Bytes) {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(path);
        if let Some(sid) = sid {
            request.headers_mut().insert(name, sid);
        }
        let response = match self.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        (parts.status, parts.headers, body)
    }

    fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
        driver::texts(headers, name)
    }

    fn value(text: &str) -> HeaderValue {
        driver::value(text)
    }
}
