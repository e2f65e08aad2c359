//! axum.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use connect_session::{Session, session};
use tower::ServiceExt as _;

use super::{
    Answer, Careful, Failed, Fine, Framework, Wrapped, answer, every_form, failing_store, push,
    rotation, store,
};

fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap()
}

impl IntoResponse for Fine {
    fn into_response(self) -> Response {
        (status(self.0), "fine").into_response()
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (status(self.0), "failed").into_response()
    }
}

impl IntoResponse for Wrapped {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// Leaves a handler with a response that was made of an error.
macro_rules! bail {
    ($result:expr) => {
        match $result {
            Ok(fine) => fine.into_response(),
            Err(failed) => return failed.into_response(),
        }
    };
}

macro_rules! handlers {
    ($name:ident, $($options:tt)*) => {
        mod $name {
            use super::*;

            #[session($($options)*)]
            async fn plain(session: Session<Careful>, Path(code): Path<u16>) -> StatusCode {
                push(session);
                status(code)
            }

            #[session($($options)*)]
            async fn err(session: Session<Careful>, Path(code): Path<u16>) -> Result<(), Failed> {
                push(session);
                Err(Failed(code))
            }

            #[session($($options)*)]
            async fn call(session: Session<Careful>, Path(code): Path<u16>) -> impl IntoResponse {
                push(session);
                answer(code)
            }

            #[session($($options)*)]
            async fn wrapped(session: Session<Careful>, Path(code): Path<u16>) -> Wrapped {
                push(session);
                Wrapped(answer(code))
            }

            #[session($($options)*)]
            async fn typed(session: Session<Careful>, Path(code): Path<u16>) -> impl IntoResponse {
                push(session);
                ([(header::CONTENT_TYPE, "text/plain")], Wrapped(answer(code)))
            }

            #[session($($options)*)]
            async fn bailed(session: Session<Careful>, Path(code): Path<u16>) -> Response {
                push(session);
                bail!(answer(code))
            }

            #[session($($options)*)]
            async fn generic<T: Codes>(session: Session<Careful>, path: T) -> Wrapped {
                push(session);
                Wrapped(answer(path.code()))
            }

            pub(super) fn router() -> Router {
                Router::new()
                    .route("/plain/{code}", get(plain))
                    .route("/err/{code}", get(err))
                    .route("/call/{code}", get(call))
                    .route("/wrapped/{code}", get(wrapped))
                    .route("/typed/{code}", get(typed))
                    .route("/bailed/{code}", get(bailed))
                    .route("/generic/{code}", get(generic::<Path<u16>>))
            }
        }
    };
}

trait Codes: Send + 'static {
    fn code(self) -> u16;
}

impl Codes for Path<u16> {
    fn code(self) -> u16 {
        self.0
    }
}

handlers!(create, create);
handlers!(cookie, create, emit = cookie);
handlers!(load, load);

#[session(load)]
async fn rotate(mut session: Session<Careful>, Path(code): Path<u16>) -> StatusCode {
    session.rotate().unwrap();
    status(code)
}

#[session(load)]
async fn show(session: Session<Careful>) -> String {
    session.items.len().to_string()
}

/// Middleware that writes before its inner handler runs.
#[session(create)]
async fn write(mut session: Session<Careful>, request: Request, next: Next) -> Response {
    session.items.push("of the middleware".to_owned());
    next.run(request).await
}

async fn alone(Path(code): Path<u16>) -> StatusCode {
    status(code)
}

fn app() -> Router {
    let inside = Router::new()
        .route("/middleware/{code}", get(alone))
        .layer(from_fn(write));
    Router::new()
        .nest("/create", create::router())
        .nest("/cookie", cookie::router())
        .nest("/load", load::router())
        .route("/rotate/{code}", get(rotate))
        .route("/show", get(show))
        .merge(inside)
}

struct Axum(Router);

impl Framework for Axum {
    const FORMS: &'static [&'static str] = &[
        "plain", "err", "call", "wrapped", "typed", "bailed", "generic",
    ];

    async fn send(&self, path: &str, header: Option<(&str, &str)>) -> Answer {
        let mut request = Request::get(path).header("host", "shop.example.com");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        let (head, body) = self.0.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let headers: HeaderMap = head.headers;
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer::new(head.status.as_u16(), &headers, body)
    }
}

#[tokio::test]
async fn row_42b_the_status_decides() {
    every_form(&Axum(app()), None).await;
    rotation(&Axum(app())).await;
}

#[tokio::test]
async fn row_42b_the_status_decides_below_the_layer() {
    let store = store();
    let app = Axum(app().layer(Careful::layer().with_store(store.clone())));
    every_form(&app, Some(&store)).await;
    failing_store(&app, &store).await;
}

#[tokio::test]
async fn row_42b_middleware_sees_the_status_of_the_response_inside() {
    let app = Axum(app());
    for (code, stored) in [(200, true), (404, false)] {
        let answer = app.send(&format!("/middleware/{code}"), None).await;
        assert_eq!(answer.status, code);
        assert_eq!(answer.sids.len(), usize::from(stored), "{code}");
    }
}
