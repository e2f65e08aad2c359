//! Tests of rocket applications.

use std::rc::Rc;

use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use rocket::http::{Header, Method};
use rocket::local::asynchronous;
use rocket::{Build, Rocket};

use crate::config::SessionConfig;
use crate::testing::client::{Client, TestStore};

/// A client of a rocket application. See [the module](crate::testing).
///
/// ```
/// use connect_session::{Session, session, session_config, testing};
/// use rocket::{get, routes};
///
/// session_config! {
///     struct Shop {}
/// }
///
/// #[session(load)]
/// #[get("/user")]
/// async fn user(session: Session<Shop>) -> String {
///     session.subject().unwrap_or("nobody").to_owned()
/// }
///
/// # fn main() {
/// # rocket::async_test(async {
/// let app = rocket::build().mount("/", routes![user]);
/// let client = testing::rocket::client::<Shop>(app).await;
/// client.login_as("ada").await;
/// assert_eq!(client.get("/user").await.text(), "ada");
/// # })
/// # }
/// ```
///
/// # Panics
/// If the application does not ignite.
pub async fn client<C: SessionConfig>(app: Rocket<Build>) -> Client<C> {
    let (store, layer) = TestStore::new();
    let local = asynchronous::Client::untracked(app.attach(layer)).await;
    let local = Rc::new(local.expect("the application ignites"));
    store.client(move |request| {
        let local = local.clone();
        async move { answer(&local, request).await }
    })
}

async fn answer(local: &asynchronous::Client, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    let (head, body) = request.into_parts();
    let method: Method = (head.method.as_str().parse())
        .unwrap_or_else(|()| panic!("rocket does not know the method {}", head.method));
    let mut request = local.req(method, head.uri.to_string()).body(body);
    for (name, value) in &head.headers {
        let value = value.to_str().expect("rocket's headers are texts");
        request.add_header(Header::new(name.to_string(), value.to_owned()));
    }
    let answered = request.dispatch().await;
    let mut response = Response::new(Vec::new());
    *response.status_mut() =
        StatusCode::from_u16(answered.status().code).expect("a status of three digits");
    for header in answered.headers().iter() {
        let name = HeaderName::from_bytes(header.name().as_str().as_bytes());
        let value = HeaderValue::from_str(header.value());
        (response.headers_mut()).append(name.expect("a valid name"), value.expect("a valid value"));
    }
    *response.body_mut() = answered.into_bytes().await.unwrap_or_default();
    response
}
