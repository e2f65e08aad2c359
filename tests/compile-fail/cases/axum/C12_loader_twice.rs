//! A loader that occurs twice.

use connect_session::session_config;

const NAME: &str = "x-user-session";

session_config! {
    pub struct Shop {
        loaders: [header("X-User-Session"), bearer, header("x-user-session"), bearer, cookie("__Host-sid"), cookie("__Host-sid")],
    }
}

session_config! {
    pub struct Blog {
        loaders: [header("X-User-Session"), header(NAME)],
    }
}

fn main() {}
