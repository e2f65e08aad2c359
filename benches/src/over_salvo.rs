//! salvo: sends requests to the handler that its server uses.

use axum::body::Bytes;
use axum::http::{self, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body_util::BodyExt as _;
use salvo::conn::SocketAddr;
use salvo::http::ReqBody;
use salvo::http::uri::Scheme;
use salvo::{ConnCtrl, Request, Response, Service};

use crate::driver::{self, App};

/// A closure around the handler, whose type salvo does not export.
pub struct SalvoApp<F>(F);

/// Creates the handler that a server creates for each connection.
pub fn salvo_app(service: &Service) -> impl App<Value = HeaderValue> + use<> {
    let handler = service.hyper_handler(
        SocketAddr::Unknown,
        SocketAddr::Unknown,
        Scheme::HTTP,
        None,
        ConnCtrl::new(),
        None,
    );
    SalvoApp(async move |request| handler.handle(request).await)
}

impl<F: AsyncFn(Request) -> Response + 'static> App for SalvoApp<F> {
    type Value = HeaderValue;
    type Headers = HeaderMap;

    async fn ask(
        &mut self,
        path: &'static str,
        name: &HeaderName,
        sid: Option<HeaderValue>,
    ) -> (StatusCode, HeaderMap, Bytes) {
        let mut request = http::Request::new(ReqBody::None);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(path);
        if let Some(sid) = sid {
            request.headers_mut().insert(name, sid);
        }
        // The conversions from and to hyper's types are necessary for cookies.
        let response = (self.0)(Request::from_hyper(request, Scheme::HTTP)).await;
        let (parts, body) = response.into_hyper().into_parts();
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
