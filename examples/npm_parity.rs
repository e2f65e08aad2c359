//! The three test applications of npm `connect-session`, under `/logic`, `/usage` and `/maxage`,
//! for users who migrate from it. All of them use `X-User-Session`.
//!
//! One difference is intentional: loading an unknown or expired sid does not create a session.

use axum::Router;
use axum::routing::any;
use connect_session::{Session, session, session_config};
use serde::{Deserialize, Serialize};

#[session(create)]
async fn logic_new(session: Session) -> String {
    sid(&session)
}

#[session(load)]
async fn logic(session: Option<Session>) -> String {
    session.as_ref().map(sid).unwrap_or_default()
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Stored {
    property: String,
}

session_config! {
    /// Sessions with data.
    struct Usage {
        data: Stored,
    }
}

#[session(create)]
async fn usage(mut session: Session<Usage>) -> String {
    "Some value".clone_into(&mut session.property);
    session.sid().map(|sid| sid.expose()).unwrap_or_default()
}

#[session(load)]
async fn usage_get(session: Option<Session<Usage>>) -> String {
    session
        .map(|session| session.property.clone())
        .unwrap_or_default()
}

session_config! {
    /// Sessions with the same data that expire after one second.
    struct MaxAge {
        data: Stored,
        idle_timeout: 1s,
        absolute_timeout: 1s,
    }
}

#[session(create)]
async fn max_age(mut session: Session<MaxAge>) -> String {
    "Some value".clone_into(&mut session.property);
    session.sid().map(|sid| sid.expose()).unwrap_or_default()
}

#[session(load)]
async fn max_age_get(session: Option<Session<MaxAge>>) -> String {
    session
        .map(|session| session.property.clone())
        .unwrap_or_default()
}

fn sid(session: &Session) -> String {
    session.sid().map(|sid| sid.expose()).unwrap_or_default()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/logic/sessions/new", any(logic_new))
        .route("/logic", any(logic))
        .route("/logic/", any(logic))
        .route("/usage", any(usage))
        .route("/usage/", any(usage))
        .route("/usage/get", any(usage_get))
        .route("/maxage", any(max_age))
        .route("/maxage/", any(max_age))
        .route("/maxage/get", any(max_age_get));
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
