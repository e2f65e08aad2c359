//! Expanded code causes no warnings, even if a crate forbids every lint.

#![deny(
    warnings,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    meta_variable_misuse,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    redundant_lifetimes,
    rust_2018_idioms,
    rust_2024_compatibility,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unsafe_code,
    unused,
    unused_extern_crates,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]

use std::time::Duration;

use connect_session::store::MemoryStore;
use connect_session::{Error, Session, session, session_config};

const IDLE: Duration = Duration::from_secs(61);
const NAME: &str = "X-Device-Session";

/// The session's data.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    /// The number of visits.
    pub visits: u64,
}

session_config! {
    /// With a merge rule, a constant, and the default store.
    pub struct Shop {
        data: Cart,
        idle_timeout: IDLE,
        loaders: [header(NAME), cookie("__Host-sid", persistent)],
        merge: { visits: add },
    }
}

session_config! {
    /// With a store.
    pub(crate) struct Blog {
        store: MemoryStore<connect_session::Untyped> = MemoryStore::default(),
    }
}

/// A handler of a public module.
#[session(create, emit = cookie)]
pub async fn open(mut session: Session<Shop>) -> String {
    session.visits += 1;
    session.visits.to_string()
}

#[session(load, header = NAME, bearer)]
async fn close(session: Option<Session<Blog>>) -> Result<(), Error> {
    match session {
        Some(session) => session.destroy().await,
        None => Ok(()),
    }
}

async fn find(id: u64) -> Result<String, Error> {
    std::future::ready(Ok(id.to_string())).await
}

#[session(load)]
async fn hidden(mut session: Session<Shop>) -> impl axum::response::IntoResponse {
    session.visits += 1;
    find(session.visits).await
}

#[session(load)]
async fn half_hidden(
    session: Session<Shop>,
) -> Result<impl axum::response::IntoResponse, Error> {
    let found = find(session.visits).await?;
    Ok((http::StatusCode::OK, found))
}

/// An `impl` that is nested in the return type, and a body of one line.
#[session(load)]
async fn nested(
    session: Session<Shop>,
) -> (http::StatusCode, impl axum::response::IntoResponse) {
    (http::StatusCode::OK, session.id().to_string())
}

#[session(load)]
async fn only(_session: Session<Shop>) -> impl axum::response::IntoResponse {
    find(1).await
}

#[session(load, http)]
async fn plain(session: Session<Shop>, request: http::Request<String>) -> http::Response<String> {
    drop(session);
    http::Response::new(request.into_body())
}

fn main() {
    let _router: axum::Router = axum::Router::new()
        .route("/open", axum::routing::get(open))
        .route("/close", axum::routing::get(close))
        .route("/hidden", axum::routing::get(hidden))
        .route("/half", axum::routing::get(half_hidden))
        .route("/nested", axum::routing::get(nested))
        .route("/only", axum::routing::get(only));
    let request = http::Request::new(String::new());
    drop(plain(request));
}
