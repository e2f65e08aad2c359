//! A header that has another meaning.

use connect_session::session_config;

const NAME: &str = "Accept";

session_config! {
    pub struct Shop {
        loaders: [
            header("Host"),
            header("Sec-Session"),
            header("Content-Type"),
            header("X-Forwarded-Session"),
            header("If-Match"),
        ],
    }
}

session_config! {
    pub struct Blog {
        loaders: [header(NAME)],
    }
}

fn main() {}
