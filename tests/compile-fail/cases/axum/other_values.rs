//! Values of other libraries, and constants of another type.

use connect_session::{Session, session, session_config};

const SECONDS: u64 = 1800;

session_config! {
    pub struct Shop {
        idle_timeout: 1800,
        absolute_timeout: never,
        touch_every: 60 * 5,
        renew_every: Some(10m),
        max_size: None,
        namespace: my-shop,
        on_event: "log",
        crate: "connect_session",
    }
}

session_config! {
    pub struct Blog {
        idle_timeout: SECONDS,
        loaders: [header(X-User-Session), header(SECONDS), query("sid", "links"), bearer("token")],
        emit: "header",
    }
}

session_config! {
    pub struct Forum { trusted_proxy: "10.0.0.0/8" }
}

session_config! {
    pub struct Wiki { trusted_proxy: x-forwarded }
}

session_config! {
    pub struct Mail { trusted_proxy: true }
}

session_config! {
    pub struct News { trusted_proxy: xforwarded, trust_proxy: true }
}

#[session(load, header = X-User-Session)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

#[session(load, header = ["X-User-Session", "X-Device-Session"])]
async fn two(session: Session) -> String {
    session.id().to_string()
}

fn main() {}
