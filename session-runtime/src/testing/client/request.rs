//! A request of a client.

use std::fmt;
use std::future::IntoFuture;

use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Uri};
use serde::Serialize;

use super::{Client, LocalFuture, TestResponse, current};
use crate::config::{DefaultConfig, SessionConfig};

/// A request of a [`Client`]. Await it to send it; the result is a [`TestResponse`].
///
/// ```
/// # #[cfg(feature = "axum")] mod example {
/// # use axum::Router;
/// # use connect_session::{session_config, testing};
/// # session_config! { struct Shop {} }
/// # fn app() -> Router { Router::new() }
/// # async fn test() {
/// let client = testing::client::<Shop>(app());
/// client.post("/cart").header("Accept-Language", "de").json(&"tea").await.assert_status(204);
/// # }
/// # }
/// ```
#[must_use = "the request is sent when it is awaited"]
pub struct TestRequest<'a, C: SessionConfig = DefaultConfig> {
    client: &'a Client<C>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl<'a, C: SessionConfig> TestRequest<'a, C> {
    pub(super) fn new(client: &'a Client<C>, method: Method, path: &str) -> Self {
        let uri = path.parse().ok().filter(|uri: &Uri| uri.host().is_none());
        let Some(uri) = uri.filter(|_| path.starts_with('/')) else {
            panic!("`{path}` is not the path of a request, such as `/cart?page=2`");
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        Self {
            client,
            method,
            uri,
            headers,
            body: Vec::new(),
        }
    }

    /// Sets a header. A `Cookie` header takes the place of the client's cookies, and the header that carries
    /// the sid that of its sid.
    ///
    /// # Panics
    /// If the name or the value is not valid in a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            panic!("`{name}` is not the name of a header");
        };
        let Ok(value) = HeaderValue::from_str(value) else {
            panic!("the value of the header `{name}` has a character that no header can have");
        };
        self.headers.insert(header, value);
        self
    }

    /// Sets the body to this value in JSON, and the `Content-Type` to match.
    ///
    /// # Panics
    /// If the value cannot be encoded.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self
                .header(CONTENT_TYPE.as_str(), "application/json")
                .body(body),
            Err(error) => panic!("the body cannot be encoded in JSON: {error}"),
        }
    }

    /// Sets the body. Set its `Content-Type` with [`header`](Self::header).
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    async fn send(self) -> TestResponse {
        let name = format!("{} {}", self.method, self.uri);
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        self.client.add_to(&mut request);
        let path = request.uri().path().to_owned();
        let was_alive = self.client.session().is_some();
        let loads = self.client.faults().loads();
        let backend = &self.client.backend;
        let store = backend.store.failing.clone();
        let response = current::run::<C, _>(store, (backend.app)(request)).await;
        self.client.keep(response.headers(), &path);
        let was_ignored = was_alive && self.client.faults().loads() == loads;
        TestResponse::new(name, response, was_ignored.then_some(C::NAME))
    }
}

impl<'a, C: SessionConfig> IntoFuture for TestRequest<'a, C> {
    type Output = TestResponse;
    type IntoFuture = LocalFuture<'a, TestResponse>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// Shows the method and the path.
impl<C: SessionConfig> fmt::Debug for TestRequest<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRequest")
            .field("method", &self.method)
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}
