//! A page for administrators beside an API: the staff logs in with a cookie, the customers' sessions travel in a header.
//!
//! `ADMIN_PASSWORD=… cargo run -p admin-page`, and open what it prints. `PORT` sets the port (default 3000).
//!
//! What is left out: a password for each member of the staff, stored as a hash, and limits on the rate of guesses; see
//! the example `devices`.

use std::sync::Arc;

use axum::extract::{Form, Json, State};
use axum::http::{Request, StatusCode};
use axum::response::{Html, Redirect, Result};
use axum::routing::{get, post};
use axum::{Router, serve};
use connect_session::admin::Access;
use connect_session::{Error, Session, SessionView, session, session_config};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
    visits: u64,
}

session_config! {
    /// The sessions of the customers.
    struct Shop {
        data: Cart,
        loaders: [header("X-User-Session")],
        idle_timeout: 30m,
        absolute_timeout: 12h,
    }
}

session_config! {
    /// The sessions of the staff.
    struct Staff {
        loaders: [cookie("__Host-staff")],
        idle_timeout: 15m,
        absolute_timeout: 8h,
    }
}

/// Who may use the page: the staff may end sessions, and auditors may only see them.
async fn staff(head: Request<()>) -> Result<Access, Error> {
    let session = SessionView::<Staff>::of_request(&head).await?;
    Ok(match session.as_ref().and_then(SessionView::subject) {
        Some("auditor") => Access::Read,
        Some(_) => Access::ReadAndEnd,
        None => Access::Denied,
    })
}

#[derive(Deserialize)]
struct Customer {
    name: String,
    device: String,
    items: Vec<String>,
}

/// A customer logs in, and gets the sid in `X-User-Session`. A real shop asks for a password.
#[session(create)]
async fn open(mut session: Session<Shop>, Json(customer): Json<Customer>) -> Result<StatusCode> {
    session.items = customer.items;
    session.visits = 1;
    session.login(customer.name)?;
    session.label(customer.device);
    Ok(StatusCode::CREATED)
}

/// Without `Debug`, so that no log shows a password.
#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

#[session(create)]
async fn log_in(
    mut session: Session<Staff>,
    State(password): State<Arc<str>>,
    Form(given): Form<Credentials>,
) -> Result<Redirect> {
    if given.password != *password {
        return Err((StatusCode::FORBIDDEN, "wrong password").into());
    }
    session.login(given.name)?;
    Ok(Redirect::to("/admin"))
}

async fn log_in_page() -> Html<&'static str> {
    Html(
        r#"<!doctype html><html lang="en"><title>Log in</title><h1>Log in</h1>
        <form method="post"><label>Name <input name="name" required></label>
        <label>Password <input name="password" type="password" required></label>
        <button>Log in</button></form></html>"#,
    )
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let password = std::env::var("ADMIN_PASSWORD").map_err(|_| "set ADMIN_PASSWORD")?;
    Shop::start().await?;
    Staff::start().await?;
    let app = Router::new()
        .route("/sessions", post(open))
        .route("/log-in", get(log_in_page).post(log_in))
        .nest_service("/admin", Shop::admin(staff).show(["visits"]))
        .with_state(Arc::from(password));
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}\n");
    // Browsers keep a `__Host-` cookie of http only if it is from localhost.
    println!("  open http://localhost:{}/log-in", address.port());
    serve(listener, app).await?;
    Ok(())
}
