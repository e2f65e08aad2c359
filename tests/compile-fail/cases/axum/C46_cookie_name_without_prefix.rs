//! A cookie name without a prefix and without a reason.

use connect_session::{Session, session, session_config};

const NAME: &str = "sid";

session_config! {
    pub struct Shop {
        loaders: [cookie("sid"), cookie("app", domain = "example.com"), cookie("old", unprefixed = "")],
    }
}

session_config! {
    pub struct Blog {
        loaders: [
            cookie("__Host-sid", unprefixed = "old clients know this name"),
            cookie("dev", insecure = "local development", unprefixed = "local development"),
        ],
    }
}

session_config! {
    pub struct Wiki {
        loaders: [cookie(NAME, persistent)],
    }
}

#[session(load, cookie = "sid")]
pub async fn read(session: Session) -> String {
    session.id().to_string()
}

#[session(load, cookie = "__Host-sid", unprefixed = "old clients know this name")]
pub async fn list(session: Session) -> String {
    session.id().to_string()
}

fn main() {}
