//! poem: sends requests to an endpoint.

use axum::body::Bytes;
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use poem::{Endpoint, Request};

use crate::driver::{self, App};

pub struct PoemApp<E>(pub E);

impl<E: Endpoint + 'static> App for PoemApp<E> {
    type Value = HeaderValue;
    type Headers = HeaderMap;

    async fn ask(
        &mut self,
        path: &'static str,
        name: &HeaderName,
        sid: Option<HeaderValue>,
    ) -> (StatusCode, HeaderMap, Bytes) {
        let mut request = Request::default();
        request.set_method(Method::POST);
        *request.uri_mut() = Uri::from_static(path);
        if let Some(sid) = sid {
            request.headers_mut().insert(name, sid);
        }
        let response = self.0.get_response(request).await;
        let (parts, body) = response.into_parts();
        let body = body.into_bytes().await.expect("a whole body");
        (parts.status, parts.headers, body)
    }

    fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
        driver::texts(headers, name)
    }

    fn value(text: &str) -> HeaderValue {
        driver::value(text)
    }
}
