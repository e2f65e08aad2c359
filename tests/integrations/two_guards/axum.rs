//! axum: `from_fn` around a handler, with and without the layer.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use connect_session::store::MemoryStore;
use connect_session::testing::FakeClock;
use connect_session::{Session, SessionView, session};
use http::HeaderMap;
use tower::ServiceExt as _;

use super::model::{Fields, Place};
use super::reference_store::EncodedStore;
use super::{
    Failure, Framework, Guarded, Reply, Steps, act_if, every_combination, fail_if, inner, seen,
    seen_in_view,
};

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.status().into_response()
    }
}

async fn outer(
    session: Option<Session<Guarded>>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let steps = Steps::in_headers(request.headers());
    let session = act_if(!steps.acts_after, session, steps.outer, Place::Outer).await?;
    let response = next.run(request).await;
    let _session = act_if(steps.acts_after, session, steps.outer, Place::Outer).await?;
    fail_if(steps.outer_fails)?;
    Ok(response)
}

#[session(create)]
async fn outer_create(
    session: Session<Guarded>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    outer(Some(session), request, next).await
}

#[session(load)]
async fn outer_load(
    session: Session<Guarded>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    outer(Some(session), request, next).await
}

#[session(load)]
async fn outer_optional(
    session: Option<Session<Guarded>>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    outer(session, request, next).await
}

async fn outer_view(
    _view: Option<SessionView<Guarded>>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    outer(None, request, next).await
}

#[session(create)]
async fn inner_create(session: Session<Guarded>, headers: HeaderMap) -> Result<String, Failure> {
    inner(Some(session), &headers).await
}

#[session(load)]
async fn inner_load(session: Session<Guarded>, headers: HeaderMap) -> Result<String, Failure> {
    inner(Some(session), &headers).await
}

#[session(load)]
async fn inner_optional(
    session: Option<Session<Guarded>>,
    headers: HeaderMap,
) -> Result<String, Failure> {
    inner(session, &headers).await
}

async fn inner_view(
    view: Option<SessionView<Guarded>>,
    headers: HeaderMap,
) -> Result<String, Failure> {
    fail_if(Steps::in_headers(&headers).inner_fails)?;
    Ok(seen_in_view(view.as_ref()))
}

#[session(create)]
async fn seed(mut session: Session<Guarded>) {
    *session.data_mut() = Fields::seeded();
}

#[session(load)]
async fn show(session: Option<Session<Guarded>>) -> String {
    seen(session.as_ref())
}

fn handlers() -> Router {
    Router::new()
        .route("/create", get(inner_create))
        .route("/load", get(inner_load))
        .route("/optional", get(inner_optional))
        .route("/view", get(inner_view))
}

fn app() -> Router {
    Router::new()
        .route("/seed", get(seed))
        .route("/show", get(show))
        .nest("/create", handlers().layer(from_fn(outer_create)))
        .nest("/load", handlers().layer(from_fn(outer_load)))
        .nest("/optional", handlers().layer(from_fn(outer_optional)))
        .nest("/view", handlers().layer(from_fn(outer_view)))
}

struct Axum(Router);

impl Framework for Axum {
    async fn send(&self, path: &str, steps: &str, sid: Option<&str>) -> Reply {
        let mut request = Request::get(format!("/{path}")).header("x-steps", steps);
        if let Some(sid) = sid {
            request = request.header("x-user-session", sid);
        }
        let request = request.body(Body::empty()).unwrap();
        let (head, body) = self.0.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Reply::new(
            head.status,
            &head.headers,
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }
}

#[tokio::test]
async fn row_92_middleware_and_handler_share_the_session() {
    every_combination(&Axum(app())).await;
}

#[tokio::test]
async fn row_92_middleware_and_handler_share_the_session_below_the_layer() {
    let layer = Guarded::layer().with_store(MemoryStore::default());
    every_combination(&Axum(app().layer(layer))).await;
}

#[tokio::test]
async fn row_92_middleware_and_handler_share_a_session_that_is_stored_as_text() {
    let store = EncodedStore::new(FakeClock::new());
    let layer = Guarded::layer().with_store(store);
    every_combination(&Axum(app().layer(layer))).await;
}
