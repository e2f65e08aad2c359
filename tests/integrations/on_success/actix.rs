//! actix-web. Its responders cannot wait for the store, so the app-wide layer commits.

use ::actix_web::dev::{Service, ServiceResponse};
use ::actix_web::http::StatusCode;
use ::actix_web::test::{TestRequest, init_service, read_body};
use ::actix_web::web::{Path, ServiceConfig, get, scope};
use ::actix_web::{App, Either, Error, HttpRequest, HttpResponse, Responder, ResponseError};
use connect_session::{Session, session};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    Answer, Careful, Failed, Fine, Framework, Wrapped, answer, every_form, failing_store, push,
    rotation, store,
};

fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap()
}

impl Responder for Fine {
    type Body = ::actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::build(status(self.0)).body("fine")
    }
}

impl Responder for Wrapped {
    type Body = ::actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match self.0 {
            Ok(fine) => fine.respond_to(request),
            Err(failed) => failed.error_response(),
        }
    }
}

impl ResponseError for Failed {
    fn status_code(&self) -> StatusCode {
        status(self.0)
    }
}

/// Leaves a handler with a response that was made of an error.
macro_rules! bail {
    ($result:expr) => {
        match $result {
            Ok(fine) => HttpResponse::build(status(fine.0)).finish(),
            Err(failed) => return failed.error_response(),
        }
    };
}

macro_rules! handlers {
    ($name:ident, $($options:tt)*) => {
        mod $name {
            use super::*;

            #[session($($options)*)]
            async fn plain(session: Session<Careful>, code: Path<u16>) -> Fine {
                push(session);
                Fine(*code)
            }

            #[session($($options)*)]
            async fn err(session: Session<Careful>, code: Path<u16>) -> Result<Fine, Failed> {
                push(session);
                Err(Failed(*code))
            }

            #[session($($options)*)]
            async fn call(session: Session<Careful>, code: Path<u16>) -> impl Responder {
                push(session);
                answer(*code)
            }

            #[session($($options)*)]
            async fn wrapped(session: Session<Careful>, code: Path<u16>) -> impl Responder {
                push(session);
                Wrapped(answer(*code)).customize().insert_header(("x-typed", "1"))
            }

            #[session($($options)*)]
            async fn either(session: Session<Careful>, code: Path<u16>) -> Either<Fine, Wrapped> {
                push(session);
                Either::Right(Wrapped(answer(*code)))
            }

            #[session($($options)*)]
            async fn bailed(session: Session<Careful>, code: Path<u16>) -> HttpResponse {
                push(session);
                bail!(answer(*code))
            }

            pub(super) fn routes(config: &mut ServiceConfig) {
                config
                    .route("/plain/{code}", get().to(plain))
                    .route("/err/{code}", get().to(err))
                    .route("/call/{code}", get().to(call))
                    .route("/wrapped/{code}", get().to(wrapped))
                    .route("/either/{code}", get().to(either))
                    .route("/bailed/{code}", get().to(bailed));
            }
        }
    };
}

handlers!(create, create);
handlers!(cookie, create, emit = cookie);
handlers!(load, load);

#[session(load)]
async fn rotate(mut session: Session<Careful>, code: Path<u16>) -> Fine {
    session.rotate().unwrap();
    Fine(*code)
}

#[session(load)]
async fn show(session: Session<Careful>) -> String {
    session.items.len().to_string()
}

fn routes(config: &mut ServiceConfig) {
    config
        .service(scope("/create").configure(create::routes))
        .service(scope("/cookie").configure(cookie::routes))
        .service(scope("/load").configure(load::routes))
        .route("/rotate/{code}", get().to(rotate))
        .route("/show", get().to(show));
}

/// An application, and what creates its type of request.
struct Actix<S, Q>(S, fn(TestRequest) -> Q);

impl<S, Q, B> Framework for Actix<S, Q>
where
    S: Service<Q, Response = ServiceResponse<B>, Error = Error>,
    B: ::actix_web::body::MessageBody,
{
    const FORMS: &'static [&'static str] = &["plain", "err", "call", "wrapped", "either", "bailed"];

    async fn send(&self, path: &str, header: Option<(&str, &str)>) -> Answer {
        let mut request = TestRequest::get()
            .uri(path)
            .insert_header(("host", "shop.example.com"));
        if let Some(header) = header {
            request = request.insert_header(header);
        }
        let response = self.0.call((self.1)(request)).await.unwrap();
        let status = response.status().as_u16();
        let mut headers = HeaderMap::new();
        for (name, value) in response.headers() {
            let name = HeaderName::from_bytes(name.as_str().as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let body = read_body(response).await;
        Answer::new(status, &headers, String::from_utf8(body.to_vec()).unwrap())
    }
}

#[::actix_web::test]
async fn row_42b_the_status_decides() {
    let store = store();
    let layer = Careful::layer().with_store(store.clone());
    let app = Actix(
        init_service(App::new().wrap(layer).configure(routes)).await,
        TestRequest::to_request,
    );
    every_form(&app, Some(&store)).await;
    failing_store(&app, &store).await;
    rotation(&app).await;
}

#[::actix_web::test]
async fn row_42c_a_guard_without_the_layer_refuses() {
    let app = Actix(
        init_service(App::new().configure(routes)).await,
        TestRequest::to_request,
    );
    let refused = app.send("/create/plain/200", None).await;
    assert_eq!((refused.status, refused.sids.len()), (500, 0));
    assert!(refused.body.contains("#status-unknown"), "{}", refused.body);
}
