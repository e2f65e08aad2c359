//! A loader that does not exist.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        loaders: [headr("X-User-Session"), authorization, body("sid"), "X-User-Session"],
    }
}

fn main() {}
