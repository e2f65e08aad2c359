//! Tests of salvo applications.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use salvo_core::conn::SocketAddr;
use salvo_core::{ConnCtrl, Service};

use crate::config::SessionConfig;
use crate::testing::client::{Client, TestStore};

/// A client of a salvo application: a `Router` or a `Service`. See [the module](crate::testing).
///
/// ```
/// use connect_session::{Session, session, session_config, testing};
/// use salvo_core::prelude::*;
///
/// session_config! {
///     struct Shop {}
/// }
///
/// #[session(load)]
/// #[handler]
/// async fn user(session: Session<Shop>) -> String {
///     session.subject().unwrap_or("nobody").to_owned()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let client = testing::salvo::client::<Shop>(Router::with_path("user").get(user));
/// client.login_as("ada").await;
/// assert_eq!(client.get("/user").await.text(), "ada");
/// # }
/// ```
#[must_use]
pub fn client<C: SessionConfig>(app: impl Into<Service>) -> Client<C> {
    let (store, layer) = TestStore::new();
    let mut service: Service = app.into();
    // The outermost hoop.
    service.hoops.insert(0, Arc::new(layer));
    let handler = service.hyper_handler(
        SocketAddr::Unknown,
        SocketAddr::Unknown,
        Scheme::HTTP,
        None,
        ConnCtrl::new(),
        None,
    );
    store.client(move |request: Request<Vec<u8>>| {
        let request = request.map(Bytes::from);
        let request = salvo_core::Request::from_hyper(request, Scheme::HTTP);
        let handler = handler.clone();
        async move {
            let mut answered = handler.handle(request).await;
            let body = answered.take_body().collect().await;
            let body = body.expect("the body is complete").to_bytes();
            let mut response = Response::new(body.into());
            *response.status_mut() = answered.status_code.unwrap_or(StatusCode::OK);
            *response.headers_mut() = std::mem::take(answered.headers_mut());
            response
        }
    })
}
