//! Names from other libraries and languages.

use connect_session::{Session, session, session_config};

session_config! {
    pub struct Shop {
        timeout: 30,
        maxAge: 3600,
        expires: 30m,
        secure: true,
        cookie_name: "sid",
        rolling: true,
        saveUninitialized: false,
        prefix: "sess:",
        secret: "keyboard cat",
        idleTimeout: 30m,
        url: "redis://localhost",
    }
}

#[session(load, Shop)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

#[session(mode = "load")]
async fn two(session: Session) -> String {
    session.id().to_string()
}

#[session(load, axum, ttl = 30m, required = false)]
async fn three(session: Session) -> String {
    session.id().to_string()
}

fn main() {}
