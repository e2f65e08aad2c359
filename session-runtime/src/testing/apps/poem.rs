//! Tests of poem applications.

use http::{Request, Response};
use poem::{Endpoint as _, EndpointExt as _, IntoEndpoint};

use crate::config::SessionConfig;
use crate::testing::client::{Client, TestStore};

/// A client of a poem application, such as a `Route`. See [the module](crate::testing).
///
/// ```
/// use connect_session::{Session, session, session_config, testing};
/// use poem::{Route, get, handler};
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
/// let client = testing::poem::client::<Shop>(Route::new().at("/user", get(user)));
/// client.login_as("ada").await;
/// assert_eq!(client.get("/user").await.text(), "ada");
/// # }
/// ```
#[must_use]
pub fn client<C: SessionConfig>(app: impl IntoEndpoint<Endpoint: 'static>) -> Client<C> {
    let (store, layer) = TestStore::new();
    let app = app.into_endpoint().with(layer).boxed();
    let app = std::sync::Arc::new(app);
    store.client(move |request: Request<Vec<u8>>| {
        let app = app.clone();
        async move {
            let (head, body) = request.into_parts();
            let mut request = poem::Request::builder()
                .method(head.method)
                .uri(head.uri)
                .body(body);
            *request.headers_mut() = head.headers;
            let (head, body) = app.get_response(request).await.into_parts();
            let mut response = Response::new(body.into_vec().await.expect("the body is complete"));
            *response.status_mut() = head.status;
            *response.headers_mut() = head.headers;
            response
        }
    })
}
