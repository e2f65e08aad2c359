//! An invalid header name.

use connect_session::session_config;

const NAME: &str = "X User";

session_config! {
    pub struct Shop {
        loaders: [header("X User"), header(""), header("1-Session"), header("X_User_Session"), header("X-Größe"), header("X.Session")],
    }
}

session_config! {
    pub struct Blog {
        loaders: [header(NAME)],
    }
}

fn main() {}
