//! Two kinds of session in one application: a device sends its sid in a header, a user's browser
//! sends another one in a cookie. Neither sid opens the other session.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use connect_session::{Error, Session, SessionView, session, session_config};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Device {
    model: String,
    syncs: u64,
}

session_config! {
    /// A device's session: up to 90 days idle, with its own header.
    #[allow(deprecated, reason = "the 30 days of NIST SP 800-63B are for people")]
    struct Devices {
        data: Device,
        loaders: [header("X-Device-Session")],
        idle_timeout: 90d,
        absolute_timeout: 365d,
        merge: { syncs: add },
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Profile {
    theme: String,
}

session_config! {
    /// A browser user's session, in a cookie that scripts cannot read.
    struct Users {
        data: Profile,
        loaders: [cookie("__Host-sid", same_site = Strict)],
        idle_timeout: 30m,
        absolute_timeout: 12h,
    }
}

#[session(create)]
async fn register(mut session: Session<Devices>, model: String) -> (StatusCode, String) {
    session.model = model;
    (
        StatusCode::CREATED,
        session.sid().map(|sid| sid.expose()).unwrap_or_default(),
    )
}

/// Loads the device's session and, if the request carries one, a read-only view of the user's.
#[session(load)]
async fn sync(mut session: Session<Devices>, user: Option<SessionView<Users>>) -> String {
    session.syncs += 1;
    let user = user.and_then(|user| user.subject().map(str::to_owned));
    format!(
        "{} for {}\n",
        session.model,
        user.as_deref().unwrap_or("nobody")
    )
}

#[session(create)]
async fn login(mut session: Session<Users>, user: String) -> Result<String, Error> {
    session.login(user)?;
    Ok("welcome\n".to_owned())
}

#[session(load)]
async fn theme(mut session: Session<Users>, theme: String) -> String {
    session.theme = theme;
    format!(
        "{} likes {}\n",
        session.subject().unwrap_or("nobody"),
        session.theme
    )
}

#[session(load)]
async fn logout(session: Session<Users>) -> Result<StatusCode, Error> {
    session.destroy().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Devices::start().await?;
    Users::start().await?;
    let app = Router::new()
        .route("/devices", post(register))
        .route("/devices/sync", post(sync))
        .route("/login", post(login))
        .route("/theme", post(theme))
        .route("/logout", post(logout))
        .route(
            "/",
            get(|| async { "POST /devices, /devices/sync, /login, /theme, /logout\n" }),
        );
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let base = format!("http://{}", listener.local_addr()?);
    println!("listening on {base}\n");
    println!("  DEVICE=$(curl -s -d phone {base}/devices)");
    println!("  curl -s -c jar -d ada {base}/login");
    println!("  curl -s -b jar -H \"X-Device-Session: $DEVICE\" -X POST {base}/devices/sync");
    axum::serve(listener, app).await?;
    Ok(())
}
