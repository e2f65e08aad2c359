//! "Your devices": sign-up and login with a password, the list of a user's devices, "log out all others",
//! and one-time codes for what is dangerous.
//!
//! `cargo run -p devices`, and open what it prints in two browsers. `PORT` sets the port (default 3000).
//!
//! What is left out: limits on the rate of requests per client, without which passwords can be guessed
//! quickly, a way back for a user who has lost the password or the authenticator app, and a database.

mod pages;
#[cfg(test)]
mod tests;
mod users;

use axum::extract::{Form, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::routing::{get, post};
use axum::{Router, body::Body};
use connect_session::{LoggedIn, Session, SessionId, session, session_config};
use maud::Markup;
use serde::Deserialize;
use users::Users;

session_config! {
    /// The sessions of the users, one for each browser. A login on a sixth device ends the session with the
    /// earliest login. A logout makes the browser delete what it keeps of this site.
    struct Account {
        loaders: [cookie("__Host-sid", clear_site_data)],
        idle_timeout: 30m,
        absolute_timeout: 12h,
        max_sessions: 5,
    }
}

/// Without `Debug`, so that no log shows a password.
#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

#[derive(Deserialize)]
struct Password {
    password: String,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[session(create)]
async fn sign_up(
    mut session: Session<Account>,
    State(users): State<Users>,
    headers: HeaderMap,
    Form(Credentials { name, password }): Form<Credentials>,
) -> Result<Redirect> {
    if name.trim().is_empty() || name.len() > 64 {
        let reason = "a name has 1 to 64 bytes";
        return Err((StatusCode::UNPROCESSABLE_ENTITY, reason).into());
    }
    let hash = hash_of_new(password).await?;
    if !users.add(&name, hash) {
        return Err((StatusCode::CONFLICT, "somebody has this name").into());
    }
    session.login(name)?;
    session.label(device_name(&headers));
    Ok(Redirect::to("/"))
}

/// The login begins before the password is checked: if it is changed meanwhile, `end_others` refuses this
/// login, which may have checked the old one.
#[session(create)]
async fn log_in(
    mut session: Session<Account>,
    State(users): State<Users>,
    headers: HeaderMap,
    Form(Credentials { name, password }): Form<Credentials>,
) -> Result<Redirect> {
    let attempt = session.begin_login(&name).await?;
    if !users.verify(&name, password).await? {
        // Nobody learns which of the two it is. As an `Err`, it stores no session.
        return Err((StatusCode::FORBIDDEN, "wrong name or password").into());
    }
    session.login(attempt)?;
    session.label(device_name(&headers));
    Ok(Redirect::to("/"))
}

#[session(load)]
async fn home(session: Option<LoggedIn<Account>>) -> Result<Markup> {
    let Some(session) = session else {
        return Ok(pages::welcome());
    };
    // At most 100 are listed at once, and `max_sessions` is 5.
    let devices = session.of_user().list().await?.sessions;
    Ok(pages::devices(session.subject(), &devices))
}

/// The id may come from the client, because `end` looks among the sessions of this user only. With `fresh`,
/// a thief who has only the cookie cannot log out its owner.
#[session(load, fresh = 5m)]
async fn end_device(session: LoggedIn<Account>, Path(id): Path<SessionId>) -> Result<Redirect> {
    session.of_user().end(id).await?;
    Ok(Redirect::to("/"))
}

#[session(load, fresh = 5m)]
async fn log_out_others(session: LoggedIn<Account>) -> Result<Redirect> {
    session.end_others().await?;
    Ok(Redirect::to("/"))
}

#[session(load)]
async fn log_out(session: Option<Session<Account>>) -> Result<Redirect> {
    if let Some(session) = session {
        session.destroy().await?;
    }
    Ok(Redirect::to("/"))
}

/// First the password, then the sessions: a login that begins between the two checks the new one.
#[session(load, fresh = 5m)]
async fn change_password(
    mut session: LoggedIn<Account>,
    State(users): State<Users>,
    Form(Password { password }): Form<Password>,
) -> Result<Redirect> {
    users.set_password(session.subject(), hash_of_new(password).await?);
    session.end_others().await?;
    // Somebody may have a copy of this device's cookie, too.
    session.rotate()?;
    Ok(Redirect::to("/"))
}

/// The script asks for the password if a handler with `fresh` responds with `reauthentication-required`.
#[session(load)]
async fn reauthenticate(
    mut session: LoggedIn<Account>,
    State(users): State<Users>,
    Form(Password { password }): Form<Password>,
) -> Result<StatusCode> {
    if !users.verify(session.subject(), password).await? {
        return Err((StatusCode::FORBIDDEN, "wrong password").into());
    }
    session.reauthenticate()?;
    Ok(StatusCode::NO_CONTENT)
}

/// The script asks for a code if a handler with `level = 2` responds with `step-up-required`.
#[session(load)]
async fn step_up(
    mut session: LoggedIn<Account>,
    State(users): State<Users>,
    Form(Code { code }): Form<Code>,
) -> Result<StatusCode> {
    let used = users.use_code(session.subject(), code.trim());
    used.map_err(|reason| (StatusCode::FORBIDDEN, reason))?;
    session.step_up(2)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows the secret only shortly after the password, and only until a code has confirmed it.
#[session(load, fresh = 5m)]
async fn codes(session: LoggedIn<Account>, State(users): State<Users>) -> Markup {
    pages::codes(users.unconfirmed_secret(session.subject()).as_deref())
}

#[session(load, fresh = 5m)]
async fn set_up_codes(session: LoggedIn<Account>, State(users): State<Users>) -> Redirect {
    users.set_up_codes(session.subject());
    Redirect::to("/codes")
}

#[session(load, level = 2)]
async fn close_account_page(session: LoggedIn<Account>) -> Markup {
    pages::close_account(session.subject())
}

#[session(load, level = 2, fresh = 5m)]
async fn close_account(session: LoggedIn<Account>, State(users): State<Users>) -> Result<Redirect> {
    users.remove(session.subject());
    session.end_others().await?;
    session.destroy().await?;
    Ok(Redirect::to("/"))
}

async fn hash_of_new(password: String) -> Result<String> {
    // NIST SP 800-63B-4, 3.1.1.2, if a second factor is possible. A real program also refuses common ones.
    if !(8..=256).contains(&password.chars().count()) {
        let reason = "a password has 8 to 256 characters";
        return Err((StatusCode::UNPROCESSABLE_ENTITY, reason).into());
    }
    Ok(users::hash(password).await?)
}

fn device_name(headers: &HeaderMap) -> String {
    let user_agent = headers.get(USER_AGENT);
    pages::device_name(user_agent.map_or("", |value| value.to_str().unwrap_or_default()))
}

/// A request of a script gets the problem document of the 401. A browser that navigates gets an HTML page instead,
/// whose script asks the user for what the problem says is missing.
async fn ask_in_a_page(request: Request, next: Next) -> Response {
    let mode = request.headers().get("sec-fetch-mode");
    let is_page = request.method() == Method::GET && mode.is_some_and(|mode| mode == "navigate");
    let mut response = next.run(request).await;
    if is_page && response.status() == StatusCode::UNAUTHORIZED {
        let (head, body) = pages::prove().into_response().into_parts();
        *response.body_mut() = body;
        response.headers_mut().remove("content-length");
        response.headers_mut().extend(head.headers);
    }
    response
}

/// No cache keeps what belongs to a user, and a page runs no script but its own.
async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let policy = "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'; \
                  base-uri 'none'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

async fn script() -> impl IntoResponse {
    let script = Body::from(include_str!("ask.js"));
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], script)
}

fn app(users: Users) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/ask.js", get(script))
        .route("/sign-up", post(sign_up))
        .route("/log-in", post(log_in))
        .route("/log-out", post(log_out))
        .route("/log-out-others", post(log_out_others))
        .route("/devices/{id}/end", post(end_device))
        .route("/password", post(change_password))
        .route("/reauthenticate", post(reauthenticate))
        .route("/step-up", post(step_up))
        .route("/codes", get(codes).post(set_up_codes))
        .route(
            "/close-account",
            get(close_account_page).post(close_account),
        )
        .layer(middleware::from_fn(ask_in_a_page))
        .layer(middleware::from_fn(protect))
        .with_state(users)
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    Account::start().await?;
    let users = Users::new().await.map_err(|status| status.to_string())?;
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}\n");
    // Browsers keep a `__Host-` cookie of http only if it is from localhost.
    println!("  open http://localhost:{} in two browsers", address.port());
    axum::serve(listener, app(users)).await?;
    Ok(())
}
