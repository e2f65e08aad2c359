//! The framework's maximum number of arguments, name collisions, and every kind of return type.

use axum::extract::{Json, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, Version};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Extension, Router};
use connect_session::{Error, Session, SessionView, session};

type Any = Extension<u8>;

#[session(create)]
async fn sixteen(
    _1: Method,
    _2: Uri,
    _3: Version,
    _4: HeaderMap,
    _5: State<u8>,
    _6: Query<Vec<(String, String)>>,
    _7: Any,
    mut session: Session,
    _9: Any,
    _10: Any,
    _11: Any,
    _12: Any,
    _13: Any,
    _14: Option<SessionView>,
    _15: Any,
    Json(body): Json<String>,
) -> Result<String, Error> {
    session.insert("body", body)?;
    Ok(session.id().to_string())
}

#[session(load)]
async fn session_named(session_named: Session) -> String {
    session_named.id().to_string()
}

#[session(load)]
async fn path(Query(path): Query<Vec<(u8, u8)>>, session: Session) -> impl IntoResponse {
    (StatusCode::OK, format!("{} {path:?}", session.id()))
}

#[session(load)]
async fn uri(session: Option<Session>, uri: Uri) -> Result<impl IntoResponse, StatusCode> {
    session.map(|_| uri.to_string()).ok_or(StatusCode::NOT_FOUND)
}

type Outcome<T> = Result<T, (StatusCode, &'static str)>;

#[session(load)]
async fn through_an_alias(session: Session) -> Outcome<Redirect> {
    if session.is_new() {
        return Err((StatusCode::CONFLICT, "new"));
    }
    Ok(Redirect::to("/"))
}

#[session(load)]
async fn deferred(session: Session) -> axum::response::Response {
    tokio::task::yield_now().await;
    session.id().to_string().into_response()
}

fn main() {
    let _: Router = Router::new()
        .route("/16", post(sixteen))
        .route("/a", get(session_named))
        .route("/b", get(path))
        .route("/c", get(uri))
        .route("/d", get(through_an_alias))
        .route("/e", get(deferred))
        .with_state(1_u8);
}
