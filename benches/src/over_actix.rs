//! actix-web: sends requests to the service of an `App`, whose headers are those of `http` 0.2.

use actix_http::Request;
use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use axum::body::Bytes;
use axum::http::{self, StatusCode};

use crate::driver::App;

pub const SID: HeaderName = HeaderName::from_static("x-user-session");

/// The service of an `App`.
pub struct ActixApp<S>(pub S);

impl<S, B> App for ActixApp<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody,
{
    type Value = HeaderValue;
    type Headers = HeaderMap;

    async fn ask(
        &mut self,
        path: &'static str,
        name: &http::HeaderName,
        sid: Option<HeaderValue>,
    ) -> (StatusCode, HeaderMap, Bytes) {
        let mut request = Request::new();
        let head = request.head_mut();
        head.method = Method::POST;
        head.uri = Uri::from_static(path);
        if let Some(sid) = sid {
            // The same names, without parsing one for each request.
            let name = if *name == http::header::COOKIE {
                COOKIE
            } else {
                SID
            };
            head.headers.insert(name, sid);
        }
        let response = self.0.call(request).await.expect("a response");
        let (_, response) = response.into_parts();
        let (mut head, body) = response.into_parts();
        let status = StatusCode::from_u16(head.status().as_u16()).expect("a status");
        let headers = std::mem::take(head.headers_mut());
        let body = to_bytes(body).await.ok().expect("a whole body");
        (status, headers, body)
    }

    fn texts<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Vec<&'a str> {
        let values = headers.get_all(name.as_str());
        values.filter_map(|value| value.to_str().ok()).collect()
    }

    fn value(text: &str) -> HeaderValue {
        HeaderValue::from_str(text).expect("a sid")
    }
}
