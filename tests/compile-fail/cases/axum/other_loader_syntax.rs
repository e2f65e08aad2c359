//! Loaders and cookies as other libraries write them.

use connect_session::{session, session_config};

fn find(_: &str) -> Option<String> {
    None
}

async fn find_later(_: &connect_session::RequestHead<'_>) -> Option<String> {
    None
}

session_config! {
    pub struct Words {
        loaders: ["X-User-Session", "bearer", SidSource::Bearer, crate::find, cookie("__Host-sid").secure(true)],
    }
}

session_config! {
    pub struct Cookies {
        loaders: [
            cookie("__Host-a", httpOnly = true, maxAge = 60, Secure, signed),
            cookie(name = "sid"),
            cookie("__Host-b", same_site = SameSite::Lax),
            cookie("__Host-c", same_site = "strict"),
            query("d", allow_in_urls = "download links cannot set headers"),
        ],
    }
}

session_config! {
    pub struct Functions {
        loaders: [custom(find), custom(find_later)],
        on_event: find,
    }
}

#[session(load, loaders = [header("X-A"), bearer])]
async fn one(session: connect_session::Session) -> String {
    session.id().to_string()
}

#[session(load, X-User-Session)]
async fn two(session: connect_session::Session) -> String {
    session.id().to_string()
}

fn main() {}
