//! An API for browsers: a header session for an application on another origin, and a cookie session
//! for this site's own pages and one trusted origin.
//!
//! `cargo run --example browser_api`, and follow what it prints. `PORT` sets the port (default 3000),
//! `APP_ORIGIN` the origin of the application (default `https://app.shop.example`), and `TRUSTED_PROXY`
//! the headers of a proxy in front of it (`forwarded` or `x_forwarded`).

use axum::extract::Form;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use connect_session::{Error, Session, TrustedProxy, session, session_config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_http::cors::CorsLayer;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

session_config! {
    /// The application's sessions. Its script keeps the sid and sends it in a header, which a page
    /// of another origin cannot forge.
    struct App {
        data: Cart,
        loaders: [header("X-User-Session")],
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Settings {
    theme: String,
}

session_config! {
    /// The site's sessions, in a cookie that scripts cannot read. Browsers send it with requests
    /// from any site, so unsafe methods are accepted only from this origin and the listed ones.
    struct Site {
        data: Settings,
        loaders: [cookie("__Host-sid")],
    }
}

#[session(create)]
async fn open(session: Session<App>) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({ "id": session.id() })))
}

#[session(load)]
async fn cart(session: Session<App>) -> Json<Value> {
    Json(json!({ "items": session.items }))
}

#[session(load)]
async fn add_item(mut session: Session<App>, item: String) -> Json<Value> {
    session.items.push(item);
    Json(json!({ "items": session.items }))
}

#[session(load)]
async fn close(session: Session<App>) -> Result<StatusCode, Error> {
    session.destroy().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of this origin. Its forms need neither a script nor a CSRF token.
async fn page() -> Html<&'static str> {
    Html(
        r#"<!doctype html><title>Shop</title>
<form method="post" action="/login"><input name="user"> <button>Log in</button></form>
<form method="post" action="/theme"><input name="theme"> <button>Set the theme</button></form>
<form method="post" action="/logout"><button>Log out</button></form>
"#,
    )
}

#[derive(Deserialize)]
struct Login {
    user: String,
}

/// A real program checks a password here.
#[session(create)]
async fn login(mut session: Session<Site>, Form(login): Form<Login>) -> Result<Redirect, Error> {
    session.login(login.user)?;
    Ok(Redirect::to("/profile"))
}

#[session(load)]
async fn profile(session: Option<Session<Site>>) -> Json<Value> {
    Json(match session {
        Some(session) => json!({ "user": session.subject(), "theme": session.theme }),
        None => json!({ "user": null }),
    })
}

#[session(load)]
async fn set_theme(mut session: Session<Site>, Form(settings): Form<Settings>) -> Redirect {
    session.theme = settings.theme;
    Redirect::to("/profile")
}

#[session(load)]
async fn logout(session: Session<Site>) -> Result<Redirect, Error> {
    session.destroy().await?;
    Ok(Redirect::to("/"))
}

/// Lets the application's origin call the API. The library adds the sid's header to
/// `Access-Control-Expose-Headers` itself; `expose_headers` here would replace that.
fn cors(app: HeaderValue) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(app)
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([CONTENT_TYPE, HeaderName::from_static("x-user-session")])
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = std::env::var("APP_ORIGIN").unwrap_or("https://app.shop.example".to_owned());
    let trusted_proxy = match std::env::var("TRUSTED_PROXY").as_deref() {
        Ok("forwarded") => Some(TrustedProxy::Forwarded),
        Ok("x_forwarded") => Some(TrustedProxy::XForwarded),
        Ok(other) => return Err(format!("TRUSTED_PROXY cannot be {other:?}").into()),
        Err(_) => None,
    };
    Site::configure(|options| {
        options.allow_origins([&*app]);
        options.trusted_proxy = trusted_proxy;
    })?;
    App::start().await?;
    Site::start().await?;
    let router = Router::new()
        .route("/sessions", post(open))
        .route("/sessions/current", get(cart).delete(close))
        .route("/items", post(add_item))
        .route("/", get(page))
        .route("/login", post(login))
        .route("/profile", get(profile))
        .route("/theme", post(set_theme))
        .route("/logout", post(logout))
        .layer(cors(app.parse()?));

    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let base = format!("http://{}", listener.local_addr()?);
    println!("listening on {base}\n");
    println!(
        "  open http://localhost:{} in a browser, or",
        listener.local_addr()?.port()
    );
    println!("  curl -i -H 'Origin: {app}' -X POST {base}/sessions");
    axum::serve(listener, router).await?;
    Ok(())
}
