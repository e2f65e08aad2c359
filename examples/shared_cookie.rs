//! A cookie that the hosts of one domain share: `app.shop.example` and `api.shop.example` have the same
//! session. Any host of the domain can set a second cookie of its name. The API then answers once with
//! 400, and expires both.
//!
//! `PORT` sets the port (default 3000).

use axum::extract::Form;
use axum::routing::{get, post};
use axum::{Json, Router};
use connect_session::{Error, Session, session, session_config};
use serde::Deserialize;
use serde_json::{Value, json};

session_config! {
    /// The name cannot have the prefix `__Host-`, because the cookie has a domain.
    struct Domain {
        loaders: [cookie("__Secure-sid", domain = "shop.example")],
    }
}

#[derive(Deserialize)]
struct Login {
    user: String,
}

/// A real program checks a password here.
#[session(create)]
async fn login(
    mut session: Session<Domain>,
    Form(login): Form<Login>,
) -> Result<Json<Value>, Error> {
    session.login(&*login.user)?;
    Ok(Json(json!({ "user": login.user })))
}

#[session(load)]
async fn profile(session: Option<Session<Domain>>) -> Json<Value> {
    Json(json!({ "user": session.as_ref().and_then(Session::subject) }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/login", post(login))
        .route("/profile", get(profile));
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let base = format!("http://{}", listener.local_addr()?);
    println!("listening on {base}\n\n  curl -i -d user=ada {base}/login");
    axum::serve(listener, app).await?;
    Ok(())
}
