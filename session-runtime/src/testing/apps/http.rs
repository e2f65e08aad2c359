//! Services of `http` requests, such as axum's `Router`.

use std::fmt::Debug;
use std::future::poll_fn;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower_layer::Layer as _;
use tower_service::Service;

use crate::config::SessionConfig;
use crate::framework::layer::SessionLayer;
use crate::testing::client::{Client, LocalFuture, TestStore};

/// A client of an axum `Router`, or of another tower service of `http` requests, such as
/// `tower::service_fn(handler)` for a plain `http` handler. See [the module](crate::testing).
#[must_use]
pub fn client<C: SessionConfig>(app: impl HttpApp) -> Client<C> {
    let (store, layer) = TestStore::new();
    store.client(move |request| app.answer(&layer, request))
}

/// A service that [`client`] can test: a tower service of `http` requests with a body of
/// `http_body_util::Full<Bytes>`. An axum `Router` is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tower service of `http` requests",
    label = "cannot be tested with `testing::client`",
    note = "pass an axum `Router` whose state is complete; other frameworks have a function of their own, such as `testing::poem::client`"
)]
pub trait HttpApp: 'static {
    #[doc(hidden)]
    fn answer<C: SessionConfig>(
        &self,
        layer: &SessionLayer<C>,
        request: Request<Vec<u8>>,
    ) -> LocalFuture<'static, Response<Vec<u8>>>;
}

#[diagnostic::do_not_recommend]
impl<S, B> HttpApp for S
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + 'static,
    S::Error: Debug,
    B: BodyExt,
    B::Error: Debug,
{
    fn answer<C: SessionConfig>(
        &self,
        layer: &SessionLayer<C>,
        request: Request<Vec<u8>>,
    ) -> LocalFuture<'static, Response<Vec<u8>>> {
        let mut service = layer.layer(self.clone());
        Box::pin(async move {
            let failed = "the application answers every request";
            poll_fn(|cx| service.poll_ready(cx)).await.expect(failed);
            let response = service.call(request.map(Full::from)).await.expect(failed);
            let (head, body) = response.into_parts();
            let body = body.collect().await.expect("the body is complete");
            Response::from_parts(head, body.to_bytes().into())
        })
    }
}
