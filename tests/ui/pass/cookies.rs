//! The neighbours of the cookies that `session_config!` refuses.

use connect_session::session_config;

const NAME: &str = "__Secure-sid";
const ORIGIN: &str = "https://app.example.com";

session_config! {
    pub struct Shop {
        loaders: [cookie("__Host-sid", path = "/", same_site = Strict, partitioned, persistent)],
        emit: cookie,
        absolute_timeout: 400d,
    }
}

session_config! {
    pub struct Blog {
        loaders: [
            cookie(NAME, domain = "example.com", path = "/api", same_site = None),
            cookie("sid", insecure = "local development over http", same_site = Lax),
            cookie("sid2", secure, partitioned = false, origins = [ORIGIN, "http://localhost:3000"]),
            cookie("sid3", cross_origin = off("every client sends a token of its own")),
            header("X-User-Session"),
        ],
        emit: header,
    }
}

fn main() {}
