//! Tests of actix-web applications.

use std::rc::Rc;

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{self, TestRequest};
use actix_web::{App, HttpResponse};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};

use crate::config::SessionConfig;
use crate::testing::client::{Client, TestStore};

/// A client of an actix-web application. See [the module](crate::testing).
///
/// ```
/// use actix_web::{App, web};
/// use connect_session::{Session, session, session_config, testing};
///
/// session_config! {
///     struct Shop {}
/// }
///
/// #[session(load)]
/// async fn user(session: Session<Shop>) -> String {
///     session.subject().unwrap_or("nobody").to_owned()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let app = App::new().route("/user", web::get().to(user));
/// let client = testing::actix_web::client::<Shop>(app).await;
/// client.login_as("ada").await;
/// assert_eq!(client.get("/user").await.text(), "ada");
/// # }
/// ```
///
/// # Panics
/// If the application cannot be built.
pub async fn client<C: SessionConfig>(
    app: App<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<impl MessageBody + 'static>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
    >,
) -> Client<C> {
    let (store, layer) = TestStore::new();
    let service = Rc::new(test::init_service(app.wrap(layer)).await);
    store.client(move |request: Request<Vec<u8>>| {
        let service = service.clone();
        async move {
            match test::try_call_service(&*service, converted(request).to_request()).await {
                Ok(response) => answer(response.into()).await,
                Err(error) => answer(error.error_response()).await,
            }
        }
    })
}

fn converted(request: Request<Vec<u8>>) -> TestRequest {
    let (head, body) = request.into_parts();
    let method = Method::from_bytes(head.method.as_str().as_bytes()).expect("a valid method");
    let converted = TestRequest::with_uri(&head.uri.to_string())
        .method(method)
        .set_payload(body);
    let headers = head.headers.iter();
    headers.fold(converted, |converted, (name, value)| {
        converted.append_header((name.as_str(), value.as_bytes()))
    })
}

async fn answer(answered: HttpResponse<impl MessageBody>) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() =
        StatusCode::from_u16(answered.status().as_u16()).expect("a status of three digits");
    for (name, value) in answered.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).expect("a valid name");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a valid value");
        response.headers_mut().append(name, value);
    }
    let body = to_bytes(answered.into_body()).await;
    *response.body_mut() = body.ok().expect("the body is complete").into();
    response
}
