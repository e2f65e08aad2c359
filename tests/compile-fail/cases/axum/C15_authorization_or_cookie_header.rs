//! A header that has a loader of its own.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        loaders: [header("Authorization"), header("cookie")],
    }
}

fn main() {}
