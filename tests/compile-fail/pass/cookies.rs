//! Cookies that compile, one token away from those that `session_config!` rejects, with their rows.

use connect_session::{Session, session, session_config};

const NAME: &str = "__Secure-sid";
const ORIGIN: &str = "https://app.example.com";

session_config! {
    pub struct Shop {
        loaders: [
            // C16, C17
            cookie("__Host-sid", path = "/", same_site = Strict, partitioned, persistent),
        ],
        emit: cookie,           // C24
        absolute_timeout: 30d,
    }
}

session_config! {
    #[allow(deprecated)] // more than 30 days, W01
    pub struct Long {
        loaders: [cookie("__Host-sid", persistent)],
        absolute_timeout: 400d, // C07
    }
}

session_config! {
    pub struct Blog {
        loaders: [
            // C17, C18, C19, C21
            cookie(NAME, domain = "example.com", path = "/api", same_site = None),
            // C22
            cookie("sid", insecure = "local development over http", same_site = Lax),
            // C20, C21
            cookie("__Host-sid2", secure, partitioned = false, origins = [ORIGIN, "http://localhost:3000"]),
            // C34
            cookie("__Host-sid3", clear_site_data, cross_origin = off("every client sends a token of its own")),
            // C46
            cookie("sid4", unprefixed = "old clients know this name"),
            header("X-User-Session"),
        ],
        emit: header,           // C24
    }
}

// C46
#[session(load, cookie = "sid", unprefixed = "old clients know this name", cookie = "__Host-sid")]
pub async fn read(session: Session) -> String {
    session.id().to_string()
}

fn main() {}
